"""A chart as JSON text, on its way to the program that draws it. Pure."""

from __future__ import annotations

import json
import math
from dataclasses import replace

from bot.domain.charts import Chart, Moment, Panel, Series
from bot.domain.records import Records

_RECORDS = Records((Chart, Panel, Series, Moment))


def encode(chart: Chart) -> bytes:
    """Write a chart; a figure that is none (infinite, not a number) counts as not known."""
    panels = tuple(replace(panel, series=tuple(map(_finite, panel.series))) for panel in chart.panels)
    return json.dumps(_RECORDS.encoded(replace(chart, panels=panels)), allow_nan=False).encode("ascii")


def decode(data: bytes) -> Chart:
    """Read what `encode` wrote. Raises `ValueError` and `TypeError`."""
    chart = _RECORDS.decoded(json.loads(data), Chart)
    if not isinstance(chart, Chart):
        raise TypeError("not a chart")
    return chart


def _finite(series: Series) -> Series:
    values = tuple(float(v) if v is not None and math.isfinite(v) else None for v in series.values)
    return replace(series, values=values)
