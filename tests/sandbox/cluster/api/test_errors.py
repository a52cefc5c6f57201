"""Error bodies equal the ones that a real server sent."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sandbox.cluster.api.access import ANONYMOUS, allow_nothing
from sandbox.cluster.server import ClusterServer
from sandbox.cluster.sources import LogLine, LogUnavailable
from sandbox.cluster.store import Json, ObjectStore

_RECORDED = json.loads((Path(__file__).parents[3] / "fixtures" / "cluster" / "api-responses.json").read_text())
_GONE = "cabf54d6a286a2a6c42a59971b2ebc72c4a052d10ed73759648308a57b727cc8"


@pytest.fixture
def recorded_world(
    store: ObjectStore,
    logs: Any,
    make_pod: Callable[..., Json],
    make_deployment: Callable[..., Json],
    server: ClusterServer,
) -> None:
    """Build what the recorded requests met."""
    server.add_user("system:serviceaccount:semantics-a:nobody", "nobody", allow_nothing)
    uid = "5dce7651-571e-41c1-a3d3-94b427f21aba"
    make_deployment("d1", namespace="semantics-a", uid=uid, creationTimestamp="2026-11-24T21:41:04Z")
    ended = {"terminated": {"exitCode": 0, "reason": "Completed"}}
    make_pod("done", namespace="semantics-b", containers=["c0"], state=ended)
    make_pod("half-done", namespace="semantics-b", containers=["c0", "c1"])
    for name, reason in (
        ("vol-secret-missing", "ContainerCreating"),
        ("secret-env-missing", "CreateContainerConfigError"),
        ("pull-notfound", "ImagePullBackOff"),
        ("init-sleep", "PodInitializing"),
    ):
        make_pod(name, namespace="semantics-b", containers=["c0"], state={"waiting": {"reason": reason}})
    make_pod("too-big", namespace="semantics-b", containers=["c0"], state={}, node="", phase="Pending")
    make_pod("fallback-msg", namespace="semantics-b", containers=["c0"], state=ended)
    make_pod("f-restart", namespace="semantics-b", containers=["c0"], state=ended, last_state=ended)
    make_pod("bad-exec", namespace="semantics-b", containers=["c0"], state=ended, last_state=ended)
    at = datetime(2026, 11, 24, 22, 2, 45, 35020, tzinfo=UTC)
    logs.files["fallback-msg", "c0", False] = [
        LogLine(at, "line1"),
        LogLine(at, "line2 the reason"),
    ]
    gone = LogUnavailable(200, f"unable to retrieve container logs for containerd://{_GONE}", "")
    logs.files["f-restart", "c0", True] = gone
    for number in range(260):  # the recorded old versions must lie in the forgotten past
        store.create("configmaps", {"metadata": {"name": f"c{number}", "namespace": "other"}})
    store.expire()


def _same_versions(body: object) -> object:
    """Put one number in place of versions and times that differ between any two clusters."""
    text = json.dumps(body)
    text = re.sub(r'"resourceVersion": "\d+"', '"resourceVersion": "1"', text)
    text = re.sub(r"current: \d+", "current: 1", text)
    # Ours count in microseconds.
    return json.loads(re.sub(r"45\.0350\d{5}Z", "45.035Z", text))


@pytest.mark.usefixtures("recorded_world")
@pytest.mark.parametrize("pair", _RECORDED, ids=lambda pair: pair["name"])
async def test_answer_equals_the_recorded_one(client: Any, pair: Json) -> None:
    """Status, content type, Retry-After and body, versions aside."""
    request, recorded = pair["request"], pair["response"]
    if pair["name"].startswith("forbidden") or pair["name"] == "self-subject-access-review-denied":
        client.token = "nobody"
    if pair["name"] == "unauthorized":
        client.token = "expired"

    answer = await client.call(
        request["method"],
        request["path"],
        params=request.get("query", {}),
        data=json.dumps(request["body"]) if "body" in request else None,
        headers={"Content-Type": request.get("contentType", "application/json")},
    )

    assert answer.status == recorded["status"]
    for name in ("Content-Type", "Retry-After"):
        assert answer.headers.get(name) == recorded["headers"].get(name) or answer.status == 204
    body = answer.data.decode() if isinstance(recorded["body"], str) else answer.body
    expected = recorded["body"]
    if isinstance(body, dict) and body["kind"].endswith("Review"):
        body, expected = body["status"], expected["status"]
    assert _same_versions(body) == _same_versions(expected)


@pytest.mark.parametrize(
    ("method", "path", "status", "reason"),
    [
        ("DELETE", "/api/v1/namespaces/ns/pods/p/log", 405, "MethodNotAllowed"),
        ("PATCH", "/apis/apps/v1/namespaces/ns/deployments", 405, "MethodNotAllowed"),
        ("POST", "/apis/apps/v1/deployments", 405, "MethodNotAllowed"),
        ("DELETE", "/apis/apps/v1/namespaces/ns/deployments/d/scale", 405, "MethodNotAllowed"),
        ("GET", "/api/v1/namespaces/ns/pods/p/eviction", 405, "MethodNotAllowed"),
        ("GET", "/apis/metrics.k8s.io/v1beta1/nodes?watch=1", 405, "MethodNotAllowed"),
        ("GET", "/api/v1/namespaces/ns/nodes", 404, "NotFound"),
        ("GET", "/api/v1/pods/p", 404, "NotFound"),
        ("GET", "/api/v1/namespaces/ns/pods/p/nonsense", 404, "NotFound"),
    ],
)
async def test_what_is_not_served_is_refused(client: Any, method: str, path: str, status: int, reason: str) -> None:
    """Verbs that a path does not have, watches on usage, and paths that fit no resource."""
    answer = await client.call(method, path)
    assert (answer.status, answer.body["reason"], answer.body["code"]) == (status, reason, status)


@pytest.mark.parametrize(
    "path",
    [
        "/apis/metrics.k8s.io/v1/nodes",
        "/apis/nothing.example",
        "/nothing",
    ],
)
async def test_unknown_groups_are_plain_text(client: Any, path: str) -> None:
    """The router's own 404 is no Status; that of an aggregated group is none either."""
    answer = await client.get(path)
    assert (answer.status, answer.data) == (404, b"404 page not found\n")


@pytest.mark.parametrize("path", ["/apis/autoscaling/v9/horizontalpodautoscalers", "/apis/apps/v9", "/api/v9/pods"])
async def test_unknown_versions_of_known_groups_are_a_status(client: Any, path: str) -> None:
    """The server knows the group, and says that it lacks the version."""
    answer = await client.get(path)
    assert (answer.status, answer.body["reason"], answer.body["details"]) == (404, "NotFound", {})


@pytest.mark.parametrize(
    ("path", "status"), [("/version", 405), ("/api/v1", 405), ("/apis/apps/v1", 405), ("/readyz", 200), ("/apis", 200)]
)
async def test_what_is_only_read_refuses_other_methods(client: Any, path: str, status: int) -> None:
    """Health and the list of groups answer any method, as on a real server."""
    assert (await client.call("DELETE", path)).status == status


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("/api/v1/pods", {}, 400),
        ("/api/v1/pods", {"watch": "1"}, 500),
        ("/api/v1/namespaces/rag-engine/pods/p", {}, 500),
    ],
    ids=["list", "watch", "get"],
)
async def test_versions_that_are_no_numbers_are_refused(
    client: Any, path: str, query: dict[str, str], status: int
) -> None:
    """A list calls it a bad request, everything else fails; a watch fails before it streams."""
    answer = await client.get(path, resourceVersion="abc", **query)
    assert answer.status == status
    assert 'strconv.ParseUint: parsing "abc": invalid syntax' in answer.body["message"]


async def test_every_answer_has_an_audit_id(client: Any) -> None:
    """Each request can be found in the server's audit log."""
    ids = {(await client.get(path)).headers["Audit-Id"] for path in ("/version", "/api/v1/pods", "/nothing")}
    assert len(ids) == 3


async def test_tokenless_requests_can_be_anonymous(client: Any, server: ClusterServer) -> None:
    """Then only the version and the health are open."""
    server.tokenless = ANONYMOUS
    async with client.session.get(f"{server.url}/version") as response:
        assert (await response.json())["gitVersion"] == "v1.34.4"
    for path, refused in (("/api", 'get path "/api"'), ("/api/v1/nodes", 'list resource "nodes"')):
        async with client.session.get(server.url + path) as response:
            body = await response.json()
        assert response.status == 403
        assert f'User "system:anonymous" cannot {refused}' in body["message"]
