"""What the verbs about schedules share: which one is meant, and its moments in words. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.diagnosis import duration
from bot.domain.text import listed, suggest
from bot.domain.view import Line, Mention, line
from bot.domain.watch.policy import WatchPolicy
from bot.domain.watch.schedules import DigestPlan, Pause, Schedule
from bot.errors import UsageError


def find_digest(word: str, policy: WatchPolicy, command: str) -> DigestPlan:
    """Return the digest of a name. Raises `UsageError` with the same command for the nearest ones, or for all."""
    plans = {plan.name: plan for plan in policy.digests}
    if word in plans:
        return plans[word]
    if not plans:
        raise UsageError("Nothing is scheduled here.", suggestions=["schedule"])
    near = suggest(word, plans) or tuple(plans)[:3]
    raise UsageError(
        f'There is no schedule "{word}". There is: {listed(sorted(plans))}.',
        suggestions=[f"{command} {name}" for name in near],
    )


def moment_words(moment: datetime, schedule: Schedule) -> str:
    """Say a moment by the schedule's clock: `Tue 24 Nov 09:00`."""
    local = moment.astimezone(ZoneInfo(schedule.time_zone))
    return f"{local:%a} {local.day} {local:%b %H:%M}"


def away_words(moment: datetime, now: datetime) -> str:
    """Say how far away a moment is: `in 3 h`, `now`."""
    left = moment - now
    return f"in {duration(left.total_seconds())}" if left >= timedelta(seconds=1) else "now"


def pause_words(pause: Pause, schedule: Schedule) -> Line:
    """Say who paused it, until when, and why."""
    until = f"until {moment_words(pause.until, schedule)}" if pause.until else "until somebody resumes it"
    return line("Paused by ", Mention(pause.by), f" {until}{f': {pause.why}' if pause.why else ''}")
