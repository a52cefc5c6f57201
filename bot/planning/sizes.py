"""Another number of pods, planned: the number itself, or the bounds of the autoscaler that sets it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bot.domain.live import Live, Target, metadata_of
from bot.domain.plans import Difference, Draft, Fact, PlanWords, Refusal, Risk
from bot.domain.steps import Scale, SetBounds
from bot.domain.steps.base import spec_of
from bot.domain.text import count, listed
from bot.planning.ground import Ground
from bot.planning.scaling import Sizing, facts, refusal, warnings
from bot.planning.words import owners, patience, reverts, symptoms, word_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What is asked for: a number of pods, or bounds for an autoscaler; None is not said."""

    replicas: int | None = None
    minimum: int | None = None
    maximum: int | None = None


def plan_size(ground: Ground, autoscalers: tuple[Live, ...], size: Size) -> Draft | Refusal:
    """Plan a size of a workload; `autoscalers` are those that are for it, as they are now."""
    if ground.target.kind == "DaemonSet":
        return _one_on_each_node(ground)
    if size.replicas == 0:
        return _to_zero(ground)
    if len(autoscalers) > 1:
        return _several(ground, autoscalers)
    was = int(spec_of(ground.live.object).get("replicas", 1))
    if autoscalers and (was or size.replicas is None):
        return _plan_bounds(size, ground, autoscalers[0], was)
    if size.replicas is None:
        return Refusal(
            reason=f"No autoscaler is for {ground.name}, so there are no bounds to set.",
            commands=(Fact(f"scale {word_for(ground)} {size.minimum or was}", "sets the number of pods itself"),),
        )
    return _plan_number(Sizing(ground=ground, was=was, to=size.replicas), autoscalers)


# --- the number itself ------------------------------------------------------------------------------------------------


def _plan_number(sizing: Sizing, autoscalers: tuple[Live, ...]) -> Draft | Refusal:
    ground, word = sizing.ground, word_for(sizing.ground)
    if not sizing.more:
        return _as_it_is(ground, f"{ground.name} is set to {count(sizing.to, 'pod')} already")
    refused = refusal(sizing)
    if refused is not None:
        return refused
    warned = (*_takes_over(autoscalers), *warnings(sizing))
    return Draft(
        verb="scale",
        target=ground.target,
        step=Scale(kind=ground.target.kind, was=sizing.was, replicas=sizing.to),
        risk=_risk(sizing, warned),
        words=PlanWords(
            title=f"Scale {ground.name} from {sizing.was} to {count(sizing.to, 'pod')}",
            done=f"{ground.name} has {count(sizing.to, 'pod')}",
            differences=(Difference("pods", str(sizing.was), str(sizing.to)),),
            facts=tuple(facts(sizing)),
            warnings=warned,
            reverts=reverts(ground.live.object),
        ),
        service=ground.service,
        watch=ground.ref,
        inverse=f"scale {word} {sizing.was}" if sizing.was else "",
        symptoms=symptoms(ground),
        lasts_s=patience(ground),
    )


def _risk(sizing: Sizing, warned: tuple[str, ...]) -> Risk:
    """Judge it low up to the cap when nothing is to be warned of; high where data is lost."""
    if sizing.deletes_claims:
        return Risk.HIGH
    return Risk.LOW if sizing.to <= sizing.ground.policy.scale_cap and not warned else Risk.MEDIUM


def _takes_over(autoscalers: tuple[Live, ...]) -> Iterator[str]:
    """Warn of the autoscaler of a workload that was scaled to 0: it begins again once there is a pod."""
    for live in autoscalers:
        low, high = _bounds(live)
        yield f"The autoscaler {_name(live)} rests while there are none; then it keeps {_span(low, high)}."


# --- the bounds of an autoscaler --------------------------------------------------------------------------------------


def _plan_bounds(size: Size, ground: Ground, autoscaler: Live, now: int) -> Draft | Refusal:
    name, word, was = _name(autoscaler), word_for(ground), _bounds(autoscaler)
    made_by = owners(autoscaler.object)
    if made_by:
        return Refusal(
            reason=f"The autoscaler {name} of {ground.name} is not set by hand: whatever is changed in it is set back.",
            facts=(Fact("by hand", made_by[0]),),
        )
    low, high = _wanted(size, was)
    if high < low:
        return Refusal(reason=f"An autoscaler's maximum ({high}) cannot be below its minimum ({low}).")
    if (low, high) == was:
        return _as_it_is(ground, f"the autoscaler {name} keeps {_span(low, high)} of {ground.name} already")
    sizing = Sizing(ground=ground, was=now, to=min(max(now, low), high))
    refused = refusal(sizing)
    if refused is not None:
        return refused
    return Draft(
        verb="scale",
        target=Target(scope=ground.scope, kind="HorizontalPodAutoscaler", name=name, uid=autoscaler.uid),
        step=SetBounds(minimum_was=was[0], maximum_was=was[1], minimum=low, maximum=high),
        risk=Risk.MEDIUM,
        words=PlanWords(
            title=f"Let the autoscaler {name} keep {_span(low, high)} of {ground.name}",
            done=f"{name} keeps {_span(low, high)} of {ground.name}",
            differences=tuple(
                Difference(label, str(before), str(after))
                for label, before, after in (("minimum", was[0], low), ("maximum", was[1], high))
                if before != after
            ),
            facts=(Fact("pods", _what_follows(sizing, name, low, high)), *facts(sizing)),
            warnings=(*_later(ground, was, (low, high)), *warnings(sizing)),
            reverts=reverts(autoscaler.object),
        ),
        service=ground.service,
        watch=ground.ref,
        inverse=f"scale {word} --min {was[0]} --max {was[1]}" if was[0] else "",
        symptoms=symptoms(ground),
        lasts_s=patience(ground),
    )


def _span(low: int, high: int) -> str:
    return f"{low} to {high} pods" if low != high else count(low, "pod")


def _wanted(size: Size, was: tuple[int, int]) -> tuple[int, int]:
    if size.replicas is not None:
        return size.replicas, max(was[1], size.replicas)
    low = was[0] if size.minimum is None else size.minimum
    return low, max(was[1], low) if size.maximum is None else size.maximum


def _what_follows(sizing: Sizing, name: str, low: int, high: int) -> str:
    """Say why the bounds are moved and not the number, and what the number will be."""
    owns = f"the autoscaler {name} sets their number and would undo another one"
    if sizing.more:
        return f"{owns}; it goes from {sizing.was} to {sizing.to} at once"
    return f"{owns}; they are {sizing.was} now and move between {low} and {high} with the load, down within 5 min"


def _later(ground: Ground, was: tuple[int, int], bounds: tuple[int, int]) -> Iterator[str]:
    """Warn of where the autoscaler may go with the load, or no longer goes, though not at once."""
    low, high = bounds
    if low == high and was[0] != was[1]:
        yield "Its minimum is its maximum then: the number of pods does not follow the load any more."
    elif low == 1 < was[0]:
        yield "It may go down to one pod: whenever that ends, nobody is served until another is ready."
    entry = ground.catalogue.entries.get(ground.service)
    if entry is not None and 0 < entry.connections_limit < high * entry.connections_per_pod:
        wanted = high * entry.connections_per_pod
        yield f"At its maximum its pods may open {wanted} connections; its database bears {entry.connections_limit}."


def _bounds(autoscaler: Live) -> tuple[int, int]:
    spec = spec_of(autoscaler.object)
    return int(spec.get("minReplicas", 1)), int(spec.get("maxReplicas", 1))


def _name(autoscaler: Live) -> str:
    return str(metadata_of(autoscaler.object).get("name", ""))


# --- refusals ---------------------------------------------------------------------------------------------------------


def _one_on_each_node(ground: Ground) -> Refusal:
    return Refusal(
        reason=f"{ground.name} is a DaemonSet: it has one pod on each node that fits, and no number to set.",
        commands=(Fact(f"describe daemonset/{ground.target.name}", "shows on how many nodes it is"),),
    )


def _to_zero(ground: Ground) -> Refusal:
    kind, name = ground.target.kind.lower(), ground.target.name
    by_hand = f"kubectl -n {ground.scope.namespace} scale {kind}/{name} --replicas=0"
    return Refusal(
        reason=f"{ground.name} is not scaled to 0 from here: that takes it out of service, which no approval allows.",
        facts=(Fact("by hand", f"{by_hand} (if it is really to be switched off)"),),
        commands=(Fact(f"scale {word_for(ground)} 1", "leaves one pod that serves"),),
    )


def _several(ground: Ground, found: tuple[Live, ...]) -> Refusal:
    names = [_name(each) for each in found]
    return Refusal(
        reason=f"{len(names)} autoscalers are for {ground.name} ({listed(names)}): they undo each other's work.",
        facts=(Fact("by hand", "remove all but one; one autoscaler can have several metrics"),),
        commands=tuple(Fact(f"describe hpa/{name}", "shows its bounds and metrics") for name in names),
    )


def _as_it_is(ground: Ground, how: str) -> Refusal:
    return Refusal(
        reason=f"There is nothing to do: {how}.",
        commands=(Fact(f"status {word_for(ground)}", "says whether all of them are ready"),),
    )
