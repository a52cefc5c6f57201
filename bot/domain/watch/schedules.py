"""What runs by the calendar. A due moment of a schedule is its slot; whoever claims the slot does what is due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.targets import Scope


class CatchUp(StrEnum):
    """What becomes of due moments that nobody was there for."""

    LATEST = "latest"
    SKIP = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A name, and when it is due: five cron fields in a time zone (an IANA name).

    In the hour that daylight saving skips, a fixed time is due right after the gap; in the hour that comes twice it is
    due the first time only. `late_after_s`: from then on what is sent says that it is late.
    """

    name: str
    cron: str
    time_zone: str = "UTC"
    catch_up: CatchUp = CatchUp.LATEST
    late_after_s: float = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestPlan:
    """One digest of the configuration: when, into which channels (ids), about which places."""

    schedule: Schedule
    channels: tuple[str, ...]
    scopes: tuple[Scope, ...]

    @property
    def name(self) -> str:
        return self.schedule.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """A schedule that somebody paused; `until` None: until it is resumed."""

    name: str
    by: str
    at: datetime
    until: datetime | None = None
    why: str = ""


def slot_of_looks(scope: Scope) -> str:
    """Return the name under which the watcher's looks at a scope are slots."""
    return f"watch:{scope.cluster}:{scope.namespace}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotRun:
    """What became of a due moment.

    `outcome` is empty while somebody is at it; else it is `sent`; `skipped` (it was paused, or it came too late for a
    schedule that skips); `failed` (given up, the schedule was due again); `known` (it lay before the schedule was
    known, so it was not made up for).
    """

    name: str
    due_at: datetime
    began_at: datetime
    done_at: datetime | None = None
    outcome: str = ""
