"""Alerts as episodes: kept whole, changed by one at a time, told when there is something to tell."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.rows import DictRow

from bot.domain.findings import Severity
from bot.domain.text import Redacted
from bot.domain.watch.episodes import Alert, AlertState, Episode, EpisodeState, Signal
from bot.domain.watch.keeps import Acknowledge, AddSilence, EndSilence, Keep
from bot.errors import StoreRefused
from bot.store.episode_rows import columns, episode_of
from bot.store.store import PostgresStore
from tests.support.watch_records import AT, SCOPE, WEB, episode, minute, save, signal, silence

Admin = psycopg.Connection[DictRow]

WAITING = replace(episode("w1", cause="waits"), state=EpisodeState.WAITING, fired_at=None, version=0)


def resolved(of: Episode, at: datetime = AT, *, version: int | None = None) -> Episode:
    newer = of.version + 1 if version is None else version
    return replace(of, state=EpisodeState.RESOLVED, resolved_at=at, version=newer)


async def locked(store: PostgresStore) -> list[str]:
    async with store.transaction() as transaction:
        return [each.id for each in await transaction.episodes(SCOPE)]


async def keep(store: PostgresStore, kept: Keep) -> bool:
    async with store.transaction() as transaction:
        return await transaction.keep(kept)


async def announce(store: PostgresStore, *ids: str) -> None:
    for each in ids:
        found = await store.episodes.find(each)
        assert found is not None
        await save(store, replace(found, announced=found.version))


# --- as they are kept -------------------------------------------------------------------------------------------------


async def test_an_episode_comes_back_as_it_was(store: PostgresStore) -> None:
    """With its alerts, each in its state, and what was known of them."""
    full = replace(
        signal("probe:api", rule="api-down"),
        hold_s=120.0,
        clear_s=30.0,
        source="alertmanager",
        since=AT,
        unsafe_link="https://example.com",
    )
    kept = replace(
        episode("e1", full, signal(), signal("web", service="")),
        fired_at=minute(2),
        acked_by="U-ann",
        acked_at=AT + timedelta(microseconds=7),
        version=9,
        announced=4,
    )
    kept = replace(
        kept, alerts=(replace(kept.alerts[0], state=AlertState.CLEARING, seen_at=minute(3)), *kept.alerts[1:])
    )
    await save(store, kept)
    assert await store.episodes.find("e1") == kept
    assert await store.episodes.open() == (kept,)
    async with store.transaction() as transaction:
        assert await transaction.episodes(SCOPE) == (kept,)
    assert await store.episodes.find("e2") is None


TEXT = st.text(st.characters(exclude_categories=()), max_size=30)
MOMENTS = st.integers(0, 4 * 10**9).map(lambda seconds: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds))
SIGNALS = st.builds(
    Signal,
    key=TEXT,
    rule=TEXT,
    severity=st.sampled_from(Severity),
    cause=TEXT,
    title=st.just("t"),
    words=st.just(Redacted("w")),
    hold_s=st.integers(0, 9) | st.floats(0, 9),
    service=TEXT,
    since=st.none() | MOMENTS,
)
ALERTS = st.builds(
    Alert,
    signal=SIGNALS,
    state=st.sampled_from(AlertState),
    began_at=MOMENTS,
    changed_at=MOMENTS,
    seen_at=MOMENTS,
)


@given(st.lists(ALERTS, max_size=3), TEXT)
def test_any_cause_and_any_key_are_kept_exactly(alerts: list[Alert], cause: str) -> None:
    """They are what the next look compares with; a row takes them whatever they hold."""
    kept = replace(episode(), alerts=tuple(alerts), cause=cause)
    row = columns(kept)
    assert episode_of(row) == kept
    for name in ("cause", "content"):
        text = row[name]
        assert isinstance(text, str)
        assert text.encode()
        assert "\x00" not in text


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(TEXT, TEXT)
def test_the_database_takes_any_cause(store_url: str, cause: str, rule: str) -> None:
    """And finds it again."""

    async def there_and_back() -> None:
        async with await PostgresStore.open(store_url) as store:
            kept = episode("any", signal(rule=rule, cause=cause), cause=cause)
            async with store.transaction() as transaction:
                await transaction.save_episode(kept)
                assert kept in await transaction.episodes(SCOPE)
            with psycopg.connect(store_url) as connection:
                connection.execute("DELETE FROM episodes")

    asyncio.run(there_and_back())


async def test_words_are_cut_and_cleaned(store: PostgresStore) -> None:
    """Others wrote them; a megabyte is not kept with each look."""
    long = replace(signal(), title="t\x1b[31m" * 200, words=Redacted("w\u202e" * 9000), unsafe_link="l" * 9000)
    made = episode("e1", long)
    unseen = replace(made.alerts[0], blind_at=AT, blind="no right\x1b[31m" * 900)
    await save(store, replace(made, alerts=(unseen,)))
    found = await store.episodes.find("e1")
    assert found is not None
    assert len(found.alerts[0].blind) == 300
    assert "\x1b" not in found.alerts[0].blind
    kept = found.alerts[0].signal
    assert (len(kept.title), len(kept.words), len(kept.unsafe_link)) == (200, 2000, 2000)


@pytest.mark.parametrize("year", [1, 999, 1000, 9999])
async def test_a_moment_of_any_year_comes_back(store: PostgresStore, year: int) -> None:
    """Moments come from the cluster, too: one that could not be read again would hold its namespace up for ever."""
    kept = episode("e1", replace(signal(), since=datetime(year, 1, 1, tzinfo=UTC)))
    await save(store, kept)
    assert await store.episodes.find("e1") == kept


async def test_what_a_newer_version_wrote_is_left_to_it(
    store: PostgresStore, admin: Admin, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged once and hides nothing else; whoever asks for it, or would change its scope, is refused."""
    await save(store, episode("new", cause="new"), episode("old", cause="old"))
    admin.execute("""UPDATE episodes SET content = '{"v":2}' WHERE id = 'new'""")
    for _ in range(2):
        assert [each.id for each in await store.episodes.open()] == ["old"]
        assert [each.id for each in await store.episodes.since(SCOPE, AT)] == ["old"]
    assert await store.episodes.unannounced(limit=9) == ("old",)
    ours = [record for record in caplog.records if record.name.startswith("bot.")]
    assert [getattr(record, "event", "") for record in ours] == ["episode_unreadable"]
    with pytest.raises(StoreRefused, match="format is 2"):
        await store.episodes.find("new")
    with pytest.raises(StoreRefused, match="format is 2"):
        await locked(store)


async def test_one_that_cannot_be_found_is_told_of_no_more(store: PostgresStore, admin: Admin) -> None:
    """Whoever tells of alerts asks for them one by one, and must not meet it for ever."""
    await save(store, episode("new"))
    admin.execute("""UPDATE episodes SET content = '{"v":1,"cause":"c","alerts":[{"is":"Alarm"}]}'""")
    assert await store.episodes.unannounced(limit=9) == ("new",)
    with pytest.raises(StoreRefused):
        await store.episodes.find("new")
    assert await store.episodes.unannounced(limit=9) == ()


# --- as they are found ------------------------------------------------------------------------------------------------


async def test_the_worst_and_then_the_oldest_come_first(store: PostgresStore) -> None:
    """Of a place, or of all; those that wait, too; none that is resolved."""
    await save(
        store,
        episode("new", cause="a", began_at=minute(5)),
        episode("mild", cause="b", severity=Severity.INFO),
        episode("old", cause="c", began_at=minute(1)),
        episode("web", scope=WEB, severity=Severity.WARNING),
        WAITING,
        resolved(episode("over", cause="d")),
    )
    assert [each.id for each in await store.episodes.open()] == ["w1", "old", "new", "web", "mild"]
    assert [each.id for each in await store.episodes.open(SCOPE)] == await locked(store) == ["w1", "old", "new", "mild"]
    assert [each.id for each in await store.episodes.open(WEB)] == ["web"]


async def test_since_a_moment_are_those_that_fired_and_were_not_over_before(store: PostgresStore) -> None:
    """The oldest first."""
    never = replace(resolved(episode("never", cause="n"), minute(9)), fired_at=None)
    await save(
        store,
        episode("open", cause="a", began_at=minute(1)),
        resolved(episode("before", cause="b"), minute(4)),
        resolved(episode("then", cause="c"), minute(5)),
        resolved(episode("later", cause="d", began_at=minute(2)), minute(8)),
        WAITING,
        never,
        episode("web", scope=WEB),
    )
    assert [each.id for each in await store.episodes.since(SCOPE, minute(5))] == ["then", "open", "later"]


# --- one at a time ----------------------------------------------------------------------------------------------------


async def test_one_of_a_cause_is_open(store: PostgresStore) -> None:
    """In its place; once it is over there may be another one."""
    await save(store, episode("e1"), episode("web", scope=WEB))
    with pytest.raises(StoreRefused, match="duplicate key"):
        await save(store, episode("e2"))
    await save(store, resolved(episode("e1")))
    await save(store, episode("e2"))
    assert await locked(store) == ["e2"]


async def test_what_is_over_stays_over(store: PostgresStore) -> None:
    """It may only be noted that people were told."""
    await save(store, resolved(episode(), version=3))
    with pytest.raises(StoreRefused, match="over"):
        await save(store, episode(version=4))
    await save(store, replace(resolved(episode(), version=3), announced=3))
    found = await store.episodes.find("e1")
    assert found is not None
    assert (found.state, found.announced) == (EpisodeState.RESOLVED, 3)


async def test_a_version_never_goes_back(store: PostgresStore) -> None:
    """Whoever read it before somebody else changed it writes nothing; nor does it move to another place or cause."""
    before = episode()
    await save(store, before)
    assert await keep(store, Acknowledge("e1", "U-ann"))
    with pytest.raises(StoreRefused, match="changed meanwhile"):
        await save(store, before)
    with pytest.raises(StoreRefused):
        await save(store, replace(before, version=9, cause="b"))
    found = await store.episodes.find("e1")
    assert found is not None
    assert (found.acked_by, found.version) == ("U-ann", 2)


@pytest.mark.parametrize(
    "wrong",
    [
        replace(episode(), fired_at=None),
        replace(episode(), state=EpisodeState.RESOLVED),
        replace(episode(), resolved_at=AT),
        replace(WAITING, fired_at=AT),
        replace(episode(), acked_by="U-ann"),
        replace(episode(), acked_at=AT),
        replace(episode(), announced=2),
    ],
    ids=["fires unfired", "over without an end", "ended and fires", "waits and fired", "acked never", "acked by nobody",
         "told of what is not there yet"],
)  # fmt: skip
async def test_nonsense_is_refused(store: PostgresStore, wrong: Episode) -> None:
    """By the tables themselves."""
    with pytest.raises(StoreRefused):
        await save(store, wrong)
    assert await store.episodes.find(wrong.id) is None


async def test_who_looks_at_a_scope_second_sees_what_the_first_left(store: PostgresStore) -> None:
    """And waits until then; other scopes wait for nobody."""
    async with asyncio.TaskGroup() as group, store.transaction() as transaction:
        assert await transaction.episodes(SCOPE) == ()
        second = group.create_task(locked(store))
        await transaction.save_episode(episode())
        async with store.transaction() as other:
            assert await other.episodes(WEB) == ()
        await asyncio.sleep(0.1)
        assert not second.done()
    assert second.result() == ["e1"]


async def test_of_many_who_see_a_cause_at_once_one_begins_its_episode(store_url: str) -> None:
    """The others see that one; each change raises its version once."""
    async with await PostgresStore.open(store_url, largest_pool=8) as store:

        async def look(number: int) -> None:
            async with store.transaction() as transaction:
                found = await transaction.episodes(SCOPE)
                new = replace(found[0], version=found[0].version + 1) if found else episode(f"e{number}")
                await transaction.save_episode(new)

        await asyncio.gather(*(look(number) for number in range(24)))
        (only,) = await store.episodes.open()
    assert only.version == 24


# --- acknowledged -----------------------------------------------------------------------------------------------------


async def test_the_first_who_acknowledges_stands_on_the_message(store: PostgresStore) -> None:
    """It is a change for people to see, once: the second is told that it is too late, the first that it is so."""
    await save(store, episode())
    assert await keep(store, Acknowledge("e1", "U-ann"))
    found = await store.episodes.find("e1")
    assert found is not None
    assert (found.acked_by, found.version) == ("U-ann", 2)
    assert found.acked_at is not None
    assert abs(found.acked_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert await keep(store, Acknowledge("e1", "U-ann"))
    assert not await keep(store, Acknowledge("e1", "U-bob"))
    assert await store.episodes.find("e1") == found


async def test_what_is_over_or_not_there_cannot_be_acknowledged(store: PostgresStore) -> None:
    """Nothing is written then."""
    over = replace(resolved(episode()), acked_by="U-ann", acked_at=AT)
    await save(store, over)
    for person in ("U-ann", "U-bob"):
        assert not await keep(store, Acknowledge("e1", person))
    assert not await keep(store, Acknowledge("e2", "U-ann"))
    assert await store.episodes.find("e1") == over


async def test_of_two_who_acknowledge_at_once_one_does(store: PostgresStore) -> None:
    """Also while the watcher changes the episode: nothing of either is lost."""
    await save(store, episode())
    async with asyncio.TaskGroup() as group, store.transaction() as transaction:
        (found,) = await transaction.episodes(SCOPE)
        acks = [group.create_task(keep(store, Acknowledge("e1", f"U-{number}"))) for number in range(3)]
        await asyncio.sleep(0.1)
        assert not any(ack.done() for ack in acks)
        await transaction.save_episode(replace(found, severity=Severity.WARNING, version=2))
    assert sorted(ack.result() for ack in acks) == [False, False, True]
    after = await store.episodes.find("e1")
    assert after is not None
    assert (after.severity, after.version) == (Severity.WARNING, 3)


# --- told -------------------------------------------------------------------------------------------------------------


async def test_what_changed_since_people_were_told_is_to_be_told(store: PostgresStore) -> None:
    """The worst first, in portions; once it is announced it is not, until it changes."""
    await save(store, episode("e1", cause="a", severity=Severity.INFO), episode("e2", cause="b"))
    assert await store.episodes.unannounced(limit=9) == ("e2", "e1")
    assert await store.episodes.unannounced(limit=1) == ("e2",)
    await announce(store, "e2")
    assert await store.episodes.unannounced(limit=9) == ("e1",)
    await announce(store, "e1")
    assert await store.episodes.unannounced(limit=9) == ()
    assert await keep(store, Acknowledge("e1", "U-ann"))
    await save(store, replace(resolved(episode("e2", cause="b")), announced=1))
    assert await store.episodes.unannounced(limit=9) == ("e2", "e1")


async def test_nobody_is_told_of_what_never_fired(store: PostgresStore) -> None:
    """What fired and was over before anybody heard of it is told: else it would be lost."""
    await save(store, WAITING, resolved(episode("quick", cause="b")))
    assert await keep(store, Acknowledge("w1", "U-ann"))
    assert await store.episodes.unannounced(limit=9) == ("quick",)
    await save(store, replace(resolved(WAITING), version=1))
    assert await store.episodes.unannounced(limit=9) == ("quick",)


SIGNALS_OF_TWO = (signal(), signal("slow:web", rule="response-slow", service="web"))


@pytest.mark.parametrize("what", ["e1", "*"])
async def test_what_is_silenced_is_not_told_until_the_silence_ends(store: PostgresStore, what: str) -> None:
    """By its id, or everything; others are told all the same."""
    await save(store, episode("e1", *SIGNALS_OF_TWO), episode("web", signal(), scope=WEB))
    assert await keep(store, AddSilence(silence(what)))
    assert await store.episodes.unannounced(limit=9) == ("web",)
    assert await keep(store, EndSilence("s1"))
    assert await store.episodes.unannounced(limit=9) == ("e1", "web")


@pytest.mark.parametrize("what", ["e2", "crash", "API", "payments", "cause", "crash-loop", "api"])
async def test_a_silence_is_about_what_it_says(store: PostgresStore, what: str) -> None:
    """To the letter; of one of several alerts, who tells judges whether there is more to say."""
    await save(store, episode("e1", *SIGNALS_OF_TWO))
    assert await keep(store, AddSilence(silence(what)))
    assert await store.episodes.unannounced(limit=9) == ("e1",)


async def test_a_silence_ends_by_itself(store: PostgresStore, admin: Admin) -> None:
    """By the database's clock."""
    await save(store, episode())
    assert await keep(store, AddSilence(silence("*")))
    assert [each.id for each in await store.episodes.silences()] == ["s1"]
    assert await store.episodes.unannounced(limit=9) == ()
    admin.execute("UPDATE silences SET at = at - interval '1 day', until = until - interval '1 day'")
    assert await store.episodes.silences() == ()
    assert await store.episodes.unannounced(limit=9) == ("e1",)


async def test_that_it_is_over_is_left_to_who_tells(store: PostgresStore) -> None:
    """A silence hides no end: the message would say for ever that it fires."""
    await save(store, episode())
    await announce(store, "e1")
    assert await keep(store, AddSilence(silence("*")))
    await save(store, replace(resolved(episode()), announced=1))
    assert await store.episodes.unannounced(limit=9) == ("e1",)


async def test_the_alerts_are_plain_json(store: PostgresStore, admin: Admin) -> None:
    """So that people who look into the database can read them."""
    await save(store, episode("e1", *SIGNALS_OF_TWO))
    (row,) = admin.execute("SELECT content FROM episodes").fetchall()
    signals = [alert["signal"] for alert in json.loads(row["content"])["alerts"]]
    assert [each["key"] for each in signals] == ["crash-loop:api", "slow:web"]
