"""Creating and replacing: what is stored, what is refused, and in which words."""

from __future__ import annotations

from typing import Any

from sandbox.cluster.store import Json
from tests.contract.case import APPS, BATCH, NS, Case
from tests.contract.cases_refusals import selected, varied
from tests.contract.writing import (
    DEPLOYMENTS,
    Scene,
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
    _made("deployment-with-quantities", DEPLOYMENTS, varied(lambda c: c.update(resources=_QUANTITIES), name="sized")),
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
        put(_PATH, {**selected({"matchLabels": {"app": "z"}}), "metadata": {"name": "d"}}),
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

WRITE_CASES: tuple[Case, ...] = (*_CREATED, *_REPLACED, *_OTHERS)
