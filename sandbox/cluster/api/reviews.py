"""What callers may ask about themselves: who they are, whether they may, and everything they may."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.cluster.api.access import Right, User
from sandbox.cluster.api.calls import Call, JsonAnswer
from sandbox.cluster.api.errors import bad_request
from sandbox.cluster.api.kinds import KINDS, READ_VERBS, WRITE_VERBS, Kind, find_resource
from sandbox.cluster.store import Json

IsAllowed = Callable[[User, Right], bool]
_KNOWN_SUBRESOURCES = {
    "pods": ("exec", "portforward", "resize"),
    "services": ("proxy",),
}


def review(call: Call, is_allowed: IsAllowed) -> JsonAnswer:
    """Answer one of the three reviews of the caller. Raises Refusal (400)."""
    spec = call.payload.parse(call.kind.kind).get("spec") or {}
    match call.kind.resource:
        case "selfsubjectreviews":
            status: Json = {"userInfo": {"username": call.user.name, "groups": list(call.user.groups)}}
            return JsonAnswer(_reviewed(call.kind, None, status), 201)
        case "selfsubjectrulesreviews":
            if not spec.get("namespace"):
                raise bad_request("no namespace on request")
            return JsonAnswer(_reviewed(call.kind, spec, _rules(call.user, spec["namespace"], is_allowed)), 201)
        case _:
            return JsonAnswer(_reviewed(call.kind, spec, _access(call.user, spec, is_allowed)), 201)


def _reviewed(kind: Kind, spec: Json | None, status: Json) -> Json:
    body: Json = {"kind": kind.kind, "apiVersion": kind.api_version, "metadata": {"creationTimestamp": None}}
    return {**body, "status": status} if spec is None else {**body, "spec": spec, "status": status}


def _access(user: User, spec: Json, is_allowed: IsAllowed) -> Json:
    asked = spec.get("resourceAttributes")
    if asked is None:
        return _allowed(user) if spec.get("nonResourceAttributes") else {"allowed": False}
    group, resource, subresource = asked.get("group", ""), asked.get("resource", ""), asked.get("subresource", "")
    full = f"{resource}/{subresource}" if subresource else resource
    if resource != "*" and find_resource(group, resource) is None:
        return {"allowed": False}
    right = Right(asked.get("verb", ""), group, full, asked.get("namespace", ""), asked.get("name", ""))
    if is_allowed(user, right):
        return _allowed(user)
    return {"allowed": False}


def _allowed(user: User) -> Json:
    reason = f'RBAC: allowed by ClusterRoleBinding "sandbox" of ClusterRole "sandbox" to User "{user.name}"'
    return {"allowed": True, "reason": reason}


def _rules(user: User, namespace: str, is_allowed: IsAllowed) -> Json:
    """List the rights that do not hang on a name, one rule for each resource."""
    rules: list[Json] = []
    for kind in KINDS:
        subresources = (*kind.subresources, *(_KNOWN_SUBRESOURCES.get(kind.resource, ()) if not kind.group else ()))
        for full in (kind.resource, *(f"{kind.resource}/{name}" for name in subresources)):
            verbs = [
                verb
                for verb in (*READ_VERBS, *WRITE_VERBS)
                if is_allowed(user, Right(verb, kind.group, full, namespace if kind.namespaced else "", ""))
            ]
            if verbs:
                rules.append({"verbs": verbs, "apiGroups": [kind.group], "resources": [full]})
    paths = ["/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/readyz", "/version"]
    return {
        "resourceRules": rules,
        "nonResourceRules": [{"verbs": ["get"], "nonResourceURLs": paths}],
        "incomplete": False,
    }
