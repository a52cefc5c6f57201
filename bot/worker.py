"""The worker's two loops: requests that were written down are carried out, messages for others are delivered.

Both are woken when there is work and look by themselves at intervals, so a lost wake-up costs a second, nothing else.
This is one of the three places that catch everything: a failure is logged with a reference and the loop goes on. A
message that cannot be handed over is tried again, less and less often, until it is stale: it holds up its channel only.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot import answers
from bot.cancellation import was_cancelled
from bot.domain.requests import Place, Post
from bot.domain.view import View
from bot.errors import DeliveryError, DeliveryRefused, DeliveryThrottled, DeliveryUnknown, StoreUnavailable
from bot.ports import Claimed, Clock, Meter, Notifier, Outgoing, Store, Unmetered
from bot.references import References
from bot.service import Lost, Service

log = logging.getLogger(__name__)

LEASE_S = 30.0
# What is done under a lease ends before the lease does, so that nobody else does it meanwhile.
WORK_S = LEASE_S - 5
POLL_S = 1.0
AT_ONCE = 4
LONGEST_DELAY_S = 300.0
TELL_EVERY = timedelta(minutes=1)  # that the database is away: a step in between which asked for nothing ends no outage
# A message that could not be delivered for this long is stale; it is given up, audited and logged.
DEADLINE_S = 6 * 3600.0


def backoff(attempts: int, source: random.Random, *, base_s: float = 1.0, longest_s: float = LONGEST_DELAY_S) -> float:
    """Return how long to wait before the next try: exponential with full jitter, at least a tenth of a second."""
    return max(0.1, source.uniform(0, min(longest_s, base_s * 2 ** min(attempts, 16))))


class Intake:
    """Carries out requests of the inbox, each by one worker at a time."""

    def __init__(
        self,
        store: Store,
        service: Service,
        notifier: Notifier,
        references: References,
        *,
        wake: Callable[[], None],
    ) -> None:
        self._store = store
        self._service = service
        self._notifier = notifier
        self._references = references
        self._delivery_wake = wake

    async def step(self) -> bool:
        """Carry out one request; False when none waits."""
        claimed = await self._store.inbox.claim(lease_s=LEASE_S)
        if claimed is None:
            return False
        view = await self._carry_out(claimed)
        self._delivery_wake()
        if view is not None:
            await self._tell(claimed, view)
        return True

    async def _carry_out(self, claimed: Claimed) -> View | None:
        """Carry out a request. What goes wrong in an unknown way ends it: none of its effects was kept.

        Only a database that is away lets it stay, to be carried out later.
        """
        try:
            async with asyncio.timeout(WORK_S):
                return await self._service.control(claimed)
        except Lost:
            return None
        except StoreUnavailable:
            raise
        except TimeoutError:
            reference = self._references.new()
            log.warning("a request took too long", extra={"event": "request_slow", "reference": reference})
            return await self._abandon(claimed, reference)
        except Exception:
            reference = self._references.new()
            log.exception("a request failed", extra={"event": "request_broken", "reference": reference})
            return await self._abandon(claimed, reference)

    async def _abandon(self, claimed: Claimed, reference: str) -> View | None:
        """End a request, unless somebody else took it over meanwhile: this process may have stood still for long."""
        try:
            return await self._service.abandon(claimed, reference)
        except Lost:
            return None

    async def _tell(self, claimed: Claimed, view: View) -> None:
        """Give the private answer. It is best effort: what others see goes through the outbox."""
        try:
            await self._notifier.reply(claimed.request, view)
        except DeliveryError as error:
            log.warning("a private answer was not delivered: %s", error.message, extra={"event": "reply_lost"})


class Delivery:
    """Delivers messages of the outbox, in order within a channel, and looks back before it repeats one.

    A picture of something that is shown already is edited into the message that shows it.
    """

    def __init__(
        self,
        store: Store,
        notifier: Notifier,
        clock: Clock,
        source: random.Random,
        *,
        work_s: float = WORK_S,
        meter: Meter | None = None,
    ) -> None:
        self._store = store
        self._notifier = notifier
        self._clock = clock
        self._source = source
        self._meter = meter or Unmetered()
        self._references = References(source)
        self._work_s = work_s

    async def step(self) -> bool:
        """Deliver one message; False when none is due."""
        outgoing = await self._store.outbox.claim(lease_s=LEASE_S)
        if outgoing is None:
            return False
        if not await self._gave_up(outgoing):
            await self._try(outgoing)
        return True

    async def _try(self, outgoing: Outgoing) -> None:
        """Deliver a message, or see to it that it is tried again. Only a database that is away is raised."""
        outbox, meter = self._store.outbox, self._meter
        try:
            message_id = await self._deliver(outgoing)
        except DeliveryThrottled as error:
            meter.delivered("throttled")
            await outbox.postpone(outgoing, delay_s=error.retry_after_s, reason="throttled", unsure=outgoing.unsure)
        except DeliveryRefused as error:
            meter.delivered("refused")
            log.warning(
                "a message was refused: %s", error.message, extra={"event": "delivery_refused", "outbox": outgoing.id}
            )
            await outbox.give_up(outgoing, reason=error.message, instead=_told(outgoing.post, error.message))
        except DeliveryUnknown as error:
            meter.delivered("unknown")
            await self._later(outgoing, error.message)
        except TimeoutError:
            meter.delivered("unknown")
            await self._later(outgoing, f"not delivered within {self._work_s:g} s")
        except StoreUnavailable:
            raise
        except Exception:
            meter.delivered("failed")
            reference = self._references.new()
            extra = {"event": "delivery_failed", "outbox": outgoing.id, "reference": reference}
            log.exception("a message could not be delivered", extra=extra)
            await self._later(outgoing, f"a bug, reference {reference}")
        else:
            if message_id is not None:
                meter.delivered("delivered")
                await outbox.delivered(outgoing, message_id=message_id)

    async def _deliver(self, outgoing: Outgoing) -> str | None:
        tag = f"outbox-{outgoing.id}"
        # One limit for all of it: looking back may take many pages, and the lease runs meanwhile.
        async with asyncio.timeout(self._work_s):
            post = await self._placed(outgoing)
            message_id, version = await self._store.outbox.shown(outgoing) if post.subject else ("", 0)
            if message_id and version >= post.version:
                return message_id
            if outgoing.unsure:
                found = await self._notifier.find(post.place, tag=tag)
                if found is not None:
                    return found
            if not await self._store.outbox.sending(outgoing):
                return None
            # A message that somebody deleted is posted anew.
            if message_id and await self._notifier.edit(post, message_id=message_id, tag=tag):
                return message_id
            return await self._notifier.post(post, tag=tag)

    async def _placed(self, outgoing: Outgoing) -> Post:
        """Return the post in the thread that it belongs under; in its own place when there is no such message."""
        post = outgoing.post
        thread = await self._store.outbox.thread(outgoing) if post.under else None
        return post if thread is None else replace(post, place=replace(post.place, thread=thread))

    async def _gave_up(self, outgoing: Outgoing) -> bool:
        """Give a message up that waited for too long, whatever it waited for; False when it is not stale."""
        age = (self._clock.now() - outgoing.created_at).total_seconds()
        if age <= DEADLINE_S:
            return False
        log.error("a message was given up", extra={"event": "delivery_expired", "outbox": outgoing.id})
        self._meter.delivered("expired")
        reason = f"not delivered for {age:.0f} s"
        await self._store.outbox.give_up(outgoing, reason=reason, instead=_told(outgoing.post, f"It was {reason}."))
        return True

    async def _later(self, outgoing: Outgoing, reason: str) -> None:
        delay = backoff(outgoing.attempts, self._source)
        await self._store.outbox.postpone(outgoing, delay_s=delay, reason=reason, unsure=True)


def _told(post: Post, reason: str) -> Post | None:
    """Return what the person who asked for a message hears, privately, when nobody else will see it."""
    return Post(Place(post.asked_by), answers.undelivered(post, reason), kind="notice") if post.asked_by else None


class Loop:
    """Runs a step again and again: at once while there is work, when woken, and at intervals.

    `at_once` of them run beside each other.
    """

    def __init__(
        self,
        name: str,
        step: Callable[[], Awaitable[bool]],
        clock: Clock,
        references: References,
        source: random.Random,
        *,
        at_once: int = AT_ONCE,
    ) -> None:
        self._name = name
        self._step = step
        self._clock = clock
        self._references = references
        self._source = source
        self._at_once = at_once
        self._wake = asyncio.Event()
        self._ended = asyncio.Event()
        self._failures = 0
        self._told_at = datetime.min.replace(tzinfo=UTC)

    def wake(self) -> None:
        """Say that there is work."""
        self._wake.set()

    def end(self) -> None:
        """Let what has begun be done, and begin nothing more; `run` returns then."""
        self._ended.set()
        self._wake.set()

    async def run(self) -> None:
        """Run until cancelled, or until it was told to end and is done."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._at_once):
                group.create_task(self._work())

    async def _work(self) -> None:
        while not self._ended.is_set() and not was_cancelled():
            self._wake.clear()
            if await self._once() or self._ended.is_set():
                continue
            try:
                async with asyncio.timeout(POLL_S):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _once(self) -> bool:
        try:
            worked = await self._step()
        except StoreUnavailable as error:
            if self._failures == 0 and abs((now := self._clock.now()) - self._told_at) >= TELL_EVERY:
                self._told_at = now
                log.warning("%s waits: %s", self._name, error.message, extra={"event": "store_unavailable"})
            await self._pause()
            return False
        except Exception:
            reference = self._references.new()
            log.exception("%s failed", self._name, extra={"event": "worker_failed", "reference": reference})
            await self._pause()
            return False
        self._failures = 0
        return worked

    async def _pause(self) -> None:
        """Wait a little longer after each failure; the end need not wait for it."""
        self._failures += 1
        pause = asyncio.ensure_future(self._clock.sleep(backoff(self._failures, self._source, longest_s=10.0)))
        ended = asyncio.ensure_future(self._ended.wait())
        try:
            await asyncio.wait({pause, ended}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            pause.cancel()
            ended.cancel()
