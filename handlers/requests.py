"""`requests`: which changes are asked for, which run, what became of the last ones; and all there is to one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.closing import seen_by
from bot.domain.actions import Need, Query, Setting, argument, option
from bot.domain.operations import WAITING, Operation, State
from bot.domain.targets import Scope
from bot.domain.view import Button, Buttons, Context, View, code, line
from bot.engine.cards import details_view, request_data, requests_view
from bot.errors import UsageError
from bot.named_requests import named_request
from bot.ports import OperationQuery, Sources

_MOST = 10
_HOUR_S = 3600
_ENDED = frozenset(state for state in State if state.final)


@dataclass(frozen=True, slots=True)
class Params:
    """Which request; without one, how far back to look for those that have ended."""

    request: str = argument("a request's id, as its card shows it: then all of that one", default="", metavar="REQUEST")
    since: int = option(
        "--hours", "how far back to list what has ended", default=24, metavar="HOURS", minimum=1, maximum=720
    )


@dataclass(frozen=True, slots=True)
class Seen:
    """The requests of a place: those that wait for somebody, those that run, and those that ended lately; or `one`."""

    scope: Scope
    waiting: Sequence[Operation] = ()
    running: Sequence[Operation] = ()
    ended: Sequence[Operation] = ()
    one: Operation | None = None


async def observe(params: Params, sources: Sources) -> Seen:
    operations, scope = sources.operations, sources.scope
    if operations is None:
        raise UsageError("Requests are kept in the bot's database, and there is none here: ask in chat.")
    if params.request:
        return Seen(scope=scope, one=await named_request(params.request, operations, sources, verb="requests"))
    running = {State.EXECUTING}
    doubt = OperationQuery(states=frozenset({State.UNKNOWN}), scope=scope, limit=_MOST)
    ended = OperationQuery(states=_ENDED, scope=scope, within_s=params.since * _HOUR_S, limit=_MOST)
    open_ = await operations.search(OperationQuery(states=WAITING | running, scope=scope, limit=5 * _MOST))
    doubtful = [each for each in await operations.search(doubt) if each.blocks]
    return Seen(
        scope=scope,
        # A doubt waits for somebody, too: for who looks, and says what became of it.
        waiting=[*doubtful, *(each for each in open_ if each.state in WAITING)],
        running=[each for each in open_ if each.state in running],
        ended=[each for each in await operations.search(ended) if not each.blocks],
    )


def render(params: Params, seen: Seen, setting: Setting) -> View:
    if seen.one is not None:
        return _details(seen.one, setting)
    view = requests_view(seen.waiting, seen.running, seen.ended, now=setting.now)
    lines = [line(f"{seen.scope}{seen_by(setting)}")]
    if seen.waiting:
        hint = (code("approve REQUEST"), ", ", code("deny REQUEST"), " and ", code("cancel REQUEST"))
        lines.append(line("Answer on the card, or with ", *hint, "."))
    again = Buttons((Button("Refresh", setting.command, replaces=True),))
    data = {"cluster": seen.scope.cluster, "namespace": seen.scope.namespace, "requests": view.data}
    return replace(view, blocks=(*view.blocks, Context(tuple(lines)), again), data=data)


def _details(operation: Operation, setting: Setting) -> View:
    view = details_view(operation)
    where = Context((line(f"{operation.plan.draft.target.scope}{seen_by(setting)}"),))
    return replace(view, blocks=(*view.blocks, where), data=request_data(operation))


ACTION = Query(
    name="requests",
    summary="List changes that are asked for, that run and that ended; or show all of one",
    params=Params,
    needs=frozenset({Need.CLUSTER, Need.RECORD, Need.RIGHTS}),
    observe=observe,
    render=render,
    examples=(
        ("requests", "what waits and runs now, and what ended in the last day"),
        ("requests --hours 168", "and in the last week"),
        ("requests 3f9a12c0", "all of one: the whole plan, what was looked at, and who agreed"),
    ),
)
