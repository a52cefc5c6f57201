"""A look at a namespace: who looks, how often at what, what is kept of it, and what a failure leaves as it is."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, LiteralString

import psycopg
import pytest

from bot.domain.findings import Severity
from bot.domain.snapshot import Part, Snapshot
from bot.domain.targets import ClusterName, Namespace, Scope
from bot.domain.watch.episodes import AlertState, Ending, EpisodeState, Silence
from bot.domain.watch.extras import DiskUse
from bot.domain.watch.keeps import AddSilence
from bot.domain.watch.policy import AlertChannels, Thresholds
from bot.domain.watch.probes import ProbeKind
from bot.domain.watch.world import Judged, World
from bot.errors import ClusterError, ClusterForbidden, ClusterUnreachable
from bot.scopes import Scopes
from bot.store.store import PostgresStore
from bot.watching.looking import Watcher
from bot.watching.rule import Rule
from tests.support import builders as make
from tests.support.builders import NOW, SCOPE
from tests.support.fixed_probes import FixedExtras, backup, database, failed, health_url
from tests.support.watch_room import TWO, Watched

LAB = Scope(ClusterName("lab"), Namespace("lab"))


@pytest.fixture
def watched(store: PostgresStore) -> Watched:
    return Watched(store)


def crashing() -> Snapshot:
    api = make.deployment(ready=0)
    replicas = make.replica_set(api)
    return make.snapshot(api, replicas, make.pod(replicas, make.crash_looping()))


async def look(watcher: Watcher, watched: Watched, *, after: float = 15) -> None:
    """Let time pass, and look at every place whose tick has come."""
    watched.clock.step(after)
    while await watcher.step():
        pass


async def alerts(watched: Watched) -> dict[str, AlertState]:
    """Return the alerts of all open episodes."""
    return {a.signal.key: a.state for each in await watched.store.episodes.open() for a in each.alerts}


async def outbox(watched: Watched) -> list[str]:
    """Return the lines that wait to be posted, in order, and take them away."""
    lines = []
    while (outgoing := await watched.store.outbox.claim(lease_s=60)) is not None:
        lines.append(f"{outgoing.post.place.channel} {outgoing.post.view.summary}")
        await watched.store.outbox.delivered(outgoing, message_id="1.1")
    return lines


# --- who looks --------------------------------------------------------------------------------------------------------


async def test_each_namespace_is_looked_at_once_a_tick(watched: Watched) -> None:
    """One after another, then the clusters; then there is nothing to do until the next tick."""
    watcher = Watcher(watched.room(scopes=TWO))
    assert [await watcher.step() for _ in range(6)] == [True] * 5 + [False]
    assert watched.cluster.asked == [*TWO.all(), *TWO.all()]
    watched.clock.step(14)
    assert await watcher.step() is False
    watched.clock.step(1)
    assert await watcher.step() is True


async def test_where_looks_take_longer_than_a_tick_each_place_has_its_turn(watched: Watched) -> None:
    """A cluster that hangs at the front must not keep anybody from looking at what stands behind it."""
    watcher = Watcher(watched.room(scopes=TWO))
    for _ in range(3):
        watched.clock.step(20)
        assert await watcher.step()
    assert watched.cluster.asked == list(TWO.all())


async def test_of_several_replicas_one_looks(watched: Watched) -> None:
    """Whoever comes first; the others have nothing to keep."""
    watchers = [Watcher(watched.room()) for _ in range(4)]
    assert await asyncio.gather(*(each.step() for each in watchers)) == [True] * 4
    assert len(watched.cluster.asked) == 1


async def test_who_was_too_slow_keeps_nothing(watched: Watched, caplog: pytest.LogCaptureFixture) -> None:
    """Somebody else has the slot by then."""
    watched.cluster.shown = crashing()
    room = replace(watched.room(), lease_s=0.2)
    other = Watcher(watched.room())

    async def overtake() -> None:
        await asyncio.sleep(0.5)

    class Slow:
        async def snapshot(self, scope: Scope, parts: frozenset[Part]) -> Snapshot:
            await overtake()
            assert await other.step()
            return await watched.cluster.snapshot(scope, parts)

        node_load = watched.cluster.node_load

    assert await Watcher(replace(room, cluster=Slow())).step() is True
    assert len(await watched.store.episodes.open()) == 1
    assert "a look took too long" in caplog.text


async def test_who_is_overtaken_keeps_nothing(watched: Watched) -> None:
    """A process stood still, within its lease, while another one looked at a later tick: what it saw is over."""
    other = Watcher(watched.room())

    class Slow:
        async def snapshot(self, scope: Scope, parts: frozenset[Part]) -> Snapshot:
            seen = await watched.cluster.snapshot(scope, parts)
            watched.cluster.shown = make.snapshot(make.deployment())
            await look(other, watched)
            return seen

        node_load = watched.cluster.node_load

    watched.cluster.shown = crashing()
    assert await Watcher(replace(watched.room(), cluster=Slow())).step() is True
    assert await watched.store.episodes.open() == ()


async def test_who_stood_still_beyond_its_lease_keeps_nothing(watched: Watched) -> None:
    """Though nobody else looked meanwhile: what it saw is old."""

    class Slow:
        async def snapshot(self, scope: Scope, parts: frozenset[Part]) -> Snapshot:
            await asyncio.sleep(0.3)
            return await watched.cluster.snapshot(scope, parts)

        node_load = watched.cluster.node_load

    watched.cluster.shown = crashing()
    await Watcher(replace(watched.room(), cluster=Slow(), lease_s=0.2)).step()
    assert await watched.store.episodes.open() == ()


async def test_a_clock_that_is_set_back_blinds_nobody(watched: Watched, store_url: str) -> None:
    """Its ticks come again: they were looked at, but an hour ago by the database's clock."""
    watchers = [Watcher(watched.room()) for _ in range(2)]
    for _ in range(3):
        watched.clock.step(15)
        await asyncio.gather(*(look(each, watched, after=0) for each in watchers))
    with psycopg.connect(store_url) as connection:
        connection.execute("UPDATE slots SET claimed_at = claimed_at - interval '1 h'")
    watched.clock.step(-30)
    watched.cluster.shown = crashing()
    await asyncio.gather(*(look(each, watched, after=0) for each in watchers))
    assert len(await watched.store.episodes.open()) == 1
    assert len(watched.cluster.asked) == 8  # each time for the namespace, and for its cluster


# --- what is kept -----------------------------------------------------------------------------------------------------


async def test_what_is_broken_is_an_episode_until_it_is_mended(watched: Watched) -> None:
    """Nothing is posted here: others tell."""
    watcher = Watcher(watched.room())
    watched.cluster.shown = crashing()
    await look(watcher, watched)
    [episode] = await watched.store.episodes.open(SCOPE)
    assert (episode.state, episode.severity, episode.channel, episode.version, episode.announced) == (
        EpisodeState.FIRING,
        Severity.CRITICAL,
        "C-pager",
        1,
        0,
    )
    assert (episode.cause, "changed" in watched.woken) == ("deployment/api", True)
    watched.cluster.shown = make.snapshot(make.deployment())
    await look(watcher, watched)
    assert await watched.store.episodes.open() == ()
    ended = await watched.store.episodes.find(episode.id)
    assert ended is not None
    assert (ended.state, ended.version) == (EpisodeState.RESOLVED, 2)
    assert await outbox(watched) == []


async def test_a_cluster_that_is_away_ends_nothing(watched: Watched) -> None:
    """It is itself an alert that begins; an old picture is no better than none."""
    watcher = Watcher(watched.room())
    watched.cluster.shown = crashing()
    await look(watcher, watched)
    watched.cluster.problem = ClusterUnreachable("The API server did not answer.")
    await look(watcher, watched)
    expected = {"crash-loop:deployment/api": AlertState.FIRING, "unreachable:prod-eu": AlertState.PENDING}
    assert await alerts(watched) == expected
    watched.cluster.problem = None
    watched.cluster.shown = make.snapshot(make.deployment(), parts={Part.PODS: make.stale(90, "no answer")})
    await look(watcher, watched)
    assert await alerts(watched) == expected
    watched.cluster.shown = crashing()
    await look(watcher, watched)
    assert await alerts(watched) == {"crash-loop:deployment/api": AlertState.FIRING}


async def test_pods_that_could_not_be_read_are_not_well(watched: Watched) -> None:
    """As after a start, when they are not read yet, or without the right: nothing is over because nobody sees it."""
    watcher = Watcher(watched.room())
    watched.cluster.shown = crashing()
    await look(watcher, watched)
    watched.cluster.shown = make.snapshot(make.deployment(), parts={Part.PODS: make.missing("not read yet")})
    await look(watcher, watched)
    expected = {"crash-loop:deployment/api": AlertState.FIRING, "unreachable:prod-eu": AlertState.PENDING}
    assert await alerts(watched) == expected


async def test_a_cluster_that_hangs_is_away(watched: Watched) -> None:
    """A look has its time."""

    class Hanging:
        async def snapshot(self, scope: Scope, parts: frozenset[Part]) -> Snapshot:
            await asyncio.Event().wait()
            return await watched.cluster.snapshot(scope, parts)

        node_load = watched.cluster.node_load

    await look(Watcher(replace(watched.room(look_s=0.2), cluster=Hanging())), watched)
    [episode] = await watched.store.episodes.open()
    assert episode.alerts[0].signal.words == "no answer within 0.2 s What it is like there is not known."


async def test_what_a_cluster_shares_is_told_of_the_cluster(watched: Watched) -> None:
    """Two clusters that are away are two alerts, however many namespaces they have, and of none of these."""
    watched.cluster.problem = ClusterUnreachable("The API server did not answer.")
    await look(Watcher(watched.room(scopes=TWO)), watched)
    found = {each.cause: each.scope for each in await watched.store.episodes.open()}
    assert found == {"cluster/prod-eu": SCOPE.whole, "cluster/lab": LAB.whole}


async def test_a_cluster_is_told_of_whichever_of_its_namespaces_is_left_out(watched: Watched) -> None:
    """The alert goes on as it was when the first namespace leaves the configuration."""
    watched.cluster.problem = ClusterUnreachable("The API server did not answer.")
    await look(Watcher(watched.room(scopes=TWO)), watched)
    [before] = await watched.store.episodes.open(SCOPE.whole)
    rest = Scopes(namespaces=MappingProxyType({SCOPE.cluster: (Namespace("other"),)}), default_cluster=SCOPE.cluster)
    await look(Watcher(watched.room(scopes=rest)), watched)
    [after] = await watched.store.episodes.open(SCOPE.whole)
    assert (after.id, after.alerts[0].left_at) == (before.id, None)


async def test_one_namespace_that_cannot_be_read_is_told_of_the_cluster(watched: Watched) -> None:
    """Those that can be are no reason to say nothing."""
    other = Scope(SCOPE.cluster, Namespace("other"))
    watcher = Watcher(watched.room(scopes=TWO))
    blind = make.snapshot(parts={Part.PODS: make.missing("no right to list pods")})

    class OneAway:
        async def snapshot(self, scope: Scope, parts: frozenset[Part]) -> Snapshot:
            return blind if scope == other else await watched.cluster.snapshot(scope, parts)

        node_load = watched.cluster.node_load

    await look(Watcher(replace(watched.room(scopes=TWO), cluster=OneAway())), watched)
    assert await alerts(watched) == {"unreachable:prod-eu/other": AlertState.PENDING}
    await look(watcher, watched)
    assert await alerts(watched) == {}


@pytest.mark.parametrize("problem", [ClusterForbidden("no right"), ClusterUnreachable("no answer")])
async def test_a_full_disk_of_a_node_is_told_of_the_cluster(watched: Watched, problem: ClusterError) -> None:
    """Once, whoever is looked at; that nobody could look ends nothing."""
    full = [DiskUse(kind="Node", name="n1", namespace="", used=95, capacity=100, what="nodefs")]
    await look(Watcher(watched.room(scopes=TWO, extras=FixedExtras(disks=full))), watched)
    causes = {(each.cause, each.scope) for each in await watched.store.episodes.open()}
    assert causes == {("node/n1", SCOPE.whole), ("node/n1", LAB.whole)}
    await look(Watcher(watched.room(scopes=TWO, extras=FixedExtras(disks=problem))), watched)
    assert set((await alerts(watched)).values()) == {AlertState.FIRING}


# --- what could not be listed, and what is watched no more ------------------------------------------------------------


def without(part: Part, problem: str) -> Snapshot:
    """Return a healthy namespace of which one kind could not be listed."""
    return make.snapshot(make.deployment(), parts={part: make.missing(problem)})


@pytest.mark.parametrize("problem", ["no right to list them", "there is no such API", "no answer within 5 s"])
async def test_alerts_of_workloads_that_could_not_be_listed_stay(
    watched: Watched, store_url: str, problem: str
) -> None:
    """And say so, in the message and in the list; when they are seen to be well they are over."""
    database_set = make.stateful_set(ready=0)
    watched.cluster.shown = make.snapshot(database_set, make.pod(database_set, make.crash_looping()))
    watcher = Watcher(watched.room())
    await look(watcher, watched)
    [before] = await watched.store.episodes.open(SCOPE)
    watched.cluster.shown = without(Part.STATEFUL_SETS, problem)
    for _ in range(12):
        await look(watcher, watched)
        grow_older(store_url, minutes=10)
    [after] = await watched.store.episodes.open(SCOPE)
    assert (after.id, after.state) == (before.id, EpisodeState.FIRING)
    assert after.version == before.version + 1
    assert {each.blind for each in after.alerts if each.fires} == {f"stateful sets: {problem}"}
    watched.cluster.shown = make.snapshot(make.deployment())
    await look(watcher, watched)
    await look(watcher, watched)
    assert await watched.store.episodes.open() == ()


async def test_problems_of_what_could_not_be_listed_stay_in_the_history(watched: Watched) -> None:
    """A digest would tell of them as resolved."""
    database_set = make.stateful_set(ready=0)
    watched.cluster.shown = make.snapshot(database_set, make.pod(database_set, make.crash_looping()))
    watcher = Watcher(watched.room())
    await look(watcher, watched)
    watched.cluster.shown = without(Part.STATEFUL_SETS, "no right")
    await look(watcher, watched, after=60)
    assert {span.ended_at for span in await watched.store.history.spans(SCOPE, since=NOW)} == {None}
    watched.cluster.shown = make.snapshot(make.deployment())
    await look(watcher, watched, after=60)
    assert None not in {span.ended_at for span in await watched.store.history.spans(SCOPE, since=NOW)}


async def test_a_target_that_is_left_out_is_not_over(watched: Watched, store_url: str) -> None:
    """It ends as no longer watched, after longer than a roll-out takes."""
    base = database(kind=ProbeKind.REDIS)
    watched.probes.answers = {base.name: failed(base)}
    for after in (0, 60):
        await look(Watcher(watched.room(base)), watched, after=after)
        grow_older(store_url, minutes=2)
    [episode] = await watched.store.episodes.open()
    rest = Watcher(watched.room())
    await look(rest, watched)
    grow_older(store_url, minutes=9)
    await look(rest, watched)
    assert [each.id for each in await watched.store.episodes.open()] == [episode.id]
    grow_older(store_url, minutes=2)
    await look(rest, watched)
    ended = await watched.store.episodes.find(episode.id)
    assert ended is not None
    assert (ended.state, ended.ending) == (EpisodeState.RESOLVED, Ending.UNWATCHED)


async def test_a_place_that_is_left_out_is_not_over(watched: Watched, store_url: str) -> None:
    """Every replica of the new configuration says so once a minute; nobody looks there any more."""
    watched.cluster.shown = crashing()
    await look(Watcher(watched.room(scopes=TWO)), watched)
    lab = await watched.store.episodes.open(LAB)
    assert len(lab) == 1
    for number in range(3):
        await look(Watcher(watched.room()), watched)
        if number == 0:
            assert len(await watched.store.episodes.open(LAB)) == 1
            grow_older(store_url, minutes=11)
    ended = await watched.store.episodes.find(lab[0].id)
    assert ended is not None
    assert (ended.state, ended.ending) == (EpisodeState.RESOLVED, Ending.UNWATCHED)
    assert len(await watched.store.episodes.open(SCOPE)) == 1


async def test_replicas_of_two_configurations_end_nothing(watched: Watched, store_url: str) -> None:
    """While one of them still looks, what it watches goes on; so does what was taken out and put back."""
    watched.cluster.shown = crashing()
    old, new = Watcher(watched.room(scopes=TWO)), Watcher(watched.room())
    await look(old, watched)
    before = {each.id: each.version for each in await watched.store.episodes.open()}
    for _ in range(4):
        await look(new, watched, after=60)
        grow_older(store_url, minutes=9)
        await look(old, watched)
        grow_older(store_url, minutes=9)
    assert {each.id: each.version for each in await watched.store.episodes.open()} == before


async def test_what_a_newer_version_wrote_holds_nobody_up(watched: Watched, store_url: str) -> None:
    """It is left to that one, and said once."""
    watched.cluster.shown = crashing()
    await look(Watcher(watched.room(scopes=TWO)), watched)
    with psycopg.connect(store_url) as connection:
        connection.execute("""UPDATE episodes SET content = '{"v": 99}' WHERE cluster = 'lab' AND namespace = 'lab'""")
    await look(Watcher(watched.room()), watched, after=60)
    (kept,) = _rows(store_url, "SELECT state FROM episodes WHERE cluster = 'lab' AND namespace = 'lab'")
    assert kept == ("firing",)


def grow_older(store_url: str, *, minutes: int) -> None:
    """Make all episodes so much older: their times are those of the database's clock."""
    for episode_id, content in _rows(store_url, "SELECT id, content FROM episodes"):
        aged = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", lambda found: _earlier(found[0], minutes), content)
        with psycopg.connect(store_url) as connection:
            connection.execute("UPDATE episodes SET content = %s WHERE id = %s", (aged, episode_id))


def _earlier(moment: str, minutes: int) -> str:
    return f"{datetime.fromisoformat(moment) - timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}"


def _rows(store_url: str, statement: LiteralString) -> list[tuple[Any, ...]]:
    with psycopg.connect(store_url) as connection:
        return connection.execute(statement).fetchall()


async def test_a_rule_that_fails_ends_nothing(watched: Watched, caplog: pytest.LogCaptureFixture) -> None:
    """The others judge; what it fires stays as it is."""

    def fails(_: World) -> Judged:
        raise ZeroDivisionError

    healthy = Watcher(watched.room())
    watched.cluster.shown = crashing()
    await look(healthy, watched)
    watched.cluster.shown = make.snapshot(make.deployment())
    broken = Rule(name="crash-loop", summary="", severity="", judge=fails)
    await look(Watcher(watched.room(), rules=[broken]), watched)
    assert await alerts(watched) == {"crash-loop:deployment/api": AlertState.FIRING}
    assert "a rule failed" in caplog.text


async def test_a_minute_is_kept_once(watched: Watched) -> None:
    """Samples and problems, by whichever replica looks first in it; not of a cluster that was not seen."""
    watched.cluster.shown = crashing()
    watchers = [Watcher(watched.room()) for _ in range(2)]
    for number in range(8):
        await look(watchers[number % 2], watched, after=0 if number == 0 else 15)
    kept = await watched.store.history.samples(SCOPE, since=NOW)
    assert [each.at for each in kept] == [NOW, NOW + timedelta(minutes=1)]
    [span] = await watched.store.history.spans(SCOPE, since=NOW)
    assert (span.problem.key, span.ended_at) == ("CRASH_LOOP:deployment/api/api", None)
    watched.cluster.problem = ClusterUnreachable("no answer")
    await look(watchers[0], watched, after=60)
    assert len(await watched.store.history.samples(SCOPE, since=NOW)) == 2
    [span] = await watched.store.history.spans(SCOPE, since=NOW)
    assert span.ended_at is None


async def test_history_makes_rules_true_that_need_time(watched: Watched) -> None:
    """Five minutes of CPU near the limit, whoever looked."""
    api = make.deployment()
    replicas = make.replica_set(api, ready=1)
    pod = make.pod(replicas, replace(make.container(), cpu_limit_m=1000))
    watched.clock.time = NOW
    for number in range(5):
        sample = replace(make.usage(pod, cpu_m=900), at=watched.clock.now())
        watched.cluster.shown = make.snapshot(api, replicas, pod, sample)
        await look(Watcher(watched.room()), watched, after=60 if number else 0)
    assert await alerts(watched) == {"cpu:deployment/api": AlertState.FIRING}
    [episode] = await watched.store.episodes.open()
    assert (episode.severity, episode.channel) == (Severity.WARNING, "C-ops")


# --- how often --------------------------------------------------------------------------------------------------------


async def test_dependencies_are_asked_once_a_minute_and_backups_every_five(watched: Watched) -> None:
    """Health URLs each time; in between what was said last counts, so nothing ends for not being looked at."""
    url, base = health_url(), database(kind=ProbeKind.REDIS)
    watched.probes.answers = {base.name: failed(base)}
    extras = FixedExtras(backups=[backup(hours_ago=40)])
    watcher = Watcher(watched.room(url, base, extras=extras))
    for number in range(41):
        await look(watcher, watched, after=15 if number else 0)
    assert (watched.probes.asked.count("search"), watched.probes.asked.count("postgres")) == (41, 11)
    assert extras.asked.count("backups") == 3
    assert set(await alerts(watched)) == {"redis:postgres", "backup:shop"}


async def test_without_doors_nothing_is_known_and_nothing_breaks(watched: Watched) -> None:
    """No probes, nothing to read besides."""
    room = replace(watched.room(health_url()), probes=None, extras=None)
    await Watcher(room).step()
    assert await watched.store.episodes.open() == ()


# --- happenings -------------------------------------------------------------------------------------------------------


def sized(desired: int) -> Snapshot:
    made = make.deployment(desired=desired)
    return make.snapshot(replace(made, meta=replace(made.meta, generation=desired)))


async def test_what_happened_is_kept_and_told_once(watched: Watched) -> None:
    """Though each replica sees it."""
    watchers = [Watcher(watched.room()) for _ in range(2)]
    watched.cluster.shown = sized(2)
    for each in watchers:
        await look(each, watched)
    watched.cluster.shown = sized(6)
    for each in watchers:
        await look(each, watched)
    assert await outbox(watched) == ["C-info search was scaled from 2 to 6 pods."]
    [note] = await watched.store.history.notes(SCOPE, since=NOW)
    assert (note.kind, "put" in watched.woken) == ("scaling", True)


@pytest.mark.parametrize("what", ["search", "*"])
async def test_a_silence_and_no_channel_keep_it_to_themselves(watched: Watched, what: str) -> None:
    """It is noted all the same."""
    now = await database_now(watched)
    silence = Silence(id="s1", what=what, scope=SCOPE, by="U1", at=now, until=now + timedelta(hours=1))
    async with watched.store.transaction() as transaction:
        assert await transaction.keep(AddSilence(silence))
    watcher, mute = Watcher(watched.room()), Watcher(watched.room(channels=AlertChannels()))
    watched.cluster.shown = sized(2)
    await look(watcher, watched)
    await look(mute, watched)
    watched.cluster.shown = sized(6)
    await look(watcher, watched)
    watched.cluster.shown = sized(3)
    await look(mute, watched)
    assert await outbox(watched) == []
    assert len(await watched.store.history.notes(SCOPE, since=NOW)) == 2


async def database_now(watched: Watched) -> object:
    async with watched.store.transaction() as transaction:
        return await transaction.now()


async def test_clear_times_are_the_operators(watched: Watched) -> None:
    """What is mended is watched for a while before it is over."""
    watcher = Watcher(watched.room(thresholds=Thresholds(clear_s=120.0)))
    watched.cluster.shown = crashing()
    await look(watcher, watched)
    watched.cluster.shown = make.snapshot(make.deployment())
    await look(watcher, watched)
    assert await alerts(watched) == {"crash-loop:deployment/api": AlertState.CLEARING}
