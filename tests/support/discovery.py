"""Everything that an API server says it has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.support.accounts import Asker
from tests.support.requests_seen import Need

# What RBAC knows beyond the verbs that discovery names.
BEYOND = {
    "users": ("impersonate",),
    "groups": ("impersonate",),
    "serviceaccounts": ("impersonate",),
    "roles": ("bind", "escalate"),
    "clusterroles": ("bind", "escalate"),
    "certificatesigningrequests": ("approve", "sign"),
}
ALL_VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
_METHODS = {"create": "POST", "update": "PUT", "patch": "PATCH", "delete": "DELETE", "deletecollection": "DELETE"}
_ON_THE_LIST = ("list", "watch", "create", "deletecollection")


@dataclass(frozen=True, slots=True)
class Kind:
    """One resource or subresource of the discovery, with the verbs that it takes."""

    base: str
    group: str
    resource: str
    namespaced: bool
    verbs: tuple[str, ...]

    def needs(self) -> Iterator[Need]:
        """Return every right about it that there can be, whether the server has the verb or not."""
        for verb in (*ALL_VERBS, *BEYOND.get(self.resource, ())):
            for namespaced in {self.namespaced, False}:
                yield Need(verb, self.resource, self.group, namespaced)

    def attempts(self, namespace: str) -> Iterator[tuple[Need, str, str]]:
        """Return requests for each of its verbs: the right that it needs, the method, the path. None would be done."""
        resource, slash, subresource = self.resource.partition("/")
        inside = f"/namespaces/{namespace}" if self.namespaced else ""
        for verb in self.verbs:
            method = _METHODS.get(verb, "GET")
            on_the_list = verb in _ON_THE_LIST and not slash
            path = (
                f"{self.base}{inside}/{resource}" + ("" if on_the_list else "/nobody") + (slash and f"/{subresource}")
            )
            query = "dryRun=All" if method != "GET" else "watch=1&timeoutSeconds=1" if verb == "watch" else "limit=1"
            yield Need(verb, self.resource, self.group, self.namespaced), method, f"{path}?{query}"


async def discover(asker: Asker) -> list[Kind]:
    """Ask for every group, version and resource, those of aggregated servers too."""
    bases = [("", "/api/v1")]
    for group in (await _json(asker, "/apis"))["groups"]:
        bases += [(group["name"], f"/apis/{version['groupVersion']}") for version in group["versions"]]
    return [
        Kind(base, name, each["name"], each["namespaced"], tuple(each["verbs"]))
        for name, base in bases
        for each in (await _json(asker, base))["resources"]
    ]


async def _json(asker: Asker, path: str) -> dict[str, Any]:
    status, text = await asker.ask("GET", path)
    assert status == 200, (path, text)
    return dict(json.loads(text))
