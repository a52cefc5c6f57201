"""The bytes of a signed request -> the payload that is in them, or why there is none. Pure.

It is parsed once, here, and what Bolt is handed is the result: Bolt's own reading of a form drops every command whose
text happens to contain the word `payload`, and fails on what is not UTF-8 or no JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import parse_qsl

from bot.slack.inbound.shapes import COMMAND, EVENT, INTERACTIONS

JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"
# Payloads nest a message's blocks and a view's state: about ten deep.
DEEPEST: Final = 50
MOST_FIELDS: Final = 100
_LONGEST_CHALLENGE: Final = 1000
# What a payload is called where it is counted.
SURFACES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "block_actions": "button",
        "block_suggestion": "options",
        "message_action": "shortcut",
        "shortcut": "shortcut",
        "view_closed": "form",
        "view_submission": "form",
    }
)


class Malformed(Exception):
    """What was signed cannot be understood. `status` is 400, or 415 when it is of no type that the platform sends."""

    def __init__(self, why: str, *, status: int = 400) -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True, slots=True)
class Body:
    """A well-formed payload; `surface` is what it is called where it is counted."""

    surface: str
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Check:
    """Something the platform asks of the address itself: nothing runs, `answer` is all it wants (empty: a mere 200)."""

    kind: str
    answer: str = ""


def parse(body: bytes, content_type: str, content_encoding: str = "") -> Body | Check:
    """Read the body of a request whose signature is good. Raises `Malformed`."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in {JSON, FORM} or content_encoding.strip().lower() not in {"", "identity"}:
        raise Malformed("neither plain JSON nor a plain form", status=415)
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise Malformed("not UTF-8") from None
    return _event(_object(text)) if kind == JSON else _form(text)


def is_tls_check(body: bytes) -> bool:
    """Tell whether this is the platform's look at our certificate, which it may send unsigned: two fields, no more."""
    fields = body.split(b"&")
    return b"ssl_check=1" in fields and all(field.startswith((b"ssl_check=", b"token=")) for field in fields)


def _form(text: str) -> Body | Check:
    fields = _fields(text)
    if fields.get("ssl_check") == "1":
        return Check("ssl_check")
    if "command" in fields:
        _must_fit(COMMAND(fields))
        return Body("command", dict(fields))
    if "payload" not in fields:
        raise Malformed("a form without a command and without a payload")
    payload = _object(fields["payload"])
    kind = payload.get("type")
    if not isinstance(kind, str) or kind not in INTERACTIONS:
        return Check("unknown")
    _must_fit(INTERACTIONS[kind](payload))
    return Body(SURFACES[kind], payload)


def _fields(text: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            text, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=MOST_FIELDS
        )
    except ValueError:  # UnicodeDecodeError is one
        raise Malformed("not a form") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise Malformed("a field is there twice")
    _must_be_sound(fields)
    return fields


def _event(payload: dict[str, Any]) -> Body | Check:
    kind = payload.get("type")
    if kind == "url_verification":
        challenge = payload.get("challenge")
        if not isinstance(challenge, str) or not challenge.isprintable() or len(challenge) > _LONGEST_CHALLENGE:
            raise Malformed("the challenge is no short text")
        return Check("url_verification", challenge)
    if kind == "app_rate_limited":
        return Check("app_rate_limited")
    if kind != "event_callback":
        raise Malformed("neither an event nor a check")
    _must_fit(EVENT(payload))
    return Body("event", payload)


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):  # not JSON, a number of thousands of digits, nested without end
        raise Malformed("not JSON") from None
    if not isinstance(found, dict):
        raise Malformed("no JSON object")
    _must_be_sound(found)
    return without_nulls(found)


def without_nulls(payload: dict[str, Any]) -> dict[str, Any]:
    """Return a payload in which what is `null` is absent: the platform uses both, and they mean the same."""
    return {name: _without_nulls(value) for name, value in payload.items() if value is not None}


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return without_nulls(value)
    return [_without_nulls(inner) for inner in value] if isinstance(value, list) else value


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _must_fit(fault: str) -> None:
    if fault:
        raise Malformed(f"the payload{fault}")


def _must_be_sound(value: Any, depth: int = 0) -> None:
    """Refuse what no database and no encoder takes: NUL, halves of characters, nesting without end."""
    if depth > DEEPEST:
        raise Malformed("nested too deep")
    if isinstance(value, str):
        if "\0" in value or not _encodable(value):
            raise Malformed("a text that cannot be kept")
    elif isinstance(value, dict):
        for name, inner in value.items():
            _must_be_sound(name, depth + 1)
            _must_be_sound(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _must_be_sound(inner, depth + 1)


def _encodable(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
