"""A chart -> PNG bytes: panels above each other that share the time. Pure; the same chart gives the same bytes.

It is made to be read on a phone: at half its width every text still has twelve pixels. Colours are calm and differ in
brightness, too; lines differ in their dashes, bars in their hatches, and each is named where it ends.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bot.domain.charts import Chart, Panel, figure
from bot.pictures.marks import draw_moments, rows_of
from bot.pictures.panels import LIMIT, draw_panel, within
from bot.pictures.times import clock_ticks
from bot.pictures.words import DOTS_PER_INCH, INK, QUIET, fitted, pixels, style, wrapped

WIDTH: Final = 1200
TEXT: Final = 24  # pixels; half of it where the picture is shown 600 wide
_TITLE: Final = 30
_LEFT, _RIGHT = 96, 346
_MARGIN: Final = 28
_TOP: Final = 32
_TITLE_LINE: Final = 40
_MARKS_ROW: Final = 34
_HEADING: Final = 48
_PANEL: Final = 100
_FOOT: Final = 52
_PANELS: Final = 6
_EMPTY: Final = "Nothing was recorded in this time."


@dataclass(slots=True)
class Sheet:
    """The paper: a figure in which places are given in pixels from the top left."""

    paper: Figure
    height: int

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Add axes without a frame."""
        bottom = self.height - top - height
        place = (left / WIDTH, bottom / self.height, width / WIDTH, height / self.height)
        axes: Axes = self.paper.add_axes(place)
        axes.patch.set_alpha(0.0)
        for spine in axes.spines.values():
            spine.set_visible(False)
        axes.tick_params(length=0)
        return axes

    def write(self, text: str, left: float, top: float, **how: object) -> None:
        """Write a text whose top left corner is there."""
        place = (left / WIDTH, 1 - top / self.height)
        self.paper.text(*place, text, va="top", **how)  # type: ignore[arg-type]  # properties of a text


def draw(chart: Chart) -> bytes:
    """Return a chart as PNG."""
    panels = [panel for panel in chart.panels if panel.series][:_PANELS]
    with warnings.catch_warnings():
        # A sign without a glyph or an odd range is no reason to say anything here.
        warnings.simplefilter("ignore")
        sheet = _drawn(chart, () if chart.empty else panels)
        out = io.BytesIO()
        sheet.paper.savefig(out, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    return out.getvalue()


def _drawn(chart: Chart, panels: Sequence[Panel]) -> Sheet:
    wide = WIDTH - _LEFT - _RIGHT
    rows = rows_of(chart, wide, TEXT) if panels else ()
    title = wrapped(chart.title, _TITLE, WIDTH - 2 * _MARGIN, lines=2, bold=True)
    marks = _TOP + _TITLE_LINE * len(title)
    top = marks + (_MARKS_ROW * len(rows) + 8 if rows else 0)
    height = top + (_HEADING + _PANEL) * len(panels) + _FOOT if panels else 300
    paper = Figure(figsize=(WIDTH / DOTS_PER_INCH, height / DOTS_PER_INCH), dpi=DOTS_PER_INCH, facecolor="white")
    FigureCanvasAgg(paper)
    sheet = Sheet(paper, height)
    for number, words in enumerate(title):
        sheet.write(words, _MARGIN, 26 + number * _TITLE_LINE, **style(_TITLE, bold=True))
    if not panels:
        sheet.write(_EMPTY, _MARGIN, 130, **style(TEXT, colour=QUIET))
        return sheet
    for number, panel in enumerate(panels):
        place = top + number * (_HEADING + _PANEL)
        _heading(sheet, panel, place)
        axes = sheet.axes(_LEFT, place + _HEADING, wide, _PANEL - 2)
        draw_panel(axes, chart, panel, text=TEXT, room=_RIGHT - _MARGIN - 18)
        if number == len(panels) - 1:
            _clock(axes, chart)
    below = sheet.axes(_LEFT, marks, wide, height - marks - _FOOT - 2)
    draw_moments(below, rows, row=_MARKS_ROW, text=TEXT)
    return sheet


def _heading(sheet: Sheet, panel: Panel, top: float) -> None:
    name = fitted(panel.title, TEXT, 620, bold=True)
    # The lines of the moments do not run through the words.
    paper = {"bbox": {"facecolor": "white", "edgecolor": "none", "pad": 2.0}}
    sheet.write(name, _MARGIN, top + 12, **style(TEXT, bold=True), **paper)
    if panel.limit is not None:
        words = f"threshold {figure(panel.limit, panel.unit)}{'' if within(panel) else ', far above'}"
        sheet.write(words, WIDTH - _RIGHT, top + 12, ha="right", **style(TEXT, colour=LIMIT), **paper)


def _clock(axes: Axes, chart: Chart) -> None:
    """Name the times below the last panel."""
    ticks = clock_ticks(chart)
    axes.set_xticks([place for place, _ in ticks])
    axes.set_xticklabels([words for _, words in ticks], **style(TEXT, colour=INK))
    axes.tick_params(axis="x", pad=pixels(10))
