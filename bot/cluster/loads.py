"""What the pods of each node ask for, over all namespaces: read when somebody wants to know, and kept for a while.

Only the names of nodes and the requests are read of the pods, page by page.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType

import msgspec

from bot.cluster import faults
from bot.cluster.convert import amount_of, cpu_of
from bot.cluster.faults import Tried
from bot.cluster.http import KubernetesHttp
from bot.cluster.structs import Amounts, ListMeta, Read
from bot.domain.objects import NodeLoad
from bot.ports import Clock

KEPT_FOR = timedelta(seconds=30)
_PATH = "/api/v1/pods"
_PAGE = 500
_UNFINISHED = "status.phase!=Succeeded,status.phase!=Failed"
_NONE = Amounts()


class _Resources(Read, frozen=True):
    requests: Amounts | None = None


class _Container(Read, frozen=True):
    resources: _Resources | None = None
    restart_policy: str | None = None


class PodRequests(Read, frozen=True):
    """Of the specification of a pod: where it is, and what it asks for."""

    node_name: str = ""
    containers: list[_Container] | None = None
    init_containers: list[_Container] | None = None
    overhead: Amounts | None = None
    resources: _Resources | None = None


class _Pod(Read, frozen=True):
    spec: PodRequests = PodRequests()


class _Page(Read, frozen=True):
    metadata: ListMeta
    items: list[_Pod] | None


_PAGES = msgspec.json.Decoder(_Page)


class NodeLoads:
    """The load of one cluster's nodes. Who asks while it is being read waits for the same answer."""

    def __init__(self, http: KubernetesHttp, clock: Clock, *, timeout_s: float = 10.0) -> None:
        self._http = http
        self._clock = clock
        self._timeout_s = timeout_s
        self._reading = asyncio.Lock()
        self._read_at: datetime | None = None
        self._load: Mapping[str, NodeLoad] = MappingProxyType({})

    async def read(self) -> Mapping[str, NodeLoad]:
        """Return the load by node; a node without pods is not in it. Raises `ClusterError`."""
        async with self._reading:
            now = self._clock.now()
            if self._read_at is None or now - self._read_at >= KEPT_FOR:
                self._load = MappingProxyType(await self._sum())
                self._read_at = now
            return self._load

    async def _sum(self) -> dict[str, NodeLoad]:
        query = {"fieldSelector": _UNFINISHED, "limit": str(_PAGE)}
        load: dict[str, NodeLoad] = {}
        while True:
            body = await self._http.get(_PATH, query, timeout_s=self._timeout_s)
            try:
                page = await self._http.turns.take(partial(_PAGES.decode, body))
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise faults.unreadable(Tried("GET", _PATH), error) from error
            await self._http.turns.each(page.items or (), partial(_add, load))
            if not page.metadata.more:
                return load
            query["continue"] = page.metadata.more


def _add(load: dict[str, NodeLoad], pod: _Pod) -> None:
    node = pod.spec.node_name
    if node:
        before, (cpu_m, memory) = load.get(node, NodeLoad()), requests_of(pod.spec)
        load[node] = NodeLoad(before.cpu_m + cpu_m, before.memory + memory, before.pods + 1)


def requests_of(spec: PodRequests) -> tuple[int, int]:
    """Return what the scheduler reckons a pod with: CPU in millicores, memory in bytes.

    The containers and sidecars together, or an init container with the sidecars before it where that is more, and the
    overhead (`PodRequests` of k8s.io/component-helpers). What the pod as a whole asks for stands above that.
    """
    whole = (spec.resources.requests if spec.resources is not None else None) or _NONE
    overhead = spec.overhead or _NONE
    sidecars, most = (0, 0), (0, 0)
    for container in spec.init_containers or ():
        here = _plus(sidecars, _requests(container))
        most = (max(most[0], here[0]), max(most[1], here[1]))
        if container.restart_policy == "Always":
            sidecars = here
    running = sidecars
    for container in spec.containers or ():
        running = _plus(running, _requests(container))
    cpu_m, memory = cpu_of(whole.cpu), amount_of(whole.memory)
    asked = (
        max(running[0], most[0]) if cpu_m is None else cpu_m,
        max(running[1], most[1]) if memory is None else memory,
    )
    return _plus(asked, (cpu_of(overhead.cpu) or 0, amount_of(overhead.memory) or 0))


def _requests(container: _Container) -> tuple[int, int]:
    said = (container.resources.requests if container.resources is not None else None) or _NONE
    return cpu_of(said.cpu) or 0, amount_of(said.memory) or 0


def _plus(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    return one[0] + other[0], one[1] + other[1]
