"""The form of a button's value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.redaction import clean
from bot.slack.buttons import VALUE_LIMIT, Press, decode_button, encode_button


@given(st.text(), st.booleans())
def test_what_is_encoded_comes_back(command: str, replaces: bool) -> None:
    """A value fits and means the same when read back, or there is none."""
    value = encode_button(command, replaces=replaces)
    if value is None:
        assert not command.strip() or clean(command) != command or len(command) > VALUE_LIMIT // 6
    else:
        assert len(value.encode("utf-16-le")) // 2 <= VALUE_LIMIT
        assert decode_button(value) == Press(command, replaces)


@given(st.text(alphabet="a&<>%;ltgmp"))
def test_value_survives_entity_decoding(command: str) -> None:
    """Whether the platform decodes entities in values does not matter."""
    value = encode_button("run " + command, replaces=False)
    assert value is not None
    decoded = value.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert decode_button(decoded) == Press("run " + command, replaces=False)


@pytest.mark.parametrize("value", ["", "+", "=", "= ", "status", "?status", "  "])
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
