"""The door for Alertmanager: `POST /alertmanager` with a token, and nothing else.

In this order: path and method, token, type and size; only then is the body read, and parsed. What is answered decides
whether Alertmanager sends it again:

200   taken: what it says is on record
400   not understood; 415 not JSON, or packed; 413 too large. Coming again would not help
401   without the token, or with another one; nothing of the body was read
404   another path; 405 another method
503   no room, the body came too slowly, or it could not be put on record: nothing was taken. Alertmanager sends it
      again after a 5xx and after no other answer, so this stands where 408 or 429 would be more exact

No header and no body is ever logged.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from aiohttp import hdrs, web

from bot.alertmanager.payload import LARGEST, NotUnderstood, Webhook, read_webhook
from bot.domain.watch.received import ReceivedAlert
from bot.environment import Listen, Secret
from bot.errors import BotError, Fault, SettingsError
from bot.listening import BoundedServer, Bounds, listening
from bot.ports import Meter, Unmetered
from bot.references import References

log = logging.getLogger(__name__)

PATH: Final = "/alertmanager"
BOUNDS: Final = Bounds(connections=64, reading=4, working=4, body=LARGEST, room_s=5.0, headers_s=5.0, body_s=10.0)
TAKE_S: Final = 15.0
_SLICE_S: Final = 0.002
_AGAIN: Final[Mapping[str, str]] = {hdrs.RETRY_AFTER: "5"}
_TOLD_EVERY_S: Final = 60.0
# What is counted, by the status of the answer; all others were not understood.
_RESULTS: Final[Mapping[int, str]] = {200: "accepted", 401: "refused", 503: "unavailable"}

Take = Callable[[Sequence[ReceivedAlert]], Awaitable[None]]


@asynccontextmanager
async def alertmanager_server(
    listen: Listen,
    token: Secret,
    take: Take,
    *,
    references: References,
    bounds: Bounds = BOUNDS,
    take_s: float = TAKE_S,
    meter: Meter | None = None,
) -> AsyncIterator[Listen]:
    """Serve until the block ends; the address is the one that was taken. At the end, what has begun is finished.

    `take` puts alerts on record, within `take_s`; whatever it raises, Alertmanager sends them again. Raises
    `SettingsError` naming `RAGOPS_ALERTS_LISTEN` when the address cannot be had.
    """
    door = _Door(token, take, references, bounds, take_s, meter or Unmetered())
    async with AsyncExitStack() as stack:
        server = BoundedServer(door.handle, bounds, log="bot.alertmanager.http")
        try:
            entered = listening(server, listen.host, listen.port, stop_s=bounds.stop_s)
            port = await stack.enter_async_context(entered)
        except OSError as error:
            what = f"cannot listen at {listen} ({error.strerror or type(error).__name__}); choose another address"
            raise SettingsError([Fault("RAGOPS_ALERTS_LISTEN", what)]) from error
        yield Listen(listen.host, port)


class _Turned(Exception):
    """The request goes no further."""

    def __init__(self, status: int, text: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status)
        self.answer = _answer(status, text, headers)


@dataclass(slots=True)
class _Door:
    token: Secret
    take: Take
    references: References
    bounds: Bounds
    take_s: float
    meter: Meter
    _working: asyncio.Semaphore = field(init=False)
    _told_at: float = field(init=False, default=float("-inf"))

    def __post_init__(self) -> None:
        if not self.token.reveal():
            raise ValueError("without a token anybody could send alerts")
        self._working = asyncio.Semaphore(self.bounds.working)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, and count it."""
        answer = await self._answer_to(request)
        self.meter.webhook_answered(_RESULTS.get(answer.status, "malformed"))
        return answer

    async def _answer_to(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, whatever happens. This is the outermost boundary: it catches everything."""
        try:
            return await self._judge(request)
        except _Turned as turned:
            return turned.answer
        except NotUnderstood as error:
            log.warning("a webhook was not understood: %s", error, extra={"event": "alerts_malformed"})
            return _answer(400, str(error))
        except Exception:
            log.exception("a webhook failed", extra=self._broken())
            return _not_taken()

    async def _judge(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path != PATH:
            raise _Turned(404, f"There is only {PATH} here.")
        if request.method != hdrs.METH_POST:
            raise _Turned(405, "Only POST is served.", {hdrs.ALLOW: hdrs.METH_POST})
        if not self._is_let_in(request):
            raise _Turned(401, "The token is missing or wrong.", {hdrs.WWW_AUTHENTICATE: "Bearer"})
        _check_kind(request)
        try:
            async with asyncio.timeout(self.bounds.room_s):
                await self._working.acquire()
        except TimeoutError:
            raise _Turned(503, "Too many webhooks at once; send it again.", _AGAIN) from None
        try:
            webhook = read_webhook(await self._read(request))
            return await self._hand_on(webhook, await _in_slices(webhook))
        finally:
            self._working.release()

    def _is_let_in(self, request: web.BaseRequest) -> bool:
        """Compare the token, in a time that does not tell how much of it is right."""
        sent = request.headers.getall(hdrs.AUTHORIZATION, [])
        scheme, _, credentials = sent[0].partition(" ") if len(sent) == 1 else ("", "", "")
        known = self.token.reveal().encode()
        same = hmac.compare_digest(credentials.strip().encode("utf-8", "surrogateescape"), known)
        if same and scheme.lower() == "bearer":
            return True
        if time.monotonic() - self._told_at >= _TOLD_EVERY_S:
            self._told_at = time.monotonic()
            log.warning("alerts came without the token, or with another one", extra={"event": "alerts_turned_away"})
        return False

    async def _read(self, request: web.BaseRequest) -> bytes:
        """Read the body; never more than is taken, nor for longer than allowed."""
        most = self.bounds.body
        too_large = f"The body is larger than {most} bytes: lower max_alerts."
        if (request.content_length or 0) > most:
            raise _Turned(413, too_large)
        kept = bytearray()
        try:
            async with asyncio.timeout(self.bounds.body_s):
                while chunk := await request.content.readany():
                    kept += chunk
                    if len(kept) > most:
                        raise _Turned(413, too_large)
        except TimeoutError:
            raise _Turned(503, "The body came too slowly; send it again.", _AGAIN) from None
        except (web.RequestPayloadError, ConnectionError):  # not in the form it claims; gone in the middle
            raise _Turned(400, "The body broke off.") from None
        return bytes(kept)

    async def _hand_on(self, webhook: Webhook, alerts: Sequence[ReceivedAlert]) -> web.Response:
        if webhook.left_out:
            log.warning("Alertmanager left out %d alerts", webhook.left_out, extra={"event": "alerts_left_out"})
        try:
            async with asyncio.timeout(self.take_s):
                await self.take(alerts)
        except TimeoutError:
            log.warning("alerts were not put on record within %g s", self.take_s, extra={"event": "alerts_not_taken"})
            return _not_taken()
        except BotError as error:
            log.warning("alerts were not put on record: %s", error.said, extra={"event": "alerts_not_taken"})
            return _not_taken()
        return _answer(200, "Taken.", closes=False)

    def _broken(self) -> dict[str, str]:
        return {"event": "alerts_broken", "reference": self.references.new()}


def _check_kind(request: web.BaseRequest) -> None:
    packed = request.headers.get(hdrs.CONTENT_ENCODING, "identity").strip().lower()
    if request.content_type != "application/json" or packed != "identity":
        raise _Turned(415, "Only JSON is taken, not packed.")


async def _in_slices(webhook: Webhook) -> list[ReceivedAlert]:
    """Read the alerts, a few milliseconds at a time: to redact a large body takes long. Raises `NotUnderstood`."""
    read: list[ReceivedAlert] = []
    until = time.monotonic() + _SLICE_S
    for alert in webhook.alerts:
        read.append(alert)
        if time.monotonic() >= until:
            await asyncio.sleep(0)
            until = time.monotonic() + _SLICE_S
    return read


def _not_taken() -> web.Response:
    return _answer(503, "Not taken; send it again.", _AGAIN)


def _answer(status: int, text: str, headers: Mapping[str, str] | None = None, *, closes: bool = True) -> web.Response:
    sent = {"X-Content-Type-Options": "nosniff", hdrs.SERVER: "ragops", **(headers or {})}
    response = web.Response(status=status, text=f"{text}\n", headers=sent)
    if closes:  # a body that was not read would be taken for the next request
        response.force_close()
    return response
