"""Spans of time as people type them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.durations import parse_span


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("90s", timedelta(seconds=90)),
        ("30m", timedelta(minutes=30)),
        ("2h", timedelta(hours=2)),
        ("3d", timedelta(days=3)),
        ("1w", timedelta(weeks=1)),
        ("2H", timedelta(hours=2)),
        ("0m", timedelta()),
        ("999999w", timedelta(weeks=999_999)),
    ],
)
def test_a_span_is_a_number_and_a_unit(text: str, meant: timedelta) -> None:
    """How long may be too long is for who asks to say."""
    assert parse_span(text) == meant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "h",
        "2",
        "-2h",
        "+2h",
        "2 h",
        " 2h",
        "1.5h",
        "2h ago",
        "1h30m",
        "2x",
        "1000000s",
        "\u0662h",
        "2h\n",
        "\uff12h",
    ],
)
def test_anything_else_is_none(text: str) -> None:
    """Also digits of other scripts, which look like another number to somebody."""
    assert parse_span(text) is None


@given(st.text(max_size=20))
def test_no_text_breaks_it(text: str) -> None:
    meant = parse_span(text)
    assert meant is None or meant >= timedelta()
