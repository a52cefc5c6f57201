"""Times of the API are aware UTC, or none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cluster.times import parse_time

SEEN = datetime(2026, 11, 24, 22, 2, 45, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-24T22:02:45Z", SEEN),
        ("2026-11-24T22:02:45.035020Z", SEEN.replace(microsecond=35020)),
        ("2026-11-24T22:02:45.035020933Z", SEEN.replace(microsecond=35020)),
        ("2026-11-25T00:02:45+02:00", SEEN),
    ],
)
def test_rfc_3339_is_read_to_the_microsecond(text: str, expected: datetime) -> None:
    """Nanoseconds are cut, zones become UTC."""
    assert parse_time(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "1970-01-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "2026-11-24T22:02:45",
        "2026-11-24",
        "2026-13-24T22:02:45Z",
        "9999-12-31T23:59:59-23:00",
        "yesterday",
    ],
)
def test_what_is_no_moment_is_none(text: str | None) -> None:
    """The kubelet's 1970 and Go's zero time mean that there is no time."""
    assert parse_time(text) is None


@given(
    st.datetimes(
        datetime(1971, 1, 2),  # noqa: DTZ001  # hypothesis wants naive bounds
        timezones=st.integers(-14, 14).map(lambda hours: timezone(timedelta(hours=hours))),
    ).filter(lambda moment: moment.year < 9999)
)
def test_what_is_written_is_read(moment: datetime) -> None:
    """Reading is the inverse of writing."""
    assert parse_time(moment.isoformat()) == moment


@given(st.text(max_size=40))
def test_no_text_raises(text: str) -> None:
    """Garbage in one field never costs the whole list."""
    parse_time(text)
