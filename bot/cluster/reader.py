"""All configured clusters behind one `ClusterReader`: a watch cache for each namespace."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches

from bot.cluster.cache import WatchCache, run_all
from bot.cluster.http import KubernetesHttp, Pulse
from bot.cluster.logs import RunId
from bot.cluster.reflector import Reflector, Timing
from bot.cluster.resources import RESOURCES
from bot.domain.snapshot import LogKey, Part, Snapshot
from bot.domain.targets import ClusterName, Namespace, Scope
from bot.errors import UsageError
from bot.ports import Clock


class Clusters:
    """Watch caches of every configured (cluster, namespace). A `ClusterReader`; run `run()` in a task group."""

    def __init__(
        self,
        clusters: Mapping[ClusterName, tuple[KubernetesHttp, Sequence[Namespace]]],
        clock: Clock,
        random: Callable[[], float],
        *,
        timing: Timing | None = None,
        patience_s: float = 5.0,
    ) -> None:
        self._shared: list[Reflector] = []
        self._caches: dict[Scope, WatchCache] = {}
        for cluster, (http, namespaces) in clusters.items():
            nodes = Reflector(http, RESOURCES[Part.NODES], Namespace(""), clock, random, timing=timing)
            pulse = Pulse(http, clock)
            self._shared.append(nodes)
            for namespace in namespaces:
                scope = Scope(cluster, namespace)
                self._caches[scope] = WatchCache(
                    scope,
                    http,
                    pulse,
                    clock,
                    random,
                    shared={Part.NODES: nodes},
                    timing=timing,
                    patience_s=patience_s,
                )

    async def run(self) -> None:
        """Keep all caches up to date until cancelled; clusters that are down are tried again and again."""
        async with asyncio.TaskGroup() as group:
            group.create_task(run_all(self._shared))
            for cache in self._caches.values():
                group.create_task(cache.run())

    async def snapshot(self, scope: Scope, parts: frozenset[Part]) -> Snapshot:
        """Answer from the cache of `scope`. Raises `UsageError` for a scope that is not configured."""
        return await self._cache(scope).snapshot(parts)

    def run_of(self, scope: Scope, key: LogKey) -> RunId | None:
        """Say which run of a container a key means, as far as the cache knows."""
        pod = self._cache(scope).pod(key.pod)
        container = next((c for c in pod.containers if c.name == key.container), None) if pod is not None else None
        if pod is None or container is None:
            return None
        return RunId(pod.meta.uid, container.name, container.restart_count)

    def _cache(self, scope: Scope) -> WatchCache:
        if scope in self._caches:
            return self._caches[scope]
        clusters = sorted({str(known.cluster) for known in self._caches})
        if scope.cluster not in clusters:
            raise UsageError(f"There is no cluster {scope.cluster!r}.", suggestions=suggest(scope.cluster, clusters))
        namespaces = sorted(str(known.namespace) for known in self._caches if known.cluster == scope.cluster)
        raise UsageError(
            f"The namespace {scope.namespace!r} of {scope.cluster} is not among those that are watched.",
            suggestions=suggest(scope.namespace, namespaces),
        )


def suggest(wrong: str, known: Sequence[str]) -> list[str]:
    """Return what may have been meant, the likeliest first; all when nothing is alike."""
    return get_close_matches(wrong, known, n=3) or list(known[:5])
