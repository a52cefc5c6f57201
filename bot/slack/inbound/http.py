"""The door for HTTP: one path for commands, buttons, dialogs and events; nothing runs without a valid signature.

In this order: path and method, headers and age, size, signature; only then is anything parsed, and recognised when it
came before; then Bolt runs the listeners, with its own check of the signature as a second lock.

What is answered (a redirect never):

200   done, or came before, or a check of the address
400   signed, but not understood; 415 of a wrong type. Coming again would not help, and the platform is told so
401   not signed by the platform, or not of the present
404   another path; 405 another method; 408 the body came too slowly; 413 it is too large; 429 no room
503   it changes something and could not be recorded: nothing was done, an event comes again
500   a bug before the acknowledgement, logged with a reference: the person is told that it failed, which is true

The platform's look at our certificate (`ssl_check`) is answered 200, signed or not: it may come unsigned.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Final

from aiohttp import web
from slack_bolt import BoltResponse
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.listening import BoundedServer, Bounds, listening
from bot.once import Once
from bot.ports import Clock, Meter
from bot.references import References
from bot.settings import Listen
from bot.slack.inbound.bodies import FORM, Body, Check, Malformed, is_tls_check, parse
from bot.slack.inbound.signature import Credentials, credentials, is_signed

log = logging.getLogger(__name__)

PATH: Final = "/slack/events"
# The store gives up by itself within a second; the platform waits for three, and the listeners need some of them.
CLAIM_S: Final = 1.0
# Bolt waits three seconds for an acknowledgement and gives up by itself.
DISPATCH_S: Final = 8.0
_LARGEST_CHECK: Final = 512
_RETRY: Final = {"x-slack-retry-num": re.compile(r"[0-9]{1,3}"), "x-slack-retry-reason": re.compile(r"[a-z_]{1,40}")}


def always(_: Mapping[str, Any]) -> bool:
    """Take every delivery for one that changes something: right until it is known which do not."""
    return True


@dataclass(frozen=True, slots=True)
class Answer:
    """What the platform hears. `result` is what is counted here; empty for what the app itself has counted."""

    status: int
    result: str = ""
    text: str = ""
    content_type: str = "text/plain"
    no_retry: bool = False
    closes: bool = False
    allow: str = ""


@dataclass(slots=True)
class _Arrival:
    """One request on its way in; `surface` once it is known."""

    request: web.BaseRequest
    surface: str = "unknown"


class _Turned(Exception):
    """The request goes no further."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


@dataclass(slots=True)
class Door:
    """Lets the platform's deliveries in to a Bolt app that was built with the same signing secret.

    `certain` tells of a payload whether it changes something: then it must be recorded before it runs. What ends here
    is counted here; what reaches the app, the app counts.
    """

    app: AsyncApp
    signing_secret: str
    _: KW_ONLY
    once: Once
    clock: Clock
    meter: Meter
    references: References
    certain: Callable[[Mapping[str, Any]], bool] = always
    bounds: Bounds = field(default_factory=Bounds)
    _reading: asyncio.Semaphore = field(init=False)
    _working: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        if not self.signing_secret:
            raise ValueError("without a signing secret anybody could sign")
        self._reading = asyncio.Semaphore(self.bounds.reading)
        self._working = asyncio.Semaphore(self.bounds.working)

    @asynccontextmanager
    async def serve(self, listen: Listen) -> AsyncIterator[int]:
        """Listen while the block runs, and yield the port; at the end, what has begun is finished."""
        server = BoundedServer(self._handle, self.bounds, log="bot.slack.http")
        async with listening(server, listen.host, listen.port, stop_s=self.bounds.stop_s) as bound:
            yield bound

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, whatever happens. This is the outermost boundary: it catches everything."""
        loop = asyncio.get_running_loop()
        began, arrival = loop.time(), _Arrival(request)
        try:
            answer = await self._judge(arrival)
        except _Turned as turned:
            answer = turned.answer
        except Exception:
            log.exception("a request failed", extra=self._broken())
            answer = Answer(500, "not_accepted")
        if answer.result:
            self.meter.acknowledged(arrival.surface, answer.result, loop.time() - began)
        return _response(answer)

    # --- before the signature is known to be good ---------------------------------------------------------------------

    async def _judge(self, arrival: _Arrival) -> Answer:
        request = arrival.request
        if request.path != PATH:
            return Answer(404, "invalid", closes=True)
        if request.method != "POST":
            return Answer(405, "invalid", allow="POST", closes=True)
        signed = credentials(request.raw_headers)
        if signed is None or not signed.fresh(self.clock.now().timestamp()):
            return await self._unsigned(request)
        async with _room(self._reading, self.bounds.room_s):
            body = await self._read(request, self.bounds.body)
        if not signed.genuine(self.signing_secret, body):
            return Answer(401, "invalid")
        async with _room(self._working, self.bounds.room_s):
            return await self._take(arrival, signed, body)

    async def _unsigned(self, request: web.BaseRequest) -> Answer:
        """Refuse without reading, unless it can only be the look at our certificate."""
        refused = Answer(401, "invalid", closes=True)
        length = request.content_length or 0
        if is_signed(request.raw_headers) or not 0 < length <= _LARGEST_CHECK or request.content_type != FORM:
            return refused
        async with _room(self._reading, self.bounds.room_s):
            body = await self._read(request, _LARGEST_CHECK)
        return Answer(200, "unhandled") if is_tls_check(body) else refused

    async def _read(self, request: web.BaseRequest, most: int) -> bytes:
        """Read the body as it came over the wire; never more than `most` bytes of it, nor for longer than allowed."""
        if (request.content_length or 0) > most:
            raise _Turned(Answer(413, "invalid", closes=True))
        kept = bytearray()
        try:
            async with asyncio.timeout(self.bounds.body_s):
                while chunk := await request.content.readany():
                    kept += chunk
                    if len(kept) > most:
                        raise _Turned(Answer(413, "invalid", closes=True))
        except TimeoutError:
            raise _Turned(Answer(408, "invalid", closes=True)) from None
        except (web.RequestPayloadError, ConnectionError):  # not in the form it claims; gone in the middle
            raise _Turned(Answer(400, "invalid", closes=True)) from None
        return bytes(kept)

    # --- it is the platform ----------------------------------------------------------------------------------------

    async def _take(self, arrival: _Arrival, signed: Credentials, body: bytes) -> Answer:
        headers = arrival.request.headers
        try:
            found = parse(body, headers.get("Content-Type", ""), headers.get("Content-Encoding", ""))
        except Malformed as error:
            log.warning("a signed request was not understood: %s", error, extra={"event": "malformed"})
            return Answer(error.status, "invalid", no_retry=True)
        if isinstance(found, Check):
            return _checked(found)
        arrival.surface = found.surface
        request = self._bolt_request(found, arrival.request, signed, body)
        if request is None:
            return Answer(400, "invalid", no_retry=True)
        ended = await self._claim(found, signed)
        return ended or await self._dispatch(request)

    async def _claim(self, found: Body, signed: Credentials) -> Answer | None:
        """End here what came before, byte for byte, and what must be recorded and cannot be."""
        certain = self.certain(found.payload)
        first: bool | None = None
        try:
            async with asyncio.timeout(CLAIM_S):
                first = await self.once.first(signed.key, certain=certain)
        except TimeoutError:
            log.warning(
                "whether a request came before was not told within %s s", CLAIM_S, extra={"event": "claim_slow"}
            )
        if first is False:
            log.warning("a signed request was sent again and ignored", extra={"event": "replay"})
            return Answer(200, "repeat")
        if first is None and certain:
            log.warning("a request could not be recorded, so it was not carried out", extra={"event": "claim_failed"})
            return Answer(503, "not_accepted")
        return None  # new; or a mere look of which nobody can tell: that one may be answered twice

    def _bolt_request(
        self, found: Body, request: web.BaseRequest, signed: Credentials, body: bytes
    ) -> AsyncBoltRequest | None:
        """Hand Bolt the raw body for its own check, and beside it what was parsed here; None when it cannot take it.

        Of the headers it sees only those that it needs: others could ask it for more than the body was signed for.
        """
        headers = {
            "content-type": request.content_type,
            "x-slack-request-timestamp": signed.timestamp.decode(),
            "x-slack-signature": signed.signature.decode(),
        }
        for name, form in _RETRY.items():
            if form.fullmatch(value := request.headers.get(name, "")):
                headers[name] = value
        try:
            built = AsyncBoltRequest(body=found.payload, headers=dict(headers), mode="socket_mode")
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            log.warning("Bolt cannot read a payload: %s", type(error).__name__, extra={"event": "malformed"})
            return None
        built.mode, built.raw_body = "http", body.decode()
        return built

    async def _dispatch(self, request: AsyncBoltRequest) -> Answer:
        try:
            async with asyncio.timeout(DISPATCH_S):
                response = await self.app.async_dispatch(request)
        except TimeoutError:
            log.exception("the listeners did not end within %s s", DISPATCH_S, extra=self._broken())
            return Answer(500)
        return self._answer_of(response)

    def _answer_of(self, response: BoltResponse) -> Answer:
        status, text = response.status, str(response.body or "")
        if 200 <= status < 300:
            kinds = response.headers.get("content-type", ["text/plain"])
            return Answer(status, text=text, content_type=str(kinds[0]).partition(";")[0])
        if status == 503:
            return Answer(503)
        if status == 401:
            log.error("the app was built with another signing secret than its door", extra={"event": "second_lock"})
            return Answer(401, "invalid")
        if 400 <= status < 500:
            return Answer(status, no_retry=True)
        if status != 500:
            log.error("a listener answered with status %d", status, extra={"event": "listener_failed"})
        return Answer(500)

    def _broken(self) -> dict[str, str]:
        return {"event": "request_broken", "reference": self.references.new()}


@asynccontextmanager
async def _room(slots: asyncio.Semaphore, wait_s: float) -> AsyncIterator[None]:
    """Hold one of the slots; turn the request away when none comes free in time."""
    try:
        async with asyncio.timeout(wait_s):
            await slots.acquire()
    except TimeoutError:
        raise _Turned(Answer(429, "invalid", closes=True)) from None
    try:
        yield
    finally:
        slots.release()


def _checked(check: Check) -> Answer:
    if check.kind == "app_rate_limited":
        log.warning("the platform holds back events: there are too many", extra={"event": "app_rate_limited"})
    elif check.kind == "unknown":
        log.warning("a payload of an unknown type was acknowledged", extra={"event": "unhandled"})
    return Answer(200, "unhandled", check.answer)


def _response(answer: Answer) -> web.Response:
    response = web.Response(status=answer.status, text=answer.text, content_type=answer.content_type)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Server"] = "ragops"
    if answer.no_retry:
        response.headers["X-Slack-No-Retry"] = "1"
    if answer.allow:
        response.headers["Allow"] = answer.allow
    if answer.closes:
        response.force_close()
    return response
