"""One kind of object that cannot be watched, asked for again and again: what the metrics API measured.

A sample is live while the newest list is no older than `FRESH_FOR` and the server answers. It is as old as its oldest
measurement, not as the list: the metrics server measures every 15 s or more seldom. An API that is gone is missing,
whatever was read before: what was measured then says nothing about now.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from bot.cluster.freshness import NOT_READ_YET, Server
from bot.cluster.http import KubernetesHttp
from bot.cluster.lists import read_all
from bot.cluster.resources import Resource
from bot.domain.objects import NodeUsage, PodUsage
from bot.domain.snapshot import Freshness, PartStatus
from bot.domain.targets import Namespace
from bot.errors import ClusterError, ClusterForbidden, ClusterNotFound, ClusterThrottled
from bot.ports import Clock

EVERY_S = 15.0
FRESH_FOR = timedelta(seconds=45)
_LONGEST_LIST_S = 10.0


class Poller:
    """Keeps the newest list of one kind. Run `run()` in a task group; everything else only looks."""

    def __init__(
        self,
        http: KubernetesHttp,
        resource: Resource,
        namespace: Namespace,
        clock: Clock,
        random: Callable[[], float],
        *,
        every_s: float = EVERY_S,
        refused_s: float = 60.0,
    ) -> None:
        self.resource = resource
        self.settled = asyncio.Event()
        self.error: ClusterError | None = None
        self._http = http
        self._namespace = namespace
        self._clock = clock
        self._random = random
        self._every_s = every_s
        self._refused_s = refused_s
        self._items: dict[str, Any] = {}
        self._sorted: tuple[Any, ...] = ()
        self._read_at: datetime | None = None
        self._sampled_at: datetime | None = None

    @property
    def items(self) -> tuple[Any, ...]:
        """The newest sample of each, by name; none when the API is gone."""
        if self._read_at is None or self._is_gone(self._clock.now() - self._read_at):
            return ()
        return self._sorted

    def get(self, name: str) -> Any | None:
        """Return the newest sample of one."""
        return self._items.get(name)

    def status(self, server: Server) -> PartStatus:
        """Say how far the samples can be trusted; a list that failed does no harm while the one before is fresh."""
        now, error = self._clock.now(), self.error or server.trouble
        reason = self.resource.reason_of(error) if error is not None else NOT_READ_YET
        if self._read_at is None:
            return PartStatus(Freshness.MISSING, reason=reason)
        age = now - self._read_at
        if age <= FRESH_FOR and server.trouble is None:
            return PartStatus(Freshness.LIVE, self._sampled_at)
        if self._is_gone(age):
            return PartStatus(Freshness.MISSING, reason=reason)
        if error is None:
            reason = f"the last list is {age.total_seconds():.0f} s old"
        return PartStatus(Freshness.STALE, self._sampled_at, reason)

    async def run(self) -> None:
        """Ask until cancelled; what is refused is asked for more seldom."""
        while True:
            began = self._clock.now()
            try:
                await self._read()
            except ClusterError as error:
                self.error = error
            self.settled.set()
            took = (self._clock.now() - began).total_seconds()
            await self._clock.sleep(max(0.0, self._pause_s() - took))

    async def _read(self) -> None:
        asked_at = self._clock.now()
        listed = await read_all(
            self._http, self.resource, self._namespace, timeout_s=min(_LONGEST_LIST_S, self._every_s)
        )
        self._items, self._read_at, self.error = listed.items, asked_at, None
        self._sorted = tuple(map(listed.items.__getitem__, sorted(listed.items)))
        self._sampled_at = sampled_at(listed.items.values(), asked_at)

    def _pause_s(self) -> float:
        jitter = 1 - 0.1 * self._random()  # so that not all namespaces ask at the same moment
        if isinstance(self.error, (ClusterForbidden, ClusterNotFound)):
            return self._refused_s * jitter
        wait = self.error.retry_after_s if isinstance(self.error, ClusterThrottled) else 0.0
        return max(self._every_s * jitter, min(wait, self._refused_s))

    def _is_gone(self, age: timedelta) -> bool:
        return age > FRESH_FOR and self.error is not None and self.resource.is_absent(self.error)


def sampled_at(samples: Iterable[PodUsage | NodeUsage], asked_at: datetime) -> datetime:
    """Return the time of the oldest sample; that of the question when there is none, or a clock runs ahead."""
    return min((asked_at, *(sample.at for sample in samples if sample.at is not None)))
