"""What the server says of itself, lists of all that is read, single objects and refusals, other forms."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sandbox.cluster.store import Json
from tests.contract import rules
from tests.contract.case import (
    APPS,
    BATCH,
    METADATA,
    METADATA_LIST,
    METRICS,
    NS,
    PAGES,
    STEADY,
    TABLE,
    UNSTEADY,
    Case,
    question,
    while_waiting,
    without_ages,
)
from tests.contract.compare import Rules
from tests.contract.rules import EXACT, many, one
from tests.contract.sides import Side

_USED_GROUPS = {"apps", "autoscaling", "batch", "discovery.k8s.io", "metrics.k8s.io", "authorization.k8s.io"}
_USED_CORE = {
    "configmaps",
    "events",
    "namespaces",
    "nodes",
    "persistentvolumeclaims",
    "pods",
    "pods/log",
    "secrets",
    "services",
}
_USED_APPS = {"daemonsets", "deployments", "replicasets", "statefulsets", "deployments/scale"}


def _used_groups(answer: Json) -> Json:
    groups = answer["body"]["groups"]
    used = sorted((group for group in groups if group["name"] in _USED_GROUPS), key=lambda group: str(group["name"]))
    return {**answer, "body": {**answer["body"], "groups": used}}


def _used_resources(names: set[str]) -> Callable[[Json], Json]:
    def cut(answer: Json) -> Json:
        found = {entry["name"]: entry for entry in answer["body"]["resources"] if entry["name"] in names}
        return {**answer, "body": {**answer["body"], "resources": [found[name] for name in sorted(found)]}}

    return cut


_RESOURCES = Rules(
    equal=("", "body.resources[].name"),
    # Names of the storage are nobody's business.
    free=("body.resources[].storageVersionHash",),
)
_DISCOVERY = (
    question(
        "version",
        "/version",
        Rules(
            equal=("status", "content_type", "body.major"),
            alike=("body",),
            free=(
                *(f"body.{name}" for name in ("minor", "gitTreeState", "gitVersion", "goVersion", "platform")),
                *(f"body.{which}{part}" for which in ("emulation", "minCompatibility") for part in ("Major", "Minor")),
            ),
        ),
    ),
    question("api-versions", "/api", EXACT + Rules(alike=("body.serverAddressByClientCIDRs",))),
    question(
        "groups",
        "/apis",
        EXACT + Rules(free=("body.groups[].versions",)),
        cut=_used_groups,
    ),
    question("group", "/apis/apps", EXACT),
    question("core-resources", "/api/v1", _RESOURCES, cut=_used_resources(_USED_CORE)),
    question("apps-resources", "/apis/apps/v1", _RESOURCES, cut=_used_resources(_USED_APPS)),
    question("ready", "/readyz", EXACT, accept="*/*"),
)


_LISTS = (
    question("list-pods", f"{NS}/pods", many(rules.POD), labelSelector=STEADY),
    while_waiting(question("list-pods-in-trouble", f"{NS}/pods", many(rules.UNSTEADY_POD), labelSelector=UNSTEADY)),
    while_waiting(question("list-deployments", f"{APPS}/deployments", many(rules.DEPLOYMENT))),
    while_waiting(question("list-replica-sets", f"{APPS}/replicasets", many(rules.REPLICA_SET))),
    question("list-stateful-sets", f"{APPS}/statefulsets", many(rules.WORKLOAD)),
    question("list-daemon-sets", f"{APPS}/daemonsets", many(rules.DAEMON_SET)),
    question("list-jobs", f"{BATCH}/jobs", many(rules.JOB), labelSelector="app=once"),
    question("list-services", f"{NS}/services", many(rules.SERVICE)),
    question(
        "list-endpoint-slices",
        "/apis/discovery.k8s.io/v1/namespaces/{ns}/endpointslices",
        many(rules.ENDPOINT_SLICE),
    ),
    question(
        "list-autoscalers",
        "/apis/autoscaling/v2/namespaces/{ns}/horizontalpodautoscalers",
        many(rules.AUTOSCALER),
    ),
    question("list-claims", f"{NS}/persistentvolumeclaims", many(rules.CLAIM)),
    question("list-config-maps", f"{NS}/configmaps", many(rules.CONFIG_MAP), **PAGES),
    question("list-nodes", "/api/v1/nodes", many(rules.NODE), fieldSelector="metadata.name={node}"),
    question("get-namespace", NS, one(rules.NAMESPACE)),
    question("list-in-no-namespace", "/api/v1/namespaces/not-there/pods", many(rules.POD)),
)


_UID = re.compile(r"\([0-9a-f-]{36}\)")
_ADDRESS = re.compile(r"//10[\d.]+:")
_DIALLED = re.compile(r"tcp 10[\d.]+:9")


def _events(app: str, *reasons: str) -> Case:
    """Return the case of one pod's events, one of each reason that is sure to be there.

    How often one came depends on the moment, and a real kubelet may have had trouble of its own at first.
    """

    async def ask(side: Side) -> Json:
        selector = {"fieldSelector": f"involvedObject.name={side.pods[app]}"}
        answer = (await side.ask(f"{NS}/events", selector)).as_json()
        for event in answer["body"]["items"]:
            event["message"] = _UID.sub("(UID)", _ADDRESS.sub("//POD:", event["message"]))
            event["message"] = _DIALLED.sub("tcp POD:9", event["message"])
        first = {event["reason"]: event for event in reversed(answer["body"]["items"])}
        answer["body"]["items"] = [first[reason] for reason in reasons]
        return answer

    return Case(f"events-of-{app}", ask, many(rules.EVENT))


_EVENTS = (
    _events("quiet", "Scheduled", "Pulled", "Created", "Started"),
    _events("misconfigured", "Scheduled", "Pulled", "Failed"),
    _events("crash", "Scheduled", "Started", "BackOff"),
    _events("unpullable", "Scheduled", "Pulling", "Failed", "BackOff"),
    _events("unready", "Unhealthy"),
    _events("homeless", "FailedScheduling"),
)


_OBJECTS = (
    question("get-pod", f"{NS}/pods/{{pod[quiet]}}", one(rules.POD)),
    question("get-deployment", f"{APPS}/deployments/quiet", one(rules.DEPLOYMENT)),
    question(
        "get-scale",
        f"{APPS}/deployments/quiet/scale",
        one(rules.item("spec", "status")),
    ),
    question("missing-pod", f"{NS}/pods/nobody", EXACT),
    question("missing-deployment", f"{APPS}/deployments/nobody", EXACT),
    question("missing-namespace", "/api/v1/namespaces/not-there", EXACT),
    question("missing-pod-of-no-namespace", "/api/v1/namespaces/not-there/pods/nobody", EXACT),
    question("unknown-resource", f"{NS}/gadgets", EXACT),
    question("unknown-group", "/apis/gadgets.example.com/v1/gadgets", EXACT),
    question("unknown-version", "/apis/apps/v9/deployments", EXACT),
    question("unknown-path", "/gadgets", EXACT),
    question("not-allowed-on-a-collection", f"{NS}/pods", EXACT, method="PATCH", body={}),
    question("not-allowed-on-the-version", "/version", EXACT, method="DELETE"),
    question("watch-of-metrics", f"{METRICS}/nodes", EXACT, watch="1"),
    question("not-acceptable", f"{NS}/pods", EXACT, accept="text/html"),
    question("not-acceptable-metadata-of-a-list", f"{NS}/pods", EXACT, accept=METADATA),
    question("not-acceptable-list-of-one", f"{NS}/pods/{{pod[quiet]}}", EXACT, accept=METADATA_LIST),
)


def _table(name: str, path: str, **query: Any) -> Case:
    return question(name, path, rules.TABLE, accept=TABLE, cut=without_ages, includeObject="None", **query)


_FORMS = (
    _table("table-of-pods", f"{NS}/pods", labelSelector=STEADY),
    while_waiting(_table("table-of-deployments", f"{APPS}/deployments")),
    while_waiting(_table("table-of-replica-sets", f"{APPS}/replicasets")),
    _table("table-of-stateful-sets", f"{APPS}/statefulsets"),
    _table("table-of-daemon-sets", f"{APPS}/daemonsets"),
    _table("table-of-services", f"{NS}/services"),
    _table("table-of-claims", f"{NS}/persistentvolumeclaims"),
    _table("table-of-one-pod", f"{NS}/pods/{{pod[quiet]}}"),
    question("table-fault", f"{NS}/pods/nobody", EXACT, accept=TABLE),
    question(
        "metadata-list",
        f"{NS}/configmaps",
        many(rules.item("kind", "apiVersion")),
        accept=METADATA_LIST,
        **PAGES,
    ),
    question("metadata-of-one", f"{NS}/configmaps/page-1", one(rules.item()), accept=METADATA),
)

OBJECT_CASES: tuple[Case, ...] = (*_DISCOVERY, *_LISTS, *_EVENTS, *_OBJECTS, *_FORMS)
