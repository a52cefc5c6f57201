from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from bot.diagnosis import diagnose, wanted
from bot.domain.findings import Severity, Verdict
from bot.domain.objects import Condition, Container, Owner, Pod
from bot.domain.snapshot import LogKey, Part, PartStatus
from bot.domain.targets import ObjectRef
from tests.support.builders import (
    condition,
    container,
    crash_looping,
    deployment,
    ended,
    meta,
    missing,
    pod,
    ref,
    replica_set,
    running,
    snapshot,
    stale,
    stateful_set,
    waiting,
)

QUOTA = 'pods "api-x" is forbidden: exceeded quota: small'
CREATING = container(waiting("ContainerCreating"))


# --- cases ------------------------------------------------------------------------------------------------------------


def test_three_pods_with_one_cause_are_one_finding() -> None:
    """A cause is said once, with the pods that show it."""
    workload = deployment(desired=3, ready=0)
    replicas = replica_set(workload)
    pods = [pod(replicas, crash_looping(), name=f"api-{letter}") for letter in "cab"]
    [finding] = diagnose(snapshot(workload, replicas, *pods)).findings
    assert finding.pods == ("api-a", "api-b", "api-c")


def test_two_revisions_are_two_findings() -> None:
    """What is wrong with the old release is another matter than what is wrong with the new one."""
    workload = deployment(desired=2, ready=0, revision=2)
    old, new = replica_set(workload, 1), replica_set(workload, 2)
    report = diagnose(snapshot(workload, old, new, pod(old, crash_looping()), pod(new, crash_looping())))
    assert [finding.revision for finding in report.findings] == [1, 2]


def test_two_containers_are_two_findings() -> None:
    """Each may have its own cause."""
    workload = deployment(ready=0)
    replicas = replica_set(workload)
    both = pod(replicas, crash_looping(), crash_looping(name="proxy"))
    assert {f.container for f in diagnose(snapshot(workload, replicas, both)).findings} == {"api", "proxy"}


def test_other_ends_are_other_findings() -> None:
    """Exit code 1 and exit code 127 are different stories."""
    workload = deployment(desired=2, ready=0)
    replicas = replica_set(workload)
    pods = [pod(replicas, crash_looping(ended(code))) for code in (1, 127)]
    assert len(diagnose(snapshot(workload, replicas, *pods)).findings) == 2


def test_pods_that_go_are_left_out() -> None:
    """A pod that terminates is no evidence."""
    going = pod(None, crash_looping(), deleted=True)
    assert diagnose(snapshot(deployment(), going)).findings == ()


@pytest.mark.parametrize(
    ("owner", "target"),
    [
        (None, ObjectRef("Pod", "shop", "loner")),
        (Owner("Job", "backfill", "uid-job"), ObjectRef("Job", "shop", "backfill")),
        (Owner("ReplicaSet", "api-rs9", "uid-unknown"), ObjectRef("ReplicaSet", "shop", "api-rs9")),
    ],
    ids=["none", "a job", "a replica set that was not read"],
)
def test_a_pod_without_a_workload_is_still_judged(owner: Owner | None, target: ObjectRef) -> None:
    """The finding is about its owner, else about the pod."""
    [finding] = diagnose(snapshot(pod(owner, crash_looping(), name="loner"))).findings
    assert (finding.target, finding.severity) == (target, Severity.WARNING)


def test_a_replica_set_of_nobody_is_the_target() -> None:
    """A replica set may stand alone."""
    replicas = replica_set(deployment())
    orphan = replace(replicas, meta=replace(replicas.meta, owner=None))
    [finding] = diagnose(snapshot(orphan, pod(orphan, crash_looping()))).findings
    assert finding.target == ObjectRef("ReplicaSet", "shop", "api-rs1")


# --- severity ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("desired", "ready", "deployed", "bad", "severity"),
    [
        (3, 0, 1, 1, Severity.CRITICAL),
        (3, 2, 1, 1, Severity.CRITICAL),
        (3, 3, 2, 2, Severity.CRITICAL),
        (3, 3, 2, 1, Severity.WARNING),
        (0, 0, 1, 1, Severity.WARNING),
    ],
    ids=["nothing works", "one lacks", "the newest release is blocked", "a leftover of an old one", "scaled to 0"],
)
def test_severity_is_judged_by_the_effect(
    desired: int, ready: int, deployed: int, bad: int, severity: Severity
) -> None:
    """Critical is what users feel, or what keeps a release from going on."""
    workload = deployment(desired=desired, ready=ready, revision=deployed)
    replicas = replica_set(workload, bad)
    [finding] = diagnose(snapshot(workload, replicas, pod(replicas, crash_looping()))).findings
    assert finding.severity is severity


def test_the_worst_comes_first() -> None:
    """Then by name, so that two looks show the same order."""
    fine, bad, worse = deployment("a", desired=2), deployment("c", ready=0), deployment("b", ready=0)
    pods = [pod(replica_set(each, 0 if each is fine else 1), crash_looping()) for each in (fine, bad, worse)]
    sets = [replica_set(fine, 0), replica_set(bad), replica_set(worse)]
    report = diagnose(snapshot(fine, bad, worse, *sets, *pods))
    assert [finding.target.name for finding in report.findings] == ["b", "c", "a"]


# --- what no family explains ------------------------------------------------------------------------------------------


def test_a_workload_that_lacks_pods_is_a_finding_even_without_a_cause() -> None:
    """What is not understood is not fine."""
    [finding] = diagnose(snapshot(deployment(desired=3, ready=1))).findings
    assert (finding.code, finding.severity, finding.title) == ("NOT_READY", Severity.WARNING, "is not ready")
    assert finding.summary == "1 of 3 pods ready. None of its pods exist. Nothing it reports says why."


def test_a_quota_is_told_by_the_workload_itself() -> None:
    """Pods that were refused do not exist; the condition says why."""
    workload = deployment(ready=0, conditions=(condition("ReplicaFailure", "True", "FailedCreate", QUOTA),))
    [finding] = diagnose(snapshot(workload)).findings
    assert finding.code == "PODS_NOT_CREATED"
    assert "exceeded quota: small" in finding.summary
    assert finding.evidence[0].lines == ("exceeded quota: small",)
    assert finding.since is not None


def test_a_stuck_release_is_critical_even_while_the_old_one_serves() -> None:
    """All pods are there, but not those that are wanted."""
    stuck = condition("Progressing", "False", "ProgressDeadlineExceeded", "has timed out progressing.")
    [finding] = diagnose(snapshot(deployment(conditions=(stuck,)))).findings
    assert (finding.code, finding.severity) == ("ROLLOUT_STUCK", Severity.CRITICAL)


@pytest.mark.parametrize(
    "said",
    [condition("Available", "False"), condition("ReplicaFailure", "False"), condition("Progressing", "True")],
    ids=["available", "no failure", "progressing"],
)
def test_other_conditions_explain_nothing(said: Condition) -> None:
    """They only say in other words that pods lack."""
    [finding] = diagnose(snapshot(deployment(ready=0, conditions=(said,)))).findings
    assert finding.evidence == ()


def lacking(*containers: Container, age_s: float) -> tuple[str, Severity]:
    workload = deployment(desired=2, ready=1)
    replicas = replica_set(workload)
    young = pod(replicas, *containers, age_s=age_s, name="new")
    [finding] = diagnose(snapshot(workload, replicas, pod(replicas), young)).findings
    return finding.code, finding.severity


@pytest.mark.parametrize(
    ("age_s", "code", "severity"),
    [(5, "STARTING", Severity.INFO), (59, "STARTING", Severity.INFO), (61, "NOT_READY", Severity.WARNING)],
)
def test_a_new_pod_is_given_a_minute(age_s: float, code: str, severity: Severity) -> None:
    """A roll-out is no alarm; one that takes too long is."""
    assert lacking(CREATING, age_s=age_s) == (code, severity)


def test_a_starting_pod_that_crashes_is_a_crash() -> None:
    """The patience is for what is unknown, not for what is seen."""
    assert lacking(container(ended(1, ago_s=1)), age_s=5)[0] == "CRASH_LOOP"


def test_the_youngest_pod_tells_how_long_it_has_been_starting() -> None:
    """So that nobody waits for what began long ago."""
    workload = deployment(desired=2, ready=0)
    pods = [pod(workload, CREATING, age_s=age) for age in (40, 5)]
    [finding] = diagnose(snapshot(workload, *pods)).findings
    assert finding.summary == "0 of 2 pods ready; the youngest pod is 5 s old."


def test_a_refusal_is_not_called_starting() -> None:
    """A quota that stops the next pods is told even while others start."""
    workload = deployment(desired=2, ready=0, conditions=(condition("ReplicaFailure", "True", message=QUOTA),))
    [finding] = diagnose(snapshot(workload, pod(workload, CREATING, age_s=5))).findings
    assert finding.code == "PODS_NOT_CREATED"


def test_a_pod_of_unknown_age_is_not_young() -> None:
    """The doubt goes against "all is well"."""
    workload = deployment(ready=0)
    ageless = pod(workload, CREATING)
    ageless = replace(ageless, meta=replace(ageless.meta, created_at=None), started_at=None)
    [finding] = diagnose(snapshot(workload, ageless)).findings
    assert finding.code == "NOT_READY"


# --- the verdict ------------------------------------------------------------------------------------------------------


def test_all_well_is_healthy() -> None:
    """No finding, and everything that matters was seen live."""
    workload = deployment(desired=2)
    report = diagnose(snapshot(workload, pod(replica_set(workload)), stateful_set()))
    assert (report.verdict, report.findings, report.not_checked) == (Verdict.HEALTHY, (), ())
    assert [(line.ready, line.desired, line.troubled) for line in report.workloads] == [(2, 2, False), (1, 1, False)]


@pytest.mark.parametrize("part", [Part.PODS, Part.DEPLOYMENTS, Part.STATEFUL_SETS, Part.DAEMON_SETS])
@pytest.mark.parametrize("state", [stale(240), missing("no right to list them")], ids=["stale", "missing"])
def test_could_not_look_is_never_all_fine(part: Part, state: PartStatus) -> None:
    """Whatever decides the verdict must have been seen, and seen now."""
    report = diagnose(snapshot(deployment(), pod(), parts={part: state}))
    assert report.verdict is Verdict.UNKNOWN
    assert [missed.what for missed in report.not_checked] == [part.value]


@pytest.mark.parametrize(
    "part", sorted(set(Part) - {Part.PODS, Part.DEPLOYMENTS, Part.STATEFUL_SETS, Part.DAEMON_SETS})
)
def test_what_does_not_decide_is_only_told(part: Part) -> None:
    """Without the right to see nodes a namespace can still be healthy."""
    report = diagnose(snapshot(deployment(), parts={part: missing("no right")}))
    assert report.verdict is Verdict.HEALTHY
    assert len(report.not_checked) == 1


def test_a_part_that_nobody_asked_for_is_unknown() -> None:
    """A snapshot that is silent about pods says nothing about them."""
    seen = snapshot(deployment())
    parts = dict(seen.parts)
    del parts[Part.PODS]
    assert diagnose(replace(seen, parts=parts)).verdict is Verdict.UNKNOWN


def test_an_empty_namespace_is_unknown() -> None:
    """It is more likely a mistyped name than a healthy service."""
    assert diagnose(snapshot()).verdict is Verdict.UNKNOWN


def test_a_lone_pod_that_runs_is_healthy() -> None:
    """A namespace without workloads may still have something in it."""
    assert diagnose(snapshot(pod(None, container(running())))).verdict is Verdict.HEALTHY


def test_nothing_wanted_is_healthy() -> None:
    """Scaled to 0 is a decision."""
    assert diagnose(snapshot(deployment(desired=0))).verdict is Verdict.HEALTHY


@pytest.mark.parametrize(
    ("ready", "verdict"), [((0, 0), Verdict.DOWN), ((1, 0), Verdict.DEGRADED)], ids=["nothing is ready", "something is"]
)
def test_down_is_when_nothing_works(ready: tuple[int, int], verdict: Verdict) -> None:
    """Degraded is when something still does."""
    assert diagnose(snapshot(*(deployment(f"w{i}", ready=n) for i, n in enumerate(ready)))).verdict is verdict


def test_a_finding_without_workloads_is_degraded() -> None:
    """Whether others are down cannot be told from a lone pod."""
    assert diagnose(snapshot(pod(None, crash_looping()))).verdict is Verdict.DEGRADED


# --- focus ------------------------------------------------------------------------------------------------------------


def test_a_focus_leaves_out_the_others() -> None:
    """The verdict is about the one workload."""
    api, worker = deployment("api"), deployment("worker", ready=0)
    everything = snapshot(api, worker)
    assert diagnose(everything, ref(api)).verdict is Verdict.HEALTHY
    focused = diagnose(everything, ref(worker))
    assert focused.verdict is Verdict.DOWN
    assert [line.target.name for line in focused.workloads] == ["worker"]


# --- what could not be looked at --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        (
            {Part.NODES: missing("no right"), Part.CLAIMS: missing("no right"), Part.JOBS: missing("no such API")},
            [("nodes, volume claims", "no right"), ("jobs", "no such API")],
        ),
        (
            {Part.EVENTS: stale(240, "the watch is silent"), Part.NODES: stale(240, "the watch is silent")},
            [("events, nodes", "last seen 4 min ago: the watch is silent")],
        ),
        ({Part.EVENTS: stale(240)}, [("events", "last seen 4 min ago")]),
        (
            {Part.EVENTS: missing("no right"), Part.NODES: stale(240, "no right")},
            [("events", "no right"), ("nodes", "last seen 4 min ago: no right")],
        ),
    ],
    ids=["missing", "stale", "stale without a reason", "both"],
)
def test_equal_reasons_are_told_together(parts: Mapping[Part, PartStatus], told: list[tuple[str, str]]) -> None:
    """One line for each reason, not for each part."""
    report = diagnose(snapshot(deployment(), parts=parts))
    assert [(missed.what, missed.reason) for missed in report.not_checked] == told


# --- logs -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("crashed", "previous"),
    [
        (container(running(for_s=5), last=ended(1, ago_s=6), restarts=3), True),
        (crash_looping(), False),
        (container(ended(1), last=ended(1, ago_s=90), restarts=3), False),
    ],
    ids=["running", "waiting", "ended"],
)
def test_the_log_of_the_crash_is_asked_for(crashed: Container, previous: bool) -> None:
    """It is the previous one only while the next run is on."""
    assert wanted(snapshot(pod(None, crashed, name="api-1"))).logs == (LogKey("api-1", "api", previous),)


def test_one_log_for_each_case() -> None:
    """Of the pod that crashed last, since that is the freshest."""
    workload = deployment(desired=2, ready=0)
    pods = [pod(workload, crash_looping(), name=name, age_s=age) for name, age in (("a", 900), ("b", 90))]
    assert wanted(snapshot(workload, *pods)).logs == (LogKey("b", "api", previous=False),)


def test_no_log_where_none_can_be() -> None:
    """A command that never ran wrote nothing, and a healthy pod is left alone."""
    never_ran = pod(None, crash_looping(ended(128, "StartError")))
    assert wanted(snapshot(never_ran, pod(), pod(None, container(waiting("ImagePullBackOff"))))).logs == ()


def test_logs_are_few() -> None:
    """One look must stay quick, whatever the number of cases."""
    pods: list[Pod] = [pod(None, crash_looping(), name=f"p{n}") for n in range(20)]
    assert len(wanted(snapshot(*pods)).logs) == 8


def test_the_worst_logs_are_read_first() -> None:
    """When there are more than can be read in one look."""
    workload = deployment(ready=0)
    harmless: list[Pod] = [pod(None, crash_looping(), name=f"p{n}") for n in range(20)]
    assert wanted(snapshot(workload, *harmless, pod(workload, crash_looping(), name="bad"))).logs[0].pod == "bad"


def test_a_focus_has_its_log_read_however_much_else_crashes() -> None:
    """And no others: one look must stay quick."""
    workload = deployment(ready=0)
    others: list[Pod] = [pod(None, crash_looping(), name=f"p{n}") for n in range(20)]
    seen = snapshot(*others, workload, pod(workload, crash_looping(), name="mine"))
    assert [key.pod for key in wanted(seen, ref(workload)).logs] == ["mine"]


def test_an_object_without_a_revision_has_none() -> None:
    """The annotation may hold anything."""
    odd = replace(deployment(), meta=replace(meta("api"), annotations={"deployment.kubernetes.io/revision": "x"}))
    assert odd.revision is None
