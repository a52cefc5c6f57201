"""What is thrown at the door: requests made from a seed, sound ones spoilt in every layer.

Two thirds were not signed by the platform: their headers, bodies or signatures are spoilt, or are garbage to begin
with. One third is signed correctly, over a body that is spoilt in its JSON, its form, or its bytes. A few are no HTTP.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlencode

from tests.support import signing

JSON = "application/json"
TEXTS = ("help", "whoami", "status", "status api", "logs api", "", "share status", "build", "payload {}", "<@U1> &amp;")
DEEP: Any = None
for _ in range(60):
    DEEP = [DEEP]
ODD: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2**70,
    1.5,
    "",
    " ",
    "\0",
    "\ud800",
    "x" * 3000,
    "😀",
    "U-ann",
    "rag:0:0",
    "rag_form",
    "form:",
    "<!channel>",
    "{}",
    "[]",
    "1",
    [],
    [None],
    [{}],
    ["a"],
    {},
    {"id": 1},
    {"id": "T1"},
    {"a": {"b": {}}},
    DEEP,
)
# Fields that listeners or their library read wherever they stand.
NAMES = (
    *("type", "id", "user", "team", "team_id", "user_id", "channel", "channel_id", "event", "event_id", "view", "hash"),
    *("actions", "action_id", "value", "message", "container", "state", "values", "authorizations", "enterprise"),
    *("enterprise_id", "is_ext_shared_channel", "trigger_id", "callback_id", "private_metadata", "response_urls"),
    *("selected_option", "subtype", "channel_type", "bot_id", "thread_ts", "ts", "text", "command", "payload"),
    *("function_data", "assistant_thread", "previous_message", "item", "subteam", "tab", "ssl_check", "challenge"),
)
CONTENT_TYPES = (
    signing.FORM,
    JSON,
    JSON + "; charset=utf-8",
    "text/plain",
    "",
    "application/x-www-form-urlencoded;",
    "é/",
)


@dataclass(frozen=True, slots=True)
class Input:
    """One request as it goes over the wire. `signed`: correctly, whatever is in it. `whole`: it is HTTP and ends."""

    kind: str
    data: bytes
    signed: bool = False
    whole: bool = True


def sound(chance: random.Random) -> tuple[str, dict[str, Any]]:
    """Return the content type and the content of a request as the platform sends it, each a new one."""
    mark = f"{chance.getrandbits(60):x}"
    payloads: tuple[Callable[[], dict[str, Any]], ...] = (
        lambda: signing.press(chance.choice(("1:status", "0:whoami", "", "x")), action_ts=f"9.{mark}"),
        lambda: signing.submission(view_id=f"V{mark}"),
        signing.shortcut,
        signing.message_shortcut,
        lambda: signing.event(event_id=f"Ev{mark}"),
        lambda: signing.event("message", event_id=f"Ev{mark}", channel_type="im"),
        lambda: signing.event("app_home_opened", event_id=f"Ev{mark}", tab="home"),
        lambda: signing.event("subteam_updated", event_id=f"Ev{mark}", subteam={"id": "S1"}),
        lambda: {"type": "url_verification", "challenge": mark},
    )
    if chance.random() < 0.3:
        return signing.FORM, dict(signing.command_fields(chance.choice(TEXTS), trigger=mark))
    payload = chance.choice(payloads)()
    return (JSON if payload["type"] in {"event_callback", "url_verification"} else "payload"), payload


class Spoiler:
    """Makes inputs from one source of chance."""

    def __init__(self, chance: random.Random, now: Callable[[], float]) -> None:
        self._chance = chance
        self._now = now

    def next(self) -> Input:
        """Return the next input."""
        dice = self._chance.random()
        if dice < 0.03:
            return self._no_http()
        return self._signed() if dice < 0.36 else self._unsigned()

    # --- bodies -------------------------------------------------------------------------------------------------------

    def _body(self) -> tuple[str, bytes]:
        kind, payload = sound(self._chance)
        if self._chance.random() < 0.8:
            payload = self._spoil_fields(payload)
        if kind == signing.FORM:
            body = self._form(payload)
        else:
            text = json.dumps(payload)
            body = text.encode() if kind == JSON else b"payload=" + quote_plus(text).encode()
        if self._chance.random() < 0.25:
            body = self._spoil_bytes(body)
        content_type = JSON if kind == JSON else signing.FORM
        return (self._chance.choice(CONTENT_TYPES) if self._chance.random() < 0.1 else content_type), body

    def _form(self, fields: dict[str, Any]) -> bytes:
        pairs = [(name, value if isinstance(value, str) else json.dumps(value)) for name, value in fields.items()]
        if self._chance.random() < 0.1:
            pairs += self._chance.sample(pairs, k=min(2, len(pairs)))
        return urlencode(pairs, errors="surrogatepass").encode()

    def _spoil_fields(self, payload: dict[str, Any]) -> dict[str, Any]:
        spoilt: dict[str, Any] = json.loads(json.dumps(payload))
        for _ in range(self._chance.choice((1, 1, 1, 2, 3))):
            inner: Any = spoilt
            for _ in range(self._chance.choice((0, 0, 1, 1, 2, 3, 5))):
                inner = self._step(inner)
            self._spoil_one(inner)
        return spoilt

    def _step(self, inner: Any) -> Any:
        """Go one step down, where there is one."""
        values = list(inner.values()) if isinstance(inner, dict) else inner
        below = [value for value in values if isinstance(value, dict | list) and value]
        return self._chance.choice(below) if below else inner

    def _spoil_one(self, inner: dict[str, Any] | list[Any]) -> None:
        odd = copy.deepcopy(self._chance.choice(ODD))
        if isinstance(inner, list):
            inner.insert(self._chance.randint(0, len(inner)), odd)
            return
        name = self._chance.choice(list(inner)) if inner and self._chance.random() < 0.7 else self._chance.choice(NAMES)
        match self._chance.randrange(4):
            case 0:
                inner.pop(name, None)
            case 1:
                inner[name] = [inner.get(name)]
            case _:
                inner[name] = odd

    def _spoil_bytes(self, body: bytes) -> bytes:
        kept = bytearray(body)
        for _ in range(self._chance.choice((1, 1, 2, 5))):
            at = self._chance.randint(0, len(kept))
            match self._chance.randrange(5):
                case 0:
                    del kept[at : at + self._chance.randint(1, 40)]
                case 1:
                    kept[at:at] = self._chance.randbytes(self._chance.randint(1, 8))
                case 2:
                    del kept[at:]
                case 3:
                    kept[at:at] = self._chance.choice(
                        (b"%", b"&", b"=", b'"', b"{", b"[" * 2000, b"\\ud800", b"%00", b"\xff")
                    )
                case _ if at < len(kept):
                    kept[at] ^= 1 << self._chance.randrange(8)
        return bytes(kept)

    # --- requests -----------------------------------------------------------------------------------------------------

    def _signed(self) -> Input:
        content_type, body = self._body()
        headers = signing.signed(body, self._now(), content_type=content_type)
        if self._chance.random() < 0.1:
            headers.append(("X-Slack-Retry-Num", self._chance.choice(("1", "3", "-1", "x", "9" * 30, "é"))))
            headers.append(("X-Slack-Retry-Reason", self._chance.choice(("http_timeout", "", "<b>"))))
        if self._chance.random() < 0.05:
            headers.append(("Content-Encoding", self._chance.choice(("gzip", "br", "identity", "deflate"))))
        return Input("signed", signing.request(body, headers), signed=True)

    def _unsigned(self) -> Input:
        content_type, body = self._body() if self._chance.random() < 0.7 else (signing.FORM, self._garbage())
        headers = signing.signed(
            body, self._now(), content_type=content_type, secret=self._chance.choice(("f" * 32, "x"))
        )
        match self._chance.randrange(8):
            case 0:  # an old or a future one, otherwise correct
                shift = self._chance.choice((-1, 1)) * self._chance.uniform(302, 10**6)
                headers = signing.signed(body, self._now() + shift, content_type=content_type)
            case 1:  # correct, of another body
                headers = signing.signed(body, self._now(), content_type=content_type)
                body += self._chance.choice((b" ", b"\n", b"&x=1", b"\0"))
            case 2:
                headers = [header for header in headers if self._chance.random() < 0.5]
            case 3:  # correct, and there twice or spoilt
                headers = signing.signed(body, self._now(), content_type=content_type)
                headers = self._spoil_headers(headers)
            case 4:
                headers = self._spoil_headers(headers)
            case _:
                pass
        path = "/slack/events" if self._chance.random() < 0.97 else self._chance.choice(("/", "/slack/events/", "/%00"))
        method = "POST" if self._chance.random() < 0.97 else self._chance.choice(("GET", "PUT", "HEAD", "OPTIONS"))
        return Input("unsigned", signing.request(body, headers, path=path, method=method))

    def _spoil_headers(self, headers: signing.Headers) -> signing.Headers:
        """Spoil one of the two that sign; the other stays."""
        name, value = headers[self._chance.choice((1, 2))]
        others = [header for header in headers if header[0] != name]
        match self._chance.randrange(4):
            case 0:
                return [*headers, (name, value)]
            case 1:
                return others
            case 2:
                at = self._chance.randrange(len(value))
                other = self._chance.choice([sign for sign in "0123456789abcdefGZ-é~" if sign != value[at]])
                return [*others, (name, value[:at] + other + value[at + 1 :])]
        return [
            *others,
            (name, self._chance.choice(("", "v0=", "v1=" + value[3:], "\udcff", "0x1", "9" * 4000, value * 2))),
        ]

    def _garbage(self) -> bytes:
        size = self._chance.choice((0, 1, 10, 200, 2000))
        return self._chance.choice(
            (self._chance.randbytes(size), b"[" * size, b"ssl_check=1&x=" + b"y" * size, b"%" * size)
        )

    def _no_http(self) -> Input:
        content_type, body = self._body()
        data = signing.request(body, signing.signed(body, self._now(), content_type=content_type, secret="x"))
        match self._chance.randrange(4):
            case 0:
                data = self._spoil_bytes(data)
            case 1:
                data = data[: self._chance.randrange(len(data))]
            case 2:
                data = self._chance.randbytes(self._chance.randint(1, 400))
            case _:
                old, new = self._chance.choice(
                    (
                        (b"Content-Length: ", b"Content-Length: -"),
                        (b"Content-Length: ", b"Transfer-Encoding: chunked\r\nContent-Length: "),
                        (b"HTTP/1.1", b"HTTP/7.7"),
                        (b"\r\n", b"\n"),
                        (b"Host: ", b"Upgrade: websocket\r\nConnection: Upgrade\r\nHost: "),
                        (b"Host: ", b"Expect: 100-continue\r\nHost: "),
                    )
                )
                data = data.replace(old, new, 1)
        return Input("no http", data, whole=False)


def inputs(count: int, seed: int, now: Callable[[], float]) -> Iterator[Input]:
    """Yield so many inputs; the same ones for the same seed and time."""
    spoiler = Spoiler(random.Random(seed), now)
    for _ in range(count):
        yield spoiler.next()
