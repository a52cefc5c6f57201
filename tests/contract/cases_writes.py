"""Creating and replacing: what is stored, what is refused, and in which words."""

from __future__ import annotations

import copy
from typing import Any

from sandbox.cluster.store import Json
from tests.contract.case import APPS, BATCH, NS, Case
from tests.contract.sides import NARROW
from tests.contract.writing import (
    DEPLOYMENTS,
    Scene,
    Step,
    at_rest,
    delete,
    get,
    post,
    put,
    refused,
    small_deployment,
    told,
)

POLICY = "/apis/policy/v1/namespaces/{ns}/poddisruptionbudgets"
AUTOSCALERS = "/apis/autoscaling/v2/namespaces/{ns}/horizontalpodautoscalers"


def _with(change: Any, name: str = "new", **spec: Any) -> Json:
    """Return a Deployment with one container changed."""
    made = small_deployment(name, **spec)
    change(made["spec"]["template"]["spec"]["containers"][0])
    return made


def _invalid(name: str, made: Json) -> Case:
    return refused(f"create-{name}", post(DEPLOYMENTS, made, dryRun="All"))


def _resources(**resources: Json) -> Json:
    return _with(lambda container: container.update(resources=resources))


def _labelled(**labels: str) -> Json:
    made = small_deployment("new")
    made["spec"]["template"]["metadata"]["labels"] = labels
    return made


def _selected(selector: Json | None) -> Json:
    made = small_deployment("new")
    if selector is None:
        del made["spec"]["selector"]
    else:
        made["spec"]["selector"] = selector
    return made


def _named(**metadata: Any) -> Json:
    return {**small_deployment("new"), "metadata": metadata}


def _unknown() -> Json:
    made = small_deployment("new")
    made["spec"]["foo"] = 1
    made["spec"]["template"]["spec"]["bar"] = {}
    return made


def _twice() -> Json:
    made = small_deployment("new")
    containers = made["spec"]["template"]["spec"]["containers"]
    containers += [{**containers[0], "name": "A b"}, copy.deepcopy(containers[0])]
    return made


def _empty() -> Json:
    made = small_deployment("new")
    made["spec"]["template"]["spec"]["containers"] = []
    return made


def _policy(policy: str) -> Json:
    made = small_deployment("new")
    made["spec"]["template"]["spec"]["restartPolicy"] = policy
    return made


_FIELD = {"fieldRef": {"fieldPath": "metadata.name"}}
_INVALID = (
    _invalid("nothing", {"metadata": {"name": "new"}}),
    _invalid("without-a-name", _named()),
    _invalid("bad-name", _named(name="Bad_Name")),
    _invalid("bad-label", _named(name="new", labels={"a b": "c", "ok": "not ok"}, annotations={"x y": "1"})),
    _invalid("negative-replicas", small_deployment("new", replicas=-1)),
    _invalid("no-image", _with(lambda container: container.update(image=""))),
    _invalid("request-above-limit", _resources(requests={"cpu": "2"}, limits={"cpu": "1"})),
    _invalid("odd-resources", _resources(requests={"cpu": "-1", "foo": "1"})),
    _invalid("malformed-resources", _resources(requests={"cpu": "abc"})),
    _invalid("wrong-type", small_deployment("new", replicas="many")),
    _invalid("fraction", small_deployment("new", replicas=1.5)),
    _invalid("wrong-type-deep", _with(lambda container: container.update(name=1))),
    _invalid("containers-twice", _twice()),
    _invalid("no-containers", _empty()),
    _invalid("other-labels", _labelled(b="c")),
    _invalid("empty-selector", _selected({})),
    _invalid("no-selector", _selected(None)),
    _invalid("env-from-two", _with(lambda c: c.update(env=[{"name": "A", "value": "1", "valueFrom": _FIELD}]))),
    _invalid("env-from-nothing", _with(lambda c: c.update(env=[{"name": "A", "valueFrom": {}}, {"value": "x"}]))),
    _invalid("mount-of-nothing", _with(lambda c: c.update(volumeMounts=[{"name": "v", "mountPath": "/v"}]))),
    _invalid(
        "recreate-and-roll", small_deployment("new", strategy={"type": "Recreate", "rollingUpdate": {"maxSurge": 1}})
    ),
    _invalid("unknown-strategy", small_deployment("new", strategy={"type": "Foo"})),
    _invalid(
        "stuck-strategy", small_deployment("new", strategy={"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}})
    ),
    _invalid(
        "odd-strategy", small_deployment("new", strategy={"rollingUpdate": {"maxSurge": "x", "maxUnavailable": -1}})
    ),
    _invalid("deadline-too-short", small_deployment("new", progressDeadlineSeconds=5, minReadySeconds=6)),
    _invalid("negative-numbers", small_deployment("new", revisionHistoryLimit=-1, minReadySeconds=-1)),
    _invalid("other-namespace", _named(name="new", namespace="other")),
    _invalid("other-kind", {**small_deployment("new"), "kind": "StatefulSet"}),
    _invalid("other-version", {**small_deployment("new"), "apiVersion": "apps/v2"}),
    _invalid("bad-restart-policy", _policy("Never")),
    refused(
        "create-options",
        post(DEPLOYMENTS, small_deployment("new"), dryRun="Some"),
        post(DEPLOYMENTS, small_deployment("new"), fieldValidation="X"),
        post(DEPLOYMENTS, small_deployment("new"), fieldManager="x" * 129),
        post(DEPLOYMENTS, small_deployment("new"), dryRun="Some", fieldValidation="X"),
    ),
    refused("create-unknown-fields", post(DEPLOYMENTS, _unknown(), dryRun="All")),
    refused("create-unknown-fields-strict", post(DEPLOYMENTS, _unknown(), dryRun="All", fieldValidation="Strict")),
    refused("create-unknown-fields-ignored", post(DEPLOYMENTS, _unknown(), dryRun="All", fieldValidation="Ignore")),
    refused("create-in-no-namespace", post("/apis/apps/v1/namespaces/not-there/deployments", small_deployment("new"))),
    refused("create-everywhere", post("/apis/apps/v1/deployments", small_deployment("new"))),
    refused("create-forbidden", Step("POST", DEPLOYMENTS, small_deployment("new"), user=NARROW)),
    refused("replace-forbidden", Step("PUT", f"{DEPLOYMENTS}/d", small_deployment("d"), user=NARROW)),
    refused("delete-forbidden", Step("DELETE", f"{DEPLOYMENTS}/d", user=NARROW)),
    refused("scale-forbidden", Step("PUT", f"{DEPLOYMENTS}/d/scale", {"metadata": {"name": "d"}}, user=NARROW)),
    refused("evict-forbidden", Step("POST", f"{NS}/pods/p/eviction", {"metadata": {"name": "p"}}, user=NARROW)),
)


def _made(name: str, path: str, body: Json) -> Case:
    """Return a case of an object that is created, created again, read, replaced by itself, and deleted."""

    async def tell(scene: Scene) -> list[Json]:
        place = f"{path}/{body['metadata']['name']}"
        answers = [await scene.send(post(path, body, fieldManager="somebody"))]
        answers.append(await scene.send(post(path, body)))
        answers.append(await scene.send(post(path, body, dryRun="All")))
        await scene.raw(delete(place))
        await scene.gone(place)
        return answers

    return told(f"create-{name}", tell)


_SPEC = small_deployment("s")["spec"]
_TEMPLATE = _SPEC["template"]
_QUANTITIES = {"requests": {"cpu": "0.5", "memory": "1024Mi"}, "limits": {"cpu": 1, "memory": "1.5Gi"}}
_TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}
_DEFAULTS = {"default": {"memory": "64Mi"}, "max": {"memory": "64Mi", "cpu": "1"}, "min": {"cpu": "10m"}}
_CREATED = (
    _made("deployment", DEPLOYMENTS, small_deployment("created")),
    _made("deployment-with-quantities", DEPLOYMENTS, _with(lambda c: c.update(resources=_QUANTITIES), name="sized")),
    _made("config-map", f"{NS}/configmaps", {"metadata": {"name": "cm"}, "data": {"a": "1"}}),
    _made("secret", f"{NS}/secrets", {"metadata": {"name": "se"}, "stringData": {"a": "c"}}),
    _made(
        "limits",
        f"{NS}/limitranges",
        {"metadata": {"name": "l"}, "spec": {"limits": [{"type": "Container", **_DEFAULTS}]}},
    ),
    _made(
        "autoscaler", AUTOSCALERS, {"metadata": {"name": "h"}, "spec": {"scaleTargetRef": _TARGET, "maxReplicas": 3}}
    ),
    _made(
        "budget",
        POLICY,
        {"metadata": {"name": "b"}, "spec": {"minAvailable": 1, "selector": {"matchLabels": {"x": "y"}}}},
    ),
    _made("stateful-set", f"{APPS}/statefulsets", {"metadata": {"name": "s"}, "spec": _SPEC}),
    _made("account", f"{NS}/serviceaccounts", {"metadata": {"name": "sa"}}),
)


def _replaced(**changes: Any) -> Json:
    """Return a Deployment to be put in the place of ``d``."""
    made = small_deployment("d", "docker.io/test/busybox:1")
    made["metadata"] |= changes
    return made


async def _put_as_it_is(scene: Scene) -> list[Json]:
    """Write what was read: nothing changes; then with a stale version."""
    await scene.raw(post(DEPLOYMENTS, small_deployment("d", scene.side.image)))
    path = f"{DEPLOYMENTS}/d"
    await scene.settled(path)
    body = await scene.get(path)
    unmasked = {"namespace": scene.side.namespace}
    read = {**body, "metadata": {**body["metadata"], **unmasked}}
    read["spec"]["template"]["spec"]["containers"][0]["image"] = scene.side.image
    answers = [await scene.send(put(path, read))]
    changed = {**read, "spec": {**read["spec"], "minReadySeconds": 3}}
    answers.append(await scene.send(put(path, changed, fieldManager="somebody", dryRun="All")))
    answers.append(await scene.send(put(path, changed, fieldManager="somebody")))
    answers.append(await scene.send(put(path, changed)))
    await scene.raw(delete(path))
    await scene.gone(path)
    return answers


_PATH = f"{DEPLOYMENTS}/d"
_REPLACED = (
    told("put-what-was-read", _put_as_it_is),
    at_rest(
        "put-refused",
        put(_PATH, _replaced(resourceVersion="1")),
        put(_PATH, _replaced(resourceVersion="999999999")),
        put(_PATH, _replaced(resourceVersion="abc")),
        put(_PATH, _replaced(uid="nope")),
        put(_PATH, _replaced(uid="nope", resourceVersion="1")),
        put(_PATH, _replaced(name="other")),
        put(_PATH, _replaced(name="")),
        put(_PATH, _replaced(namespace="other")),
        put(_PATH, {**_selected({"matchLabels": {"app": "z"}}), "metadata": {"name": "d"}}),
        put(_PATH, {"spec": {}}),
        put(f"{DEPLOYMENTS}/nobody", small_deployment("nobody")),
        put(f"{DEPLOYMENTS}/nobody", _replaced(name="nobody", uid="x")),
        put(_PATH, _replaced(), dryRun="Some"),
        get(_PATH),
    ),
    at_rest("put-less", put(_PATH, {**_replaced(), "spec": {**_SPEC, "replicas": 0}}, dryRun="All")),
)

_FIXED = f"{NS}/configmaps/fixed"


async def _immutable(scene: Scene) -> list[Json]:
    body = {"metadata": {"name": "fixed"}, "immutable": True, "data": {"a": "b"}}
    answers = [await scene.send(post(f"{NS}/configmaps", body))]
    answers.append(await scene.send(put(_FIXED, {**body, "data": {"a": "c"}})))
    answers.append(await scene.send(put(_FIXED, {**body, "immutable": False})))
    answers.append(await scene.send(post(f"{NS}/configmaps", {"metadata": {"name": "bad"}, "data": {"a b": "c"}})))
    await scene.raw(delete(_FIXED))
    return answers


def _scaled(**spec: Any) -> Json:
    return {"metadata": {"name": "h"}, "spec": {"scaleTargetRef": _TARGET, "maxReplicas": 3, **spec}}


def _guarded(**spec: Any) -> Json:
    return {"metadata": {"name": "b"}, "spec": {"selector": {"matchLabels": {"x": "y"}}, **spec}}


_USED = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 0}}}
_OTHERS = (
    told("immutable-data", _immutable),
    refused(
        "autoscalers-refused",
        *(
            post(AUTOSCALERS, body, dryRun="All")
            for body in (
                _scaled(minReplicas=0),
                _scaled(minReplicas=5),
                _scaled(maxReplicas=0),
                _scaled(minReplicas=-1),
                _scaled(maxReplicas="x"),
                _scaled(metrics=[_USED]),
            )
        ),
    ),
    refused(
        "budgets-refused",
        *(
            post(POLICY, body, dryRun="All")
            for body in (
                _guarded(minAvailable=1, maxUnavailable=1),
                _guarded(minAvailable=-1),
                _guarded(minAvailable="x"),
                _guarded(maxUnavailable="10"),
            )
        ),
    ),
    refused(
        "stateful-sets-refused",
        *(
            post(f"{APPS}/statefulsets", {"metadata": {"name": "s"}, "spec": {**_SPEC, **spec}}, dryRun="All")
            for spec in (
                {"replicas": -1},
                {"updateStrategy": {"type": "OnDelete", "rollingUpdate": {"partition": 0}}},
                {"updateStrategy": {"rollingUpdate": {"partition": -1}}},
                {"selector": None},
            )
        ),
    ),
    refused(
        "jobs-refused",
        post(f"{BATCH}/jobs", {"metadata": {"name": "j"}, "spec": {"template": _TEMPLATE}}, dryRun="All"),
    ),
)

WRITE_CASES: tuple[Case, ...] = (*_INVALID, *_CREATED, *_REPLACED, *_OTHERS)
