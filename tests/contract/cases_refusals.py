"""What cannot be created, and in which words it is refused."""

from __future__ import annotations

import copy
from typing import Any

from sandbox.cluster.store import Json
from tests.contract.case import NS, Case
from tests.contract.sides import NARROW
from tests.contract.writing import DEPLOYMENTS, Step, post, refused, small_deployment


def varied(change: Any, name: str = "new", **spec: Any) -> Json:
    """Return a Deployment with one container changed."""
    made = small_deployment(name, **spec)
    change(made["spec"]["template"]["spec"]["containers"][0])
    return made


def _invalid(name: str, made: Json) -> Case:
    return refused(f"create-{name}", post(DEPLOYMENTS, made, dryRun="All"))


def _resources(**resources: Json) -> Json:
    return varied(lambda container: container.update(resources=resources))


def _labelled(**labels: str) -> Json:
    made = small_deployment("new")
    made["spec"]["template"]["metadata"]["labels"] = labels
    return made


def selected(selector: Json | None) -> Json:
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
REFUSAL_CASES: tuple[Case, ...] = (
    _invalid("nothing", {"metadata": {"name": "new"}}),
    _invalid("without-a-name", _named()),
    _invalid("bad-name", _named(name="Bad_Name")),
    _invalid("bad-label", _named(name="new", labels={"a b": "c", "ok": "not ok"}, annotations={"x y": "1"})),
    _invalid("negative-replicas", small_deployment("new", replicas=-1)),
    _invalid("no-image", varied(lambda container: container.update(image=""))),
    _invalid("request-above-limit", _resources(requests={"cpu": "2"}, limits={"cpu": "1"})),
    _invalid("odd-resources", _resources(requests={"cpu": "-1", "foo": "1"})),
    _invalid("malformed-resources", _resources(requests={"cpu": "abc"})),
    _invalid("wrong-type", small_deployment("new", replicas="many")),
    _invalid("fraction", small_deployment("new", replicas=1.5)),
    _invalid("wrong-type-deep", varied(lambda container: container.update(name=1))),
    _invalid("containers-twice", _twice()),
    _invalid("no-containers", _empty()),
    _invalid("other-labels", _labelled(b="c")),
    _invalid("empty-selector", selected({})),
    _invalid("no-selector", selected(None)),
    _invalid("env-from-two", varied(lambda c: c.update(env=[{"name": "A", "value": "1", "valueFrom": _FIELD}]))),
    _invalid("env-from-nothing", varied(lambda c: c.update(env=[{"name": "A", "valueFrom": {}}, {"value": "x"}]))),
    _invalid("mount-of-nothing", varied(lambda c: c.update(volumeMounts=[{"name": "v", "mountPath": "/v"}]))),
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
