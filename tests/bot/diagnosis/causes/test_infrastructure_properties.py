"""Whatever is seen of nodes, claims, and pods that wait, are refused or are taken away: there is an answer."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.diagnosis import Index, diagnose
from bot.diagnosis.causes import claims, creation, leftovers, nodes, preemption, terminating
from bot.diagnosis.creation_words import refusal_of
from bot.diagnosis.diagnose import wanted
from bot.diagnosis.eviction_words import eviction_of
from bot.diagnosis.placement import Hindrance
from bot.diagnosis.scheduler import nodes_in_all, reasons, taint_in
from bot.domain.objects import Claim, Condition, Node, NodeLoad, NodeRequirement, Taint, Toleration, Volume
from bot.domain.snapshot import Part, Snapshot
from bot.domain.text import Redacted
from tests.support.builders import (
    GI,
    LIVE,
    ago,
    claim,
    container,
    deployment,
    happened,
    job,
    missing,
    node,
    pod,
    replica_set,
    snapshot,
    stale,
    stateful_set,
    storage_class,
)

SURVEYS = (claims.SURVEY, creation.SURVEY, leftovers.SURVEY, nodes.SURVEY, preemption.SURVEY, terminating.SURVEY)

words = st.sampled_from(
    [
        *("", "\n", "0/3 nodes are available: ", "0/3 nodes are available: 3 Insufficient cpu. preemption: none"),
        "0/2 nodes are available: 1 node(s) had untolerated taint {a: b}, 1 node(s) were unschedulable.",
        "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector.",
        "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.",
        "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found",
        'pods "a" is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2',
        'pods "a" is forbidden: exceeded quota: q, requested: , used: , limited: x',
        'pods "a" is forbidden: violates PodSecurity "x": ',
        "The node was low on resource: memory. Threshold quantity: 1, available: 0. ",
        "The node was low on resource: [Disk].",
    ]
).map(Redacted) | st.text(max_size=20).map(Redacted)
moments = st.none() | st.sampled_from([-30.0, 0.0, 61.0, 700.0, 90_000.0]).map(ago)
conditions = st.builds(
    Condition,
    st.sampled_from(["Ready", "PodScheduled", "ReplicaFailure", "DisruptionTarget", "MemoryPressure", "Complete"]),
    st.sampled_from(["True", "False", "Unknown"]),
    st.sampled_from(["", "SchedulingGated", "Unschedulable", "EvictionByEvictionAPI", "PreemptionByScheduler"]),
    words,
    moments,
)
some = st.lists(conditions, max_size=2).map(tuple)
names = st.sampled_from(["a", "b"])
taints = st.builds(
    Taint, st.sampled_from(["gpu", "node.kubernetes.io/not-ready"]), st.sampled_from(["NoSchedule", "NoExecute"]), names
)
requirements = st.builds(
    NodeRequirement,
    names,
    st.sampled_from(["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt", "?"]),
    st.lists(st.sampled_from(["a", "1", ""]), max_size=2).map(tuple),
)
tolerations = st.builds(Toleration, st.sampled_from(["", "gpu"]), st.sampled_from(["Equal", "Exists"]), names)
labels = st.dictionaries(names, st.sampled_from(["a", "1", ""]), max_size=2)
reasons_of_events = st.sampled_from(["FailedCreate", "SuccessfulCreate", "Preempted", "ProvisioningFailed", "Other"])


@st.composite
def all_nodes(draw: st.DrawFn) -> tuple[Node, ...]:
    """Draw the nodes of a cluster."""
    chosen = draw(st.lists(names, unique=True))
    return tuple(
        node(
            name,
            cpu_m=draw(st.sampled_from([0, 4000])),
            pods=draw(st.sampled_from([0, 10])),
            labels=draw(labels),
            taints=tuple(draw(st.lists(taints, max_size=2))),
            cordoned=draw(st.booleans()),
            conditions=draw(some),
        )
        for name in chosen
    )


@st.composite
def all_claims(draw: st.DrawFn) -> tuple[Claim, ...]:
    """Draw the claims of a namespace."""
    return tuple(
        replace(
            claim(name, phase=draw(st.sampled_from(["Pending", "Bound", "Lost", ""]))),
            storage_class=draw(st.sampled_from([None, "", "fast", "gone"])),
        )
        for name in draw(st.lists(names, unique=True))
    )


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """Draw a namespace with anything in it, on nodes in any state."""
    workloads = [replace(make(), ready=draw(st.integers(0, 1))) for make in (deployment, stateful_set)]
    sets = [replace(replica_set(workloads[0], n, desired=1), conditions=draw(some)) for n in (1, 2)]
    inside = container(cpu_m=draw(st.sampled_from([0, 9000])), memory=draw(st.sampled_from([None, 99 * GI])))
    pods = []
    for _ in range(draw(st.integers(0, 3))):
        made = pod(draw(st.sampled_from([None, *workloads, *sets])), inside, conditions=draw(some))
        pods.append(
            replace(
                made,
                phase=draw(st.sampled_from(["Pending", "Running", "Failed"])),
                reason=draw(st.sampled_from(["", "Evicted", "OutOfcpu", "NodeLost"])),
                message=draw(words),
                node=draw(st.sampled_from(["", "a", "gone"])),
                meta=replace(made.meta, deleted_at=draw(moments), finalizers=draw(st.sampled_from([(), ("x/y",)]))),
                node_selector=draw(labels),
                node_terms=tuple(draw(st.lists(st.lists(requirements, max_size=2).map(tuple), max_size=2))),
                tolerations=tuple(draw(st.lists(tolerations, max_size=2))),
                volumes=(Volume("v", "PersistentVolumeClaim", draw(names)),),
            )
        )
    held, kept = draw(all_claims()), storage_class(default=draw(st.booleans()), waits=draw(st.booleans()))
    makers = [*(each.meta for each in workloads), *(each.meta for each in sets)]
    abouts = [*makers, *(each.meta for each in pods), *(each.meta for each in held)]
    events = [
        happened(draw(st.sampled_from(abouts)), "Pod", draw(reasons_of_events), draw(words))
        for _ in range(draw(st.integers(0, 3)))
    ]
    states = draw(
        st.dictionaries(st.sampled_from(Part), st.sampled_from([LIVE, stale(240), missing("no right")]), max_size=3)
    )
    load = draw(st.none() | st.just({"a": NodeLoad(3000, GI, 10)}))
    waits = replace(job(), conditions=draw(some))
    return snapshot(*workloads, *sets, *pods, *held, kept, *events, waits, *draw(all_nodes()), parts=states, load=load)


@settings(deadline=None, max_examples=150)
@given(snapshots())
def test_any_snapshot_has_an_answer(seen: Snapshot) -> None:
    """With codes that are documented, and words in each finding."""
    index = Index(seen)
    for survey in SURVEYS:
        known = {code.name for code in survey.codes}
        for finding in survey.look(index):
            assert finding.code in known
            assert finding.title
            assert finding.summary.endswith(".")
    assert diagnose(seen) == diagnose(seen)
    assert wanted(seen) == wanted(seen)


@given(words)
def test_any_message_of_the_scheduler_is_taken_apart(message: Redacted) -> None:
    """Nothing it says is lost but the tail."""
    found = reasons(message)
    assert all(reason.words and isinstance(reason.kind, Hindrance) for reason in found)
    assert nodes_in_all(message) is None or message.startswith("0/")
    assert all(taint_in(reason.words) == "" or "{" in reason.words for reason in found)


@given(words)
def test_any_refusal_and_any_eviction_is_read(message: Redacted) -> None:
    """At least as words of the cluster."""
    assert refusal_of(message).words in message.strip()
    assert isinstance(eviction_of(message).summary, str)


@given(st.integers(0, 3), st.booleans())
def test_what_is_well_has_no_finding(count: int, waits: bool) -> None:
    """Ready pods, bound claims, nodes that report to be ready."""
    api = deployment(desired=count)
    pods = [pod(replica_set(api, ready=count)) for _ in range(count)]
    well = node(conditions=(Condition("Ready", "True"), Condition("MemoryPressure", "False")))
    bound = claim(phase="Bound")
    seen = snapshot(api, replica_set(api, ready=count), *pods, well, bound, storage_class(waits=waits))
    assert [finding for survey in SURVEYS for finding in survey.look(Index(seen))] == []


def test_every_code_is_explained() -> None:
    """What it means, how it is known, what to do."""
    for survey in SURVEYS:
        for code in survey.codes:
            assert all((code.meaning, code.recognised, code.remedy, code.playbook)), code.name
