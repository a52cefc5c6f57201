"""Signed HTTP: the challenge, signatures that Bolt accepts, retries with their headers, and replays."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack.control import ControlError, SlackControl
from sandbox.slack.signed import EventHealth

SECRET = "made-up-signing-secret"


@dataclass
class Receiver:
    """A request URL that keeps what it got and answers as told."""

    url: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    redirect: bool = False
    got: list[tuple[dict[str, str], str]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.text()
        if request.content_type == "application/json" and "challenge" in body:
            return web.json_response({"challenge": (await request.json())["challenge"]})
        self.got.append(({key.lower(): value for key, value in request.headers.items()}, body))
        if self.redirect:
            raise web.HTTPTemporaryRedirect(self.url)
        await asyncio.sleep(self.delay_s)
        return web.Response(status=self.status, headers=self.headers)


async def serve(app: web.Application) -> tuple[web.AppRunner, str]:
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"


@pytest.fixture
async def receiver(control: SlackControl) -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/slack/events", receiver.handle)
    runner, receiver.url = await serve(app)
    await control.use_http(receiver.url, SECRET)
    yield receiver
    await runner.cleanup()


async def test_a_url_that_does_not_answer_the_challenge_is_refused(control: SlackControl) -> None:
    """Nothing is delivered to an address that is not the app's."""
    with pytest.raises(ControlError, match="challenge"):
        await control.use_http("http://127.0.0.1:9/slack/events", SECRET)


async def test_what_is_forged_is_signed_like_all_else(receiver: Receiver, control: SlackControl) -> None:
    """So that an app cannot tell by the signature."""
    assert (await control.forge({"type": "block_actions", "user": {"id": "U1"}, "actions": []})).ok
    headers, body = receiver.got[-1]
    made = SignatureVerifier(SECRET).generate_signature(timestamp=headers["x-slack-request-timestamp"], body=body)
    assert headers["x-slack-signature"] == made
    assert "block_actions" in body


async def test_requests_carry_a_valid_signature(receiver: Receiver, control: SlackControl, clock: Any) -> None:
    """The SDK's own verifier accepts it, at the workspace's time."""
    assert (await control.say("/rag status")).ok
    headers, body = receiver.got[-1]
    assert headers["x-slack-request-timestamp"] == str(int(clock.now))
    verifier = SignatureVerifier(SECRET)
    made = verifier.generate_signature(timestamp=headers["x-slack-request-timestamp"], body=body)
    assert made == headers["x-slack-signature"]
    assert "command=%2Frag" in body


async def test_a_failed_event_comes_again_with_its_reason(receiver: Receiver, control: SlackControl) -> None:
    """http_error, then one to three times more."""
    receiver.status = 500
    assert (await control.say("@rag hello")).acked is False
    await asyncio.sleep(0.1)
    receiver.status = 200
    await control.settle(quiet=0.3)
    retries = [(h.get("x-slack-retry-num"), h.get("x-slack-retry-reason")) for h, _ in receiver.got]
    assert retries[:2] == [(None, None), ("1", "http_error")]
    assert len({body for _, body in receiver.got}) == 1


async def test_no_retry_is_honoured(receiver: Receiver, control: SlackControl) -> None:
    """x-slack-no-retry on a refusal ends the matter."""
    receiver.status, receiver.headers = 500, {"x-slack-no-retry": "1"}
    await control.say("@rag hello")
    await asyncio.sleep(0.2)
    assert len(receiver.got) == 1


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [({"delay_s": 3.0}, "http_timeout"), ({"redirect": True}, "too_many_redirects")],
    ids=["slow", "redirects"],
)
async def test_each_failure_has_its_reason(
    trouble: dict[str, Any], reason: str, receiver: Receiver, control: SlackControl
) -> None:
    """A slow answer, a third redirect."""
    for name, value in trouble.items():
        setattr(receiver, name, value)
    await control.say("@rag hello")
    receiver.delay_s, receiver.redirect = 0.0, False
    await control.settle(quiet=0.3)
    assert reason in {headers.get("x-slack-retry-reason") for headers, _ in receiver.got}


async def test_a_replay_is_the_same_request(receiver: Receiver, control: SlackControl) -> None:
    """Body, timestamp and signature are as they were; a skewed clock shows in the timestamp."""
    await control.set_fault("clock_skew", method="slash_commands", seconds=-400)
    await control.say("/rag status")
    assert (await control.replay())["acked"]
    (one, body), (two, again) = receiver.got
    assert (one["x-slack-signature"], body) == (two["x-slack-signature"], again)
    assert int(one["x-slack-request-timestamp"]) == 1_800_000_000 - 400
    assert (await control.check_tls())["acked"]


@pytest.mark.parametrize(
    ("skew_s", "seen"),
    [(0, ""), (-400, '/rag failed with the error "dispatch_failed"')],
    ids=["on time", "too old"],
)
async def test_the_real_bolt_app_verifies_signed_commands(
    skew_s: int, seen: str, client: AsyncWebClient, control: SlackControl, clock: Any
) -> None:
    """Bolt checks signature and age by itself, against the real time, and answers in its reply."""
    clock.now = time.time()
    app = AsyncApp(client=client, signing_secret=SECRET)

    @app.command("/rag")
    async def command(ack: Any) -> None:
        await ack("pong")

    runner, url = await serve(app.web_app("/slack/events"))
    try:
        await control.use_http(url, SECRET)
        await control.set_fault("clock_skew", method="slash_commands", seconds=skew_s)
        said = await control.say("/rag ping")
    finally:
        await runner.cleanup()
    assert said.seen == seen
    assert said.answer.get("text") == (None if seen else "pong")


@pytest.mark.parametrize(
    ("events", "taken", "enabled"),
    [(1000, 50, True), (1000, 49, False), (999, 0, True)],
    ids=["95 % failed", "more than 95 % failed", "few events"],
)
def test_an_app_that_fails_for_an_hour_gets_no_more_events(events: int, taken: int, enabled: bool) -> None:
    """Subscriptions go off above 95 % failures, and apps with few events are exempt."""
    health = EventHealth()
    for number in range(events):
        health.record(float(number), taken=number < taken)
    assert health.enabled is enabled


def test_old_failures_are_forgotten() -> None:
    """Only the last hour counts."""
    health = EventHealth()
    for number in range(1500):
        health.record(number * 4.0, taken=False)
    assert health.enabled
