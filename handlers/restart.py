"""`restart`: replace the pods of a workload by the same ones, a few at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bot.domain.actions import Change, argument
from bot.domain.live import template_digest, template_of
from bot.domain.plans import Draft, Fact, PlanWords, Refusal, Risk
from bot.domain.steps import Restart
from bot.planning.ground import NEEDS, Ground, ground
from bot.planning.rolling import rolling_of, under_way
from bot.planning.room import room_on_nodes, surge_problems
from bot.planning.troubles import MET_BY_EVERY_POD, MET_BY_MORE_PODS, own_trouble, paused, refused_for_harm
from bot.planning.words import (
    owners,
    patience,
    rollout_facts,
    rollout_warnings,
    symptoms,
    word_for,
)
from bot.ports import Sources

_ENOUGH_READY = 2


@dataclass(frozen=True, slots=True)
class Params:
    """What to restart."""

    workload: str = argument("a service of the catalogue or a workload's name", names_service=True)


async def observe(params: Params, sources: Sources) -> Ground:
    return await ground(sources.request.text, params.workload, sources)


def plan(params: Params, seen: Ground) -> Draft | Refusal:
    refused = paused(seen) or _nothing_to_restart(seen) or _no_help(seen) or _under_way(seen)
    if refused:
        return refused
    warnings = (*_warnings(seen), *rollout_warnings(seen), *surge_problems(seen))
    return Draft(
        verb="restart",
        target=seen.target,
        step=Restart(kind=seen.target.kind, template=template_digest(template_of(seen.live.object))),
        risk=_risk(seen, warnings),
        words=PlanWords(
            title=f"Restart {seen.name}",
            done=f"{seen.name} was restarted",
            facts=tuple(_facts(seen)),
            warnings=warnings,
            # Neither Git nor Helm says anything of the mark that a restart sets, so they leave it alone.
            reverts=owners(seen.live.object),
        ),
        service=seen.service,
        watch=seen.ref,
        symptoms=symptoms(seen),
        lasts_s=patience(seen),
    )


def _risk(seen: Ground, warnings: tuple[str, ...]) -> Risk:
    """Judge it low when at least two pods are ready and nothing at all is to be warned of."""
    ready = rolling_of(seen.target.kind, seen.live.object).ready
    return Risk.LOW if ready >= _ENOUGH_READY and not warnings else Risk.MEDIUM


def _facts(seen: Ground) -> Iterator[Fact]:
    yield from rollout_facts(seen)
    if rolling_of(seen.target.kind, seen.live.object).surge:
        yield Fact("room", str(room_on_nodes(seen)))
    yield Fact("undo", "none: what the pods held in memory, and their logs of before, go with them")


def _warnings(seen: Ground) -> Iterator[str]:
    """Say which troubles a restart does not cure, though it does no harm either."""
    for finding in seen.findings:
        if finding.target != seen.ref or finding.code not in MET_BY_MORE_PODS:
            continue
        if finding.code in MET_BY_EVERY_POD:
            yield f"A restart hardly cures this: {finding.title}."
        else:
            yield f"A restart frees memory only for a while: {finding.title}."


# --- refusals ---------------------------------------------------------------------------------------------------------


def _nothing_to_restart(seen: Ground) -> Refusal | None:
    if rolling_of(seen.target.kind, seen.live.object).desired:
        return None
    if seen.target.kind == "DaemonSet":
        return Refusal(
            reason=f"There is nothing to restart: no node is to have a pod of {seen.name}.",
            commands=(Fact(f"describe {word_for(seen)}", "shows what it asks of nodes"),),
        )
    return Refusal(
        reason=f"There is nothing to restart: {seen.name} is scaled to 0.",
        commands=(Fact(f"scale {word_for(seen)} 1", "starts one pod"),),
    )


def _under_way(seen: Ground) -> Refusal | None:
    note = under_way(seen.target.kind, seen.live.object)
    if not note:
        return None
    return Refusal(
        reason=f"A roll-out of {seen.name} is under way: a restart now would begin it anew.",
        facts=(Fact("pods", note),),
        commands=(Fact(f"status {word_for(seen)}", "shows how far it is, and what keeps it"),),
    )


def _no_help(seen: Ground) -> Refusal | None:
    trouble = own_trouble(seen, MET_BY_EVERY_POD)
    if trouble is None:
        return None
    return refused_for_harm(
        trouble, f"Restarting {seen.name} does not help: every new pod would meet the same trouble."
    )


ACTION = Change(
    name="restart",
    summary="Replace the pods of a workload by the same ones, a few at a time",
    params=Params,
    needs=NEEDS,
    observe=observe,
    plan=plan,
    examples=(
        ("restart api", "one service; the card says how many pods stay ready meanwhile"),
        ('restart api --reason "memory grows since Monday"', "with the reason, for those who are to agree"),
    ),
)
