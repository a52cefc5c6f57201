"""The words that plans share: what is wrong now, who will undo a change, and how the pods move. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from bot.diagnosis import DECISIVE_PARTS, ago, duration
from bot.domain.live import Json, annotations_of, metadata_of, template_of
from bot.domain.plans import Fact, Symptom
from bot.domain.snapshot import Freshness, Snapshot
from bot.domain.text import count, listed
from bot.planning.budgets import budgets_of
from bot.planning.ground import Ground
from bot.planning.rolling import ON_DELETE, RECREATE, Rolling, rolling_of
from bot.ports import Surroundings

_LEAST_PATIENCE_S, _MOST_PATIENCE_S = 600, 3600
_WAVE_S = 120
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def symptoms(ground: Ground) -> tuple[Symptom, ...]:
    """Return what is wrong with the target now, also what it only feels of another's trouble: to compare afterwards."""
    found: dict[str, Symptom] = {}
    for finding in ground.findings:
        felt = [each for each in finding.consequences if each.target == ground.ref]
        if finding.is_problem and (finding.target == ground.ref or not felt):
            found.setdefault(finding.code, Symptom(finding.code, finding.title))
        for each in felt:
            found.setdefault(each.code, Symptom(each.code, each.title))
    return tuple(found.values())


# --- names ------------------------------------------------------------------------------------------------------------


def word_for(ground: Ground) -> str:
    """Return the word by which a command finds the target again: its alias, or its name, with its kind where needed."""
    if ground.service:
        return ground.service
    name = ground.target.name
    others = sum(each.meta.name == name for each in ground.snapshot.workloads) > 1 or name in ground.catalogue.entries
    return f"{ground.target.kind.lower()}/{name}" if others else name


# --- who will undo it -------------------------------------------------------------------------------------------------


def reverts(of: Json | None) -> tuple[str, ...]:
    """Name who else writes an object and will undo a change of it, each with what to do first."""
    found = [*_git(of), *_helm(of), *owners(of)]
    if not found and _LAST_APPLIED in annotations_of(of):
        found.append("kubectl apply: the next one sets back what its file names, so change the file, too")
    return tuple(found)


def owners(of: Json | None) -> tuple[str, ...]:
    """Name the operator's object that controls an object and may rewrite it at any time."""
    return tuple(
        f"{owner.get('kind')} {owner.get('name')}, which made this object, may set it back at once: change that instead"
        for owner in metadata_of(of).get("ownerReferences") or ()
        if owner.get("controller")
    )


def _git(of: Json | None) -> Iterator[str]:
    labels, annotations = metadata_of(of).get("labels") or {}, annotations_of(of)
    tracked = str(annotations.get("argocd.argoproj.io/tracking-id", "")).partition(":")[0]
    if application := tracked or labels.get("argocd.argoproj.io/instance", ""):
        yield f"Argo CD (application {application}) sets it back: suspend its automatic sync first, and change Git"
    if kustomization := labels.get("kustomize.toolkit.fluxcd.io/name", ""):
        yield f"Flux sets it back: run flux suspend kustomization {kustomization} first, and change Git"
    if release := labels.get("helm.toolkit.fluxcd.io/name", ""):
        yield f"Flux sets it back: run flux suspend helmrelease {release} first, and change Git"


def _helm(of: Json | None) -> Iterator[str]:
    labels, annotations = metadata_of(of).get("labels") or {}, annotations_of(of)
    release = annotations.get("meta.helm.sh/release-name", "")
    if release and "helm.toolkit.fluxcd.io/name" not in labels:
        yield f"Helm: the next upgrade of release {release} may set it back, so change its values, too"


# --- how the pods move ------------------------------------------------------------------------------------------------


def rollout_facts(ground: Ground) -> tuple[Fact, ...]:
    """Say how the pods are replaced when the template changes: how many, how many stay ready, how long, the budgets."""
    rolling = rolling_of(ground.target.kind, ground.live.object)
    facts = [Fact("pods", _moves(rolling, ground))]
    if ground.record_problem:
        facts.append(Fact("time", f"how long it takes is not known: {ground.record_problem}"))
    budgets = budgets_of(ground.surroundings, labels_of(ground))
    if budgets:
        facts.append(Fact("budget", f"{listed([str(each) for each in budgets])}; a roll-out does not ask it"))
    return tuple(facts)


def labels_of(ground: Ground) -> dict[str, str]:
    """Return the labels that the target's pods have."""
    return dict((template_of(ground.live.object).get("metadata") or {}).get("labels") or {})


def _moves(rolling: Rolling, ground: Ground) -> str:
    if not rolling.moves:
        return "none, it is scaled to 0" if not rolling.desired else "none move by themselves"
    if rolling.strategy == RECREATE:
        words = (
            f"all {rolling.moves} end before new ones start" if rolling.moves > 1 else "it ends before a new one starts"
        )
    else:
        stays = "stays" if rolling.stays == 1 else "stay"
        stay = f"at least {rolling.stays} {stays} ready" if rolling.stays else "none is sure to stay ready"
        beside = f"up to {rolling.surge} more meanwhile" if rolling.surge else f"{rolling.away} at a time"
        words = f"{rolling.moves} {'moves' if rolling.moves == 1 else 'move'}, {stay}, {beside}"
    return f"{words}{_time(ground.lasted)}"


def _time(lasted: tuple[float, ...]) -> str:
    if not lasted:
        return ""
    about = f", about {duration(statistics.median(lasted))}"
    if len(lasted) == 1:
        return f"{about} (as the last time)"
    return f"{about} (last roll-outs: {duration(min(lasted))} to {duration(max(lasted))})"


def rollout_warnings(ground: Ground) -> tuple[str, ...]:
    """Say what could go wrong while the pods are replaced, and what of the picture may be out of date."""
    rolling = rolling_of(ground.target.kind, ground.live.object)
    return (*_strategy_warnings(rolling), *_budget_warnings(rolling, ground), *doubts(ground))


def _strategy_warnings(rolling: Rolling) -> Iterator[str]:
    if rolling.strategy == ON_DELETE:
        yield "Its update strategy is OnDelete: no pod changes by itself, each does so when it is deleted or evicted."
    elif rolling.strategy == RECREATE:
        yield "Its strategy is Recreate: nobody is served until the new pods are ready."
    elif rolling.moves and rolling.ready and not rolling.stays:
        pods = count(rolling.ready, "pod")
        yield f"It has {pods} ready and may lose {'it' if rolling.ready == 1 else 'them'} before a new one is ready."
    if rolling.strategy not in (ON_DELETE, RECREATE) and rolling.moves < rolling.desired:
        held = count(rolling.desired - rolling.moves, "pod")
        yield f"The partition of its strategy holds back {held}: {rolling.moves} of {rolling.desired} move."


def _budget_warnings(rolling: Rolling, ground: Ground) -> Iterator[str]:
    for budget in budgets_of(ground.surroundings, labels_of(ground)):
        if rolling.moves and rolling.stays < budget.needed:
            yield (
                f"The disruption budget {budget.name} asks for {budget.needed} healthy pods; a roll-out does not ask it"
                f" and may go down to {rolling.stays}."
            )


def doubts(ground: Ground) -> tuple[str, ...]:
    """Say what the plan could not see, or saw only in an old picture; empty when nothing is in doubt."""
    return doubts_of(ground.snapshot, ground.surroundings)


def doubts_of(snapshot: Snapshot, surroundings: Surroundings) -> tuple[str, ...]:
    """Say what of the pods, the workloads and what bounds them was not seen, or only in an old picture."""
    found = []
    for part in DECISIVE_PARTS:
        status = snapshot.status(part)
        if status.freshness is Freshness.MISSING:
            found.append(f"The {part.value} could not be read ({status.reason}).")
        elif status.freshness is Freshness.STALE:
            found.append(f"The {part.value} were last seen {ago(status.as_of, snapshot.observed_at)}.")
    return (*found, *(f"Not read: {unread.rstrip('.')}." for unread in surroundings.unread))


def patience(ground: Ground) -> int:
    """Return how many seconds a roll-out of the target may take before it counts as failed."""
    rolling = rolling_of(ground.target.kind, ground.live.object)
    deadline = int(((ground.live.object or {}).get("spec") or {}).get("progressDeadlineSeconds") or 0)
    wanted = max(deadline, rolling.waves * _WAVE_S, round(3 * max(ground.lasted, default=0.0)))
    return min(max(wanted, _LEAST_PATIENCE_S), _MOST_PATIENCE_S)
