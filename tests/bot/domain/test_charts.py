"""Charts in characters, as data, and their figures."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.charts import Chart, Panel, Series, chart_data, figure
from bot.domain.sparklines import sparklines
from tests.support.charts import START, a_day, charts, empty


def of(*values: float | None, unit: str = "%", bars: bool = False) -> Chart:
    return replace(empty(), panels=(Panel("Ready", unit, (Series("api", values),), bars=bars),))


def drawn(chart: Chart, width: int = 100) -> str:
    """Return the characters of the first series."""
    return sparklines(chart, width=width)[3].removeprefix("  api  ").split("  ")[0]


def test_levels_follow_the_values() -> None:
    """From nothing to the highest."""
    assert drawn(of(0.0, 25.0, 50.0, 75.0, 100.0)) == "▁▃▅▆█"


def test_what_is_not_known_is_a_gap() -> None:
    """It is not drawn as nothing, nor counted."""
    (row,) = (line for line in sparklines(of(100.0, None, 100.0), width=100) if line.startswith("  api"))
    assert "█ █" in row
    assert row.endswith("100 to 100 %, now 100 %")
    assert "now not known" in sparklines(of(100.0, None), width=100)[3]
    assert sparklines(of(None, None), width=100)[1] == "Nothing was recorded."


def test_a_dip_is_seen_however_narrow_it_is() -> None:
    """A column shows what stands out most of its steps, not their mean."""
    values = [100.0] * 144
    values[70] = 0.0
    assert drawn(of(*values), width=60).count("▁") == 1


def test_counts_are_summed() -> None:
    """Bars say how many there were in all."""
    assert sparklines(of(0.0, 4.0, 1.0, unit="", bars=True), width=100)[3].endswith("5 in all")


def test_a_day_is_told_with_its_moments() -> None:
    """Panels in their order, thresholds, the clock of the chart's zone."""
    rows = sparklines(a_day(), width=100)
    assert rows[1] == "from Mon 09:00 to Tue 09:00 Europe/Berlin"
    assert "Share of the limit, threshold 85 %" in rows
    assert rows[-3:] == ["  15:02  api v1.1 → v1.2", "  15:09  api back to v1.1", "  05:00  worker 4 → 6"]


@given(charts(st.text(max_size=60)), st.integers(0, 200))
def test_any_chart_has_lines_of_bounded_width(chart: Chart, width: int) -> None:
    """Whatever is in it."""
    for row in sparklines(chart, width=width)[1:]:
        assert len(row) <= max(width, 160)


@given(charts(st.text(max_size=10)))
def test_the_data_of_a_chart_is_json(chart: Chart) -> None:
    """Programs get all of it."""
    data = json.loads(json.dumps(chart_data(chart), allow_nan=False))
    assert [len(panel["series"]) for panel in data["panels"]] == [len(panel.series) for panel in chart.panels]


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [(85.4, "%", "85 %"), (1.25, "s", "1.2 s"), (0.05, "s", "0.05 s"), (3.0, "", "3"), (2000.0, "ms", "2,000 ms")],
)
def test_figures_are_short(value: float, unit: str, said: str) -> None:
    """As many digits as can be read at a glance."""
    assert figure(value, unit) == said


def test_a_chart_knows_its_end_and_its_clock() -> None:
    """A zone that nobody knows gives way to UTC."""
    assert a_day().ends_at == START + timedelta(days=1)
    assert replace(a_day(), time_zone="no/such").clock is UTC
    assert empty().empty
    assert not a_day().empty
