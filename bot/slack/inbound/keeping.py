"""What happens before the acknowledgement: what must be kept is written down, what came before ends here."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from slack_bolt import BoltResponse

from bot.domain.requests import Request, Surface
from bot.errors import NotAccepted
from bot.slack.inbound.answering import EVENTS, Answering
from bot.slack.inbound.dialogs import Dialogs, errors_in, is_outdated
from bot.slack.inbound.equipment import InboundEquipment
from bot.slack.inbound.groups import Groups
from bot.slack.inbound.kinds import Delivery, Kind

log = logging.getLogger(__name__)

# The store gives up by itself within a second; this is for one that does not. Cancelling a statement of a server that
# hangs can take its driver seconds, so that the limit must not come first: the platform waits three.
ACCEPT_S: Final = 2.0
# A refusal is said before the acknowledgement, whose time is three seconds.
REFUSAL_S: Final = 1.5
# Whether a read came before is not worth waiting for.
ONCE_S: Final = 0.5

Ended = tuple[str, BoltResponse]
"""How a delivery ended before its listener, as it is counted, and what the platform is answered."""


@dataclass(slots=True)
class Arrived:
    """A delivery on its way through the door; `kept` once it is written down."""

    delivery: Delivery
    began: datetime
    retry: int
    request: Request | None
    kept: bool = False


class Keeping:
    """Keeps, recognises and refuses. `aside` does something once the delivery that ends here is acknowledged."""

    def __init__(
        self,
        equipment: InboundEquipment,
        answering: Answering,
        dialogs: Dialogs,
        *,
        aside: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self._service = equipment.service
        self._once = equipment.once
        self._answering = answering
        self._dialogs = dialogs
        self._groups = Groups(equipment)
        self._aside = aside

    async def before(self, arrived: Arrived) -> Ended | None:
        """Return how a delivery ends here, and as what it is counted; None when it goes on."""
        delivery = arrived.delivery
        match delivery.kind:
            case Kind.GROUP:
                noted = await self._groups.changed(delivery.body)
                return ("new", _taken()) if noted else ("not_accepted", BoltResponse(status=503))
            case Kind.REVOKED:
                self._groups.revoked(delivery.body)
                return "new", _taken()
            case Kind.SUBMIT if arrived.request is None:
                sent = self._dialogs.submitted(delivery.body)
                if not isinstance(sent, Request):
                    if is_outdated(sent):
                        self._aside(self._dialogs.repair(delivery))
                    return "invalid", _errors(sent)
                arrived.request = sent
        request = arrived.request
        if request is not None and delivery.kind is not Kind.OPEN and self._keeps(request):
            ended = await self._accept(arrived, request)
            if ended is not None or arrived.kept:
                return ended
        key = request.key if request is not None else delivery.key
        if key and await self._first(key) is False:
            return self._repeat(arrived)
        return None

    def _keeps(self, request: Request) -> bool:
        # On the bot's own page there is no conversation for what others are to see.
        return request.surface is not Surface.HOME and self._service.must_keep(request)

    async def _first(self, key: str) -> bool | None:
        """Tell whether a read is new; None when nobody can tell: then it is answered, maybe twice."""
        if self._once is None:
            return None
        try:
            async with asyncio.timeout(ONCE_S):
                return await self._once.first(key)
        except TimeoutError:
            return None

    async def _accept(self, arrived: Arrived, request: Request) -> Ended | None:
        try:
            async with asyncio.timeout(ACCEPT_S):
                new = await self._service.accept(request)
        except TimeoutError:
            silence = NotAccepted(f"The database did not answer within {ACCEPT_S} s.")
            silence.unchanged = "It may have been written down all the same: then it is still carried out."
            return await self._not_accepted(arrived, request, silence)
        except NotAccepted as error:
            return await self._not_accepted(arrived, request, error)
        if not new:
            return self._repeat(arrived)
        arrived.kept = True
        return None

    async def _not_accepted(self, arrived: Arrived, request: Request, error: NotAccepted) -> Ended | None:
        """Say that it was not kept, or may not be. A read by an event is still answered, to its person alone."""
        if request.surface in EVENTS and not self._service.must_keep(replace(request, surface=Surface.COMMAND)):
            return None
        if arrived.delivery.kind is Kind.SUBMIT:
            said = " ".join(part for part in (error.message, error.unchanged, error.advice) if part)
            return "not_accepted", _errors(errors_in(arrived.delivery.body, {"": said}))
        if arrived.retry == 0:
            await self._answering.say(request, self._service.explain(error, request), limit_s=REFUSAL_S)
        # An event that is not acknowledged comes again: it may be accepted then. Nothing else comes again.
        return "not_accepted", BoltResponse(status=503) if request.surface in EVENTS else _taken()

    def _repeat(self, arrived: Arrived) -> Ended:
        extra = {"event": "repeat", "surface": arrived.delivery.kind.value}
        log.info("a repeated delivery was recognised", extra=extra)
        return "repeat", _taken()


def _taken() -> BoltResponse:
    return BoltResponse(status=200)


def _errors(errors: dict[str, str]) -> BoltResponse:
    return BoltResponse(status=200, body={"response_action": "errors", "errors": errors})
