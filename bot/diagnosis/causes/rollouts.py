"""Roll-outs of Deployments that have stopped, or that wait on purpose."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from bot.diagnosis.family import Code, Survey
from bot.diagnosis.index import Index
from bot.diagnosis.replica_sets import replica_set_of_revision, revision_began, working_replica_set
from bot.diagnosis.revisions import differences
from bot.diagnosis.steps import by_hand, command, roll_back
from bot.diagnosis.words import duration, tag_of
from bot.domain.findings import Evidence, EvidenceKind, Finding, NextStep, Severity
from bot.domain.objects import Condition, ReplicaSet, Workload
from bot.domain.snapshot import Part
from bot.domain.text import count

ROLLOUT_STUCK = "ROLLOUT_STUCK"
ROLLOUT_PAUSED = "ROLLOUT_PAUSED"
# Kubernetes' own default, used where a Deployment's deadline is not known.
DEADLINE = timedelta(minutes=10)


def look(index: Index) -> Iterable[Finding]:
    for workload in index.snapshot.workloads:
        if workload.kind != "Deployment":
            continue
        if workload.paused:
            yield _paused(index, workload)
            continue
        progressing = workload.condition("Progressing")
        if workload.desired and progressing is not None and _is_current(workload):
            stopped = _stopped_at(index, workload, progressing)
            if stopped is not None or progressing.reason == "ProgressDeadlineExceeded":
                yield _stuck(index, workload, progressing, stopped)


def _is_current(workload: Workload) -> bool:
    """Tell whether the controller has seen the newest specification: what it says may be about the one before."""
    return workload.observed_generation >= workload.meta.generation


def _deadline(workload: Workload) -> timedelta:
    return DEADLINE if workload.progress_deadline_s is None else timedelta(seconds=workload.progress_deadline_s)


def _stopped_at(index: Index, workload: Workload, progressing: Condition) -> datetime | None:
    """Return when a roll-out last went on, when that is too long ago; None when it goes on or cannot be told."""
    if progressing.reason == "ProgressDeadlineExceeded":
        known = progressing.changed_at if workload.progress_deadline_s is not None else None
        return known - _deadline(workload) if known else None
    is_done = progressing.reason in ("", "NewReplicaSetAvailable")
    if progressing.status != "True" or is_done or not index.snapshot.has(Part.PODS):
        return None
    newest = _newest(index, workload)
    if newest is None:
        return None
    pods = [pod for pod in index.pods_of(workload) if index.replica_set_of(pod) is newest]
    steps = [revision_began(index, workload, newest), *(pod.meta.created_at for pod in pods)]
    steps += [c.changed_at for pod in pods if pod.is_ready and (c := pod.condition("Ready"))]
    last = max((step for step in steps if step is not None), default=None)
    # A deadline of days is a way of having none; the patience is ours, then.
    patience = max(min(_deadline(workload), timedelta(hours=1)), DEADLINE)
    return last if last is not None and index.now - last > patience else None


def _newest(index: Index, workload: Workload) -> ReplicaSet | None:
    number = workload.revision
    return None if number is None else replica_set_of_revision(index, workload, number)


def _named(replica_set: ReplicaSet) -> str:
    image = f" ({tag_of(replica_set.containers[0].image)})" if replica_set.containers else ""
    return f"Revision {replica_set.revision}{image}"


def _stuck(index: Index, workload: Workload, progressing: Condition, stopped: datetime | None) -> Finding:
    newest, number = _newest(index, workload), workload.revision
    working = working_replica_set(index, workload, other_than=number) if number is not None else None
    name = _named(newest) if newest else "The newest release"
    how_long = f" for {duration((index.now - stopped).total_seconds())}" if stopped else ""
    ready = f", {newest.ready} of them ready" if newest else ""
    summary = (
        f"{name} makes no progress{how_long}: it has {workload.updated} of"
        f" {count(workload.desired, 'wanted pod')}{ready}."
    )
    if working is not None:
        summary += f" {_named(working)} still serves with {count(working.ready, 'ready pod')}."
    elif not workload.ready:
        summary += " No other revision serves."
    changed = differences(working, newest) if working and newest else ()
    label = f"Progressing is {progressing.status}: {progressing.reason}"
    message = (progressing.message,) if progressing.message else ()
    return Finding(
        code=ROLLOUT_STUCK,
        severity=Severity.CRITICAL,
        target=index.ref(workload),
        title="new release is stuck, the old one still serves" if working else "new release is stuck",
        summary=summary,
        evidence=(Evidence(EvidenceKind.STATE, label, message, progressing.changed_at),),
        next=_next(workload, working),
        revision=number,
        since=stopped or progressing.changed_at,
        changed=tuple(str(difference) for difference in changed),
        because=(index.ref(workload),),
    )


def _next(workload: Workload, working: ReplicaSet | None) -> tuple[NextStep, ...]:
    name = workload.meta.name
    history = command(f"history {name}", "shows its revisions and how each did", "History")
    if working is None:
        return (history, command(f"describe {name}", "shows its conditions and events"))
    compare = command(
        f"compare {name} {working.revision} {workload.revision}",
        "shows what the release changed",
        f"Compare {working.revision} → {workload.revision}",
    )
    return (roll_back(name), compare, history)


def _paused(index: Index, workload: Workload) -> Finding:
    newest = _newest(index, workload)
    changed = differences(newest, workload) if newest is not None and workload.containers else ()
    told = "; ".join(str(difference) for difference in changed[:4])
    # Its status counts no pod as up to date once the template differs from what the pods are made from.
    is_behind = bool(workload.desired) and not workload.updated and _is_current(workload)
    if newest is None or not workload.containers:
        waits = "Changes of its template are kept back until it is resumed."
    elif changed:
        waits = f"A change waits to be rolled out: {told}."
    elif is_behind:
        waits = "A change waits to be rolled out, in what is not compared here (values, and fields of the pod)."
    else:
        waits = "No change waits; the next one will, until it is resumed."
    progressing = workload.condition("Progressing")
    since = progressing.changed_at if progressing and progressing.reason == "DeploymentPaused" else None
    meta = workload.meta
    resume = f"kubectl -n {meta.namespace} rollout resume deployment/{meta.name}"
    return Finding(
        code=ROLLOUT_PAUSED,
        severity=Severity.INFO,
        target=index.ref(workload),
        title="roll-out is paused, a change waits" if changed or is_behind else "roll-outs are paused",
        summary=f"Deployment {meta.name} is paused. {waits}",
        evidence=(Evidence(EvidenceKind.STATE, "spec.paused is true", at=since),),
        next=(by_hand(resume, "lets the change roll out, once whoever paused it agrees"),),
        revision=workload.revision,
        since=since,
        changed=tuple(str(difference) for difference in changed),
    )


SURVEY = Survey(
    codes=(
        Code(
            ROLLOUT_STUCK,
            "A Deployment's new revision makes no progress. Nothing rolls it back by itself; the old one may serve on.",
            "Progressing is False with ProgressDeadlineExceeded, or no pod of the newest revision was made or became"
            " ready for longer than the deadline.",
            "Mend what keeps its pods from becoming ready, or roll back to the revision that works.",
            "24, 601-604",
        ),
        Code(
            ROLLOUT_PAUSED,
            "A Deployment is paused: changes of its template are stored, but no pod is replaced.",
            "spec.paused is true; what waits is its template against that of the revision that runs.",
            "Resume it, once whoever paused it agrees. A paused Deployment cannot be restarted or rolled back.",
        ),
    ),
    look=look,
)
