from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.diagnosis import diagnose
from bot.domain.change_policy import ChangePolicy
from bot.domain.live import Json, Live, Reads
from bot.domain.snapshot import LogKey, Snapshot
from bot.domain.targets import ObjectRef, Scope
from bot.errors import ClusterForbidden, StoreUnavailable, UsageError
from bot.planning.ground import about, ground, service_of
from bot.ports import Sources, Surroundings, WorkedRevision
from tests.support.bounds import CATALOGUE, LOAD, api
from tests.support.builders import (
    NOW,
    SCOPE,
    autoscaler,
    condition,
    container,
    crash_looping,
    deployment,
    log_of,
    node,
    pod,
    replica_set,
    snapshot,
    stateful_set,
)
from tests.support.planned import worked
from tests.support.service import asked
from tests.support.twins import SnapshotCluster, TableLogs

API = deployment(desired=2, ready=1)
REPLICAS = replica_set(API, desired=2, ready=1)
BAD = pod(REPLICAS, crash_looping(), name="api-1")
CRASH = {LogKey("api-1", "api", previous=False): log_of("no such table")}


class TableLive:
    """A `LiveReader` over a table of objects; it notes what was asked for."""

    def __init__(self, *objects: Json) -> None:
        self._objects = {(str(each["kind"]), str(each["metadata"]["name"])): each for each in objects}
        self.asked: list[tuple[str, str, frozenset[Reads]]] = []

    async def live(self, scope: Scope, kind: str, name: str, *, reads: frozenset[Reads] = frozenset()) -> Live:
        assert scope == SCOPE
        self.asked.append((kind, name, reads))
        return Live(read_at=NOW, object=self._objects.get((kind, name)))

    async def surroundings(self, scope: Scope) -> Surroundings:
        assert scope == SCOPE
        return Surroundings(unread=("limit ranges: no right",))


class TableRecord:
    """A `ChangeRecord` that knows one workload, or is away."""

    def __init__(self, *, away: bool = False) -> None:
        self._away = away

    async def worked(self, scope: Scope, ref: ObjectRef) -> tuple[WorkedRevision, ...]:
        if self._away:
            raise StoreUnavailable
        return (worked(f"{ref} in {scope}"),)

    async def lasted(self, _: Scope, __: ObjectRef) -> tuple[float, ...]:
        return (40.0, 0.4, 38.0)

    async def note(self, _: Scope, __: object) -> None:
        raise NotImplementedError


def sources(shown: Snapshot, live: TableLive, **more: Any) -> Sources:
    made = Sources(
        scope=SCOPE,
        request=asked("restart search"),
        now=NOW,
        cluster=SnapshotCluster(shown),
        logs=TableLogs(CRASH),
        catalogue=CATALOGUE,
        live=live,
        record=TableRecord(),
        changes=ChangePolicy(version="p7"),
    )
    return replace(made, **more)


async def test_a_ground_is_the_live_object_and_the_whole_picture_around_it() -> None:
    """The alias leads to it; the report is that of the namespace; what was over at once is no measure."""
    db = stateful_set("db", ready=0)
    broken = pod(db, container(ready=False), name="db-0", conditions=(condition("Ready", "False"),))
    live = TableLive(api(2, ready=1))
    seen = await ground("restart search", "search", sources(snapshot(API, REPLICAS, BAD, db, broken, load=LOAD), live))
    assert (seen.name, seen.service, seen.word, seen.said) == ("search", "search", "search", "restart search")
    assert (seen.ref, seen.target.uid, seen.workload) == (ObjectRef("Deployment", "shop", "api"), "uid-api", API)
    assert live.asked == [("Deployment", "api", frozenset({Reads.REVISIONS}))]
    assert {finding.target.name for finding in seen.report.findings} == {"api", "db"}
    assert [finding.target.name for finding in seen.findings] == ["api"]
    assert "no such table" in seen.findings[0].evidence[-1].lines
    assert seen.snapshot.node_load == LOAD
    assert seen.surroundings.unread == ("limit ranges: no right",)
    assert (seen.policy.version, seen.lasted, seen.record_problem) == ("p7", (40.0, 38.0), "")
    assert seen.worked[0].revision_uid == "deployment/api in shop on prod-eu"


async def test_a_record_that_is_away_is_said() -> None:
    """A change can be planned without it."""
    live, shown = TableLive(api()), snapshot(API, REPLICAS, BAD)
    away = await ground("restart api", "api", sources(shown, live, record=TableRecord(away=True)))
    assert (away.worked, away.lasted) == ((), ())
    assert away.record_problem == "The database did not answer"
    without = await ground("restart api", "api", sources(shown, live, record=None))
    assert without.record_problem == "there is no database here that remembers earlier changes"


async def test_how_full_the_nodes_are_is_asked_for_once() -> None:
    """And said when it cannot be had."""
    live, shown = TableLive(api()), snapshot(API, REPLICAS, BAD, node())
    seen = await ground("restart api", "api", sources(shown, live))
    assert seen.snapshot.node_load is None
    [missing] = [each for each in seen.report.not_checked if each.what == "how full the nodes are"]
    assert missing.reason == "The right to list pods in the whole cluster is missing (prod-eu)"


async def test_an_unknown_name_is_refused_before_anything_else_is_read() -> None:
    """With the nearest ones, as commands."""
    live = TableLive(api())
    with pytest.raises(UsageError, match='no workload "apl"') as raised:
        await ground("restart apl", "apl", sources(snapshot(API, REPLICAS, BAD), live))
    assert raised.value.suggestions == ("restart api",)
    assert live.asked == []


@pytest.mark.parametrize(
    ("live", "words"),
    [
        (TableLive(), "deployment/api is gone: shop on prod-eu has no such object any more."),
        (
            TableLive({**api(), "metadata": {**api()["metadata"], "deletionTimestamp": "2026-11-24T22:00:00Z"}}),
            "deployment/api is being deleted",
        ),
    ],
    ids=["gone", "going"],
)
async def test_what_the_api_server_does_not_have_cannot_be_changed(live: TableLive, words: str) -> None:
    """Whatever the picture still shows."""
    with pytest.raises(UsageError, match=words):
        await ground("restart api", "api", sources(snapshot(API, REPLICAS, BAD), live))


@pytest.mark.parametrize("port", ["catalogue", "changes", "live", "cluster", "logs"])
async def test_a_port_that_was_not_asked_for_is_a_bug(port: str) -> None:
    """A verb names what it needs."""
    handed = replace(sources(snapshot(API), TableLive(api())), **{port: None})
    with pytest.raises(ValueError, match="needs"):
        await ground("restart api", "api", handed)


async def test_a_cluster_that_cannot_be_read_is_no_ground() -> None:
    """Nothing is planned on a guess."""
    cluster = SnapshotCluster(snapshot(API), problem=ClusterForbidden("no right"))
    with pytest.raises(ClusterForbidden):
        await ground("restart api", "api", sources(snapshot(API), TableLive(api()), cluster=cluster))


def test_findings_about_pods_and_autoscalers_are_the_workloads() -> None:
    """And those that it feels from elsewhere."""
    scaler = autoscaler(API, minimum=2, maximum=2)
    other = deployment("web")
    report = diagnose(snapshot(API, REPLICAS, BAD, scaler, other))
    kinds = {finding.target.kind for finding in about(report, API)}
    assert kinds == {"Deployment", "HorizontalPodAutoscaler"}
    assert about(report, other) == ()


def test_an_object_without_an_alias_is_no_service() -> None:
    """Its own name is not one."""
    assert service_of(CATALOGUE, ObjectRef("Deployment", "shop", "api")) == "search"
    assert service_of(CATALOGUE, ObjectRef("StatefulSet", "shop", "api")) == ""
