"""What each payload of the platform is, and the request that it carries."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.people import Actor
from bot.domain.requests import Place, Request, Surface
from bot.slack.buttons import encode_button
from bot.slack.inbound.kinds import Kind, read_delivery
from bot.slack.inbound.payloads import direct_request, form_request, shortcut_request

USER = {"user": {"id": "U1", "team_id": "T1"}, "team": {"id": "T1"}}
HOOK = "https://hooks.slack.example/1"


def event(**fields: Any) -> dict[str, Any]:
    return {"type": "event_callback", "event_id": "Ev1", "team_id": "T1", "event": fields}


def said(**fields: Any) -> dict[str, Any]:
    base = {"type": "message", "channel_type": "im", "channel": "D1", "user": "U1", "ts": "1.5", "text": "status"}
    return event(**{**base, **fields})


def pressed(command: str, *, asks: str = "", **more: Any) -> dict[str, Any]:
    action = {"action_id": "rag:0", "action_ts": "9.9", "value": encode_button(command, replaces=False, asks=asks)}
    return {"type": "block_actions", **USER, "trigger_id": "7", "actions": [action], **more}


def at_home(command: str) -> dict[str, Any]:
    view = {"id": "V1", "type": "home", "hash": "h1"}
    return pressed(command, container={"type": "view", "view_id": "V1"}, view=view)


def in_dialog(kind: str, callback: str = "rag_form", action: str = "form:choice") -> dict[str, Any]:
    view = {"id": "V1", "type": "modal", "hash": "h1", "callback_id": callback}
    body = {"type": kind, **USER, "view": view, "container": {"type": "view", "view_id": "V1"}}
    return {**body, "actions": [{"action_id": action, "action_ts": "9.9"}]} if kind == "block_actions" else body


COMMAND = {"command": "/rag", "text": "status", "team_id": "T1", "user_id": "U1", "channel_id": "C1", "trigger_id": "7"}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (COMMAND, Kind.COMMAND),
        ({**COMMAND, "text": ""}, Kind.COMMAND),
        ({**COMMAND, "text": " BUILD "}, Kind.OPEN),
        ({**COMMAND, "text": "build rollback api"}, Kind.OPEN),
        ({**COMMAND, "text": "builds"}, Kind.COMMAND),
        ({**COMMAND, "command": "/other"}, Kind.OTHER),
        (pressed("status"), Kind.BUTTON),
        (pressed("build"), Kind.OPEN),
        (pressed("build rollback api"), Kind.OPEN),
        (pressed("deny 4fz", asks="Why?"), Kind.OPEN),
        ({**pressed("status"), "actions": pressed("status")["actions"] * 2}, Kind.OTHER),
        (at_home("status"), Kind.HOME),
        (at_home("build"), Kind.OPEN),
        (at_home("build rollback api"), Kind.OPEN),
        (in_dialog("block_actions"), Kind.REDRAW),
        (in_dialog("block_actions", callback="other"), Kind.OTHER),
        (in_dialog("block_actions", action="other"), Kind.OTHER),
        ({**in_dialog("block_actions"), "actions": in_dialog("block_actions")["actions"] * 2}, Kind.OTHER),
        (in_dialog("view_submission"), Kind.SUBMIT),
        (in_dialog("view_submission", callback="rag_ask"), Kind.SUBMIT),
        (in_dialog("view_submission", callback="other"), Kind.OTHER),
        (in_dialog("view_closed"), Kind.OTHER),
        ({"type": "shortcut", "callback_id": "rag_build", "trigger_id": "7", **USER}, Kind.OPEN),
        ({"type": "shortcut", "callback_id": "rag_explain", "trigger_id": "7", **USER}, Kind.OTHER),
        ({"type": "message_action", "callback_id": "rag_explain", **USER}, Kind.EXPLAIN),
        ({"type": "message_action", "callback_id": "rag_build", **USER}, Kind.OTHER),
        (event(type="app_mention", user="U1", text="<@UBOT> status", channel="C1", ts="1.5"), Kind.MENTION),
        (event(type="app_mention", user="U1", text="<@UBOT> build", channel="C1", ts="1.5"), Kind.MENTION),
        (said(), Kind.DIRECT),
        (said(text="build"), Kind.DIRECT),
        (said(subtype="message_changed"), Kind.QUIET),
        (said(subtype="file_share"), Kind.QUIET),
        (said(bot_id="B1"), Kind.QUIET),
        (said(edited={"user": "U1", "ts": "2"}), Kind.QUIET),
        (said(user=""), Kind.QUIET),
        (said(channel_type="channel"), Kind.QUIET),
        (said(channel_type="mpim"), Kind.QUIET),
        (event(type="app_home_opened", tab="home", user="U1"), Kind.HOME),
        (event(type="app_home_opened", tab="messages", user="U1"), Kind.QUIET),
        (event(type="subteam_created"), Kind.GROUP),
        (event(type="subteam_updated"), Kind.GROUP),
        (event(type="subteam_members_changed"), Kind.GROUP),
        (event(type="tokens_revoked"), Kind.REVOKED),
        (event(type="app_uninstalled"), Kind.REVOKED),
        (event(type="team_join"), Kind.OTHER),
        ({"type": "event_callback"}, Kind.OTHER),
        ({"type": "block_suggestion"}, Kind.OTHER),
        ({}, Kind.OTHER),
    ],
)
def test_every_payload_has_one_kind(body: dict[str, Any], kind: Kind) -> None:
    """What is not ours is none of ours."""
    assert read_delivery(body).kind is kind


@given(st.dictionaries(st.sampled_from(["type", "command", "callback_id", "trigger_id", "text"]), st.text(max_size=9)))
def test_a_strange_payload_does_not_break(body: dict[str, Any]) -> None:
    """Whatever its words are."""
    read_delivery(body)


def test_a_press_at_home_shows_its_answer_there() -> None:
    """It has no conversation and no address; the version of the page counts only for the page itself."""
    delivery = read_delivery(at_home("status"))
    assert delivery.request == Request(
        key="press:T1:V1:rag:0:U1:9.9", actor=Actor("U1", "T1"), surface=Surface.HOME, text="status"
    )
    assert (delivery.replaces, delivery.version) == (True, "")
    assert read_delivery(at_home("home")).version == "h1"


def test_the_page_that_is_opened_has_a_version() -> None:
    """Unless it was never shown."""
    opened = {"type": "app_home_opened", "tab": "home", "user": "U1"}
    delivery = read_delivery(event(**opened, view={"type": "home", "hash": "h2"}))
    assert delivery.request == Request(key="event:Ev1", actor=Actor("U1", "T1"), surface=Surface.HOME, text="home")
    assert (delivery.version, read_delivery(event(**opened)).version) == ("h2", "")


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("status", "status"),
        ("<@UBOT> status", "status"),
        ("<@UBOT|rag>  status", "status"),
        ("/rag status", "status"),
        (" /RAG status", "status"),
        ("<@UBOT> /rag status", "status"),
        ("/rag", ""),
        ("<@UBOT>", ""),
        ("", ""),
        ("/ragtime", "/ragtime"),
        ("can <@U2> status", "can <@U2> status"),
        ("explain a &amp; b", "explain a & b"),
        ("look at <https://a.example|a.example>", "look at a.example"),
    ],
)
def test_a_direct_message_is_a_command(text: str, read: str) -> None:
    """With or without the bot's names in front."""
    request = direct_request(said(text=text))
    assert request is not None
    assert request.text == read


def test_a_direct_message_stays_in_its_thread() -> None:
    """And outside of one makes none."""
    request = direct_request(said(thread_ts="1.0", team="T9"))
    assert request == Request(
        key="event:Ev1", actor=Actor("U1", "T9"), surface=Surface.DIRECT, text="status", place=Place("D1", "1.0")
    )
    outside = direct_request(said())
    assert outside is not None
    assert outside.place == Place("D1", "")


def test_a_dialog_is_answered_where_its_person_chose() -> None:
    """By the address that belongs to it; the version of the dialog is the key."""
    body = {
        **in_dialog("view_submission"),
        "response_urls": [{"channel_id": "C2", "response_url": HOOK, "block_id": "b", "action_id": "a"}],
    }
    assert form_request(body, "status", "C2") == Request(
        key="form:T1:V1:h1",
        actor=Actor("U1", "T1"),
        surface=Surface.FORM,
        text="status",
        place=Place("C2"),
        reply_to=HOOK,
    )
    assert form_request({**body, "response_urls": []}, "status", "C3").place == Place("C3")


def test_a_shortcut_is_answered_beside_its_message() -> None:
    """In the thread where that stands in one; a global one has no place."""
    body = {
        **USER,
        "trigger_id": "7",
        "channel": {"id": "C1"},
        "message": {"ts": "2.0", "thread_ts": "1.0"},
        "response_url": HOOK,
    }
    assert shortcut_request(body, "explain") == Request(
        key="shortcut:T1:7",
        actor=Actor("U1", "T1"),
        surface=Surface.BUTTON,
        text="explain",
        place=Place("C1", "1.0"),
        reply_to=HOOK,
    )
    assert shortcut_request({**USER, "trigger_id": "8"}, "build").place == Place("")
