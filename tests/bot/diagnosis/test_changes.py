"""What happened just before, as likely the reason."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.diagnosis.changes import changes_of, in_words, likely_change
from bot.diagnosis.index import Index
from bot.diagnosis.replica_sets import revision_began
from bot.domain.objects import Condition, Node, ReplicaSet, Workload
from tests.support.builders import (
    ago,
    autoscaler,
    condition,
    deployment,
    happened,
    node,
    replica_set,
    snapshot,
    stateful_set,
    template,
)

API = deployment(revision=2)


def made(number: int, *, age_s: float, image: str = "rag-engine:v1", of: Workload = API) -> ReplicaSet:
    found = replica_set(of, number, containers=(template(image=image),))
    return replace(found, meta=replace(found.meta, created_at=ago(age_s)))


def scaled(text: str, *, ago_s: float) -> object:
    return happened(API.meta, "Deployment", "ScalingReplicaSet", text, ago_s=ago_s)


def ill_node(*, ago_s: float) -> Node:
    return replace(node(), conditions=(condition("Ready", "Unknown", "NodeStatusUnknown", ago_s=ago_s),))


OLD, NEW = made(1, age_s=9000), made(2, age_s=620, image="rag-engine:v2")


def likely(*objects: object, since_s: float = 600, revision: int | None = 2, on: Node | None = None) -> str:
    index = Index(snapshot(API, *objects))
    change = likely_change(index, API, since=ago(since_s), revision=revision, nodes=[on] if on else [])
    return in_words(change, ago(since_s)) if change else ""


def test_a_release_just_before() -> None:
    """With what it changed, and how long before."""
    assert likely(OLD, NEW) == "20 s after revision 2 (image v1 → v2)"


@pytest.mark.parametrize(
    ("since_s", "said"),
    [(621, "at the time of revision 2"), (640, "at the time of revision 2"), (660, ""), (-1200, "")],
    ids=["a second before it", "a little before it", "before it", "long after it"],
)
def test_a_change_counts_from_a_little_before_to_half_an_hour_after(since_s: float, said: str) -> None:
    """The onset may be known a little too early."""
    assert likely(OLD, NEW, since_s=since_s).startswith(said)
    assert bool(likely(OLD, NEW, since_s=since_s)) == bool(said)


def test_nothing_known_is_nothing_said() -> None:
    """No onset, no workload, or nothing near."""
    index = Index(snapshot(API, OLD, NEW))
    assert likely_change(index, API, since=None, revision=2) is None
    assert likely_change(index, None, since=ago(600), revision=2) is None
    assert likely(OLD) == ""


def test_the_release_of_the_ill_pods_counts_more_than_what_came_later() -> None:
    """A scaling a minute later concerns both revisions alike."""
    later = scaled("Scaled up replica set api-rs2 from 2 to 3", ago_s=605)
    assert likely(OLD, replace(NEW, meta=replace(NEW.meta, created_at=ago(660))), later).endswith(
        "revision 2 (image v1 → v2)"
    )


def test_a_release_of_other_pods_counts_less_than_their_node() -> None:
    """Pods of revision 1 do not fail because of revision 2."""
    ill = ill_node(ago_s=640)
    said = likely(OLD, NEW, ill, revision=1, on=ill)
    assert said == "40 s after node node-1 became not ready (NodeStatusUnknown)"


@pytest.mark.parametrize(
    "told",
    [condition("Ready", "True"), condition("MemoryPressure", "False"), condition("EtcdIsVoter", "True")],
    ids=["ready", "no pressure", "of somebody's making"],
)
def test_a_node_that_is_well_is_no_change(told: Condition) -> None:
    """Nor is a condition whose meaning is not known."""
    well = replace(node(), conditions=(replace(told, changed_at=ago(610)),))
    assert likely(well, on=well) == ""


def test_a_node_that_joined_is_a_change() -> None:
    """New nodes may lack what the old ones had."""
    fresh = replace(node(), meta=replace(node().meta, created_at=ago(630)))
    assert likely(fresh, on=fresh) == "30 s after node node-1 joined"


def test_a_restart_by_hand_is_told_as_one() -> None:
    """It makes a revision, but changes nothing."""
    again = replace(made(2, age_s=620), template_restarted_at=ago(621))
    assert likely(OLD, again) == "20 s after a restart by hand (revision 2)"


def test_a_restart_of_what_has_no_revisions_is_seen_in_its_template() -> None:
    """StatefulSets and DaemonSets."""
    database = replace(stateful_set(), template_restarted_at=ago(620))
    [change] = changes_of(Index(snapshot(database)), database)
    assert (change.what, change.at) == ("a restart by hand", ago(620))


@pytest.mark.parametrize(
    ("hpa_ago_s", "said"),
    [(None, "10 s after a scaling from 2 to 4 by hand"), (611, "10 s after a scaling from 2 to 4 by its autoscaler")],
    ids=["by hand", "by its autoscaler"],
)
def test_who_scaled_is_said(hpa_ago_s: float | None, said: str) -> None:
    """An autoscaler has an event of its own at the same moment."""
    hpa = autoscaler(API)
    acted = (
        [happened(hpa.meta, "HorizontalPodAutoscaler", "SuccessfulRescale", "New size: 4", ago_s=hpa_ago_s)]
        if hpa_ago_s
        else []
    )
    event = scaled("Scaled up replica set api-rs2 from 2 to 4", ago_s=610)
    assert likely(hpa, event, *acted) == said


def test_the_steps_of_a_roll_out_are_no_changes_of_their_own() -> None:
    """The revision is."""
    steps = [
        scaled("Scaled up replica set api-rs2 from 0 to 1", ago_s=620),
        scaled("Scaled down replica set api-rs1 from 2 to 1", ago_s=610),
        scaled("Scaled up replica set api-rs2 from 1 to 2", ago_s=609),
    ]
    whats = [change.what for change in changes_of(Index(snapshot(API, OLD, NEW, *steps)), API)]
    assert whats == ["revision 2 (image v1 → v2)", "revision 1 (v1), the first"]


# --- when a revision began --------------------------------------------------------------------------------------------


def test_a_revision_that_is_used_again_began_with_its_scaling_up() -> None:
    """It is older than its present life, and may have been scaled up in its first one, too."""
    again, between = made(3, age_s=3000), made(2, age_s=1500)
    events = [
        scaled("Scaled up replica set api-rs3 from 0 to 1", ago_s=2990),
        scaled("Scaled up replica set api-rs3 from 0 to 1", ago_s=300),
        scaled("Scaled up replica set api-rs3 from 1 to 2", ago_s=290),
        scaled("Scaled up replica set api-rs33 from 0 to 1", ago_s=10),
    ]
    assert revision_began(Index(snapshot(API, again, between, *events)), API, again) == ago(300)


def test_without_events_nobody_knows_when_a_revision_was_used_again() -> None:
    """Its creation would be a guess, and wrong."""
    again, between = made(3, age_s=3000), made(2, age_s=1500)
    index = Index(snapshot(API, again, between))
    assert revision_began(index, API, again) is None
    assert revision_began(index, API, between) == ago(1500)
    assert [change.revision for change in changes_of(index, API)] == [2]
