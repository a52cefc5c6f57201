"""Modals as a person fills them in, and what the app is told meanwhile."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack.blocks import check_view
from sandbox.slack.control import ControlError, SlackControl
from sandbox.slack.delivery import Delivery, Retry
from sandbox.slack.server import SlackServer
from sandbox.slack.world import Workspace


def plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


def option(value: str) -> dict[str, Any]:
    return {"text": plain(value.upper()), "value": value}


def asking(label: str, element: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "input", "block_id": label, "label": plain(label), "element": element, **more}


VERB = asking(
    "Verb",
    {"type": "static_select", "action_id": "verb", "options": [option("a"), option("b")]},
    dispatch_action=True,
)
NAME = asking("Name", {"type": "plain_text_input", "action_id": "name"}, optional=True)
COUNT = asking(
    "Count",
    {"type": "number_input", "action_id": "count", "is_decimal_allowed": False, "min_value": "1", "max_value": "9"},
    optional=True,
)
WHERE: dict[str, Any] = {
    "type": "conversations_select",
    "action_id": "where",
    "response_url_enabled": True,
    "default_to_current_conversation": True,
    "filter": {"exclude_external_shared_channels": True, "exclude_bot_users": True},
}


def modal(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"type": "modal", "title": plain("T"), "submit": plain("Run"), "blocks": list(blocks)}


class Hears:
    """An app on the workspace's own transport that acks everything and keeps what it got."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []

    async def send(self, kind: str, payload: dict[str, Any], retry: Retry) -> Delivery:
        del kind, retry
        self.got.append(payload)
        return Delivery(acked=True)


@pytest.fixture
def app(server: SlackServer) -> Hears:
    hears = Hears()
    server.courier.transport = hears
    return hears


@pytest.fixture
async def opened(app: Hears, client: AsyncWebClient, control: SlackControl) -> dict[str, Any]:
    """A modal of ann's, opened by a command in #general."""
    said = await control.say("/rag form", user="ann", channel="general")
    app.got.clear()
    view = modal(VERB, NAME, COUNT, asking("Where", WHERE))
    return dict((await client.views_open(trigger_id=said.trigger_id or "", view=view))["view"])


async def test_choosing_is_told_where_a_block_asks_for_it(
    app: Hears, control: SlackControl, opened: dict[str, Any]
) -> None:
    """With all that is filled in so far."""
    await control.view_fill({"Name": "n"}, user="ann")
    assert app.got == []
    await control.view_fill({"Verb": "B"}, user="ann")
    [payload] = app.got
    assert (payload["type"], payload["view"]["hash"]) == ("block_actions", opened["hash"])
    assert payload["container"] == {"type": "view", "view_id": opened["id"]}
    assert payload["actions"][0]["selected_option"]["value"] == "b"
    state = payload["view"]["state"]["values"]
    assert state["Name"]["name"] == {"type": "plain_text_input", "value": "n"}
    assert state["Verb"]["verb"]["selected_option"]["value"] == "b"


async def test_what_was_typed_stays_where_its_field_stays(
    client: AsyncWebClient, control: SlackControl, opened: dict[str, Any]
) -> None:
    """The same block, action and kind of element; options that are gone are not chosen any more."""
    await control.view_fill({"Name": "n", "Verb": "b", "Count": "5"}, user="ann")
    fewer = asking("Verb", {**VERB["element"], "options": [option("a")]})
    other = asking("Count", {"type": "plain_text_input", "action_id": "count"}, optional=True)
    await client.views_update(view_id=opened["id"], view=modal(fewer, NAME, other))
    refused = await control.view_submit(user="ann")
    assert refused.errors == {"Verb": "Please complete this required field."}
    sent = await control.view_submit({"Verb": "a"}, user="ann")
    state = sent.payload["view"]["state"]["values"]
    assert state["Name"]["name"]["value"] == "n"
    assert state["Count"]["count"]["value"] is None


async def test_the_conversation_that_one_comes_from_is_filled_in(
    control: SlackControl, world: Workspace, opened: dict[str, Any]
) -> None:
    """And an address for answers belongs to it."""
    assert opened
    sent = await control.view_submit({"Verb": "a"}, user="ann")
    [address] = sent.payload["response_urls"]
    assert (address["channel_id"], address["block_id"], address["action_id"]) == (
        world.place("general").id,
        "Where",
        "where",
    )
    assert "/response/" in address["response_url"]


@pytest.mark.parametrize("channel", ["#ops", "@rag", "#leads", "#old"], ids=["shared", "a bot's", "not in it", "gone"])
async def test_only_what_a_select_offers_can_be_chosen(
    control: SlackControl, opened: dict[str, Any], channel: str
) -> None:
    """By its filter, and by what the person sees."""
    assert opened
    with pytest.raises(ControlError, match="does not offer"):
        await control.view_submit({"Verb": "a", "Where": channel}, user="ann")


@pytest.mark.parametrize(
    ("count", "error"),
    [
        ("x", "Enter a number."),
        ("1.5", "Enter a number."),
        ("0", "Enter a number that is at least 1."),
        ("10", "Enter a number that is at most 9."),
    ],
)
async def test_a_number_field_takes_numbers(
    control: SlackControl, opened: dict[str, Any], count: str, error: str
) -> None:
    """Within its bounds."""
    assert opened
    assert (await control.view_submit({"Verb": "a", "Count": count}, user="ann")).errors == {"Count": error}


async def test_an_input_is_not_pressed(app: Hears, control: SlackControl, opened: dict[str, Any]) -> None:
    """Choosing in it is filling in."""
    assert opened
    with pytest.raises(ControlError, match="nothing to press"):
        await control.press("verb", user="ann", value="a")
    assert app.got == []


def number(**more: Any) -> dict[str, Any]:
    return asking("n", {"type": "number_input", "is_decimal_allowed": False, **more})


@pytest.mark.parametrize(
    ("block", "pointer"),
    [
        (number(min_value=1), "min_value"),
        (number(initial_value="x"), "initial_value"),
        (number(min_value="5", initial_value="4"), "initial_value"),
        (number(max_value="5", initial_value="6"), "initial_value"),
        (asking("w", {**WHERE, "filter": {}}), "filter"),
        (asking("w", {**WHERE, "filter": {"include": []}}), "include"),
        (asking("w", {**WHERE, "filter": {"include": ["channels"]}}), "include"),
        (asking("w", {**WHERE, "filter": {"exclude": True}}), "filter"),
        (asking("t", {"type": "plain_text_input", "max_length": 3, "initial_value": "four"}), "initial_value"),
        ({"type": "actions", "elements": [WHERE]}, "response_url_enabled"),
    ],
)
def test_what_slack_refuses_of_inputs_is_refused(block: dict[str, Any], pointer: str) -> None:
    """With the pointer to it."""
    [problem] = check_view(modal(block))
    assert pointer in problem.pointer


@pytest.mark.parametrize("block", [number(min_value="-5", max_value="5"), number(max_value="-1"), asking("w", WHERE)])
def test_what_slack_takes_of_inputs_is_taken(block: dict[str, Any]) -> None:
    """The plain cases."""
    assert check_view(modal(block)) == []


async def test_a_direct_message_is_an_event_of_its_own(
    app: Hears, client: AsyncWebClient, control: SlackControl, world: Workspace
) -> None:
    """Of people, with a mention or not; of the bot itself; and edits as changes."""
    said = await control.say("@rag hello", user="ann", channel="@rag")
    [payload] = app.got
    assert (payload["event"]["type"], payload["event"]["channel_type"]) == ("message", "im")
    place = world.direct_channel(world.person("ann"))
    posted = await client.chat_postMessage(channel=place.id, text="hi")
    await control.settle(quiet=0.1)
    own = app.got[-1]["event"]
    assert (own["bot_id"], own["user"], own["text"]) == (world.bot.bot_id, world.bot.id, "hi")
    await control.edit("bye", user="ann", message=said.ts or "")
    await control.settle(quiet=0.1)
    changed = app.got[-1]["event"]
    assert (changed["subtype"], changed["message"]["text"], "user" in changed) == ("message_changed", "bye", False)
    await client.chat_update(channel=place.id, ts=posted["ts"], text="hi there", parse="none")
    await control.settle(quiet=0.1)
    assert app.got[-1]["event"]["previous_message"]["text"] == "hi"
    with pytest.raises(ControlError):
        await control.edit("mine", user="ann", message=posted["ts"])


async def test_an_event_needs_its_scope(app: Hears, control: SlackControl) -> None:
    """A subscription alone is not enough."""
    await control.set_scopes(remove=["im:history", "usergroups:read"])
    await control.say("hello", user="ann", channel="@rag")
    await control.set_group("rag-leads", ["ann"])
    assert app.got == []


async def test_a_group_is_told_of_from_its_beginning(app: Hears, control: SlackControl, world: Workspace) -> None:
    """Who did it is said only where Slack says it."""
    await control.set_group("cooks", ["ann"], by="bob")
    await control.set_group("cooks", ["vic"], by="bob")
    kinds = [payload["event"]["type"] for payload in app.got]
    assert kinds == ["subteam_created", "subteam_updated", "subteam_members_changed"]
    assert app.got[1]["event"]["subteam"]["updated_by"] == world.person("bob").id
    assert "subteam" not in app.got[2]["event"]


async def test_an_app_that_is_uninstalled_hears_so_and_is_locked_out(
    app: Hears, client: AsyncWebClient, control: SlackControl
) -> None:
    """Its tokens are void."""
    await control.uninstall()
    assert [payload["event"]["type"] for payload in app.got] == ["tokens_revoked", "app_uninstalled"]
    with pytest.raises(SlackApiError, match="token_revoked"):
        await client.auth_test()


async def test_the_page_has_other_tabs(app: Hears, control: SlackControl) -> None:
    """The event tells which one was opened."""
    await control.open_home("ann", tab="messages")
    assert app.got[-1]["event"]["tab"] == "messages"
