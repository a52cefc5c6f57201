"""Cron jobs that do not start when they should. One that is suspended rests on purpose."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from bot.diagnosis.creation_words import in_words, refusal_of
from bot.diagnosis.family import Code, Survey
from bot.diagnosis.index import Index
from bot.diagnosis.schedules import longest_gap
from bot.diagnosis.steps import by_hand
from bot.diagnosis.words import ago, duration
from bot.domain.findings import Evidence, EvidenceKind, Finding, NextStep, Severity
from bot.domain.objects import CronJob, Event
from bot.domain.targets import ObjectRef
from bot.domain.text import first_line

CRON_JOB_MISSED = "CRON_JOB_MISSED"
CRON_JOB_INVALID = "CRON_JOB_INVALID"
CRON_JOB_REFUSED = "CRON_JOB_REFUSED"
# By reason of the event: the code, and the title.
_REASONS = {
    "FailedNeedsStart": (CRON_JOB_MISSED, "does not start: too many runs were missed"),
    "TooManyMissedTimes": (CRON_JOB_MISSED, "too many runs were missed"),
    "MissSchedule": (CRON_JOB_MISSED, "missed a run"),
    "InvalidSchedule": (CRON_JOB_INVALID, "its schedule is not valid"),
    "UnparseableSchedule": (CRON_JOB_INVALID, "its schedule is not valid"),
    "UnparseableCronJobSchedule": (CRON_JOB_INVALID, "its schedule is not valid"),
    "UnknownTimeZone": (CRON_JOB_INVALID, "its time zone is not known"),
    "FailedCreate": (CRON_JOB_REFUSED, "its run was refused"),
}
# The controller's clock and queue may lag; the hours of a changing clock may stretch a day.
SLACK = timedelta(hours=2)


def look(index: Index) -> Iterable[Finding]:
    for cron_job in index.snapshot.cron_jobs:
        if cron_job.suspended or cron_job.meta.deleted_at is not None:
            continue
        said = next(iter(index.events(cron_job.meta.uid, *_REASONS)), None)
        if said is not None and not _is_past(cron_job, said):
            yield _told(index, cron_job, said)
        elif (gap := _overdue(index, cron_job)) is not None:
            yield _silent(index, cron_job, gap)


def _is_past(cron_job: CronJob, said: Event) -> bool:
    """Tell whether it has been started since: the event is of the past, then."""
    last = cron_job.last_scheduled_at
    return last is not None and said.at is not None and last > said.at


def _overdue(index: Index, cron_job: CronJob) -> timedelta | None:
    """Return how often it should run, when it has not for twice that time; None when it has or nobody can tell."""
    gap = longest_gap(cron_job.schedule)
    last = cron_job.last_scheduled_at or cron_job.meta.created_at
    if gap is None or last is None or cron_job.active:
        return None
    return gap if index.now - last > 2 * gap + SLACK else None


def _told(index: Index, cron_job: CronJob, said: Event) -> Finding:
    code, title = _REASONS[said.reason]
    last = f"It was last started {_last(index, cron_job)}."
    if cron_job.last_scheduled_at is None:
        last = f"It has never been started since it was made {ago(cron_job.meta.created_at, index.now)}."
    if code == CRON_JOB_REFUSED:
        why = f"its run cannot be created: {in_words(refusal_of(said.message))}"
    else:
        why = f'"{first_line(said.message, 240)}".'
    return _finding(
        cron_job,
        code=code,
        title=title,
        summary=f"Schedule {cron_job.schedule}: {why} {last}",
        evidence=Evidence(EvidenceKind.EVENT, said.reason, (said.message,), said.at),
    )


def _silent(index: Index, cron_job: CronJob, gap: timedelta) -> Finding:
    every = duration(gap.total_seconds())
    return _finding(
        cron_job,
        code=CRON_JOB_MISSED,
        title="does not run" if cron_job.last_scheduled_at else "has never run",
        summary=(
            f"Its schedule {cron_job.schedule} means a run at least every {every};"
            f" it was last started {_last(index, cron_job)}."
        ),
        evidence=Evidence(EvidenceKind.STATE, "last scheduled", at=cron_job.last_scheduled_at),
    )


def _last(index: Index, cron_job: CronJob) -> str:
    if cron_job.last_scheduled_at is not None:
        return ago(cron_job.last_scheduled_at, index.now)
    return f"never; it was made {ago(cron_job.meta.created_at, index.now)}"


def _finding(cron_job: CronJob, *, code: str, title: str, summary: str, evidence: Evidence) -> Finding:
    namespace, name = cron_job.meta.namespace, cron_job.meta.name
    describe = f"kubectl -n {namespace} describe cronjob {name}"
    again = f"kubectl -n {namespace} create job {name}-now --from=cronjob/{name}"
    steps: tuple[NextStep, ...] = (by_hand(describe, "shows its schedule and events"),)
    if code == CRON_JOB_MISSED:
        steps = (by_hand(again, "runs what was missed now"), *steps)
    return Finding(
        code=code,
        severity=Severity.WARNING,
        target=ObjectRef("CronJob", namespace, name),
        title=title,
        summary=summary,
        evidence=(evidence,),
        next=steps,
        since=evidence.at if evidence.kind is EvidenceKind.EVENT else None,
    )


SURVEY = Survey(
    codes=(
        Code(
            CRON_JOB_MISSED,
            "A cron job was not started when its schedule says.",
            "An event of the controller says so, or its last start is longer ago than twice what its schedule allows.",
            "Look at its startingDeadlineSeconds and at a run that blocks the next; run it by hand meanwhile.",
        ),
        Code(
            CRON_JOB_INVALID,
            "A cron job's schedule or time zone cannot be read, so it never starts.",
            "An event of the controller says so.",
            "Correct the schedule or the time zone.",
        ),
        Code(
            CRON_JOB_REFUSED,
            "A cron job's run was due, but the job could not be made.",
            "An event FailedCreate of the cron job; its message says who refused (quota, policy, rights).",
            "Mend what the message names; the next run is tried at its time.",
        ),
    ),
    look=look,
)
