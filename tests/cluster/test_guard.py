"""The guard on a real API server: it lets every change of ragops through, and nothing else that its token could do."""

from __future__ import annotations

import copy
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.cluster import ClusterWrites, Connection, KubernetesHttp, open_connection
from bot.domain.live import MARKER, Live, Reads, annotations_of, metadata_of
from bot.domain.steps import (
    ClearFailed,
    Deletion,
    Evict,
    FailedPod,
    Patch,
    Standing,
    Write,
    void_patch,
)
from bot.domain.targets import Scope
from bot.errors import WriteConflict, WriteRefused
from tests.support.accounts import grant_changes, grant_reader, guarded, make_account, token_of, write_kubeconfig
from tests.support.clocks import WallClock
from tests.support.hands import IMAGE, Hands
from tests.support.real_workloads import CHANGES, change, live, make, running_pods, settled
from tests.support.steps import AUTOSCALER, STAMP, MakeStep, set_bounds, set_image
from tests.support.waiting import until

REPOSITORY = IMAGE.rpartition(":")[0]
Json = dict[str, Any]
Mutation = Callable[[Json], None]


@dataclass(frozen=True, slots=True)
class Guarded:
    """The worker with the rights of the manifests, behind the guard, and an administrator."""

    writes: ClusterWrites
    hands: Hands
    scope: Scope

    async def patch(self, kind: str, mutate: Mutation, *, dry_run: bool = True, mark: str = STAMP.operation_id) -> None:
        """Change the object called `app` as a thief of the token might: by a patch of whatever it likes."""
        for _ in range(20):
            before = await self.writes.live(self.scope, kind, "app")
            wanted: Json = copy.deepcopy(dict(before.object or {}))
            mutate(wanted)
            annotations = {**annotations_of(wanted), **({MARKER: mark} if mark else {})}
            operations = (
                {"op": "replace", "path": "/metadata/resourceVersion", "value": before.resource_version},
                {"op": "add", "path": "/metadata/annotations", "value": annotations},
                *(
                    {"op": "add", "path": f"/metadata/{field}", "value": wanted["metadata"][field]}
                    for field in ("labels", "finalizers", "ownerReferences")
                    if field in wanted["metadata"]
                ),
                {"op": "replace", "path": "/spec", "value": wanted["spec"]},
            )
            try:
                await self.writes.write(self.scope, Patch(kind, "app", operations), dry_run=dry_run, timeout_s=10)
            except WriteConflict:
                continue
            return
        raise AssertionError("it never stood still")

    async def send(self, write: Write, *, dry_run: bool = False) -> None:
        await self.writes.write(self.scope, write, dry_run=dry_run, timeout_s=10)


@pytest.fixture
async def guard(hands: Hands, scope: Scope, connection: Connection, tmp_path: Path) -> AsyncIterator[Guarded]:
    await make_account(hands, scope.namespace, "ragops-worker")
    await grant_reader(hands, scope.namespace)
    await grant_changes(hands, scope.namespace)
    token = await token_of(hands, scope.namespace, "ragops-worker")
    authority = str(connection.api.configuration.ssl_ca_cert)
    kubeconfig = write_kubeconfig(tmp_path / "kubeconfig", connection.host, token, authority)
    worker = await open_connection(str(kubeconfig))
    try:
        async with guarded(hands, REPOSITORY, "registry.example.com/team/", "registry"):
            http = KubernetesHttp(worker, WallClock(), lambda: 0.5)
            made = Guarded(ClusterWrites({scope.cluster: http}, WallClock()), hands, scope)
            await make_probe(hands, scope)
            await until(lambda: is_in_force(made), bool)
            yield made
    finally:
        await worker.close()


async def make_probe(hands: Hands, scope: Scope) -> None:
    """Make an autoscaler and a pod; with a Deployment, one object for each policy."""
    await hands.send("POST", f"/apis/autoscaling/v2/namespaces/{scope.namespace}/horizontalpodautoscalers", AUTOSCALER)
    container = {"name": "main", "image": IMAGE, "command": ["/bin/sh", "-c", "sleep 3600"], "resources": {}}
    spec = {"terminationGracePeriodSeconds": 1, "nodeSelector": {"nowhere": "x"}, "containers": [container]}
    await hands.send(
        "POST", f"/api/v1/namespaces/{scope.namespace}/pods", {"metadata": {"name": "probe"}, "spec": spec}
    )
    labels = {"app": "probe"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    body = {
        "metadata": {"name": "probe"},
        "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": template},
    }
    await hands.send("POST", f"/apis/apps/v1/namespaces/{scope.namespace}/deployments", body)


async def is_in_force(made: Guarded) -> bool:
    """Tell whether all three policies refuse what they should: they are in force a moment after they were made."""
    scope, refused = made.scope, 0
    for kind, name, field in (("Deployment", "probe", "replicas"), ("HorizontalPodAutoscaler", "app", "maxReplicas")):
        seen = await made.writes.live(scope, kind, name)
        precondition = {"op": "replace", "path": "/metadata/resourceVersion", "value": seen.resource_version}
        unmarked = Patch(kind, name, (precondition, {"op": "add", "path": f"/spec/{field}", "value": 5}))
        refused += await is_refused(made, unmarked)
    meta = metadata_of((await made.writes.live(scope, "Pod", "probe")).object)
    return refused + await is_refused(made, Deletion("probe", meta["uid"], meta["resourceVersion"])) == 3


async def is_refused(made: Guarded, write: Write) -> bool:
    try:
        await made.send(write, dry_run=True)
    except WriteRefused:
        return True
    except WriteConflict:
        return False
    return False


# --- what is let through ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "plan"), CHANGES, ids=[f"{plan.__name__} {kind}" for kind, plan in CHANGES])
async def test_every_change_of_a_workload_is_let_through(guard: Guarded, kind: str, plan: MakeStep) -> None:
    """As a dry run, really, and the void mark after it."""
    await make(guard.hands, guard.scope, kind)
    before = await settled(guard.writes, guard.scope, kind)
    step = plan(kind, before)
    await change(guard.writes, guard.scope, kind, plan, dry_run=True)
    await change(guard.writes, guard.scope, kind, plan)
    after = await live(guard.writes, guard.scope, kind)
    assert step.compare(after, STAMP).standing is Standing.TO
    for _ in range(20):
        after = await live(guard.writes, guard.scope, kind)
        try:
            await guard.send(void_patch(kind, after, "op-7f3a9c1e"))
        except WriteConflict:
            continue
        return


async def test_the_bounds_of_an_autoscaler_and_nothing_else_of_it(guard: Guarded) -> None:
    kind = "HorizontalPodAutoscaler"
    await change(guard.writes, guard.scope, kind, set_bounds)
    after = await guard.writes.live(guard.scope, kind, "app")
    assert (after.object or {})["spec"]["maxReplicas"] == 3
    await guard.send(void_patch(kind, await guard.writes.live(guard.scope, kind, "app"), "op-1"))

    def other_target(it: Json) -> None:
        it["spec"]["scaleTargetRef"]["name"] = "payments"

    def other_goal(it: Json) -> None:
        it["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] = 1

    def with_label(it: Json) -> None:
        it["metadata"]["labels"] = {"a": "b"}

    for mutate in (other_target, other_goal, with_label):
        with pytest.raises(WriteRefused, match="only annotations, minReplicas and maxReplicas may change"):
            await guard.patch(kind, mutate, mark="op-2")


async def test_a_pod_is_evicted_and_only_failed_ones_are_deleted(guard: Guarded) -> None:
    await make(guard.hands, guard.scope, "Deployment")
    path = f"/api/v1/namespaces/{guard.scope.namespace}/pods"
    await guard.hands.send("DELETE", f"{path}/probe")
    (pod,) = await running_pods(guard.hands, guard.scope, 1)
    name = pod["metadata"]["name"]
    step = Evict(owner="ReplicaSet/app")

    async def now(what: str) -> Live:
        return await guard.writes.live(guard.scope, "Pod", what)

    meta = metadata_of((await now(name)).object)
    for dry_run in (True, False):
        with pytest.raises(WriteRefused, match="only a pod that has failed may be deleted"):
            await guard.send(Deletion(name, meta["uid"], meta["resourceVersion"]), dry_run=dry_run)
    (write,) = step.writes(await now(name), STAMP)
    await guard.send(write, dry_run=True)
    await guard.send(write)
    assert step.compare(await now(name), STAMP).standing is Standing.TO

    container = {"name": "main", "image": IMAGE, "command": ["/bin/sh", "-c", "exit 1"], "resources": {}}
    spec = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1, "containers": [container]}
    await guard.hands.send("POST", path, {"metadata": {"name": "failed"}, "spec": spec})

    async def failed() -> Live:
        reads = frozenset({Reads.FAILED_PODS})
        return await guard.writes.live(guard.scope, "Namespace", guard.scope.namespace, reads=reads)

    seen = await until(failed, lambda found: found.pods, within_s=60)
    clear = ClearFailed(pods=(FailedPod("failed", metadata_of(seen.pods[0])["uid"]),))
    for each in clear.writes(await failed(), STAMP):
        await guard.send(each, dry_run=True)
        await guard.send(each)
    await until(failed, lambda found: not found.pods)


def main(it: Json) -> Json:
    """Return the container."""
    return dict(it)["spec"]["template"]["spec"]["containers"][0]  # type: ignore[no-any-return]  # JSON


def pod(it: Json) -> Json:
    """Return the pod's specification."""
    return it["spec"]["template"]["spec"]  # type: ignore[no-any-return]  # JSON


def volume(it: Json, name: str) -> Json:
    return next(each for each in pod(it)["volumes"] if each["name"] == name)


LET_THROUGH: dict[str, Mutation] = {
    "variables": lambda it: main(it)["env"].append({"name": "A", "value": "b"}),
    "another Secret for a variable": lambda it: main(it)["env"].append(
        {"name": "B", "valueFrom": {"secretKeyRef": {"name": "db", "key": "url"}}}
    ),
    "a command": lambda it: main(it).update(command=["/bin/sh", "-c", "sleep 1"], args=["x"]),
    "another ConfigMap": lambda it: volume(it, "settings")["configMap"].update(name="settings-5f7"),
    "a probe": lambda it: main(it).pop("readinessProbe"),
    "where it may run": lambda it: pod(it).update(nodeSelector={"disk": "fast"}),
    "a tag": lambda it: main(it).update(image=f"{REPOSITORY}:v7"),
    "a digest": lambda it: main(it).update(image=f"{REPOSITORY}@sha256:{'0' * 64}"),
    "a tag and a digest": lambda it: main(it).update(image=f"{REPOSITORY}:v7@sha256:{'0' * 64}"),
    "an image below a listed folder": lambda it: main(it).update(image="registry.example.com/team/api:v1"),
    "an annotation of the template": lambda it: it["spec"]["template"]["metadata"].update(annotations={"a": "b"}),
}


async def test_what_releases_differ_by_is_let_through(guard: Guarded) -> None:
    """A rollback brings back what an earlier release had of these."""
    await make(guard.hands, guard.scope, "Deployment")
    for what, mutate in LET_THROUGH.items():
        try:
            await guard.patch("Deployment", mutate)
        except WriteRefused as error:
            raise AssertionError(what) from error


# --- what is refused --------------------------------------------------------------------------------------------------

SIDECAR: Json = {"name": "extra", "image": IMAGE, "command": ["/bin/sh"], "resources": {}}
PROFILE = {"container.apparmor.security.beta.kubernetes.io/main": "unconfined"}
REFUSED: dict[str, tuple[str, Mutation]] = {
    "a service account": (
        "must stay as it is: .*serviceAccountName",
        lambda it: pod(it).update(serviceAccountName="admin", serviceAccount="admin"),
    ),
    "a token of it": (
        "must stay as it is: automountServiceAccountToken",
        lambda it: pod(it).update(automountServiceAccountToken=True),
    ),
    "a volume of the node": (
        "the volumes of the pod template must stay",
        lambda it: pod(it)["volumes"].__setitem__(0, {"name": "scratch", "hostPath": {"path": "/"}}),
    ),
    "a volume with a Secret": (
        "the volumes of the pod template must stay",
        lambda it: pod(it)["volumes"].__setitem__(2, {"name": "settings", "secret": {"secretName": "db"}}),
    ),
    "a ConfigMap in place of another volume": (
        "the volumes of the pod template must stay",
        lambda it: pod(it)["volumes"].__setitem__(0, {"name": "scratch", "configMap": {"name": "x"}}),
    ),
    "one volume more": (
        "the volumes of the pod template must stay",
        lambda it: pod(it)["volumes"].append({"name": "root", "hostPath": {"path": "/"}}),
    ),
    "one volume less": (
        "the volumes of the pod template must stay",
        lambda it: pod(it)["volumes"].pop(),
    ),
    "a security context": (
        "of a container only what it runs",
        lambda it: main(it).update(securityContext={"privileged": True}),
    ),
    "a security context of an init container": (
        "of a container only what it runs",
        lambda it: pod(it)["initContainers"][0].update(securityContext={"runAsUser": 0}),
    ),
    "a security context of the pod": (
        "must stay as it is: securityContext",
        lambda it: pod(it).update(securityContext={"runAsUser": 0}),
    ),
    "an AppArmor profile": (
        "the AppArmor profiles",
        lambda it: it["spec"]["template"]["metadata"].update(annotations=PROFILE),
    ),
    "a runtime": ("must stay as it is: runtimeClassName", lambda it: pod(it).update(runtimeClassName="runc")),
    "the node's network": ("must stay as it is: hostNetwork", lambda it: pod(it).update(hostNetwork=True)),
    "the node's processes": ("must stay as it is: hostPID", lambda it: pod(it).update(hostPID=True)),
    "the node's memory": ("must stay as it is: hostIPC", lambda it: pod(it).update(hostIPC=True)),
    "a port of the node": (
        "the ports that the pod template takes of its node",
        lambda it: main(it)["ports"][0].update(hostPort=8080),
    ),
    "a node": ("must stay as it is: nodeName", lambda it: pod(it).update(nodeName="node1")),
    "one container more": ("the containers .* must stay the same", lambda it: pod(it)["containers"].append(SIDECAR)),
    "one init container more": (
        "the containers .* must stay the same",
        lambda it: pod(it)["initContainers"].append(SIDECAR),
    ),
    "one init container less": ("the containers .* must stay the same", lambda it: pod(it).pop("initContainers")),
    "another name": ("the containers .* must stay the same", lambda it: main(it).update(name="other")),
    "another repository": (
        "an image is of no repository",
        lambda it: main(it).update(image="registry.example.com/other/api:v1"),
    ),
    "another registry that begins alike": (
        "an image is of no repository",
        lambda it: main(it).update(image="registry:5000/thief:v1"),
    ),
    "another repository that begins alike": (
        "an image is of no repository",
        lambda it: main(it).update(image=f"{REPOSITORY}-thief:v1"),
    ),
    "a folder below a repository": (
        "an image is of no repository",
        lambda it: main(it).update(image=f"{REPOSITORY}/thief:v1"),
    ),
    "an image of an init container": (
        "an image is of no repository",
        lambda it: pod(it)["initContainers"][0].update(image="thief:v1"),
    ),
    "the strategy": (
        "only annotations, the number of pods and the pod template may change, not strategy",
        lambda it: it["spec"].update(strategy={"type": "Recreate"}),
    ),
    "paused": ("may change, not paused", lambda it: it["spec"].update(paused=True)),
    "a label": ("may change, not labels", lambda it: it["metadata"].update(labels={"a": "b"})),
    "a finalizer": ("may change, not finalizers", lambda it: it["metadata"].update(finalizers=["example.com/x"])),
}


async def test_what_would_give_a_pod_more_power_is_refused(guard: Guarded) -> None:
    """Each by itself, beside a right mark; the object stays as it was."""
    await make(guard.hands, guard.scope, "Deployment", replicas=0)
    before = await settled(guard.writes, guard.scope, "Deployment")
    for what, (words, mutate) in REFUSED.items():
        with pytest.raises(WriteRefused, match=words) as refused:
            await guard.patch("Deployment", mutate)
        assert refused.value.status == 422, what
        assert "ValidatingAdmissionPolicy" in refused.value.message
    after = await live(guard.writes, guard.scope, "Deployment")
    assert (after.object or {})["spec"] == (before.object or {})["spec"]


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
async def test_it_holds_for_every_kind_of_workload_and_not_only_for_dry_runs(guard: Guarded, kind: str) -> None:
    await make(guard.hands, guard.scope, kind)
    for what in ("a service account", "a volume of the node", "another repository", "a label"):
        words, mutate = REFUSED[what]
        with pytest.raises(WriteRefused, match=words):
            await guard.patch(kind, mutate, dry_run=False)


async def test_a_change_without_its_own_mark_is_refused(guard: Guarded) -> None:
    """None, and that of the change before; a change of annotations alone needs none."""
    await make(guard.hands, guard.scope, "Deployment", replicas=0)
    await change(guard.writes, guard.scope, "Deployment", set_image)

    def more(it: Json) -> None:
        it["spec"]["replicas"] += 1

    def other(it: Json) -> None:
        main(it)["env"].append({"name": "A", "value": "b"})

    def unmarked(it: Json) -> None:
        it["metadata"]["annotations"].pop(MARKER)
        more(it)

    for mutate in (more, other, unmarked):
        with pytest.raises(WriteRefused, match="a change carries the mark of its own request"):
            await guard.patch("Deployment", mutate, mark="" if mutate is unmarked else STAMP.operation_id)
    await guard.patch("Deployment", more, mark="op-2")
    await guard.patch("Deployment", lambda it: it["metadata"]["annotations"].update(a="b"), mark="")


async def test_nobody_else_is_concerned(guard: Guarded) -> None:
    await make(guard.hands, guard.scope, "Deployment", replicas=0)
    path = f"/apis/apps/v1/namespaces/{guard.scope.namespace}/deployments/app"
    await guard.hands.send("PATCH", path, {"spec": {"template": {"spec": {"hostNetwork": True}}}})
    labels = {"app": "other"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [SIDECAR]}}
    body = {"metadata": {"name": "other"}, "spec": {"selector": {"matchLabels": labels}, "template": template}}
    async with elsewhere(guard.hands) as namespace:
        path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
        await guard.hands.send("POST", path, {**body, "spec": {**body["spec"], "replicas": 0}})
        await guard.hands.send("PATCH", f"{path}/other", {"spec": {"paused": True}})


@asynccontextmanager
async def elsewhere(hands: Hands) -> AsyncIterator[str]:
    """A namespace that ragops has nothing to do with."""
    name = f"ragops-test-{secrets.token_hex(4)}"
    await hands.send("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    yield name
    await hands.send("DELETE", f"/api/v1/namespaces/{name}")
