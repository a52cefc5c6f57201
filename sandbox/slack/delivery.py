"""How what people do reaches the app: once, twice, late, again; over whichever transport is in use.

The courier keeps Slack's promises that do not depend on the transport: events come again until somebody takes them,
commands and interactions do not. A transport carries one delivery and says what became of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, Protocol

from sandbox.slack.faults import Faults, Kind
from sandbox.slack.limits import EVENT_RETRIES
from sandbox.slack.records import Json
from sandbox.slack.world import Workspace


@dataclass(frozen=True, slots=True)
class Timing:
    """How long Slack waits (seconds); shorter values only in tests."""

    ack_s: float = 3.0
    retry_s: tuple[float, ...] = (0.0, 60.0, 300.0)
    warning_s: float = 10.0
    grace_s: float = 2.0
    life_s: float = 4 * 3600.0
    short_life_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of one delivery: the ack's payload and its latency, or why there is none."""

    acked: bool
    latency_s: float = 0.0
    payload: Any = None
    reason: str = ""
    no_retry: bool = False


@dataclass(frozen=True, slots=True)
class Retry:
    """Which repetition of an event this is, and why the one before failed."""

    attempt: int = 0
    reason: str = ""


class Transport(Protocol):
    """A way to the app."""

    async def send(self, kind: str, payload: Json, retry: Retry) -> Delivery:
        """Carry one delivery and wait for the ack as long as Slack does."""


@dataclass(slots=True)
class Courier:
    """Deliver, count, and deliver again."""

    world: Workspace
    faults: Faults
    timing: Timing
    transport: Transport
    latencies_s: list[float] = field(default_factory=list)
    on_the_way: int = 0
    unacked: int = 0
    lost_events: int = 0
    repeats: int = 0
    _retries: set[asyncio.Task[None]] = field(default_factory=set)

    async def deliver(self, kind: str, payload: Json, *, retry: Retry | None = None) -> Delivery:
        """Deliver once, or as the faults in force have it."""
        if slow := self.faults.take(kind, Kind.REORDER):
            await asyncio.sleep(slow.seconds)
        attempt = retry or Retry()
        if not self.faults.take(kind, Kind.DUPLICATE):
            delivery = await self._once(kind, payload, attempt)
            if delivery.acked and (late := self.faults.take(kind, Kind.ECHO)):
                self.on_the_way += 1
                self._own(self._echo(kind, payload, attempt, late.seconds))
            return delivery
        self.repeats += 1
        first, second = await asyncio.gather(self._once(kind, payload, attempt), self._once(kind, payload, attempt))
        return first if first.acked else second

    async def _echo(self, kind: str, payload: Json, retry: Retry, pause_s: float) -> None:
        """Deliver again what was taken: the ack was lost on the way, or came too late. It counts as on the way."""
        try:
            await asyncio.sleep(pause_s)
            self.repeats += 1
            again = Retry(retry.attempt + 1, "timeout") if kind == "events_api" else retry
            await self._once(kind, payload, again)
        finally:
            self.on_the_way -= 1

    async def _once(self, kind: str, payload: Json, retry: Retry) -> Delivery:
        self.on_the_way += 1
        try:
            delivery = await self.transport.send(kind, payload, retry)
        finally:
            self.on_the_way -= 1
        if delivery.acked:
            self.latencies_s.append(delivery.latency_s)
            self.world.touch()
        else:
            self.unacked += 1
        return delivery

    async def deliver_event(self, payload: Json) -> Delivery:
        """Deliver an event; while nobody takes it, it comes again in the background, up to three times."""
        first = await self.deliver("events_api", payload)
        if not (first.acked or first.no_retry):
            self._own(self._again(payload, first.reason))
        return first

    async def _again(self, payload: Json, reason: str) -> None:
        for attempt, pause in enumerate(self.timing.retry_s[:EVENT_RETRIES], start=1):
            await asyncio.sleep(pause)
            self.repeats += 1
            delivery = await self.deliver("events_api", payload, retry=Retry(attempt, reason))
            if delivery.acked or delivery.no_retry:
                return
            reason = delivery.reason
        self.lost_events += 1

    def soon(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside what is done now."""
        self._own(work)

    def _own(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._retries.add(task)
        task.add_done_callback(self._retries.discard)

    async def close(self) -> None:
        """Forget what was to be delivered again."""
        for task in tuple(self._retries):
            task.cancel()
        await asyncio.gather(*self._retries, return_exceptions=True)
