"""What happened and is no trouble: told once, with what changed, by whoever looks next."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.domain.objects import Workload
from bot.domain.snapshot import Part
from bot.domain.targets import ObjectRef
from bot.domain.watch.samples import Note
from bot.domain.watch.world import Looked, World
from bot.watching.happenings import Sight, notes_of, releases_of_sets
from tests.support import builders as make
from tests.support.fixed_probes import failed, health_url, issued, probed, served
from tests.support.worlds import CATALOGUE, world


def told(*worlds: World) -> list[tuple[str, str]]:
    """Return the kinds and words of what is told of the last of some looks, each from what was seen before."""
    before: Sight | None = None
    notes: tuple[Note, ...] = ()
    for each in worlds:
        now = Sight.of(each, before)
        notes = (*notes_of(before or now, now, each.scope, CATALOGUE, each.now), *sets_released(before, now))
        before = now
    return [(note.kind, note.words) for note in notes]


def sets_released(before: Sight | None, after: Sight) -> list[Note]:
    """Return what is told of sets by who saw what they ran before."""
    found = releases_of_sets(before, after, make.SCOPE, CATALOGUE, make.NOW)
    return [release.note for release in found if release.since is not None]


def released(revision: int = 8, *, age_s: float = 120, ready: int = 2, image: str = "rag-engine:v1.2") -> World:
    """Make an api of two pods whose newest revision was made so long ago."""
    api = replace(make.deployment(desired=2, ready=ready, revision=revision), updated=ready)
    old = make.replica_set(api, revision - 1, desired=0, containers=(make.template(image="rag-engine:v1.1"),))
    made = make.replica_set(api, revision, desired=2, ready=ready, containers=(make.template(image=image),))
    made = replace(made, meta=replace(made.meta, created_at=make.ago(age_s)))
    return world(api, old, made)


def test_a_release_is_told_when_all_its_pods_are_ready() -> None:
    """With both versions, and even by who did not see it begin."""
    assert told(released(ready=1)) == []
    expected = [("release", "search was released as revision 8: v1.1 → v1.2.")]
    assert told(released(ready=1), released()) == expected
    assert told(released()) == expected


def test_the_same_image_again_is_said_so() -> None:
    """Somebody restarted it, or changed a setting."""
    said = "search was released as revision 8: v1.1 as before, restarted or with other settings."
    assert told(released(image="rag-engine:v1.1")) == [("release", said)]


def test_what_recovers_is_no_release() -> None:
    """Its revision began long ago; nor is the first one."""
    assert told(released(age_s=7200, ready=1), released(age_s=7200)) == []
    assert told(released(revision=1)) == []


def test_a_stateful_set_is_released_when_all_its_pods_run_another_revision() -> None:
    """Whoever did not see the one before cannot tell by itself."""

    def at(current: str) -> World:
        made = replace(make.stateful_set(desired=2), updated=2, current_revision=current, update_revision=current)
        return world(made)

    assert told(at("db-6f"), at("db-7c")) == [("release", "postgres was released: all 2 pods run the new revision.")]
    assert told(at("db-7c")) == []


def rolled(*hashes: str, ready: int | None = None, kind: str = "DaemonSet", made_s: float = 60) -> World:
    """Make a daemon set with a pod of each of some revisions."""
    made = make.deployment("agent", desired=len(hashes), ready=ready, revision=None)
    made = replace(made, kind=kind, updated=sum(each == hashes[-1] for each in hashes))
    pods = [make.labelled(make.pod(made, age_s=made_s), **{"controller-revision-hash": each}) for each in hashes]
    return world(made, *pods)


def test_a_daemon_set_is_released_when_all_its_pods_are_of_another_revision() -> None:
    """However long that takes, and though they are not ready at once; the first look tells nothing."""
    said = [("release", "agent was released: all 3 pods run the new revision.")]
    looks = [rolled("a", "a", "a"), rolled("b", "a", "a"), rolled("a", "b", "b"), rolled("b", "b", "b", ready=2)]
    assert told(*looks) == []
    assert told(*looks, rolled("b", "b", "b")) == said
    assert told(*looks, rolled("b", "b", "b"), rolled("b", "b", "b")) == []
    assert told(rolled("b", "b", "b")) == []
    assert told(rolled("a", "a"), rolled("a", "a", "a")) == []


def test_a_release_of_a_revision_that_was_there_before_is_a_release() -> None:
    """Somebody took it back: the same revision twice is two happenings, and the same for all who see them."""
    first, second = Sight.of(rolled("a"), None), Sight.of(rolled("b", made_s=50), None)
    there, back = Sight.of(rolled("b", made_s=50), first), Sight.of(rolled("a", made_s=20), second)
    again = Sight.of(rolled("b", made_s=10), back)
    keys = [
        note.key
        for before, after in ((first, there), (second, back), (back, again))
        for note in sets_released(before, after)
    ]
    assert len(set(keys)) == len(keys) == 3
    late = Sight.of(rolled("a", made_s=50), None)
    [seen_late] = sets_released(late, Sight.of(rolled("b", made_s=50), late))
    assert seen_late.key == keys[0]


def test_what_was_not_read_meanwhile_is_released_all_the_same() -> None:
    """The last revision that was complete is remembered."""
    blind = world(shown=make.snapshot(parts={Part.DAEMON_SETS: make.missing("no answer")}))
    assert [kind for kind, _ in told(rolled("a"), blind, world(away="no answer"), rolled("b"))] == ["release"]


def scaled(desired: int, *others: object) -> World:
    return world(of(desired), *others)


def of(desired: int) -> Workload:
    made = make.deployment(desired=desired)
    return replace(made, meta=replace(made.meta, generation=desired))


def test_another_size_is_told() -> None:
    """Once, and with who did it where an autoscaler says so of the same number."""
    assert told(scaled(2), scaled(6)) == [("scaling", "search was scaled from 2 to 6 pods.")]
    assert told(scaled(2), scaled(6), scaled(6)) == []
    assert told(scaled(6)) == []
    hpa = make.autoscaler(of(6))
    because = "New size: 6; reason: cpu resource utilization above target"
    event = make.happened(hpa.meta, "HorizontalPodAutoscaler", "SuccessfulRescale", because)
    said = "search was scaled from 2 to 6 pods by its autoscaler (cpu resource utilization above target)."
    assert told(scaled(2), scaled(6, hpa, event)) == [("scaling", said)]


def test_a_renewed_certificate_is_told_by_both_who_know_of_it() -> None:
    """cert-manager has a new one, and a target serves it; one that was not reached in between served no other."""
    old, new = issued(), replace(issued(days=90), revision=2)
    assert told(world(certificates=Looked([old])), world(certificates=Looked([new]))) == [
        ("renewal", "Certificate of rag.example.com was renewed, valid until 2027-02-22.")
    ]
    url = health_url()
    first = world(probed=[probed(url, certificates=(served(serial="a1"),))])
    second = world(probed=[probed(url, certificates=(served(serial="b2", days=90),))])
    away = world(probed=[failed(url)])
    assert told(first, away, second) == [("renewal", "search serves a new certificate, valid until 2027-02-22.")]
    assert told(second) == []


def test_what_was_not_looked_at_is_as_it_was() -> None:
    """A cluster that was away meanwhile changes nothing."""
    assert told(scaled(2), world(away="no answer"), scaled(6)) == [("scaling", "search was scaled from 2 to 6 pods.")]


def test_a_happening_is_one_for_all_who_see_it() -> None:
    """Its key does not depend on when it is seen, nor by whom."""
    one, other = Sight.of(scaled(2), None), Sight.of(scaled(4), None)
    after = Sight.of(scaled(6), None)
    later = make.NOW + timedelta(seconds=40)
    [first] = notes_of(one, after, make.SCOPE, CATALOGUE, make.NOW)
    [second] = notes_of(other, after, make.SCOPE, CATALOGUE, later)
    assert first.key == second.key == "scaling:uid-api:6"
    assert first.ref == ObjectRef("Deployment", "shop", "api")
