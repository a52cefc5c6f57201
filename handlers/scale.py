"""`scale`: another number of pods; where an autoscaler sets the number, its bounds are moved instead."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.actions import Change, argument, option
from bot.domain.live import Live
from bot.domain.objects import Autoscaler
from bot.domain.plans import Draft, Refusal
from bot.domain.snapshot import Snapshot
from bot.domain.targets import ObjectRef
from bot.errors import UsageError
from bot.lookup import find_thing, find_workload
from bot.planning.ground import NEEDS, Ground, ground_of, live_autoscalers, survey
from bot.planning.sizes import Size, plan_size
from bot.ports import Sources

_AUTOSCALER_WORDS = ("hpa/", "autoscaler/", "horizontalpodautoscaler/")


@dataclass(frozen=True, slots=True)
class Params:
    """Which workload, and how many pods; or between which bounds its autoscaler keeps them."""

    workload: str = argument("a service of the catalogue, a workload's name, or hpa/NAME", names_service=True)
    replicas: int | None = argument("how many pods", default=None, metavar="PODS")
    minimum: int | None = option("--min", "the autoscaler's minimum", default=None, metavar="PODS", minimum=1)
    maximum: int | None = option("--max", "the autoscaler's maximum", default=None, metavar="PODS", minimum=1)


@dataclass(frozen=True, slots=True)
class Seen:
    """The workload, and the autoscalers that are for it, as they are now."""

    ground: Ground
    autoscalers: tuple[Live, ...]


async def observe(params: Params, sources: Sources) -> Seen:
    _check(params)

    def known(snapshot: Snapshot) -> None:
        _meant(params, snapshot, sources)

    report = await survey(sources, known)
    ref = _meant(params, report.snapshot, sources)
    ground = await ground_of(ref, report, sources, said=sources.request.text, word=params.workload)
    return Seen(ground, await live_autoscalers(ground, sources))


def _check(params: Params) -> None:
    """Raise `UsageError` for words that contradict each other."""
    bounds = params.minimum is not None or params.maximum is not None
    if params.replicas is None and not bounds:
        raise UsageError("scale needs the number of pods, or --min and --max for an autoscaler.")
    if params.replicas is not None and bounds:
        raise UsageError("scale takes either the number of pods, or --min and --max for an autoscaler.")
    if params.replicas is not None and params.replicas < 0:
        raise UsageError("The number of pods must be at least 0.")


def _meant(params: Params, snapshot: Snapshot, sources: Sources) -> ObjectRef:
    """Return the workload that is meant, by its own name or by that of its autoscaler. Raises `UsageError`."""
    said, word, catalogue = sources.request.text, params.workload, sources.catalogue
    if catalogue is None:
        raise ValueError("scale needs the catalogue")
    if not word.lower().startswith(_AUTOSCALER_WORDS):
        return find_workload(said, word, snapshot, catalogue)
    found = find_thing(said, word, snapshot, catalogue).object
    if not isinstance(found, Autoscaler):
        raise UsageError(f"{word} is no autoscaler.")
    return find_workload(said, f"{found.target_kind}/{found.target_name}", snapshot, catalogue)


def plan(params: Params, seen: Seen) -> Draft | Refusal:
    size = Size(replicas=params.replicas, minimum=params.minimum, maximum=params.maximum)
    return plan_size(seen.ground, seen.autoscalers, size)


ACTION = Change(
    name="scale",
    summary="Set the number of pods of a workload, or the bounds of its autoscaler",
    params=Params,
    needs=NEEDS,
    observe=observe,
    plan=plan,
    examples=(
        ("scale api 6", "six pods; with an autoscaler, at least six"),
        ("scale api --min 2 --max 10", "the bounds of its autoscaler"),
    ),
)
