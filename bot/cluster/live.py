"""Single objects as the API server has them now, whole: a change is judged by these, never by a copy."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

import msgspec

from bot.cluster import faults
from bot.cluster.faults import Tried, reason_of
from bot.cluster.http import KubernetesHttp, one_of
from bot.cluster.structs import ListMeta, Read
from bot.domain.live import Json, Live, Reads, metadata_of
from bot.domain.targets import ClusterName, Namespace, Scope
from bot.errors import ClusterError, ClusterExpired, ClusterFault, ClusterNotFound
from bot.ports import Clock, Surroundings

PAGE = 250
_STARTS = 3

_CORE, _APPS = "/api/v1", "/apis/apps/v1"
# Where each kind stands in the API, and what the server calls it when there is none of a name.
_PLACES = {
    "Deployment": (_APPS, "deployments", "deployments.apps"),
    "StatefulSet": (_APPS, "statefulsets", "statefulsets.apps"),
    "DaemonSet": (_APPS, "daemonsets", "daemonsets.apps"),
    "HorizontalPodAutoscaler": (
        "/apis/autoscaling/v2",
        "horizontalpodautoscalers",
        "horizontalpodautoscalers.autoscaling",
    ),
    "Pod": (_CORE, "pods", "pods"),
}
_REVISIONS = {
    "Deployment": "replicasets",
    "StatefulSet": "controllerrevisions",
    "DaemonSet": "controllerrevisions",
}
_SURROUNDINGS = {
    "resource quotas": (_CORE, "resourcequotas"),
    "limit ranges": (_CORE, "limitranges"),
    "disruption budgets": ("/apis/policy/v1", "poddisruptionbudgets"),
}


class _Page(Read, frozen=True):
    """A page of whole objects."""

    metadata: ListMeta
    items: list[dict[str, Any]] | None


_OBJECTS = msgspec.json.Decoder(dict[str, Any])
_PAGES = msgspec.json.Decoder(_Page)


def path_of(kind: str, namespace: Namespace, name: str) -> str:
    """Return the path of an object. Raises `ValueError` for a kind that nothing is changed of."""
    if kind not in _PLACES:
        raise ValueError(f"nothing is changed of a {kind}")
    base, plural, _ = _PLACES[kind]
    return f"{_listed_at(base, namespace, plural)}/{quote(name, safe='')}"


class LiveObjects:
    """Reads of the API server itself, with the rights of the connections. A `LiveReader`; it cannot write."""

    def __init__(self, clusters: Mapping[ClusterName, KubernetesHttp], clock: Clock, *, timeout_s: float = 5.0) -> None:
        self._clusters = clusters
        self._clock = clock
        self._timeout_s = timeout_s

    async def live(self, scope: Scope, kind: str, name: str, *, reads: frozenset[Reads] = frozenset()) -> Live:
        """Return the object now, and what else is asked for. A namespace is not read: it has a name and no uid.

        Raises `ClusterError` when anything of it cannot be read.
        """
        http, read_at = one_of(self._clusters, scope.cluster), self._clock.now()
        of = {"metadata": {"name": name}} if kind == "Namespace" else await self._object(http, scope, kind, name)
        revisions = await self._revisions(http, scope, kind, of) if Reads.REVISIONS in reads and of else ()
        pods = await self._failed_pods(http, scope) if Reads.FAILED_PODS in reads else ()
        return Live(read_at=read_at, object=of, revisions=revisions, pods=pods)

    async def surroundings(self, scope: Scope) -> Surroundings:
        """Return what bounds changes in a namespace; what cannot be read is named in it, with the reason."""
        http = one_of(self._clusters, scope.cluster)
        async with asyncio.TaskGroup() as group:
            reads = [
                group.create_task(self._part(http, what, _listed_at(base, scope.namespace, plural)))
                for what, (base, plural) in _SURROUNDINGS.items()
            ]
        (quotas, ranges, budgets), unread = zip(*(read.result() for read in reads), strict=True)
        return Surroundings(quotas=quotas, limit_ranges=ranges, budgets=budgets, unread=tuple(filter(None, unread)))

    async def _object(self, http: KubernetesHttp, scope: Scope, kind: str, name: str) -> Json | None:
        path = path_of(kind, scope.namespace, name)
        try:
            body = await http.get(path, timeout_s=self._timeout_s)
        except ClusterNotFound as error:
            # Whatever else may answer 404, a wrong address for one, says nothing about the object.
            if error.message.startswith(f'{_PLACES[kind][2]} "{name}" not found'):
                return None
            raise
        found: Json = await _decoded(http, _OBJECTS, body, path)
        if not metadata_of(found).get("uid"):
            raise ClusterFault(f"The API server sent a {kind} without a uid.\nTried: {Tried('GET', path)}.")
        return found

    async def _revisions(self, http: KubernetesHttp, scope: Scope, kind: str, of: Json) -> tuple[Json, ...]:
        """Return the revisions that a workload controls; a label alone makes none its own."""
        if kind not in _REVISIONS:
            return ()
        query = {"labelSelector": selector_text((of.get("spec") or {}).get("selector") or {})}
        listed = await self._all(http, _listed_at(_APPS, scope.namespace, _REVISIONS[kind]), query)
        uid = metadata_of(of)["uid"]
        return tuple(each for each in listed if _controller_of(each) == uid)

    async def _failed_pods(self, http: KubernetesHttp, scope: Scope) -> tuple[Json, ...]:
        path = _listed_at(_CORE, scope.namespace, "pods")
        return await self._all(http, path, {"fieldSelector": "status.phase=Failed"})

    async def _part(self, http: KubernetesHttp, what: str, path: str) -> tuple[tuple[Json, ...], str]:
        try:
            return await self._all(http, path, {}), ""
        except ClusterError as error:
            return (), f"{what}: {reason_of(error)}"

    async def _all(self, http: KubernetesHttp, path: str, query: Mapping[str, str]) -> tuple[Json, ...]:
        """Read all pages; start over when the continue token grew too old meanwhile."""
        for _ in range(_STARTS - 1):
            try:
                return await self._pages(http, path, query)
            except ClusterExpired:
                continue
        return await self._pages(http, path, query)

    async def _pages(self, http: KubernetesHttp, path: str, query: Mapping[str, str]) -> tuple[Json, ...]:
        found: list[Json] = []
        asked = {**query, "limit": str(PAGE)}
        while True:
            page = await _decoded(http, _PAGES, await http.get(path, asked, timeout_s=self._timeout_s), path)
            found += page.items or ()
            if not page.metadata.more:
                return tuple(found)
            asked["continue"] = page.metadata.more


def selector_text(selector: Json) -> str:
    """Return a workload's selector as a query says it."""
    terms = [f"{key}={value}" for key, value in (selector.get("matchLabels") or {}).items()]
    for each in selector.get("matchExpressions") or ():
        key, values = each["key"], ",".join(each.get("values") or ())
        match each["operator"]:
            case "In":
                terms.append(f"{key} in ({values})")
            case "NotIn":
                terms.append(f"{key} notin ({values})")
            case "DoesNotExist":
                terms.append(f"!{key}")
            case _:
                terms.append(key)
    return ",".join(terms)


def _controller_of(of: Json) -> str:
    owners = metadata_of(of).get("ownerReferences") or ()
    return next((str(owner["uid"]) for owner in owners if owner.get("controller")), "")


def _listed_at(base: str, namespace: Namespace, plural: str) -> str:
    return f"{base}/namespaces/{namespace}/{plural}"


async def _decoded(http: KubernetesHttp, decoder: msgspec.json.Decoder[Any], body: bytes, path: str) -> Any:
    try:
        return await http.turns.take(partial(decoder.decode, body))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise faults.unreadable(Tried("GET", path), error) from error
