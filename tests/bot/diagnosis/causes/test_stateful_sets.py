"""StatefulSets and DaemonSets that wait: behind a pod, for a deletion, behind a partition, without a node."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.diagnosis import diagnose
from bot.diagnosis.causes import daemon_sets, ordered_pods, stateful_sets
from bot.diagnosis.index import Index
from bot.domain.findings import Finding, Severity, StepKind
from bot.domain.objects import Container, Node, Pod, Workload
from bot.domain.targets import ObjectRef
from tests.support.builders import (
    ago,
    condition,
    container,
    crash_looping,
    labelled,
    node,
    pod,
    ref,
    snapshot,
    stateful_set,
)

DB = replace(
    stateful_set(desired=3, ready=2), update_revision="db-new", current_revision="db-old", strategy="RollingUpdate"
)
HEALED = replace(DB, current_revision="db-new")


def member(number: int, revision: str, inside: Container | None = None, *, of: Workload = DB) -> Pod:
    made = labelled(pod(of, inside or container(), name=f"db-{number}"), **{"controller-revision-hash": revision})
    return replace(made, conditions=(condition("Ready", str(made.is_ready), ago_s=300),))


def look(*objects: object) -> list[Finding]:
    return list(stateful_sets.SURVEY.look(Index(snapshot(*objects))))


# --- the pod that stays broken ----------------------------------------------------------------------------------------


def test_after_an_undo_the_broken_pod_stays_until_it_is_deleted() -> None:
    """The set's revisions are equal again; only the pod's label names the bad one."""
    seen = snapshot(HEALED, member(0, "db-new"), member(1, "db-new"), member(2, "db-bad", crash_looping()))
    [finding] = diagnose(seen).findings
    assert (finding.code, finding.pods, finding.since) == ("ORDERED_POD_STUCK", ("db-2",), ago(300))
    assert finding.title == "db-2 keeps a broken revision until it is deleted"
    assert (finding.next[0].text, finding.next[0].label) == ("evict db-2", "Evict…")
    assert "made from db-bad, while db is at db-new" in finding.summary
    assert finding.evidence[1].label == "container api waits: CrashLoopBackOff"


@pytest.mark.parametrize(
    ("workload", "broken"),
    [
        (HEALED, member(2, "db-new", crash_looping())),
        (HEALED, labelled(member(2, "", crash_looping()))),
        (replace(HEALED, strategy="OnDelete"), member(2, "db-bad", crash_looping())),
        (replace(HEALED, partition=3), member(2, "db-bad", crash_looping())),
        (replace(HEALED, update_revision=""), member(2, "db-bad", crash_looping())),
        (
            replace(HEALED, meta=replace(HEALED.meta, generation=4), observed_generation=3),
            member(2, "db-bad", crash_looping()),
        ),
        (
            HEALED,
            replace(member(2, "db-bad", crash_looping()), conditions=(condition("Ready", "False", ago_s=3),)),
        ),
        (HEALED, member(2, "db-bad")),
    ],
    ids=[
        *("the present revision", "no label", "deleted by hand anyway", "below the partition", "no revision"),
        *("not yet seen", "a moment ago", "ready"),
    ],
)
def test_other_pods_are_not_told_to_be_deleted(workload: Workload, broken: Pod) -> None:
    """Deleting them would mend nothing, or happens by itself."""
    assert list(ordered_pods.FAMILY.observe(Index(snapshot(workload, broken)), broken)) == []


def test_a_pod_that_no_node_takes_is_stuck_in_the_same_way() -> None:
    """Its old template asks for too much."""
    waiting = replace(
        member(2, "db-bad", container(ready=False)),
        conditions=(condition("PodScheduled", "False", "Unschedulable", ago_s=300), condition("Ready", "False")),
    )
    codes = [f.code for f in diagnose(snapshot(HEALED, member(0, "db-new"), member(1, "db-new"), waiting)).findings]
    assert codes == ["ORDERED_POD_STUCK"]


# --- waiting behind a pod ---------------------------------------------------------------------------------------------


def test_an_update_stops_at_a_pod_that_is_not_ready() -> None:
    """It is told below the crash."""
    seen = snapshot(DB, member(0, "db-old"), member(1, "db-old"), member(2, "db-new", crash_looping()))
    [root] = diagnose(seen).findings
    assert root.code == "CRASH_LOOP"
    [felt] = root.consequences
    assert (felt.code, felt.title) == ("ORDERED_ROLLOUT_BLOCKED", "waits for db-2")
    assert "db-0, db-1 kept at the revision before" in felt.summary


def test_growth_stops_at_a_pod_that_is_not_ready() -> None:
    """Those with higher numbers are not made."""
    [finding] = look(DB, member(0, "db-new", crash_looping()))
    assert finding.summary == (
        "db-0 is not ready, and pods come one after the other: 2 further pods not made before it is ready."
    )
    assert finding.because == (ref(DB),)


def test_a_young_pod_is_given_time() -> None:
    """Each pod starts once."""
    young = replace(member(1, "db-new", container(ready=False)), meta=replace(member(1, "").meta, created_at=ago(5)))
    assert look(DB, member(0, "db-new"), young) == []


def test_pods_that_are_all_there_wait_for_nobody() -> None:
    """One of them is not ready, which is another finding."""
    assert look(HEALED, member(0, "db-new", crash_looping()), member(1, "db-new"), member(2, "db-new")) == []


# --- on purpose -------------------------------------------------------------------------------------------------------


def test_a_partition_holds_pods_back() -> None:
    """On purpose, most likely."""
    held = replace(DB, partition=2, ready=3)
    [finding] = look(held, member(0, "db-old"), member(1, "db-old"), member(2, "db-new"))
    assert (finding.code, finding.severity) == ("PARTITION_HOLDS", Severity.INFO)
    assert "2 pods of db keep the revision before (db-0, db-1): the update's partition is 2" in finding.summary


def test_a_partition_that_holds_nothing_is_not_told() -> None:
    """All pods are of one revision."""
    assert look(replace(HEALED, partition=2, ready=3), *(member(n, "db-new") for n in range(3))) == []


def test_on_delete_waits_for_somebody() -> None:
    """A restart has changed nothing but the revision's name."""
    waiting = replace(DB, strategy="OnDelete", ready=3, updated=1)
    [finding] = look(waiting, member(0, "db-old"), member(1, "db-old"), member(2, "db-new"))
    assert (finding.code, finding.severity, finding.pods) == ("ON_DELETE_WAITING", Severity.INFO, ("db-0", "db-1"))
    assert (finding.next[0].kind, finding.next[0].text) == (StepKind.COMMAND, "evict db-1")


@pytest.mark.parametrize(("updated", "number"), [(3, 0), (1, 1)], ids=["all updated", "two wait"])
def test_a_daemon_set_waits_too(updated: int, number: int) -> None:
    """It counts its updated pods itself."""
    agents = replace(DB, kind="DaemonSet", strategy="OnDelete", updated=updated)
    found = look(agents)
    assert len(found) == number
    # Its pods are not told apart by revision, so none of them can be named.
    assert [(step.kind, step.text) for each in found for step in each.next] == number * [
        (StepKind.MANUAL, "kubectl -n shop delete pod POD")
    ]


def test_nothing_wanted_is_nothing_said() -> None:
    """Scaled to nothing on purpose."""
    assert look(replace(DB, desired=0, ready=0), member(0, "db-old", crash_looping())) == []


# --- daemon sets ------------------------------------------------------------------------------------------------------

AGENTS = replace(stateful_set("agent", desired=2, ready=1), kind="DaemonSet", strategy="RollingUpdate")


def agent(on: str, *, ready: bool = True, age_s: float = 9000) -> Pod:
    return replace(pod(AGENTS, container(ready=ready), name=f"agent-{on}", age_s=age_s), node=on)


def lost(name: str) -> Node:
    return replace(node(name), conditions=(condition("Ready", "Unknown", "NodeStatusUnknown"),))


def look_daemons(*objects: object) -> list[Finding]:
    return list(daemon_sets.SURVEY.look(Index(snapshot(*objects))))


def test_a_daemon_set_names_the_nodes_it_is_not_on() -> None:
    """And those that are ill themselves, which would explain it."""
    [finding] = look_daemons(AGENTS, agent("node-1"), agent("node-2", ready=False), node("node-1"), lost("node-2"))
    assert finding.title == "runs on 1 of 2 nodes"
    assert finding.summary == (
        "agent is ready on 1 of 2 nodes that should have it. Not on node-2. node-2 is not ready itself."
    )
    assert finding.because == (ref(AGENTS), ObjectRef("Node", "", "node-2"))


def test_pods_that_were_not_made_are_counted() -> None:
    """The node is named where the set wants to be on all."""
    [finding] = look_daemons(AGENTS, agent("node-1"), node("node-1"), node("node-2"))
    assert "Not on node-2. 1 pod not made at all." in finding.summary


def test_which_node_lacks_it_is_not_guessed() -> None:
    """A set for some nodes only does not say which."""
    [finding] = look_daemons(AGENTS, agent("node-1"), *(node(f"node-{n}") for n in range(1, 5)))
    assert "Not on" not in finding.summary


@pytest.mark.parametrize(
    "objects",
    [
        (replace(AGENTS, ready=2), agent("node-1"), agent("node-2")),
        (AGENTS, agent("node-1"), agent("node-2", ready=False, age_s=5)),
        (replace(AGENTS, desired=0, ready=0),),
    ],
    ids=["on all", "starting", "on none"],
)
def test_a_daemon_set_that_is_where_it_should_be(objects: tuple[object, ...]) -> None:
    """Or is about to be."""
    assert look_daemons(*objects) == []
