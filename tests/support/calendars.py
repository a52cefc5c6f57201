"""Calendars for tests that cannot wait for minutes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from bot.domain.watch.schedules import Schedule


class SecondsCalendar:
    """Reads a schedule's `cron` as `EVERY [FROM]`, in seconds and tenths: due at FROM, FROM + EVERY, …; a `Calendar`.

    They are counted from the epoch.
    """

    def latest(self, schedule: Schedule, now: datetime) -> datetime | None:
        every, first = _tenths(schedule)
        return _moment((_count(now) - first) // every * every + first)

    def next(self, schedule: Schedule, now: datetime) -> datetime | None:
        every, first = _tenths(schedule)
        return _moment(((_count(now) - first) // every + 1) * every + first)

    def within(self, schedule: Schedule, after: datetime, until: datetime) -> Sequence[datetime]:
        found = []
        moment = self.next(schedule, after)
        while moment is not None and moment <= until:
            found.append(moment)
            moment = self.next(schedule, moment)
        return found[-100:]


def _tenths(schedule: Schedule) -> tuple[int, int]:
    every, first = (*schedule.cron.split(), "0")[:2]
    return round(float(every) * 10), round(float(first) * 10)


def _count(moment: datetime) -> int:
    return int(moment.replace(microsecond=0).timestamp()) * 10 + moment.microsecond // 100_000


def _moment(tenths: int) -> datetime:
    return datetime.fromtimestamp(tenths // 10, UTC).replace(microsecond=tenths % 10 * 100_000)
