"""The API's refusals, each with the Status body that a real server sends."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from sandbox.cluster.api.kinds import LOCAL_GROUPS, Kind
from sandbox.cluster.store import Json

MEDIA_TYPES = "application/json, application/yaml, application/vnd.kubernetes.protobuf"
_STREAMED = "application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch"


@dataclass(frozen=True, slots=True)
class Cause:
    """One entry of ``details.causes``."""

    reason: str
    message: str
    field: str = ""

    def body(self) -> Json:
        body = {"reason": self.reason, "message": self.message}
        return {**body, "field": self.field} if self.field else body


@dataclass(eq=False)
class Refusal(Exception):
    """An answer of class 4xx or 5xx with a Status body; an empty reason and details None are left out."""

    code: int
    reason: str
    message: str
    details: Json | None = None
    metadata: Json = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def body(self) -> Json:
        status: Json = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": self.metadata,
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            status["reason"] = self.reason
        if self.details is not None:
            status["details"] = self.details
        return {**status, "code": self.code}


class PageNotFound(Exception):
    """No group or version is served at the path; answered in plain text."""


def details_of(group: str, resource: str, name: str = "") -> Json:
    """Return the details that name an object or a type; what is empty is left out."""
    named = {"name": name, "group": group, "kind": resource}
    return {key: value for key, value in named.items() if value}


def bad_request(message: str) -> Refusal:
    return Refusal(400, "BadRequest", message)


def unauthorized() -> Refusal:
    return Refusal(401, "Unauthorized", "Unauthorized")


def not_found(kind: Kind, name: str) -> Refusal:
    details = details_of(kind.group, kind.resource, name)
    return Refusal(404, "NotFound", f'{kind.qualified} "{name}" not found', details)


def unknown_resource() -> Refusal:
    return Refusal(404, "NotFound", "the server could not find the requested resource", {})


def unknown_version(group: str) -> Refusal | PageNotFound:
    """Answer a version that is not served: by a Status if the server itself has the group, else in plain text."""
    return unknown_resource() if group in LOCAL_GROUPS else PageNotFound()


def method_not_allowed() -> Refusal:
    message = "the server does not allow this method on the requested resource"
    return Refusal(405, "MethodNotAllowed", message, {})


def watch_not_supported(kind: Kind) -> Refusal:
    message = f'watch is not supported on resources of kind "{kind.qualified}"'
    return Refusal(405, "MethodNotAllowed", message, details_of(kind.group, kind.resource))


def not_acceptable(message: str) -> Refusal:
    return Refusal(406, "NotAcceptable", message)


def no_representation(*, is_list: bool) -> Refusal:
    """Return the refusal of media types of which none is served; lists could be streamed, too."""
    offered = f"{MEDIA_TYPES}, {_STREAMED}" if is_list else MEDIA_TYPES
    return Refusal(406, "NotAcceptable", f"406: Not Acceptable\n\nAvailable representations: {offered}", {})


def expired(message: str, *, new_token: str = "") -> Refusal:
    return Refusal(410, "Expired", message, metadata={"continue": new_token} if new_token else {})


def already_exists(kind: Kind, name: str, *, is_going: bool = False) -> Refusal:
    details = details_of(kind.group, kind.resource, name)
    start = "object is being deleted: " if is_going else ""
    return Refusal(409, "AlreadyExists", f'{start}{kind.qualified} "{name}" already exists', details)


def conflict(qualified: str, details: Json, reason: str) -> Refusal:
    """Return the 409 of a precondition; ``qualified`` is what could not be written."""
    return Refusal(
        409, "Conflict", f'Operation cannot be fulfilled on {qualified} "{details["name"]}": {reason}', details
    )


def modified(kind: Kind, name: str) -> Refusal:
    """Return the 409 of a stale resourceVersion."""
    text = "the object has been modified; please apply your changes to the latest version and try again"
    return conflict(kind.qualified, details_of(kind.group, kind.resource, name), text)


def invalid_object(kind: Kind, name: str, *causes: Cause) -> Refusal:
    """Return the 422 of an object that is not valid."""
    return invalid(kind.type_name, name, *causes, details=details_of(kind.group, kind.kind, name))


def invalid(type_name: str, name: str, *causes: Cause, details: Json | None = None) -> Refusal:
    """Return the 422 of a validation; ``type_name`` is ``Kind.group`` as the message shows it."""
    # What is said twice is counted twice, and shown once.
    listed = list(dict.fromkeys(f"{cause.field}: {cause.message}" for cause in causes))
    text = listed[0] if len(listed) == 1 else f"[{', '.join(listed)}]"
    return Refusal(
        422,
        "Invalid",
        f'{type_name} "{name}" is invalid: {text}',
        {**(details or {}), "causes": [cause.body() for cause in causes]},
    )


def invalid_list_options(cause: Cause) -> Refusal:
    details = {"group": "meta.k8s.io", "kind": "ListOptions"}
    return invalid("ListOptions.meta.k8s.io", "", cause, details=details)


def bad_resource_version(value: str) -> Refusal:
    quoted = json.dumps(value)
    message = f"resourceVersion: Invalid value: {quoted}: strconv.ParseUint: parsing {quoted}: invalid syntax"
    return Refusal(500, "", message)


def version_too_large(requested: int, current: int) -> Refusal:
    cause = Cause("ResourceVersionTooLarge", "Too large resource version")
    return Refusal(
        504,
        "Timeout",
        f"Timeout: Too large resource version: {requested}, current: {current}",
        {"causes": [cause.body()], "retryAfterSeconds": 1},
        headers={"Retry-After": "1"},
    )
