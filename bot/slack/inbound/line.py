"""One socket to the platform: its sign of life, the envelopes that come over it, and their acknowledgements.

The platform's own client is not used for this: on a `disconnect` it closes the old connection before it opens the new
one, and opens one even when Socket Mode was switched off; it tries an address again that is good for once only; and a
refused token makes it try for ever. What the listeners see is the same: Bolt, with a payload and the retry's headers.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from aiohttp import ClientWebSocketResponse, WSMessage, WSMsgType
from slack_bolt import BoltResponse
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.ports import Clock
from bot.references import References
from bot.slack.inbound.bodies import without_nulls

log = logging.getLogger(__name__)

CLOSED: Final = "closed"
SILENT: Final = "silent"
# So many envelopes are answered side by side; the next one waits in the wire.
AT_ONCE: Final = 200
_ENDS: Final = frozenset({WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR})
# Told to leave, a connection gets nothing new; after a mere warning it still does.
_RETIRES: Final = frozenset({"refresh_requested", "link_disabled", "too_many_websockets"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long things may take at the sockets (seconds).

    A connection that was silent for `silent_s` is given up; one that was for `deaf_s` no longer counts as alive. An old
    one is listened to for `leave_s` beside its successor. One that lived for `steady_s` was no failure. While the
    platform has no room for another, it is asked again after `full_s`.
    """

    open_s: float = 10.0
    ping_s: float = 5.0
    silent_s: float = 20.0
    deaf_s: float = 25.0
    leave_s: float = 15.0
    steady_s: float = 60.0
    full_s: float = 60.0
    longest_s: float = 30.0
    drain_s: float = 5.0


class Line:
    """A connection that was opened and has not said hello yet."""

    def __init__(
        self, socket: ClientWebSocketResponse, app: AsyncApp, clock: Clock, references: References, pace: Pace
    ) -> None:
        self._socket = socket
        self._app = app
        self._clock = clock
        self._references = references
        self._pace = pace
        self._retired = False
        self._answers: set[asyncio.Task[None]] = set()
        self.began = self.heard_at = clock.now()

    def alive(self, now: datetime) -> bool:
        """Tell whether deliveries can come over it: open, not sent away, and heard of lately."""
        recent = (now - self.heard_at).total_seconds() <= self._pace.deaf_s
        return recent and not self._retired and not self._socket.closed

    async def greet(self) -> str:
        """Wait for the platform's hello; return why there is none, or nothing."""
        try:
            message = await self._socket.receive(timeout=self._pace.open_s)
        except TimeoutError:
            return SILENT
        frame = _frame(message)
        if frame.get("type") == "hello":
            self.heard_at = self._clock.now()
            return ""
        return _goodbye(frame) or CLOSED

    async def listen(self) -> str:
        """Take what comes until the platform says good-bye, or nothing any more; return why it ended.

        After a good-bye it may be listened to again: what is under way still comes.
        """
        while True:
            if len(self._answers) >= AT_ONCE:
                await asyncio.wait(self._answers, return_when=asyncio.FIRST_COMPLETED)
            try:
                message = await self._socket.receive(timeout=self._pace.ping_s)
            except TimeoutError:
                if (self._clock.now() - self.heard_at).total_seconds() >= self._pace.silent_s:
                    self._retired = True
                    return SILENT
                if not await self._ping():
                    return CLOSED
                continue
            if message.type in _ENDS:
                return CLOSED
            self.heard_at = self._clock.now()
            if message.type is WSMsgType.PING:
                await self._pong(message)
            elif reason := self._take(_frame(message)):
                self._retired = self._retired or reason in _RETIRES
                return reason

    async def leave(self) -> None:
        """Listen for a while to what is still under way, let the answers to it go out, and close."""
        try:
            async with asyncio.timeout(self._pace.leave_s):
                while await self.listen() not in {CLOSED, SILENT}:
                    pass
        except TimeoutError:
            pass  # the platform did not close it by itself
        await self.close()

    async def close(self) -> None:
        """Let the acknowledgements go out that are being made, and close."""
        if self._answers and not self._socket.closed:
            await asyncio.wait(self._answers, timeout=self._pace.drain_s)
        for task in self._answers:
            task.cancel()
        await asyncio.gather(*self._answers, return_exceptions=True)
        await self._socket.close()

    async def _ping(self) -> bool:
        try:
            async with asyncio.timeout(self._pace.ping_s):
                await self._socket.ping()
        except TimeoutError:
            return True  # the wire is full: if nothing is heard either, its silence ends it
        except ConnectionError:
            return False
        return True

    async def _pong(self, message: WSMessage) -> None:
        try:
            async with asyncio.timeout(self._pace.ping_s):
                await self._socket.pong(message.data)
        except (TimeoutError, ConnectionError) as error:
            log.info("a pong could not be sent: %s", type(error).__name__, extra={"event": "socket_pong_lost"})

    def _take(self, frame: dict[str, Any]) -> str:
        """Have an envelope answered beside; return why the platform wants us to leave, if it does."""
        if "envelope_id" in frame and isinstance(frame.get("payload"), dict):
            task = asyncio.create_task(self._answer(frame))
            self._answers.add(task)
            task.add_done_callback(self._answers.discard)
            return ""
        return _goodbye(frame)

    async def _answer(self, envelope: dict[str, Any]) -> None:
        """Let the listeners run, and acknowledge. This is the outermost boundary: it catches everything."""
        try:
            payload = without_nulls(envelope["payload"])
            request = AsyncBoltRequest(mode="socket_mode", body=payload, headers=_retry_headers(envelope))
            response = await self._app.async_dispatch(request)
            if response.status != 200:
                extra = {"event": "not_acknowledged", "status": response.status}
                log.warning("a delivery was not acknowledged (status %d)", response.status, extra=extra)
                return
            await self._socket.send_str(json.dumps(_acknowledgement(envelope, response)))
        except ConnectionError:
            # The platform sends an event again; the listeners know it then. Nothing else comes again.
            log.info("a connection ended before its acknowledgement", extra={"event": "acknowledgement_lost"})
        except Exception:
            log.exception("a delivery failed", extra={"event": "request_broken", "reference": self._references.new()})


def _frame(message: WSMessage) -> dict[str, Any]:
    if message.type is not WSMsgType.TEXT:
        return {}
    try:
        frame = json.loads(message.data)
    except (ValueError, RecursionError):
        log.warning("a frame of the platform was no JSON", extra={"event": "socket_frame_broken"})
        return {}
    return frame if isinstance(frame, dict) else {}


def _goodbye(frame: dict[str, Any]) -> str:
    return str(frame.get("reason") or "unknown") if frame.get("type") == "disconnect" else ""


def _retry_headers(envelope: dict[str, Any]) -> dict[str, str | Sequence[str]]:
    attempt = envelope.get("retry_attempt")
    if not isinstance(attempt, int) or attempt < 1:
        return {}
    return {"x-slack-retry-num": str(attempt), "x-slack-retry-reason": str(envelope.get("retry_reason") or "")}


def _acknowledgement(envelope: dict[str, Any], response: BoltResponse) -> dict[str, Any]:
    acknowledgement: dict[str, Any] = {"envelope_id": envelope["envelope_id"]}
    if response.body and envelope.get("accepts_response_payload"):
        kind = str(response.headers.get("content-type", [""])[0])
        text = str(response.body)
        acknowledgement["payload"] = json.loads(text) if kind.startswith("application/json") else {"text": text}
    return acknowledgement
