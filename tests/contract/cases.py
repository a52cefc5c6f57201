"""The requests of the contract: what is asked of both clusters, and by which rules the answers are compared."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.cluster.store import Json
from tests.contract import rules
from tests.contract.compare import Rules
from tests.contract.rules import EXACT, many, one
from tests.contract.sides import ADMIN, NARROW, STRANGER, Side, first_container, waits_for
from tests.contract.workloads import config_map, followed

NS = "/api/v1/namespaces/{ns}"
APPS = "/apis/apps/v1/namespaces/{ns}"
BATCH = "/apis/batch/v1/namespaces/{ns}"
METRICS = "/apis/metrics.k8s.io/v1beta1"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
PAGES = {"labelSelector": "set=pages"}
_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_STEADY = "app in (quiet,agent,ordered,pair,once,unready)"
_UNSTEADY = "app in (crash,misconfigured,homeless,unpullable)"


class NotYet(Exception):
    """A cluster cannot answer this now, for a reason that is no fault."""


@dataclass(frozen=True, slots=True)
class Case:
    """One question to both sides. `ask` returns what is compared."""

    name: str
    ask: Callable[[Side], Awaitable[Any]]
    rules: Rules


def _case(
    name: str,
    path: str,
    wanted: Rules,
    *,
    method: str = "GET",
    accept: str = "application/json",
    body: Json | None = None,
    user: str = ADMIN,
    cut: Callable[[Json], Json] | None = None,
    **query: str,
) -> Case:
    """Return a case of one request; `cut` leaves of its answer what is compared."""

    async def ask(side: Side) -> Json:
        filled = {name: side.path(value) for name, value in query.items()}
        answer = await side.ask(path, filled, method=method, accept=accept, body=body, user=user)
        return cut(answer.as_json()) if cut else answer.as_json()

    return Case(name, ask, wanted)


_WAITS = {"crash": "CrashLoopBackOff", "unpullable": "ImagePullBackOff"}


def _while_waiting(case: Case) -> Case:
    """Ask while the pods whose state alternates wait, before the question and after it."""

    async def waiting(side: Side) -> list[Json] | None:
        pods = [(await side.ask(f"{NS}/pods/{{pod[{app}]}}")).body for app in _WAITS]
        if all(waits_for(pod, reason) for pod, reason in zip(pods, _WAITS.values(), strict=True)):
            return [first_container(pod) for pod in pods]
        return None

    async def ask(side: Side) -> Any:
        async with asyncio.timeout(90):
            while True:
                before = await waiting(side)
                if before is not None:
                    seen = await case.ask(side)
                    if await waiting(side) == before:
                        return seen
                await side.hands.wait()

    return Case(case.name, ask, case.rules)


def _names(answer: Json) -> Json:
    """Leave of a list its names."""
    return {"status": answer["status"], "names": [item["metadata"]["name"] for item in answer["body"]["items"]]}


# --- what the server says of itself -----------------------------------------------------------------------------------

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
    # What may be written is not simulated; names of the storage are nobody's business.
    free=("body.resources[].verbs", "body.resources[].storageVersionHash"),
)
_DISCOVERY = (
    _case(
        "version",
        "/version",
        Rules(
            equal=("status", "content_type", "body.major"),
            alike=("body",),
            free=("body.minor", "body.gitTreeState", "body.gitVersion", "body.goVersion", "body.platform")
            + tuple(
                f"body.{which}{part}" for which in ("emulation", "minCompatibility") for part in ("Major", "Minor")
            ),
        ),
    ),
    _case("api-versions", "/api", EXACT + Rules(alike=("body.serverAddressByClientCIDRs",))),
    _case(
        "groups",
        "/apis",
        EXACT + Rules(free=("body.groups[].versions",)),
        cut=_used_groups,
    ),
    _case("group", "/apis/apps", EXACT),
    _case("core-resources", "/api/v1", _RESOURCES, cut=_used_resources(_USED_CORE)),
    _case("apps-resources", "/apis/apps/v1", _RESOURCES, cut=_used_resources(_USED_APPS)),
    _case("ready", "/readyz", EXACT, accept="*/*"),
)

# --- lists of all that is read ----------------------------------------------------------------------------------------

_LISTS = (
    _case("list-pods", f"{NS}/pods", many(rules.POD), labelSelector=_STEADY),
    _while_waiting(_case("list-pods-in-trouble", f"{NS}/pods", many(rules.UNSTEADY_POD), labelSelector=_UNSTEADY)),
    _while_waiting(_case("list-deployments", f"{APPS}/deployments", many(rules.DEPLOYMENT))),
    _while_waiting(_case("list-replica-sets", f"{APPS}/replicasets", many(rules.REPLICA_SET))),
    _case("list-stateful-sets", f"{APPS}/statefulsets", many(rules.WORKLOAD)),
    _case("list-daemon-sets", f"{APPS}/daemonsets", many(rules.DAEMON_SET)),
    _case("list-jobs", f"{BATCH}/jobs", many(rules.JOB), labelSelector="app=once"),
    _case("list-services", f"{NS}/services", many(rules.SERVICE)),
    _case(
        "list-endpoint-slices",
        "/apis/discovery.k8s.io/v1/namespaces/{ns}/endpointslices",
        many(rules.ENDPOINT_SLICE),
    ),
    _case(
        "list-autoscalers",
        "/apis/autoscaling/v2/namespaces/{ns}/horizontalpodautoscalers",
        many(rules.AUTOSCALER),
    ),
    _case("list-claims", f"{NS}/persistentvolumeclaims", many(rules.CLAIM)),
    _case("list-config-maps", f"{NS}/configmaps", many(rules.CONFIG_MAP), **PAGES),
    _case("list-nodes", "/api/v1/nodes", many(rules.NODE), fieldSelector="metadata.name={node}"),
    _case("get-namespace", NS, one(rules.NAMESPACE)),
    _case("list-in-no-namespace", "/api/v1/namespaces/not-there/pods", many(rules.POD)),
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

# --- pages and versions -----------------------------------------------------------------------------------------------


async def _two_pages(side: Side) -> Json:
    """Read three of five, then the rest."""
    first = (await side.ask(f"{NS}/configmaps", {**PAGES, "limit": "3"})).as_json()
    more = first["body"]["metadata"].pop("continue")
    second = (await side.ask(f"{NS}/configmaps", {**PAGES, "limit": "3", "continue": more})).as_json()
    same = first["body"]["metadata"]["resourceVersion"] == second["body"]["metadata"]["resourceVersion"]
    return {"first": first, "second": second, "has_continue": bool(more), "same_version": same}


async def _remaining(side: Side) -> Json:
    """Read one Deployment of several, without selectors: then the rest is counted."""
    answer = (await side.ask(f"{APPS}/deployments", {"limit": "1"})).as_json()
    return {"status": answer["status"], "rest": answer["body"]["metadata"]["remainingItemCount"]}


async def _from_cache(side: Side) -> Json:
    """Ask for any version: the limit does not count."""
    answer = (await side.ask(f"{NS}/configmaps", {**PAGES, "limit": "2", "resourceVersion": "0"})).as_json()
    return {**_names(answer), "has_continue": "continue" in answer["body"]["metadata"]}


async def _from_the_future(side: Side) -> Json:
    """Ask for a version that does not exist yet: refused after three seconds."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    answer = (await side.ask(f"{NS}/configmaps", {"resourceVersion": "999999999"})).as_json()
    message = answer["body"]["message"]
    answer["body"]["message"] = re.sub(r"current: \d+", "current: N", message)
    return {**answer, "waited_s": 3 if 2.5 <= loop.time() - began <= 6 else loop.time() - began}


_VERSIONS = (
    Case(
        "two-pages", _two_pages, EXACT + many(rules.CONFIG_MAP).under("first") + many(rules.CONFIG_MAP).under("second")
    ),
    Case("rest-is-counted", _remaining, EXACT),
    _case("bad-continue", f"{NS}/pods", EXACT, **{"continue": "garbage", "limit": "1"}),
    Case("version-zero-ignores-the-limit", _from_cache, EXACT),
    Case("version-from-the-future", _from_the_future, EXACT),
    _case("version-no-number", f"{NS}/pods", EXACT, resourceVersion="abc"),
    _case("exact-version-too-old", f"{NS}/pods", EXACT, resourceVersion="1", resourceVersionMatch="Exact"),
    _case("match-without-version", f"{NS}/pods", EXACT, resourceVersionMatch="Exact"),
)

# --- selectors --------------------------------------------------------------------------------------------------------

_LABELS = {
    "equal": "app=quiet",
    "not-equal": "app,app!=quiet,app!=crash",
    "in": "app in (quiet, pair)",
    "not-in": "app,app notin (quiet,pair)",
    "exists": "batch.kubernetes.io/job-name",
    "not-exists": "!pod-template-hash",
    "nothing": "app=nobody",
}
_FIELDS = {
    "name": "metadata.name={pod[quiet]}",
    "phase": "status.phase=Succeeded",
    "not-phase": "status.phase!=Running,status.phase!=Pending",
    "node": "spec.nodeName={node}",
}


def _subjects(answer: Json) -> Json:
    """Leave of events whom they are about."""
    return {"status": answer["status"], "about": sorted({e["involvedObject"]["name"] for e in answer["body"]["items"]})}


_SELECTORS = (
    *(
        _case(f"label-{name}", f"{NS}/pods", EXACT, cut=_names, labelSelector=selector)
        for name, selector in _LABELS.items()
    ),
    *(
        _case(f"field-{name}", f"{NS}/pods", EXACT, cut=_names, fieldSelector=selector)
        for name, selector in _FIELDS.items()
    ),
    _case(
        "field-involved-object",
        f"{NS}/events",
        EXACT,
        cut=_subjects,
        fieldSelector="involvedObject.kind=Pod,involvedObject.name={pod[quiet]}",
    ),
    _case("field-unknown", f"{NS}/pods", EXACT, fieldSelector="spec.color=red"),
    _case("field-unreadable", f"{NS}/pods", EXACT, fieldSelector="metadata.name"),
    _case("label-unreadable", f"{NS}/pods", EXACT, labelSelector="app in quiet"),
)

# --- single objects and refusals --------------------------------------------------------------------------------------

_OBJECTS = (
    _case("get-pod", f"{NS}/pods/{{pod[quiet]}}", one(rules.POD)),
    _case("get-deployment", f"{APPS}/deployments/quiet", one(rules.DEPLOYMENT)),
    _case(
        "get-scale",
        f"{APPS}/deployments/quiet/scale",
        one(rules.item("spec", "status")),
    ),
    _case("missing-pod", f"{NS}/pods/nobody", EXACT),
    _case("missing-deployment", f"{APPS}/deployments/nobody", EXACT),
    _case("missing-namespace", "/api/v1/namespaces/not-there", EXACT),
    _case("missing-pod-of-no-namespace", "/api/v1/namespaces/not-there/pods/nobody", EXACT),
    _case("unknown-resource", f"{NS}/gadgets", EXACT),
    _case("unknown-group", "/apis/gadgets.example.com/v1/gadgets", EXACT),
    _case("unknown-version", "/apis/apps/v9/deployments", EXACT),
    _case("unknown-path", "/gadgets", EXACT),
    _case("not-allowed-on-a-collection", f"{NS}/pods", EXACT, method="PATCH", body={}),
    _case("not-allowed-on-the-version", "/version", EXACT, method="DELETE"),
    _case("watch-of-metrics", f"{METRICS}/nodes", EXACT, watch="1"),
    _case("not-acceptable", f"{NS}/pods", EXACT, accept="text/html"),
    _case("not-acceptable-metadata-of-a-list", f"{NS}/pods", EXACT, accept=METADATA),
    _case("not-acceptable-list-of-one", f"{NS}/pods/{{pod[quiet]}}", EXACT, accept=METADATA_LIST),
)

# --- other forms ------------------------------------------------------------------------------------------------------


def _without_ages(answer: Json) -> Json:
    """Put one word in place of the cells that tell an age or an address."""
    columns = [column["name"] for column in answer["body"]["columnDefinitions"]]
    for row in answer["body"]["rows"]:
        for position, name in enumerate(columns):
            if name in ("Age", "IP", "Cluster-IP", "Duration") and isinstance(row["cells"][position], str):
                row["cells"][position] = "SOME" if row["cells"][position] not in ("<none>", "<unknown>") else "NONE"
    return answer


def _table(name: str, path: str, **query: str) -> Case:
    return _case(name, path, rules.TABLE, accept=TABLE, cut=_without_ages, includeObject="None", **query)


_FORMS = (
    _table("table-of-pods", f"{NS}/pods", labelSelector=_STEADY),
    _while_waiting(_table("table-of-deployments", f"{APPS}/deployments")),
    _while_waiting(_table("table-of-replica-sets", f"{APPS}/replicasets")),
    _table("table-of-stateful-sets", f"{APPS}/statefulsets"),
    _table("table-of-daemon-sets", f"{APPS}/daemonsets"),
    _table("table-of-services", f"{NS}/services"),
    _table("table-of-claims", f"{NS}/persistentvolumeclaims"),
    _table("table-of-one-pod", f"{NS}/pods/{{pod[quiet]}}"),
    _case("table-fault", f"{NS}/pods/nobody", EXACT, accept=TABLE),
    _case(
        "metadata-list",
        f"{NS}/configmaps",
        many(rules.item("kind", "apiVersion")),
        accept=METADATA_LIST,
        **PAGES,
    ),
    _case("metadata-of-one", f"{NS}/configmaps/page-1", one(rules.item()), accept=METADATA),
)

# --- watches ----------------------------------------------------------------------------------------------------------


async def _life_of_an_object(side: Side) -> Json:
    """Watch a ConfigMap come, change and go."""
    name = f"watched-{secrets.token_hex(3)}"
    path = f"{NS}/configmaps"
    selector = {"fieldSelector": f"metadata.name={name}", "timeoutSeconds": "20"}
    version = await side.version(path)
    await side.hands.create("configmaps", config_map(name))
    await side.hands.replace("configmaps", config_map(name, value="2"))
    await side.hands.delete("configmaps", name)
    events = await side.events(path, {**selector, "resourceVersion": version}, count=3)
    versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in events]
    text = json.dumps(events).replace(name, "WATCHED")
    return {"events": json.loads(text), "rising": versions == sorted(set(versions))}


async def _in_and_out_of_view(side: Side) -> Json:
    """Watch behind a label selector: an object that loses the label is gone."""
    name = f"moving-{secrets.token_hex(3)}"
    path = f"{NS}/configmaps"
    version = await side.version(path)
    await side.hands.create("configmaps", config_map(name, seen="no"))
    await side.hands.replace("configmaps", config_map(name, seen="yes"))
    await side.hands.replace("configmaps", config_map(name, seen="no", value="3"))
    query = {"labelSelector": "seen=yes", "timeoutSeconds": "20", "resourceVersion": version}
    events = await side.events(path, query, count=2)
    await side.hands.delete("configmaps", name)
    return json.loads(json.dumps(events).replace(name, "MOVING"))


async def _from_the_beginning(side: Side) -> Json:
    """Watch without a version: what is there comes first."""
    query = {**PAGES, "timeoutSeconds": "20", "resourceVersion": "0"}
    events = await side.events(f"{NS}/configmaps", query, count=5)
    return sorted(events, key=lambda event: str(event["object"]["metadata"]["name"]))


async def _bookmarks(side: Side) -> Json:
    """Watch in silence for three seconds: the end is in good order, and nothing but bookmarks came before."""
    path = f"{APPS}/statefulsets"
    version = await side.version(path)
    query = {"timeoutSeconds": "3", "allowWatchBookmarks": "true", "resourceVersion": version}
    events = await side.events(path, query, count=99)
    if not events:
        raise NotYet("the server sent no bookmark within three seconds")
    return events[0]


async def _too_old(side: Side) -> Json:
    """Watch from a version that was forgotten long ago."""
    events = await side.events(f"{NS}/configmaps", {"resourceVersion": "1", "timeoutSeconds": "5"}, count=9)
    return json.loads(
        re.sub(r"too old resource version: 1 \(\d+\)", "too old resource version: 1 (N)", json.dumps(events))
    )


async def _rows(side: Side) -> Json:
    """Watch tables: only the first event carries the columns."""
    query = {"fieldSelector": "metadata.name=page-1", "resourceVersion": "0", "timeoutSeconds": "20"}
    found: list[Json] = []
    async with side.stream(f"{NS}/configmaps", {"watch": "1", **query}, accept=TABLE) as lines:
        async for line in lines:
            found.append(json.loads(line))
            break
    return {"type": found[0]["type"], **_without_ages({"body": found[0]["object"]})}


_WATCHED = (
    Rules(equal=("[].type",))
    + Rules(equal=("[].object.kind", "[].object.apiVersion"))
    + rules.CONFIG_MAP.under("[].object")
)
_WATCHES = (
    Case("watch-life", _life_of_an_object, Rules(equal=("rising",)) + _WATCHED.under("events")),
    Case("watch-in-and-out-of-view", _in_and_out_of_view, _WATCHED),
    Case("watch-from-the-beginning", _from_the_beginning, _WATCHED),
    Case("watch-bookmarks", _bookmarks, EXACT + Rules(alike=("object.metadata.resourceVersion",))),
    Case("watch-too-old", _too_old, EXACT),
    Case(
        "watch-table",
        _rows,
        EXACT
        + Rules(
            alike=("body.metadata.resourceVersion",),
            free=("body.columnDefinitions[].description", "body.rows[].object.metadata.managedFields"),
        )
        + Rules(
            alike=tuple(
                f"body.rows[].object.metadata.{name}" for name in ("uid", "resourceVersion", "creationTimestamp")
            )
        ),
    ),
    _case("watch-forbidden", f"{NS}/pods", EXACT, user=NARROW, watch="1"),
    _case("watch-bad-version", f"{NS}/pods", EXACT, watch="1", resourceVersion="abc"),
    _case("watch-bad-selector", f"{NS}/pods", EXACT, watch="1", fieldSelector="spec.color=red"),
    _case("watch-initial-events-unmatched", f"{NS}/pods", EXACT, watch="1", sendInitialEvents="true"),
)

# --- logs -------------------------------------------------------------------------------------------------------------

_LOG = f"{NS}/pods/{{pod[quiet]}}/log"


def _log(name: str, app: str, wanted: Rules = EXACT, **query: str) -> Case:
    return _case(f"log-{name}", f"{NS}/pods/{{pod[{app}]}}/log", wanted, accept="*/*", **query)


async def _crashed(side: Side) -> Json:
    """Read the log of a container in back-off, twice: the current and the previous one are the same run."""
    path = f"{NS}/pods/{{pod[crash]}}/log"
    current = (await side.ask(path, accept="*/*")).as_json()
    previous = (await side.ask(path, {"previous": "true"}, accept="*/*")).as_json()
    return {"current": current, "previous": previous}


async def _stamped(side: Side) -> Json:
    """Read lines with their times."""
    answer = await side.ask(_LOG, {"timestamps": "true", "tailLines": "2"}, accept="*/*")
    return [line.split(" ", 1) for line in answer.text.splitlines()]


async def _since_a_time(side: Side) -> Json:
    """Read what was written after a time to come: nothing."""
    later = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return (await side.ask(_LOG, {"sinceTime": later}, accept="*/*")).as_json()


async def _followed(side: Side) -> Json:
    """Follow a log from its container's start until the stream ends by itself."""
    await side.hands.create("jobs", followed(side.image))
    selector = {"labelSelector": "app=followed"}

    def runs(body: Json) -> bool:
        return any("running" in first_container(pod).get("state", {}) for pod in body["items"])

    started = await side.until(f"{NS}/pods", runs, selector, within_s=30)
    name = started["items"][0]["metadata"]["name"]
    async with (
        side.hands.passing_time(),
        side.stream(f"{NS}/pods/{name}/log", {"follow": "true"}, accept="*/*") as lines,
    ):
        text = "".join([line async for line in lines])
    pod = (await side.ask(f"{NS}/pods/{name}")).body
    state = first_container(pod).get("state", {})
    return {"text": text, "ended": "terminated" in state or pod["status"]["phase"] == "Succeeded"}


_LOGS = (
    _log("whole", "quiet"),
    _log("tail", "quiet", tailLines="2"),
    _log("tail-nothing", "quiet", tailLines="0"),
    _log("cut-at-its-end", "quiet", tailLines="2", limitBytes="6"),
    _log("of-one-that-ended", "once"),
    _log("of-a-named-container", "pair", container="c1"),
    _log("previous-without-one", "quiet", previous="true"),
    _log("unknown-container", "quiet", container="nobody"),
    _log("several-and-none-named", "pair"),
    _log("waiting", "misconfigured"),
    _while_waiting(_log("waiting-for-an-image", "unpullable")),
    _log("not-scheduled", "homeless"),
    _log("follow-waiting", "misconfigured", follow="true"),
    _log("since-nothing", "quiet", sinceSeconds="0"),
    _log("limit-nothing", "quiet", limitBytes="0"),
    _log("tail-negative", "quiet", tailLines="-1"),
    _log("since-twice", "quiet", sinceSeconds="5", sinceTime="2026-01-01T00:00:00Z"),
    _log("since-unreadable", "quiet", sinceTime="yesterday"),
    _log("tail-unreadable", "quiet", tailLines="many"),
    _case("log-of-no-pod", f"{NS}/pods/nobody/log", EXACT),
    _case("log-forbidden", _LOG, EXACT, user=NARROW),
    _while_waiting(Case("log-crashed", _crashed, EXACT)),
    Case("log-stamped", _stamped, Rules(alike=("[][]",), equal=("",))),
    Case("log-since-a-time-to-come", _since_a_time, EXACT),
    Case("log-followed", _followed, EXACT),
)

# --- usage ------------------------------------------------------------------------------------------------------------


async def _usage(side: Side) -> Json:
    """List the usage of the pods that run for long enough; sorted, for the order means nothing."""
    wanted = {side.pods[app] for app in ("quiet", "pair", "agent")}
    async with asyncio.timeout(60):
        while True:
            answer = (await side.ask(f"{METRICS}/namespaces/{{ns}}/pods")).as_json()
            if answer["status"] != 200:
                raise NotYet(f"there are no metrics: the answer is {answer['status']}")
            items = [item for item in answer["body"]["items"] if _unmask(side, item) in wanted]
            if len(items) == len(wanted):
                break
            await side.hands.wait()
    for item in items:
        item["containers"].sort(key=lambda container: str(container["name"]))
    answer["body"]["items"] = sorted(items, key=lambda item: str(item["metadata"]["name"]))
    return answer


def _unmask(side: Side, item: Json) -> str:
    return side.pods.get(str(item["metadata"]["name"]).removeprefix("POD-"), "")


async def _usage_of_a_crash_loop(side: Side) -> Json:
    """Ask for the usage of a pod that does not run."""
    answer = (await side.ask(f"{METRICS}/namespaces/{{ns}}/pods/{{pod[crash]}}")).as_json()
    if answer["status"] not in (200, 404):
        raise NotYet(f"there are no metrics: the answer is {answer['status']}")
    return answer


_USAGE_LIST = Rules(equal=("kind", "apiVersion", "metadata", "items")).under("body")
_METRICS = (
    Case("usage-of-pods", _usage, rules.HEAD + _USAGE_LIST + rules.USAGE.under("body.items[]")),
    _case(
        "usage-of-nodes",
        f"{METRICS}/nodes",
        rules.HEAD + _USAGE_LIST + rules.NODE_USAGE.under("body.items[]"),
    ),
    _while_waiting(Case("usage-of-a-crash-loop", _usage_of_a_crash_loop, EXACT)),
    _case("usage-of-no-pod", f"{METRICS}/namespaces/{{ns}}/pods/nobody", EXACT),
    _case("usage-version-unknown", "/apis/metrics.k8s.io/v1/nodes", EXACT),
)

# --- rights -----------------------------------------------------------------------------------------------------------


def _review(name: str, user: str, attributes: Mapping[str, str]) -> Case:
    def cut(answer: Json) -> Json:
        answer["body"]["status"].pop("reason", None)  # names bindings that only one side has
        answer["body"]["spec"]["resourceAttributes"].pop("namespace", None)
        return answer

    body = {"spec": {"resourceAttributes": dict(attributes)}}
    free = Rules(free=("body.metadata.managedFields", "body.metadata.creationTimestamp"))
    return _case(name, _REVIEWS, EXACT + free, method="POST", body=body, user=user, cut=cut)


_LISTING = {"verb": "list", "resource": "pods"}
_RIGHTS = (
    _case("stranger", f"{NS}/pods", EXACT, user=STRANGER),
    _case("stranger-asks-the-version", "/version", EXACT, user=STRANGER),
    _case("forbidden-list", f"{NS}/pods", EXACT, user=NARROW),
    _case("forbidden-get", f"{NS}/pods/nobody", EXACT, user=NARROW),
    _case("forbidden-group", f"{APPS}/deployments", EXACT, user=NARROW),
    _case("forbidden-in-the-whole-cluster", "/api/v1/nodes", EXACT, user=NARROW),
    _case("forbidden-everywhere", "/api/v1/pods", EXACT, user=NARROW),
    _review("review-allowed", ADMIN, _LISTING),
    _review("review-denied", NARROW, _LISTING),
    _review("review-of-a-subresource", NARROW, {"verb": "get", "resource": "pods", "subresource": "log"}),
    _review("review-of-nothing-known", NARROW, {"verb": "get", "resource": "gadgets", "group": "example.com"}),
)

CASES: tuple[Case, ...] = (
    *_DISCOVERY,
    *_LISTS,
    *_EVENTS,
    *_VERSIONS,
    *_SELECTORS,
    *_OBJECTS,
    *_FORMS,
    *_WATCHES,
    *_LOGS,
    *_METRICS,
    *_RIGHTS,
)
