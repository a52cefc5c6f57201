"""What happened, as thin lines through all panels, each named above them as far as there is room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from matplotlib.axes import Axes

from bot.domain.charts import Chart
from bot.pictures.times import span_s
from bot.pictures.words import QUIET, fitted, style, width

_ROWS: Final = 3
_MOST: Final = 40
_LONGEST: Final = 330
_GAP: Final = 18
_LINE: Final = "#8494a3"


@dataclass(frozen=True, slots=True)
class Label:
    """A moment's place and words; both in pixels from the left. Without words only its line is drawn."""

    line: float
    left: float
    words: str


def rows_of(chart: Chart, wide: float, text: float) -> tuple[tuple[Label, ...], ...]:
    """Lay the moments out in rows, so that no label covers another one; those without room come in the last row."""
    ends, rows = [0.0] * _ROWS, [list[Label]() for _ in range(_ROWS)]
    nameless: list[Label] = []
    # The names may reach as far as the names of the series below.
    edge = wide + 260
    for place, words in _inside(chart, wide)[:_MOST]:
        shown = fitted(words, text, _LONGEST)
        long = width(shown, text)
        # Beside its line: to the right of it where there is room.
        left = place + 8 if place + 8 + long <= edge else max(0.0, place - _GAP - long)
        row = next((number for number, end in enumerate(ends) if end <= left), None)
        if row is None:
            nameless.append(Label(place, place, ""))
            continue
        rows[row].append(Label(place, left, shown))
        ends[row] = left + long + _GAP
    used = [row for row in rows if row]
    if used and nameless:
        used[-1] += nameless
    return tuple(map(tuple, used))


def _inside(chart: Chart, wide: float) -> list[tuple[float, str]]:
    span = span_s(chart)
    found = []
    for moment in sorted(chart.moments, key=lambda moment: moment.at):
        place = (moment.at - chart.starts_at).total_seconds() / span
        if 0 <= place <= 1:
            found.append((place * wide, f"{moment.at.astimezone(chart.clock):%H:%M} {moment.label}"))
    return found


def draw_moments(axes: Axes, rows: Sequence[Sequence[Label]], *, row: float, text: float) -> None:
    """Draw the lines over all of `axes`, whose top holds the rows of names, each `row` pixels high."""
    box = axes.get_window_extent()
    axes.set(xlim=(0, box.width), ylim=(box.height, 0), xticks=[], yticks=[])
    for number, labels in enumerate(rows):
        top = number * row
        for label in labels:
            axes.plot([label.line] * 2, [top + 4, box.height], color=_LINE, linewidth=1.6, linestyle=(0, (1, 1.6)))
            axes.plot([label.line], [top + 8], marker="v", markersize=8, color=_LINE, clip_on=False)
            axes.text(label.left + 4, top, label.words, va="top", **style(text, colour=QUIET))
