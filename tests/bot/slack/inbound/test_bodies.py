"""Signed bytes become one payload, one check, or a named fault; never an exception of a parser."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.slack.inbound.bodies import FORM, JSON, Body, Check, Malformed, is_tls_check, parse
from tests.support import signing

BODIES: dict[str, tuple[str, bytes, str]] = {
    "command": (FORM, signing.command(), "command"),
    "press": (FORM, signing.interaction(signing.press()), "button"),
    "submission": (FORM, signing.interaction(signing.submission()), "form"),
    "shortcut": (FORM, signing.interaction(signing.shortcut()), "shortcut"),
    "message shortcut": (FORM, signing.interaction(signing.message_shortcut()), "shortcut"),
    "event": (JSON, json.dumps(signing.event()).encode(), "event"),
}


def fault(body: bytes, content_type: str = FORM) -> Malformed:
    with pytest.raises(Malformed) as found:
        parse(body, content_type)
    return found.value


@pytest.mark.parametrize("name", BODIES)
def test_every_kind_of_payload_is_read(name: str) -> None:
    content_type, body, surface = BODIES[name]
    found = parse(body, content_type)
    assert isinstance(found, Body)
    assert found.surface == surface


@pytest.mark.parametrize(
    "text", ["status payload-api", "payload", "payload=1&x={", "{}", "ssl_check=1 & command", "ä€😀"]
)
def test_the_text_of_a_command_does_not_matter(text: str) -> None:
    """Bolt's own reading takes every command with the word `payload` in it for something else."""
    found = parse(signing.command(text), FORM + "; charset=utf-8")
    assert isinstance(found, Body)
    assert found.payload["text"] == text


@pytest.mark.parametrize(
    ("content_type", "encoding"),
    [("text/plain", ""), ("", ""), ("application/jsonp", ""), ("multipart/form-data; boundary=x", ""), (JSON, "gzip")],
)
def test_another_type_or_a_packed_body_is_refused_as_such(content_type: str, encoding: str) -> None:
    with pytest.raises(Malformed) as found:
        parse(b"{}", content_type, encoding)
    assert found.value.status == 415


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", FORM),
        (b"", JSON),
        (b"\xff\xfe", FORM),
        (b'{"type": "event_callback", \xff', JSON),
        (b"command=%FF&team_id=T1", FORM),
        (b"hello", FORM),
        (b"a=1", FORM),
        (b"payload=", FORM),
        (b"payload={", FORM),
        (b"payload=[]", FORM),
        (b"payload=null", FORM),
        (b"payload=NaN", FORM),
        (b"payload=%7B%22type%22%3A%22block_actions%22%7D&payload=%7B%7D", FORM),
        (b"&".join(b"f%d=1" % number for number in range(200)), FORM),
        (b"[", JSON),
        (b"[" * 100_000, JSON),
        (b'{"a":' * 100_000, JSON),
        (b'{"type": ' + b"9" * 10_000 + b"}", JSON),
        (b'{"type": "event_callback", "event_time": Infinity}', JSON),
        (b'{"type": "hello"}', JSON),
        (b"{}", JSON),
    ],
)
def test_what_is_broken_is_a_fault(body: bytes, content_type: str) -> None:
    assert fault(body, content_type).status == 400


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("user",), None),
        (("container",), ""),
        (("channel",), "C1"),
        (("user",), "U-ann"),
        (("user", "id"), ""),
        (("user", "id"), "U 1"),
        (("user", "id"), "U1\0"),
        (("team",), 7),
        (("actions",), []),
        (("actions",), [7]),
        (("actions",), {}),
        (("actions", 0, "value"), {"a": 1}),
        (("actions", 0, "action_id"), None),
        (("container",), []),
        (("message",), "text"),
        (("state",), {"values": {"b": {"a": 1}}}),
        (("response_url",), 1),
        (("authorizations",), 5),
        (("message", "text"), "\ud800"),
    ],
)
def test_a_field_that_is_read_and_is_of_another_type_is_a_fault(path: tuple[Any, ...], value: object) -> None:
    """What is wrong is said by the field's name, never by its value."""
    payload = signing.press()
    inner: Any = payload
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    assert fault(signing.interaction(payload)).status == 400


def test_null_is_the_same_as_absent() -> None:
    payload = signing.event(text=None, thread_ts=None) | {"enterprise_id": None, "authorizations": None}
    found = parse(json.dumps(payload).encode(), JSON)
    assert isinstance(found, Body)
    assert {"text", "thread_ts"}.isdisjoint(found.payload["event"])
    assert {"enterprise_id", "authorizations"}.isdisjoint(found.payload)


def test_a_fault_is_told_by_the_path_of_its_field() -> None:
    payload = signing.submission()
    payload["view"]["state"]["values"]["target"]["value"]["value"] = ["xoxb-secret"]
    assert str(fault(signing.interaction(payload))) == "the payload.view.state.values.*.*.value is no text"


@pytest.mark.parametrize("kind", [None, "home", "workflow_step", 7])
def test_a_dialog_that_is_none_is_a_fault(kind: object) -> None:
    payload = signing.submission()
    payload["view"]["type"] = kind
    assert fault(signing.interaction(payload)).status == 400


@pytest.mark.parametrize("name", ["command", "team_id", "user_id", "channel_id", "trigger_id"])
def test_a_command_without_what_makes_it_one_is_a_fault(name: str) -> None:
    fields = signing.command_fields()
    del fields[name]
    assert fault(urlencode(fields).encode()).status == 400


@pytest.mark.parametrize("name", ["event_id", "event", "team_id"])
def test_an_event_without_what_makes_it_one_is_a_fault(name: str) -> None:
    payload = signing.event()
    del payload[name]
    assert fault(json.dumps(payload).encode(), JSON).status == 400


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("app_home_opened", {"tab": "home", "view": {"id": "V1", "type": "home", "hash": "1.a", "blocks": []}}),
        ("reaction_added", {"item": {"type": "message", "channel": "C1", "ts": "1.5"}, "reaction": "eyes"}),
        ("subteam_updated", {"subteam": {"id": "S1", "users": ["U1"]}}),
        ("subteam_members_changed", {"subteam_id": "S1", "added_users": []}),
        ("tokens_revoked", {"tokens": {"oauth": [], "bot": ["UBOT"]}}),
        ("user_change", {"user": {"id": "U1", "name": "ann"}}),
        ("channel_created", {"channel": {"id": "C9", "name": "new"}}),
        ("message", {"channel_type": "im", "subtype": None, "blocks": [{"type": "rich_text"}]}),
    ],
)
def test_every_subscribed_event_fits(kind: str, fields: dict[str, Any]) -> None:
    found = parse(json.dumps(signing.event(kind, **fields)).encode(), JSON)
    assert isinstance(found, Body)


def test_the_checks_of_the_address_are_told_apart() -> None:
    asked = json.dumps({"type": "url_verification", "challenge": "3eZbrw1a<b>", "token": "x"}).encode()
    assert parse(asked, JSON) == Check("url_verification", "3eZbrw1a<b>")
    assert parse(b"ssl_check=1&token=x", FORM) == Check("ssl_check")
    assert parse(json.dumps({"type": "app_rate_limited", "team_id": "T1"}).encode(), JSON) == Check("app_rate_limited")
    assert parse(signing.interaction({"type": "of_the_future"}), FORM) == Check("unknown")


@pytest.mark.parametrize("challenge", [None, 7, "x" * 1001, "line\nbreak", "\0"])
def test_a_challenge_that_is_no_short_line_is_a_fault(challenge: object) -> None:
    assert fault(json.dumps({"type": "url_verification", "challenge": challenge}).encode(), JSON).status == 400


def test_only_a_bare_check_of_the_certificate_passes_unsigned() -> None:
    assert is_tls_check(b"ssl_check=1&token=x")
    assert is_tls_check(b"ssl_check=1")
    assert not is_tls_check(b"ssl_check=1&command=%2Frag")
    assert not is_tls_check(b"ssl_check=10")
    assert not is_tls_check(b"")


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(["type", "user", "team", "event", "view", "actions", "authorizations", "payload"]), _VALUES)
def test_any_json_is_a_payload_a_check_or_a_fault(name: str, value: object) -> None:
    for sound, content_type in ((signing.press(), FORM), (signing.event(), JSON), (signing.submission(), FORM)):
        changed = sound | {name: value}
        body = signing.interaction(changed) if content_type == FORM else json.dumps(changed).encode()
        try:
            assert isinstance(parse(body, content_type), Body | Check)
        except Malformed as error:
            assert error.status == 400  # noqa: PT017  # either outcome is right


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.sampled_from([FORM, JSON]))
def test_any_bytes_are_a_payload_a_check_or_a_fault(body: bytes, content_type: str) -> None:
    try:
        assert isinstance(parse(body, content_type), Body | Check)
    except Malformed as error:
        assert error.status == 400  # noqa: PT017  # either outcome is right
