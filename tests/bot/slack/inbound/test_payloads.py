from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.people import Actor
from bot.domain.requests import Place, Request, Surface
from bot.slack.buttons import encode_button
from bot.slack.inbound.payloads import (
    LONGEST_READ,
    Pressed,
    command_request,
    mention_request,
    message_words,
    plain,
    press_request,
)
from tests.support.endless import ends

HOOK = "https://hooks.slack.example/commands/T1/2/3"
COMMAND = {
    "command": "/rag",
    "text": "status api",
    "team_id": "T1",
    "user_id": "U1",
    "channel_id": "C1",
    "trigger_id": "13345224609.738474920.8088",
    "response_url": HOOK,
}
MENTION = {
    "type": "event_callback",
    "event_id": "Ev1",
    "team_id": "T1",
    "event": {
        "type": "app_mention",
        "user": "U1",
        "team": "T1",
        "channel": "C1",
        "ts": "17.5",
        "text": "<@UBOT> status",
    },
}


def press(
    value: str | None = None,
    *,
    action: dict[str, Any] | None = None,
    container: dict[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    return {
        "type": "block_actions",
        "team": {"id": "T1"},
        "user": {"id": "U1", "team_id": "T1"},
        "channel": {"id": "C1"},
        "response_url": HOOK,
        "container": {"type": "message", "message_ts": "17.5", "channel_id": "C1", **(container or {})},
        "actions": [
            {
                "action_id": "rag:0:1",
                "action_ts": "99.1",
                "value": encode_button("status api", replaces=False) if value is None else value,
                **(action or {}),
            }
        ],
        **more,
    }


def pressed(**more: Any) -> Pressed:
    found = press_request(press(**more))
    assert found is not None
    return found


# --- what a person typed ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "typed"),
    [
        ("status api", "status api"),
        ("  status  ", "status"),
        ("a &lt;b&gt; &amp; c", "a <b> & c"),
        ("&amp;lt;", "&lt;"),
        ("look at <http://api.example|api.example>", "look at api.example"),
        ("look at <https://api.example/x>", "look at https://api.example/x"),
        ("ask <mailto:ann@shop.example|ann@shop.example>", "ask ann@shop.example"),
        ("&lt;http://x|y&gt;", "<http://x|y>"),
        ("status \u200bapi\u202e", "status api"),
        ("status\x00 \x1b[31mapi", "status api"),
        ("status\r\napi", "status\napi"),
    ],
)
def test_what_was_typed_is_what_is_read(sent: str, typed: str) -> None:
    """Without the platform's escapes, its own links, and what a person cannot see."""
    assert plain(sent) == typed


@settings(deadline=None)
@given(st.text(st.characters(categories=("L", "N", "P", "S", "Zs"), max_codepoint=0x2FF)))
def test_escapes_are_undone_exactly(text: str) -> None:
    """What a person typed survives the platform's escaping, whatever it was."""
    assert plain(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")) == text.strip()


# --- commands ---------------------------------------------------------------------------------------------------------


def test_a_command_becomes_a_request() -> None:
    """By ids alone; its trigger is the key of the delivery."""
    assert command_request(COMMAND) == Request(
        key="command:T1:13345224609.738474920.8088",
        actor=Actor("U1", "T1"),
        surface=Surface.COMMAND,
        text="status api",
        place=Place("C1"),
        reply_to=HOOK,
    )


def test_a_repeated_command_has_the_same_key_and_another_has_not() -> None:
    """So that a repeat is recognised."""
    again = command_request(dict(COMMAND))
    other = command_request({**COMMAND, "trigger_id": "2"})
    assert command_request(COMMAND).key == again.key != other.key


def test_an_empty_command_is_read() -> None:
    """Slack leaves the text out or empty."""
    assert command_request({**COMMAND, "text": ""}).text == ""
    assert command_request({"command": "/rag"}).text == ""


# --- presses ----------------------------------------------------------------------------------------------------------


def test_a_press_becomes_a_request() -> None:
    """It runs the button's command as the person who pressed."""
    found = pressed()
    assert found.request == Request(
        key="press:T1:17.5:rag:0:1:U1:99.1",
        actor=Actor("U1", "T1"),
        surface=Surface.BUTTON,
        text="status api",
        place=Place("C1"),
        reply_to=HOOK,
        message="17.5",
    )
    assert (found.replaces, found.asks) == (False, "")


@pytest.mark.parametrize(
    "change",
    [
        {"user": {"id": "U2", "team_id": "T1"}},
        {"action": {"action_ts": "99.2"}},
        {"action": {"action_id": "rag:0:2"}},
        {"container": {"message_ts": "18.0"}},
        {"team": {"id": "T2"}},
    ],
    ids=["another person", "another moment", "another button", "another message", "another workspace"],
)
def test_another_press_has_another_key(change: dict[str, Any]) -> None:
    """Only the repeat of the same press is a repeat."""
    assert pressed(**change).request.key != pressed().request.key == pressed().request.key


@pytest.mark.parametrize(
    ("wanted", "ephemeral", "replaces"), [(True, True, True), (True, False, False), (False, True, False)]
)
def test_only_a_private_message_is_replaced(*, wanted: bool, ephemeral: bool, replaces: bool) -> None:
    """What others see is a record and stays."""
    value = encode_button("status", replaces=wanted)
    assert pressed(value=value, container={"is_ephemeral": ephemeral}).replaces is replaces


@pytest.mark.parametrize(
    "command", ["status api", "share status -n 'my shop'", "status <x> & 50%", "a\nb", "status “ü”", "status %41"]
)
def test_the_command_comes_back_as_it_went(command: str) -> None:
    """Whatever characters stand in it."""
    assert pressed(value=encode_button(command, replaces=True)).request.text == command


def test_a_press_in_a_thread_is_answered_there() -> None:
    """The place is the thread's."""
    assert pressed(container={"thread_ts": "10.0"}).request.place == Place("C1", "10.0")


def test_the_channel_may_stand_beside_the_container() -> None:
    """Where the container does not name it."""
    assert pressed(container={"channel_id": ""}).request.place == Place("C1")


def test_a_button_tells_what_its_person_is_asked_first() -> None:
    """But on the bot's own page, where nothing that is kept is done."""
    value = encode_button("deny 4fz", replaces=False, asks="Why?")
    label = {"type": "plain_text", "text": "Deny…"}
    found = pressed(value=value, action={"text": label})
    assert (found.request.text, found.asks, found.label) == ("deny 4fz", "Why?", "Deny…")
    at_home = pressed(value=value, container={"type": "view", "view_id": "V1"}, view={"id": "V1", "type": "home"})
    assert at_home.asks == ""


def test_a_guest_of_another_workspace_is_known_as_one() -> None:
    """The person's own workspace counts, not the channel's."""
    assert pressed(user={"id": "U9", "team_id": "T9"}).request.actor == Actor("U9", "T9")
    assert pressed(user={"id": "U9"}).request.actor == Actor("U9", "T1")


@pytest.mark.parametrize(
    "body",
    [
        press(action={"action_id": "other:1"}),
        press(value="status api"),
        press(value=""),
        press(value="+"),
        {"type": "block_actions", "actions": []},
        {**press(), "actions": press()["actions"] * 2},
        {**press(), "actions": [*press()["actions"], {"action_id": "other:1", "action_ts": "99.1"}]},
        {"type": "block_actions"},
    ],
    ids=["another app's", "an unmarked value", "no value", "no command", "no action", "two", "two kinds", "nothing"],
)
def test_a_button_that_is_not_ours_is_left_alone(body: dict[str, Any]) -> None:
    """Whatever it carries is not run."""
    assert press_request(body) is None


# --- mentions ---------------------------------------------------------------------------------------------------------


def test_a_mention_becomes_a_request() -> None:
    """Its answer makes a thread below it."""
    assert mention_request(MENTION) == Request(
        key="event:Ev1",
        actor=Actor("U1", "T1"),
        surface=Surface.MENTION,
        text="status",
        place=Place("C1", "17.5"),
        opens_thread=True,
    )


def mentioned(**event: Any) -> Request:
    base: dict[str, Any] = dict(MENTION)
    return mention_request({**base, "event": {**base["event"], **event}})


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("<@UBOT> status api", "status api"),
        ("<@UBOT|ragops> status", "status"),
        ("<@UBOT>", ""),
        ("<@UBOT>  share status &amp; smile ", "share status & smile"),
        ("<@UBOT> ask <@U2>", "ask <@U2>"),
        ("status <@UBOT>", "status"),
    ],
)
def test_the_mention_itself_is_not_part_of_the_command(text: str, read: str) -> None:
    """Only the first is the bot's; others are words."""
    assert mentioned(text=text).text == read


def test_a_mention_in_a_thread_stays_there() -> None:
    """The place is the thread's parent, and the thread is there already."""
    request = mentioned(thread_ts="10.0")
    assert (request.place, request.opens_thread) == (Place("C1", "10.0"), False)


@pytest.mark.parametrize(
    ("event", "team"),
    [({"user_team": "T9"}, "T9"), ({"user_team": "", "team": "T8"}, "T8"), ({"team": ""}, "T1")],
    ids=["the person's", "the event's", "the envelope's"],
)
def test_the_persons_own_workspace_counts(event: dict[str, str], team: str) -> None:
    """In shared channels people of other workspaces speak, too."""
    assert mentioned(**event).actor == Actor("U1", team)


def test_an_event_without_its_parts_does_not_break() -> None:
    """Whatever is missing is empty."""
    assert mention_request({}).actor == Actor("", "")


@pytest.mark.parametrize("unit", ["<http://", "<http://|", "<mailto:a|b", "<@U", "<@U|", "&amp;", "<@UBOT|"])
def test_what_is_read_before_the_acknowledgement_takes_no_time_whatever_was_typed(unit: str) -> None:
    """Texts of other people's blocks come unescaped, and one that is never closed must not hold up everybody."""
    text = unit * (LONGEST_READ // len(unit))
    with ends():
        mentioned(text=text)
        message_words({"blocks": [{"elements": [{"text": text}]}]})
