"""One panel: its lines or bars, its threshold, its gaps, and the names where the lines end."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from matplotlib.axes import Axes

from bot.domain.charts import Chart, Panel, Series, figure
from bot.pictures.times import clock_ticks, span_s
from bot.pictures.words import QUIET, fitted, style, width

_MOST: Final = 4
_LABEL: Final = 27  # pixels from one name to the next
_FAR: Final = 3.0  # a threshold so many times above everything is told, not drawn: nothing else could be seen
_GRID, LIMIT, _GAP = "#e3e8ed", "#a63d3a", "#f3f5f7"


@dataclass(frozen=True, slots=True)
class Look:
    """How a series is told from the others: by colour and brightness, by its dashes, by its hatch."""

    colour: str
    dashes: Any
    hatch: str
    bar: str
    name: str


_LOOKS: Final = (
    Look("#174a7c", "solid", "", "#2d6aa3", "#123c66"),
    Look("#c8741a", (0, (5, 1.6)), "////", "#e9a65b", "#9a5408"),
    Look("#3f9c8f", (0, (1.2, 1.2)), "....", "#9ad0c7", "#24695f"),
    Look("#8a5a9e", (0, (6, 1.5, 1.2, 1.5)), "xxxx", "#c7a9d3", "#6a3f7d"),
)


def draw_panel(axes: Axes, chart: Chart, panel: Panel, *, text: float, room: float) -> None:
    """Draw a panel. `text` is the height of its words, `room` what names have to the right of it, both in pixels."""
    shown = panel.series[:_MOST]
    span, top = span_s(chart), _top(panel, shown)
    axes.set(xlim=(0, span), ylim=(0, top * 1.04))
    axes.set_xticks([])
    for place, _ in clock_ticks(chart):
        axes.axvline(place, color=_GRID, linewidth=1.0, zorder=0)
    axes.axhline(0, color="#9aa7b3", linewidth=1.4, zorder=1)
    _scale(axes, panel, top, text)
    _gaps(axes, chart, shown, text)
    if panel.limit is not None and within(panel):
        axes.axhline(panel.limit, color=LIMIT, linewidth=1.4, linestyle=(0, (6, 3)), zorder=2)
    if panel.bars:
        _bars(axes, chart, shown)
    else:
        _lines(axes, chart, shown)
    _names(axes, panel, shown, text=text, room=room)


def within(panel: Panel) -> bool:
    """Tell whether the panel's threshold is near enough to be drawn. Shares always have all of their scale."""
    if panel.limit is None:
        return False
    known = [value for series in panel.series[:_MOST] for value in series.values if value is not None]
    return panel.unit == "%" or panel.limit <= _FAR * max(known, default=0.0)


def _top(panel: Panel, shown: Sequence[Series]) -> float:
    """Return where the scale ends: a round figure above everything; a hundred for shares that stay below it."""
    sums = [sum(v for v in step if v is not None) for step in zip(*(s.values for s in shown), strict=False)]
    known = sums if panel.bars else [value for series in shown for value in series.values if value is not None]
    limit = panel.limit if panel.limit is not None and within(panel) else 0.0
    highest = max([*known, limit, 0.0])
    if panel.unit == "%" and highest <= 100:
        return 100.0
    if highest <= 0:
        return 1.0
    size = 10.0 ** math.floor(math.log10(highest))
    return float(next(size * step for step in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if size * step >= highest * 0.999))


def _scale(axes: Axes, panel: Panel, top: float, text: float) -> None:
    axes.set_yticks([0, top])
    how: Any = style(text, colour=QUIET)
    axes.set_yticklabels(["0", figure(top, "%" if panel.unit == "%" else "")], **how)
    axes.axhline(top, color=_GRID, linewidth=1.0, zorder=0)


def _gaps(axes: Axes, chart: Chart, shown: Sequence[Series], text: float) -> None:
    """Shade where nothing at all is known, and say so where there is room."""
    box, span = axes.get_window_extent(), span_s(chart)
    for first, last in _unknown(shown, chart.steps):
        start, end = first * chart.step_s, last * chart.step_s
        axes.axvspan(start, end, facecolor=_GAP, edgecolor="#d5dce2", hatch="//", linewidth=0, zorder=0.5)
        words = "not recorded"
        if (end - start) / span * box.width > width(words, text) + 16:
            how: Any = {**style(text, colour=QUIET), "ha": "center", "va": "center"}
            axes.text((start + end) / 2, sum(axes.get_ylim()) / 2, words, **how)


def _unknown(shown: Sequence[Series], steps: int) -> Iterator[tuple[int, int]]:
    """Return spans of steps in which no series has a value: from a step up to another one."""
    begun: int | None = None
    for step in range(steps + 1):
        known = step == steps or any(step < len(s.values) and s.values[step] is not None for s in shown)
        if not known and begun is None:
            begun = step
        elif known and begun is not None:
            yield begun, step
            begun = None


def _lines(axes: Axes, chart: Chart, shown: Sequence[Series]) -> None:
    for number, series in reversed(list(enumerate(shown))):
        look = _LOOKS[number]
        # A value holds for its whole step, so that a single one between two gaps is seen as well.
        values = [math.nan if value is None else value for value in series.values]
        edges = [step * chart.step_s for step in range(len(values) + 1)]
        axes.stairs(
            values, edges, baseline=None, color=look.colour, linewidth=3.0, linestyle=look.dashes, zorder=4 - number / 9
        )


def _bars(axes: Axes, chart: Chart, shown: Sequence[Series]) -> None:
    """Stack the counts of each step. A bar has a least width, so that a single restart is seen on a phone."""
    box, span = axes.get_window_extent(), span_s(chart)
    wide = max(chart.step_s * 0.9, span * 7 / max(box.width, 1))
    floor = [0.0] * chart.steps
    for number, series in enumerate(shown):
        look = _LOOKS[number]
        for step, value in enumerate(series.values):
            if value:
                axes.bar(
                    [(step + 0.5) * chart.step_s], [value], width=wide, bottom=floor[step], color=look.bar,
                    edgecolor=look.colour, hatch=look.hatch, linewidth=1.2, zorder=3,
                )  # fmt: skip
                floor[step] += value


def _names(axes: Axes, panel: Panel, shown: Sequence[Series], *, text: float, room: float) -> None:
    """Write each series' name and newest value beside its end, moved apart so that none covers another one."""
    box, (low, high) = axes.get_window_extent(), axes.get_ylim()
    known = [(number, series) for number, series in enumerate(shown) if any(v is not None for v in series.values)]
    wanted = [(_end(panel, series) - low) / (high - low) * box.height for _, series in known]
    for (number, series), place in zip(known, _apart(wanted, box.height), strict=True):
        value, colour = _value(panel, series), _LOOKS[number].name
        name = fitted(series.name, text, room - 40 - width(value, text, bold=True))
        how: Any = {"va": "center", "transform": None, "clip_on": False}
        left, height = box.x1 + 8, box.y0 + place
        _sample(axes, panel, number, left, height)
        axes.text(left + 32, height, name, **style(text, colour=colour), **how)
        beside = left + 32 + width(name, text) + 9
        axes.text(beside, height, value, **style(text, bold=True, colour=colour), **how)


def _sample(axes: Axes, panel: Panel, number: int, left: float, height: float) -> None:
    """Draw a little of the line or the bar before its name."""
    look = _LOOKS[number]
    if panel.bars:
        axes.bar(
            [left + 13], [18], width=18, bottom=height - 9, color=look.bar, edgecolor=look.colour, hatch=look.hatch,
            linewidth=1.2, transform=None, clip_on=False,
        )  # fmt: skip
        return
    axes.plot(
        [left, left + 26], [height] * 2, color=look.colour, linewidth=3.0, linestyle=look.dashes, transform=None,
        clip_on=False,
    )  # fmt: skip


def _end(panel: Panel, series: Series) -> float:
    if panel.bars:
        return 0.0
    return next(value for value in reversed(series.values) if value is not None)


def _value(panel: Panel, series: Series) -> str:
    """Return the figure beside the name: the sum of bars, the newest value of a line."""
    if panel.bars:
        return figure(sum(value for value in series.values if value is not None), panel.unit)
    newest = series.values[-1]
    return figure(newest, panel.unit) if newest is not None else "?"


def _apart(wanted: Sequence[float], height: float) -> list[float]:
    """Move places apart by a label's height, within the panel as far as possible; their order stays."""
    order = sorted(range(len(wanted)), key=lambda number: wanted[number])
    places = list(wanted)
    floor = 8.0
    for number in order:
        places[number] = max(places[number], floor)
        floor = places[number] + _LABEL
    ceiling = height
    for number in reversed(order):
        places[number] = min(places[number], ceiling)
        ceiling = places[number] - _LABEL
    return places
