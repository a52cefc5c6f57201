"""Jobs that failed or are failing. Runs of one cron job are one finding, and what succeeded since is history."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from bot.diagnosis.containers import crash_log
from bot.diagnosis.family import Code, Survey
from bot.diagnosis.index import Index
from bot.diagnosis.job_runs import LastPod, began_at, failure, last_failed_pod, matters, ref_of, subject_of
from bot.diagnosis.steps import by_hand
from bot.diagnosis.telling import telling_line
from bot.diagnosis.words import ago, duration, exit_code
from bot.domain.findings import Evidence, EvidenceKind, Finding, NextStep, Severity
from bot.domain.objects import Job, Role
from bot.domain.targets import ObjectRef
from bot.domain.text import count, first_line

JOB_FAILED = "JOB_FAILED"
JOB_DEADLINE_EXCEEDED = "JOB_DEADLINE_EXCEEDED"
JOB_POLICY_FAILED = "JOB_POLICY_FAILED"
JOB_RETRYING = "JOB_RETRYING"
_CODES = {"DeadlineExceeded": JOB_DEADLINE_EXCEEDED, "PodFailurePolicy": JOB_POLICY_FAILED}


def look(index: Index) -> Iterable[Finding]:
    runs: dict[ObjectRef, list[Job]] = defaultdict(list)
    for job in index.snapshot.jobs:
        if matters(index, job):
            runs[subject_of(job)].append(job)
    for subject, jobs in runs.items():
        jobs.sort(key=lambda job: (at.timestamp() if (at := began_at(job)) else 0.0, job.meta.name))
        failed = [job for job in jobs if failure(job) is not None]
        if failed:
            yield _failed(index, subject, failed)
        else:
            yield _retrying(index, subject, jobs[-1])


def _failed(index: Index, subject: ObjectRef, failed: Sequence[Job]) -> Finding:
    job = failed[-1]
    condition = failure(job)
    reason, at = (condition.reason, condition.changed_at) if condition else ("", None)
    last = last_failed_pod(index, job)
    is_cron = subject.kind == "CronJob"
    title = "failed"
    if is_cron:
        title = f"its last {len(failed)} runs failed" if len(failed) > 1 else "its last run failed"
    name = f"Its run {job.meta.name}" if is_cron else f"Job {subject.name}"
    summary = f"{name} {_why(job, reason, ago(at, index.now))}.{_ending(index, last)}"
    label = f"Failed: {reason}" if reason else "Failed"
    message = (condition.message,) if condition and condition.message else ()
    first = failure(failed[0])
    return Finding(
        code=_CODES.get(reason, JOB_FAILED),
        severity=Severity.WARNING,
        target=subject,
        title=title + (" (took too long)" if reason == "DeadlineExceeded" else ""),
        summary=summary,
        evidence=(Evidence(EvidenceKind.STATE, label, message, at), *_last_words(index, last)),
        next=_next(job, last),
        pods=(last.pod.meta.name,) if last else (),
        container=last.container.name if last else "",
        since=first.changed_at if first else at,
        because=tuple(dict.fromkeys((ref_of(job), subject))),
    )


def _why(job: Job, reason: str, when: str) -> str:
    tries = count(job.failed, "failed try", "failed tries")
    match reason:
        case "BackoffLimitExceeded":
            return f"gave up after {tries} (its backoff limit is {job.backoff_limit}) {when}"
        case "DeadlineExceeded":
            limit = f" {duration(job.deadline_s)}" if job.deadline_s else ""
            return f"was ended {when} because it ran longer than its deadline{limit and ' of' + limit}"
        case "PodFailurePolicy":
            return f"was given up {when} at its first failure, as its pod failure policy says"
        case "FailedIndexes" | "MaxFailedIndexesExceeded":
            return f"failed {when} because some of its indexes did"
        case _:
            return f"failed{f' ({reason})' if reason else ''} {when}"


def _ending(index: Index, last: LastPod | None) -> str:
    """Say how its last pod ended, with the line of its log that says most."""
    if last is None:
        return " Its pods are gone, so what they said cannot be read here."
    init = f"init container {last.container.name}" if last.container.role is Role.INIT else last.container.name
    how = "was killed for memory (OOMKilled)" if last.end.reason == "OOMKilled" else "ended with "
    if last.end.reason != "OOMKilled":
        how += exit_code(last.end.exit_code, last.end.signal)
    excerpt = index.log(crash_log(last.pod, last.container))
    line = telling_line(excerpt.lines) if excerpt else None
    said = f': "{first_line(line, 160)}"' if line else ""
    return f" In its last pod {init} {how}{said}."


def _last_words(index: Index, last: LastPod | None) -> tuple[Evidence, ...]:
    if last is None:
        return ()
    pod, container, end = last.pod, last.container, last.end
    state = f"{pod.meta.name}, {container.role} {container.name}: {exit_code(end.exit_code, end.signal)}"
    evidence = [Evidence(EvidenceKind.STATE, state, (end.message,) if end.message else (), end.finished_at)]
    excerpt = index.log(crash_log(pod, container))
    if excerpt is not None and excerpt.problem and not excerpt.lines:
        evidence.append(Evidence(EvidenceKind.LOG, f"its log: not available, {excerpt.problem}"))
    elif excerpt is not None:
        label = "its log, the end" if excerpt.lines else "its log: it wrote nothing"
        evidence.append(Evidence(EvidenceKind.LOG, label, excerpt.lines[-20:]))
    return tuple(evidence)


def _next(job: Job, last: LastPod | None) -> tuple[NextStep, ...]:
    namespace = job.meta.namespace
    steps = []
    if last is not None:
        text = f"kubectl -n {namespace} logs {last.pod.meta.name} -c {last.container.name} --tail=100"
        steps.append(by_hand(text, "shows the whole log of the last try"))
    steps.append(by_hand(f"kubectl -n {namespace} describe job {job.meta.name}", "shows its pods and events"))
    if job.meta.owner is not None and job.meta.owner.kind == "CronJob":
        cron = job.meta.owner.name
        again = f"kubectl -n {namespace} create job {cron}-again --from=cronjob/{cron}"
        steps.append(by_hand(again, "runs it once more now, when the reason is mended"))
    return tuple(steps)


def _retrying(index: Index, subject: ObjectRef, job: Job) -> Finding:
    last = last_failed_pod(index, job)
    name = f"Its run {job.meta.name}" if subject.kind == "CronJob" else f"Job {subject.name}"
    done = f" {job.succeeded} of {job.completions} are done." if (job.completions or 1) > 1 else ""
    tries = count(job.failed, "time")
    ending = _ending(index, last) if last is not None else ""
    return Finding(
        code=JOB_RETRYING,
        # Where many are worked off, some that fail on the way are no more than a delay.
        severity=Severity.INFO if job.succeeded else Severity.WARNING,
        target=subject,
        title="has failed and tries again",
        summary=f"{name} has failed {tries}, and is given up after {job.backoff_limit + 1}.{done}{ending}",
        evidence=(
            Evidence(EvidenceKind.STATE, f"{job.failed} failed, {job.active} active, {job.succeeded} succeeded"),
            *_last_words(index, last),
        ),
        next=_next(job, last),
        pods=(last.pod.meta.name,) if last else (),
        container=last.container.name if last else "",
        since=last.end.finished_at if last and job.failed == 1 else None,
        because=tuple(dict.fromkeys((ref_of(job), subject))),
    )


SURVEY = Survey(
    codes=(
        Code(
            JOB_FAILED,
            "A job has been given up, because its pods failed too often.",
            "The job's condition Failed is True. Of a cron job only runs after its last success count.",
            "Read the log of its last pod, mend the reason, and run it again: a failed job does not start anew.",
            "67-73",
        ),
        Code(
            JOB_DEADLINE_EXCEEDED,
            "A job was ended because it ran longer than its activeDeadlineSeconds allow.",
            "The job's condition Failed is True with reason DeadlineExceeded.",
            "Find out why it took so long, or raise the deadline, and run it again.",
            "67-73",
        ),
        Code(
            JOB_POLICY_FAILED,
            "A job was given up at the first failure that its podFailurePolicy names.",
            "The job's condition Failed is True with reason PodFailurePolicy.",
            "Read its message: it names the pod, the exit code and the rule. Mend the reason and run it again.",
            "67-73",
        ),
        Code(
            JOB_RETRYING,
            "A job's pods have failed, and it still tries again.",
            "The job is not finished and counts failed pods, and no later run of its cron job has succeeded.",
            "Read the log of its last pod now: when the backoff limit is reached the job is given up.",
            "67-73",
        ),
    ),
    look=look,
)
