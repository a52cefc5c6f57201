"""Charts to draw: one that is as full as a day can be, and any chart at all."""

from __future__ import annotations

import math
import zlib
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from bot.domain.charts import Chart, Moment, Panel, Series

STEPS = 144
START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
GAP = range(90, 97)


def _line(values: list[float]) -> tuple[float | None, ...]:
    return tuple(None if step in GAP else value for step, value in enumerate(values))


def _wave(middle: float, height: float, turns: float) -> list[float]:
    return [middle + height * math.sin(step / turns) for step in range(STEPS)]


def a_day() -> Chart:
    """A release that went wrong, memory that climbs, seventy minutes in which nothing was recorded."""
    ready = [66.7 if 36 <= step < 40 else 100.0 for step in range(STEPS)]
    restarts = [{36: 4.0, 37: 3.0, 110: 1.0}.get(step, 0.0) for step in range(STEPS)]
    slow = [900.0 if 36 <= step < 41 else value for step, value in enumerate(_wave(85, 20, 14))]
    climb = [40 + step * 0.3 for step in range(STEPS)]
    return Chart(
        title="Healthy now; api was down to 67 % from 15:00, memory of worker climbs",
        alt="Ready pods, restarts, memory and response time of the last 24 hours: api fell to 67 % at 15:00.",
        starts_at=START,
        step_s=600,
        time_zone="Europe/Berlin",
        panels=(
            Panel("Ready pods", "%", (Series("api", _line(ready)), Series("10 others", _line([100.0] * STEPS)))),
            Panel("Restarts", "", (Series("api", _line(restarts)),), bars=True),
            Panel("Share of the limit", "%", (Series("worker memory", _line(climb)),), limit=85.0),
            Panel("Response time", "ms", (Series("api", _line(slow)),), limit=2000.0),
        ),
        moments=(
            Moment(START + timedelta(hours=6, minutes=2), "api v1.1 → v1.2"),
            Moment(START + timedelta(hours=6, minutes=9), "api back to v1.1"),
            Moment(START + timedelta(hours=20), "worker 4 → 6"),
        ),
    )


def empty() -> Chart:
    """A day of which nothing is known."""
    panel = Panel("Ready pods", "%", (Series("api", (None,) * STEPS),))
    return Chart(title="Nothing is known", alt="Nothing was recorded.", starts_at=START, step_s=600, panels=(panel,))


def charts(texts: st.SearchStrategy[str]) -> st.SearchStrategy[Chart]:
    """Any chart, its texts from `texts`."""
    return st.integers(0, 30).flatmap(lambda steps: _charts(texts, steps))


def _charts(texts: st.SearchStrategy[str], steps: int) -> st.SearchStrategy[Chart]:
    figures = st.none() | st.floats(-1e6, 1e6)
    values = st.lists(figures, min_size=steps, max_size=steps).map(tuple)
    series = st.lists(st.builds(Series, texts, values), max_size=6).map(tuple)
    panel = st.builds(Panel, texts, st.sampled_from(["", "%", "ms"]), series, figures, st.booleans())
    moments = st.builds(lambda hours, text: Moment(START + timedelta(hours=hours), text), st.integers(-2, 40), texts)
    return st.builds(
        Chart,
        title=texts,
        alt=texts,
        starts_at=st.just(START),
        step_s=st.sampled_from([60, 600, 3600]),
        panels=st.lists(panel, max_size=4).map(tuple),
        moments=st.lists(moments, max_size=8).map(tuple),
        time_zone=st.sampled_from(["UTC", "Europe/Berlin", "Pacific/Chatham", "no zone", "", "../etc/passwd"]),
    )


def png(chart: Chart) -> bytes:
    """A tiny picture that differs by chart, for where drawing is beside the point: one grey dot with a note."""
    note = f"of\0{zlib.crc32(repr(chart).encode()):08x}".encode()
    header = (1).to_bytes(4) + (1).to_bytes(4) + bytes((8, 0, 0, 0, 0))
    parts = ((b"IHDR", header), (b"tEXt", note), (b"IDAT", zlib.compress(b"\0\x80")), (b"IEND", b""))
    chunks = (len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4) for kind, data in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
