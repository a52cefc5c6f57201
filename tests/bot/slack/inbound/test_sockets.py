"""Two sockets to the stand-in for the platform: one may die, both come back, and what no waiting mends is told."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import SettingsError
from bot.slack.inbound.line import Pace
from bot.slack.inbound.sockets import Sockets
from sandbox.slack.control import SlackControl
from sandbox.slack.delivery import Timing
from sandbox.slack.rates import RateLimits
from sandbox.slack.server import SlackServer
from sandbox.slack.world import demo_workspace
from tests.support.clocks import ShiftedClock
from tests.support.journal import Journal, journal
from tests.support.tcp_proxy import TcpProxy
from tests.support.waiting import until

QUICK = Pace(
    open_s=2.0, ping_s=0.1, silent_s=0.4, deaf_s=0.5, leave_s=1.0, steady_s=0.0, full_s=0.2, longest_s=0.2, drain_s=0.5
)


@dataclass(slots=True)
class Scene:
    """The stand-in, its wire, and a replica that counts what runs."""

    slack: SlackServer
    control: SlackControl
    proxy: TcpProxy
    clock: ShiftedClock
    client: AsyncWebClient
    sockets: Sockets
    journal: Journal
    ran: list[str] = field(default_factory=list)

    async def alive(self, count: int, *, within_s: float = 60.0) -> None:
        async def look() -> int:
            return self.sockets.state().alive

        await until(look, lambda alive: alive == count, within_s=within_s, every_s=0.01)

    async def open(self, count: int) -> None:
        async def look() -> int:
            return len(self.slack.hub.connections)

        await until(look, lambda found: found == count, every_s=0.01)

    async def why_deaf(self, *, within_s: float = 60.0) -> str:
        return await until(self.sockets.deaf, bool, within_s=within_s, every_s=0.01)


def app_that_counts(client: AsyncWebClient, ran: list[str]) -> AsyncApp:
    async def authorize(**_: Any) -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=None, team_id="T1", bot_user_id="UBOT", bot_token="xoxb-made-up")

    async def run(body: dict[str, Any], ack: Callable[..., Any]) -> None:
        text = str(body.get("text") or body.get("event", {}).get("type"))
        ran.append(text)
        if text == "break":
            raise RuntimeError("a bug")
        if text.startswith("wait "):
            await asyncio.sleep(float(text.removeprefix("wait ")))
        await ack("hello" if text == "say" else "")

    app = AsyncApp(client=client, authorize=authorize)
    app.command("/rag")(run)
    app.event(re.compile(".*"))(run)
    return app


@asynccontextmanager
async def scene(
    *, pace: Pace = QUICK, timing: Timing | None = None, token: str = "", rates: bool = False, starts: bool = True
) -> AsyncIterator[Scene]:
    timing = timing or Timing(ack_s=2.0, retry_s=(0.0, 0.2, 0.4), warning_s=0.5, grace_s=0.3)
    async with AsyncExitStack() as stack:
        slack = await stack.enter_async_context(
            SlackServer(demo_workspace(), timing=timing, rates=RateLimits(enabled=rates))
        )
        control = await stack.enter_async_context(SlackControl(slack.control_url))
        port = int(slack.origin.rpartition(":")[2])
        proxy = await stack.enter_async_context(TcpProxy("127.0.0.1", port).running())
        client = AsyncWebClient(
            token=slack.workspace.bot_token,
            base_url=f"http://127.0.0.1:{proxy.port}/api/",
            retry_handlers=[],
            timeout=2,
        )
        ran: list[str] = []
        clock = ShiftedClock(longest_s=5.0)
        sockets = Sockets(
            app_that_counts(client, ran),
            token or slack.workspace.app_token,
            clock=clock,
            chance=random.Random(11),
            pace=pace,
        )
        kept = stack.enter_context(journal())
        stack.push_async_callback(sockets.close)
        if starts:
            await sockets.connect()
        yield Scene(slack, control, proxy, clock, client, sockets, kept, ran)


@pytest.fixture
async def stage() -> AsyncIterator[Scene]:
    async with scene() as opened:
        await opened.alive(2)
        yield opened


async def test_a_replica_holds_two_connections_and_is_not_deaf(stage: Scene) -> None:
    assert len(stage.slack.hub.connections) == 2
    assert await stage.sockets.deaf() == ""
    assert (stage.sockets.state().alive, stage.sockets.state().problem) == (2, "")


async def test_commands_and_events_run_and_are_acknowledged(stage: Scene) -> None:
    said = [await stage.control.say("/rag say"), await stage.control.say("@rag status")]
    assert all(one.acked for one in said)
    assert said[0].answer["text"] == "hello"
    assert stage.ran == ["say", "app_mention"]


async def test_what_broke_is_not_acknowledged_and_harms_nothing_else(stage: Scene) -> None:
    assert not (await stage.control.say("/rag break")).acked
    assert (await stage.control.say("/rag status")).acked


async def test_when_one_connection_dies_the_other_answers(stage: Scene) -> None:
    """And the dead one is replaced."""
    await stage.slack.hub.disconnect_one("drop")
    assert (await stage.control.say("/rag status")).acked
    assert await stage.sockets.deaf() == ""
    await stage.open(2)
    await stage.alive(2)


async def test_when_both_die_both_come_back(stage: Scene) -> None:
    await stage.control.disconnect("drop")
    await stage.open(2)
    await stage.alive(2)
    assert (await stage.control.say("/rag status")).acked


async def test_an_event_that_nobody_could_take_comes_again(stage: Scene) -> None:
    await stage.control.disconnect("drop")
    await stage.control.say("@rag status")
    await until(_of(lambda: stage.ran), bool)


def _of(look: Callable[[], Any]) -> Callable[[], Any]:
    async def later() -> Any:
        return look()

    return later


async def test_after_a_warning_the_next_one_is_open_before_the_old_one_is_closed(stage: Scene) -> None:
    """Nothing is missed in between, and what the old one has under way is acknowledged over it."""
    old = stage.slack.hub.connections[0]
    pending = [asyncio.create_task(stage.control.say("/rag wait 0.3", user=user)) for user in ("ann", "bob", "vic")]
    await until(_of(lambda: stage.ran), lambda ran: len(ran) == 3, every_s=0.01)
    await stage.slack.hub.disconnect_one("warning")
    await stage.open(3)
    assert not old.socket.closed
    assert all(said.acked for said in await asyncio.gather(*pending))
    await stage.open(2)
    await stage.alive(2)
    assert old not in stage.slack.hub.connections


async def test_a_refresh_of_both_misses_nothing() -> None:
    """The platform warns, waits, and ends each connection every few hours; here every second."""
    timing = Timing(ack_s=5.0, life_s=1.0, warning_s=0.5, grace_s=0.3)
    async with scene(timing=timing) as stage:
        await stage.alive(2)
        for _ in range(30):
            assert (await stage.control.say("/rag status")).acked
            await asyncio.sleep(0.1)
        assert len(stage.ran) == 30


async def test_a_platform_that_falls_silent_is_noticed_and_found_again(stage: Scene) -> None:
    """Connections stay open and nothing comes: as when a host is frozen, or a firewall forgot them."""
    stage.proxy.freeze()
    assert "no connection to Slack is alive" in await stage.why_deaf()
    await stage.proxy.heal()
    await stage.alive(2)
    assert (await stage.control.say("/rag status")).acked


async def test_with_the_usual_pace_silence_is_noticed_within_half_a_minute() -> None:
    pace = Pace()
    assert pace.deaf_s <= 25
    assert pace.silent_s + pace.ping_s <= pace.deaf_s
    async with scene(pace=pace) as stage:
        await stage.alive(2)
        stage.proxy.freeze()
        stage.clock.shift(15.0)
        assert await stage.sockets.deaf() == ""
        stage.clock.shift(11.0)
        assert await stage.sockets.deaf() != ""
        await stage.proxy.heal()


async def test_a_broken_network_is_found_again(stage: Scene) -> None:
    await stage.proxy.cut()
    assert await stage.why_deaf() != ""
    await stage.proxy.heal()
    await stage.alive(2)
    assert (await stage.control.say("/rag status")).acked


async def test_the_bot_may_start_before_the_platform_answers() -> None:
    async with scene(starts=False) as stage:
        await stage.proxy.cut()
        starting = asyncio.create_task(stage.sockets.connect())
        await stage.journal.heard("slack_unavailable")
        assert not starting.done()
        await stage.proxy.heal()
        await starting
        assert await stage.sockets.deaf() == ""


@pytest.mark.parametrize("token", ["xapp-made-up", "xoxb-made-up"])
async def test_a_token_that_is_refused_is_told_at_the_start(token: str) -> None:
    async with scene(token=token, starts=False) as stage:
        with pytest.raises(SettingsError, match="SLACK_APP_TOKEN: Slack refuses it"):
            await stage.sockets.connect()


async def test_socket_mode_that_is_switched_off_is_told_at_the_start() -> None:
    async with scene(starts=False) as stage:
        stage.slack.hub.enabled = False
        with pytest.raises(SettingsError, match="Socket Mode is switched off"):
            await stage.sockets.connect()


async def test_socket_mode_that_is_switched_off_later_ends_all_and_is_told(stage: Scene) -> None:
    """It is not tried again and again: somebody decided so."""
    await stage.control.disconnect("link_disabled")
    assert "Socket Mode is switched off" in await stage.why_deaf()
    assert len(stage.journal.events("slack_refused")) == 1
    stage.slack.hub.enabled = True
    await asyncio.sleep(0.5)
    assert stage.slack.hub.connections == []


async def test_a_token_that_is_taken_away_later_is_told(stage: Scene) -> None:
    await stage.control.set_fault("error", method="apps.connections.open", times=None, error="token_revoked")
    await stage.control.disconnect("drop")
    await until(stage.sockets.deaf, lambda why: "Slack refuses it" in why)
    assert len(stage.journal.events("slack_refused")) == 1


async def test_without_room_for_both_one_serves_and_the_other_waits() -> None:
    """Ten connections of other replicas and of this one; when one of them goes, its place is taken."""
    async with scene(starts=False) as stage, aiohttp.ClientSession() as session, AsyncExitStack() as others:
        client = AsyncWebClient(base_url=stage.slack.base_url)
        for _ in range(9):
            answer = await client.apps_connections_open(app_token=stage.slack.workspace.app_token)
            socket = await others.enter_async_context(session.ws_connect(str(answer["url"])))
            assert (await socket.receive_json())["type"] == "hello"
        await stage.sockets.connect()
        await stage.journal.heard("slack_unavailable")
        assert (stage.sockets.state().alive, await stage.sockets.deaf()) == (1, "")
        assert "no further connection" in stage.sockets.state().problem
        await others.aclose()
        await stage.alive(2)


async def test_who_is_asked_to_wait_waits() -> None:
    """Addresses are asked for one after the other, and after a 429 as late as the platform says."""
    async with scene(starts=False, rates=True) as stage:
        await stage.control.set_fault("ratelimited", method="apps.connections.open", times=2, seconds=1)
        loop = asyncio.get_running_loop()
        began = loop.time()
        await stage.sockets.connect()
        assert loop.time() - began >= 2
        await stage.alive(2)
        assert stage.slack.rates.violations == 0


async def test_answers_under_way_are_acknowledged_when_the_bot_stops() -> None:
    async with scene() as stage:
        await stage.alive(2)
        pending = asyncio.create_task(stage.control.say("/rag wait 0.2"))
        await until(_of(lambda: stage.ran), bool, every_s=0.01)
        await stage.sockets.close()
        assert (await pending).acked
        assert stage.slack.hub.connections == []
        assert await stage.sockets.deaf() != ""


@pytest.mark.parametrize(
    ("content_type", "status", "body"),
    [
        ("text/plain", 503, "upstream connect error"),
        ("application/json", 200, '{"ok": tr'),
        ("application/json", 200, '["no object"]'),
        ("application/json", 200, '{"ok": true}'),
        ("text/html", 502, "<html>Bad Gateway</html>"),
    ],
    ids=["a proxy's words", "cut off", "no object", "no address", "a proxy's page"],
)
async def test_an_answer_of_something_that_is_not_the_platform_is_no_end(
    content_type: str, status: int, body: str
) -> None:
    """A proxy between us may say anything; the connection is tried again, at the start and later."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, text=body, content_type=content_type)

    proxy = web.Application()
    proxy.router.add_route("*", "/{path:.*}", answer)
    async with scene(starts=False) as stage, TestServer(proxy) as odd:
        client, usual = stage.client, stage.client.base_url
        client.base_url = str(odd.make_url("/api/"))
        starting = asyncio.create_task(stage.sockets.connect())
        await stage.journal.heard("slack_unavailable")
        client.base_url = usual
        await starting
        await stage.alive(2)
        client.base_url = str(odd.make_url("/api/"))
        await stage.control.disconnect("drop")
        await until(_of(lambda: stage.journal.events("slack_unavailable")), lambda told: len(told) >= 3, every_s=0.01)
        client.base_url = usual
        await stage.alive(2)
        assert (await stage.control.say("/rag status")).acked
