"""The real Bolt app over real Socket Mode, with nothing but a base_url that differs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack.control import SlackControl
from sandbox.slack.world import Workspace

BUTTON = {"type": "button", "action_id": "again", "text": {"type": "plain_text", "text": "Again"}, "value": "v1"}
BLOCKS = [
    {"type": "section", "text": {"type": "mrkdwn", "text": "pong"}},
    {"type": "actions", "elements": [BUTTON]},
]
FORM = {
    "type": "modal",
    "callback_id": "form",
    "title": {"type": "plain_text", "text": "Why?"},
    "submit": {"type": "plain_text", "text": "Send"},
    "blocks": [
        {
            "type": "input",
            "block_id": "reason",
            "label": {"type": "plain_text", "text": "Reason"},
            "element": {"type": "plain_text_input", "action_id": "text", "min_length": 3},
        }
    ],
}


def listeners(app: AsyncApp) -> None:
    @app.command("/rag")
    async def command(ack: Any, respond: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        if body["text"] == "form":
            await client.views_open(trigger_id=body["trigger_id"], view=FORM)
        else:
            await respond(text="pong", blocks=BLOCKS)

    @app.action("again")
    async def again(ack: Any, respond: Any, body: dict[str, Any]) -> None:
        await ack()
        await respond(text=f"{body['actions'][0]['value']} by <@{body['user']['id']}>", replace_original=True)

    @app.event("app_mention")
    async def mention(event: dict[str, Any], client: AsyncWebClient) -> None:
        await client.chat_postMessage(channel=event["channel"], text="here", thread_ts=event["ts"])

    @app.view("form")
    async def form(ack: Any, view: dict[str, Any]) -> None:
        said = view["state"]["values"]["reason"]["text"]["value"]
        if said == "nope":
            await ack(response_action="errors", errors={"reason": "Not a reason"})
        else:
            await ack()


@pytest.fixture
async def bot(client: AsyncWebClient, world: Workspace, control: SlackControl) -> AsyncIterator[AsyncApp]:
    app = AsyncApp(client=client, process_before_response=False)
    listeners(app)
    handler = AsyncSocketModeHandler(app, world.app_token)
    await handler.connect_async()  # type: ignore[no-untyped-call]  # slack_bolt leaves it untyped
    assert await control.connected()
    yield app
    await handler.close_async()  # type: ignore[no-untyped-call]  # see above


@pytest.mark.usefixtures("bot")
async def test_a_command_is_acked_and_answered_privately(control: SlackControl) -> None:
    """A private answer by response_url is seen by the asker only."""
    said = await control.say("/rag status")
    await control.settle(quiet=0.1)
    assert said.ok
    assert said.ack_ms is not None
    [answer] = await control.read(user="ann")
    assert (answer.text, answer.buttons, answer.ephemeral) == ("pong\n[Again]", ["Again"], True)
    assert await control.read(user="bob") == []


@pytest.mark.usefixtures("bot")
async def test_a_press_replaces_the_private_answer(control: SlackControl) -> None:
    """replace_original is the only way to change an ephemeral message, and it works."""
    await control.say("/rag status")
    await control.settle(quiet=0.1)
    pressed = await control.press("Again", user="ann")
    await control.settle(quiet=0.1)
    assert pressed.ok
    [answer] = await control.read(user="ann")
    assert (answer.text, answer.edits) == ("v1 by @ann", 1)


@pytest.mark.usefixtures("bot")
async def test_a_mention_is_answered_in_its_thread(control: SlackControl) -> None:
    """app_mention carries the ts that makes a thread."""
    said = await control.say("@rag are you there?")
    await control.settle(quiet=0.1)
    assert said.ts is not None
    question, answer = await control.read(thread=said.ts)
    assert question.text == "@rag are you there?"
    assert (answer.text, answer.author) == ("here", "rag")


@pytest.mark.usefixtures("bot")
async def test_a_modal_is_opened_refused_and_submitted(control: SlackControl) -> None:
    """The client checks lengths itself, the app's errors come back by block, and an empty ack closes."""
    await control.say("/rag form")
    await control.settle(quiet=0.1)
    view = await control.view("ann")
    assert view is not None
    assert view.text.splitlines()[0] == "== Why? =="
    assert (await control.view_submit({}, user="ann")).errors == {"reason": "Please complete this required field."}
    assert (await control.view_submit({"Reason": "no"}, user="ann")).errors == {
        "reason": "Must be at least 3 characters."
    }
    assert (await control.view_submit({"reason": "nope"}, user="ann")).errors == {"reason": "Not a reason"}
    assert (await control.view_submit({"text": "500s since 14:02"}, user="ann")).closed
    assert await control.view("ann") is None


@pytest.mark.usefixtures("bot")
async def test_a_refreshed_connection_comes_back(control: SlackControl) -> None:
    """After refresh_requested the SDK asks for a new address and goes on."""
    await control.disconnect("refresh_requested")
    assert await control.connected()
    assert (await control.say("/rag status")).ok
