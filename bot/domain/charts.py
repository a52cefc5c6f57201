"""Figures over time, to be drawn: a picture in chat, a few characters at a terminal. Plain data, so it can be kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


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
    every other one.
    """

    title: str
    alt: str
    starts_at: datetime
    step_s: int
    panels: tuple[Panel, ...]
    moments: tuple[Moment, ...] = ()
