"""Escaping, lengths and cuts."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack.outbound import escape

TEXT = st.text(alphabet=st.one_of(st.characters(), st.sampled_from("&<>\n \u0301😀a")), max_size=200)


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("<!channel>", "&lt;!channel&gt;"),
        ("&lt;", "&amp;lt;"),
        ("<@U1|bob>", "&lt;@U1|bob&gt;"),
        ("a\x1b[31mb\u202ec", "abc"),
        ("a\tb", "a    b"),
    ],
)
def test_markup_is_escaped_once(text: str, escaped: str) -> None:
    """Three characters are escaped, the ampersand first; controls go."""
    assert escape.mrkdwn(text) == escaped


@pytest.mark.parametrize(
    ("text", "size"), [("", 0), ("abc", 3), ("&", 5), ("<>", 8), ("ä", 1), ("😀", 2), ("e\u0301", 2)]
)
def test_size_counts_escaped_units(text: str, size: int) -> None:
    """The longer of code points and UTF-16 units counts, entities included."""
    assert escape.size(text) == size


@given(TEXT, st.integers(2, 60))
def test_cut_fits(text: str, limit: int) -> None:
    """A cut text fits, is a beginning, and says that it was cut."""
    shown = escape.cut(text, limit)
    assert escape.size(shown) <= limit
    assert shown == text or (shown.endswith("…") and text.startswith(shown[:-1]))


@given(TEXT, st.integers(5, 60))
def test_pieces_lose_only_line_ends(text: str, limit: int) -> None:
    """Pieces fit and together are the text, but for line ends between two of them."""
    pieces = list(escape.pieces(text, limit))
    rest = text
    for piece in pieces:
        assert 0 < escape.size(piece) <= limit
        assert rest.startswith(piece)
        rest = rest[len(piece) :]
        rest = rest.removeprefix("\n") if len(rest) else rest
    assert rest == ""


@given(st.lists(st.sampled_from(["e\u0301", "a", "👍🏽", "x\u0336"]), max_size=60).map("".join), st.integers(8, 40))
def test_marks_stay_with_their_letter(text: str, limit: int) -> None:
    """A cut never starts a piece with a combining mark."""
    for piece in escape.pieces(text, limit):
        assert not unicodedata.combining(piece[0])
        assert not "\U0001f3fb" <= piece[0] <= "\U0001f3ff"


@given(TEXT, st.integers(1, 60))
def test_suffix_fits(text: str, limit: int) -> None:
    """The end that is kept fits."""
    assert escape.size(text[escape.suffix(text, limit) :]) <= limit
