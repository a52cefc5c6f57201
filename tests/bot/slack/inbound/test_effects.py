"""What needs to be certain that it did not come before, and what is a mere look."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.slack.buttons import encode_button
from bot.slack.inbound.effects import needs_certainty
from tests.support import signing


def answered(words: str) -> dict[str, Any]:
    """Return a dialog that a button opened, sent with these words."""
    carried = {"command": "deny 4fz", "channel": "C1", "thread": "", "message": "1.5"}
    metadata = json.dumps({"form": "0", "state": json.dumps(carried)})
    values = {"form:words": {"form:words": {"type": "plain_text_input", "value": words}}}
    body: dict[str, Any] = signing.submission()
    view = {"callback_id": "rag_ask", "private_metadata": metadata, "state": {"values": values}}
    return body | {"view": body["view"] | view}


LOOKS: dict[str, dict[str, Any]] = {
    "a command that reads": dict(signing.command_fields("status")),
    "a command that nobody understands": dict(signing.command_fields("make coffee")),
    "a button that reads": signing.press(encode_button("status", replaces=True)),
    "a button that asks something first": signing.press(encode_button("deny 4fz", replaces=False, asks="Why?")),
    "a button that opens a dialog": signing.press(encode_button("build rollback api", replaces=False)),
    "the bot's own page": signing.event("app_home_opened", tab="home"),
    "a message to somebody else": signing.event("message", channel_type="channel"),
    "a dialog that was closed": signing.submission() | {"type": "view_closed"},
}
WRITTEN_DOWN: dict[str, dict[str, Any]] = {
    "a command for others to see": dict(signing.command_fields("share status")),
    "a mention": signing.event(),
    "an answer to what a button asked": answered("wait for it"),
}
CHANGES: dict[str, dict[str, Any]] = {
    "a change of groups": signing.event("subteam_updated", subteam={"id": "S1"}),
    "a dialog that was sent off": signing.submission(),
    "an answer without words": answered(" "),
    "a button of somebody else": signing.press() | {"actions": [{"action_id": "other"}]},
    "what is not known": {"type": "of_the_future"},
}


@pytest.mark.parametrize("name", LOOKS)
def test_a_look_needs_no_certainty(name: str) -> None:
    assert not needs_certainty(LOOKS[name])


@pytest.mark.parametrize("name", WRITTEN_DOWN)
def test_what_is_written_down_is_recognised_by_its_own_key(name: str) -> None:
    assert not needs_certainty(WRITTEN_DOWN[name])


@pytest.mark.parametrize("name", CHANGES)
def test_everything_else_does(name: str) -> None:
    assert needs_certainty(CHANGES[name])
