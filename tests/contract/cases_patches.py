"""The three kinds of patches, as far as verbs of a chat write them, and what is refused."""

from __future__ import annotations

from typing import Any

from sandbox.cluster.store import Json
from tests.contract.case import APPS, NS, Case
from tests.contract.sides import NARROW
from tests.contract.writing import (
    DEPLOYMENTS,
    JSON_PATCH,
    MERGE,
    STRATEGIC,
    Scene,
    Step,
    at_rest,
    delete,
    get,
    patch,
    post,
    small_deployment,
    told,
)

_PATH = f"{DEPLOYMENTS}/d"


def _dry(media: str, *bodies: Any, **query: str) -> tuple[Step, ...]:
    return tuple(patch(_PATH, media, body, dryRun="All", fieldManager="somebody", **query) for body in bodies)


def _pod(**spec: Any) -> Json:
    return {"spec": {"template": {"spec": spec}}}


def _container(**fields: Any) -> Json:
    return _pod(containers=[{"name": "main", **fields}])


def _rich() -> Json:
    """Return a Deployment of no pods with something in each list that a patch may change."""
    made = small_deployment("d")
    made["metadata"] |= {"labels": {"l": "1"}, "annotations": {"a": "1"}}
    container = (pod := made["spec"]["template"]["spec"])["containers"][0]
    container["env"] = [{"name": name, "value": name.lower()} for name in "ABCD"]
    container["ports"] = [{"containerPort": 80}, {"containerPort": 81}]
    pod["tolerations"] = [{"key": "a", "operator": "Exists"}]
    source = {"name": "cm", "optional": True}
    pod["volumes"] = [{"name": "v", "emptyDir": {}}, {"name": "w", "configMap": source}]
    return made


_ORDER = "$setElementOrder/"
_STRATEGIC = (
    _container(image="x:1"),
    _container(env=[{"name": "Z", "value": "1"}]),
    _container(env=[{"name": "B", "$patch": "delete"}]),
    _container(env=[{"name": "NOT-THERE", "$patch": "delete"}]),
    _container(env=[{"name": "D", "value": "9"}, {"name": "Q", "value": "9"}, {"name": "A", "value": "8"}]),
    _container(env=[{"$patch": "replace"}, {"name": "D", "value": "9"}]),
    _container(env=[{"name": "A", "value": None, "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]),
    _container(**{f"{_ORDER}env": [{"name": name} for name in "DCBA"]}),
    _container(**{f"{_ORDER}env": [{"name": name} for name in "DNA"], "env": [{"name": "N", "value": "n"}]}),
    _pod(**{f"{_ORDER}containers": [{"name": "new"}, {"name": "main"}], "containers": [{"name": "new", "image": "n"}]}),
    _pod(containers=[{"name": "new", "image": "n"}]),
    _pod(containers=[{"name": "main", "image": "m"}, {"name": "new", "image": "n:1"}]),
    _container(ports=[{"containerPort": 82}]),
    _container(ports=[{"containerPort": 80, "name": "http"}]),
    _container(resources={"limits": {"memory": "64Mi"}}),
    _container(resources={"$patch": "replace", "limits": {"memory": "64Mi"}}),
    _container(resources=None),
    _container(resources={"requests": {"cpu": "0.5", "memory": "1024Mi"}, "limits": {"cpu": 1, "memory": "1.5Gi"}}),
    _container(command=["a"]),
    _container(livenessProbe={"httpGet": {"path": "/x", "port": 80}}),
    _pod(tolerations=[{"key": "b", "operator": "Exists"}]),
    _pod(nodeSelector={"x": "y"}),
    _pod(volumes=[{"name": "v", "$retainKeys": ["name", "secret"], "secret": {"secretName": "x"}}]),
    _pod(volumes=[{"name": "w", "configMap": {"name": "other"}}]),
    {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}},
    {"spec": {"strategy": {"type": "Recreate", "rollingUpdate": None}}},
    {"spec": {"strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}}},
    {"spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "2026-11-24"}}}}},
    {"spec": {"replicas": None}},
    {"spec": {"paused": True}},
    {"spec": {"paused": None}},
    {"metadata": {"labels": None}},
    {"metadata": {"labels": {"l": None, "m": "2"}}},
    {"metadata": {"annotations": {"a": None, "b": "2"}}},
    {"metadata": {"finalizers": ["example.com/a"]}},
    {},
)
_REPLACED_TEMPLATE = {
    "spec": {
        "template": {
            "$patch": "replace",
            "metadata": {"labels": {"app": "d"}},
            "spec": {"containers": [{"name": "o", "image": "o:1"}]},
        }
    }
}
_TAKEN = (
    at_rest("strategic-patches", *_dry(STRATEGIC, *_STRATEGIC, _REPLACED_TEMPLATE), deployment=_rich()),
    at_rest(
        "merge-patches",
        *_dry(
            MERGE,
            {},
            {"spec": {"minReadySeconds": 2}},
            {"spec": {"replicas": None}},
            {"metadata": {"resourceVersion": ""}},
            {"metadata": {"annotations": {"a": None, "b": "2"}}},
            {"metadata": {"labels": {"l": None}}},
            {"metadata": {"managedFields": None, "generation": 55, "creationTimestamp": None, "uid": None}},
            {"status": {"replicas": 77}},
            {"spec": {"strategy": {"type": "Recreate", "rollingUpdate": None}}},
            {"spec": {"unknown": 1}},
        ),
        *_dry(MERGE, {"spec": {"unknown": 1}}, fieldValidation="Ignore"),
        deployment=_rich(),
    ),
    at_rest(
        "json-patches",
        *_dry(
            JSON_PATCH,
            [],
            [{"op": "test", "path": "/spec/replicas", "value": 0}],
            [{"op": "test", "path": "/spec/paused", "value": None}],
            [{"op": "add", "path": "/spec/template/spec/containers/-", "value": {"name": "x", "image": "y"}}],
            [{"op": "add", "path": "/spec/template/spec/containers/0", "value": {"name": "x", "image": "y"}}],
            [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "z:1"}],
            [{"op": "move", "from": "/spec/replicas", "path": "/spec/minReadySeconds"}],
            [{"op": "copy", "from": "/metadata/labels/l", "path": "/metadata/labels/m"}],
            [{"op": "remove", "path": "/metadata/annotations/a"}],
            [{"op": "add", "path": "/metadata/annotations/x.y~1z", "value": "1"}],
            [{"op": "add", "path": "/spec/foo", "value": -3}],
            [
                {"op": "test", "path": "/spec/template/spec/containers/0/name", "value": "main"},
                {"op": "add", "path": "/spec/paused", "value": True},
            ],
        ),
        deployment=_rich(),
    ),
)

_STALE = [{"op": "replace", "path": "/metadata/resourceVersion", "value": "1"}]
_UNREADABLE: tuple[Json, ...] = (
    {"spec": {"replicas": "3"}},
    {"spec": {"replicas": 1.5}},
    {"spec": {"replicas": True}},
    {"spec": {"paused": "x"}},
    {"spec": {"template": "x"}},
    {"metadata": {"annotations": {"a": 1}}},
    _container(image="x", resources={"requests": {"cpu": "abc"}}),
    _container(image="x", env=[{"name": "A", "value": 1}]),
    {"kind": "StatefulSet"},
    {"apiVersion": "apps/v7"},
)
_REFUSED = (
    at_rest(
        "json-patches-refused",
        *_dry(
            JSON_PATCH,
            _STALE,
            [{"op": "test", "path": "/spec/replicas", "value": 5}],
            [{"op": "test", "path": "/spec/replicas", "value": "0"}],
            [{"op": "test", "path": "/metadata/resourceVersion", "value": "1"}],
            [{"op": "replace", "path": "/spec/nope/x", "value": 5}],
            [{"op": "replace", "path": "/spec/nope", "value": 5}],
            [{"op": "foo", "path": "/spec/replicas", "value": 5}],
            [{"path": "/spec/replicas", "value": 3}],
            [{"op": "remove", "path": "/spec/nope"}],
            [{"op": "copy", "from": "/metadata/labels/q", "path": "/metadata/labels/x"}],
            [{"op": "add", "path": "/spec/template/spec/containers/5", "value": {"name": "x", "image": "y"}}],
            [{"op": "replace", "path": "/metadata/name", "value": "zz"}],
            [{"op": "replace", "path": "/metadata/namespace", "value": "zz"}],
            [{"op": "replace", "path": "/metadata/uid", "value": "zz"}],
            [{"op": "replace", "path": "/spec/replicas", "value": "x"}],
            [{"op": "replace", "path": "/spec/replicas", "value": -3}],
            [{"op": "remove", "path": "/spec/template/spec/containers/0/image"}],
        ),
        *_dry(JSON_PATCH, [{"op": "add", "path": "/spec/foo", "value": 3}], fieldValidation="Strict"),
        patch(f"{DEPLOYMENTS}/nobody", JSON_PATCH, _STALE),
        get(_PATH),
    ),
    at_rest(
        "merge-patches-refused",
        *_dry(
            MERGE,
            {"metadata": {"resourceVersion": "1"}},
            {"metadata": {"resourceVersion": "abc"}},
            {"metadata": {"uid": "nope"}},
            {"metadata": {"uid": "nope", "resourceVersion": "1"}},
            {"metadata": {"name": "nope"}},
            _container(env=[{"name": "A", "value": "1"}]),
            {"spec": {"selector": {"matchLabels": {"x": "y"}}}},
            {"spec": {"template": {"metadata": {"labels": {"app": "other"}}}}},
            *_UNREADABLE,
        ),
        *_dry(MERGE, {"spec": {"replica": 3}}, fieldValidation="Strict"),
        *_dry(MERGE, {"spec": {"replicas": 2}}, force="true"),
        patch(_PATH, MERGE, {"spec": {"replicas": 2}}, dryRun="x"),
        patch(_PATH, "application/json", {"spec": {"replicas": 2}}),
        patch(f"{DEPLOYMENTS}/nobody", MERGE, {"spec": {"replicas": 2}}),
        Step("PATCH", _PATH, {"spec": {"replicas": 2}}, MERGE, user=NARROW),
    ),
    at_rest(
        "strategic-patches-refused",
        *_dry(
            STRATEGIC,
            {"metadata": {"resourceVersion": "1"}},
            _pod(containers=[{"image": "x"}]),
            _pod(containers=[{"name": "nope", "resources": {}}]),
            _container(env=[{"name": "A", "value": "1", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]),
            _container(image=""),
            _container(image=None),
            _pod(containers={"a": 1}),
            {"spec": {"selector": {"matchLabels": {"x": "y"}}}},
            *_UNREADABLE[:-2],
        ),
        *_dry(STRATEGIC, {"spec": {"foo": "3"}}, _container(imag="x"), fieldValidation="Strict"),
    ),
)


async def _real_writes(scene: Scene) -> list[Json]:
    """Write for real: versions rise, generations rise with the spec alone (and a Deployment's annotations)."""
    await scene.raw(post(DEPLOYMENTS, small_deployment("d", paused=True)))
    await scene.settled(_PATH)
    answers = []
    for body in (
        {"spec": {"minReadySeconds": 2}},
        {"spec": {"minReadySeconds": 2}},
        {"metadata": {"labels": {"x": "1"}}},
        {"metadata": {"annotations": {"x": "1"}}},
        {"spec": {"template": {"metadata": {"annotations": {"x": "1"}}}}},
    ):
        answers.append(await scene.send(patch(_PATH, MERGE, body, fieldManager="somebody")))
        await scene.settled(_PATH)
    answers.append(await scene.send(patch(_PATH, MERGE, {"spec": {"minReadySeconds": 3}}, fieldManager="another")))
    await scene.raw(delete(_PATH))
    await scene.gone(_PATH)
    return answers


_SET = f"{APPS}/statefulsets/s"


async def _stateful_set(scene: Scene) -> list[Json]:
    body = {"metadata": {"name": "s"}, "spec": small_deployment("s")["spec"]}
    await scene.raw(post(f"{APPS}/statefulsets", body))
    await scene.until(_SET, lambda found: found.get("status", {}).get("observedGeneration") == 1)
    steps = (
        {"spec": {"serviceName": "x"}},
        {"spec": {"podManagementPolicy": "Parallel"}},
        {"spec": {"updateStrategy": {"type": "OnDelete"}}},
        {"spec": {"updateStrategy": {"type": "OnDelete", "rollingUpdate": None}}},
        {"spec": {"updateStrategy": {"rollingUpdate": {"partition": -1}}}},
        {"spec": {"updateStrategy": {"rollingUpdate": {"partition": 2}}}},
        {"spec": {"replicas": -1}},
    )
    answers = [await scene.send(patch(_SET, MERGE, step, dryRun="All")) for step in steps]
    for answer in answers:
        answer["body"].pop("status", None)  # names revisions by a hash that only one side makes so
    await scene.raw(delete(_SET))
    await scene.gone(_SET)
    return answers


async def _pods(scene: Scene) -> list[Json]:
    """Patch a pod that no node takes: labels and image may change, the rest may not."""
    spec = {**small_deployment("p")["spec"]["template"]["spec"], "nodeSelector": {"nowhere": "yes"}}
    answers = [await scene.send(post(f"{NS}/pods", {"metadata": {"name": "p"}, "spec": spec}, dryRun="All"))]
    del answers[0]["body"]["spec"]["volumes"], answers[0]["body"]["spec"]["containers"][0]["volumeMounts"]
    await scene.raw(post(f"{NS}/pods", {"metadata": {"name": "p"}, "spec": spec}))
    path = f"{NS}/pods/p"
    await scene.until(path, lambda found: found["status"].get("conditions"))
    for media, body in (
        (MERGE, {"metadata": {"labels": {"x": "1"}}}),
        (STRATEGIC, {"spec": {"containers": [{"name": "main", "image": "foo:1"}]}}),
        (STRATEGIC, {"spec": {"containers": [{"name": "new", "image": "foo:1"}]}}),
    ):
        answer = await scene.send(patch(path, media, body, dryRun="All"))
        for field in ("spec", "status"):
            answer["body"].pop(field, None)
        answers.append(answer)
    refusal = (await scene.raw(patch(path, MERGE, {"spec": {"hostNetwork": True}}, dryRun="All")))["body"]
    answers.append({"code": refusal["code"], "message": refusal["message"].split("\n")[0]})
    await scene.raw(delete(path))
    await scene.gone(path)
    return answers


PATCH_CASES: tuple[Case, ...] = (
    *_TAKEN,
    *_REFUSED,
    told("patches-for-real", _real_writes),
    told("patches-of-a-stateful-set", _stateful_set),
    told("patches-of-a-pod", _pods),
)
