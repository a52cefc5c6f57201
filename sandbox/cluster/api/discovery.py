"""What the server says of itself: its version, its groups, its resources."""

from __future__ import annotations

from collections.abc import Collection

from sandbox.cluster.api.calls import Answer, JsonAnswer, TextAnswer
from sandbox.cluster.api.errors import PageNotFound, method_not_allowed, unknown_version
from sandbox.cluster.api.kinds import GROUP_VERSIONS, KINDS, Kind, is_installed
from sandbox.cluster.api.openapi import answer_openapi
from sandbox.cluster.store import Json

GroupVersions = tuple[tuple[str, str], ...]
PUBLIC_PATHS = frozenset({"/version", "/healthz", "/livez", "/readyz"})
_VERSION: Json = {
    "major": "1",
    "minor": "34",
    "emulationMajor": "1",
    "emulationMinor": "34",
    "minCompatibilityMajor": "1",
    "minCompatibilityMinor": "33",
    "gitVersion": "v1.34.4",
    "gitCommit": "0000000000000000000000000000000000000000",
    "gitTreeState": "clean",
    "buildDate": "2026-02-10T12:00:00Z",
    "goVersion": "go1.24.12",
    "compiler": "gc",
    "platform": "linux/amd64",
}


def discover(method: str, path: str, address: str, accept: str, installed: Collection[str]) -> Answer:
    """Answer a path that names no resource. Raises PageNotFound or Refusal."""
    served = tuple(each for each in GROUP_VERSIONS if is_installed(each[0], installed))
    if path.startswith("/openapi/v3"):
        return answer_openapi(path, accept, served)
    parts = tuple(part for part in path.split("/") if part)
    answer = _describe(parts, address, served)
    if method not in {"GET", "HEAD"} and _is_read_only(parts):
        raise method_not_allowed()
    return answer


def _is_read_only(parts: tuple[str, ...]) -> bool:
    """Tell what refuses other methods than GET; health and the groups answer any."""
    return parts[:1] in {("version",), ("api",)} or (parts[:1] == ("apis",) and len(parts) > 2)


def _describe(parts: tuple[str, ...], address: str, served: GroupVersions) -> Answer:
    match parts:
        case ("version",):
            return JsonAnswer(_VERSION)
        case ("healthz" | "livez" | "readyz", *_):
            return TextAnswer("ok")
        case ("api",):
            clients = [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}]
            return JsonAnswer({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": clients})
        case ("apis",):
            groups = [_group(group, version) for group, version in served if group]
            return JsonAnswer({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
        case _:
            return JsonAnswer(_discover_group(parts, served))


def _discover_group(parts: tuple[str, ...], served: GroupVersions) -> Json:
    asked = ("", "v1") if parts == ("api", "v1") else parts[1:]
    for group, version in served:
        if asked == (group, version):
            return _resources(group, version)
        if group and asked == (group,):
            return {"kind": "APIGroup", "apiVersion": "v1", **_group(group, version)}
    match parts:
        case ("api", _):
            raise unknown_version("")
        case ("apis", group, _):
            raise unknown_version(group)
        case _:
            raise PageNotFound


def _group(group: str, version: str) -> Json:
    served = {"groupVersion": f"{group}/{version}", "version": version}
    return {"name": group, "versions": [served], "preferredVersion": served}


def _resources(group: str, version: str) -> Json:
    entries: list[Json] = []
    for kind in KINDS:
        if (kind.group, kind.version) != (group, version):
            continue
        entries.append(_resource(kind))
        entries.extend(_subresource(kind, name) for name in kind.subresources)
    group_version = f"{group}/{version}" if group else version
    body: Json = {"kind": "APIResourceList", "groupVersion": group_version, "resources": entries}
    # The list of the core group has no apiVersion.
    return {**body, "apiVersion": "v1"} if group else body


def _resource(kind: Kind) -> Json:
    entry: Json = {
        "name": kind.resource,
        "singularName": kind.singular,
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": list(kind.verbs),
    }
    if kind.short_names:
        entry["shortNames"] = list(kind.short_names)
    if kind.categories:
        entry["categories"] = list(kind.categories)
    return entry


def _subresource(kind: Kind, name: str) -> Json:
    kinds = {"scale": ("autoscaling", "v1", "Scale"), "eviction": ("policy", "v1", "Eviction")}
    entry: Json = {
        "name": f"{kind.resource}/{name}",
        "singularName": "",
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": list(kind.verbs_of(name)),
    }
    if name in kinds:
        group, version, entry["kind"] = kinds[name]
        entry |= {"group": group, "version": version}
    return entry
