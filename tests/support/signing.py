"""Requests as the platform signs them, their bodies, and a raw HTTP client that can also send what is no HTTP."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

SECRET = "0123456789abcdef0123456789abcdef"
FORM = "application/x-www-form-urlencoded"
Headers = list[tuple[str, str]]


def sign(body: bytes, timestamp: float | str, *, secret: str = SECRET) -> str:
    """Return the signature of a body at a time."""
    stamp = timestamp if isinstance(timestamp, str) else str(int(timestamp))
    base = b"v0:" + stamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()


def signed(body: bytes, timestamp: float, *, content_type: str = FORM, secret: str = SECRET) -> Headers:
    """Return the headers of a body that the platform sends at a time."""
    return [
        ("Content-Type", content_type),
        ("X-Slack-Request-Timestamp", str(int(timestamp))),
        ("X-Slack-Signature", sign(body, timestamp, secret=secret)),
    ]


def command_fields(text: str = "status", *, trigger: str = "11.22.aa") -> dict[str, str]:
    """Return the fields of a slash command."""
    return {
        "token": "deprecated",
        "team_id": "T1",
        "team_domain": "acme",
        "channel_id": "C1",
        "channel_name": "ops",
        "user_id": "U-ann",
        "user_name": "ann",
        "command": "/rag",
        "text": text,
        "api_app_id": "A1",
        "is_enterprise_install": "false",
        "response_url": "https://hooks.example/commands/1",
        "trigger_id": trigger,
    }


def command(text: str = "status", *, trigger: str = "11.22.aa") -> bytes:
    """Return the body of a slash command."""
    return urlencode(command_fields(text, trigger=trigger)).encode()


def interaction(payload: dict[str, Any]) -> bytes:
    """Return the body of something that a person did."""
    return urlencode({"payload": json.dumps(payload)}).encode()


def press(value: str = "1:status", *, action_ts: str = "9.9") -> dict[str, Any]:
    """Return the payload of a pressed button."""
    return {
        "type": "block_actions",
        "team": {"id": "T1", "domain": "acme"},
        "user": {"id": "U-ann", "username": "ann", "team_id": "T1"},
        "api_app_id": "A1",
        "container": {"type": "message", "message_ts": "1.5", "channel_id": "C1", "is_ephemeral": True},
        "trigger_id": "11.22.bb",
        "channel": {"id": "C1", "name": "ops"},
        "message": {"type": "message", "user": "UBOT", "ts": "1.5", "text": "hello"},
        "state": {"values": {}},
        "response_url": "https://hooks.example/actions/1",
        "actions": [
            {
                "action_id": "rag:0:0",
                "block_id": "b1",
                "text": {"type": "plain_text", "text": "Again"},
                "value": value,
                "type": "button",
                "action_ts": action_ts,
            }
        ],
    }


def submission(*, view_id: str = "V1") -> dict[str, Any]:
    """Return the payload of a dialog that was sent off."""
    return {
        "type": "view_submission",
        "team": {"id": "T1", "domain": "acme"},
        "user": {"id": "U-ann", "username": "ann", "team_id": "T1"},
        "api_app_id": "A1",
        "trigger_id": "11.22.cc",
        "view": {
            "id": view_id,
            "team_id": "T1",
            "type": "modal",
            "blocks": [],
            "private_metadata": "",
            "callback_id": "rag:form",
            "state": {"values": {"target": {"value": {"type": "plain_text_input", "value": "api"}}}},
            "hash": "17.abc",
        },
        "response_urls": [],
        "is_enterprise_install": False,
    }


def shortcut() -> dict[str, Any]:
    """Return the payload of a global shortcut."""
    return {
        "type": "shortcut",
        "team": {"id": "T1", "domain": "acme"},
        "user": {"id": "U-ann", "username": "ann", "team_id": "T1"},
        "callback_id": "rag:status",
        "trigger_id": "11.22.dd",
        "action_ts": "9.8",
    }


def message_shortcut() -> dict[str, Any]:
    """Return the payload of a message's shortcut."""
    return shortcut() | {
        "type": "message_action",
        "channel": {"id": "C1", "name": "ops"},
        "message_ts": "1.5",
        "message": {"type": "message", "user": "U-vic", "ts": "1.5", "text": "api is slow"},
        "response_url": "https://hooks.example/actions/2",
    }


def event(kind: str = "app_mention", *, event_id: str = "Ev1", **fields: Any) -> dict[str, Any]:
    """Return the payload of an event."""
    happened = {"type": kind, "user": "U-ann", "team": "T1", "channel": "C1", "ts": "17.5", "text": "<@UBOT> status"}
    return {
        "token": "deprecated",
        "team_id": "T1",
        "api_app_id": "A1",
        "type": "event_callback",
        "event_id": event_id,
        "event_time": 1760000000,
        "event": happened | fields,
        "authorizations": [
            {"enterprise_id": None, "team_id": "T1", "user_id": "UBOT", "is_bot": True, "is_enterprise_install": False}
        ],
        "is_ext_shared_channel": False,
    }


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer over the wire."""

    status: int
    headers: dict[str, str]
    body: bytes


class Wire:
    """One connection over which anything can be sent."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._writer.write(data)
        await self._writer.drain()

    async def post(
        self, body: bytes, headers: Iterable[tuple[str, str]], *, path: str = "/slack/events", method: str = "POST"
    ) -> Heard:
        """Send a request and return its answer."""
        await self.send(request(body, headers, path=path, method=method))
        return await self.answer()

    async def answer(self) -> Heard:
        """Read one answer. Raises `EOFError` (or a `ConnectionError`) when the connection ends before it is whole."""
        head = await self._reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
        body = await self._reader.readexactly(int(headers.get("content-length", "0")))
        return Heard(int(first.split(" ")[1]), headers, body)

    async def ended(self, *, within_s: float) -> bool:
        """Tell whether the other side closes the connection in time, whatever it says before."""
        try:
            async with asyncio.timeout(within_s):
                await self._reader.read()
        except TimeoutError:
            return False
        except ConnectionError:
            return True
        return True


def request(
    body: bytes, headers: Iterable[tuple[str, str]], *, path: str = "/slack/events", method: str = "POST"
) -> bytes:
    """Return the bytes of a request; the length is added unless it is given."""
    lines = [f"{method} {path} HTTP/1.1", "Host: bot.example"]
    given = list(headers)
    if not any(name.lower() in {"content-length", "transfer-encoding"} for name, _ in given):
        given.append(("Content-Length", str(len(body))))
    lines += [f"{name}: {value}" for name, value in given]
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + body


@asynccontextmanager
async def wire(port: int) -> AsyncIterator[Wire]:
    """Open a connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Wire(reader, writer)
    finally:
        writer.close()
