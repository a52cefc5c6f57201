"""The watch cache of one namespace: every part kept by a copy of its own, answered from memory with its age."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from bot.cluster.assemble import Seen, check_namespace, raise_if_nothing_is_known, snapshot_of
from bot.cluster.copies import Copy
from bot.cluster.freshness import Server
from bot.cluster.http import KubernetesHttp, Pulse
from bot.cluster.poller import Poller
from bot.cluster.reflector import Listener, Reflector, Timing
from bot.cluster.resources import RESOURCES
from bot.domain.objects import Pod
from bot.domain.snapshot import ALL_PARTS, Freshness, Part, Snapshot
from bot.domain.targets import Namespace, Scope
from bot.ports import Clock

ESSENTIAL = frozenset({Part.PODS, Part.DEPLOYMENTS, Part.STATEFUL_SETS, Part.DAEMON_SETS, Part.REPLICA_SETS})
"""What an early answer waits for: without it nothing can be said. Any other part is then missing for once."""

_GRACE_S = 0.3
_EXISTS_FOR = timedelta(seconds=60)
_EXISTS_TIMEOUT_S = 2.0


class WatchCache:
    """Answers reads of one scope without a call to the API, and says how old each part is.

    `shared` are copies that somebody else runs: nodes are watched once for all namespaces of a cluster. `on_pod` is
    told of each change of a pod.
    """

    def __init__(
        self,
        scope: Scope,
        http: KubernetesHttp,
        pulse: Pulse,
        clock: Clock,
        random: Callable[[], float],
        *,
        shared: Mapping[Part, Copy] | None = None,
        timing: Timing | None = None,
        patience_s: float = 5.0,
        on_pod: Listener | None = None,
    ) -> None:
        self._scope = scope
        self._http = http
        self._pulse = pulse
        self._clock = clock
        self._patience_s = patience_s
        self._own = {
            part: open_copy(
                part,
                http,
                scope.namespace,
                clock,
                random,
                timing=timing,
                listener=on_pod if part is Part.PODS else None,
            )
            for part in sorted(ALL_PARTS - frozenset(shared or {}))
        }
        self._exists_at: datetime | None = None
        self._copies: dict[Part, Copy] = {**self._own, **(shared or {})}

    async def run(self) -> None:
        """Keep the cache up to date until cancelled. An API server that is down is no reason to end."""
        await run_all(self._own.values())

    async def snapshot(self, parts: frozenset[Part]) -> Snapshot:
        """Return what is known of `parts`; asked early, it waits for what matters, but not for long.

        Raises the `ClusterError` when nothing was ever read and the server is out of reach or does not know us, and
        `ClusterNotFound` when there is no such namespace.
        """
        wanted = {part: self._copies[part] for part in sorted(parts)}
        await self._wait_for_first_lists(wanted)
        await self._pulse.confirm()
        now = self._clock.now()
        server = Server(self._http.heard_at, self._pulse.trouble)
        seen = {part: _seen(copy, server) for part, copy in wanted.items()}
        raise_if_nothing_is_known(seen)
        await self._check_namespace(seen, now)
        return snapshot_of(self._scope, now, seen)

    def pod(self, name: str) -> Pod | None:
        """Return a pod as it was last seen."""
        pod: Pod | None = self._copies[Part.PODS].get(name)
        return pod

    async def _check_namespace(self, seen: Mapping[Part, Seen], now: datetime) -> None:
        """Look whether an empty namespace exists, but not at each question, and not while nobody answers."""
        is_live = any(state.status.freshness is Freshness.LIVE for state in seen.values())
        is_known = self._exists_at is not None and now - self._exists_at < _EXISTS_FOR
        if not is_live or is_known:
            return
        await check_namespace(self._http, self._scope, seen, timeout_s=_EXISTS_TIMEOUT_S)
        self._exists_at = now

    async def _wait_for_first_lists(self, wanted: Mapping[Part, Copy]) -> None:
        """Wait for what is essential; the rest, asked for at the same time, gets a moment more and no patience.

        A question about other parts alone waits for them.
        """
        essential = [copy for part, copy in wanted.items() if part in ESSENTIAL]
        await _settle(essential or wanted.values(), self._patience_s)
        await _settle(wanted.values(), _GRACE_S)


def _seen(copy: Copy, server: Server) -> Seen:
    return Seen(copy.status(server), copy.items, copy.error or server.trouble)


async def _settle(copies: Iterable[Copy], patience_s: float) -> None:
    try:
        async with asyncio.timeout(patience_s):
            for copy in copies:
                await copy.settled.wait()
    except TimeoutError:
        return  # what is not there by now is told as missing


def open_copy(
    part: Part,
    http: KubernetesHttp,
    namespace: Namespace,
    clock: Clock,
    random: Callable[[], float],
    *,
    timing: Timing | None = None,
    listener: Listener | None = None,
) -> Copy:
    """Return what keeps `part` up to date: a watch where the API has one."""
    resource = RESOURCES[part]
    if resource.watched:
        return Reflector(http, resource, namespace, clock, random, timing=timing, listener=listener)
    return Poller(http, resource, namespace, clock, random, refused_s=(timing or Timing()).refused_s)


async def run_all(copies: Iterable[Copy]) -> None:
    """Run copies side by side until cancelled."""
    async with asyncio.TaskGroup() as group:
        for copy in copies:
            group.create_task(copy.run())
