"""Pods that the scheduler removed to make room for others. They are mostly gone at once: only events tell of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.diagnosis.family import Code, Survey, effect_on
from bot.diagnosis.index import Index
from bot.diagnosis.preemptions import Victim, victims_of
from bot.domain.findings import Evidence, EvidenceKind, Finding, NextStep, StepKind
from bot.domain.objects import Workload
from bot.domain.targets import ObjectRef
from bot.domain.text import count

PREEMPTED = "PREEMPTED"


def look(index: Index) -> Iterable[Finding]:
    for target, victims in victims_of(index).items():
        yield _finding(target, index.workload_by_ref[target], victims)


def _finding(target: ObjectRef, workload: Workload, victims: Sequence[Victim]) -> Finding:
    newest = max(victims, key=lambda victim: (victim.at is not None, victim.at.timestamp() if victim.at else 0.0))
    removed = f"{count(len(victims), 'pod')} {'was' if len(victims) == 1 else 'were'} removed"
    ready = f"{workload.ready} of {count(workload.desired, 'pod')} ready"
    return Finding(
        code=PREEMPTED,
        severity=effect_on(workload),
        target=target,
        title="gave way to pods of higher priority",
        summary=f"{ready}: {removed} by the scheduler to make room for pods of higher priority.",
        evidence=(Evidence(EvidenceKind.EVENT, "Preempted", (newest.words,) if newest.words else (), newest.at),),
        next=(
            NextStep(StepKind.COMMAND, "top nodes", "shows how full the nodes are", label="Nodes"),
            NextStep(StepKind.MANUAL, "kubectl get priorityclasses", "see whether its priority fits its importance"),
        ),
        pods=tuple(sorted(victim.name for victim in victims)),
        since=min((victim.at for victim in victims if victim.at is not None), default=None),
        # The new pods that wait tell more: which resource is short, how much, and that some were preempted.
        general=True,
    )


SURVEY = Survey(
    codes=(
        Code(
            PREEMPTED,
            "Pods of a workload that now lacks some were removed to make room for pods of higher priority.",
            "An event Preempted of the last hour, or a pod's condition DisruptionTarget with PreemptionByScheduler.",
            "Add room, or give the workload a priority class that fits its importance.",
            "50-51",
        ),
    ),
    look=look,
)
