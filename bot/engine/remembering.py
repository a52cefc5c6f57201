"""Remember what worked: once a minute each revision that is complete, ready and without a finding gains a minute."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.diagnosis import Index, diagnose, version_of
from bot.domain.findings import Report
from bot.domain.objects import Pod, Workload
from bot.domain.snapshot import ALL_PARTS, Freshness, Part
from bot.domain.targets import Scope
from bot.engine.workshop import Workshop
from bot.errors import ClusterError
from bot.ports import RevisionSeen

READY_FOR = timedelta(minutes=1)
# An old picture of any of these could call a revision healthy that is not, or take one for another.
_SEEN_LIVE = (Part.PODS, Part.DEPLOYMENTS, Part.STATEFUL_SETS, Part.DAEMON_SETS, Part.REPLICA_SETS)
_HASH = "controller-revision-hash"


def working_revisions(report: Report) -> tuple[RevisionSeen, ...]:
    """Return the revisions of a whole namespace that are seen to work, by the report's own snapshot.

    All pods of the workload run that one revision, are as many as wanted, and have been ready for a minute; no problem
    is known of it. A picture that is not live says nothing.
    """
    snapshot = report.snapshot
    if any(snapshot.status(part).freshness is not Freshness.LIVE for part in _SEEN_LIVE):
        return ()
    index = Index(snapshot)
    troubled = {finding.target for finding in report.findings if finding.is_problem}
    troubled |= {felt.target for finding in report.findings for felt in finding.consequences}
    seen = (
        _seen(index, workload, snapshot.observed_at)
        for workload in snapshot.workloads
        if index.ref(workload) not in troubled
    )
    return tuple(revision for revision in seen if revision is not None)


def _seen(index: Index, workload: Workload, now: datetime) -> RevisionSeen | None:
    pods = [pod for pod in index.pods_of(workload) if not pod.is_finished]
    if not workload.is_complete or len(pods) != workload.desired or not all(_steady(pod, now) for pod in pods):
        return None
    revisions = {_revision_of(index, workload, pod) for pod in pods}
    if len(revisions) != 1:
        return None
    ((uid, number),) = revisions
    if not uid:
        return None
    return RevisionSeen(
        ref=index.ref(workload),
        workload_uid=workload.meta.uid,
        revision_uid=uid,
        number=number,
        version=version_of(workload, unknown=""),
        pods=len(pods),
    )


def _steady(pod: Pod, now: datetime) -> bool:
    ready = pod.condition("Ready")
    return (
        pod.meta.deleted_at is None
        and ready is not None
        and ready.status == "True"
        and ready.changed_at is not None
        and now - ready.changed_at >= READY_FOR
    )


def _revision_of(index: Index, workload: Workload, pod: Pod) -> tuple[str, int]:
    """Return a pod's revision by the uid of its ReplicaSet, or the name of its ControllerRevision; and its number."""
    if workload.kind == "Deployment":
        replica_set = index.replica_set_of(pod)
        # Complete, and yet of another revision than the workload's: the two pictures are not of one moment.
        if replica_set is None or replica_set.revision != workload.revision:
            return "", 0
        return replica_set.meta.uid, replica_set.revision or 0
    label = pod.meta.labels.get(_HASH, "")
    if workload.kind == "DaemonSet" and label:
        return f"{workload.meta.name}-{label}", 0
    return (label, 0) if label == workload.update_revision else ("", 0)


class Memory:
    """Notes each minute what works in every configured namespace; of several replicas one does."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop
        self._looked: dict[Scope, datetime] = {}

    async def step(self) -> bool:
        """Look at one namespace whose minute has not been noted; False when all have been."""
        now = self._workshop.clock.now()
        minute = now.replace(second=0, microsecond=0)
        scope = next((each for each in self._workshop.scopes.all() if self._looked.get(each) != minute), None)
        if scope is None:
            return False
        self._looked[scope] = minute
        await self._note(scope, minute)
        return True

    async def _note(self, scope: Scope, minute: datetime) -> None:
        async with self._workshop.store.transaction() as transaction:
            if not await transaction.claim_slot(f"worked:{scope.cluster}:{scope.namespace}", minute):
                return
        try:
            snapshot = await self._workshop.cluster.snapshot(scope, ALL_PARTS)
        except ClusterError:
            return  # a minute that nobody saw is not a minute that worked
        seen = working_revisions(diagnose(snapshot))
        if seen:
            await self._workshop.store.record.note(scope, seen)
