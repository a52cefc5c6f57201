"""Autoscalers that fight: with one another over a workload, or with somebody who scales by hand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta

from bot.diagnosis.causes.autoscaler_codes import AUTOSCALER_OVERRIDES, AUTOSCALERS_COLLIDE
from bot.diagnosis.causes.autoscaler_words import describe
from bot.diagnosis.index import Index
from bot.diagnosis.scalings import By, Scaling, scalings
from bot.diagnosis.steps import by_hand, scale
from bot.diagnosis.words import ago
from bot.domain.findings import Evidence, EvidenceKind, Finding, NextStep, Severity
from bot.domain.objects import Autoscaler, Workload
from bot.domain.targets import ObjectRef
from bot.domain.text import Redacted, count

# Why a server (since 1.27) does not scale what several autoscalers select.
_AMBIGUOUS = "AmbiguousSelector"
# An autoscaler answers at its next look, 15 s by default; a busy controller takes longer.
ANSWERS_WITHIN = timedelta(minutes=1)
# What was scaled by hand longer ago than this is no news.
REMEMBERED = timedelta(minutes=30)


def collisions(index: Index) -> Iterable[Finding]:
    """Find workloads that several autoscalers scale; the finding is about the workload."""
    by_target: dict[ObjectRef, list[Autoscaler]] = defaultdict(list)
    for autoscaler in index.snapshot.autoscalers:
        ref = ObjectRef(autoscaler.target_kind, autoscaler.meta.namespace, autoscaler.target_name)
        by_target[ref].append(autoscaler)
    yield from (_collision(ref, found) for ref, found in by_target.items() if len(found) > 1)


def _collision(ref: ObjectRef, found: Sequence[Autoscaler]) -> Finding:
    """Say what it does: newer servers stop all of them, older ones let each undo what the other does."""
    names = " and ".join(sorted(autoscaler.meta.name for autoscaler in found))
    stopped = next((c for each in found for c in each.conditions if c.reason == _AMBIGUOUS), None)
    effect = "Kubernetes therefore stops them, and nothing scales it" if stopped else "each undoes what the other does"
    ranges = [
        Evidence(EvidenceKind.STATE, f"{each.meta.name}: {each.minimum} to {count(each.maximum, 'pod')}")
        for each in found
    ]
    if stopped:
        label = f"{stopped.type} is {stopped.status}: {stopped.reason}"
        ranges.append(Evidence(EvidenceKind.STATE, label, (stopped.message,), stopped.changed_at))
    return Finding(
        code=AUTOSCALERS_COLLIDE,
        severity=Severity.WARNING,
        target=ref,
        title=f"{count(len(found), 'autoscaler')} scale it",
        summary=f"{names} scale {ref.name}; {effect}.",
        evidence=tuple(ranges),
        next=(by_hand(f"kubectl -n {ref.namespace} get hpa", "shows them; keep one, it can have several metrics"),),
    )


def overridden(index: Index, autoscaler: Autoscaler, workload: Workload | None) -> Iterable[Finding]:
    """Find the last scaling by hand that the autoscaler answered at once."""
    if workload is None:
        return
    known = scalings(index, workload)
    by_hand_ = [s for s in known if s.by is By.HAND and s.before is not None and index.now - s.at <= REMEMBERED]
    for event in index.events(autoscaler.meta.uid, "SuccessfulRescale", within=REMEMBERED):
        for scaling in by_hand_:
            if event.at is None or not timedelta() <= event.at - scaling.at <= ANSWERS_WITHIN:
                continue
            meta = autoscaler.meta
            yield Finding(
                code=AUTOSCALER_OVERRIDES,
                severity=Severity.INFO,
                target=ObjectRef("HorizontalPodAutoscaler", meta.namespace, meta.name),
                title="set back a scaling by hand",
                summary=(
                    f"{workload.meta.name} was scaled from {scaling.before} to {scaling.after} by hand"
                    f" {ago(scaling.at, index.now)}, and {meta.name} ({autoscaler.minimum} to"
                    f" {count(autoscaler.maximum, 'pod')}) changed the number again at once."
                ),
                evidence=(
                    Evidence(
                        EvidenceKind.EVENT,
                        "ScalingReplicaSet, not by the autoscaler",
                        (Redacted(f"from {scaling.before} to {scaling.after}"),),
                        scaling.at,
                    ),
                    Evidence(EvidenceKind.EVENT, "SuccessfulRescale", (event.message,), event.at),
                ),
                next=(_so_that_it_stays(autoscaler, workload, scaling),),
                since=scaling.at,
            )
            return


def _so_that_it_stays(autoscaler: Autoscaler, workload: Workload, scaling: Scaling) -> NextStep:
    """Offer the bound that keeps the autoscaler from what somebody did not want."""
    wanted, name = scaling.after, workload.meta.name
    if scaling.before is not None and wanted > scaling.before:
        return scale(f"{name} --min {wanted}", "asks the autoscaler for that many pods at least, so that they stay")
    if wanted >= max(autoscaler.minimum, 1):
        return scale(f"{name} --max {wanted}", "lets the autoscaler make that many pods at most")
    return describe(autoscaler)
