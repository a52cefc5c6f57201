"""The head of the audit chain, published at intervals: what was published cannot be cut off or rewritten unseen."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

from bot.cancellation import was_cancelled
from bot.configuration import AuditPublishing
from bot.domain.requests import Place, Post
from bot.domain.view import Code, Context, Headline, Mark, View, code, line
from bot.errors import StoreUnavailable
from bot.ports import Clock, Store

log = logging.getLogger(__name__)

SCHEDULE = "audit-head"
LOOK_EVERY_S = 30.0


def due(now: datetime, every: timedelta) -> datetime:
    """Return the newest due moment: multiples of `every` since the epoch, in UTC."""
    step = every.total_seconds()
    return datetime.fromtimestamp(now.timestamp() // step * step, UTC)


def published(head: str, moment: datetime) -> View:
    """Return the message that carries a head."""
    sequence = head.partition(":")[0]
    said = f"The audit has {sequence} entries at {moment:%Y-%m-%d %H:%M} UTC."
    return View(
        said,
        (
            Headline(said, Mark.INFO),
            Code(head),
            Context(
                (
                    line("Its last entry's fingerprint stands above. ", code(f"ragops audit verify --head {head}")),
                    line("tells whether an entry up to it was changed or removed since."),
                )
            ),
        ),
    )


class HeadPublisher:
    """Publishes the head once for each due moment, whichever replica comes first; a missed one is not made up for."""

    def __init__(self, publishing: AuditPublishing, store: Store, clock: Clock) -> None:
        self._publishing = publishing
        self._every = timedelta(hours=publishing.every_hours)
        self._store = store
        self._clock = clock
        self._done: datetime | None = None

    async def run(self) -> None:
        """Publish until cancelled."""
        while not was_cancelled():
            try:
                await self.step()
            except StoreUnavailable as error:
                log.warning("the audit's head waits: %s", error.message, extra={"event": "store_unavailable"})
            await self._clock.sleep(LOOK_EVERY_S)

    async def step(self) -> bool:
        """Publish what is due; False when nothing is, or somebody else did."""
        moment = due(self._clock.now(), self._every)
        if moment == self._done:
            return False
        head = await self._store.audit_trail.head()
        post = Post(Place(self._publishing.channel), published(head, self._clock.now()), kind="audit-head")
        async with self._store.transaction() as transaction:
            ours = await transaction.claim_slot(SCHEDULE, moment)
            if ours:
                await transaction.put(post)
        self._done = moment
        return ours
