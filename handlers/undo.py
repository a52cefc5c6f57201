"""`undo`: bring back what a request found, as a new request that is planned on what is there now."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.actions import Change, Need, argument
from bot.domain.plans import Draft, Refusal
from bot.errors import UsageError
from bot.named_requests import named_request
from bot.planning.ground import NEEDS, ground, live_autoscalers, live_of
from bot.planning.undoing import Undoing, beyond, plan_undoing
from bot.ports import Sources


@dataclass(frozen=True, slots=True)
class Params:
    """What to undo."""

    request: str = argument("the request's id, as its card shows it")


Seen = Undoing | Refusal


async def observe(params: Params, sources: Sources) -> Seen:
    if sources.operations is None:
        raise UsageError("Without its database, ragops knows of no request to undo.")
    operation = await named_request(params.request, sources.operations, sources, verb="undo")
    if refused := beyond(operation):
        return refused
    target, watched = operation.plan.draft.target, operation.plan.draft.watch or operation.plan.draft.target.ref
    seen = await ground(sources.request.text, f"{watched.kind.lower()}/{watched.name}", sources)
    live = seen.live if target.ref == seen.ref else await live_of(sources, target.ref)
    return Undoing(operation=operation, ground=seen, live=live, autoscalers=await live_autoscalers(seen, sources))


def plan(params: Params, seen: Seen) -> Draft | Refusal:
    del params
    return seen if isinstance(seen, Refusal) else plan_undoing(seen)


ACTION = Change(
    name="undo",
    summary="Bring back what a request found, if nothing was changed since",
    params=Params,
    needs=NEEDS | {Need.RIGHTS},
    observe=observe,
    plan=plan,
    examples=(("undo 3f9a12c0", "a new request, planned on what is there now and approved like any other"),),
)
