"""Backups of the namespace, where Velero makes them: how the last one ended, and how old the last good one is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from bot.checkup.kinds import SectionKind
from bot.checkup.seen import Seen
from bot.diagnosis import ago
from bot.domain.findings import NextStep, Severity, StepKind
from bot.domain.text import count
from bot.domain.watch.checkups import Attention, Section
from bot.domain.watch.extras import Backup
from bot.redaction import redact

NAME = "backups"
FAILED = frozenset({"Failed", "PartiallyFailed", "FailedValidation"})
_NEVER = datetime.min.replace(tzinfo=UTC)


def look(seen: Seen) -> Section | None:
    if seen.service:
        return None
    looked = seen.backups
    if looked.seen is None:
        return Section(name=NAME, problem="" if looked.absent else looked.problem, absent=looked.absent)
    ours = sorted((b for b in looked.seen if b.covers(seen.scope.namespace)), key=_began, reverse=True)
    if not ours:
        words = f"none of {count(len(looked.seen), 'backup')} covers {seen.scope.namespace}" if looked.seen else ""
        return Section(name=NAME, words=words or "none was made yet", noted=True)
    ended = [backup for backup in ours if backup.phase in FAILED or backup.phase == "Completed"]
    good = next((backup for backup in ended if backup.phase == "Completed"), None)
    attentions = _attentions(seen, ended, good)
    return Section(
        name=NAME,
        words=_words(seen, ended[0] if ended else ours[0]),
        noted=bool(attentions),
        attentions=attentions,
    )


def _began(backup: Backup) -> datetime:
    return backup.started_at or backup.completed_at or _NEVER


def _words(seen: Seen, last: Backup) -> str:
    return f"the last {last.phase or 'is new'}, {ago(last.completed_at or last.started_at, seen.now)} ({last.name})"


def _attentions(seen: Seen, ended: Sequence[Backup], good: Backup | None) -> tuple[Attention, ...]:
    """Say that the last one failed, or else that the last good one is too old: never both for one lack."""
    namespace, hours = seen.scope.namespace, seen.watch.thresholds.backup_hours
    step = NextStep(StepKind.MANUAL, "velero backup get", "shows all of them")
    standing = f"The last good one is {good.name}, {ago(_ended(good), seen.now)}." if good else "No good one is kept."
    if ended and ended[0].phase in FAILED:
        last = ended[0]
        said = (
            f"{last.name}: {last.phase}, {count(last.errors, 'error')}, {count(last.warnings, 'warning')}. {standing}"
        )
        return (
            Attention(
                key=f"BACKUP_FAILED:{last.schedule or namespace}",
                severity=Severity.WARNING,
                service=namespace,
                title="its last backup failed",
                words=redact(said),
                next=NextStep(StepKind.MANUAL, f"velero backup describe {last.name} --details", "says why"),
                since=_ended(last),
            ),
        )
    if good is not None and _is_new(_ended(good), seen.now, hours):
        return ()
    return (
        Attention(
            key=f"BACKUP_OLD:{namespace}",
            severity=Severity.WARNING,
            service=namespace,
            title=f"it has no backup of the last {hours} h",
            words=redact(standing),
            next=step,
        ),
    )


def _ended(backup: Backup) -> datetime | None:
    return backup.completed_at or backup.started_at


def _is_new(at: datetime | None, now: datetime, hours: int) -> bool:
    return at is not None and now - at <= timedelta(hours=hours)


SECTION = SectionKind(order=140, reading="backups", look=look)
