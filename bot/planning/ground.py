"""The ground a plan stands on: the target as the API server tells it now, and what is known around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from bot.diagnosis import Index
from bot.domain.actions import Need
from bot.domain.catalogue import Catalogue
from bot.domain.change_policy import ChangePolicy
from bot.domain.findings import Finding, NotChecked, Report
from bot.domain.live import Live, Reads, Target, metadata_of
from bot.domain.objects import Workload
from bot.domain.snapshot import Snapshot
from bot.domain.steps.base import spec_of
from bot.domain.targets import ObjectRef, Scope
from bot.errors import ClusterError, StoreUnavailable, UsageError
from bot.examine import examine
from bot.lookup import find_workload
from bot.ports import ChangeRecord, Sources, Surroundings, WorkedRevision

NEEDS: frozenset[Need] = frozenset(
    {Need.CLUSTER, Need.LOGS, Need.CATALOGUE, Need.LIVE, Need.RECORD, Need.CHANGES},
)
# What a report says it could not look at, when the nodes could not be asked.
NODE_LOAD = "how full the nodes are"
_LEAST_S = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a change of one workload is planned on.

    `name` is what people call it, `service` its alias (empty without one). `target` and `live` are the API server's own
    word of now; `workload` and `report` (the whole namespace) are the picture of it. `findings` are those about the
    workload, its pods and its autoscalers. `record_problem` says why nothing is known of the past.
    """

    said: str
    word: str
    now: datetime
    scope: Scope
    service: str
    name: str
    workload: Workload
    target: Target
    live: Live
    report: Report
    findings: tuple[Finding, ...]
    surroundings: Surroundings
    policy: ChangePolicy
    catalogue: Catalogue
    worked: tuple[WorkedRevision, ...] = ()
    lasted: tuple[float, ...] = ()
    record_problem: str = ""

    @property
    def snapshot(self) -> Snapshot:
        return self.report.snapshot

    @property
    def ref(self) -> ObjectRef:
        return self.target.ref

    def index(self) -> Index:
        """Return look-ups over the snapshot; each call makes them anew."""
        return Index(self.snapshot)


@dataclass(frozen=True, slots=True)
class Past:
    """What the record knows of a workload; `problem` says why it knows nothing."""

    worked: tuple[WorkedRevision, ...] = ()
    lasted: tuple[float, ...] = ()
    problem: str = ""


async def ground(
    said: str, word: str, sources: Sources, *, reads: frozenset[Reads] = frozenset({Reads.REVISIONS})
) -> Ground:
    """Find the workload that `word` means and read what a change of it is planned on.

    A record that is away is said, not raised. Raises `UsageError` for a name that is unknown or gone, `ClusterError`
    when the cluster cannot be read.
    """
    catalogue = sources.catalogue
    if catalogue is None:
        raise ValueError("a change needs the catalogue")

    def known(snapshot: Snapshot) -> None:
        find_workload(said, word, snapshot, catalogue)

    report = await survey(sources, known)
    ref = find_workload(said, word, report.snapshot, catalogue)
    return await ground_of(ref, report, sources, said=said, word=word, reads=reads)


async def ground_of(
    ref: ObjectRef,
    report: Report,
    sources: Sources,
    *,
    said: str,
    word: str,
    reads: frozenset[Reads] = frozenset({Reads.REVISIONS}),
) -> Ground:
    """Read what a change of a workload of the report is planned on. Raises as `ground` does."""
    catalogue, policy = sources.catalogue, sources.changes
    if catalogue is None or policy is None or sources.live is None:
        raise ValueError("a change needs the catalogue, its policy and the live objects")
    workload = Index(report.snapshot).workload_by_ref[ref]
    live = await live_of(sources, ref, reads=reads)
    past = await _past(sources.record, sources.scope, ref)
    return Ground(
        said=said,
        word=word,
        now=sources.now,
        scope=sources.scope,
        service=service_of(catalogue, ref),
        name=catalogue.alias_of(ref.kind, ref.name),
        workload=workload,
        target=Target(scope=sources.scope, kind=ref.kind, name=ref.name, uid=live.uid),
        live=live,
        report=report,
        findings=about(report, workload),
        surroundings=await sources.live.surroundings(sources.scope),
        policy=policy,
        catalogue=catalogue,
        worked=past.worked,
        lasted=past.lasted,
        record_problem=past.problem,
    )


async def survey(sources: Sources, known: Callable[[Snapshot], None]) -> Report:
    """Examine the whole namespace, with how full the nodes are; `known` may raise `UsageError` before logs are read."""
    if sources.cluster is None or sources.logs is None:
        raise ValueError("a change needs the cluster and its logs")

    report, _ = await examine(sources.cluster, sources.logs, sources.scope, find=known)
    if report.snapshot.node_load is not None or any(missing.what == NODE_LOAD for missing in report.not_checked):
        return report
    try:
        load = await sources.cluster.node_load(sources.scope.cluster)
    except ClusterError as error:
        unread = NotChecked(NODE_LOAD, error.message.partition("\n")[0].rstrip("."))
        return replace(report, not_checked=(*report.not_checked, unread))
    return replace(report, snapshot=replace(report.snapshot, node_load=load))


async def live_of(sources: Sources, ref: ObjectRef, *, reads: frozenset[Reads] = frozenset()) -> Live:
    """Return an object as it is now. Raises `UsageError` when it is gone or on its way out, `ClusterError`."""
    if sources.live is None:
        raise ValueError("a change needs the live objects")
    live = await sources.live.live(sources.scope, ref.kind, ref.name, reads=reads)
    if live.object is None:
        raise UsageError(f"{ref} is gone: {sources.scope} has no such object any more.")
    if metadata_of(live.object).get("deletionTimestamp"):
        raise UsageError(f"{ref} is being deleted: there is nothing to change any more.")
    return live


async def live_autoscalers(ground: Ground, sources: Sources) -> tuple[Live, ...]:
    """Return the autoscalers that are for the target as they are now. Raises `ClusterError`."""
    if sources.live is None:
        raise ValueError("a change needs the live objects")
    found = []
    for autoscaler in ground.index().autoscalers_of(ground.workload):
        live = await sources.live.live(sources.scope, "HorizontalPodAutoscaler", autoscaler.meta.name)
        of = spec_of(live.object).get("scaleTargetRef") or {}
        group = str(of.get("apiVersion", "")).partition("/")[0]
        if (of.get("kind"), of.get("name"), group) == (ground.target.kind, ground.target.name, "apps"):
            found.append(live)
    return tuple(found)


def about(report: Report, workload: Workload) -> tuple[Finding, ...]:
    """Return the findings about a workload, its pods and its autoscalers; also those that it merely feels."""
    index = Index(report.snapshot)
    ours = {index.ref(workload)}
    ours |= {ObjectRef("Pod", pod.meta.namespace, pod.meta.name) for pod in index.pods_of(workload)}
    ours |= {
        ObjectRef("HorizontalPodAutoscaler", each.meta.namespace, each.meta.name)
        for each in index.autoscalers_of(workload)
    }
    return tuple(
        finding
        for finding in report.findings
        if finding.target in ours or any(felt.target in ours for felt in finding.consequences)
    )


def service_of(catalogue: Catalogue, ref: ObjectRef) -> str:
    """Return the alias of a workload; empty when it is no service of the catalogue."""
    return next((e.alias for e in catalogue.entries.values() if (e.kind, e.name) == (ref.kind, ref.name)), "")


async def _past(record: ChangeRecord | None, scope: Scope, ref: ObjectRef) -> Past:
    if record is None:
        return Past(problem="there is no database here that remembers earlier changes")
    try:
        # What was over at once moved no pod that served, so it says nothing about a change that does.
        lasted = tuple(each for each in await record.lasted(scope, ref) if each >= _LEAST_S)
        return Past(tuple(await record.worked(scope, ref)), lasted)
    except StoreUnavailable as error:
        return Past(problem=error.said.rstrip("."))
