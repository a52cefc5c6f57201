"""A chart in characters, for where no picture can be: a line for each series, its figures beside it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from bot.domain.charts import Chart, Moment, Panel, Series, figure

_LEVELS = "▁▂▃▄▅▆▇█"
_GAP = " "
_NARROWEST, _WIDEST = 12, 72
_LONGEST_NAME = 20
_LONGEST_LABEL = 60
_FIGURES = 36  # columns that the figures at the end of a line may take
_MOST_MOMENTS = 12
_NOTHING = "Nothing was recorded."


def sparklines(chart: Chart, *, width: int) -> list[str]:
    """Return a chart as lines of at most about `width` columns; a gap where nothing is known.

    A column stands for as many steps as it takes, and shows the one that stands out most.
    """
    if chart.empty:
        return [chart.title, _NOTHING]
    names = [_name(series.name) for panel in chart.panels for series in panel.series]
    widest = max(map(len, names))
    columns = max(_NARROWEST, min(_WIDEST, width - widest - _FIGURES))
    lines = [chart.title, f"from {_when(chart, 0)} to {_when(chart, chart.steps)} {chart.time_zone}"]
    for panel in chart.panels:
        lines.append(_title(panel))
        lines += (_line(series, panel, columns, widest) for series in panel.series)
    return [*lines, *_moments(chart)]


def _title(panel: Panel) -> str:
    limit = f", threshold {figure(panel.limit, panel.unit)}" if panel.limit is not None else ""
    return f"{panel.title}{limit}"


def _line(series: Series, panel: Panel, columns: int, widest: int) -> str:
    known = [value for value in series.values if value is not None]
    name = f"  {_name(series.name):<{widest}}  "
    if not known:
        return f"{name}not known"
    top = max([*(value for other in panel.series for value in other.values if value is not None), panel.limit or 0.0])
    shown = "".join(_level(value, top) for value in _gathered(series.values, columns))
    last = series.values[-1]
    if panel.bars:
        return f"{name}{shown}  {figure(sum(known), panel.unit)} in all"
    now = figure(last, panel.unit) if last is not None else "not known"
    return f"{name}{shown}  {figure(min(known), '')} to {figure(max(known), panel.unit)}, now {now}"


def _gathered(values: Sequence[float | None], columns: int) -> Iterator[float | None]:
    """Gather steps into columns; of each the value that is farthest from what is usual."""
    usual = median([value for value in values if value is not None])
    columns = min(columns, len(values))
    for column in range(columns):
        part = values[column * len(values) // columns : (column + 1) * len(values) // columns]
        yield max((value for value in part if value is not None), key=lambda value: abs(value - usual), default=None)


def _level(value: float | None, top: float) -> str:
    if value is None:
        return _GAP
    share = value / top if top > 0 else 0.0  # infinite where the top is next to nothing
    return _LEVELS[round(max(0.0, min(1.0, share)) * (len(_LEVELS) - 1))]


def _moments(chart: Chart) -> Iterator[str]:
    inside = [moment for moment in chart.moments if chart.starts_at <= moment.at <= chart.ends_at]
    for moment in inside[:_MOST_MOMENTS]:
        yield f"  {_clock(chart, moment)}  {_cut(moment.label, _LONGEST_LABEL)}"
    if len(inside) > _MOST_MOMENTS:
        yield f"  … {len(inside) - _MOST_MOMENTS} more"


def _when(chart: Chart, step: int) -> str:
    at = chart.starts_at if step == 0 else chart.ends_at
    return f"{at.astimezone(chart.clock):%a %H:%M}"


def _clock(chart: Chart, moment: Moment) -> str:
    return f"{moment.at.astimezone(chart.clock):%H:%M}"


def _name(text: str) -> str:
    return _cut(text, _LONGEST_NAME)


def _cut(text: str, limit: int) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"
