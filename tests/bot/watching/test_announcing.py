"""The message follows its episode: once for each change that people see, not in silence, and to its channel."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import psycopg
import pytest

from bot.domain.findings import Severity
from bot.domain.requests import Post
from bot.domain.targets import ClusterName, Namespace, Scope
from bot.domain.watch.episodes import AlertState, Ending, Episode, EpisodeState
from bot.domain.watch.keeps import Acknowledge, AddSilence, EndSilence
from bot.domain.watch.policy import AlertChannels
from bot.store.store import PostgresStore
from bot.watching.announcing import MOST, Announcer
from bot.watching.room import WatchRoom
from tests.support.answers import buttons
from tests.support.watch_records import AT, SCOPE, WEB, episode, save, signal, silence
from tests.support.watch_room import Watched

CHANNELS = AlertChannels(critical="C1", warning="C-ops")


@pytest.fixture
def watched(store: PostgresStore) -> Watched:
    return Watched(store)


@pytest.fixture
def room(watched: Watched) -> WatchRoom:
    namespaces = {SCOPE.cluster: (SCOPE.namespace, WEB.namespace)}
    scopes = replace(watched.room().scopes, namespaces=namespaces, default_cluster=SCOPE.cluster)
    return watched.room(scopes=scopes, channels=CHANNELS)


async def posts(store: PostgresStore) -> list[Post]:
    """Take away what waits to be posted."""
    found = []
    while (outgoing := await store.outbox.claim(lease_s=60)) is not None:
        found.append(outgoing.post)
        await store.outbox.delivered(outgoing, message_id="1.1")
    return found


async def told(announcer: Announcer, store: PostgresStore) -> list[tuple[str, int, str]]:
    """Let it tell all there is, and return what waits to be posted."""
    while await announcer.step():
        pass
    return [(post.subject, post.version, post.place.channel) for post in await posts(store)]


async def ended(store: PostgresStore, episode_id: str = "e1") -> None:
    """Resolve an episode as it is kept."""
    async with store.transaction() as transaction:
        await transaction.episodes(SCOPE)
        found = await store.episodes.find(episode_id)
        assert found is not None
        over = replace(found, state=EpisodeState.RESOLVED, resolved_at=AT, version=found.version + 1)
        await transaction.save_episode(over)


async def test_each_version_is_told_once(store: PostgresStore, room: WatchRoom, watched: Watched) -> None:
    """As a picture of its episode, so that it is edited; whoever delivers is woken."""
    announcer = Announcer(room)
    assert await announcer.step() is False
    await save(store, episode("e1"), episode("e2", scope=WEB))
    assert await announcer.step() is True
    assert await announcer.step() is False
    assert watched.woken == ["put"]
    [first, second] = await posts(store)
    assert {(each.subject, each.version, each.kind) for each in (first, second)} == {
        ("episode:e1", 1, "alert"),
        ("episode:e2", 1, "alert"),
    }
    async with store.transaction() as transaction:
        assert await transaction.keep(Acknowledge("e1", "U-ann"))
    assert await told(announcer, store) == [("episode:e1", 2, "C1")]
    await ended(store)
    assert await told(announcer, store) == [("episode:e1", 3, "C1")]


async def test_replicas_tell_it_once(store: PostgresStore, room: WatchRoom) -> None:
    """Whoever has the scope's lock first."""
    await save(store, *(episode(f"e{number}", cause=f"c{number}") for number in range(10)))
    await asyncio.gather(*(Announcer(room).step() for _ in range(4)))
    assert sorted(each.subject for each in await posts(store)) == sorted(f"episode:e{number}" for number in range(10))


async def test_a_storm_waits_as_one_message(store: PostgresStore, room: WatchRoom) -> None:
    """What was not sent yet is painted over."""
    announcer = Announcer(room)
    for version in range(1, 20):
        await save(store, episode("e1", version=version))
        await announcer.step()
    assert [each.version for each in await posts(store)] == [19]


async def test_what_nobody_wants_to_hear_is_told_when_the_silence_ends(store: PostgresStore, room: WatchRoom) -> None:
    """If it still fires then, once."""
    announcer = Announcer(room)
    await save(store, episode("e1"))
    await silenced(store, "crash-loop")
    assert await told(announcer, store) == []
    async with store.transaction() as transaction:
        assert await transaction.keep(EndSilence("s1"))
    assert await told(announcer, store) == [("episode:e1", 1, "C1")]


async def test_what_was_over_in_silence_is_never_told(store: PostgresStore, room: WatchRoom) -> None:
    """Nobody knew of it; the end of what people do know of is shown, for an edit disturbs nobody."""
    announcer = Announcer(room)
    await save(store, episode("e1"), episode("e2", cause="b"))
    async with store.transaction() as transaction:
        await transaction.save_episode(replace(episode("e2", cause="b"), announced=1))
    await silenced(store, "*")
    await ended(store, "e1")
    await ended(store, "e2")
    assert await told(announcer, store) == [("episode:e2", 2, "C1")]
    async with store.transaction() as transaction:
        assert await transaction.keep(EndSilence("s1"))
    assert await told(announcer, store) == []


async def test_what_was_over_before_anybody_looked_is_told_as_over(store: PostgresStore, room: WatchRoom) -> None:
    """It is not lost, and nobody is alarmed."""
    await save(store, episode("e1"))
    await ended(store)
    announcer = Announcer(room)
    await announcer.step()
    [post] = await posts(store)
    assert post.view.summary.startswith("Over: api crashes")


async def test_one_silent_rule_does_not_silence_another(store: PostgresStore, room: WatchRoom) -> None:
    """A cause has several alerts."""
    await save(store, episode("e1", signal(), signal("slow:web", rule="slow", service="web")))
    await silenced(store, "slow")
    assert await told(Announcer(room), store) == [("episode:e1", 1, "C1")]


async def test_what_is_silenced_hides_nothing_behind_it(store: PostgresStore, room: WatchRoom) -> None:
    """However much of it there is, and though all of it is worse."""
    many = [episode(f"q{number}", cause=f"c{number}") for number in range(MOST + 5)]
    other = signal("cpu:web", rule="cpu", service="web")
    await save(store, *many, episode("e1", other, cause="x", severity=Severity.WARNING))
    await silenced(store, "crash-loop")
    assert await told(Announcer(room), store) == [("episode:e1", 1, "C1"), ("episode:e1", 1, "C-ops")]


async def test_what_a_newer_version_wrote_holds_up_its_own_namespace_alone(
    store: PostgresStore, room: WatchRoom, store_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """That version tells of it; the log says so once."""
    await save(store, episode("new", cause="new"), episode("e1"), episode("e2", scope=WEB))
    with psycopg.connect(store_url) as connection:
        connection.execute("""UPDATE episodes SET content = '{"v":2}' WHERE id = 'new'""")
    announcer = Announcer(room)
    assert await told(announcer, store) == [("episode:e2", 1, "C1")]
    assert await announcer.step() is False
    events = [getattr(each, "event", "") for each in caplog.records]
    assert events == ["episode_unreadable", "announcing_refused"]


async def silenced(store: PostgresStore, what: str) -> None:
    async with store.transaction() as transaction:
        assert await transaction.keep(AddSilence(silence(what)))


async def test_what_got_worse_is_told_to_those_whom_it_concerns_now(store: PostgresStore, room: WatchRoom) -> None:
    """A message cannot move: it stays, and stands in the other channel, too; both are edited."""
    announcer = Announcer(room)
    mild = replace(episode("e1", severity=Severity.WARNING), channel="C-ops")
    await save(store, mild)
    assert await told(announcer, store) == [("episode:e1", 1, "C-ops")]
    await save(store, replace(mild, severity=Severity.CRITICAL, version=2, announced=1))
    assert sorted(await told(announcer, store)) == [("episode:e1", 2, "C-ops"), ("episode:e1", 2, "C1")]


async def test_what_has_no_channel_is_done_with(store: PostgresStore, room: WatchRoom) -> None:
    """It is kept, and listed."""
    nowhere = replace(room, policy=replace(room.policy, channels=AlertChannels()))
    await save(store, replace(episode("e1"), channel=""))
    assert await told(Announcer(nowhere), store) == []
    kept = await found(store)
    assert kept.announced == 1


async def found(store: PostgresStore) -> Episode:
    kept = await store.episodes.find("e1")
    assert kept is not None
    return kept


async def test_what_a_cluster_shares_leads_to_its_first_namespace(store: PostgresStore, room: WatchRoom) -> None:
    """There its alert can be acknowledged and silenced; it is told once, and silences of a namespace leave it alone."""
    await save(store, episode("e1", scope=SCOPE.whole))
    async with store.transaction() as transaction:
        assert await transaction.keep(AddSilence(silence("*")))
    announcer = Announcer(room)
    while await announcer.step():
        pass
    [post] = await posts(store)
    assert f"ack e1 --cluster {SCOPE.cluster} -n {SCOPE.namespace}" in buttons(post.view).values()
    async with store.transaction() as transaction:
        assert await transaction.keep(AddSilence(silence("e2", scope=SCOPE.whole, silence_id="s2")))
    await save(store, episode("e2", cause="node/n1", scope=SCOPE.whole))
    assert await told(announcer, store) == []


async def test_the_end_of_a_place_that_was_left_out_is_told(store: PostgresStore, room: WatchRoom) -> None:
    """Of a namespace, and of a whole cluster, that the configuration does not know any more."""
    gone = Scope(ClusterName("gone"), Namespace("shop"))
    for number, scope in enumerate((gone, gone.whole)):
        made = episode(f"e{number}", scope=scope)
        await save(store, made)
        left = tuple(replace(each, state=AlertState.RESOLVED, ending=Ending.UNWATCHED) for each in made.alerts)
        await save(
            store, replace(made, alerts=left, state=EpisodeState.RESOLVED, resolved_at=AT, version=2, announced=1)
        )
    announcer = Announcer(room)
    while await announcer.step():
        pass
    assert [post.view.summary for post in await posts(store)] == ["No longer watched: api crashes"] * 2
