"""The Bolt app: every surface comes in by one door, is kept before the acknowledgement where it must be, and answered.

A read is acknowledged at once. What must be kept is written down first, in a middleware, because Bolt acknowledges
events before their listener ends. A delivery that came before is acknowledged and ends there.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from slack_bolt import BoltResponse
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.requests import Request
from bot.slack import fields
from bot.slack.buttons import ACTION_PREFIX
from bot.slack.inbound.answering import Answering, preparing
from bot.slack.inbound.dialogs import Dialogs
from bot.slack.inbound.equipment import Bench, InboundEquipment
from bot.slack.inbound.home import HomePages
from bot.slack.inbound.keeping import Arrived, Keeping
from bot.slack.inbound.kinds import COMMAND, GROUP_EVENTS, REVOKED_EVENTS, Delivery, Kind, read_delivery
from bot.slack.shortcuts import BUILD_SHORTCUT, EXPLAIN_SHORTCUT

__all__ = ["COMMAND", "EVENTS_HEARD", "SHORTCUTS_HEARD", "Identity", "Inbound", "InboundEquipment"]

log = logging.getLogger(__name__)

EVENTS_HEARD = ("app_mention", "message", "app_home_opened", *GROUP_EVENTS, *REVOKED_EVENTS)
SHORTCUTS_HEARD = (BUILD_SHORTCUT, EXPLAIN_SHORTCUT)
_ARRIVED = "ragops_arrived"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who the bot is in its workspace, as `auth.test` told at the start."""

    team_id: str
    bot_user_id: str
    bot_id: str
    token: str
    enterprise_id: str | None = None


class Inbound:
    """The listeners."""

    def __init__(self, equipment: InboundEquipment) -> None:
        self._equipment = equipment
        self._service = equipment.service
        self._bench = Bench()
        self._answering = Answering(equipment)
        self._home = HomePages(equipment, self._answering, self._bench.slot)
        self._dialogs = Dialogs(equipment, self._answering)
        self._keeping = Keeping(equipment, self._answering, self._dialogs, aside=self._aside)
        self._tasks: set[asyncio.Future[None]] = set()
        self.unhandled = 0
        self.retries: Counter[str] = Counter()

    def app(self, client: AsyncWebClient, identity: Identity, *, signing_secret: str | None = None) -> AsyncApp:
        """Build the Bolt app for a workspace. With a `signing_secret` Bolt checks signatures of HTTP requests, too."""

        async def authorize(**_: Any) -> AuthorizeResult:
            return AuthorizeResult(
                enterprise_id=identity.enterprise_id,
                team_id=identity.team_id,
                bot_user_id=identity.bot_user_id,
                bot_id=identity.bot_id,
                bot_token=identity.token,
            )

        quiet = logging.getLogger("bot.slack.bolt")
        quiet.setLevel(logging.ERROR)  # its warnings (a token beside `authorize`) are about choices made here
        # An empty secret, because Bolt would look for one in the environment otherwise.
        app = AsyncApp(client=client, authorize=authorize, logger=quiet, signing_secret=signing_secret or "")
        app.use(self.keep)
        app.command(COMMAND)(self.listen)
        for prefix in (ACTION_PREFIX, fields.FIELD_PREFIX):
            app.action(re.compile(f"^{re.escape(prefix)}"))(self.listen)
        for callback in fields.CALLBACKS.values():
            app.view(callback)(self.listen)
        for shortcut in SHORTCUTS_HEARD:
            app.shortcut(shortcut)(self.listen)
        for event in EVENTS_HEARD:
            app.event(event)(self.listen)
        for kind in (app.action, app.shortcut, app.view):
            kind(re.compile(r".*"))(self.listen)
        app.event(re.compile(r".*"))(self.listen)
        app.error(self.error)
        return app

    # --- before the acknowledgement -----------------------------------------------------------------------------------

    async def keep(
        self,
        body: dict[str, Any],
        req: AsyncBoltRequest,
        context: AsyncBoltContext,
        next: Callable[[], Awaitable[None]],  # noqa: A002  # Bolt hands its arguments by these names
    ) -> BoltResponse | None:
        """Write down what must be kept; end here what came before, is wrong, or could not be written."""
        delivery = read_delivery(body)
        arrived = Arrived(delivery, self._equipment.clock.now(), self._retry(req), delivery.request)
        context[_ARRIVED] = arrived
        try:
            ended = await self._keeping.before(arrived)
        except Exception:
            self._acknowledged(arrived, "not_accepted")
            raise
        if ended is not None:
            result, response = ended
            self._acknowledged(arrived, result)
            return response
        await next()
        return None

    def _retry(self, req: AsyncBoltRequest) -> int:
        number = _header(req, "x-slack-retry-num")
        if not number.isdecimal() or int(number) == 0:
            return 0
        reason = _header(req, "x-slack-retry-reason") or "unknown"
        self.retries[reason] += 1
        log.info("Slack repeats a delivery", extra={"event": "retry", "reason": reason, "number": int(number)})
        return int(number)

    def _acknowledged(self, arrived: Arrived, result: str) -> None:
        spent = (self._equipment.clock.now() - arrived.began).total_seconds()
        self._equipment.meter.acknowledged(arrived.delivery.kind.value, result, spent)

    # --- after it -----------------------------------------------------------------------------------------------------

    async def listen(self, ack: AsyncAck, context: AsyncBoltContext) -> None:
        """Acknowledge and work. Bolt has acknowledged events already; once more does no harm."""
        arrived: Arrived = context[_ARRIVED]
        kind, request = arrived.delivery.kind, arrived.request
        await ack(self._at_once(arrived))
        if kind in (Kind.OTHER, Kind.QUIET):
            self._acknowledged(arrived, "unhandled")
            if kind is Kind.OTHER:
                self.unhandled += 1
                log.info("not handled: %s", arrived.delivery.body.get("type", "?"), extra={"event": "unhandled"})
            return
        self._acknowledged(arrived, "new")
        if arrived.kept:
            self._equipment.wake()
            return
        async with self._bench.work():
            await self._work(arrived.delivery, request)

    def _at_once(self, arrived: Arrived) -> dict[str, Any] | str:
        """Return what the acknowledgement says: only that of a command can, and only a change lets its person wait."""
        request = arrived.request
        if request is None or not arrived.kept or arrived.delivery.kind is not Kind.COMMAND:
            return ""
        return preparing(request) if self._service.is_change(request) else ""

    async def _work(self, delivery: Delivery, request: Request | None) -> None:
        if delivery.kind is Kind.REDRAW:
            await self._dialogs.redraw(delivery)
        elif request is None:
            raise ValueError(f"a delivery of the kind {delivery.kind} has a request")
        elif delivery.kind is Kind.OPEN:
            await self._dialogs.open(delivery, request)
        elif delivery.kind is Kind.HOME:
            await self._home.show(delivery, request)
        else:
            async with self._bench.slot:
                view = await self._answering.answer(delivery, request)
                await self._answering.say(request, view, replaces=delivery.replaces)

    async def error(self, error: Exception) -> BoltResponse:
        """Catch what no boundary below caught (a bug before the acknowledgement)."""
        reference = self._equipment.references.new()
        log.error("a listener failed", exc_info=error, extra={"event": "listener_failed", "reference": reference})
        return BoltResponse(status=500, body="")

    async def drain(self, timeout: float) -> None:
        """Let the answers that are being made be given, for at most `timeout` seconds."""
        await self._bench.drain(timeout)

    def _aside(self, work: Coroutine[Any, Any, None]) -> None:

        async def do() -> None:
            try:
                async with self._bench.work():
                    await work
            except Exception as error:  # noqa: BLE001  # the boundary
                await self.error(error)

        task = asyncio.ensure_future(do())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _header(req: AsyncBoltRequest, name: str) -> str:
    values = req.headers.get(name) or [""]
    return str(values[0])
