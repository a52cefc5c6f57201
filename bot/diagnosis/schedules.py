"""How often a cron schedule runs at least, as far as that can be told without a calendar."""

from __future__ import annotations

from datetime import timedelta

_MACROS = {
    "@hourly": timedelta(hours=1),
    "@daily": timedelta(days=1),
    "@midnight": timedelta(days=1),
    "@weekly": timedelta(days=7),
    "@monthly": timedelta(days=31),
    "@yearly": timedelta(days=366),
    "@annually": timedelta(days=366),
}
_ANY = ("*", "?", "*/1")


def longest_gap(schedule: str) -> timedelta | None:
    """Return a time in which the schedule runs at least once; None when only a calendar could tell.

    Never too short: a schedule that runs every ten minutes of the morning is one that runs daily.
    """
    words = schedule.split()
    if words and words[0].startswith(("TZ=", "CRON_TZ=")):
        words = words[1:]
    if len(words) == 1:
        return _MACROS.get(words[0])
    if len(words) != 5:
        return None
    minute, hour, day, month, weekday = words
    if day not in _ANY or month not in _ANY:
        return None
    if weekday not in _ANY:
        return timedelta(days=7)
    if hour not in _ANY:
        return timedelta(days=1)
    return timedelta(minutes=1) if minute in _ANY else timedelta(hours=1)
