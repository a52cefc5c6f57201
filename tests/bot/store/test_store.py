from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg.rows import DictRow

from bot.domain.requests import Post, Request
from bot.domain.watch.episodes import EpisodeState
from bot.domain.watch.keeps import AddSilence, PauseSchedule
from bot.domain.watch.schedules import Pause
from bot.errors import StoreRefused, StoreUnavailable
from bot.ports import AuditEntry, Store
from bot.store import connections
from bot.store.connections import Address
from bot.store.store import PostgresStore, Purged
from tests.support.watch_records import SCOPE, episode, note, sample, save, silence

LeasesEnd = Callable[[str], int]
MakeRequest = Callable[[str], Request]
MakePost = Callable[..., Post]
Admin = psycopg.Connection[DictRow]

ENTRY = AuditEntry(actor="U1", action="mute", subject="pod", result="ok", detail={})
TERMINATE = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
PASSWORD = "p%40ss/w0rd"


def counts(admin: Admin) -> dict[str, int]:
    """How many rows each table has; for the inbox, how many are done."""
    row = admin.execute(
        "SELECT (SELECT count(*) FROM inbox WHERE state = 'done') AS done, (SELECT count(*) FROM outbox) AS outbox,"
        " (SELECT count(*) FROM audit) AS audit"
    ).fetchone()
    assert row is not None
    return row


def test_it_is_a_store(store: PostgresStore) -> None:
    """The adapter fits the port."""
    port: Store = store
    assert port is store


async def test_writes_of_a_transaction_happen_together(
    store: PostgresStore, make_request: MakeRequest, make_post: MakePost, admin: Admin
) -> None:
    """The request's end, its message and its audit row are one commit."""
    await store.inbox.accept(make_request("k1"))
    claimed = await store.inbox.claim(lease_s=600)
    assert claimed is not None
    async with store.transaction() as transaction:
        assert await transaction.finish(claimed)
        await transaction.put(make_post())
        await transaction.audit(ENTRY)
        assert counts(admin) == {"done": 0, "outbox": 0, "audit": 0}
    assert counts(admin) == {"done": 1, "outbox": 1, "audit": 1}


async def test_an_exception_rolls_back(
    store: PostgresStore, make_request: MakeRequest, make_post: MakePost, admin: Admin
) -> None:
    """None of the writes is left, and the exception goes through as it is."""
    await store.inbox.accept(make_request("k1"))
    claimed = await store.inbox.claim(lease_s=600)
    assert claimed is not None

    async def fail() -> None:
        async with store.transaction() as transaction:
            await transaction.finish(claimed)
            await transaction.put(make_post())
            await transaction.audit(ENTRY)
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    assert counts(admin) == {"done": 0, "outbox": 0, "audit": 0}
    async with store.transaction() as transaction:
        assert await transaction.finish(claimed)


async def test_a_lost_lease_rolls_back_what_follows(
    store: PostgresStore, make_request: MakeRequest, make_post: MakePost, admin: Admin, leases_end: LeasesEnd
) -> None:
    """Even when nobody looks at the answer of `finish`."""
    await store.inbox.accept(make_request("k1"))
    lost = await store.inbox.claim(lease_s=600)
    leases_end("inbox")
    await store.inbox.claim(lease_s=600)
    assert lost is not None
    async with store.transaction() as transaction:
        await transaction.finish(lost)
        await transaction.put(make_post())
        await transaction.audit(ENTRY)
    assert counts(admin) == {"done": 0, "outbox": 0, "audit": 0}


async def test_a_cancelled_transaction_rolls_back(store: PostgresStore, make_post: MakePost, admin: Admin) -> None:
    """And its connection is good for the next."""
    entered = asyncio.Event()

    async def work() -> None:
        async with store.transaction() as transaction:
            await transaction.put(make_post())
            entered.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(work())
    await entered.wait()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert counts(admin)["outbox"] == 0
    await store.ping()


async def test_a_statement_that_takes_too_long_is_ended(
    store_url: str, admin: Admin, make_post: MakePost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the server: a lock that somebody holds does not hold us for ever."""
    monkeypatch.setattr(connections, "GRACE_S", 60.0)  # it is the server that ends it, however slow it is
    async with await PostgresStore.open(store_url, statement_limit_s=1.0) as store:

        async def put() -> None:
            async with store.transaction() as transaction:
                await transaction.put(make_post())

        with admin.transaction():
            admin.execute("LOCK TABLE outbox IN ACCESS EXCLUSIVE MODE")
            with pytest.raises(StoreUnavailable, match="timeout"):
                await put()
        await store.ping()


@contextlib.contextmanager
def frozen(admin: Admin, *states: str) -> Iterator[None]:
    """Server processes that hang: they stop answering."""
    rows = admin.execute(
        "SELECT pid FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = 'ragops' AND state = ANY(%s)",
        (list(states),),
    ).fetchall()
    assert rows
    try:
        for row in rows:
            os.kill(row["pid"], signal.SIGSTOP)
    except OSError:
        pytest.skip("the server's processes are not ours to stop")
    try:
        yield
    finally:
        for row in rows:
            os.kill(row["pid"], signal.SIGCONT)


async def test_a_server_that_hangs_does_not_hang_us(store_url: str, make_request: MakeRequest, admin: Admin) -> None:
    """The answer comes although the connections in the pool never answer."""
    async with await PostgresStore.open(store_url, wait_s=100) as store, asyncio.timeout(50):
        with frozen(admin, "idle"), contextlib.suppress(StoreUnavailable):
            await store.inbox.accept(make_request("k1"))


async def test_a_server_that_hangs_within_a_transaction_does_not_hang_us(
    store_url: str, admin: Admin, make_post: MakePost
) -> None:
    """The connection is broken from our side, the pool makes a new one."""
    async with await PostgresStore.open(store_url, statement_limit_s=1.0) as store:

        async def freeze_within() -> None:
            async with store.transaction() as transaction:
                with frozen(admin, "idle in transaction"):
                    await transaction.put(make_post())

        with pytest.raises(StoreUnavailable, match="did not answer"):
            await freeze_within()
        await store.ping()


async def test_the_pool_recovers_from_lost_connections(store: PostgresStore, admin: Admin) -> None:
    """A server that was restarted costs no failed request."""
    await store.ping()
    admin.execute(TERMINATE)
    await store.ping()


async def test_a_connection_lost_at_the_commit_says_that_it_is_unknown(
    store: PostgresStore, admin: Admin, make_post: MakePost
) -> None:
    """Nobody may claim that nothing was changed."""

    async def lose_it() -> None:
        async with store.transaction() as transaction:
            await transaction.put(make_post())
            while admin.execute(TERMINATE).fetchall():  # noqa: ASYNC110  # another process ends
                await asyncio.sleep(0.01)

    with pytest.raises(StoreUnavailable) as caught:
        await lose_it()
    assert "may or may not" in caught.value.unchanged


async def test_finished_rows_go_after_their_time(
    store: PostgresStore, make_request: MakeRequest, make_post: MakePost, admin: Admin
) -> None:
    """Done is kept two days, what failed thirty, slots ninety, what waits and the audit for ever."""
    for key in ("waits", "new", "old", "dead"):
        await store.inbox.accept(make_request(key))
    async with store.transaction() as transaction:
        for text in ("waits", "new", "old", "dead"):
            await transaction.put(make_post(text, text))
        await transaction.audit(ENTRY)
    for number, (state, hours) in enumerate((("done", 47), ("done", 49), ("dead", 49)), start=2):
        admin.execute(
            "UPDATE inbox SET state = %s, reply_to = '', done_at = now() - make_interval(hours => %s) WHERE id = %s",
            (state, hours, number),
        )
        admin.execute(
            "UPDATE outbox SET state = %s, closed_at = now() - make_interval(hours => %s) WHERE id = %s",
            ("delivered" if state == "done" else state, hours, number),
        )
    for key, keep_s in (("kept", 600), ("over", 0)):
        await store.seen.first(key, keep_s=keep_s)
    async with store.transaction() as transaction:
        for day in (1, 2):
            await transaction.claim_slot("digest", datetime(2030, 1, day, tzinfo=UTC))
    admin.execute(
        "UPDATE slots SET claimed_at = now() - CASE due_at WHEN '2030-01-01Z' THEN interval '91 d' ELSE '89 d' END"
    )
    assert await store.purge() == Purged(inbox=1, outbox=1, seen=1, slots=1)
    assert await store.purge() == Purged(inbox=0, outbox=0, seen=0, slots=0)
    left = admin.execute("SELECT key FROM inbox ORDER BY id").fetchall()
    assert [row["key"] for row in left] == ["waits", "new", "dead"]
    assert [row["key"] for row in admin.execute("SELECT key FROM seen").fetchall()] == ["kept"]
    assert counts(admin)["audit"] == 1


async def test_what_was_watched_goes_after_its_time(store: PostgresStore, admin: Admin) -> None:
    """Samples after the days that are asked for, problems after 90 days, notes and alerts after 400, others sooner."""
    now = datetime.now(UTC)

    def ago(days: float) -> datetime:
        return now - timedelta(days=days)

    for days in (1, 4, 15):
        async with store.transaction() as transaction:
            await transaction.record(SCOPE, ago(days), [sample()], [])
    for key, days in (("young", 399), ("old", 401)):
        async with store.transaction() as transaction:
            assert await transaction.note(note(key, at=ago(days)))
    for key, days in (("young", 89), ("old", 91), ("left", 92), ("open", 1)):
        open_end = key in {"left", "open"}
        admin.execute(
            "INSERT INTO problem_spans (cluster, namespace, key, severity, title, words, began_at, seen_at, ended_at)"
            " VALUES ('prod', 'payments', %s, 1, '', '', %s, %s, %s)",
            (key, ago(200), ago(days), None if open_end else ago(days)),
        )
    for name, days, fired in (("young", 399, True), ("old", 401, True), ("never", 2, False), ("just", 0.5, False)):
        over = replace(episode(name, cause=name), state=EpisodeState.RESOLVED, resolved_at=ago(days))
        await save(store, over if fired else replace(over, fired_at=None))
    await save(store, episode("open", cause="open", began_at=ago(500)))
    assert await store.purge(history_days=3) == Purged(samples=2, spans=2, notes=1, episodes=2)
    assert await store.purge() == Purged()
    assert len(await store.history.samples(SCOPE, since=ago(99))) == 1
    assert [each.problem.key for each in await store.history.spans(SCOPE, since=ago(999))] == ["open", "young"]
    assert [each.key for each in await store.history.notes(SCOPE, since=ago(999))] == ["young"]
    found = [name for name in ("young", "old", "never", "just", "open") if await store.episodes.find(name) is not None]
    assert found == ["young", "just", "open"]


async def test_silences_and_pauses_go_after_their_end(store: PostgresStore, admin: Admin) -> None:
    """A silence is kept for ninety days more; an open-ended pause for ever."""
    async with store.transaction() as transaction:
        for name in ("holds", "over", "ended"):
            assert await transaction.keep(AddSilence(silence(silence_id=name)))
            pause = Pause(name=name, by="U1", at=datetime.now(UTC), until=silence().until if name == "over" else None)
            assert await transaction.keep(PauseSchedule(pause))
    admin.execute("UPDATE silences SET at = now() - interval '92 d', until = now() - interval '91 d' WHERE id = 'over'")
    admin.execute("UPDATE silences SET ended_at = now() - interval '91 d' WHERE id = 'ended'")
    admin.execute(
        "UPDATE schedule_pauses SET at = now() - interval '2 h', until = now() - interval '1 s' WHERE name = 'over'"
    )
    assert await store.purge() == Purged(silences=2, pauses=1)
    assert [each.id for each in await store.episodes.silences()] == ["holds"]
    assert sorted(await store.slots.pauses()) == ["ended", "holds"]


async def test_the_newest_slot_of_a_schedule_stays(store: PostgresStore, admin: Admin) -> None:
    """One that is due once a year would be due again else; ticks of the watcher go after a day."""
    for name in ("yearly", "watch:prod:payments"):
        for day in (1, 2):
            claim = await store.slots.begin(name, datetime(2030, 1, day, tzinfo=UTC), lease_s=60)
            assert claim is not None
            if day == 1:
                async with store.transaction() as transaction:
                    assert await transaction.finish_slot(claim, outcome="sent")
    admin.execute("UPDATE slots SET claimed_at = now() - interval '25 h'")
    assert (await store.purge()).slots == 1
    admin.execute("UPDATE slots SET claimed_at = now() - interval '91 d'")
    assert (await store.purge()).slots == 1
    left = admin.execute("SELECT name, due_at FROM slots ORDER BY name").fetchall()
    assert [(row["name"], row["due_at"].day) for row in left] == [("watch:prod:payments", 2), ("yearly", 2)]


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        pytest.param(f"postgresql://u:{PASSWORD}@127.0.0.1:1/x", StoreRefused, id="password with a slash"),
        pytest.param("postgresql://u:hunter22@127.0.0.1:1/x", StoreUnavailable, id="nobody listens"),
        pytest.param("postgresql://u:hunter22@127.0.0.1:notaport/x", StoreRefused, id="port is no number"),
        pytest.param("postgresql://u:hunter22@2@127.0.0.1:1/x", StoreRefused, id="password with an at sign"),
        pytest.param("postgresql://u:1/hunter22@127.0.0.1:1/x", StoreRefused, id="password that looks like a port"),
        pytest.param("postgresql://u:hunter22@[::1/x", StoreRefused, id="broken address"),
        pytest.param("host=127.0.0.1 port=1 password=hunter22", StoreUnavailable, id="key and value"),
        pytest.param("host=127.0.0.1 pasword=hunter22", StoreRefused, id="unknown key"),
    ],
)
async def test_the_password_is_never_in_an_error(url: str, kind: type[StoreUnavailable]) -> None:
    """Neither in the text nor in the causes that a log would print."""
    with pytest.raises(kind) as caught:
        await PostgresStore.open(url)
    told: list[str] = []
    error: BaseException | None = caught.value
    while error is not None:
        told.append(str(error))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    assert "hunter22" not in " ".join(told)
    assert "w0rd" not in " ".join(told)


def test_the_password_is_taken_out_of_the_drivers_words() -> None:
    """Also where the general masking would not know it."""
    address = Address.parse("postgresql://u:hunter22@db:5432/x")
    assert (
        address.scrub(RuntimeError("tried hunter22 at postgresql://u:hunter22@db:5432/x"))
        == "tried [masked] at db:5432/x"
    )
    assert "hunter22" not in address.label


async def test_a_database_that_does_not_exist_is_refused(server_url: str) -> None:
    """It answers, but will not serve us: waiting does not help."""
    with pytest.raises(StoreRefused, match="does not exist"):
        await PostgresStore.open(urlsplit(server_url)._replace(path="/no_such_database").geturl())
