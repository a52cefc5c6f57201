"""What is written down before the acknowledgement, and what a person hears: the real Bolt app, without a socket."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from slack_bolt import BoltResponse
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.actions import NoParams, Query, Setting
from bot.domain.people import Permission
from bot.domain.requests import Request
from bot.domain.view import View
from bot.errors import DeliveryUnknown
from bot.main.clock import SystemClock
from bot.once import Once
from bot.ports import Sources
from bot.references import References
from bot.registry import Registry
from bot.service import Service
from bot.slack.buttons import encode_button
from bot.slack.inbound.app import Identity, Inbound, InboundEquipment
from bot.slack.inbound.keeping import ACCEPT_S
from bot.store.store import PostgresStore
from tests.support.service import ALL_VERBS, Stage, stage
from tests.support.surfaces import CountingMeter, RecordingSurfaces
from tests.support.twins import RecordingNotifier, TableDirectory
from tests.support.waiting import turns, until

IDENTITY = Identity(team_id="T1", bot_user_id="UBOT", bot_id="BBOT", token="xoxb-made-up")


@dataclass(slots=True)
class Door:
    """The app in front of a service, with what went out of it."""

    service: Service
    notifier: RecordingNotifier = field(default_factory=RecordingNotifier)
    surfaces: RecordingSurfaces = field(default_factory=RecordingSurfaces)
    directory: TableDirectory = field(default_factory=TableDirectory)
    meter: CountingMeter = field(default_factory=CountingMeter)
    once: Once | None = None
    woken: int = 0
    inbound: Inbound = field(init=False)
    app: AsyncApp = field(init=False)

    def __post_init__(self) -> None:
        self.inbound = Inbound(
            InboundEquipment(
                service=self.service,
                notifier=self.notifier,
                surfaces=self.surfaces,
                directory=self.directory,
                references=References(random.Random(3)),
                clock=SystemClock(),
                wake=self.wake,
                once=self.once,
                meter=self.meter,
            )
        )
        self.app = self.inbound.app(AsyncWebClient(token=IDENTITY.token), IDENTITY)

    def wake(self) -> None:
        self.woken += 1

    async def take(self, body: dict[str, Any], *, retry: int = 0) -> BoltResponse:
        """Let a payload in, and wait for what it causes."""
        headers: dict[str, str | Sequence[str]] = {"x-slack-retry-num": str(retry)} if retry else {}
        response = await self.app.async_dispatch(AsyncBoltRequest(mode="socket_mode", body=body, headers=headers))
        await turns()
        await self.inbound.drain(60)
        return response

    @property
    def said(self) -> list[str]:
        """What its person heard, in short."""
        return [view.summary for _, view, _ in self.notifier.replies]


def command(text: str, *, trigger: str = "1") -> dict[str, Any]:
    return {
        "command": "/rag",
        "text": text,
        "team_id": "T1",
        "user_id": "U-ann",
        "channel_id": "C1",
        "trigger_id": trigger,
        "response_url": "https://hooks.example/1",
        "token": "x",
        "api_app_id": "A1",
    }


def press(command_line: str, *, ephemeral: bool = True, action_id: str = "rag:0:0") -> dict[str, Any]:
    return {
        "type": "block_actions",
        "team": {"id": "T1"},
        "user": {"id": "U-ann", "team_id": "T1"},
        "channel": {"id": "C1"},
        "container": {"type": "message", "message_ts": "1.5", "channel_id": "C1", "is_ephemeral": ephemeral},
        "response_url": "https://hooks.example/2",
        "actions": [
            {
                "type": "button",
                "block_id": "b",
                "action_id": action_id,
                "action_ts": "9.9",
                "value": encode_button(command_line, replaces=True),
            }
        ],
    }


def mention(text: str, *, event_id: str = "Ev1") -> dict[str, Any]:
    return {
        "type": "event_callback",
        "team_id": "T1",
        "api_app_id": "A1",
        "event_id": event_id,
        "event": {"type": "app_mention", "user": "U-ann", "team": "T1", "channel": "C1", "ts": "17.5", "text": text},
    }


@pytest.fixture
def scene() -> Stage:
    return stage()


@pytest.fixture
def alone(scene: Stage) -> Door:
    """A door whose service has no store."""
    return Door(scene.service())


@pytest.fixture
def door(scene: Stage, store: PostgresStore) -> Door:
    return Door(scene.service(store))


async def test_a_read_is_answered_to_its_person(alone: Door) -> None:
    """Without a store, and without waking anybody."""
    response = await alone.take(command("status"))
    assert (response.status, alone.said, alone.woken) == (200, ["shop is healthy"], 0)


@pytest.mark.parametrize("ephemeral", [True, False])
async def test_a_press_replaces_only_what_its_person_alone_sees(alone: Door, *, ephemeral: bool) -> None:
    """A message that others see stays as it is."""
    await alone.take(press("status", ephemeral=ephemeral))
    [(_, view, replaces)] = alone.notifier.replies
    assert (view.summary, replaces) == ("shop is healthy", ephemeral)


async def test_what_must_be_kept_is_written_down_before_the_acknowledgement(door: Door, store: PostgresStore) -> None:
    """Then the worker is woken; the answer is its business."""
    response = await door.take(command("share status"))
    claimed = await store.inbox.claim(lease_s=10)
    assert claimed is not None
    assert claimed.request.text == "share status"
    assert (response.status, door.said, door.woken) == (200, [], 1)


@pytest.mark.parametrize(
    "body",
    [command("share status"), press("share status"), mention("<@UBOT> status")],
    ids=["command", "press", "mention"],
)
async def test_a_repeated_delivery_ends_at_the_door(door: Door, store: PostgresStore, body: dict[str, Any]) -> None:
    """It is acknowledged, so that it does not come a third time."""
    responses = [await door.take(body, retry=retry) for retry in (0, 1)]
    assert [response.status for response in responses] == [200, 200]
    assert door.woken == 1
    assert await store.inbox.claim(lease_s=10) is not None
    assert await store.inbox.claim(lease_s=10) is None


@pytest.mark.parametrize("body", [command("share status"), press("share status")], ids=["command", "press"])
async def test_what_could_not_be_written_down_is_said(alone: Door, body: dict[str, Any]) -> None:
    """And acknowledged: such a payload does not come again."""
    response = await alone.take(body)
    assert response.status == 200
    assert alone.said == ["There is no database here, so nothing can be kept."]
    assert alone.woken == 0


async def test_a_store_that_is_slow_is_one_that_is_away(scene: Stage, store: PostgresStore) -> None:
    """The platform does not wait; the person hears that it is not known whether the request was kept."""

    class Slow(Service):
        async def accept(self, request: Request) -> bool:  # noqa: ARG002  # as in the service
            await asyncio.sleep(ACCEPT_S + 5)
            return True

    door = Door(Slow(scene.service(store)._equipment))
    await door.take(command("share status"))
    assert door.said == [f"The database did not answer within {ACCEPT_S} s."]
    words = repr([view.blocks for _, view, _ in door.notifier.replies])
    assert "It may have been written down all the same: then it is still carried out." in words
    assert "Nothing was changed" not in words


async def test_a_read_by_mention_is_still_answered_without_a_store(alone: Door) -> None:
    """To its person alone, since for all it would have to be kept."""
    response = await alone.take(mention("<@UBOT> status"))
    assert response.status == 200
    await until(_of(lambda: alone.said), lambda said: said == ["shop is healthy"])
    assert "only you see this" in repr(alone.notifier.replies[0][1])


async def test_a_mention_that_must_be_kept_is_not_acknowledged_without_a_store(alone: Door) -> None:
    """It comes again and may be accepted then; its person is told once."""
    responses = [await alone.take(mention("<@UBOT> share status"), retry=retry) for retry in (0, 1, 2)]
    assert [response.status for response in responses] == [503, 503, 503]
    assert alone.said == ["There is no database here, so nothing can be kept."]


async def test_a_typing_error_is_answered_and_not_kept(door: Door, store: PostgresStore) -> None:
    """Whatever the surface."""
    await door.take(command("shrae status"))
    await door.take(mention("<@UBOT> stauts"))
    await until(_of(lambda: door.said), lambda said: len(said) == 2)
    assert door.said == ['There is no command "shrae".', 'There is no command "stauts".']
    assert await store.inbox.claim(lease_s=10) is None


async def test_a_bug_of_ours_is_answered_with_a_reference(scene: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """The door catches everything; the log has the whole story under the same reference."""

    async def observe(_: NoParams, __: Sources) -> None:
        raise KeyError("a bug")

    def render(_: NoParams, __: None, ___: Setting) -> View:
        raise AssertionError("never shown")

    broken: Query[NoParams, None] = Query(
        name="broken", summary="x", observe=observe, render=render, params=NoParams, permission=Permission.ANYONE
    )
    door = Door(scene.service(registry=Registry([*ALL_VERBS.all(), broken])))
    await door.take(command("broken"))
    assert door.said == ["Something in the bot itself went wrong."]
    [record] = [record for record in caplog.records if getattr(record, "event", "") == "request_broken"]
    assert record.exc_info
    assert getattr(record, "reference", "?") in repr(door.notifier.replies[0][1])


async def test_an_answer_that_is_lost_does_not_break_the_door(alone: Door, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged, and the next request is taken."""
    alone.notifier.reply_failure = DeliveryUnknown()
    assert (await alone.take(command("status"))).status == 200
    assert "an answer was not delivered" in caplog.text


@pytest.mark.parametrize(
    "body",
    [
        press("status", action_id="another:1"),
        {
            "type": "event_callback",
            "team_id": "T1",
            "event_id": "E2",
            "event": {"type": "team_join", "user": {"id": "U1"}},
        },
        {
            "type": "view_submission",
            "team": {"id": "T1"},
            "user": {"id": "U1"},
            "view": {"type": "modal", "callback_id": "x"},
        },
        {"type": "shortcut", "team": {"id": "T1"}, "user": {"id": "U1"}, "callback_id": "x"},
    ],
    ids=["a button of another app", "an event", "a modal", "a shortcut"],
)
async def test_what_is_not_ours_is_acknowledged_and_counted(alone: Door, body: dict[str, Any]) -> None:
    """Slack would repeat or report it otherwise."""
    response = await alone.take(body)
    await until(_of(lambda: alone.inbound.unhandled), lambda count: count == 1)
    assert (response.status, alone.said) == (200, [])


async def test_a_button_with_a_foreign_value_runs_nothing(alone: Door) -> None:
    """Even under our own name."""
    body = press("status")
    body["actions"][0]["value"] = "status"
    response = await alone.take(body)
    assert (response.status, alone.said) == (200, [])


async def test_the_end_waits_for_answers_but_not_for_ever(scene: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """A stuck read does not keep the program from ending."""
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def observe(_: NoParams, __: Sources) -> None:
        begun.set()
        await go_on.wait()

    def render(_: NoParams, __: None, ___: Setting) -> View:
        return View("done", ())

    slow: Query[NoParams, None] = Query(
        name="slow", summary="x", observe=observe, render=render, params=NoParams, permission=Permission.ANYONE
    )
    door = Door(scene.service(registry=Registry([slow])))
    request = AsyncBoltRequest(mode="socket_mode", body=command("slow"))
    taking = asyncio.ensure_future(door.app.async_dispatch(request))
    await begun.wait()
    await door.inbound.drain(0.01)
    assert "1 answers were not finished" in caplog.text
    go_on.set()
    await door.inbound.drain(60)
    assert door.said == ["done"]
    await taking


def _of(look: Any) -> Any:
    async def again() -> Any:
        return look()

    return again
