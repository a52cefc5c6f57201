"""Events of an object and of what surrounds it, in their true order."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.diagnosis.index import Index
from bot.diagnosis.timeline import related_uids, timeline
from bot.domain.objects import Event, Meta, Owner, Volume
from tests.support.builders import (
    ago,
    autoscaler,
    claim,
    deployment,
    happened,
    job,
    node,
    pod,
    replica_set,
    snapshot,
)

API = deployment()
REPLICAS = replica_set(API)
NODE = node("node-1")
DATA = claim("data")
POD = replace(pod(REPLICAS, name="api-1"), volumes=(Volume("data", "PersistentVolumeClaim", "data"),))
OTHER = pod(REPLICAS, name="api-2")
SCALER = autoscaler(API)
WORLD = (API, REPLICAS, NODE, DATA, POD, OTHER, SCALER, deployment("stranger"))


def told(of: Meta, kind: str = "Pod", *, ago_s: float = 60, message: str = "") -> Event:
    return happened(of, kind, "Happened", message or of.name, ago_s=ago_s)


ABOUT = {
    one.meta.name: told(one.meta) for one in (API, REPLICAS, NODE, DATA, POD, OTHER, SCALER, deployment("stranger"))
}


@pytest.mark.parametrize(
    ("subject", "names"),
    [
        (POD, {"api-1", "api", "api-rs1", "node-1", "data"}),
        (OTHER, {"api-2", "api", "api-rs1", "node-1"}),
        (API, {"api-1", "api-2", "api", "api-rs1", "node-1", "data", "api-hpa"}),
    ],
    ids=["pod", "pod without a claim", "workload"],
)
def test_the_story_of_an_object_is_that_of_its_owners_node_and_claims(subject: object, names: set[str]) -> None:
    """And of nothing else."""
    index = Index(snapshot(*WORLD, *ABOUT.values()))
    seen = timeline(index, related_uids(index, subject), most=50)  # type: ignore[arg-type]  # a table of both kinds
    assert {event.about_name for event in seen} == names


def test_a_pod_of_a_job_has_the_story_of_its_job() -> None:
    """Though that is no workload."""
    one = job()
    owned = pod(Owner("Job", one.meta.name, one.meta.uid), name="backfill-1")
    index = Index(snapshot(one, owned, told(one.meta, "Job")))
    assert [event.about_name for event in timeline(index, related_uids(index, owned), most=9)] == ["backfill"]


def test_events_of_a_node_may_carry_its_name_for_a_uid() -> None:
    """As the kubelet writes them."""
    index = Index(snapshot(*WORLD, replace(told(NODE.meta, "Node"), about_uid="node-1")))
    assert len(timeline(index, related_uids(index, POD), most=9)) == 1


def test_the_newest_are_kept_oldest_first() -> None:
    """One without a time comes first: it is of unknown age."""
    ages = (30.0, 10.0, 50.0, 20.0)
    events = [told(POD.meta, ago_s=age, message=str(age)) for age in ages]
    index = Index(snapshot(*WORLD, *events, replace(told(POD.meta), at=None)))
    ordered = timeline(index, [POD.meta.uid], most=9)
    assert [event.at for event in ordered] == [None, *(ago(age) for age in (50, 30, 20, 10))]
    assert [event.at for event in timeline(index, [POD.meta.uid], most=2)] == [ago(20), ago(10)]


@given(st.lists(st.floats(0, 3600), max_size=12), st.integers(1, 15))
def test_each_event_is_told_once_and_in_order(ages: list[float], most: int) -> None:
    """However often an object is named."""
    index = Index(snapshot(*WORLD, *(told(POD.meta, ago_s=age) for age in ages)))
    seen = timeline(index, [POD.meta.uid, POD.meta.uid, "nobody"], most=most)
    times = [event.at for event in seen if event.at is not None]
    assert times == sorted(ago(age) for age in ages)[-most:]
