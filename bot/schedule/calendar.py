"""When a schedule is due: its five cron fields, read in its time zone. Pure.

The fields are those of Debian's cron: lists, ranges, steps and names, `L` (the month's last day), `LW` (its last
weekday), `5L` (its last Friday), `MON#2` (its second Monday). Where both days are restricted, either one is enough.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from cronsim import CronSim, CronSimError

from bot.domain.text import count, either, suggest
from bot.domain.watch.schedules import Schedule

MOST = 100
HORIZON = timedelta(days=5 * 366)
# How far clocks may be set back at once: around such a moment the order of wall clock times is not that of time.
_MARGIN = timedelta(hours=6)
_MOMENT = timedelta(microseconds=1)
_SECOND = timedelta(seconds=1)
_FIELDS = ("minute", "hour", "day-of-month", "month", "day-of-week")
_SOME_DAY = datetime(2024, 1, 1)  # noqa: DTZ001  # a wall clock's


class CronCalendar:
    """Cron fields in time zones; a `Calendar`. Every method raises `ValueError` for a schedule that has a problem.

    A schedule goes by intervals when its minute or its hour begins with a star: it is due whenever a clock on the wall
    shows such a time, so it keeps its intervals in the hour that comes twice and is not due in the one that is skipped.
    Every other one names fixed times, each of them due once a day.
    """

    def latest(self, schedule: Schedule, now: datetime) -> datetime | None:
        """Return the newest due moment not after `now`, in UTC; None when there is none in the last five years."""
        times = _times(schedule)
        margin = _margin(times.zone, now)
        found: datetime | None = None
        # The walk begins with the second before its start, so that `now` itself counts.
        for wall in times.back(_wall(times.zone, now) + margin + _SECOND):
            if found is not None and wall < _wall(times.zone, found) - margin:
                break
            if found is None and wall < _wall(times.zone, now) - HORIZON:
                break
            due = [each for each in times.moments(wall) if each <= now]
            found = max([*due, *([found] if found else [])], default=None)
        return found if found is not None and found >= now - HORIZON else None

    def next(self, schedule: Schedule, now: datetime) -> datetime | None:
        """Return the first due moment after `now`, in UTC; None when there is none in the next five years."""
        times = _times(schedule)
        margin = _margin(times.zone, now)
        found: datetime | None = None
        for wall in times.on(_wall(times.zone, now) - margin):
            if found is not None and wall > _wall(times.zone, found) + margin:
                break
            if found is None and wall > _wall(times.zone, now) + HORIZON:
                break
            due = [each for each in times.moments(wall) if each > now]
            found = min([*due, *([found] if found else [])], default=None)
        return found if found is not None and found <= now + HORIZON else None

    def within(self, schedule: Schedule, after: datetime, until: datetime) -> Sequence[datetime]:
        """Return the due moments after one moment up to another one, at most the newest hundred, the oldest first."""
        found: list[datetime] = []
        moment = self.latest(schedule, until)
        while moment is not None and moment > after and len(found) < MOST:
            found.append(moment)
            moment = self.latest(schedule, moment - _MOMENT)
        return found[::-1]


def problem_of(cron: str, time_zone: str) -> str:
    """Say in a sentence why nothing can be due by this; empty when all is well."""
    fields = cron.split()
    if len(fields) != len(_FIELDS):
        return (
            f'"{cron}" has {count(len(fields), "field")}, not five: minute, hour, day of the month, month, day of the '
            'week, as in "0 9 * * 1-5".'
        )
    try:
        if next(CronSim(cron, _SOME_DAY), None) is None:
            return f'"{cron}" is never due: there is no such day.'
    except CronSimError as error:
        return _fault(cron, fields, str(error))
    return "" if _zone(time_zone) is not None else _no_zone(time_zone)


def _fault(cron: str, fields: Sequence[str], said: str) -> str:
    """Say which field is wrong; a day may be so only because none of the months has it."""
    field = said.removeprefix("Bad ")
    if field not in _FIELDS:
        return f'"{cron}" is no cron expression.'
    written = fields[_FIELDS.index(field)]
    if field == "day-of-month":
        return f'"{cron}": "{written}" is no day of these months.'
    return f'"{cron}": "{written}" is no {field.replace("-", " ")}.'


def _no_zone(name: str) -> str:
    known = {each.lower(): each for each in zoneinfo.available_timezones()}
    near = [known[each] for each in suggest(name, known)]
    hint = f" Did you mean {either(near)}?" if near else " Names are like Europe/Berlin, or UTC."
    return f'There is no time zone "{name}".{hint}'


def _zone(name: str) -> zoneinfo.ZoneInfo | None:
    try:
        return zoneinfo.ZoneInfo(name)
    # A folder of the database, a name that is a path, one that is too long.
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return None


@dataclass(frozen=True, slots=True)
class _Times:
    """The wall clock times of a schedule, and the moments at which a clock there shows them."""

    cron: str
    zone: zoneinfo.ZoneInfo
    by_interval: bool

    def on(self, wall: datetime) -> Iterator[datetime]:
        """Walk through the times after one, to the whole second."""
        return CronSim(self.cron, wall.replace(microsecond=0))

    def back(self, wall: datetime) -> Iterator[datetime]:
        """Walk backwards through the times before one, to the whole second."""
        return CronSim(self.cron, wall.replace(microsecond=0), reverse=True)

    def moments(self, wall: datetime) -> Sequence[datetime]:
        """Return when it is due by a wall clock time, in UTC: none, one, or both of the hour that comes twice."""
        first = wall.replace(tzinfo=self.zone, fold=0).astimezone(UTC)
        second = wall.replace(tzinfo=self.zone, fold=1).astimezone(UTC)
        if first == second or (first < second and not self.by_interval):
            return (first,)
        if first < second:
            return (first, second)
        return () if self.by_interval else (_gap_end(self.zone, second, first),)


@lru_cache(maxsize=256)
def _times(schedule: Schedule) -> _Times:
    problem = problem_of(schedule.cron, schedule.time_zone)
    if problem:
        raise ValueError(problem)
    fields = schedule.cron.split()
    by_interval = any(field.startswith("*") for field in fields[:2])
    return _Times(schedule.cron, zoneinfo.ZoneInfo(schedule.time_zone), by_interval)


def _wall(zone: zoneinfo.ZoneInfo, moment: datetime) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def _margin(zone: zoneinfo.ZoneInfo, now: datetime) -> timedelta:
    """Return how far from `now` a wall clock's times have to be looked at: nothing unless clocks are set near it."""
    before, after = ((now + way * _MARGIN).astimezone(zone).utcoffset() for way in (-1, 1))
    return timedelta() if before == after else _MARGIN


def _gap_end(zone: zoneinfo.ZoneInfo, before: datetime, after: datetime) -> datetime:
    """Return the moment at which clocks are set forward: between two moments in UTC, to the second."""
    offset = before.astimezone(zone).utcoffset()
    while after - before > _SECOND:
        middle = before + (after - before) // _SECOND // 2 * _SECOND
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after
