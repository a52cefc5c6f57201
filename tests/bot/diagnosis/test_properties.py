"""Whatever the cluster shows, the diagnosis has an answer, and never a false "all is well"."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.diagnosis import Index, all_codes, diagnose, wanted
from bot.domain.findings import Verdict
from bot.domain.objects import (
    Condition,
    Container,
    Event,
    Pod,
    Port,
    Probe,
    Reference,
    Role,
    Running,
    Terminated,
    Waiting,
)
from bot.domain.snapshot import LogExcerpt, LogKey, Part, Snapshot
from bot.domain.text import Redacted
from tests.support.builders import (
    LIVE,
    ago,
    deployment,
    event,
    missing,
    node,
    pod,
    replica_set,
    service,
    snapshot,
    stale,
    stateful_set,
    usage,
)

CODES = {code.name for code in all_codes()}

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
        "exec format error",
        'secret "x" not found',
        "couldn't find key k in Secret shop/x",
        "container has runAsNonRoot and image will run as root",
        'MountVolume.SetUp failed for volume "t" : configmap "x" not found',
        "dial tcp: lookup db: no such host",
        "listen tcp :8080: bind: address already in use",
        "DATABASE_URL is not set",
        'Traceback (most recent call last):\n  File "/app/x.py", line 1, in f\nKeyError: 1',
        "panic: no",
        "FailedPostStartHook",
    ]
).map(Redacted) | st.text(max_size=20).map(Redacted)
moment = st.none() | st.sampled_from([-30.0, 0.0, 5.0, 61.0, 700.0, 4000.0, 90_000.0]).map(ago)
reason = st.sampled_from(
    [
        *("", "CrashLoopBackOff", "RunContainerError", "ErrImagePull", "ImagePullBackOff", "InvalidImageName"),
        *("ErrImageNeverPull", "ContainerCreating", "PodInitializing", "CreateContainerConfigError", "Whatever"),
        *("CreateContainerError", "PostStartHookError"),
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
probes = st.none() | st.builds(Probe, st.just("GET :80/"), st.integers(1, 5), st.integers(1, 90), st.integers(1, 30))
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
    cpu_request_m=st.none() | st.integers(0, 4000),
    cpu_limit_m=st.none() | st.integers(0, 4000),
    liveness=probes,
    readiness=probes,
    startup=probes,
    ports=st.sampled_from([(), (Port(8080),)]),
    references=st.sampled_from([(), (Reference("Secret", "x"), Reference("ConfigMap", "x", "k", "K"))]),
    env_names=st.sampled_from([(), ("A",), ("A", "B")]),
)
conditions = st.builds(
    Condition,
    st.sampled_from(["Ready", "ContainersReady", "PodScheduled", "Progressing", "ReplicaFailure"]),
    st.sampled_from(["True", "False", "Unknown"]),
    st.sampled_from(["", "SchedulingGated", "Unschedulable", "ReadinessGatesNotReady"]),
    text,
    moment,
)
EVENTS = [
    *("Unhealthy", "Killing", "FailedMount", "Failed", "BackOff", "Pulling", "FailedAttachVolume"),
    *("FailedPostStartHook", "FailedCreatePodSandBox"),
]


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
                    st.tuples(st.sampled_from(EVENTS), text),
                    max_size=3,
                )
            )
        ]
    samples = [usage(made, cpu_m=draw(st.integers(0, 5000)), memory=draw(st.integers(0, 1 << 41))) for made in pods]
    objects = (*workloads, *sets, *pods, *events, *samples, service("db", app="db"), node())
    states_of_parts = draw(
        st.dictionaries(st.sampled_from(Part), st.sampled_from([LIVE, stale(240), missing("no right")]), max_size=4)
    )
    return snapshot(*objects, parts=states_of_parts)


@settings(deadline=None, max_examples=300)
@given(snapshots(), st.lists(text, max_size=3))
def test_any_snapshot_has_an_answer(seen: Snapshot, log: list[Redacted]) -> None:
    """And "no finding" means that every workload is ready, or that it is said not to be known."""
    logs: dict[LogKey, LogExcerpt] = dict.fromkeys(wanted(seen).logs, LogExcerpt(tuple(log)))
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


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.sampled_from(["api", "worker", "db"]), st.integers(0, 3)), unique_by=lambda each: each[0]))
def test_what_is_ready_has_no_finding(wants: list[tuple[str, int]]) -> None:
    """Nobody healthy is accused."""
    objects: list[object] = []
    for name, desired in wants:
        workload = deployment(name, desired=desired)
        replicas = replica_set(workload, desired=desired, ready=desired)
        pods = [pod(replicas) for _ in range(desired)]
        samples = [usage(made, cpu_m=5, memory=1 << 20) for made in pods]
        objects += [workload, replicas, *pods, *samples]
    assert diagnose(snapshot(*objects, node())).findings == ()


@settings(deadline=None, max_examples=100)
@given(snapshots(), st.lists(text, max_size=3))
def test_what_was_read_since_makes_no_other_case(seen: Snapshot, log: list[Redacted]) -> None:
    """So the cases that were collected to say what is wanted serve the diagnosis as well."""
    known = wanted(seen)
    index = Index(seen).with_more(logs=dict.fromkeys(known.logs, LogExcerpt(tuple(log))), node_load={})
    assert diagnose(index, known=known) == diagnose(index)
