"""Releases of stateful sets and daemon sets: told once, also when they ended while no replica looked."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.objects import Pod, Workload
from bot.domain.snapshot import Part, Snapshot
from bot.domain.targets import ObjectRef
from bot.domain.watch.samples import Note
from bot.ports import RevisionSeen, WorkedRevision
from bot.store.store import PostgresStore
from bot.watching.looking import Watcher
from bot.watching.set_releases import Complete, complete_sets, is_news, set_releases
from tests.support import builders as make
from tests.support.builders import NOW, SCOPE
from tests.support.watch_room import Watched
from tests.support.worlds import CATALOGUE

HASH = "controller-revision-hash"
KINDS = pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
TOLD = ["db was released: all 2 pods run the new revision."]


@pytest.fixture
def watched(store: PostgresStore) -> Watched:
    return Watched(store)


def running(kind: str, revision: str, *, made_s: float = 300, ready: int = 2, uid: str = "uid-db") -> Snapshot:
    """Make a set of two pods that all have one revision; those that are not ready are still on their way."""
    made = replace(make.stateful_set("db", desired=2, ready=ready), kind=kind, updated=ready)
    made = replace(made, meta=replace(made.meta, uid=uid))
    if kind == "StatefulSet":
        made = replace(made, current_revision=f"db-{revision}", update_revision=f"db-{revision}")
    return make.snapshot(made, *(_pod(made, revision, number, made_s) for number in range(2)))


def _pod(of: Workload, revision: str, number: int, made_s: float) -> Pod:
    label = f"{of.meta.name}-{revision}" if of.kind == "StatefulSet" else revision
    return make.labelled(make.pod(of, name=f"db-{number}", age_s=made_s), **{HASH: label})


async def worked(
    watched: Watched,
    store_url: str,
    kind: str,
    revision: str,
    *,
    last_s: float,
    first_s: float | None = None,
    uid: str = "uid-db",
) -> None:
    """Note that a revision was seen to work, so many seconds before `NOW`."""
    ref, name = ObjectRef(kind, SCOPE.namespace, "db"), f"db-{revision}"
    seen = RevisionSeen(ref=ref, workload_uid=uid, revision_uid=name, number=0, version="v1", pods=2)
    await watched.store.record.note(SCOPE, [seen])
    first = make.ago(last_s if first_s is None else first_s)
    with psycopg.connect(store_url) as connection:
        connection.execute(
            "UPDATE worked_revisions SET first_at = %s, last_at = %s WHERE revision_uid = %s AND workload_uid = %s",
            (first, make.ago(last_s), name, uid),
        )


async def look(watcher: Watcher, watched: Watched, shown: Snapshot) -> None:
    """Look at what is shown, one tick later."""
    watched.cluster.shown = shown
    watched.clock.step(15)
    while await watcher.step():
        pass


async def told(watched: Watched, *, since: datetime = NOW - timedelta(days=30)) -> list[str]:
    """Return the words of all releases that were noted."""
    notes = await watched.store.history.notes(SCOPE, since=since)
    return [str(note.words).replace("postgres", "db") for note in notes if note.kind == "release"]


# --- nobody looked meanwhile ------------------------------------------------------------------------------------------


@KINDS
async def test_a_release_that_ended_while_nobody_looked_is_told(watched: Watched, store_url: str, kind: str) -> None:
    """Another revision was seen to work before. It goes to the channel, too, once, however many replicas start."""
    await worked(watched, store_url, kind, "old", last_s=900, first_s=90_000)
    for _ in range(3):
        await look(Watcher(watched.room()), watched, running(kind, "new"))
    assert await told(watched) == TOLD
    posted = [await watched.store.outbox.claim(lease_s=60) for _ in range(2)]
    assert [None if each is None else each.post.place.channel for each in posted] == ["C-info", None]


@KINDS
async def test_a_release_that_ends_after_the_start_is_told(watched: Watched, store_url: str, kind: str) -> None:
    """Nobody of this process saw it begin."""
    await worked(watched, store_url, kind, "old", last_s=900)
    watcher = Watcher(watched.room())
    await look(watcher, watched, running(kind, "new", ready=1))
    assert await told(watched) == []
    await look(watcher, watched, running(kind, "new"))
    await look(watcher, watched, running(kind, "new"))
    assert await told(watched) == TOLD


@KINDS
async def test_that_the_new_revision_was_seen_to_work_already_changes_nothing(
    watched: Watched, store_url: str, kind: str
) -> None:
    """Others note that, each minute, and may be quicker."""
    await worked(watched, store_url, kind, "old", last_s=900)
    await worked(watched, store_url, kind, "new", last_s=20, first_s=200)
    await look(Watcher(watched.room()), watched, running(kind, "new"))
    assert await told(watched) == TOLD


@KINDS
async def test_a_release_is_told_once_though_a_pod_was_replaced_since(
    watched: Watched, store_url: str, kind: str
) -> None:
    """By a process that starts, and by one that was there all the time and has looked last before the release."""
    idle, busy = Watcher(watched.room()), Watcher(watched.room())
    await look(idle, watched, running(kind, "old", made_s=90_000))
    await worked(watched, store_url, kind, "old", last_s=30)
    await look(busy, watched, running(kind, "new", made_s=100))
    assert await told(watched) == TOLD
    await look(Watcher(watched.room()), watched, running(kind, "new", made_s=40))
    await look(idle, watched, running(kind, "new", made_s=20))
    assert await told(watched) == TOLD


@KINDS
@pytest.mark.parametrize("part", ["own", "pods"])
async def test_an_old_picture_does_not_tell_what_a_set_ran_just_before(
    watched: Watched, store_url: str, kind: str, part: str
) -> None:
    """The watch of one replica broke before the release, and it looks on; the other one has told of it already."""
    broken, well = Watcher(watched.room()), Watcher(watched.room())
    old = running(kind, "old", made_s=90_000)
    await look(broken, watched, old)
    await worked(watched, store_url, kind, "old", last_s=30)
    await look(well, watched, running(kind, "new", made_s=100))
    of_set = Part.STATEFUL_SETS if kind == "StatefulSet" else Part.DAEMON_SETS
    aged = {(of_set if part == "own" else Part.PODS): make.stale(60)}
    await look(broken, watched, replace(old, parts=MappingProxyType({**old.parts, **aged})))
    await look(broken, watched, running(kind, "new", made_s=20))
    assert await told(watched) == TOLD


@KINDS
async def test_what_was_taken_back_and_released_again_is_told_each_time(
    watched: Watched, store_url: str, kind: str
) -> None:
    """The last release that was told is then of the other revision."""
    await worked(watched, store_url, kind, "old", last_s=900)
    await look(Watcher(watched.room()), watched, running(kind, "new", made_s=600))
    await worked(watched, store_url, kind, "new", last_s=-20, first_s=500)
    await look(Watcher(watched.room()), watched, running(kind, "old", made_s=50))
    await look(Watcher(watched.room()), watched, running(kind, "old", made_s=50))
    assert await told(watched) == TOLD * 2
    await worked(watched, store_url, kind, "old", last_s=-50, first_s=900)
    await look(Watcher(watched.room()), watched, running(kind, "new", made_s=5))
    assert await told(watched) == TOLD * 3


# --- no release -------------------------------------------------------------------------------------------------------


@KINDS
async def test_what_is_seen_for_the_first_time_is_no_release(watched: Watched, store_url: str, kind: str) -> None:
    """Be it new, or be the bot: nothing is known of before, or of this revision alone, or of one of the same name."""
    await look(Watcher(watched.room()), watched, running(kind, "new"))
    await worked(watched, store_url, kind, "new", last_s=20, first_s=900)
    await look(Watcher(watched.room()), watched, running(kind, "new"))
    await worked(watched, store_url, kind, "old", last_s=900, uid="uid-of-one-that-is-gone")
    await look(Watcher(watched.room()), watched, running(kind, "new"))
    assert await told(watched) == []


@KINDS
@pytest.mark.parametrize(
    ("made_s", "old_s", "new_s"),
    [
        (7200, 9000, None),  # its pods are older than an hour
        (300, 90_000, None),  # the one before was last seen to work more than a day ago
        (300, 9000, 7200),  # it has worked itself for more than an hour: a pod was replaced
    ],
)
async def test_what_ended_long_ago_is_no_news(
    watched: Watched, store_url: str, kind: str, made_s: float, old_s: float, new_s: float | None
) -> None:
    """An update of the bot itself must not tell of what everybody knows."""
    await worked(watched, store_url, kind, "old", last_s=old_s)
    if new_s is not None:
        await worked(watched, store_url, kind, "new", last_s=20, first_s=new_s)
    await look(Watcher(watched.room()), watched, running(kind, "new", made_s=made_s))
    assert await told(watched) == []


async def test_a_stateful_set_that_is_updated_by_hand_is_released_with_its_last_pod(
    watched: Watched, store_url: str
) -> None:
    """With OnDelete its current revision stays the first one for ever: what all pods run is the update revision."""

    def by_hand(revision: str) -> Snapshot:
        shown = running("StatefulSet", revision)
        [made] = shown.workloads
        return replace(shown, workloads=(replace(made, current_revision="db-first", strategy="OnDelete"),))

    watcher = Watcher(watched.room())
    await worked(watched, store_url, "StatefulSet", "old", last_s=20)
    await look(watcher, watched, by_hand("old"))
    assert await told(watched) == []
    await look(watcher, watched, by_hand("new"))
    assert await told(watched) == TOLD


# --- whatever happens -------------------------------------------------------------------------------------------------


class Replicas:
    """Two replicas that watch one set, what they share, and how often each life of a revision was told."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.minute = 0
        self.lives: list[tuple[str, int]] = [("a", 0)]
        self.made = 0
        self.seen: list[dict[str, Complete]] = [{}, {}]
        self.worked: dict[str, WorkedRevision] = {}
        self.notes: dict[str, Note] = {}
        self.told: list[int] = []

    def pass_minutes(self, minutes: int, *, recorded: bool) -> None:
        """Let time pass, in which somebody notes each minute what works, or nobody does."""
        for _ in range(minutes):
            self.minute += 1
            revision, began = self.lives[-1]
            if recorded and self.minute - began > 1:
                self._note(f"db-{revision}")

    def _note(self, named: str) -> None:
        now = self._now()
        known = self.worked.get(named)
        self.worked[named] = WorkedRevision(
            workload_uid="uid-db",
            revision_uid=named,
            number=0,
            version="v",
            first_at=now if known is None else known.first_at,
            last_at=now,
            minutes=1,
        )

    def release(self, revision: str) -> None:
        """Replace all pods, within a minute; nothing happens where they run that revision."""
        if revision != self.lives[-1][0]:
            self.minute += 1
            self.lives.append((revision, self.minute))
            self.made = self.minute

    def replace_pod(self) -> None:
        self.made = self.minute

    def restart(self, replica: int) -> None:
        self.seen[replica] = {}

    def look(self, replica: int) -> None:
        """Look as a watcher does, and note what is news."""
        before, now = self.seen[replica], self._now()
        shown = running(self.kind, self.lives[-1][0], made_s=-60 * self.made)
        after = complete_sets(shown, before, now)
        for found in set_releases(shown, before, after, SCOPE, CATALOGUE, now):
            if is_news(found, self.worked.values(), self.notes.values()) and found.note.key not in self.notes:
                self.notes[found.note.key] = found.note
                self.told.append(len(self.lives) - 1)
        self.seen[replica] = dict(after)

    def _now(self) -> datetime:
        return NOW + timedelta(minutes=self.minute)


STEPS = st.one_of(
    st.tuples(st.just("look"), st.sampled_from([0, 1])),
    st.tuples(st.just("pass"), st.sampled_from([3, 1, 20, 70]), st.sampled_from([True, True, False])),
    st.tuples(st.just("release"), st.sampled_from("ab")),
    st.tuples(st.just("replace")),
    st.tuples(st.just("restart"), st.sampled_from([0, 1])),
)


@given(st.sampled_from(["StatefulSet", "DaemonSet"]), st.lists(STEPS, min_size=10, max_size=40))
def test_no_release_is_told_twice_and_nothing_else_is_told(kind: str, steps: list[tuple[object, ...]]) -> None:
    """However replicas start, take turns and stand still; pods are replaced and revisions come back meanwhile."""
    replicas = Replicas(kind)
    for step in steps:
        match step:
            case ("pass", int(minutes), bool(recorded)):
                replicas.pass_minutes(minutes, recorded=recorded)
            case ("release", str(revision)):
                replicas.release(revision)
            case ("restart", int(replica)):
                replicas.restart(replica)
            case ("look", int(replica)):
                replicas.look(replica)
            case _:
                replicas.replace_pod()
    assert len(set(replicas.told)) == len(replicas.told)
    assert 0 not in replicas.told
