"""Writes to the simulated cluster, over HTTP: what each change asks for, and what its answers are taken for."""

from __future__ import annotations

import asyncio
import copy
import inspect
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

import bot
from bot.cluster import Clusters, KubernetesHttp, LiveObjects, OneShotReader, open_connection
from bot.cluster.writer import ClusterWrites
from bot.domain.live import (
    VOID,
    Live,
    Reads,
    annotations_of,
    metadata_of,
    revision_template,
    template_digest,
    template_of,
)
from bot.domain.steps import (
    ClearFailed,
    Deletion,
    Evict,
    Eviction,
    FailedPod,
    Patch,
    Standing,
    Write,
    void_patch,
)
from bot.domain.steps.rollback import number_of
from bot.domain.targets import ClusterName, Namespace, Scope
from bot.errors import (
    ClusterError,
    ClusterFault,
    ClusterForbidden,
    ClusterUnreachable,
    UsageError,
    WriteConflict,
    WriteError,
    WriteRefused,
    WriteThrottled,
    WriteUnknown,
)
from sandbox.cluster.api.access import Deny
from sandbox.cluster.faults import Fault, FaultKind
from sandbox.cluster.scenarios import load
from sandbox.cluster.server import ClusterServer
from sandbox.cluster.store import Json
from sandbox.cluster.world import templates as make
from sandbox.cluster.world.world import World
from tests.support.clocks import WallClock, leaping_loop
from tests.support.steps import STAMP, MakeStep, restart, rollback, scale, set_bounds, set_image, set_memory
from tests.support.waiting import until

SCOPE = Scope(ClusterName("sandbox"), Namespace("rag-engine"))
CLOCK = WallClock()
REVISIONS = frozenset({Reads.REVISIONS})
WORKER = ("Deployment", "rag-engine-worker")
API = ("Deployment", "rag-engine-api")
MARKED: list[tuple[str, str, MakeStep]] = [
    (*WORKER, restart),
    (*WORKER, scale),
    (*API, rollback),
    (*WORKER, set_image),
    (*WORKER, set_memory),
    ("StatefulSet", "qdrant", restart),
    ("StatefulSet", "qdrant", scale),
    ("StatefulSet", "postgres", rollback),
    ("DaemonSet", "rag-engine-agent", restart),
    ("DaemonSet", "rag-engine-agent", rollback),
    ("HorizontalPodAutoscaler", "rag-engine-api-hpa", set_bounds),
]


@dataclass(frozen=True, slots=True)
class Stage:
    """A world behind its API server, and what reads and writes there."""

    world: World
    server: ClusterServer
    http: KubernetesHttp
    writes: ClusterWrites

    async def live(self, kind: str, name: str) -> Live:
        return await self.writes.live(SCOPE, kind, name, reads=REVISIONS)

    async def write(self, write: Write, *, dry_run: bool = False, timeout_s: float = 5.0) -> None:
        await self.writes.write(SCOPE, write, dry_run=dry_run, timeout_s=timeout_s)

    async def restart(self) -> Write:
        """What restarts the worker, for the state that it is in."""
        live = await self.live(*WORKER)
        (write,) = restart(WORKER[0], live).writes(live, STAMP)
        return write

    async def marker(self) -> str:
        return (await self.live(*WORKER)).marker

    def pods(self, app: str) -> list[Json]:
        found = self.world.store.list("pods", SCOPE.namespace)
        return [pod for pod in found if pod["metadata"]["labels"].get("app") == app]


def give_second_revisions(world: World) -> None:
    """Release once more what has one revision in the scenario, and a DaemonSet, twice."""
    agent = make.daemon_set(SCOPE.namespace, "rag-engine-agent", make.container("agent", "agent:v1"))
    postgres = copy.deepcopy(world.store.get("statefulsets", SCOPE.namespace, "postgres"))
    assert postgres is not None
    for workload, resource in ((agent, "daemonsets"), (postgres, "statefulsets")):
        world.apply(resource, workload)
        world.advance(60)
        workload["spec"]["template"]["spec"]["containers"][0]["image"] += "-1"
        world.apply(resource, workload)
    world.advance(120)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    world = load("healthy")
    give_second_revisions(world)
    async with ClusterServer(world.store, world, world) as server:
        server.write_kubeconfig(tmp_path / "kubeconfig")
        connection = await open_connection(str(tmp_path / "kubeconfig"))
        try:
            http = KubernetesHttp(connection, CLOCK, lambda: 0.5)
            yield Stage(world, server, http, ClusterWrites({SCOPE.cluster: http}, CLOCK))
        finally:
            await connection.close()


# --- what each change asks for ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "name", "plan"), MARKED, ids=[f"{plan.__name__} {kind}" for kind, _, plan in MARKED])
async def test_a_change_is_dry_run_and_then_made_with_its_mark(
    stage: Stage, kind: str, name: str, plan: MakeStep
) -> None:
    """The dry run leaves the object as it was; the same request then does it, and no other time."""
    before = await stage.live(kind, name)
    step = plan(kind, before)
    assert step.compare(before, STAMP).standing is Standing.FROM
    (write,) = step.writes(before, STAMP)
    tried = await stage.writes.write(SCOPE, write, dry_run=True, timeout_s=5)
    assert tried.resource_version == before.resource_version
    assert (await stage.live(kind, name)).object == before.object

    made = await stage.writes.write(SCOPE, write, dry_run=False, timeout_s=5)

    after = await stage.live(kind, name)
    assert (made.generation, made.resource_version) == (after.generation, after.resource_version)
    assert step.compare(after, STAMP).standing is Standing.TO
    assert after.marker == STAMP.operation_id
    with pytest.raises(WriteConflict):
        await stage.write(write)
    assert (await stage.live(kind, name)).resource_version == after.resource_version


@pytest.mark.parametrize(
    ("kind", "name", "plan"), MARKED[:10], ids=[f"{plan.__name__} {kind}" for kind, _, plan in MARKED[:10]]
)
async def test_after_a_change_the_template_is_that_of_the_newest_revision(
    stage: Stage, kind: str, name: str, plan: MakeStep
) -> None:
    """So that a revision which worked is known again by its digest, and a rollback by where it leads."""
    for write in plan(kind, live := await stage.live(kind, name)).writes(live, STAMP):
        await stage.write(write)
    stage.world.advance(1)
    live = await stage.live(kind, name)
    newest = max(live.revisions, key=number_of)
    assert template_digest(revision_template(newest)) == template_digest(template_of(live.object))
    others = {template_digest(revision_template(each)) for each in live.revisions if each is not newest}
    assert template_digest(template_of(live.object)) not in others


async def test_a_void_mark_burns_what_was_made_before_it(stage: Stage) -> None:
    """Nothing but the mark changes, and a write of an earlier state is a conflict."""
    write = await stage.restart()
    before = await stage.live(*WORKER)
    await stage.write(void_patch(WORKER[0], before, "op-7f3a9c1e"))
    after = await stage.live(*WORKER)
    assert annotations_of(after.object)[VOID] == "op-7f3a9c1e"
    assert template_of(after.object) == template_of(before.object)
    with pytest.raises(WriteConflict):
        await stage.write(write)


async def test_a_pod_is_evicted_where_its_budget_allows_it(stage: Stage) -> None:
    """The one that was seen, and once."""
    pod = stage.pods("rag-engine-api")[0]["metadata"]["name"]
    live = await stage.live("Pod", pod)
    step = Evict(owner="ReplicaSet/x")
    (write,) = step.writes(live, STAMP)
    await stage.write(write, dry_run=True)
    assert step.compare(await stage.live("Pod", pod), STAMP).standing is Standing.FROM
    await stage.write(write)
    assert step.compare(await stage.live("Pod", pod), STAMP).standing is Standing.TO


async def test_a_budget_that_is_spent_is_a_refusal_without_a_time(stage: Stage) -> None:
    """Two of three API pods must stay: the second eviction is told why, and not to wait."""
    first, second, _ = (pod["metadata"]["name"] for pod in stage.pods("rag-engine-api"))
    for name in (first, second):
        (write,) = Evict(owner="").writes(await stage.live("Pod", name), STAMP)
        if name == first:
            await stage.write(write)
            stage.world.advance(0)
    for dry_run in (True, False):
        with pytest.raises(WriteThrottled, match="needs 2 healthy pods and has 2 currently") as refused:
            await stage.write(write, dry_run=dry_run)
        assert refused.value.retry_after_s is None


async def test_a_budget_that_is_being_counted_says_when_to_come_again(stage: Stage) -> None:
    budget = make.plain("policy/v1", "PodDisruptionBudget", "worker", SCOPE.namespace)
    budget["spec"] = {"minAvailable": 0, "selector": {"matchLabels": {"app": "rag-engine-worker"}}}
    stage.world.store.create("poddisruptionbudgets", budget)
    name = stage.pods("rag-engine-worker")[0]["metadata"]["name"]
    (write,) = Evict(owner="").writes(await stage.live("Pod", name), STAMP)
    with pytest.raises(WriteThrottled, match="still being processed") as refused:
        await stage.write(write, dry_run=True)
    assert refused.value.retry_after_s == 10


async def test_a_pod_of_two_budgets_is_refused_not_in_doubt(stage: Stage) -> None:
    """The server says so with a 500, before it has touched the pod."""
    budget = make.plain("policy/v1", "PodDisruptionBudget", "second", SCOPE.namespace)
    budget["spec"] = {"minAvailable": 1, "selector": {"matchLabels": {"app": "rag-engine-api"}}}
    stage.world.apply("poddisruptionbudgets", budget)
    name = stage.pods("rag-engine-api")[0]["metadata"]["name"]
    (write,) = Evict(owner="").writes(await stage.live("Pod", name), STAMP)
    with pytest.raises(WriteRefused, match="more than one PodDisruptionBudget"):
        await stage.write(write)


async def test_exactly_the_failed_pods_that_were_seen_are_deleted(stage: Stage) -> None:
    """Not the one that failed later, not one that runs, and none by a dry run."""
    namespace, fails = SCOPE.namespace, stage.pods("rag-engine-web")
    stage.world.evict(namespace, fails[0]["metadata"]["name"], "The node was low on resource: memory.")
    target = await stage.writes.live(SCOPE, "Namespace", namespace, reads=frozenset({Reads.FAILED_PODS}))
    assert (target.uid, target.resource_version, metadata_of(target.object)["name"]) == ("", "", namespace)
    seen = tuple(FailedPod(pod["metadata"]["name"], pod["metadata"]["uid"]) for pod in target.pods)
    assert [pod.name for pod in seen] == [fails[0]["metadata"]["name"]]
    step = ClearFailed(pods=seen)
    stage.world.evict(namespace, fails[1]["metadata"]["name"], "The node was low on resource: memory.")

    async def now() -> Live:
        return await stage.writes.live(SCOPE, "Namespace", namespace, reads=step.reads)

    writes = step.writes(await now(), STAMP)
    assert len(writes) == 1
    for write in writes:
        await stage.write(write, dry_run=True)
    assert step.compare(await now(), STAMP).standing is Standing.FROM
    for write in writes:
        await stage.write(write)
    assert step.compare(await now(), STAMP).standing is Standing.TO
    assert [metadata_of(pod)["name"] for pod in (await now()).pods] == [fails[1]["metadata"]["name"]]


# --- what is in the way -----------------------------------------------------------------------------------------------


async def test_an_object_that_moved_is_a_conflict(stage: Stage) -> None:
    """Whoever moved it, and whatever of it."""
    write = await stage.restart()
    worker = copy.deepcopy(stage.world.store.get("deployments", SCOPE.namespace, "rag-engine-worker"))
    assert worker is not None
    worker["metadata"]["labels"]["team"] = "search"
    stage.world.apply("deployments", worker)
    for dry_run in (True, False):
        with pytest.raises(WriteConflict):
            await stage.write(write, dry_run=dry_run)
    assert await stage.marker() == ""


async def test_another_object_of_the_same_name_is_a_conflict(stage: Stage) -> None:
    """It has another resourceVersion; a pod another uid as well."""
    write = await stage.restart()
    before = await stage.live(*WORKER)
    worker = stage.world.store.delete("deployments", SCOPE.namespace, "rag-engine-worker")
    with pytest.raises(WriteRefused) as gone:
        await stage.write(write)
    assert gone.value.status == 404
    assert (await stage.live(*WORKER)).object is None
    stage.world.apply("deployments", {**worker, "metadata": {"name": WORKER[1], "namespace": SCOPE.namespace}})
    assert (await stage.live(*WORKER)).uid != before.uid
    with pytest.raises(WriteConflict):
        await stage.write(write)

    pod = stage.pods("rag-engine-web")[0]["metadata"]
    for other in ({"uid": "11111111-2222"}, {"resource_version": "1"}):
        known = {"uid": pod["uid"], "resource_version": pod["resourceVersion"], **other}
        with pytest.raises(WriteConflict):
            await stage.write(Deletion(pod["name"], **known))
        with pytest.raises(WriteConflict):
            await stage.write(Eviction(pod["name"], **known))
    assert pod["name"] in {each["metadata"]["name"] for each in stage.pods("rag-engine-web")}


async def test_what_is_invalid_is_refused_without_what_it_quotes(stage: Stage) -> None:
    """The server's validation quotes whole objects, values of variables with them."""
    live = await stage.live(*API)
    precondition = {"op": "replace", "path": "/metadata/resourceVersion", "value": live.resource_version}
    cases: dict[str, dict[str, Any]] = {
        "strict decoding error": {"op": "add", "path": "/spec/replica", "value": 3},
        "cannot unmarshal": {"op": "add", "path": "/spec/replicas", "value": "three"},
        "spec.replicas: Invalid value: -1: must be greater than or equal to 0": {
            "op": "add",
            "path": "/spec/replicas",
            "value": -1,
        },
    }
    for words, change in cases.items():
        with pytest.raises(WriteRefused, match=words) as refused:
            await stage.write(Patch(*API, (precondition, change)), dry_run=True)
        assert refused.value.status == 422
        assert "qdrant:6333" not in refused.value.message
        assert "template" not in refused.value.message


async def test_what_a_right_is_missing_for_is_named(stage: Stage) -> None:
    write = await stage.restart()
    stage.server.rbac = (Deny(verb="patch", resource="deployments"),)
    with pytest.raises(WriteRefused, match=r"The right to patch deployments\.apps in namespace rag-engine") as refused:
        await stage.write(write)
    assert refused.value.status == 403


async def test_whatever_the_server_will_not_take_is_refused(stage: Stage) -> None:
    """Who is not known, and what is no such content."""
    for status in (400, 401, 415):
        stage.server.faults.add(Fault(FaultKind.STATUS, verb="patch", status=status, count=1))
        with pytest.raises(WriteRefused) as refused:
            await stage.write(await stage.restart())
        assert refused.value.status == status


async def test_a_patch_that_fits_any_state_is_never_sent(stage: Stage) -> None:
    """An empty resourceVersion means "no precondition" to the server."""
    live = await stage.live(*WORKER)
    for operations in (
        ({"op": "add", "path": "/spec/replicas", "value": 0},),
        ({"op": "replace", "path": "/metadata/resourceVersion", "value": ""},),
        ({"op": "test", "path": "/metadata/resourceVersion", "value": live.resource_version},),
    ):
        with pytest.raises(ValueError, match="without a precondition"):
            await stage.write(Patch(*WORKER, operations))


# --- what is not known ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "happened"),
    [
        (Fault(FaultKind.DROP_BEFORE), False),
        (Fault(FaultKind.DROP_BEFORE, after=True), True),
        (Fault(FaultKind.DROP_WITHIN), True),
        (Fault(FaultKind.STATUS, status=500), False),
        (Fault(FaultKind.STATUS, status=504, after=True), True),
        (Fault(FaultKind.LATENCY, seconds=3000), False),
        (Fault(FaultKind.LATENCY, seconds=3000, after=True), True),
    ],
    ids=["reset", "reply lost", "reply broken", "500 before", "504 after", "hangs before", "hangs after"],
)
@pytest.mark.parametrize("what", ["patch", "delete"])
async def test_without_an_answer_nobody_knows_and_nothing_is_sent_again(
    stage: Stage, fault: Fault, happened: bool, what: str
) -> None:
    """Whether it happened or not: the error says that it may have."""
    pod = stage.pods("rag-engine-web")[0]["metadata"]
    write: Write = Deletion(pod["name"], pod["uid"], pod["resourceVersion"])
    asked = f"{what} {'pods' if what == 'delete' else 'deployments.apps'}"
    if what == "patch":
        write = await stage.restart()
    stage.server.faults.add(replace(fault, verb=what))

    async def has_happened() -> bool:
        if what == "patch":
            return await stage.marker() == STAMP.operation_id
        now = await stage.live("Pod", pod["name"])
        return "deletionTimestamp" in metadata_of(now.object)

    async def as_far_as_it_goes() -> bool:
        return stage.server.asked[asked] == 1 and await has_happened() is happened

    with leaping_loop() as leap:
        writing = asyncio.create_task(stage.write(write, timeout_s=60))
        if fault.kind is FaultKind.LATENCY:
            await until(as_far_as_it_goes, bool, every_s=0.01)
            leap(100)
        with pytest.raises(WriteUnknown) as unknown:
            await writing
        assert unknown.value.unchanged == "It may or may not have happened."
        stage.server.faults.clear()
        assert stage.server.asked[asked] == 1
        assert await has_happened() is happened


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault(FaultKind.DROP_BEFORE), ClusterUnreachable),
        (Fault(FaultKind.DROP_WITHIN), ClusterUnreachable),
        (Fault(FaultKind.STATUS, status=503), ClusterFault),
        (Fault(FaultKind.LATENCY, seconds=30), ClusterUnreachable),
    ],
    ids=["reset", "broken", "503", "hangs"],
)
async def test_of_a_dry_run_nothing_is_in_doubt(stage: Stage, fault: Fault, expected: type[ClusterError]) -> None:
    """It is a read that failed."""
    write = await stage.restart()
    stage.server.faults.add(replace(fault, verb="patch"))
    with pytest.raises(expected) as failed:
        await stage.write(write, dry_run=True, timeout_s=0.4 if fault.kind is FaultKind.LATENCY else 60)
    assert not isinstance(failed.value, WriteError)
    assert failed.value.unchanged == "Nothing was changed."


async def test_where_nobody_listens_nothing_was_sent(stage: Stage) -> None:
    write = await stage.restart()
    stage.server.faults.add(Fault(FaultKind.UNREACHABLE))
    await asyncio.sleep(0.1)
    with pytest.raises(ClusterUnreachable) as unreachable:
        await stage.write(write)
    assert not isinstance(unreachable.value, WriteError)
    assert unreachable.value.unchanged == "Nothing was changed."


# --- what is read -----------------------------------------------------------------------------------------------------


async def test_only_revisions_that_the_workload_controls_are_its_own(stage: Stage) -> None:
    """A label makes none; and those of others stay out."""
    live = await stage.live(*API)
    assert sorted(map(number_of, live.revisions)) == [1, 2, 3, 4, 5, 6, 7]
    stranger = copy.deepcopy(dict(live.revisions[0]))
    stranger["metadata"] = {
        "name": "rag-engine-api-stranger",
        "namespace": SCOPE.namespace,
        "labels": stranger["metadata"]["labels"],
        "ownerReferences": [{**stranger["metadata"]["ownerReferences"][0], "uid": "another"}],
    }
    stage.world.store.create("replicasets", stranger)
    assert len((await stage.live(*API)).revisions) == 7
    assert (await stage.writes.live(SCOPE, *API)).revisions == ()
    assert {
        metadata_of(each)["name"].rpartition("-")[0] for each in (await stage.live("StatefulSet", "postgres")).revisions
    } == {"postgres"}


async def test_what_is_not_there_is_none_and_what_cannot_be_read_is_an_error(stage: Stage) -> None:
    """A failed read is never "gone", and never "unchanged"."""
    assert (await stage.live("Deployment", "nobody")).object is None
    stage.server.faults.add(Fault(FaultKind.STATUS, verb="get", resource="deployments", status=404, count=1))
    with pytest.raises(ClusterError):
        await stage.live(*WORKER)
    stage.server.faults.add(Fault(FaultKind.STATUS, verb="list", resource="replicasets", status=500, count=3))
    with pytest.raises(ClusterFault):
        await stage.live(*WORKER)
    stage.server.rbac = (Deny(verb="get", resource="deployments"),)
    with pytest.raises(ClusterForbidden):
        await stage.live(*WORKER)
    with pytest.raises(UsageError):
        await stage.writes.live(Scope(ClusterName("nowhere"), SCOPE.namespace), *WORKER)
    with pytest.raises(ValueError, match="nothing is changed of a Secret"):
        await stage.live("Secret", "db")


async def test_a_read_is_tried_again(stage: Stage) -> None:
    stage.server.faults.add(Fault(FaultKind.DROP_BEFORE, verb="get", resource="deployments", count=1))
    assert (await stage.live(*WORKER)).object is not None


async def test_what_bounds_changes_is_read_and_what_cannot_be_is_named(stage: Stage) -> None:
    quota = make.plain("v1", "ResourceQuota", "pods", SCOPE.namespace, spec={"hard": {"pods": "40"}})
    stage.world.apply("resourcequotas", quota)
    around = await stage.writes.surroundings(SCOPE)
    assert [metadata_of(each)["name"] for each in around.quotas] == ["pods"]
    assert [metadata_of(each)["name"] for each in around.budgets] == ["rag-engine-api"]
    assert (around.limit_ranges, around.unread) == ((), ())
    stage.server.rbac = (Deny(verb="list", resource="limitranges"),)
    around = await stage.writes.surroundings(SCOPE)
    assert [metadata_of(each)["name"] for each in around.quotas] == ["pods"]
    assert around.unread == ("limit ranges: no right to list them for sandbox-admin",)


# --- who can write ----------------------------------------------------------------------------------------------------


def test_nobody_who_reads_can_write() -> None:
    """What readers are made of has no method that sends anything but a GET."""
    for reader in (KubernetesHttp, Clusters, OneShotReader, LiveObjects):
        public = {name for name, _ in inspect.getmembers(reader, callable) if not name.startswith("_")}
        assert not public & {"write", "send", "patch", "post", "put", "delete", "evict", "call"}, reader


def test_the_way_on_which_writes_are_sent_is_asked_for_in_one_place() -> None:
    root = Path(bot.__file__).parent
    assert _naming("connection_of", root) == {"cluster/http.py", "cluster/writer.py"}
    # Our credentials leave by one other way, on which nothing is written.
    assert _naming("credentials_of", root) == {"cluster/http.py", "cluster/kubelets.py"}
    # Who somebody is and what they may, is asked by a POST of which the server keeps nothing.
    asks = {"cluster/identity.py", "cluster/access.py"}
    assert _naming("KubernetesWrites", root) == {"cluster/sending.py", "cluster/writer.py", *asks}
    assert _naming('method="', root) == {"cluster/writer.py", *asks}


def _naming(word: str, root: Path) -> set[str]:
    files: Iterable[Path] = root.rglob("*.py")
    return {str(path.relative_to(root)) for path in files if word in path.read_text(encoding="utf-8")}
