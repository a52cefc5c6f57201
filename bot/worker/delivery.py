"""Messages for others are delivered, each once where the chat platform lets that be known."""

from __future__ import annotations

import asyncio
import logging
import random
from dataclasses import replace

from bot import answers
from bot.backoff import backoff
from bot.domain.requests import Place, Post
from bot.errors import DeliveryRefused, DeliveryThrottled, DeliveryUnknown, StoreUnavailable
from bot.ports import Clock, Meter, Notifier, Outgoing, Store, Unmetered
from bot.references import References
from bot.worker.leases import LEASE_S, WORK_S

log = logging.getLogger(__name__)

# A message that could not be delivered for this long is stale; it is given up, audited and logged.
DEADLINE_S = 6 * 3600.0


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
