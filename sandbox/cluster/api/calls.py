"""A request as the API understands it, and the answers that the server knows how to send."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass, field

from sandbox.cluster.api.access import User
from sandbox.cluster.api.errors import bad_request, unknown_resource, unknown_version
from sandbox.cluster.api.kinds import GROUP_VERSIONS, Kind, find_kind, is_installed
from sandbox.cluster.api.payloads import Payload
from sandbox.cluster.api.representation import Representation
from sandbox.cluster.store import Json

_NAMED_VERBS = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_LIST_VERBS = {**_NAMED_VERBS, "GET": "list", "DELETE": "deletecollection"}


@dataclass(frozen=True, slots=True)
class Target:
    """What a path and a method ask for; ``resource`` may be one that is not served."""

    verb: str
    group: str
    version: str
    resource: str
    subresource: str = ""
    namespace: str = ""
    name: str = ""

    @property
    def full_resource(self) -> str:
        """Return the resource as rules name it, ``pods/log``."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource

    def kind(self, installed: Collection[str]) -> Kind:
        """Return the kind served here, with these custom groups installed. Raises Refusal (404) or PageNotFound."""
        if (self.group, self.version) not in GROUP_VERSIONS or not is_installed(self.group, installed):
            raise unknown_version(self.group)
        kind = find_kind(self.group, self.version, self.resource)
        if kind is None or (self.subresource and self.subresource not in kind.subresources):
            raise unknown_resource()
        if not kind.namespaced and self.namespace and self.resource != "namespaces":
            raise unknown_resource()
        if kind.namespaced and not self.namespace and self.name:
            raise unknown_resource()
        return kind


@dataclass(frozen=True, slots=True)
class Call:
    """One authorized request for resources."""

    target: Target
    kind: Kind
    query: Mapping[str, str]
    user: User
    shape: Representation
    payload: Payload

    def flag(self, name: str) -> bool:
        """Read a boolean parameter as the server does."""
        return self.query.get(name, "") in {"1", "t", "T", "true", "TRUE", "True"}

    def number(self, name: str) -> int | None:
        """Read an integer parameter, None when absent. Raises Refusal (400)."""
        text = self.query.get(name, "")
        if not text:
            return None
        try:
            return int(text)
        except ValueError:
            raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None


@dataclass(frozen=True, slots=True)
class JsonAnswer:
    """A whole body."""

    body: Json
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TextAnswer:
    """A body that is no JSON; an empty one goes with 204."""

    text: str
    status: int = 200


@dataclass(frozen=True, slots=True)
class BytesAnswer:
    """A whole body in a format of its own."""

    data: bytes
    content_type: str
    status: int = 200


@dataclass(frozen=True, slots=True)
class StreamAnswer:
    """A body that grows: the lines of a watch, or a log. It ends when the iterator does."""

    chunks: AsyncIterator[bytes]
    content_type: str


Answer = JsonAnswer | TextAnswer | BytesAnswer | StreamAnswer


def parse_target(method: str, path: str, query: Mapping[str, str]) -> Target | None:
    """Return what a path below /api or /apis names, or None where it names no resource."""
    parts = [part for part in path.split("/") if part]
    if parts[:1] == ["api"]:
        group, rest = "", parts[1:]
    elif parts[:1] == ["apis"] and len(parts) > 1:
        group, rest = parts[1], parts[2:]
    else:
        return None
    if len(rest) < 2:
        return None
    version, rest = rest[0], rest[1:]
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 1:
        namespace = rest[1]
        if len(rest) > 2 and rest[2] not in {"status", "finalize"}:
            rest = rest[2:]
    resource, name, subresource = rest[0], "/".join(rest[1:2]), "/".join(rest[2:])
    verb = (_NAMED_VERBS if name else _LIST_VERBS).get(method, method.lower())
    if verb == "list" and query.get("watch", "") in {"1", "true"}:
        verb = "watch"
    return Target(verb, group, version, resource, subresource, namespace, name)
