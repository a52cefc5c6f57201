"""Commands, presses, triggers, response_urls and modals, against a hand-written app on a raw socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack.control import ControlError, SlackControl
from sandbox.slack.world import Workspace

APPROVE = {"type": "button", "action_id": "approve", "text": {"type": "plain_text", "text": "Approve"}, "value": "op1"}
PICK = {
    "type": "static_select",
    "action_id": "pick",
    "placeholder": {"type": "plain_text", "text": "Pod"},
    "options": [{"text": {"type": "plain_text", "text": f"api-{n}"}, "value": f"v{n}"} for n in (1, 2)],
}
CARD = [{"type": "actions", "elements": [APPROVE, PICK]}]
DONE = [{"type": "section", "text": {"type": "mrkdwn", "text": "done"}}]
FORM = {
    "type": "modal",
    "title": {"type": "plain_text", "text": "Why?"},
    "submit": {"type": "plain_text", "text": "Send"},
    "notify_on_close": True,
    "blocks": [
        {
            "type": "input",
            "block_id": "reason",
            "label": {"type": "plain_text", "text": "Reason"},
            "element": {"type": "plain_text_input", "action_id": "text"},
        }
    ],
}


@dataclass
class App:
    """An app that acks everything with what ``answer`` holds, and keeps what it got."""

    socket: aiohttp.ClientWebSocketResponse
    answer: dict[str, Any] | None = None
    silent: bool = False
    got: list[dict[str, Any]] = field(default_factory=list)

    async def run(self) -> None:
        async for message in self.socket:
            envelope = message.json()
            if "envelope_id" not in envelope:
                continue
            self.got.append(envelope)
            if not self.silent:
                payload = {} if self.answer is None else {"payload": self.answer}
                await self.socket.send_json({"envelope_id": envelope["envelope_id"], **payload})

    @property
    def last(self) -> dict[str, Any]:
        return dict(self.got[-1]["payload"])


@pytest.fixture
async def app(client: AsyncWebClient, world: Workspace) -> AsyncIterator[App]:
    url = (await client.apps_connections_open(app_token=world.app_token))["url"]
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        assert (await socket.receive_json())["type"] == "hello"
        running = App(socket)
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(running.run())
            yield running
            task.cancel()


async def post(url: str, body: dict[str, Any]) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.post(url, json=body) as response:
        return response.status, await response.text()


async def test_a_command_carries_ids_for_names(app: App, control: SlackControl, world: Workspace) -> None:
    """should_escape turns names into ids, and the payload knows of no thread."""
    await control.say("/rag approve @bob #general @rag-leads a<b")
    ann, bob, general = world.users["ann"], world.users["bob"], world.channels["general"]
    leads = world.groups["rag-leads"].id
    assert app.last["text"] == f"approve <@{bob.id}|bob> <#{general.id}|general> <!subteam^{leads}|@rag-leads> a&lt;b"
    assert (app.last["user_id"], app.last["command"], app.last["team_id"]) == (ann.id, "/rag", world.team_id)
    assert "thread_ts" not in app.last


async def test_slack_refuses_commands_in_threads_and_from_outside(app: App, control: SlackControl) -> None:
    """The app never hears of them."""
    said = await control.say("hello")
    assert (await control.say("/rag status", thread=said.ts)).seen == "/rag is not supported in threads. Sorry!"
    assert (await control.say("/rag status", user="vic", channel="leads")).seen == "You are not in #leads"
    assert not (await control.say("/other")).ok
    assert app.got == []


async def test_a_deactivated_person_cannot_act(control: SlackControl) -> None:
    """dora is gone."""
    with pytest.raises(ControlError, match="deactivated"):
        await control.say("/rag status", user="dora")


async def test_an_answer_inside_the_ack_is_private_by_default(app: App, control: SlackControl) -> None:
    """response_type decides who sees it."""
    app.answer = {"text": "for you"}
    said = await control.say("/rag status")
    assert said.answer["text"] == "for you"
    app.answer = {"text": "for all", "response_type": "in_channel"}
    await control.say("/rag status")
    assert [m.text for m in await control.read(user="ann")] == ["for you", "for all"]
    assert [m.text for m in await control.read(user="bob")] == ["for all"]


async def test_an_answer_that_breaks_the_rules_is_an_error_for_the_person(app: App, control: SlackControl) -> None:
    """Blocks are checked inside an ack as well."""
    app.answer = {"blocks": [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}]}
    said = await control.say("/rag status")
    assert said.seen == '/rag failed with the error "invalid_command_response"'
    assert said.reason["error"] == "invalid_blocks"


async def test_a_missed_ack_is_a_timeout_for_the_person(app: App, control: SlackControl) -> None:
    """A naive bot that does not ack is seen to fail, although it may go on working."""
    app.silent = True
    said = await control.say("/rag status")
    assert (said.ok, said.seen) == (False, '/rag failed with the error "operation_timeout"')
    assert (await control.state())["unacked"] == 1


async def test_without_an_app_a_command_cannot_be_dispatched(control: SlackControl) -> None:
    """Nobody is connected."""
    assert (await control.say("/rag status")).seen == '/rag failed with the error "dispatch_failed"'


async def test_a_response_url_is_good_for_five_posts(app: App, control: SlackControl) -> None:
    """The sixth is refused."""
    await control.say("/rag status")
    url = app.last["response_url"]
    assert [await post(url, {"text": "x"}) for _ in range(5)] == [(200, "ok")] * 5
    status, body = await post(url, {"text": "x"})
    assert (status, "used_url" in body) == (404, True)
    assert len(await control.read(user="ann")) == 5


async def test_a_response_url_is_good_for_half_an_hour(app: App, control: SlackControl, clock: Any) -> None:
    """After that it is expired."""
    await control.say("/rag status")
    clock.now += 1800
    assert (await post(app.last["response_url"], {"text": "x"}))[0] == 200
    clock.now += 1
    status, body = await post(app.last["response_url"], {"text": "x"})
    assert (status, "expired_url" in body) == (404, True)


async def test_a_response_url_checks_what_it_is_sent(app: App, control: SlackControl) -> None:
    """No text is no answer."""
    await control.say("/rag status")
    status, body = await post(app.last["response_url"], {"text": ""})
    assert (status, "no_text" in body) == (400, True)


async def test_a_response_url_deletes_and_replaces_a_private_message(
    app: App, client: AsyncWebClient, control: SlackControl, world: Workspace
) -> None:
    """The only way to change an ephemeral message."""
    ops, ann = world.channels["ops"].id, world.users["ann"].id
    await client.chat_postEphemeral(channel=ops, user=ann, text="card", blocks=CARD)
    await control.press("Approve", user="ann")
    assert app.last["container"]["is_ephemeral"]
    assert "message" not in app.last
    await post(app.last["response_url"], {"text": "sure?", "blocks": CARD, "replace_original": True})
    assert [m.edits for m in await control.read(user="ann")] == [1]
    await post(app.last["response_url"], {"delete_original": True})
    assert await control.read(user="ann") == []


@pytest.mark.usefixtures("app")
async def test_a_trigger_works_once_within_three_seconds(
    client: AsyncWebClient, control: SlackControl, clock: Any
) -> None:
    """expired, exchanged and invalid are told apart."""

    async def opening(trigger: str) -> str:
        try:
            await client.views_open(trigger_id=trigger, view=FORM)
        except SlackApiError as error:
            return str(error.response["error"])
        return "ok"

    first = (await control.say("/rag form")).trigger_id or ""
    clock.now += 3
    assert [await opening(first), await opening(first)] == ["ok", "exchanged_trigger_id"]
    late = (await control.say("/rag form")).trigger_id or ""
    clock.now += 3.1
    assert await opening(late) == "expired_trigger_id"
    assert await opening("1.2.abc") == "invalid_trigger_id"


async def test_a_press_sends_what_the_message_shows(
    app: App, client: AsyncWebClient, control: SlackControl, world: Workspace
) -> None:
    """block_actions carries container, message, action, and a response_url."""
    ts = (await client.chat_postMessage(channel=world.channels["ops"].id, text="card", blocks=CARD))["ts"]
    pressed = await control.press("Approve", user="bob")
    assert pressed.ok
    assert app.last["type"] == "block_actions"
    assert app.last["user"] == {"id": world.users["bob"].id, "username": "bob", "name": "bob", "team_id": world.team_id}
    assert app.last["container"]["message_ts"] == ts
    action = app.last["actions"][0]
    assert (action["action_id"], action["value"], action["type"]) == ("approve", "op1", "button")
    assert action["block_id"] == app.last["message"]["blocks"][0]["block_id"]


async def test_a_select_sends_the_chosen_option(
    app: App, client: AsyncWebClient, control: SlackControl, world: Workspace
) -> None:
    """Found by its placeholder, chosen by text or value."""
    await client.chat_postMessage(channel=world.channels["ops"].id, text="card", blocks=CARD)
    await control.press("Pod", user="bob", value="api-2")
    assert app.last["actions"][0]["selected_option"]["value"] == "v2"
    with pytest.raises(ControlError, match="no option"):
        await control.press("Pod", user="bob", value="api-3")


async def test_an_external_select_asks_the_app_for_its_options(
    app: App, client: AsyncWebClient, control: SlackControl, world: Workspace
) -> None:
    """block_suggestion first, then the choice among what the app offered."""
    select = {"type": "external_select", "action_id": "pod", "placeholder": PICK["placeholder"]}
    blocks = [{"type": "actions", "elements": [select]}]
    await client.chat_postMessage(channel=world.channels["ops"].id, text="card", blocks=blocks)
    app.answer = {"options": PICK["options"]}
    await control.press("Pod", user="bob", value="api-2")
    assert [envelope["payload"]["type"] for envelope in app.got] == ["block_suggestion", "block_actions"]
    assert app.last["actions"][0]["selected_option"]["value"] == "v2"
    app.answer = {}
    with pytest.raises(ControlError, match="no options"):
        await control.press("Pod", user="bob", value="api-2")


async def test_an_external_select_in_a_modal_is_filled_in_too(
    app: App, client: AsyncWebClient, control: SlackControl
) -> None:
    """The options come from the app before the submission goes out."""
    select = {"type": "external_select", "action_id": "pod", "placeholder": PICK["placeholder"]}
    field_block = {
        "type": "input",
        "block_id": "pod",
        "label": {"type": "plain_text", "text": "Pod"},
        "element": select,
    }
    trigger = (await control.say("/rag form")).trigger_id or ""
    await client.views_open(trigger_id=trigger, view={**FORM, "blocks": [field_block]})
    app.answer = {"options": PICK["options"]}
    await control.view_submit({"Pod": "api-1"}, user="ann")
    assert app.got[1]["payload"]["type"] == "block_suggestion"
    assert app.last["view"]["state"]["values"]["pod"]["pod"]["selected_option"]["value"] == "v1"


async def test_a_stale_client_presses_a_button_that_is_gone(
    app: App, client: AsyncWebClient, control: SlackControl, world: Workspace
) -> None:
    """An older revision is sent as that client still shows it."""
    ops = world.channels["ops"].id
    ts = (await client.chat_postMessage(channel=ops, text="card", blocks=CARD))["ts"]
    await client.chat_update(channel=ops, ts=ts, text="done", blocks=DONE, parse="none")
    with pytest.raises(ControlError, match="nothing to press"):
        await control.press("Approve", user="bob")
    assert (await control.press("Approve", user="bob", revision=0)).ok
    assert app.last["message"]["text"] == "card"
    await client.chat_delete(channel=ops, ts=ts)
    assert (await control.press("Approve", user="bob", message=ts, revision=0)).ok


async def test_a_press_can_be_aimed_and_sent_later_or_changed(
    app: App, client: AsyncWebClient, control: SlackControl, world: Workspace
) -> None:
    """Two at the same instant; a value copied to another channel; another person's name in it: all are delivered."""
    await client.chat_postMessage(channel=world.channels["ops"].id, text="card", blocks=CARD)
    aimed = [await control.aim("Approve", user=user, channel="ops") for user in ("bob", "lea")]
    assert app.got == []
    forged = await asyncio.gather(*(control.forge(one.payload) for one in aimed))
    assert all(one.acked for one in forged)
    assert [envelope["payload"]["user"]["name"] for envelope in app.got] == ["bob", "lea"]
    general = world.channels["general"].id
    copied = aimed[0].payload | {"channel": {"id": general, "name": "general"}, "user": aimed[1].payload["user"]}
    assert (await control.forge(copied)).ok
    assert (app.last["channel"]["id"], app.last["user"]["name"]) == (general, "lea")


async def test_what_an_app_answers_a_forged_payload_is_told(app: App, control: SlackControl) -> None:
    """So that it is seen what it would have shown."""
    app.answer = {"response_action": "clear"}
    assert (await control.forge({"type": "view_submission", "view": {"id": "V1"}})).answer == app.answer


SURE = {
    "title": {"type": "plain_text", "text": "Approve?"},
    "text": {"type": "plain_text", "text": "v1.2 → v1.1"},
    "confirm": {"type": "plain_text", "text": "Approve it"},
    "deny": {"type": "plain_text", "text": "Back"},
}


async def test_the_client_asks_before_a_press_counts(
    app: App, client: AsyncWebClient, control: SlackControl, world: Workspace
) -> None:
    """It is seen before; a press answers yes, and the app hears of nothing else."""
    blocks = [{"type": "actions", "elements": [APPROVE | {"confirm": SURE}]}]
    await client.chat_postMessage(channel=world.channels["ops"].id, text="card", blocks=blocks)
    aimed = await control.aim("Approve", user="bob")
    assert aimed.asks == "== Approve? ==\nv1.2 → v1.1\n[Approve it] [Back]"
    assert (await control.press("Approve", user="bob")).ok
    assert app.last["actions"][0]["value"] == "op1"
    await client.chat_postMessage(channel=world.channels["ops"].id, text="card", blocks=CARD)
    assert (await control.aim("Approve", user="bob")).asks == ""


async def test_people_press_only_what_they_see(
    app: App, client: AsyncWebClient, control: SlackControl, world: Workspace
) -> None:
    """Private channels and private messages are out of reach; a stranger in the channel is not."""
    await client.chat_postMessage(channel=world.channels["leads"].id, text="card", blocks=CARD)
    with pytest.raises(ControlError):
        await control.press("Approve", user="ann")
    await client.chat_postMessage(channel=world.channels["ops"].id, text="card", blocks=CARD)
    assert (await control.press("Approve", user="kim")).ok
    assert app.last["user"]["team_id"] != app.last["team"]["id"] == world.team_id


async def test_a_double_click_is_two_deliveries(
    app: App, client: AsyncWebClient, control: SlackControl, world: Workspace
) -> None:
    """Same action, different action_ts."""
    await client.chat_postMessage(channel=world.channels["ops"].id, text="card", blocks=CARD)
    await asyncio.gather(control.press("Approve", user="bob"), control.press("Approve", user="bob"))
    assert len({envelope["payload"]["actions"][0]["action_ts"] for envelope in app.got}) == 2


async def opened(client: AsyncWebClient, control: SlackControl) -> dict[str, Any]:
    trigger = (await control.say("/rag form")).trigger_id or ""
    return dict((await client.views_open(trigger_id=trigger, view=FORM))["view"])


async def test_a_modal_stack_holds_three(app: App, client: AsyncWebClient, control: SlackControl) -> None:
    """response_action push goes up to three views; the fourth is trouble for the person."""
    await opened(client, control)
    app.answer = {"response_action": "push", "view": FORM}
    assert (await control.view_submit({"Reason": "a"}, user="ann")).ok
    assert (await control.view_submit({"Reason": "b"}, user="ann")).ok
    fourth = await control.view_submit({"Reason": "c"}, user="ann")
    assert (fourth.ok, fourth.reason["error"]) == (False, "push_limit_reached")
    app.answer = None
    assert (await control.view_submit({"Reason": "d"}, user="ann")).closed
    assert await control.view("ann") is not None
    app.answer = {"response_action": "clear"}
    assert (await control.view_submit({"Reason": "e"}, user="ann")).closed
    assert await control.view("ann") is None


async def test_a_stale_hash_conflicts(app: App, client: AsyncWebClient, control: SlackControl) -> None:
    """Two updates of one view race; the second is told."""
    assert app.got == []
    view = await opened(client, control)
    await client.views_update(view_id=view["id"], hash=view["hash"], view=FORM)
    with pytest.raises(SlackApiError, match="hash_conflict"):
        await client.views_update(view_id=view["id"], hash=view["hash"], view=FORM)


async def test_errors_must_name_input_blocks(app: App, client: AsyncWebClient, control: SlackControl) -> None:
    """An error for a block that does not exist is trouble for the person."""
    await opened(client, control)
    app.answer = {"response_action": "errors", "errors": {"nowhere": "x"}}
    submitted = await control.view_submit({"Reason": "a"}, user="ann")
    assert (submitted.ok, submitted.seen) == (False, "We had some trouble connecting. Try again?")
    app.answer = {"response_action": "update", "view": {**FORM, "title": {"type": "plain_text", "text": "Sure?"}}}
    await control.view_submit({"Reason": "a"}, user="ann")
    shown = await control.view("ann")
    assert shown is not None
    assert shown.text.startswith("== Sure? ==")


async def test_a_closed_modal_is_reported_where_asked_for(
    app: App, client: AsyncWebClient, control: SlackControl
) -> None:
    """notify_on_close sends view_closed, and the view is gone for updates."""
    view = await opened(client, control)
    await control.view_close(user="ann")
    assert app.last["type"] == "view_closed"
    with pytest.raises(SlackApiError, match="not_found"):
        await client.views_update(view_id=view["id"], view=FORM)


async def test_an_external_id_is_unique(app: App, client: AsyncWebClient, control: SlackControl) -> None:
    """Two open views cannot share one."""
    assert app.got == []
    for user, error in (("ann", ""), ("bob", "duplicate_external_id")):
        trigger = (await control.say("/rag form", user=user)).trigger_id or ""
        call = client.views_open(trigger_id=trigger, view={**FORM, "external_id": "one"})
        if error:
            with pytest.raises(SlackApiError, match=error):
                await call
        else:
            await call


async def test_shortcuts_home_and_reactions_reach_the_app(
    app: App, client: AsyncWebClient, control: SlackControl, world: Workspace
) -> None:
    """Each with the fields that its kind has."""
    ts = (await client.chat_postMessage(channel=world.channels["ops"].id, text="look"))["ts"]
    await control.shortcut("incident_declare")
    assert "channel" not in app.last
    assert "response_url" not in app.last
    await control.shortcut("timeline_add", message=ts)
    assert (app.last["type"], app.last["message"]["text"]) == ("message_action", "look")
    await control.open_home("ann")
    assert app.last["event"]["type"] == "app_home_opened"
    await control.react("eyes", message=ts)
    assert app.last["event"]["item"] == {"type": "message", "channel": world.channels["ops"].id, "ts": ts}
    await control.set_group("rag-leads", ["ann"])
    assert app.last["event"]["removed_users"] == sorted(world.users[name].id for name in ("bob", "lea"))


async def test_mentions_need_the_bot_in_the_channel_and_plain_talk_is_private(
    app: App, control: SlackControl, world: Workspace
) -> None:
    """Only what the app subscribed to is delivered."""
    await control.say("just talking")
    world.channels["general"].members.remove(world.bot.id)
    await control.say("@rag hello", channel="general")
    assert app.got == []
    said = await control.say("@rag hello")
    assert app.last["event"]["text"] == f"<@{world.bot.id}> hello"
    assert app.last["event"]["ts"] == said.ts
