"""A look at a namespace: the snapshot, what is read besides, the report."""

from __future__ import annotations

import pytest

from bot.domain.findings import Verdict
from bot.domain.objects import NodeLoad
from bot.domain.snapshot import LogKey, Snapshot
from bot.domain.targets import ObjectRef
from bot.errors import ClusterUnreachable, UsageError
from bot.examine import LOG_LINES, examine
from tests.support.builders import (
    SCOPE,
    container,
    crash_looping,
    deployment,
    log_of,
    node,
    pod,
    ref,
    replica_set,
    snapshot,
    unscheduled,
)
from tests.support.twins import SnapshotCluster, TableLogs

API, WORKER = deployment("api", ready=0), deployment("worker", ready=0)
REPLICAS, OTHERS = replica_set(API), replica_set(WORKER)
CRASH, OTHER = pod(REPLICAS, crash_looping(), name="api-1"), pod(OTHERS, crash_looping(), name="worker-1")
KEY, OTHER_KEY = LogKey("api-1", "api", previous=False), LogKey("worker-1", "api", previous=False)
CRASHING = snapshot(API, REPLICAS, CRASH, WORKER, OTHERS, OTHER)


async def test_all_well_reads_nothing_besides() -> None:
    """A look at a healthy namespace costs the snapshot alone."""
    logs = TableLogs()
    report, focus = await examine(SnapshotCluster(snapshot(deployment(), pod())), logs, SCOPE)
    assert (report.verdict, focus, logs.asked) == (Verdict.HEALTHY, None, [])


async def test_the_logs_of_crashes_are_read_and_diagnosed() -> None:
    """So many last lines of each."""
    logs = TableLogs({KEY: log_of(*(f"line {number}" for number in range(LOG_LINES + 9)))})
    report, _ = await examine(SnapshotCluster(CRASHING), logs, SCOPE)
    assert set(logs.asked) == {KEY, OTHER_KEY}
    assert len(report.snapshot.logs[KEY].lines) == LOG_LINES
    assert {finding.target for finding in report.findings} == {ref(API), ref(WORKER)}


async def test_with_a_focus_only_its_own_logs_are_read() -> None:
    """And only it is reported."""
    logs = TableLogs()
    report, focus = await examine(SnapshotCluster(CRASHING), logs, SCOPE, find=lambda _: ref(WORKER))
    assert logs.asked == [OTHER_KEY]
    assert focus == ref(WORKER)
    assert {finding.target for finding in report.findings} == {ref(WORKER)}


async def test_a_name_that_is_not_found_ends_the_look() -> None:
    """Before anything else is read."""

    def find(_: Snapshot) -> ObjectRef:
        raise UsageError("There is no such workload.")

    logs = TableLogs()
    with pytest.raises(UsageError):
        await examine(SnapshotCluster(CRASHING), logs, SCOPE, find=find)
    assert logs.asked == []


async def test_a_cluster_that_does_not_answer_is_no_report() -> None:
    """Nothing can be said then."""
    with pytest.raises(ClusterUnreachable):
        await examine(SnapshotCluster(CRASHING, problem=ClusterUnreachable("no answer")), TableLogs(), SCOPE)


PENDING = (
    API,
    REPLICAS,
    unscheduled(
        REPLICAS,
        "0/1 nodes are available: 1 Insufficient memory.",
        container(memory=1 << 40),
    ),
    node("node-1"),
)


async def test_how_full_the_nodes_are_is_read_for_pods_that_no_node_takes() -> None:
    """It says why there is no room."""
    load = {"node-1": NodeLoad(7000, 15 << 30, 9)}
    report, _ = await examine(SnapshotCluster(snapshot(*PENDING, load=load)), TableLogs(), SCOPE)
    assert report.snapshot.node_load == load
    assert report.not_checked == ()


async def test_nodes_that_may_not_be_looked_at_are_said_so() -> None:
    """The diagnosis goes on without."""
    report, _ = await examine(SnapshotCluster(snapshot(*PENDING)), TableLogs(), SCOPE)
    [unread] = report.not_checked
    assert unread.what == "how full the nodes are"
    assert unread.reason == "The right to list pods in the whole cluster is missing (prod-eu)"
    assert [finding.code for finding in report.findings] == ["INSUFFICIENT_RESOURCES"]


async def test_logs_that_are_not_read_for_want_of_room_are_said_so() -> None:
    """An answer reads a few logs; that there were more to read is no secret."""
    objects: list[object] = []
    for number in range(10):
        workload = deployment(f"api-{number}")
        replicas = replica_set(workload)
        objects += [workload, replicas, pod(replicas, crash_looping(), name=f"api-{number}-6d5f-xyz")]

    report, _ = await examine(SnapshotCluster(snapshot(*objects)), TableLogs({}), SCOPE)

    assert [missing.what for missing in report.not_checked] == ["the logs of 2 more troubles"]
