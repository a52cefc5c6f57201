"""How often a cron schedule runs at least."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.diagnosis.schedules import longest_gap


@pytest.mark.parametrize(
    ("schedule", "hours"),
    [
        ("0 2 * * *", 24),
        ("*/10 8-12 * * *", 24),
        ("17 * * * *", 1),
        ("*/5 * * * *", 1),
        ("0 2 * * 1-5", 168),
        ("0 2 1 * *", None),
        ("0 2 29 2 *", None),
        ("@hourly", 1),
        ("@midnight", 24),
        ("@weekly", 168),
        ("@reboot", None),
        ("TZ=Europe/Berlin 0 2 * * *", 24),
        ("CRON_TZ=UTC @daily", 24),
        ("0 2 ? * *", 24),
        ("", None),
        ("every day", None),
        ("* * * * * *", None),
    ],
)
def test_the_longest_gap_of_a_schedule(schedule: str, hours: float | None) -> None:
    """Never too short, and none where only a calendar could tell."""
    assert longest_gap(schedule) == (None if hours is None else timedelta(hours=hours))


def test_every_minute() -> None:
    """The shortest there is."""
    assert longest_gap("* * * * *") == timedelta(minutes=1)


@given(st.text(max_size=30))
def test_any_text_has_an_answer(schedule: str) -> None:
    """A schedule is written by people."""
    gap = longest_gap(schedule)
    assert gap is None or gap >= timedelta(minutes=1)
