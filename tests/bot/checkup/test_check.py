"""One check: what is read side by side, what fails, what hangs, and the verdict."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from bot.checkup import Asked, check_up
from bot.domain.findings import Severity, Verdict
from bot.domain.objects import NodeLoad
from bot.domain.snapshot import LogExcerpt, LogKey, Part, Snapshot
from bot.domain.targets import ClusterName, Scope
from bot.domain.watch.checkups import Checkup, Section
from bot.domain.watch.probes import Health
from bot.errors import ClusterForbidden, ClusterUnreachable, UsageError
from bot.ports import ClusterReader
from tests.support.builders import (
    NOW,
    SCOPE,
    container,
    crash_looping,
    deployment,
    log_of,
    missing,
    node,
    pod,
    replica_set,
    snapshot,
    stale,
    unscheduled,
    usage,
)
from tests.support.fixed_probes import (
    FixedExtras,
    FixedProbes,
    Together,
    backup,
    database,
    disk,
    failed,
    health_url,
    issued,
    probed,
    quota,
    served,
    trouble,
    watching_over,
)
from tests.support.service import CATALOGUE
from tests.support.twins import SnapshotCluster, TableLogs

WORKLOAD = deployment()
REPLICAS = replica_set(WORKLOAD, ready=1)
POD = pod(REPLICAS, name="api-0")
WELL = snapshot(WORKLOAD, REPLICAS, POD, usage(POD))


async def check(shown: Snapshot | ClusterReader | None = None, **more: Any) -> Checkup:
    cluster = SnapshotCluster(shown or WELL) if isinstance(shown, Snapshot | None) else shown
    given = {"logs": TableLogs(), "catalogue": CATALOGUE, "extras": FixedExtras()} | more
    return await check_up(Asked(scope=SCOPE, now=NOW, cluster=cluster, **given))


def section(checkup: Checkup, name: str) -> Section:
    return next(each for each in checkup.sections if each.name == name)


def crashing(name: str = "api", *, ready: int = 0, desired: int = 1) -> Sequence[object]:
    workload = deployment(name, desired=desired, ready=ready)
    replicas = replica_set(workload)
    return workload, replicas, pod(replicas, crash_looping(), name=f"{name}-1")


class MeetingCluster(SnapshotCluster):
    """A cluster that waits until others are at work, too."""

    def __init__(self, shown: Snapshot, together: Together) -> None:
        super().__init__(shown)
        self._together = together

    async def snapshot(self, scope: Scope, parts: frozenset[Part]) -> Snapshot:
        await self._together.pass_through()
        return await super().snapshot(scope, parts)


class HangingCluster(SnapshotCluster):
    """A cluster that never answers."""

    async def snapshot(self, scope: Scope, parts: frozenset[Part]) -> Snapshot:
        await asyncio.Event().wait()
        return await super().snapshot(scope, parts)


class SilentLogs(TableLogs):
    """Logs that never come."""

    async def tails(self, scope: Scope, keys: Sequence[LogKey], *, lines: int) -> Mapping[LogKey, LogExcerpt]:
        await asyncio.Event().wait()
        return await super().tails(scope, keys, lines=lines)


class SilentLoad(SnapshotCluster):
    """A cluster whose nodes' load never comes."""

    async def node_load(self, cluster: ClusterName) -> Mapping[str, NodeLoad]:
        await asyncio.Event().wait()
        return await super().node_load(cluster)


# --- side by side -----------------------------------------------------------------------------------------------------


async def test_everything_is_read_at_the_same_time() -> None:
    """Nobody is done before all are at it: the check takes as long as its slowest part, however many there are."""
    together = Together(until=8)
    checkup = await check(
        MeetingCluster(WELL, together),
        probes=FixedProbes(together=together),
        extras=FixedExtras(together=together),
        watch=watching_over(health_url(), replace(health_url(), name="two"), database()),
        dependencies=True,
    )
    assert (together.most, together.all) == (8, 8)
    assert checkup.verdict is Verdict.HEALTHY


@pytest.mark.parametrize("hangs", ["quotas", "backups", "certificates", "disks"])
async def test_what_hangs_is_said_and_holds_up_nobody(hangs: str) -> None:
    """The others are there."""
    names = {"quotas": "quota"}
    checkup = await check(
        extras=FixedExtras(
            quotas=[quota()], backups=[backup()], certificates=[issued()], disks=[disk()], hanging=[hangs]
        ),
        limit_s=1.0,
    )
    assert section(checkup, names.get(hangs, hangs)).problem == "no answer within 1 s"
    assert [each.name for each in checkup.sections if each.problem] == [names.get(hangs, hangs)]
    assert checkup.verdict is Verdict.HEALTHY
    assert checkup.took_s < 60


async def test_a_cluster_that_hangs_leaves_what_else_there_is() -> None:
    """What decides was not seen, so nothing is called healthy."""
    checkup = await check(
        HangingCluster(WELL),
        probes=FixedProbes(),
        extras=FixedExtras(quotas=[quota()]),
        watch=watching_over(health_url()),
        limit_s=1.0,
    )
    assert checkup.verdict is Verdict.UNKNOWN
    assert checkup.report.seen is None
    assert section(checkup, "workloads").problem == section(checkup, "nodes").problem == "no answer within 1 s"
    assert section(checkup, "health URLs").words == "1 of 1 answer, in 12 ms"
    assert section(checkup, "quota").is_fine


async def test_a_probe_that_hangs_is_unknown_and_no_more() -> None:
    """It had its own time and a little more; the target may be well."""
    target = replace(health_url(), timeout_s=0.01)
    probes = FixedProbes(hanging=["search"])
    checkup = await check(probes=probes, watch=watching_over(replace(target, timeout_s=-0.95)))
    assert section(checkup, "health URLs").problem.startswith("search: The probe itself did not end: no answer within")
    assert checkup.verdict is Verdict.UNKNOWN
    assert checkup.attentions == ()


async def test_logs_that_hang_cost_the_logs_alone() -> None:
    """The crash is found by its state; why there is no log is said."""
    checkup = await check(snapshot(*crashing()), logs=SilentLogs(), limit_s=2.0)
    [attention] = checkup.attentions
    assert attention.title == "crashes again and again"
    assert checkup.report.seen is not None
    [excerpt] = checkup.report.seen.snapshot.logs.values()
    assert excerpt.problem == "no answer within 0.8 s"


async def test_a_load_that_hangs_costs_the_load_alone() -> None:
    """That it was not looked at is said in the report."""
    workload = deployment(ready=0)
    replicas = replica_set(workload)
    waits = unscheduled(replicas, "0/1 nodes are available: 1 Insufficient memory.", container(memory=1 << 40))
    checkup = await check(SilentLoad(snapshot(workload, replicas, waits, node())), limit_s=2.0)
    assert checkup.report.seen is not None
    assert [each.what for each in checkup.report.seen.not_checked] == ["how full the nodes are"]


async def test_a_cluster_that_does_not_answer_is_no_end() -> None:
    """Its reason stands in every section that needs it."""
    checkup = await check(SnapshotCluster(WELL, problem=ClusterUnreachable("The API server is gone.")))
    assert checkup.verdict is Verdict.UNKNOWN
    assert section(checkup, "services").problem == "The API server is gone"
    assert not any(each.absent for each in checkup.sections if each.name == "workloads")


async def test_an_unknown_service_ends_the_check_at_once() -> None:
    """Nobody waits for what hangs, and the neighbours are named as commands."""
    with pytest.raises(UsageError) as raised:
        await check(service="serch", said="health serch", extras=FixedExtras(disks=[], hanging=["disks"]), limit_s=60)
    assert raised.value.suggestions == ("health search",)


async def test_a_bug_of_a_port_is_no_problem_of_a_section() -> None:
    """Only what ports promise to raise is said; the rest must come to light."""

    class Broken(FixedExtras):
        async def disks(self, scope: Scope) -> Sequence[Any]:
            raise ZeroDivisionError(scope)

    with pytest.raises(ExceptionGroup):
        await check(extras=Broken())


# --- what is not there ------------------------------------------------------------------------------------------------


async def test_what_is_not_installed_is_absent_and_no_fault() -> None:
    """Neither Velero nor cert-manager has to be there."""
    checkup = await check()
    assert {each.name for each in checkup.sections if each.absent} >= {"backups", "certificates", "disks", "quota"}
    assert [each.name for each in checkup.sections if each.problem] == []
    assert checkup.verdict is Verdict.HEALTHY


async def test_what_is_forbidden_is_said() -> None:
    """It is not taken for empty."""
    refused = ClusterForbidden("The right to read kubelet statistics is missing.")
    checkup = await check(extras=FixedExtras(disks=refused, certificates=refused))
    for name in ("disks", "certificates"):
        assert section(checkup, name).problem == "The right to read kubelet statistics is missing"
        assert not section(checkup, name).absent
    assert checkup.verdict is Verdict.HEALTHY


async def test_parts_that_are_missing_or_old_are_said_in_their_sections() -> None:
    """The others do not suffer."""
    shown = snapshot(
        *WELL.workloads,
        *WELL.pods,
        node(),
        parts={Part.INGRESSES: missing("no right to list ingresses"), Part.NODES: stale(240, "the watch is silent")},
    )
    checkup = await check(shown)
    assert section(checkup, "ingresses").problem == "no right to list ingresses"
    assert section(checkup, "nodes").problem == "last seen 4 min ago: the watch is silent"
    assert section(checkup, "nodes").words == "1 of 1 ready"
    assert not section(checkup, "nodes").is_fine
    assert checkup.verdict is Verdict.HEALTHY


async def test_without_probes_a_health_url_is_not_called_well() -> None:
    """It decides, and nobody looked."""
    checkup = await check(watch=watching_over(health_url()))
    assert section(checkup, "health URLs").problem == "nothing is probed from here"
    assert checkup.verdict is Verdict.UNKNOWN


# --- the verdict ------------------------------------------------------------------------------------------------------

OTHER = replace(health_url(), name="other", service="")


@pytest.mark.parametrize(
    ("answers", "verdict"),
    [
        ((probed(health_url()), probed(OTHER)), Verdict.HEALTHY),
        ((failed(health_url()), failed(OTHER)), Verdict.DOWN),
        ((failed(health_url()), probed(OTHER)), Verdict.DEGRADED),
        ((probed(health_url(), Health.SLOW), probed(OTHER)), Verdict.DEGRADED),
        ((probed(health_url(), Health.UNKNOWN), probed(OTHER)), Verdict.UNKNOWN),
        ((failed(health_url()), probed(OTHER, Health.UNKNOWN)), Verdict.DOWN),
        ((probed(health_url(), Health.UNKNOWN), probed(OTHER, Health.UNKNOWN)), Verdict.UNKNOWN),
    ],
    ids=["all answer", "none answers", "one fails", "one is slow", "one unknown", "the rest unknown", "all unknown"],
)
async def test_health_urls_decide(answers: Sequence[Any], verdict: Verdict) -> None:
    """Down is what does not answer anywhere."""
    checkup = await check(probes=FixedProbes(*answers), watch=watching_over(health_url(), OTHER))
    assert checkup.verdict is verdict


async def test_a_critical_finding_alone_is_not_down() -> None:
    """As long as something is ready, and the health URL answers."""
    shown = snapshot(*crashing(), deployment("worker"))
    checkup = await check(shown, probes=FixedProbes(), watch=watching_over(health_url()))
    assert checkup.attentions[0].severity is Severity.CRITICAL
    assert checkup.verdict is Verdict.DEGRADED


async def test_a_trouble_beside_an_unread_cluster_is_no_verdict() -> None:
    """Unless it is critical: then at least something is known to be wrong."""
    gone = SnapshotCluster(WELL, problem=ClusterUnreachable("gone"))
    assert (await check(gone, extras=FixedExtras(quotas=[quota(0.95)]))).verdict is Verdict.UNKNOWN
    assert (await check(gone, extras=FixedExtras(disks=[disk(0.95)]))).verdict is Verdict.DEGRADED


# --- each once --------------------------------------------------------------------------------------------------------


async def test_a_failing_health_url_is_told_with_the_finding_that_explains_it() -> None:
    """It is one cause, though two see it; the section says that it was seen, too."""
    target = health_url()
    checkup = await check(
        snapshot(*crashing()), probes=FixedProbes(failed(target, "It answers 503.")), watch=watching_over(target)
    )
    [attention] = checkup.attentions
    assert attention.key == "CRASH_LOOP:deployment/api/api"
    assert attention.words.endswith(" Its health URL fails, too: It answers 503.")
    urls = section(checkup, "health URLs")
    assert (urls.words, urls.attentions, urls.is_fine) == ("0 of 1 answer; not search", (), False)
    assert checkup.verdict is Verdict.DOWN


async def test_a_failing_health_url_of_another_service_is_told_by_itself() -> None:
    """A crash elsewhere does not explain it."""
    target = health_url()
    checkup = await check(
        snapshot(*crashing("worker"), deployment("api")),
        probes=FixedProbes(failed(target)),
        watch=watching_over(target),
    )
    assert [each.key for each in checkup.attentions] == ["CRASH_LOOP:deployment/worker/api", "PROBE_REFUSED:search"]


async def test_a_dependency_is_told_with_the_crash_that_names_it() -> None:
    """Only where dependencies are part of the check."""
    target = database()
    line = 'could not connect to server: Connection refused. Is the server running on host "postgres" and port 5432?'
    logs = TableLogs({LogKey("api-1", "api", previous=False): log_of(line)})
    probes = FixedProbes(failed(target))
    checkup = await check(
        snapshot(*crashing()), logs=logs, probes=probes, watch=watching_over(target), dependencies=True
    )
    [attention] = checkup.attentions
    assert attention.key == "CRASH_DEPENDENCY:deployment/api/api"
    assert attention.words.endswith(" We do not reach postgres either: It refuses the connection.")
    alone = await check(probes=probes, watch=watching_over(target), dependencies=True)
    assert [(each.key, each.service, each.title) for each in alone.attentions] == [
        ("PROBE_REFUSED:postgres", "postgres", "postgresql fails")
    ]
    without = await check(probes=FixedProbes(), watch=watching_over(target))
    assert "dependencies" not in {each.name for each in without.sections}


async def test_a_certificate_that_several_serve_is_told_once() -> None:
    """And the probe's own word about it is not a second one."""
    ends = trouble("The certificate ends.", code="CERTIFICATE_ENDS_SOON", severity=Severity.WARNING)
    answers = [
        probed(target, Health.DEGRADED, ends, certificates=(served(days=3, address="10.0.0.7"),))
        for target in (health_url(), OTHER)
    ]
    checkup = await check(
        probes=FixedProbes(*answers),
        extras=FixedExtras(certificates=[issued(days=80)]),
        watch=watching_over(health_url(), OTHER),
    )
    [attention] = checkup.attentions
    assert attention.key == "CERTIFICATE_ENDS:rag.example.com"
    assert attention.title == "its certificate ends in 3 days"
    assert (
        "cert-manager has a newer one (rag-tls, good for 80 days), and the old one is still served" in attention.words
    )


async def test_keys_are_told_apart_and_kept_once() -> None:
    """Equal keys would make new and old one thing."""
    shown = snapshot(*crashing(), *crashing("worker"))
    keys = [each.key for each in (await check(shown)).attentions]
    assert keys == ["CRASH_LOOP:deployment/api/api", "CRASH_LOOP:deployment/worker/api"]


# --- one service ------------------------------------------------------------------------------------------------------


async def test_a_service_is_checked_by_what_belongs_to_it() -> None:
    """What is of the whole namespace is not read for it."""
    extras = FixedExtras(disks=[disk(0.97), disk(0.97, name="node-2")], quotas=[quota(1.0)], backups=[])
    shown = snapshot(*WELL.workloads, *WELL.pods, *crashing("worker"), node(), node("node-2"))
    targets = (health_url(), replace(OTHER, service="worker"))
    probes = FixedProbes()
    checkup = await check(
        shown, service="search", said="health search", extras=extras, probes=probes, watch=watching_over(*targets)
    )
    assert sorted(extras.asked) == ["certificates", "disks"]
    assert probes.asked == ["search"]
    assert checkup.service == "search"
    assert not {"jobs", "quota", "backups"} & {each.name for each in checkup.sections}
    assert section(checkup, "workloads").words == "1/1 pods ready"
    assert "worker" not in repr(checkup.attentions)


async def test_a_workload_that_is_no_service_has_no_targets() -> None:
    """Those of the whole namespace are not its own."""
    probes = FixedProbes()
    shown = snapshot(*WELL.workloads, deployment("worker"))
    checkup = await check(shown, service="deployment/worker", probes=probes, watch=watching_over(health_url()))
    assert (probes.asked, checkup.service) == ([], "worker")
