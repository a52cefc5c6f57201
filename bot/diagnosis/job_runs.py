"""Runs of jobs: which failed and still matter, whose they are, and how their last pod ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.diagnosis.index import Index
from bot.domain.objects import Condition, Container, CronJob, Job, Pod, Terminated
from bot.domain.targets import ObjectRef

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class LastPod:
    """The pod of a job that failed last, and the container that made it fail."""

    pod: Pod
    container: Container
    end: Terminated


def failure(job: Job) -> Condition | None:
    """Return the condition that says a job has failed for good; newer servers say it twice, a little apart."""
    for type_ in ("Failed", "FailureTarget"):
        found = next((c for c in job.conditions if c.type == type_ and c.status == "True"), None)
        if found is not None:
            return found
    return None


def is_complete(job: Job) -> bool:
    return any(c.type in ("Complete", "SuccessCriteriaMet") and c.status == "True" for c in job.conditions) or (
        job.completed_at is not None and failure(job) is None
    )


def matters(index: Index, job: Job) -> bool:
    """Tell whether a failed or failing job is news: not suspended, done or going, and not of the past.

    A run of a cron job that has succeeded since is history. So is one of a cron job that was suspended on purpose.
    """
    if job.suspended or job.meta.deleted_at is not None or is_complete(job):
        return False
    if failure(job) is None and not job.failed:
        return False
    owner = cron_job_of(index, job)
    if owner is not None and owner.suspended:
        return False
    succeeded = last_success(index, job)
    began = began_at(job)
    return succeeded is None or began is None or began > succeeded


def began_at(job: Job) -> datetime | None:
    return job.started_at or job.meta.created_at


def ref_of(job: Job) -> ObjectRef:
    return ObjectRef("Job", job.meta.namespace, job.meta.name)


def subject_of(job: Job) -> ObjectRef:
    """Return what a finding about a run is about: the cron job that made it, else the job itself."""
    owner = job.meta.owner
    if owner is not None and owner.kind == "CronJob":
        return ObjectRef("CronJob", job.meta.namespace, owner.name)
    return ref_of(job)


def cron_job_of(index: Index, job: Job) -> CronJob | None:
    owner = job.meta.owner
    return index.cron_job_by_uid.get(owner.uid) if owner is not None else None


def siblings(index: Index, job: Job) -> Sequence[Job]:
    """Return all kept runs of the same cron job; a job of its own has only itself."""
    owner = job.meta.owner
    if owner is None or owner.kind != "CronJob":
        return (job,)
    return [
        other for other in index.snapshot.jobs if other.meta.owner is not None and other.meta.owner.uid == owner.uid
    ]


def last_success(index: Index, job: Job) -> datetime | None:
    """Return when a run of the same cron job last began that succeeded; None for a job of its own.

    Where that run is gone, when it ended: the cron job itself remembers only that.
    """
    owner = job.meta.owner
    if owner is None or owner.kind != "CronJob":
        return None
    began = [at for other in siblings(index, job) if is_complete(other) and (at := began_at(other)) is not None]
    cron_job = cron_job_of(index, job)
    if not began and cron_job is not None and cron_job.last_successful_at is not None:
        return cron_job.last_successful_at
    return max(began, default=None)


def last_failed_pod(index: Index, job: Job) -> LastPod | None:
    """Return the failed pod of a job that ended last, and the container whose end made it fail."""
    found = [
        LastPod(pod, container, container.state)
        for pod in index.pods_by_owner_uid.get(job.meta.uid, ())
        if pod.phase == "Failed"
        for container in pod.containers
        if isinstance(container.state, Terminated) and container.state.exit_code != 0
    ]
    return max(found, key=lambda last: last.end.finished_at or _LONG_AGO, default=None)
