"""The bot's own page of each person: shown when it is opened, and again when a button on it is pressed."""

from __future__ import annotations

import asyncio
import logging

from bot.domain.people import Actor
from bot.domain.requests import Request
from bot.errors import DeliveryError
from bot.slack.inbound.answering import Answering, needs_place, with_way_back
from bot.slack.inbound.equipment import InboundEquipment
from bot.slack.inbound.kinds import Delivery
from bot.slack.inbound.payloads import HOME_COMMAND

log = logging.getLogger(__name__)

PUBLISH_S = 30.0


class HomePages:
    """Shows pages, one at a time for each person: of what comes meanwhile only the newest is shown."""

    def __init__(self, equipment: InboundEquipment, answering: Answering, slot: asyncio.Semaphore) -> None:
        self._service = equipment.service
        self._surfaces = equipment.surfaces
        self._answering = answering
        self._slot = slot
        self._next: dict[Actor, tuple[Delivery, Request] | None] = {}

    async def show(self, delivery: Delivery, request: Request) -> None:
        """Show the answer of a request as its person's page."""
        person = request.actor
        if person in self._next:
            self._next[person] = delivery, request
            return
        self._next[person] = None
        try:
            version = await self._publish(delivery, request, delivery.version)
            while (newer := self._next[person]) is not None:
                self._next[person] = None
                version = await self._publish(*newer, version)
        finally:
            del self._next[person]

    async def _publish(self, delivery: Delivery, request: Request, version: str) -> str:
        """Show one page, and return the version that is then there; empty when that is not known."""
        if self._service.must_keep(request):
            view = needs_place(request)
        else:
            async with self._slot:
                view = await self._answering.answer(delivery, request)
            if request.text != HOME_COMMAND:
                view = with_way_back(view)
        try:
            async with asyncio.timeout(PUBLISH_S):
                return await self._surfaces.publish_home(request.actor.user_id, view, version=version)
        except (DeliveryError, TimeoutError) as error:
            log.warning("a page was not shown: %s", error, extra={"event": "home_lost"})
            return ""
