"""Readiness: what makes a replica ready, how long an answer counts, and what a check that misbehaves does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest

from bot.domain.snapshot import Part, PartStatus, Snapshot
from bot.domain.targets import ClusterName, Scope
from bot.errors import ClusterUnauthorized, StoreUnavailable
from bot.health.checks import Check, Phase, Readiness, blindness, cluster_checks, slack_check
from tests.support.builders import LIVE, SCOPE, missing, snapshot, stale
from tests.support.clocks import SteppedClock
from tests.support.journal import journal
from tests.support.twins import SnapshotCluster

DECISIVE = (Part.PODS, Part.DEPLOYMENTS, Part.STATEFUL_SETS, Part.DAEMON_SETS)


@dataclass(slots=True)
class Asked:
    """A check that says what it is told to, and counts how often it was asked."""

    name: str = "database"
    words: str = ""
    group: str = ""
    times: int = 0
    takes_s: float = 0.0
    problem: Exception | None = None

    async def ask(self) -> str:
        self.times += 1
        await asyncio.sleep(self.takes_s)
        if self.problem is not None:
            raise self.problem
        return self.words

    @property
    def check(self) -> Check:
        return Check(self.name, self.ask, self.group)


def make(clock: SteppedClock, *checks: Check, limit_s: float = 2.0) -> Readiness:
    readiness = Readiness(clock, checks, limit_s=limit_s)
    readiness.started()
    return readiness


async def test_it_is_ready_only_while_it_works() -> None:
    """Not while it starts, not from the moment on that it stops, however well all checks are."""
    readiness = Readiness(SteppedClock(), [Asked().check])
    assert not (await readiness.look()).ready
    readiness.started()
    assert (await readiness.look()).ready
    readiness.stopping()
    state = await readiness.look()
    assert (state.ready, state.phase) == (False, Phase.STOPPING)
    readiness.started()
    assert not (await readiness.look()).ready


async def test_a_failing_check_is_told_with_its_reason_and_since_when() -> None:
    """The time is that of the first failure, until it is well again."""
    clock, asked = SteppedClock(), Asked(words="it is gone")
    readiness = make(clock, asked.check)
    began = clock.now()
    for _ in range(3):
        [told] = (await readiness.look()).checks
        assert (told.words, told.since) == ("it is gone", began)
        clock.step(10)
    asked.words = ""
    state = await readiness.look()
    assert state.ready
    assert state.checks[0].since is None
    clock.step(10)
    asked.words = "gone again"
    [told] = (await readiness.look()).checks
    assert told.since == began + timedelta(seconds=40)


async def test_an_answer_counts_for_a_second() -> None:
    """However often somebody probes, what is behind a check is asked once; also by two hundred at the same time."""
    clock, asked = SteppedClock(), Asked(takes_s=0.02)
    readiness = make(clock, asked.check)
    states = await asyncio.gather(*(readiness.look() for _ in range(200)))
    assert all(state.ready for state in states)
    clock.step(0.9)
    await readiness.look()
    assert asked.times == 1
    clock.step(0.2)
    await readiness.look()
    assert asked.times == 2


async def test_a_clock_that_is_set_back_does_not_make_an_answer_count_for_ever() -> None:
    clock, asked = SteppedClock(), Asked()
    readiness = make(clock, asked.check)
    await readiness.look()
    clock.step(-3600)
    await readiness.look()
    assert asked.times == 2


async def test_checks_are_asked_at_once_and_each_within_its_time() -> None:
    """One that never answers is a reason by itself and does not hold the others up."""
    slow, well = Asked("slack", takes_s=30), Asked("database")
    readiness = make(SteppedClock(), slow.check, well.check, limit_s=0.05)
    async with asyncio.timeout(25):
        state = await readiness.look()
    assert not state.ready
    assert [told.words for told in state.checks] == ["no answer within 0.05 s", ""]


async def test_a_known_error_is_a_reason_and_is_redacted() -> None:
    """In one line, without what looks like a secret and without what could steer a terminal."""
    asked = Asked(problem=StoreUnavailable("no way\x1b[31m to postgresql://rag:hunter2hunter2@db/x\nsecond line"))
    [told] = (await make(SteppedClock(), asked.check).look()).checks
    assert told.words.startswith("no way to postgresql://")
    assert "hunter2" not in told.words
    assert "second line" not in told.words


async def test_a_reason_that_cannot_be_shown_is_no_health() -> None:
    """Nothing of it is left when it is cleaned; the check fails all the same."""
    state = await make(SteppedClock(), Asked(words="\x1b[31m\u202e").check).look()
    assert not state.ready
    assert state.checks[0].words == "no reason given"


async def test_a_bug_in_a_check_is_no_health_and_is_logged_once() -> None:
    """It must not end the program either; when it is gone and comes again, it is logged again."""
    clock, asked = SteppedClock(), Asked(problem=KeyError("xoxb-secret"))
    readiness = make(clock, asked.check)
    with journal() as kept:
        for _ in range(3):
            state = await readiness.look()
            assert not state.ready
            assert state.checks[0].words.startswith("the check itself fails; see the log")
            assert "xoxb" not in state.checks[0].words
            clock.step(5)
        assert len(kept.events("check_broken")) == 1
        asked.problem = None
        assert (await readiness.look()).ready
        clock.step(5)
        asked.problem = KeyError("x")
        await readiness.look()
        assert len(kept.events("check_broken")) == 2


async def test_who_gives_up_waiting_does_not_spoil_it_for_others() -> None:
    """A probe whose client went away ends; the look goes on for those who wait too."""
    asked = Asked(takes_s=0.05)
    readiness = make(SteppedClock(), asked.check, limit_s=60)
    first = asyncio.create_task(readiness.look())
    second = asyncio.create_task(readiness.look())
    await asyncio.sleep(0.01)
    first.cancel()
    assert (await second).ready
    assert asked.times == 1


async def test_closing_ends_a_look_that_is_under_way() -> None:
    asked = Asked(takes_s=60)
    readiness = make(SteppedClock(), asked.check, limit_s=60)
    looking = asyncio.create_task(readiness.look())
    await asyncio.sleep(0.01)
    async with asyncio.timeout(50):
        await readiness.close()
    with pytest.raises(asyncio.CancelledError):
        await looking


@pytest.mark.parametrize(
    ("first", "second", "ready"), [("", "", True), ("blind", "", True), ("", "blind", True), ("blind", "blind", False)]
)
async def test_one_of_a_group_is_enough(first: str, second: str, *, ready: bool) -> None:
    """One blind cluster of several is told, but does not take the replica out."""
    checks = [Asked("cluster:a", first, "clusters").check, Asked("cluster:b", second, "clusters").check]
    state = await make(SteppedClock(), *checks).look()
    assert state.ready is ready
    assert [told.words for told in state.checks] == [first, second]


async def test_a_replica_without_checks_is_ready_when_it_works() -> None:
    assert (await make(SteppedClock()).look()).ready


async def test_a_check_that_is_added_counts_from_then_on() -> None:
    """At once, also when it is added while the others are being asked."""
    clock, first, later = SteppedClock(), Asked("database", takes_s=0.03), Asked("slack", "deaf")
    readiness = make(clock, first.check)
    assert (await readiness.look()).ready
    clock.step(2)
    looking = asyncio.create_task(readiness.look())
    await asyncio.sleep(0.01)
    readiness.add(later.check)
    assert [told.name for told in (await looking).checks] == ["database"]
    state = await readiness.look()
    assert not state.ready
    assert [told.name for told in state.checks] == ["database", "slack"]


async def test_a_deaf_replica_is_not_ready() -> None:
    deaf = ["no socket is open"]

    async def ask_deaf() -> str:
        return deaf[0]

    clock = SteppedClock()
    readiness = make(clock, slack_check(ask_deaf), Asked().check)
    assert not (await readiness.look()).ready
    deaf[0] = ""
    clock.step(2)
    assert (await readiness.look()).ready


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        (dict.fromkeys(DECISIVE, LIVE), ""),
        ({**dict.fromkeys(DECISIVE, missing("no right")), Part.DAEMON_SETS: LIVE}, ""),
        (dict.fromkeys(DECISIVE, stale(60, "the API server is away")), "the API server is away"),
        (dict.fromkeys(DECISIVE, missing("no right to list them")), "no right to list them"),
        (dict.fromkeys(DECISIVE, stale(60)), "no reason known"),
    ],
)
def test_a_namespace_is_blind_when_no_decisive_part_is_live(parts: dict[Part, PartStatus], words: str) -> None:
    """Whatever else is live: nodes or events alone say nothing about a service."""
    said = blindness(snapshot(parts=parts))
    assert said == (f"shop on prod-eu cannot be seen: {words}" if words else "")


async def test_a_cluster_is_blind_when_all_of_its_namespaces_are() -> None:
    """Checks are made by cluster, in the order of the configuration."""
    lab = Scope(ClusterName("lab"), SCOPE.namespace)
    clock = SteppedClock()
    cluster = SnapshotCluster(snapshot(parts=dict.fromkeys(DECISIVE, missing("not read yet"))))
    checks = cluster_checks(cluster, [SCOPE, lab, Scope(SCOPE.cluster, lab.namespace)])
    assert [check.name for check in checks] == ["cluster:prod-eu", "cluster:lab"]
    readiness = make(clock, *checks)
    state = await readiness.look()
    assert not state.ready
    assert state.checks[1].words == "shop on lab cannot be seen: not read yet"
    cluster.problem = ClusterUnauthorized("The token is not good any more.")
    clock.step(2)
    assert (await readiness.look()).checks[0].words == "The token is not good any more."
    cluster.problem, cluster.shown = None, snapshot()
    clock.step(2)
    assert (await readiness.look()).ready


async def test_one_namespace_that_is_seen_makes_a_cluster_well() -> None:
    """A namespace that was misspelt is no reason to take the replica out."""

    class Mixed(SnapshotCluster):
        async def snapshot(self, scope: Scope, parts: frozenset[Part]) -> Snapshot:
            if scope != SCOPE:
                raise ClusterUnauthorized("no")
            return await super().snapshot(scope, parts)

    other = Scope(SCOPE.cluster, type(SCOPE.namespace)("misspelt"))
    ask: Callable[[], Awaitable[str]] = cluster_checks(Mixed(snapshot()), [other, SCOPE])[0].ask
    assert await ask() == ""
