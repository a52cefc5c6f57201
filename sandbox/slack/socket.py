"""Socket Mode: connections, envelopes, acks, and every reason to be disconnected."""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMessage, WSMsgType, web

from sandbox.slack.delivery import Delivery, Retry, Timing
from sandbox.slack.limits import SOCKET_CONNECTIONS
from sandbox.slack.records import Json
from sandbox.slack.world import Workspace


@dataclass(eq=False, slots=True)
class Connection:
    """One WebSocket of the app."""

    socket: web.WebSocketResponse
    closing: bool = False
    ended: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True)
class Pending:
    """An envelope that waits for its ack."""

    connection: Connection
    answer: asyncio.Future[Any]


@dataclass(slots=True)
class SocketHub:
    """Send each envelope to one connection and wait for its ack."""

    world: Workspace
    timing: Timing
    enabled: bool = True
    foreign_acks_count: bool = False
    connections: list[Connection] = field(default_factory=list)
    pending: dict[str, Pending] = field(default_factory=dict)
    _arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """Take one connection of an app for as long as it lives."""
        ticket = request.query.get("ticket", "")
        if ticket not in self.world.socket_tickets:
            return web.Response(status=403, text="this address was used or never given out")
        self.world.socket_tickets.discard(ticket)
        socket = web.WebSocketResponse(timeout=1.0)
        await socket.prepare(request)
        connection = Connection(socket)
        refusal = self._refusal()
        if refusal:
            await _say_goodbye(connection, refusal)
            await self._listen(connection, self.timing.grace_s)
            await socket.close()
            return socket
        short = request.query.get("debug_reconnects") == "true"
        await self._live(connection, self.timing.short_life_s if short else self.timing.life_s)
        return socket

    def _refusal(self) -> str:
        if not self.enabled:
            return "link_disabled"
        return "too_many_websockets" if len(self.connections) >= SOCKET_CONNECTIONS else ""

    async def _live(self, connection: Connection, life_s: float) -> None:
        self.connections.append(connection)
        hello = {"type": "hello", "num_connections": len(self.connections)}
        info = {"host": "sandbox", "approximate_connection_time": int(life_s)}
        await _send(connection, hello | {"connection_info": {"app_id": self.world.app_id}, "debug_info": info})
        async with self._arrived:
            self._arrived.notify_all()
        try:
            if not await self._listen(connection, life_s):
                await _say_goodbye(connection, "warning")
                await self._listen(connection, self.timing.warning_s)
                self._retire(connection)
                await _say_goodbye(connection, "refresh_requested")
                await self._listen(connection, self.timing.grace_s)
                await connection.socket.close()
        finally:
            self._retire(connection)
            connection.ended.set()

    def _retire(self, connection: Connection) -> None:
        """Send nothing more to a connection; acks of what it has are still taken."""
        connection.closing = True
        if connection in self.connections:
            self.connections.remove(connection)

    async def connected(self, at_least: int, seconds: float) -> bool:
        """Wait until so many connections are open; False when they did not come in time."""
        try:
            async with asyncio.timeout(seconds), self._arrived:
                await self._arrived.wait_for(lambda: len(self.connections) >= at_least)
        except TimeoutError:
            return False
        return True

    async def _listen(self, connection: Connection, seconds: float) -> bool:
        """Read acks until the socket ends (True) or the time is over (False)."""
        try:
            async with asyncio.timeout(seconds):
                async for message in connection.socket:
                    self._receive(connection, message)
        except TimeoutError:
            return False
        return True

    def _receive(self, connection: Connection, message: WSMessage) -> None:
        if message.type is not WSMsgType.TEXT:
            return
        try:
            ack = json.loads(message.data)
        except ValueError:
            return
        waiting = self.pending.get(str(ack.get("envelope_id"))) if isinstance(ack, dict) else None
        if waiting is None or waiting.answer.done():
            return
        if waiting.connection is connection or self.foreign_acks_count:
            waiting.answer.set_result(ack.get("payload"))

    async def disconnect_one(self, reason: str, number: int = 0) -> None:
        """Ask one connection to leave, the oldest unless told otherwise, for the reasons of `disconnect`."""
        await self._send_away(self.connections[number], reason)

    async def disconnect(self, reason: str) -> None:
        """Ask every connection to leave: warning, refresh_requested, link_disabled; or cut it with ``drop``."""
        if reason == "link_disabled":
            self.enabled = False
        await asyncio.gather(*(self._send_away(connection, reason) for connection in tuple(self.connections)))

    async def _send_away(self, connection: Connection, reason: str) -> None:
        """Let the app leave by itself for a short while, as Slack does, before the connection is cut."""
        if reason == "warning":
            await _say_goodbye(connection, reason)
            return
        self._retire(connection)
        if reason != "drop":
            await _say_goodbye(connection, reason)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.timing.grace_s):
                    await connection.ended.wait()
        await connection.socket.close()

    # Envelopes

    async def send(self, kind: str, payload: Json, retry: Retry) -> Delivery:
        """Send one envelope over a connection taken at random and wait for its ack."""
        open_now = [c for c in self.connections if not c.closing and not c.socket.closed]
        if not open_now:
            return Delivery(acked=False, reason="no_connection")
        return await self.send_over(open_now[self.world.ids.choose(len(open_now))], kind, payload, retry)

    async def send_over(self, connection: Connection, kind: str, payload: Json, retry: Retry) -> Delivery:
        """Send one envelope over this very connection and wait for its ack."""
        envelope = self._envelope(kind, payload, retry)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()
        self.pending[envelope["envelope_id"]] = Pending(connection, answer)
        began = loop.time()
        try:
            await _send(connection, envelope)
            async with asyncio.timeout(self.timing.ack_s):
                body = await answer
        except TimeoutError:
            return Delivery(acked=False, latency_s=loop.time() - began, reason="timeout")
        finally:
            self.pending.pop(envelope["envelope_id"], None)
        return Delivery(acked=True, latency_s=loop.time() - began, payload=body)

    def _envelope(self, kind: str, payload: Json, retry: Retry) -> Json:
        identity = str(uuid.UUID(int=int(self.world.ids.trigger().rpartition(".")[2], 16)))
        body: Json = {"envelope_id": identity, "type": kind, "payload": payload}
        body["accepts_response_payload"] = kind != "events_api"
        if kind == "events_api":
            body |= {"retry_attempt": retry.attempt, "retry_reason": "timeout" if retry.attempt else ""}
        return body

    async def close(self) -> None:
        """End every connection."""
        await asyncio.gather(*(connection.socket.close() for connection in tuple(self.connections)))


async def _say_goodbye(connection: Connection, reason: str) -> None:
    await _send(connection, {"type": "disconnect", "reason": reason, "debug_info": {"host": "sandbox"}})


async def _send(connection: Connection, body: Json) -> None:
    """Send one frame; a peer that is gone is noticed by the missing ack."""
    with contextlib.suppress(ConnectionError):
        await connection.socket.send_json(body)
