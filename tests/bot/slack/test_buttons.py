"""The form of a button's value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.redaction import clean
from bot.slack.buttons import LONGEST_QUESTION, VALUE_LIMIT, Press, decode_button, encode_button


@given(st.text(), st.booleans())
def test_what_is_encoded_comes_back(command: str, replaces: bool) -> None:
    """A value fits and means the same when read back, or there is none."""
    value = encode_button(command, replaces=replaces)
    if value is None:
        assert not command.strip() or clean(command) != command or len(command) > VALUE_LIMIT // 6
    else:
        assert len(value.encode("utf-16-le")) // 2 <= VALUE_LIMIT
        assert decode_button(value) == Press(command, replaces)


@given(st.text(alphabet=st.characters(categories=("L", "N", "P", "S", "Zs"))), st.text())
def test_a_question_comes_back_with_its_command(asks: str, command: str) -> None:
    """On one line, as much of it as a label holds; nothing of it is taken for the command."""
    value = encode_button(f"deny {command}", replaces=False, asks=f"Why {asks}?")
    if value is None:
        assert clean(command) != command or len(command) > VALUE_LIMIT // 9
    else:
        question = " ".join(clean(f"Why {asks}?").split())[:LONGEST_QUESTION]
        assert len(value.encode("utf-16-le")) // 2 <= VALUE_LIMIT
        assert decode_button(value) == Press(f"deny {command}", replaces=False, asks=question)


def test_values_of_posted_messages_are_still_read() -> None:
    """Buttons live as long as their messages."""
    assert decode_button("=status %26 more") == Press("status & more", replaces=True)
    assert decode_button("+share status") == Press("share status", replaces=False)
    assert decode_button("?Why%7C?|deny 4fz") == Press("deny 4fz", replaces=False, asks="Why|?")


@given(st.text(alphabet="a&<>%;ltgmp"))
def test_value_survives_entity_decoding(command: str) -> None:
    """Whether the platform decodes entities in values does not matter."""
    value = encode_button("run " + command, replaces=False)
    assert value is not None
    decoded = value.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert decode_button(decoded) == Press("run " + command, replaces=False)


@pytest.mark.parametrize(
    "value", ["", "+", "=", "= ", "status", "?status", "  ", "?|status", "?Why|", "? |status", "?"]
)
def test_foreign_values_are_not_read(value: str) -> None:
    """A value that is not of our making means nothing."""
    assert decode_button(value) is None


@pytest.mark.parametrize(
    "command",
    ["restart api\u202e", "restart \u200bapi", "restart\x00api", "", " ", "x" * 2_000, "%" * 700, "😀" * 1_001],
    ids=["bidi", "zero-width", "nul", "empty", "blank", "long", "long-encoded", "long-utf16"],
)
def test_what_cannot_be_a_button_is_refused(command: str) -> None:
    """Invisible characters and long commands make no button."""
    assert encode_button(command, replaces=False) is None
