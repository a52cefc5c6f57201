"""Writes on a real API server: each change as the engine makes it, what stands in its way, and what revisions are."""

from __future__ import annotations

import pytest

from bot.cluster import ClusterWrites, KubernetesHttp
from bot.domain.live import Live, Reads, metadata_of, template_of
from bot.domain.steps import ClearFailed, Deletion, Evict, Eviction, FailedPod, Patch, Standing, void_patch
from bot.domain.targets import Scope
from bot.errors import WriteConflict, WriteRefused, WriteThrottled
from tests.support.clocks import WallClock
from tests.support.hands import IMAGE, Hands
from tests.support.real_workloads import CHANGES, at_rest, change, live, make, running_pods, settled
from tests.support.steps import AUTOSCALER, STAMP, MakeStep, restart, set_bounds
from tests.support.waiting import until


@pytest.fixture
def writes(http: KubernetesHttp, scope: Scope) -> ClusterWrites:
    return ClusterWrites({scope.cluster: http}, WallClock())


@pytest.mark.parametrize(("kind", "plan"), CHANGES, ids=[f"{plan.__name__} {kind}" for kind, plan in CHANGES])
async def test_a_change_is_dry_run_and_then_made_with_its_mark(
    hands: Hands, writes: ClusterWrites, scope: Scope, kind: str, plan: MakeStep
) -> None:
    """And the template, before and after, is that of the newest revision and of no other."""
    await make(hands, scope, kind)
    before = await settled(writes, scope, kind)
    step = plan(kind, before)
    assert step.compare(before, STAMP).standing is Standing.FROM
    (write,) = step.writes(before, STAMP)
    assert await change(writes, scope, kind, plan, dry_run=True) == before.generation + 1
    assert step.compare(await live(writes, scope, kind), STAMP).standing is Standing.FROM

    assert await change(writes, scope, kind, plan) == before.generation + 1

    after = await settled(writes, scope, kind)
    assert step.compare(after, STAMP).standing is Standing.TO
    assert after.marker == STAMP.operation_id
    with pytest.raises(WriteConflict):
        await writes.write(scope, write, dry_run=False, timeout_s=10)


async def test_the_bounds_of_an_autoscaler_are_moved(hands: Hands, writes: ClusterWrites, scope: Scope) -> None:
    path = f"/apis/autoscaling/v2/namespaces/{scope.namespace}/horizontalpodautoscalers"
    await hands.send("POST", path, AUTOSCALER)
    await change(writes, scope, "HorizontalPodAutoscaler", set_bounds)
    after = await writes.live(scope, "HorizontalPodAutoscaler", "app")
    assert after.object is not None
    assert (after.object["spec"]["minReplicas"], after.object["spec"]["maxReplicas"]) == (2, 3)
    assert after.marker == STAMP.operation_id


async def test_a_void_mark_burns_what_was_made_before_it(hands: Hands, writes: ClusterWrites, scope: Scope) -> None:
    await make(hands, scope, "Deployment", replicas=0)
    before = await at_rest(writes, scope)
    (write,) = restart("Deployment", before).writes(before, STAMP)
    await writes.write(scope, void_patch("Deployment", before, "op-1"), dry_run=False, timeout_s=10)
    with pytest.raises(WriteConflict):
        await writes.write(scope, write, dry_run=False, timeout_s=10)
    after = await live(writes, scope, "Deployment")
    assert template_of(after.object) == template_of(before.object)


async def test_another_object_of_the_same_name_is_a_conflict(hands: Hands, writes: ClusterWrites, scope: Scope) -> None:
    await make(hands, scope, "Deployment", replicas=0)
    before = await at_rest(writes, scope)
    (write,) = restart("Deployment", before).writes(before, STAMP)
    await hands.send("DELETE", f"/apis/apps/v1/namespaces/{scope.namespace}/deployments/app")
    with pytest.raises(WriteRefused, match=r'deployments\.apps "app" not found') as gone:
        await writes.write(scope, write, dry_run=False, timeout_s=10)
    assert gone.value.status == 404
    assert (await live(writes, scope, "Deployment")).object is None
    body = {"metadata": {"name": "app"}, "spec": (before.object or {})["spec"]}
    await hands.send("POST", f"/apis/apps/v1/namespaces/{scope.namespace}/deployments", body)
    with pytest.raises(WriteConflict):
        await writes.write(scope, write, dry_run=False, timeout_s=10)


async def pod(writes: ClusterWrites, scope: Scope, name: str) -> Live:
    return await writes.live(scope, "Pod", name)


async def test_a_pod_is_evicted_and_its_budget_is_asked_first(
    hands: Hands, writes: ClusterWrites, scope: Scope
) -> None:
    """By uid and resourceVersion; a dry run that misses costs nothing."""
    await make(hands, scope, "Deployment", replicas=2)
    first, second = await running_pods(hands, scope, 2)
    name, meta = first["metadata"]["name"], first["metadata"]
    for wrong in (Eviction(name, "11111111-2222", meta["resourceVersion"]), Eviction(name, meta["uid"], "1")):
        for dry_run in (True, False):
            with pytest.raises(WriteConflict):
                await writes.write(scope, wrong, dry_run=dry_run, timeout_s=10)
    step = Evict(owner="ReplicaSet/app")
    (write,) = step.writes(await pod(writes, scope, name), STAMP)
    await writes.write(scope, write, dry_run=True, timeout_s=10)
    assert step.compare(await pod(writes, scope, name), STAMP).standing is Standing.FROM
    await writes.write(scope, write, dry_run=False, timeout_s=10)
    assert step.compare(await pod(writes, scope, name), STAMP).standing is Standing.TO

    await running_pods(hands, scope, 2)
    path = f"/apis/policy/v1/namespaces/{scope.namespace}/poddisruptionbudgets"
    spec = {"minAvailable": 2, "selector": {"matchLabels": {"app": "app"}}}
    await hands.send("POST", path, {"metadata": {"name": "app"}, "spec": spec})
    await until(
        lambda: hands.send("GET", f"{path}/app"),
        lambda budget: budget["status"].get("observedGeneration") == 1 and budget["status"]["currentHealthy"] == 2,
    )
    (write,) = step.writes(await pod(writes, scope, second["metadata"]["name"]), STAMP)
    for dry_run in (True, False):
        with pytest.raises(WriteThrottled, match="disruption budget app needs 2 healthy pods") as refused:
            await writes.write(scope, write, dry_run=dry_run, timeout_s=10)
        assert refused.value.retry_after_s is None
    await hands.send("POST", path, {"metadata": {"name": "second"}, "spec": {**spec, "minAvailable": 0}})
    with pytest.raises(WriteRefused, match="more than one PodDisruptionBudget"):
        await writes.write(scope, write, dry_run=False, timeout_s=10)


async def test_exactly_the_failed_pods_that_were_seen_are_deleted(
    hands: Hands, writes: ClusterWrites, scope: Scope
) -> None:
    path = f"/api/v1/namespaces/{scope.namespace}/pods"
    for name, script in (("one", "exit 1"), ("two", "exit 1"), ("good", "exit 0")):
        container = {"name": "main", "image": IMAGE, "command": ["/bin/sh", "-c", script], "resources": {}}
        spec = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1, "containers": [container]}
        await hands.send("POST", path, {"metadata": {"name": name}, "spec": spec})

    async def now() -> Live:
        return await writes.live(scope, "Namespace", scope.namespace, reads=frozenset({Reads.FAILED_PODS}))

    seen = await until(now, lambda found: len(found.pods) == 2, within_s=60)
    meta = {metadata_of(each)["name"]: metadata_of(each) for each in seen.pods}
    step = ClearFailed(pods=(FailedPod("one", meta["one"]["uid"]),))
    (write,) = step.writes(await now(), STAMP)
    assert isinstance(write, Deletion)
    for wrong in (Deletion("one", meta["two"]["uid"], write.resource_version), Deletion("one", write.uid, "1")):
        with pytest.raises(WriteConflict):
            await writes.write(scope, wrong, dry_run=False, timeout_s=10)
    await writes.write(scope, write, dry_run=True, timeout_s=10)
    assert step.compare(await now(), STAMP).standing is Standing.FROM
    await writes.write(scope, write, dry_run=False, timeout_s=10)
    await until(now, lambda found: step.compare(found, STAMP).standing is Standing.TO)
    assert [metadata_of(each)["name"] for each in (await now()).pods] == ["two"]


async def test_what_is_invalid_is_refused_without_what_it_quotes(
    hands: Hands, writes: ClusterWrites, scope: Scope
) -> None:
    """The server quotes the whole object, with the values of its variables."""
    await make(hands, scope, "Deployment", replicas=0)
    before = await at_rest(writes, scope)
    precondition = {"op": "replace", "path": "/metadata/resourceVersion", "value": before.resource_version}
    for words, field, value in (
        ('patch: Invalid value: strict decoding error: unknown field "spec.replica"', "replica", 3),
        ("cannot unmarshal string into Go struct field", "replicas", "three"),
        ("spec.replicas: Invalid value: -1: must be greater than or equal to 0", "replicas", -1),
        ("spec.selector: Invalid value: .*field is immutable", "selector", {"matchLabels": {"app": "b"}}),
    ):
        operation = {"op": "add", "path": f"/spec/{field}", "value": value}
        with pytest.raises(WriteRefused, match=words) as refused:
            await writes.write(scope, Patch("Deployment", "app", (precondition, operation)), dry_run=True, timeout_s=10)
        assert refused.value.status == 422
        assert "swordfish" not in refused.value.message
        assert len(refused.value.message) < 450


async def test_what_bounds_changes_is_read(hands: Hands, writes: ClusterWrites, scope: Scope) -> None:
    base = f"/api/v1/namespaces/{scope.namespace}"
    limits = [{"type": "Container", "max": {"memory": "1Gi"}}]
    await hands.send("POST", f"{base}/resourcequotas", {"metadata": {"name": "q"}, "spec": {"hard": {"pods": "9"}}})
    await hands.send("POST", f"{base}/limitranges", {"metadata": {"name": "r"}, "spec": {"limits": limits}})
    around = await writes.surroundings(scope)
    assert [metadata_of(each)["name"] for each in (*around.quotas, *around.limit_ranges)] == ["q", "r"]
    assert (around.budgets, around.unread) == ((), ())
