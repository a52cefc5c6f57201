"""Failed pods of jobs: what makes their logs worth reading. The job's own finding tells the tale."""

from __future__ import annotations

from collections.abc import Iterable

from bot.diagnosis.containers import crash_log
from bot.diagnosis.family import Case, Code, Family, Symptom
from bot.diagnosis.index import Index
from bot.diagnosis.job_runs import last_failed_pod, matters, subject_of
from bot.diagnosis.steps import logs
from bot.diagnosis.words import exit_code
from bot.domain.findings import Evidence, EvidenceKind, Finding, Severity
from bot.domain.objects import Job, Pod, Terminated

JOB_POD_FAILED = "JOB_POD_FAILED"


def observe(index: Index, pod: Pod) -> Iterable[Symptom]:
    job = _job_of(index, pod)
    if pod.phase != "Failed" or job is None or not matters(index, job):
        return
    last = last_failed_pod(index, job)
    if last is not None and last.pod is pod:  # earlier tries most likely say the same
        yield Symptom(
            code=JOB_POD_FAILED,
            pod=pod,
            container=last.container,
            since=last.end.finished_at,
            log=crash_log(pod, last.container),
        )


def _job_of(index: Index, pod: Pod) -> Job | None:
    owner = pod.meta.owner
    return index.job_by_uid.get(owner.uid) if owner is not None else None


def explain(case: Case) -> Finding:
    job, container = _job_of(case.index, case.newest.pod), case.container
    state = container.state if container else None
    how = exit_code(state.exit_code, state.signal) if isinstance(state, Terminated) else "an unknown exit code"
    return Finding(
        code=JOB_POD_FAILED,
        severity=Severity.WARNING,
        target=subject_of(job) if job else case.target,
        title="a pod failed",
        summary=f"{case.subject} of {case.newest.pod.meta.name} ended with {how}.",
        evidence=(Evidence(EvidenceKind.STATE, how, at=case.since), *case.log_evidence("its log, the end")),
        next=(logs(case, "shows its whole log"),),
        pods=case.pods,
        container=container.name if container else "",
        since=case.since,
        general=True,
    )


FAMILY = Family(
    rank=90,
    codes=(
        Code(
            JOB_POD_FAILED,
            "A pod of a job failed. It is told as part of the job's own finding.",
            "The pod's phase is Failed, and its job has failed or tries again.",
            "See the job's finding.",
            "67-73",
        ),
    ),
    observe=observe,
    explain=explain,
)
