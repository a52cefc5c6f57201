"""What a button asks first, in words of any kind and length: the platform takes it, and the command comes back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.view import Button, Buttons, ButtonStyle, Confirm, View
from bot.slack.buttons import LONGEST_QUESTION, decode_button
from bot.slack.outbound import escape, limits
from bot.slack.outbound.checker import check
from bot.slack.outbound.planner import Message, plan_view
from sandbox.slack.blocks import check_message
from tests.support import hostile

SURE = Confirm("Approve?", "rag-engine:v1.2 → v1.1", "Approve it")
words = st.one_of(
    st.text(max_size=400),
    st.sampled_from((*hostile.WORDS, *hostile.EMPTY)),
    st.builds(
        lambda text, times: text * times, st.sampled_from(("&", "<!here>", "é", "\U0001f600", '"')), st.integers(0, 999)
    ),
)
limits_of = {"title": limits.CONFIRM_TITLE, "text": limits.CONFIRM_TEXT, "confirm": limits.CONFIRM_BUTTON}


def drawn(*buttons: Button) -> Message:
    [message] = plan_view(View("v", (Buttons(buttons),)), nonce="n", files_allowed=True).messages
    assert check(message) == []
    assert check_message(list(message.blocks)) == []
    return message


def elements(message: Message) -> list[dict[str, Any]]:
    return [element for block in message.blocks if block["type"] == "actions" for element in block["elements"]]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    asks=words,
    confirm=st.none() | st.builds(Confirm, words, words, words),
    label=words,
    style=st.sampled_from(ButtonStyle),
)
def test_every_question_is_taken(asks: str, confirm: Confirm | None, label: str, style: ButtonStyle) -> None:
    """Within its limits, and whatever is asked, the button runs the same command."""
    button = Button(label, "deny 4fz_-9", style, asks=asks, confirm=confirm)
    found = elements(drawn(button))
    assert len(found) == 1
    press = decode_button(found[0]["value"])
    assert press is not None
    assert press.command == button.command
    assert bool(press.asks) == bool(" ".join(escape.plain(asks).split()))
    assert ("confirm" in found[0]) is (confirm is not None)
    for part, limit in limits_of.items() if confirm is not None else ():
        assert 0 < escape.size(found[0]["confirm"][part]["text"]) <= limit


@pytest.mark.parametrize(("part", "limit"), limits_of.items())
@pytest.mark.parametrize("over", [0, 1])
def test_only_what_is_too_long_is_cut(part: str, limit: int, over: int) -> None:
    """To the very limit, and said to be."""
    texts = {"title": "t", "text": "x", "yes": "y"} | {{"confirm": "yes"}.get(part, part): "w" * (limit + over)}
    [button] = elements(drawn(Button("Approve", "approve 4fz", confirm=Confirm(**texts))))
    text = button["confirm"][part]["text"]
    assert len(text) == limit
    assert text.endswith("…" if over else "w")


def test_a_question_repeats_the_plan_and_leads_back() -> None:
    """No is no decision: the button of that says so."""
    [button] = elements(drawn(Button("Approve", "approve 4fz", ButtonStyle.PRIMARY, confirm=SURE)))
    shown = {part: text["text"] for part, text in button["confirm"].items()}
    assert shown == {"title": "Approve?", "text": SURE.text, "confirm": "Approve it", "deny": "Back"}


def test_what_is_dangerous_is_asked_in_red() -> None:
    [button] = elements(drawn(Button("Evict", "evict 4fz", ButtonStyle.DANGER, confirm=SURE)))
    assert button["confirm"]["style"] == button["style"] == "danger"


def test_a_question_without_words_is_asked_by_the_label() -> None:
    """The platform takes no empty text."""
    [button] = elements(drawn(Button("Approve", "approve 4fz", confirm=Confirm("", " ", "\u200b"))))
    assert {text["text"] for text in button["confirm"].values()} == {"Approve", "Back"}


def test_a_command_too_long_to_be_asked_for_is_shown_to_be_typed() -> None:
    """With the place where its last words belong."""
    message = drawn(Button("Deny…", f"deny {'x' * 1_990}", asks="Why?"), Button("Ok", "status"))
    assert [element["text"]["text"] for element in elements(message)] == ["Ok"]
    assert f"{'x' * 20} …" in str(message.blocks)


def test_a_long_question_is_cut_before_a_command_is() -> None:
    """What is asked is a label; the command must be whole."""
    [button] = elements(drawn(Button("Deny…", f"deny {'x' * 1_000}", asks="%" * 3_000)))
    press = decode_button(button["value"])
    assert press is not None
    assert (press.asks, len(press.command)) == ("%" * LONGEST_QUESTION, 1_005)


@pytest.mark.parametrize("part", ["title", "text", "confirm", "deny"])
@pytest.mark.parametrize("wrong", [None, {"type": "plain_text", "text": ""}, {"type": "plain_text", "text": "x" * 301}])
def test_our_own_look_finds_what_is_wrong_with_a_question(part: str, wrong: dict[str, str] | None) -> None:
    """Nothing leaves with a question that would be refused."""
    [button] = elements(drawn(Button("Approve", "approve 4fz", confirm=SURE)))
    button["confirm"][part] = wrong
    block = {"type": "actions", "block_id": "a", "elements": [button]}
    assert check(Message("v", (block,))) != []
    assert check_message([block]) != []
