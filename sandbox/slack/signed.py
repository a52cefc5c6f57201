"""Delivery over signed HTTP, for an app that has a request URL instead of Socket Mode."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import ClientConnectionError, ClientError, ClientResponse, ClientSession, TooManyRedirects

from sandbox.slack.delivery import Delivery, Retry, Timing
from sandbox.slack.errors import Impossible
from sandbox.slack.faults import Faults, Kind
from sandbox.slack.records import Json
from sandbox.slack.world import Workspace

_FORM: Final = "application/x-www-form-urlencoded"
_REDIRECTS: Final = 2
_HEALTH_WINDOW_S: Final = 3600.0
_HEALTH_LEAST: Final = 1000
_HEALTH_SHARE: Final = 0.95


@dataclass(frozen=True, slots=True)
class Signed:
    """One request as it went out; whoever has it can send it again."""

    body: bytes
    headers: dict[str, str]


@dataclass(slots=True)
class EventHealth:
    """How the app's request URL fares with events; one that fails for an hour gets none any more."""

    enabled: bool = True
    _outcomes: deque[tuple[float, bool]] = field(default_factory=deque)

    def record(self, now: float, *, taken: bool) -> None:
        """Count one event; switch subscriptions off above 95 % failures, unless the app has few events."""
        self._outcomes.append((now, taken))
        while now - self._outcomes[0][0] > _HEALTH_WINDOW_S:
            self._outcomes.popleft()
        failed = sum(1 for _, good in self._outcomes if not good)
        if len(self._outcomes) >= _HEALTH_LEAST and failed > _HEALTH_SHARE * len(self._outcomes):
            self.enabled = False


@dataclass(slots=True)
class SignedHttp:
    """Post every delivery to the app's request URL, signed with its secret."""

    world: Workspace
    faults: Faults
    timing: Timing
    session: ClientSession
    url: str
    signing_secret: str
    sent: list[Signed] = field(default_factory=list)
    health: EventHealth = field(default_factory=EventHealth)

    async def send(self, kind: str, payload: Json, retry: Retry) -> Delivery:
        """Carry one delivery; a 2xx within three seconds is the ack."""
        is_event = kind == "events_api"
        if is_event and not self.health.enabled:
            return Delivery(acked=False, reason="subscriptions_off", no_retry=True)
        body, content_type = _encode(kind, payload)
        skew = self.faults.take(kind, Kind.CLOCK_SKEW)
        request = self._sign(body, content_type, skew.seconds if skew else 0.0)
        if retry.attempt:
            request.headers["x-slack-retry-num"] = str(retry.attempt)
            request.headers["x-slack-retry-reason"] = retry.reason
        self.sent.append(request)
        delivery = await self._post(request)
        if is_event:
            self.health.record(self.world.clock(), taken=delivery.acked)
        return delivery

    async def replay(self) -> Delivery:
        """Send the last request again, byte for byte, as somebody would who has read it."""
        if not self.sent:
            raise Impossible("nothing was sent yet")
        return await self._post(self.sent[-1])

    async def verify_url(self) -> None:
        """Ask the app to prove that the URL is its own; raise Impossible when it does not echo the challenge."""
        challenge = self.world.ids.secret()
        body = json.dumps({"type": "url_verification", "token": "deprecated", "challenge": challenge}).encode()
        delivery = await self._post(self._sign(body, "application/json", 0.0))
        answered = delivery.payload.get("challenge") if isinstance(delivery.payload, dict) else delivery.payload
        if answered != challenge:
            raise Impossible(f"{self.url} did not answer the challenge ({delivery.reason or 'wrong answer'})")

    async def check_tls(self) -> Delivery:
        """Ask for a mere 200, as Slack does now and then."""
        return await self._post(Signed(b"ssl_check=1&token=deprecated", {"Content-Type": _FORM}))

    def _sign(self, body: bytes, content_type: str, skew_s: float) -> Signed:
        timestamp = str(int(self.world.clock() + skew_s))
        base = b"v0:" + timestamp.encode() + b":" + body
        digest = hmac.new(self.signing_secret.encode(), base, hashlib.sha256).hexdigest()
        headers = {"Content-Type": content_type, "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)"}
        headers |= {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": f"v0={digest}"}
        return Signed(body, headers)

    async def _post(self, request: Signed) -> Delivery:
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with (
                asyncio.timeout(self.timing.ack_s),
                self.session.post(
                    self.url, data=request.body, headers=request.headers, max_redirects=_REDIRECTS
                ) as response,
            ):
                return await _outcome(response, loop.time() - began)
        except TimeoutError:
            return Delivery(acked=False, latency_s=loop.time() - began, reason="http_timeout")
        except TooManyRedirects:
            return Delivery(acked=False, reason="too_many_redirects")
        except ClientConnectionError:
            return Delivery(acked=False, reason="connection_failed")
        except ClientError:
            return Delivery(acked=False, reason="unknown_error")


async def _outcome(response: ClientResponse, latency_s: float) -> Delivery:
    if not 200 <= response.status < 300:
        no_retry = response.headers.get("x-slack-no-retry") == "1"
        return Delivery(acked=False, latency_s=latency_s, reason="http_error", no_retry=no_retry)
    text = await response.text()
    return Delivery(acked=True, latency_s=latency_s, payload=_answer(text, response.content_type))


def _answer(text: str, content_type: str) -> Any:
    if not text.strip():
        return None
    if content_type != "application/json":
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _encode(kind: str, payload: Json) -> tuple[bytes, str]:
    if kind == "events_api":
        return json.dumps(payload).encode(), "application/json"
    fields = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
    return urlencode(fields).encode(), _FORM
