"""Schedules whose work is one post for each due moment, and a look at what was posted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import psycopg

from bot.domain.requests import Place, Post
from bot.domain.view import Headline, View
from bot.domain.watch.schedules import CatchUp, Schedule
from bot.store.codec import decode
from bot.watching.scheduling import Job, Runner

_LATE = timedelta(seconds=1)


def schedule(
    cron: str, *, name: str = "daily", time_zone: str = "UTC", catch_up: CatchUp = CatchUp.LATEST, late_s: float = 300.0
) -> Schedule:
    return Schedule(name=name, cron=cron, time_zone=time_zone, catch_up=catch_up, late_after_s=late_s)


def at(text: str) -> datetime:
    """Read a moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@dataclass(slots=True)
class Telling:
    """The work of a schedule: it tells its due moment in a channel of the schedule's name, and how late it is."""

    schedule: Schedule
    made: list[datetime] = field(default_factory=list)

    async def __call__(self, due_at: datetime, late: timedelta) -> Sequence[Post]:
        self.made.append(due_at)
        return [self.post(due_at, late)]

    def post(self, due_at: datetime, late: timedelta) -> Post:
        """Return what is told."""
        told = f"{due_at:%Y-%m-%d %H:%M}{f', {late.total_seconds():.0f} s late' if late >= _LATE else ''}"
        return Post(Place(self.schedule.name), View(told, (Headline(told),)), kind="schedule")

    @property
    def job(self) -> Job:
        return Job(schedule=self.schedule, work=self)


async def attend(runner: Runner) -> int:
    """Do all that is due; return how many due moments that were."""
    done = 0
    while await runner.step():
        done += 1
    return done


async def told(database_url: str) -> list[str]:
    """Return what was put into the outbox, in order."""
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        rows = await (await connection.execute("SELECT post FROM outbox ORDER BY id")).fetchall()
    return [decode(post, Post).view.summary for (post,) in rows]


async def outcomes(database_url: str, name: str = "daily") -> dict[str, str]:
    """Return what became of each due moment, by the moment."""
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        query = "SELECT due_at, outcome FROM slots WHERE name = %s ORDER BY due_at"
        rows = await (await connection.execute(query, [name])).fetchall()
    return {f"{due_at.astimezone(UTC):%Y-%m-%d %H:%M}": outcome for due_at, outcome in rows}
