"""Figures over time, to be drawn: a picture in chat, a few characters at a terminal. Plain data, so it can be kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a panel: a value for each step of the chart; None where nothing is known."""

    name: str
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Panel:
    """Lines that share an axis. `limit` is a level worth a line of its own (a threshold); `bars` for counts."""

    title: str
    unit: str
    series: tuple[Series, ...]
    limit: float | None = None
    bars: bool = False


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened: a release, a scaling, an alert."""

    at: datetime
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Panels over one span of time, which begins at `starts_at` and has steps of `step_s` seconds.

    `alt` says in one sentence what there is to see, for those who do not see it. Every series has as many values as
    every other one. `time_zone` (an IANA name) is that of the clock which the picture shows.
    """

    title: str
    alt: str
    starts_at: datetime
    step_s: int
    panels: tuple[Panel, ...]
    moments: tuple[Moment, ...] = ()
    time_zone: str = "UTC"

    @property
    def steps(self) -> int:
        """How many steps of time it has."""
        return max((len(series.values) for panel in self.panels for series in panel.series), default=0)

    @property
    def ends_at(self) -> datetime:
        """The end of the last step."""
        return self.starts_at + timedelta(seconds=self.step_s * self.steps)

    @property
    def clock(self) -> tzinfo:
        """The clock to tell its times by; a name that is not known here gives way to UTC."""
        try:
            return ZoneInfo(self.time_zone)
        except (ValueError, OSError, LookupError):
            return UTC

    @property
    def empty(self) -> bool:
        """Say whether there is no single figure in it."""
        return all(value is None for panel in self.panels for series in panel.series for value in series.values)


def chart_data(chart: Chart) -> dict[str, object]:
    """Return a chart for programs, its moments in UTC."""
    return {
        "title": chart.title,
        "alt": chart.alt,
        "starts_at": _exactly(chart.starts_at),
        "step_s": chart.step_s,
        "time_zone": chart.time_zone,
        "panels": [
            {
                "title": panel.title,
                "unit": panel.unit,
                "limit": panel.limit,
                "bars": panel.bars,
                "series": [{"name": series.name, "values": list(series.values)} for series in panel.series],
            }
            for panel in chart.panels
        ],
        "moments": [{"at": _exactly(moment.at), "label": moment.label} for moment in chart.moments],
    }


def figure(value: float, unit: str) -> str:
    """Say a figure with its unit as short as it can be read: `85 %`, `1.2 s`, `3`."""
    digits = 0 if value == round(value) or abs(value) >= 10 else 1 if abs(value) >= 1 else 2
    return f"{value:,.{digits}f} {unit}".rstrip()


def _exactly(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")
