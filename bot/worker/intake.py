"""Requests that were written down are carried out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from bot.domain.view import View
from bot.errors import DeliveryError, StoreUnavailable
from bot.ports import Claimed, Notifier, Store
from bot.references import References
from bot.service import Lost, Service
from bot.worker.leases import LEASE_S, WORK_S

log = logging.getLogger(__name__)


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
