"""The watch cache of one namespace: every part kept by a reflector, answered from memory with its age."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from bot.cluster.assemble import Seen, check_namespace, raise_if_nothing_is_known, snapshot_of
from bot.cluster.freshness import Server, judge
from bot.cluster.http import KubernetesHttp, Pulse
from bot.cluster.reflector import Reflector, Timing
from bot.cluster.resources import RESOURCES
from bot.domain.objects import Pod
from bot.domain.snapshot import ALL_PARTS, Freshness, Part, Snapshot
from bot.domain.targets import Scope
from bot.ports import Clock

_EXISTS_FOR = timedelta(seconds=60)
_EXISTS_TIMEOUT_S = 2.0


class WatchCache:
    """Answers reads of one scope without a call to the API, and says how old each part is.

    `shared` are reflectors that somebody else runs: nodes are watched once for all namespaces of a cluster.
    """

    def __init__(
        self,
        scope: Scope,
        http: KubernetesHttp,
        pulse: Pulse,
        clock: Clock,
        random: Callable[[], float],
        *,
        shared: Mapping[Part, Reflector] | None = None,
        timing: Timing | None = None,
        patience_s: float = 5.0,
    ) -> None:
        self._scope = scope
        self._http = http
        self._pulse = pulse
        self._clock = clock
        self._timing = timing or Timing()
        self._patience_s = patience_s
        self._own = {
            part: Reflector(http, RESOURCES[part], scope.namespace, clock, random, timing=self._timing)
            for part in sorted(ALL_PARTS - frozenset(shared or {}))
        }
        self._exists_at: datetime | None = None
        self._reflectors = {**self._own, **(shared or {})}

    async def run(self) -> None:
        """Keep the cache up to date until cancelled. An API server that is down is no reason to end."""
        await run_all(self._own.values())

    async def snapshot(self, parts: frozenset[Part]) -> Snapshot:
        """Return what is known of `parts`; asked early, it waits for the first lists, but not for long.

        Raises the `ClusterError` when nothing was ever read and the server is out of reach or does not know us, and
        `ClusterNotFound` when there is no such namespace.
        """
        wanted = {part: self._reflectors[part] for part in sorted(parts)}
        await self._wait_for_first_lists(wanted.values())
        await self._pulse.confirm()
        now = self._clock.now()
        server = Server(self._http.heard_at, self._pulse.trouble)
        seen = {part: self._seen(reflector, server, now) for part, reflector in wanted.items()}
        raise_if_nothing_is_known(seen)
        await self._check_namespace(seen, now)
        return snapshot_of(self._scope, now, seen)

    def pod(self, name: str) -> Pod | None:
        """Return a pod as it was last seen."""
        return self._reflectors[Part.PODS].get(name)

    def _seen(self, reflector: Reflector, server: Server, now: datetime) -> Seen:
        watched = reflector.watched
        status = judge(watched, server, now, silence=timedelta(seconds=self._timing.silence_s))
        return Seen(status, reflector.items, watched.error or server.trouble)

    async def _check_namespace(self, seen: Mapping[Part, Seen], now: datetime) -> None:
        """Look whether an empty namespace exists, but not at each question, and not while nobody answers."""
        is_live = any(state.status.freshness is Freshness.LIVE for state in seen.values())
        is_known = self._exists_at is not None and now - self._exists_at < _EXISTS_FOR
        if not is_live or is_known:
            return
        await check_namespace(self._http, self._scope, seen, timeout_s=_EXISTS_TIMEOUT_S)
        self._exists_at = now

    async def _wait_for_first_lists(self, reflectors: Iterable[Reflector]) -> None:
        try:
            async with asyncio.timeout(self._patience_s):
                for reflector in reflectors:
                    await reflector.settled.wait()
        except TimeoutError:
            return  # what is not there by now is told as missing


async def run_all(reflectors: Iterable[Reflector]) -> None:
    """Run reflectors side by side until cancelled."""
    async with asyncio.TaskGroup() as group:
        for reflector in reflectors:
            group.create_task(reflector.run())
