"""Jobs that failed or are failing, and cron jobs that do not start."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.diagnosis import diagnose, wanted
from bot.diagnosis.causes import cron_jobs, jobs
from bot.diagnosis.index import Index
from bot.domain.findings import Finding, Severity
from bot.domain.objects import Container, CronJob, Job, Owner, Pod, Role
from bot.domain.snapshot import LogExcerpt, LogKey
from bot.domain.targets import ObjectRef
from tests.support.builders import (
    DAY_S,
    MI,
    ago,
    condition,
    container,
    crash_looping,
    cron_job,
    ended,
    happened,
    job,
    log_of,
    oom_killed,
    pod,
    snapshot,
)

GAVE_UP = condition("Failed", "True", "BackoffLimitExceeded", "Job has reached the specified backoff limit", ago_s=600)
NIGHTLY = cron_job()


def try_of(made: Job, *containers: Container, ago_s: float = 620) -> Pod:
    inside = containers or (container(ended(1, ago_s=ago_s), name="b"),)
    name = f"{made.meta.name}-{ago_s:.0f}"
    return pod(Owner("Job", made.meta.name, made.meta.uid), *inside, name=name, phase="Failed")


def look(*objects: object, logs: dict[LogKey, LogExcerpt] | None = None) -> list[Finding]:
    return list(jobs.SURVEY.look(Index(snapshot(*objects, logs=logs or {}))))


FAILED = replace(job("backfill", GAVE_UP, failed=2), backoff_limit=1)


def test_a_job_that_gave_up_says_why_with_its_last_words() -> None:
    """The log of its last pod is asked for, and told."""
    seen = snapshot(FAILED, try_of(FAILED, ago_s=700), try_of(FAILED, ago_s=620))
    asked = wanted(seen).logs
    assert asked == (LogKey("backfill-620", "b", previous=False),)
    told = replace(seen, logs={asked[0]: log_of("starting", "ERROR no such bucket")})
    [finding] = diagnose(told).findings
    assert (finding.code, finding.severity) == ("JOB_FAILED", Severity.WARNING)
    assert finding.target == ObjectRef("Job", "shop", "backfill")
    assert finding.summary == (
        "Job backfill gave up after 2 failed tries (its backoff limit is 1) 10 min ago. In its last pod b ended with"
        ' exit code 1 (a general error of the program): "ERROR no such bucket".'
    )
    assert (finding.pods, finding.container, finding.since) == (("backfill-620",), "b", ago(600))
    assert finding.evidence[-1].lines == ("starting", "ERROR no such bucket")


def test_a_try_that_has_just_ended_is_no_crash_loop() -> None:
    """Its pod is Failed a moment later; with `Never` nothing is started again."""
    made = replace(job("backfill", failed=1), active=1, backoff_limit=6)
    tried = replace(try_of(made), phase="Running", restart_policy="Never")
    assert [finding.code for finding in diagnose(snapshot(made, tried)).findings] == ["JOB_RETRYING"]


def test_newer_servers_say_first_that_it_will_fail() -> None:
    """`FailureTarget` comes a moment before `Failed`."""
    soon = replace(FAILED, conditions=(replace(GAVE_UP, type="FailureTarget"),))
    assert [finding.code for finding in look(soon)] == ["JOB_FAILED"]


@pytest.mark.parametrize(
    ("reason", "code", "said"),
    [
        (
            "DeadlineExceeded",
            "JOB_DEADLINE_EXCEEDED",
            "was ended 10 min ago because it ran longer than its deadline of 5 min",
        ),
        (
            "PodFailurePolicy",
            "JOB_POLICY_FAILED",
            "was given up 10 min ago at its first failure, as its pod failure policy says",
        ),
        ("MaxFailedIndexesExceeded", "JOB_FAILED", "failed 10 min ago because some of its indexes did"),
        ("Whatever", "JOB_FAILED", "failed (Whatever)"),
        ("", "JOB_FAILED", "Job backfill failed 10 min ago."),
    ],
)
def test_the_reason_of_a_failure(reason: str, code: str, said: str) -> None:
    """Each is mended in another way."""
    made = replace(job("backfill", replace(GAVE_UP, reason=reason), failed=1), deadline_s=300)
    [finding] = look(made)
    assert finding.code == code
    assert said in finding.summary


def test_pods_that_are_gone_say_nothing() -> None:
    """That is said."""
    [finding] = look(FAILED)
    assert finding.summary.endswith("Its pods are gone, so what they said cannot be read here.")


@pytest.mark.parametrize(
    ("excerpt", "label"),
    [
        (log_of(problem="the pod is gone"), "its log: not available, the pod is gone"),
        (log_of(), "its log: it wrote nothing"),
    ],
    ids=["not there", "empty"],
)
def test_a_log_that_says_nothing(excerpt: LogExcerpt, label: str) -> None:
    """Why is part of the evidence."""
    [finding] = look(FAILED, try_of(FAILED), logs={LogKey("backfill-620", "b", previous=False): excerpt})
    assert finding.evidence[-1].label == label


def test_the_container_that_failed_is_named() -> None:
    """Not the one beside it that ended well; an init container as such."""
    inside = (
        container(ended(3), name="migrate", role=Role.INIT),
        container(ended(0, "Completed"), name="main"),
    )
    [finding] = look(FAILED, try_of(FAILED, *inside))
    assert "In its last pod init container migrate ended with exit code 3." in finding.summary


def test_a_job_out_of_memory_is_told_as_such() -> None:
    """The kill is the cause, the failure follows."""
    killed = container(oom_killed(), name="b", memory_limit=64 * MI)
    [root] = diagnose(snapshot(FAILED, try_of(FAILED, killed))).findings
    assert root.code == "OOM_KILLED"
    assert [felt.code for felt in root.consequences] == ["JOB_FAILED"]


def test_an_old_kill_is_still_the_reason() -> None:
    """Though it is no news any more."""
    old = try_of(FAILED, container(oom_killed(ago_s=9000), name="b"))
    [finding] = diagnose(snapshot(FAILED, old)).findings
    assert "b was killed for memory (OOMKilled)" in finding.summary


# --- not yet given up -------------------------------------------------------------------------------------------------

TRYING = replace(job("backfill", failed=2), active=1, backoff_limit=6)


def test_a_job_that_tries_again() -> None:
    """Its log is read before it is given up."""
    [finding] = diagnose(snapshot(TRYING, try_of(TRYING))).findings
    assert (finding.code, finding.severity, finding.since) == ("JOB_RETRYING", Severity.WARNING, None)
    assert finding.summary.startswith("Job backfill has failed 2 times, and is given up after 7. In its last pod b")


def test_many_tasks_of_which_some_fail_are_a_delay() -> None:
    """Work goes on."""
    [finding] = look(replace(TRYING, succeeded=5, completions=10))
    assert finding.severity is Severity.INFO
    assert "5 of 10 are done." in finding.summary


def test_a_crash_in_place_explains_the_retries() -> None:
    """A job may restart its containers instead of its pods."""
    crashing = pod(Owner("Job", "backfill", TRYING.meta.uid), crash_looping(name="b"))
    [root] = diagnose(snapshot(TRYING, crashing)).findings
    assert root.code == "CRASH_LOOP"
    assert [felt.code for felt in root.consequences] == ["JOB_RETRYING"]


@pytest.mark.parametrize(
    "made",
    [
        job("backfill", condition("Complete", "True"), failed=2, completed=60),
        job("backfill", failed=2, completed=60),
        replace(TRYING, suspended=True),
        replace(FAILED, suspended=True),
        job("backfill"),
        replace(FAILED, meta=replace(FAILED.meta, deleted_at=ago(5))),
    ],
    ids=["done", "done, as older servers say", "suspended", "suspended after failing", "going", "going away"],
)
def test_a_job_that_is_no_fault(made: Job) -> None:
    """Tries that failed on the way to success are forgotten, its failed pods too."""
    assert diagnose(snapshot(made, try_of(made))).findings == ()
    assert wanted(snapshot(made, try_of(made))).logs == ()


# --- runs of a cron job -----------------------------------------------------------------------------------------------


def run(number: int, *, age_s: float, failed: bool = True, of: CronJob = NIGHTLY) -> Job:
    name = f"nightly-{number}"
    if failed:
        return replace(job(name, GAVE_UP, owner=of, failed=7, age_s=age_s), backoff_limit=6)
    return job(name, condition("Complete", "True"), owner=of, age_s=age_s, completed=age_s - 60)


def test_failed_runs_are_one_finding_of_their_cron_job() -> None:
    """The last one says why."""
    runs = [run(n, age_s=DAY_S * (4 - n)) for n in (1, 2, 3)]
    [finding] = diagnose(snapshot(NIGHTLY, *runs, *(try_of(each) for each in runs))).findings
    assert finding.target == ObjectRef("CronJob", "shop", "nightly")
    assert finding.title == "its last 3 runs failed"
    assert finding.summary.startswith("Its run nightly-3 gave up after 7 failed tries")
    assert finding.next[-1].text == "kubectl -n shop create job nightly-again --from=cronjob/nightly"


def test_runs_before_the_last_success_are_history() -> None:
    """Only what failed since counts."""
    runs = [run(1, age_s=3 * DAY_S), run(2, age_s=2 * DAY_S, failed=False), run(3, age_s=DAY_S)]
    [finding] = look(NIGHTLY, *runs)
    assert finding.title == "its last run failed"


@pytest.mark.parametrize(
    "objects",
    [
        (NIGHTLY, run(1, age_s=DAY_S), run(2, age_s=3600, failed=False)),
        (cron_job(last_successful=3600), run(1, age_s=DAY_S)),
        (run(1, age_s=DAY_S), run(2, age_s=3600, failed=False)),
        (cron_job(suspended=True), run(1, age_s=DAY_S)),
    ],
    ids=["the next succeeded", "one that is gone succeeded", "the cron job cannot be seen", "suspended"],
)
def test_a_cron_job_that_has_recovered_is_no_fault(objects: tuple[object, ...]) -> None:
    """Nor one that somebody has put to rest."""
    assert look(*objects) == []


def test_another_cron_job_that_succeeds_is_no_excuse() -> None:
    """Each has its own runs."""
    other = cron_job("hourly", "17 * * * *")
    assert len(look(NIGHTLY, run(1, age_s=DAY_S), other, run(2, age_s=60, failed=False, of=other))) == 1


# --- cron jobs that do not start --------------------------------------------------------------------------------------


def look_cron(*objects: object) -> list[Finding]:
    return list(cron_jobs.SURVEY.look(Index(snapshot(*objects))))


def said(about: CronJob, reason: str, *, ago_s: float = 60) -> object:
    return happened(about.meta, "CronJob", reason, "too many missed start times", ago_s=ago_s)


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("FailedNeedsStart", "CRON_JOB_MISSED"),
        ("TooManyMissedTimes", "CRON_JOB_MISSED"),
        ("MissSchedule", "CRON_JOB_MISSED"),
        ("UnparseableSchedule", "CRON_JOB_INVALID"),
        ("UnknownTimeZone", "CRON_JOB_INVALID"),
        ("FailedCreate", "CRON_JOB_REFUSED"),
    ],
)
def test_the_controller_says_why_it_does_not_start(reason: str, code: str) -> None:
    """In its own words."""
    [finding] = look_cron(NIGHTLY, said(NIGHTLY, reason))
    assert (finding.code, finding.severity) == (code, Severity.WARNING)
    why = "too many missed start times."
    why = f"its run cannot be created: {why}" if code == "CRON_JOB_REFUSED" else f'"{why[:-1]}".'
    assert finding.summary == f"Schedule 0 2 * * *: {why} It was last started 60 min ago."
    assert finding.evidence[0].lines == ("too many missed start times",)


def test_a_run_that_a_quota_forbids_is_told_as_a_refused_pod_is() -> None:
    """Who refused, and by how much; and that it has never been started."""
    words = (
        'Error creating job: jobs.batch "n-1" is forbidden: exceeded quota: few, requested: count/jobs.batch=1, used:'
        " count/jobs.batch=2, limited: count/jobs.batch=2"
    )
    new = replace(NIGHTLY, last_scheduled_at=None)
    [finding] = look_cron(new, happened(new.meta, "CronJob", "FailedCreate", words, ago_s=60))
    assert "the quota few has too little left: 1 count/jobs.batch asked, 2 of 2 used." in finding.summary
    assert "It has never been started since it was made" in finding.summary


@pytest.mark.parametrize(
    ("made", "title"),
    [
        (cron_job(last_scheduled=3 * DAY_S, age_s=9 * DAY_S), "does not run"),
        (cron_job(last_scheduled=None, age_s=3 * DAY_S), "has never run"),
        (cron_job(schedule="17 * * * *", last_scheduled=5 * 3600), "does not run"),
    ],
    ids=["days ago", "never", "hours ago"],
)
def test_a_schedule_that_passed_without_a_run(made: CronJob, title: str) -> None:
    """Events are gone after an hour; the last start remains."""
    [finding] = look_cron(made)
    assert (finding.code, finding.title) == ("CRON_JOB_MISSED", title)


@pytest.mark.parametrize(
    "objects",
    [
        (NIGHTLY,),
        (cron_job(suspended=True, last_scheduled=9 * DAY_S), said(cron_job(), "FailedNeedsStart")),
        (cron_job(last_scheduled=None, age_s=3600),),
        (cron_job(schedule="0 2 1 * *", last_scheduled=None, age_s=20 * DAY_S),),
        (replace(cron_job(last_scheduled=9 * DAY_S), active=1),),
        (cron_job(last_scheduled=30), said(cron_job(), "MissSchedule", ago_s=600)),
    ],
    ids=["on time", "suspended", "new", "a schedule that needs a calendar", "still running", "started since"],
)
def test_a_cron_job_that_is_no_fault(objects: tuple[object, ...]) -> None:
    """Resting, waiting, or at work."""
    assert look_cron(*objects) == []
