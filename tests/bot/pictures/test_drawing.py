"""Charts become pictures: of the right size, the same each time, whatever the texts say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.charts import Chart, Moment, Panel, Series
from bot.pictures.drawing import WIDTH, draw
from bot.pictures.marks import rows_of
from bot.pictures.panels import within
from bot.pictures.times import clock_ticks
from bot.pictures.wire import decode, encode
from bot.pictures.words import fitted, width, wrapped
from tests.support.charts import START, a_day, charts, empty

HOSTILE = ("$x^2$ $\\frac{", "a\nb\tc", "\x1b[31mred", "\u202edesrever", "日本語 🚨", "x" * 3_000, "", "\\u0041 %s {0}")


def size(picture: bytes) -> tuple[int, int]:
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    return int.from_bytes(picture[16:20]), int.from_bytes(picture[20:24])


def test_the_same_chart_is_the_same_picture() -> None:
    """Byte for byte, so that it can be compared; and another one is another."""
    assert draw(a_day()) == draw(a_day())
    assert draw(a_day()) != draw(replace(a_day(), title="Another finding"))


def test_a_picture_fits_a_phone() -> None:
    """As wide as it was promised, not higher than wide, and small enough to be loaded on the way."""
    picture = draw(a_day())
    wide, high = size(picture)
    assert wide == WIDTH
    assert 600 <= high <= 900
    assert len(picture) < 200_000


def test_an_empty_chart_says_so() -> None:
    """It is a low picture with a sentence, not axes without lines."""
    _, high = size(draw(empty()))
    assert high == 300
    _, bare = size(draw(replace(empty(), panels=())))
    assert bare == 300


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_drawn_as_they_are(text: str) -> None:
    """No formula, no control, no glyph that is not there stops a picture."""
    series = Series(text, (1.0, None, 3.0))
    panel = Panel(text, "ms", (series, series), limit=2.0)
    chart = Chart(
        title=text, alt=text, starts_at=START, step_s=600, panels=(panel, replace(panel, bars=True)),
        moments=(Moment(START, text), Moment(START + timedelta(minutes=25), text)),
    )  # fmt: skip
    assert size(draw(chart))[0] == WIDTH


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(charts(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=30))))
def test_any_chart_can_be_drawn(chart: Chart) -> None:
    """Whatever the figures, the gaps and the zone are; and it survives its way to the program that draws."""
    assert decode(encode(chart)) == chart
    assert size(draw(chart))[0] == WIDTH


def test_a_figure_that_is_none_is_a_gap() -> None:
    """Infinite values and those that are not numbers are not known; whole numbers are figures."""
    series = Series("api", (1, float("nan"), float("inf"), 2.5))
    chart = replace(empty(), panels=(Panel("Ready", "%", (series,)),))
    (panel,) = decode(encode(chart)).panels
    assert panel.series[0].values == (1.0, None, None, 2.5)


def test_texts_are_cut_to_their_room() -> None:
    """With an ellipsis, in one line; what fits stays whole."""
    assert fitted("api", 24, 200) == "api"
    cut = fitted("rag-engine-api-with-a-very-long-name", 24, 200)
    assert cut.endswith("…")
    assert width(cut, 24) <= 200
    rows = wrapped("Healthy now; api was down to 67 % from 15:00 " * 5, 30, 800, lines=2, bold=True)
    assert len(rows) == 2
    assert all(width(row, 30, bold=True) <= 800 for row in rows)
    assert rows[1].endswith("…")
    assert wrapped("one word", 30, 800, lines=2) == ["one word"]


def test_labels_of_moments_do_not_cover_each_other() -> None:
    """Within a row each begins after the one before it; what has no room keeps its line without a name."""
    moments = tuple(Moment(START + timedelta(minutes=minute), f"release {minute}") for minute in range(0, 300, 10))
    rows = rows_of(replace(a_day(), moments=moments), 760, 24)
    labels = [label for row in rows for label in row]
    assert len(labels) == len(moments)
    for row in rows:
        named = [label for label in row if label.words]
        for one, other in pairwise(named):
            assert one.left + width(one.words, 24) < other.left
    assert any(not label.words for label in labels)


def test_moments_outside_are_left_out() -> None:
    """A picture tells of its own time."""
    outside = (Moment(START - timedelta(minutes=1), "before"), Moment(START + timedelta(days=2), "after"))
    assert rows_of(replace(a_day(), moments=outside), 760, 24) == ()


@pytest.mark.parametrize(
    ("zone", "start", "expected"),
    [
        ("UTC", "2026-11-23 08:00", ["08:00", "12:00", "16:00", "20:00", "Tue 24", "04:00", "08:00"]),
        ("Europe/Berlin", "2026-10-24 22:00", ["Sun 25", "04:00", "08:00", "12:00", "16:00", "20:00"]),
        ("Europe/Berlin", "2026-03-28 23:00", ["Sun 29", "04:00", "08:00", "12:00", "16:00", "20:00", "Mon 30"]),
    ],
    ids=["a plain day", "the day with an hour twice", "the day without an hour"],
)
def test_the_clock_shows_round_hours(zone: str, start: str, expected: list[str]) -> None:
    """On days that change the clock, too; and places rise."""
    at = datetime.fromisoformat(start).replace(tzinfo=UTC)
    ticks = clock_ticks(replace(a_day(), time_zone=zone, starts_at=at))
    assert [words for _, words in ticks] == expected
    places = [place for place, _ in ticks]
    assert places == sorted(places)


def test_a_threshold_far_above_is_told_and_not_drawn() -> None:
    """Else nothing but the threshold could be seen; shares keep their whole scale."""
    calm = Panel("Response time", "ms", (Series("api", (60.0, 90.0)),), limit=2000.0)
    assert not within(calm)
    assert within(replace(calm, series=(Series("api", (60.0, 900.0)),)))
    assert within(replace(calm, unit="%", limit=85.0))
    assert not within(replace(calm, limit=None))
