"""Whatever the cluster shows, the diagnosis has an answer, and never a false "all is well"."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.diagnosis import diagnose, wanted_logs
from bot.diagnosis.diagnose import GENERAL_CODES
from bot.diagnosis.family import families
from bot.domain.findings import Verdict
from bot.domain.objects import Condition, Container, Event, Pod, Role, Running, Terminated, Waiting
from bot.domain.snapshot import LogExcerpt, LogKey, Part, Snapshot
from bot.domain.text import Redacted
from tests.support.builders import (
    LIVE,
    ago,
    deployment,
    event,
    missing,
    pod,
    replica_set,
    snapshot,
    stale,
    stateful_set,
)

CODES = {code.name for family in families() for code in family.codes} | {code.name for code in GENERAL_CODES}

text = st.sampled_from(
    [
        "",
        "\n",
        "Liveness probe failed: ",
        "Readiness probe failed: HTTP probe failed with statuscode: 503",
        "Container api failed liveness probe, will be restarted",
        "Container api failed startup probe, will be restarted",
        "0/3 nodes are available: 3 Insufficient cpu. preemption: none",
        "preemption:",
        'secret "x" not found',
    ]
).map(Redacted) | st.text(max_size=20).map(Redacted)
moment = st.none() | st.sampled_from([-30.0, 0.0, 5.0, 61.0, 700.0, 4000.0, 90_000.0]).map(ago)
reason = st.sampled_from(
    [
        *("", "CrashLoopBackOff", "RunContainerError", "ErrImagePull", "ImagePullBackOff", "InvalidImageName"),
        *("ErrImageNeverPull", "ContainerCreating", "PodInitializing", "CreateContainerConfigError", "Whatever"),
    ]
)
ends = st.builds(
    Terminated,
    st.sampled_from([0, 1, 2, 127, 128, 137, 143, 255, -1]),
    st.sampled_from(["", "Error", "Completed", "OOMKilled", "StartError", "ContainerCannotRun"]),
    st.sampled_from([0, 9, 64]),
    text,
    moment,
    moment,
)
states = st.none() | st.builds(Waiting, reason, text) | st.builds(Running, moment) | ends
containers = st.builds(
    Container,
    name=st.sampled_from(["api", "proxy"]),
    role=st.sampled_from(Role),
    image=st.sampled_from(["", "api", "api:v1", "reg:5000/api@sha256:abc"]),
    ready=st.booleans(),
    started=st.none() | st.booleans(),
    restart_count=st.integers(0, 4),
    state=states,
    last_state=st.none() | ends,
    memory_request=st.none() | st.integers(0, 1 << 40),
    memory_limit=st.none() | st.integers(0, 1 << 40),
    env_names=st.sampled_from([(), ("A",), ("A", "B")]),
)
conditions = st.builds(
    Condition,
    st.sampled_from(["Ready", "PodScheduled", "Progressing", "ReplicaFailure"]),
    st.sampled_from(["True", "False", "Unknown"]),
    st.sampled_from(["", "SchedulingGated", "Unschedulable"]),
    text,
    moment,
)


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """Draw a namespace with anything in it."""
    workloads = [
        replace(
            make(name, desired=draw(st.integers(0, 3)), ready=draw(st.integers(0, 3))),
            conditions=tuple(draw(st.lists(conditions, max_size=2))),
        )
        for make, name in draw(st.lists(st.sampled_from([(deployment, "api"), (stateful_set, "db")]), unique=True))
    ]
    sets = [replica_set(each, revision, ready=draw(st.integers(0, 2))) for each in workloads for revision in (1, 2)]
    owners = st.sampled_from([None, *workloads, *sets])
    pods: list[Pod] = []
    events: list[Event] = []
    for _ in range(draw(st.integers(0, 4))):
        inside = draw(st.lists(containers, max_size=2, unique_by=lambda each: each.name))
        made = pod(
            draw(owners), *inside, conditions=draw(st.lists(conditions, max_size=2)), deleted=draw(st.booleans())
        )
        made = replace(
            made,
            phase=draw(st.sampled_from(["Pending", "Running", "Succeeded", "Failed", "Unknown", ""])),
            meta=replace(made.meta, created_at=draw(moment)),
            started_at=draw(moment),
            containers=tuple(inside),
        )
        pods.append(made)
        events += [
            replace(event(made, kind, said, container_name=draw(st.sampled_from(["", "api"]))), at=draw(moment))
            for kind, said in draw(
                st.lists(
                    st.tuples(st.sampled_from(["Unhealthy", "Killing", "FailedMount", "Failed", "BackOff"]), text),
                    max_size=3,
                )
            )
        ]
    states_of_parts = draw(
        st.dictionaries(st.sampled_from(Part), st.sampled_from([LIVE, stale(240), missing("no right")]), max_size=4)
    )
    return snapshot(*workloads, *sets, *pods, *events, parts=states_of_parts)


@settings(deadline=None, max_examples=300)
@given(snapshots(), st.lists(text, max_size=3))
def test_any_snapshot_has_an_answer(seen: Snapshot, log: list[Redacted]) -> None:
    """And "no finding" means that every workload is ready, or that it is said not to be known."""
    logs: dict[LogKey, LogExcerpt] = dict.fromkeys(wanted(seen), LogExcerpt(tuple(log)))
    report = diagnose(replace(seen, logs=logs))
    assert {finding.code for finding in report.findings} <= CODES
    if not report.findings:
        everyone_ready = all(each.ready >= each.desired for each in seen.workloads)
        assert everyone_ready or report.verdict is Verdict.UNKNOWN
    unseen = [part for part, state in seen.parts.items() if state is not LIVE]
    assert bool(report.not_checked) == bool(unseen)
    assert report.verdict is not Verdict.HEALTHY or not report.findings


@settings(deadline=None, max_examples=100)
@given(snapshots())
def test_two_looks_at_one_snapshot_are_equal(seen: Snapshot) -> None:
    """The diagnosis keeps nothing between two looks."""
    assert diagnose(seen) == diagnose(seen)
