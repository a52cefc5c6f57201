"""The last backup failed, or there is none of the last day. Without Velero nobody is told anything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.diagnosis import ago
from bot.domain.findings import Severity
from bot.domain.watch.episodes import Signal
from bot.domain.watch.extras import Backup
from bot.domain.watch.world import Judged, Unknown, World
from bot.watching.measuring import title, words
from bot.watching.rule import Rule

NAME = "backup"
FAILED = frozenset({"Failed", "PartiallyFailed", "FailedValidation"})
_NEVER = datetime.min.replace(tzinfo=UTC)


def judge(world: World) -> Judged:
    if world.backups.absent:
        return Judged()
    if world.backups.seen is None:
        return Judged(unknown=(Unknown(f"{NAME}:", world.backups.problem),))
    namespace = world.scope.namespace
    ours = sorted((each for each in world.backups.seen if each.covers(namespace)), key=_began)
    ended = [each for each in ours if each.phase == "Completed" or each.phase in FAILED]
    if ended and ended[-1].phase in FAILED:
        return Judged((_failed(world, ended[-1]),))
    good = next((each for each in reversed(ours) if each.phase == "Completed"), None)
    oldest = world.now - timedelta(hours=world.thresholds.backup_hours)
    if good is None or _began(good) < oldest:
        return Judged((_missing(world, good),))
    return Judged()


def watches(world: World, _: Signal) -> bool:
    """Tell whether Velero is still there."""
    return not world.backups.absent


def _began(backup: Backup) -> datetime:
    return backup.started_at or backup.completed_at or _NEVER


def _failed(world: World, backup: Backup) -> Signal:
    number = f", {backup.errors} errors" if backup.errors else ""
    when = ago(backup.started_at or backup.completed_at, world.now)
    return _signal(world, "the last backup failed", f"{backup.name} ended as {backup.phase}{number}; it began {when}.")


def _missing(world: World, good: Backup | None) -> Signal:
    hours = world.thresholds.backup_hours
    last = (
        "There is no complete one."
        if good is None
        else f"The last complete one, {good.name}, is of {ago(_began(good), world.now)}."
    )
    return _signal(world, f"no backup in {hours} hours", last)


def _signal(world: World, what: str, why: str) -> Signal:
    namespace = world.scope.namespace
    return Signal(
        key=f"{NAME}:{namespace}",
        rule=NAME,
        severity=Severity.WARNING,
        cause=f"backup/{namespace}",
        title=title(f"{namespace}: {what}"),
        words=words(why),
        clear_s=0.0,
    )


RULE = Rule(
    name=NAME,
    summary="The last backup failed, or there is none in 26 hours, where Velero is",
    severity="warning",
    judge=judge,
    watches=watches,
)
