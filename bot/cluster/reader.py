"""All configured clusters behind one `ClusterReader`: a watch cache for each namespace."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from functools import partial

from bot.cluster.assemble import OF_THE_CLUSTER
from bot.cluster.cache import WatchCache, open_copy, run_all
from bot.cluster.capture import CrashLogs
from bot.cluster.copies import Copy
from bot.cluster.http import KubernetesHttp, Pulse
from bot.cluster.loads import NodeLoads
from bot.cluster.logs import ContainerLogs
from bot.cluster.reflector import Timing
from bot.cluster.runs import RunId, run_meant, run_now
from bot.cluster.tails import RunningTails
from bot.domain.objects import NodeLoad, Pod
from bot.domain.snapshot import LogKey, Part, Snapshot
from bot.domain.targets import ClusterName, Namespace, Scope
from bot.errors import UsageError
from bot.ports import Clock


class Clusters:
    """Watch caches of every configured (cluster, namespace). A `ClusterReader`; run `run()` in a task group.

    `logs` are the logs of these clusters; those of crashes are fetched when the caches see them happen.
    """

    def __init__(
        self,
        clusters: Mapping[ClusterName, tuple[KubernetesHttp, Sequence[Namespace]]],
        clock: Clock,
        random: Callable[[], float],
        *,
        timing: Timing | None = None,
        patience_s: float = 5.0,
        log_timeout_s: float = 5.0,
    ) -> None:
        https = {cluster: http for cluster, (http, _) in clusters.items()}
        self._tails = RunningTails(self.running_of, clock)
        self.logs = ContainerLogs(https, run_of=self.run_of, running=self._tails, timeout_s=log_timeout_s)
        self._crash_logs = CrashLogs(self.logs, self._pod_of, clock)
        self._shared: list[Copy] = []
        self._caches: dict[Scope, WatchCache] = {}
        self._loads = {cluster: NodeLoads(http, clock) for cluster, (http, _) in clusters.items()}
        for cluster, (http, namespaces) in clusters.items():
            shared = {
                part: open_copy(part, http, Namespace(""), clock, random, timing=timing)
                for part in sorted(OF_THE_CLUSTER)
            }
            pulse = Pulse(http, clock)
            self._shared += shared.values()
            for namespace in namespaces:
                scope = Scope(cluster, namespace)
                self._caches[scope] = WatchCache(
                    scope,
                    http,
                    pulse,
                    clock,
                    random,
                    shared=shared,
                    timing=timing,
                    patience_s=patience_s,
                    on_pod=partial(self._crash_logs.noticed, scope),
                )

    async def run(self) -> None:
        """Keep all caches up to date until cancelled; clusters that are down are tried again and again."""
        async with asyncio.TaskGroup() as group:
            group.create_task(run_all(self._shared))
            group.create_task(self._crash_logs.run())
            group.create_task(self._tails.run())
            for cache in self._caches.values():
                group.create_task(cache.run())

    async def snapshot(self, scope: Scope, parts: frozenset[Part]) -> Snapshot:
        """Answer from the cache of `scope`. Raises `UsageError` for a scope that is not configured."""
        return await self._cache(scope).snapshot(parts)

    async def node_load(self, cluster: ClusterName) -> Mapping[str, NodeLoad]:
        """Return what the pods of each node ask for, over all namespaces. Raises `ClusterError`."""
        if cluster not in self._loads:
            raise self._unknown(cluster)
        return await self._loads[cluster].read()

    def run_of(self, scope: Scope, key: LogKey) -> RunId | None:
        """Say which run that has ended a key means, as far as the cache knows."""
        pod = self._pod_of(scope, key.pod)
        return None if pod is None else run_meant(pod, key)

    def running_of(self, scope: Scope, key: LogKey) -> RunId | None:
        """Say which run that goes on a key means, as far as the cache knows."""
        pod = self._pod_of(scope, key.pod)
        return None if pod is None else run_now(pod, key)

    def _pod_of(self, scope: Scope, name: str) -> Pod | None:
        return self._cache(scope).pod(name)

    def _cache(self, scope: Scope) -> WatchCache:
        if scope in self._caches:
            return self._caches[scope]
        if scope.cluster not in self._loads:
            raise self._unknown(scope.cluster)
        namespaces = sorted(str(known.namespace) for known in self._caches if known.cluster == scope.cluster)
        raise UsageError(
            f"The namespace {scope.namespace!r} of {scope.cluster} is not among those that are watched.",
            suggestions=[f"-n {near}" for near in suggest(scope.namespace, namespaces)],
        )

    def _unknown(self, cluster: ClusterName) -> UsageError:
        clusters = sorted(str(known) for known in self._loads)
        meant = [f"--cluster {near}" for near in suggest(cluster, clusters)]
        return UsageError(f"There is no cluster {cluster!r}.", suggestions=meant)


def suggest(wrong: str, known: Sequence[str]) -> list[str]:
    """Return what may have been meant, the likeliest first; all when nothing is alike."""
    return get_close_matches(wrong, known, n=3) or list(known[:5])
