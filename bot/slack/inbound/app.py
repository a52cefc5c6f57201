"""The Bolt app: one listener for each surface, the inbox before the acknowledgement, and the boundary that catches all.

A read is acknowledged at once. What must be kept is written down first, in a middleware, because Bolt acknowledges
events before their listener ends. A delivery that came before is acknowledged and ends there.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from slack_bolt import BoltResponse
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot import answers
from bot.domain.requests import Request, Surface
from bot.domain.view import View
from bot.errors import DeliveryError, NotAccepted
from bot.ports import Notifier
from bot.references import References
from bot.service import Service
from bot.slack.inbound.payloads import command_request, mention_request, press_request

log = logging.getLogger(__name__)

AT_ONCE = 32
# The store gives up by itself within a second; this is for one that does not. Cancelling a statement of a server that
# hangs can take its driver seconds, so that the limit must not come first: the platform waits three.
ACCEPT_S = 2.0
REPLY_S = 30.0
# A refusal is said before the acknowledgement, whose time is three seconds.
REFUSAL_S = 1.5
# A read may take this long; then its person hears that it did not end.
ANSWER_S = 60.0
COMMAND = "/rag"
_KEPT = "ragops_kept"
_REQUEST = "ragops_request"
_REPLACE = "ragops_replace"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who the bot is in its workspace, as `auth.test` told at the start."""

    team_id: str
    bot_user_id: str
    bot_id: str
    token: str
    enterprise_id: str | None = None


class Inbound:
    """The listeners. `wake` tells the worker that a request was written down."""

    def __init__(
        self, service: Service, notifier: Notifier, references: References, *, wake: Callable[[], None]
    ) -> None:
        self._service = service
        self._notifier = notifier
        self._references = references
        self._wake = wake
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._working = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self.unhandled = 0

    def app(self, client: AsyncWebClient, identity: Identity) -> AsyncApp:
        """Build the Bolt app for a workspace."""

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
        app = AsyncApp(client=client, authorize=authorize, logger=quiet)
        app.use(self.keep)
        app.command(COMMAND)(self.command)
        app.action(re.compile(r"^rag:"))(self.press)
        app.event("app_mention")(self.mention)
        for kind in (app.action, app.shortcut, app.view):
            kind(re.compile(r".*"))(self.other)
        app.event(re.compile(r".*"))(self.other)
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
        """Write down what must be kept; end here what came before or could not be written."""
        request, replaces = _request_of(body)
        if request is not None:
            context[_REQUEST], context[_REPLACE], context[_KEPT] = request, replaces, False
            if self._service.must_keep(request):
                ended = await self._accept(request, context, retry=_retry_number(req))
                if ended is not None:
                    return ended
        await next()
        return None

    async def _accept(self, request: Request, context: AsyncBoltContext, *, retry: int) -> BoltResponse | None:
        try:
            async with asyncio.timeout(ACCEPT_S):
                new = await self._service.accept(request)
        except TimeoutError:
            silence = NotAccepted(f"The database did not answer within {ACCEPT_S} s.")
            silence.unchanged = "It may have been written down all the same: then it is still carried out."
            return await self._not_accepted(request, silence, retry)
        except NotAccepted as error:
            return await self._not_accepted(request, error, retry)
        if not new:
            log.info("a repeated delivery was recognised", extra={"event": "repeat", "surface": request.surface.value})
            return BoltResponse(status=200)
        context[_KEPT] = True
        return None

    async def _not_accepted(self, request: Request, error: NotAccepted, retry: int) -> BoltResponse | None:
        """Say that it was not kept, or may not be. A read by mention is still answered, to its person alone."""
        if request.surface is Surface.MENTION and not self._service.must_keep(
            replace(request, surface=Surface.COMMAND)
        ):
            return None
        if retry == 0:
            await self._say(request, self._service.explain(error, request), limit_s=REFUSAL_S)
        # An event that is not acknowledged comes again: it may be accepted then. Nothing else comes again.
        return BoltResponse(status=503) if request.surface is Surface.MENTION else BoltResponse(status=200)

    # --- listeners ----------------------------------------------------------------------------------------------------

    async def command(self, ack: AsyncAck, context: AsyncBoltContext) -> None:
        """Answer `/rag …`."""
        await ack()
        await self._handle(context)

    async def press(self, ack: AsyncAck, context: AsyncBoltContext) -> None:
        """Answer the press of one of our buttons."""
        await ack()
        if _REQUEST in context:
            await self._handle(context)

    async def mention(self, context: AsyncBoltContext) -> None:
        """Answer `@rag …`."""
        await self._handle(context)

    async def other(self, body: dict[str, Any], context: AsyncBoltContext) -> None:
        """Acknowledge and count what nothing else handles: Slack would repeat or report it otherwise."""
        self.unhandled += 1
        if "ack" in context:
            await context["ack"]()
        log.info("not handled: %s", body.get("type", "?"), extra={"event": "unhandled"})

    async def error(self, error: Exception) -> BoltResponse:
        """Catch what no boundary below caught (a bug before the acknowledgement)."""
        reference = self._references.new()
        log.error("a listener failed", exc_info=error, extra={"event": "listener_failed", "reference": reference})
        return BoltResponse(status=500, body="")

    async def _handle(self, context: AsyncBoltContext) -> None:
        request: Request = context[_REQUEST]
        if context[_KEPT]:
            self._wake()
            return
        self._working += 1
        self._idle.clear()
        try:
            async with self._slots:
                view = await self._answer(request)
                await self._say(request, view, replaces=context[_REPLACE])
        finally:
            self._working -= 1
            if not self._working:
                self._idle.set()

    async def drain(self, timeout: float) -> None:
        """Let the answers that are being made be given, for at most `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._idle.wait()
        except TimeoutError:
            log.warning("%d answers were not finished", self._working, extra={"event": "drain_incomplete"})

    async def _answer(self, request: Request) -> View:
        """Answer a read. This is one of the three places that catch everything."""
        private = replace(request, surface=Surface.COMMAND) if request.surface is Surface.MENTION else request
        try:
            async with asyncio.timeout(ANSWER_S):
                return await self._service.ask(private)
        except Exception:
            reference = self._references.new()
            log.exception("a request failed", extra={"event": "request_broken", "reference": reference})
            return answers.broken(reference)

    async def _say(self, request: Request, view: View, *, replaces: bool = False, limit_s: float = REPLY_S) -> None:
        try:
            async with asyncio.timeout(limit_s):
                await self._notifier.reply(request, view, replace=replaces)
        except (DeliveryError, TimeoutError) as error:
            log.warning("an answer was not delivered: %s", error, extra={"event": "reply_lost"})


def _request_of(body: dict[str, Any]) -> tuple[Request | None, bool]:
    if body.get("command") == COMMAND:
        return command_request(body), False
    if body.get("type") == "block_actions":
        return press_request(body) or (None, False)
    if body.get("type") == "event_callback" and body.get("event", {}).get("type") == "app_mention":
        return mention_request(body), False
    return None, False


def _retry_number(req: AsyncBoltRequest) -> int:
    values = req.headers.get("x-slack-retry-num", ["0"])
    return int(values[0]) if values and str(values[0]).isdecimal() else 0
