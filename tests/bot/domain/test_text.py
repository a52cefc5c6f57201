from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.text import count, first_line, in_short, listed, suggest

KNOWN = ("api", "api-canary", "worker", "ingest", "postgres")


@pytest.mark.parametrize(
    ("word", "suggestions"),
    [
        ("apii", ("api",)),
        ("API", ("api", "api-canary")),
        ("workr", ("worker",)),
        ("post", ("postgres",)),
        ("api-", ("api", "api-canary")),
        ("", ()),
        ("zzz", ()),
    ],
)
def test_the_nearest_words_come_first(word: str, suggestions: tuple[str, ...]) -> None:
    """By likeness, then by beginning."""
    assert suggest(word, KNOWN) == suggestions


def test_suggestions_are_few() -> None:
    """More than a handful is a list, not a suggestion."""
    assert len(suggest("api", [f"api-{n}" for n in range(20)])) == 3
    assert len(suggest("api", [f"api-{n}" for n in range(20)], most=1)) == 1


@settings(deadline=None)
@given(st.text(max_size=20), st.lists(st.text(max_size=10), max_size=8))
def test_only_known_words_are_suggested(word: str, known: list[str]) -> None:
    """Each once."""
    found = suggest(word, known)
    assert set(found) <= set(known)
    assert len(found) == len(set(found))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", ""),
        ("\n \n", ""),
        ("one", "one"),
        ("\n  one  \ntwo", "one"),
        ("0123456789", "0123456789"),
        ("0123456789a", "012345678…"),
    ],
)
def test_the_first_line_that_is_not_blank(text: str, line: str) -> None:
    """Cut with an ellipsis when it is too long."""
    assert first_line(text, 10) == line


@settings(deadline=None)
@given(st.text(max_size=50), st.integers(1, 30))
def test_a_first_line_is_one_line_within_its_limit(text: str, limit: int) -> None:
    """Whatever the text."""
    line = first_line(text, limit)
    assert len(line) <= limit
    assert len(line.splitlines()) <= 1


def test_numbers_agree_with_their_words() -> None:
    """One pod, two pods, and words with a plural of their own."""
    assert [count(n, "pod") for n in (0, 1, 2)] == ["0 pods", "1 pod", "2 pods"]
    assert count(2, "entry", "entries") == "2 entries"


@pytest.mark.parametrize(
    ("words", "said", "short"),
    [
        ((), "", ""),
        (("a",), "a", "a"),
        (("a", "b"), "a and b", "a, b"),
        (("a", "b", "c"), "a, b and 1 more", "a, b and 1 more"),
        (("a", "b", "c", "d"), "a, b and 2 more", "a, b and 2 more"),
    ],
)
def test_of_many_words_the_first_are_said_and_the_others_counted(words: tuple[str, ...], said: str, short: str) -> None:
    """Without a bound all are said."""
    assert (listed(words, 2), in_short(words, 2)) == (said, short)
    assert listed(words) == listed(words, len(words))
