"""Who may what: the switch of the cluster, users, and the reviews."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.cluster.api.access import Deny
from sandbox.cluster.server import ClusterServer

_REVIEWS = "/apis/authorization.k8s.io/v1"
_PODS = "/api/v1/namespaces/rag-engine/pods"


@pytest.fixture
def pod(make_pod: Any) -> None:
    make_pod("p")


@pytest.mark.usefixtures("pod")
@pytest.mark.parametrize(
    ("rule", "path", "status"),
    [
        (Deny(resource="pods"), _PODS, 403),
        (Deny(resource="pods"), f"{_PODS}/p", 403),
        (Deny(resource="pods"), f"{_PODS}/p/log", 200),
        (Deny(resource="pods/log"), f"{_PODS}/p/log", 403),
        (Deny(verb="list", resource="pods"), f"{_PODS}/p", 200),
        (Deny(namespace="elsewhere"), _PODS, 200),
        (Deny(namespace=""), "/api/v1/pods", 403),
        (Deny(group="metrics.k8s.io"), "/apis/metrics.k8s.io/v1beta1/namespaces/rag-engine/pods", 403),
        (Deny(group="metrics.k8s.io"), _PODS, 200),
        (Deny(resource="pods", name="missing"), f"{_PODS}/missing", 403),
    ],
    ids=str,
)
async def test_deny_rules(client: Any, server: ClusterServer, rule: Deny, path: str, status: int) -> None:
    """A rule covers what it names; a missing object looks the same as a forbidden one."""
    server.rbac = {rule}
    assert (await client.get(path)).status == status


async def test_switch_takes_effect_at_once(client: Any, server: ClusterServer) -> None:
    """A callable that grants works as well, and an empty set grants all."""
    server.rbac = lambda verb, *_rest: verb != "list"
    assert (await client.get(_PODS)).status == 403
    server.rbac = ()
    assert (await client.get(_PODS)).status == 200


async def test_users_have_rights_of_their_own(client: Any, server: ClusterServer) -> None:
    """Two tokens, two answers; the message names the user."""
    server.add_user("reader", "t1", lambda verb, *_rest: verb == "get")
    client.token = "t1"
    answer = await client.get("/apis/apps/v1/namespaces/ns/deployments")
    assert answer.body["message"] == (
        'deployments.apps is forbidden: User "reader" cannot list resource "deployments" in API group "apps" '
        'in the namespace "ns"'
    )


async def test_watch_is_a_right_of_its_own(client: Any, server: ClusterServer) -> None:
    """The 403 of a watch is an HTTP status."""
    server.rbac = {Deny(verb="watch")}
    answer = await client.get(_PODS, watch="1")
    assert answer.status == 403
    assert 'cannot watch resource "pods"' in answer.body["message"]


@pytest.mark.parametrize(
    ("attributes", "allowed"),
    [
        ({"verb": "list", "resource": "pods", "namespace": "ns"}, True),
        ({"verb": "get", "resource": "pods", "subresource": "log", "namespace": "ns"}, False),
        ({"verb": "patch", "group": "apps", "resource": "deployments", "namespace": "ns"}, True),
        ({"verb": "get", "resource": "unicorns", "namespace": "ns"}, False),
    ],
    ids=["allowed", "subresource denied", "write allowed", "unknown"],
)
async def test_access_review(client: Any, server: ClusterServer, attributes: dict[str, str], allowed: bool) -> None:
    """It answers as the rules would, with a reason only when allowed."""
    server.rbac = {Deny(resource="pods/log")}
    answer = await client.call(
        "POST", f"{_REVIEWS}/selfsubjectaccessreviews", json={"spec": {"resourceAttributes": attributes}}
    )
    assert answer.status == 201
    assert answer.body["status"]["allowed"] is allowed
    assert ("reason" in answer.body["status"]) is allowed


async def test_rules_review_lists_what_is_left(client: Any, server: ClusterServer) -> None:
    """Denied resources are missing, denied verbs too."""
    server.rbac = {Deny(resource="pods/log"), Deny(verb="patch", resource="pods")}
    answer = await client.call("POST", f"{_REVIEWS}/selfsubjectrulesreviews", json={"spec": {"namespace": "ns"}})

    status = answer.body["status"]
    rules = {
        (group, resource): rule["verbs"]
        for rule in status["resourceRules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }
    assert status["incomplete"] is False
    assert ("", "pods/log") not in rules
    assert "patch" not in rules["", "pods"]
    assert "patch" in rules["apps", "deployments"]


async def test_reviews_need_no_rights(client: Any, server: ClusterServer) -> None:
    """Who may nothing may still ask who they are and what they may."""
    server.add_user("nobody", "t0", lambda *_right: False, groups=("g1",))
    client.token = "t0"
    who = await client.call("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", json={})
    assert who.body["status"]["userInfo"] == {"username": "nobody", "groups": ["g1"]}
    what = await client.call("POST", f"{_REVIEWS}/selfsubjectrulesreviews", json={"spec": {"namespace": "ns"}})
    assert what.body["status"]["resourceRules"] == []


@pytest.mark.parametrize(
    ("content_type", "data", "status"),
    [
        ("application/json", b"{", 400),
        ("application/json", b"[]", 400),
        ("text/plain", b"{}", 415),
        ("application/vnd.kubernetes.protobuf", b"garbage", 400),
        ("application/vnd.kubernetes.protobuf", b"k8s\x00\x12\x7f\x01", 400),
        ("application/vnd.kubernetes.protobuf", b"k8s\x00\x12\xff", 400),
    ],
)
async def test_unreadable_reviews(client: Any, content_type: str, data: bytes, status: int) -> None:
    """A body that cannot be read is the caller's fault."""
    path = f"{_REVIEWS}/selfsubjectaccessreviews"
    answer = await client.call("POST", path, data=data, headers={"Content-Type": content_type})
    assert (answer.status, answer.body["kind"]) == (status, "Status")
