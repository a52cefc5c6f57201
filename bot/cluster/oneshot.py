"""A snapshot by asking once: parallel lists, no watch. For the terminal."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from bot.cluster.assemble import Seen, check_namespace, raise_if_nothing_is_known, snapshot_of
from bot.cluster.http import KubernetesHttp
from bot.cluster.lists import read_all
from bot.cluster.loads import NodeLoads
from bot.cluster.poller import sampled_at
from bot.cluster.resources import RESOURCES
from bot.domain.objects import NodeLoad
from bot.domain.snapshot import Freshness, Part, PartStatus, Snapshot
from bot.domain.targets import ClusterName, Scope
from bot.errors import ClusterError, UsageError
from bot.ports import Clock


class OneShotReader:
    """Reads clusters when asked, with the rights of their connections. A `ClusterReader`."""

    def __init__(
        self, clusters: Mapping[ClusterName, KubernetesHttp], clock: Clock, *, timeout_s: float = 10.0
    ) -> None:
        self._clusters = clusters
        self._clock = clock
        self._timeout_s = timeout_s
        self._loads = {name: NodeLoads(http, clock, timeout_s=timeout_s) for name, http in clusters.items()}

    async def snapshot(self, scope: Scope, parts: frozenset[Part]) -> Snapshot:
        """Read all parts side by side."""
        http = self._clusters.get(scope.cluster)
        if http is None:
            raise self._unknown(scope.cluster)
        async with asyncio.TaskGroup() as group:
            reads = {part: group.create_task(self._read(http, part, scope)) for part in sorted(parts)}
        seen = {part: read.result() for part, read in reads.items()}
        raise_if_nothing_is_known(seen)
        await check_namespace(http, scope, seen, timeout_s=self._timeout_s)
        return snapshot_of(scope, self._clock.now(), seen)

    async def node_load(self, cluster: ClusterName) -> Mapping[str, NodeLoad]:
        """Return what the pods of each node ask for, over all namespaces. Raises `ClusterError`."""
        if cluster not in self._loads:
            raise self._unknown(cluster)
        return await self._loads[cluster].read()

    def _unknown(self, cluster: ClusterName) -> UsageError:
        return UsageError(
            f"There is no cluster {cluster!r}.", suggestions=[f"--cluster {each}" for each in sorted(self._clusters)]
        )

    async def _read(self, http: KubernetesHttp, part: Part, scope: Scope) -> Seen:
        as_of, resource = self._clock.now(), RESOURCES[part]
        try:
            listed = await read_all(http, resource, scope.namespace, timeout_s=self._timeout_s)
        except ClusterError as error:
            return Seen(PartStatus(Freshness.MISSING, reason=resource.reason_of(error)), error=error)
        if not resource.watched:
            as_of = sampled_at(listed.items.values(), as_of)
        return Seen(PartStatus(Freshness.LIVE, as_of), tuple(listed.items.values()))
