"""Give a container another limit and request of memory or CPU: what speaks against it, and what it means. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from bot.diagnosis import amount, cpu
from bot.domain.live import Json, template_digest
from bot.domain.plans import Draft, Fact, PlanWords, Refusal, Risk
from bot.domain.steps import SetResources
from bot.domain.text import count
from bot.planning.amounts import MEMORY, NAMES, NONE, understood
from bot.planning.containers import of_container
from bot.planning.ground import Ground
from bot.planning.limits import quality, violations
from bot.planning.resource_case import (
    Case,
    case_of,
    homeless,
    killed,
    quotas_after,
    quotas_unmet,
    too_large,
    unmeasured,
    used,
)
from bot.planning.rolling import under_way
from bot.planning.room import room_on_nodes, surge_problems
from bot.planning.templates import changes
from bot.planning.troubles import paused
from bot.planning.words import patience, reverts, rollout_facts, rollout_warnings, symptoms, word_for

# From this share of the new limit on, what is used now leaves little.
_CLOSE = 0.9


def plan_resources(ground: Ground, resource: str, container: Json, limit: str, request: str | None) -> Draft | Refusal:
    """Plan a limit and a request of `memory` or `cpu`; a request of None stays, as far as the new limit lets it."""
    case = case_of(ground, resource, container, limit, request)
    refused = paused(ground) or _nothing(case) or _impossible(case) or _harmful(case) or _no_room(case)
    if refused:
        return refused
    subject = "limit" if case.was.limit != case.wanted.limit else "request"
    value = case.wanted.limit if subject == "limit" else case.wanted.request
    whose, what = f"{ground.name}{of_container(ground, container)}", f"{NAMES[resource]} {subject}"
    return Draft(
        verb=f"set {resource}",
        target=ground.target,
        step=SetResources(
            kind=ground.target.kind,
            template=template_digest(case.before),
            to_template=template_digest(case.after),
            container=case.name,
            resource=resource,
            limit_was=case.was.limit,
            limit=case.wanted.limit,
            request_was=case.was.request,
            request=case.wanted.request,
        ),
        risk=Risk.MEDIUM,
        words=PlanWords(
            title=f"Set the {what} of {whose} to {value or NONE}",
            done=f"{whose} has {f'a {what} of {value}' if value else f'no {what}'}",
            differences=changes(case.before, case.after),
            facts=(*_facts(case), *rollout_facts(ground)),
            warnings=(*_warnings(case), *rollout_warnings(ground), *surge_problems(ground, case.after)),
            reverts=reverts(ground.live.object),
        ),
        service=ground.service,
        watch=ground.ref,
        inverse=_inverse(case),
        symptoms=symptoms(ground),
        lasts_s=patience(ground),
    )


def _inverse(case: Case) -> str:
    """Return the command that brings back exactly what was; empty where that was written in a way that none takes."""
    words = []
    for text in (case.was.limit, case.was.request):
        try:
            same = not text or understood(case.resource, text) == text
        except ValueError:
            same = False
        if not same:
            return ""
        words.append(text or NONE)
    return f"set {case.resource} {word_for(case.ground)} {words[0]} --request {words[1]} --container {case.name}"


# --- refusals ---------------------------------------------------------------------------------------------------------


def _nothing(case: Case) -> Refusal | None:
    if template_digest(case.before) != template_digest(case.after):
        return None
    has = f"a limit of {case.was.limit or NONE} and a request of {case.was.request or NONE}"
    whose = f"{case.ground.name}{of_container(case.ground, case.container)}"
    return Refusal(reason=f"There is nothing to do: {whose} has {has} of {NAMES[case.resource]} already.")


def _impossible(case: Case) -> Refusal | None:
    """Refuse what the API server would refuse: of the workload itself, or of each of its pods."""
    if case.wanted.limit and case.value(case.wanted.request) > case.value(case.wanted.limit):
        return Refusal(reason=f"The request ({case.wanted.request}) would be above the limit ({case.wanted.limit}).")
    broken = violations(case.ground.surroundings.limit_ranges, case.after, case.name, case.resource)
    broken = (*broken, *quotas_unmet(case))
    if not broken:
        return None
    return Refusal(
        reason=f"No pod of {case.ground.name} could be made with that.",
        facts=tuple(Fact("refused by", each) for each in broken),
    )


def _harmful(case: Case) -> Refusal | None:
    """Refuse a memory limit under which containers are killed at once, or sooner than now."""
    if case.resource != MEMORY or not case.wanted.limit:
        return None
    name, limit, uses, kill = case.ground.name, case.value(case.wanted.limit), used(case), killed(case)
    if uses is not None and uses >= limit:
        return Refusal(
            reason=f"{name} uses {amount(uses)} of memory now: a limit of {amount(limit)} would kill it.",
            commands=(Fact("top pods", "shows what each pod uses"),),
        )
    if kill is not None and limit < case.value(case.was.limit):
        return Refusal(
            reason=f"{name} runs out of memory already: with a lower limit it would be killed sooner.",
            facts=(Fact("out of memory", kill.summary),),
            commands=(Fact(f"status {word_for(case.ground)}", "shows the kills and what came before"),),
        )
    return None


def _no_room(case: Case) -> Refusal | None:
    """Refuse what no node could hold even if it were empty, and what a quota would refuse."""
    if largest := too_large(case):
        reason = f"No node could run a pod of {case.ground.name} with that."
        return Refusal(reason=reason, facts=(Fact("nodes", largest),))
    # Where no pod may be away before a new one is ready, the fullest moment must fit, too: else it stands still there.
    last = [(peak if not case.rolling.away else then) for then, peak in quotas_after(case)]
    over = [each for each in last if each.certain and each.used > each.hard]
    if not over:
        return None
    return Refusal(
        reason=f"The quota would not let all pods of {case.ground.name} be made with that.",
        facts=tuple(Fact("quota", f"{each.after(0)} before the last is replaced") for each in over),
    )


# --- what to know -----------------------------------------------------------------------------------------------------


def _facts(case: Case) -> Iterator[Fact]:
    uses, kill = used(case), killed(case)
    if uses is not None:
        yield Fact("use", f"up to {case.words(uses)} in a pod now")
    if kill is not None:
        yield Fact("out of memory", kill.summary)
    yield from _request(case)
    before, after = quality(case.before), quality(case.after)
    if before != after:
        yield Fact("class", f"{before} → {after}: {_CLASSES[after]}")
    for then, _ in quotas_after(case):
        yield Fact("quota", f"{then.after(0)} afterwards")
    if case.more > 0:
        yield Fact("nodes", str(room_on_nodes(case.ground, case.after)))


def _request(case: Case) -> Iterator[Fact]:
    """Say what becomes of the request where that is not plain: it comes down with the limit, or there is none."""
    limit, request, was = case.wanted.limit, case.wanted.request, case.was.request
    if limit and not request:
        yield Fact("request", f"none is set, so a pod asks for as much as the limit, {limit}")
    elif request and request != was and request == limit:
        yield Fact("request", f"{was or NONE} → {request}, as much as the limit")


_CLASSES: Mapping[str, str] = MappingProxyType(
    {
        "Guaranteed": "when its node runs short of memory, others go first",
        "Burstable": "when its node runs short of memory, it goes once it uses more than it asks for",
        "BestEffort": "when its node runs short of memory, it goes first",
    }
)


def _warnings(case: Case) -> Iterator[str]:
    if case.was.limit and not case.wanted.limit:
        yield f"Without a limit the container may take all {NAMES[case.resource]} of its node from others."
    yield from _use_warnings(case)
    if without := homeless(case):
        yield f"{count(without, 'pod')} of {case.rolling.desired} would find no room on the nodes and stay Pending."
    for then, _ in quotas_after(case):
        if then.used > then.hard:  # what is certain was refused
            yield f"Quota {then.quota} may refuse some of the pods: {then.after(0)} afterwards, if it is about them."
    yield from _scaler_warnings(case)
    if going := under_way(case.ground.target.kind, case.ground.live.object):
        yield f"A roll-out is under way ({going}); this takes its place."


def _use_warnings(case: Case) -> Iterator[str]:
    limit, was, uses = case.value(case.wanted.limit), case.value(case.was.limit), used(case)
    if not limit:
        return
    if uses is None:
        if not was or limit < was:
            yield f"What it uses now is not known: {unmeasured(case)}."
    elif uses > limit:  # of CPU: memory was refused
        yield f"It uses {cpu(uses)} now: it would be slowed down to {cpu(limit)}."
    elif uses > _CLOSE * limit:
        yield f"It uses {case.words(uses)} of the new limit of {case.words(limit)} already."


def _scaler_warnings(case: Case) -> Iterator[str]:
    """Warn where an autoscaler goes by the share of a request that changes."""
    if not case.more:
        return
    for scaler in case.ground.index().autoscalers_of(case.ground.workload):
        if any(each.name == case.resource and each.target is not None for each in scaler.metrics):
            yield (
                f"The autoscaler {scaler.meta.name} goes by the share of the {NAMES[case.resource]} that is asked for:"
                f" with the new request it will want {'fewer' if case.more > 0 else 'more'} pods."
            )
