"""Near misses: what is passed over quickly could not have been near."""

from __future__ import annotations

import difflib

from hypothesis import given
from hypothesis import strategies as st

from bot.diagnosis.near import _can_be_alike, meant
from bot.domain.text import suggest

NAMES = st.text(alphabet="abc-1", max_size=9)


@given(NAMES, NAMES, st.floats(0, 1))
def test_what_is_alike_is_never_passed_over(asked: str, found: str, least: float) -> None:
    """The quick look may only err on the side of looking closer."""
    alike = difflib.SequenceMatcher(None, asked, found).ratio()
    assert _can_be_alike(asked, found, least) or alike < least


@given(NAMES, st.lists(NAMES, max_size=20))
def test_the_name_that_was_meant_is_the_nearest_of_all(word: str, known: list[str]) -> None:
    """As if each had been compared at length."""
    assert meant(word, known) == next(iter(suggest(word, known, most=1)), "")
