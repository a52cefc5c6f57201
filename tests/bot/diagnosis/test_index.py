from __future__ import annotations

from datetime import timedelta

import pytest

from bot.diagnosis.containers import onset
from bot.diagnosis.index import Index
from bot.diagnosis.replica_sets import replica_set_of_revision, working_replica_set
from bot.diagnosis.telling import telling_line
from bot.domain.objects import Owner
from bot.domain.text import Redacted
from tests.support.builders import (
    ago,
    container,
    crash_looping,
    deployment,
    ended,
    event,
    labelled,
    pod,
    replica_set,
    snapshot,
    stateful_set,
)


def lines(*texts: str) -> list[Redacted]:
    return [Redacted(text) for text in texts]


@pytest.mark.parametrize(
    ("log", "line"),
    [
        ([], None),
        (["", "   "], None),
        (["one", "two", ""], "two"),
        (["KeyError: 'x'", "bye"], "KeyError: 'x'"),
        (["error: old", "panic: new", "goroutine 1"], "panic: new"),
        (["address already in use", "shutting down"], "address already in use"),
        (["an error long ago", *["noise"] * 30], "noise"),
    ],
    ids=["empty", "blank", "the last", "an error", "the last error", "a port in use", "not too far back"],
)
def test_the_line_that_says_most_is_chosen(log: list[str], line: str | None) -> None:
    """The last line that names an error, else the last."""
    assert telling_line(lines(*log)) == line


def test_pods_belong_by_owner_not_by_label() -> None:
    """Through the replica set, or directly; and to nobody where the way is lost."""
    workload, database = deployment(), stateful_set()
    replicas = replica_set(workload)
    index = Index(snapshot(workload, database, replicas))
    assert index.workload_of(pod(replicas)) is workload
    assert index.workload_of(pod(database)) is database
    assert index.workload_of(pod()) is None
    assert index.workload_of(pod(Owner("ReplicaSet", "gone", "uid-gone"))) is None


def test_the_newest_revision_that_works_is_found() -> None:
    """Not the one named, not one without ready pods, not one of another workload."""
    workload, other = deployment(revision=4), deployment("other")
    sets = [replica_set(workload, n, ready=ready) for n, ready in ((1, 1), (2, 2), (3, 0), (4, 1))]
    index = Index(snapshot(workload, other, *sets, replica_set(other, 9, ready=1)))
    working = working_replica_set(index, workload, other_than=4)
    assert working is sets[1]
    assert working_replica_set(index, other, other_than=9) is None


def test_a_revision_is_found_by_its_number() -> None:
    """Of this workload alone."""
    workload, other = deployment(), deployment("other")
    mine = replica_set(workload, 2)
    index = Index(snapshot(workload, other, mine, replica_set(other, 3)))
    assert replica_set_of_revision(index, workload, 2) is mine
    assert replica_set_of_revision(index, workload, 3) is None


def test_events_come_newest_first_and_by_what_is_asked() -> None:
    """By reason, container and age; an event without a container counts for each."""
    subject = pod()
    old = event(subject, "BackOff", "old", ago_s=900)
    new = event(subject, "Killing", "new", ago_s=9)
    proxy = event(subject, "Killing", "proxy", container_name="proxy", ago_s=5)
    everyone = event(subject, "Failed", "everyone", container_name="", ago_s=99)
    index = Index(snapshot(subject, old, new, proxy, everyone, event(pod(), "BackOff", "of another")))
    uid = subject.meta.uid
    assert [e.message for e in index.events(uid)] == ["proxy", "new", "everyone", "old"]
    assert [e.message for e in index.events(uid, "Killing", container="api")] == ["new"]
    assert [e.message for e in index.events(uid, container="api", within=timedelta(minutes=5))] == ["new", "everyone"]
    assert index.events("uid-nobody") == []


def test_the_trouble_of_a_young_pod_began_with_it() -> None:
    """Near enough."""
    subject = pod(None, crash_looping(), age_s=600)
    assert onset(Index(snapshot(subject)), subject, subject.containers[0]) == ago(600)


def test_the_first_event_tells_when_the_trouble_of_an_old_pod_began() -> None:
    """The status keeps only the last end."""
    subject = pod(None, crash_looping())
    told = event(subject, "BackOff", "back-off", ago_s=100)
    assert onset(Index(snapshot(subject, told)), subject, subject.containers[0]) == told.first_at


def test_the_first_crash_began_when_it_ended() -> None:
    """After one restart the last end is the first."""
    subject = pod(None, container(last=ended(1, ago_s=70), restarts=1))
    assert onset(Index(snapshot(subject)), subject, subject.containers[0]) == ago(70)


def test_an_unknown_beginning_is_none() -> None:
    """It is not guessed."""
    subject = pod(None, crash_looping(restarts=900))
    assert onset(Index(snapshot(subject)), subject, subject.containers[0]) is None


def test_pods_are_selected_by_all_labels() -> None:
    """Those that go are left out, and no label at all selects nobody."""
    one, two = labelled(pod(), app="api", tier="web"), labelled(pod(), app="api", tier="job")
    index = Index(snapshot(one, two, labelled(pod(deleted=True), app="api", tier="web"), pod()))
    assert index.selected_by({"app": "api"}) == [one, two]
    assert index.selected_by({"app": "api", "tier": "web"}) == [one]
    assert index.selected_by({"app": "other"}) == []
    assert index.selected_by({"app": "api", "missing": "x"}) == []
    assert index.selected_by({}) == ()
