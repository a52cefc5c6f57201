"""A database that an earlier version made and filled is taken over by this one, and not the other way round."""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import DictRow, dict_row

from bot.domain.operations import Operation, State
from bot.domain.people import Actor
from bot.domain.requests import Place, Post
from bot.domain.view import Headline, View
from bot.domain.watch.episodes import Ending
from bot.errors import StoreRefused
from bot.ports import AuditEntry, AuditQuery
from bot.references import References
from bot.store import audit
from bot.store.audit import GENESIS, hashed, verify_audit
from bot.store.codec import encode
from bot.store.connections import Address, connected, transaction_on
from bot.store.migrate import Migration, bring_up_to_date, migrate, shipped
from bot.store.operation_rows import asked, standing
from bot.store.store import PostgresStore
from bot.worker import Delivery, Intake
from tests.support.clocks import SteppedClock
from tests.support.databases import contents
from tests.support.operations import approved, change, operation, run_to
from tests.support.service import stage
from tests.support.twins import TEAM, RecordingNotifier

Admin = psycopg.Connection[DictRow]

# The versions before this one, by how many of the migrations they had.
BEFORE = [1, 2, 3]
CHECKSUMS = [
    "39504f117d2f5849df93133e3a3d9c035b310964172030e42f6ebb4125acd279",
    "d354acbdba8a932b523bc46e1e3e85bcb136710fcc7f5dddc5e78783eccc3d0f",
    "38bd08e07b4760deac0f85cf0a79cdc822e0f1fc103f0192d1add5cfbfd923b8",
]
ANN = Actor("U-ann", TEAM)
# As the version before wrote it, to the letter.
REQUEST = (
    '{"v":1,"record":{"is":"Request","key":"%s","actor":{"is":"Actor","user_id":"%s","team_id":"%s","local":false},'
    '"surface":"command","text":"%s","place":{"is":"Place","channel":"C1","thread":""},"reply_to":"",'
    '"opens_thread":false}}'
)
OLD_ACCEPT = "INSERT INTO inbox (key, request, reply_to) VALUES (%s, %s, %s) ON CONFLICT (key) DO NOTHING RETURNING id"
OLD_PUT = "INSERT INTO outbox (channel, post) VALUES (%s, %s) RETURNING id"
TABLES = ("inbox", "outbox", "audit")


def _request(key: str, *, by: str = "U-ann", text: str = "share status") -> str:
    return REQUEST % (key, by, TEAM, text)


def _fill_inbox(admin: Admin) -> None:
    waiting = (
        ("waits", _request("waits")),
        ("other", _request("other", by="U-vic", text="status \\u0000 \\ud800")),
        ("left", _request("left")),
        ("leased", _request("leased")),
        ("done", _request("done")),
        ("dead", _request("dead")),
    )
    for key, request in waiting:
        admin.execute(OLD_ACCEPT, (key, request, "https://hooks.example/secret"))
    for key, lease in (("left", "-1 min"), ("leased", "1 hour")):
        statement = "UPDATE inbox SET fence = 1, attempts = 1, lease_until = now() + %s::interval WHERE key = %s"
        admin.execute(statement, (lease, key))
    for state in ("done", "dead"):
        admin.execute(
            "UPDATE inbox SET state = %s, reply_to = '', fence = 1, attempts = 1, done_at = now() WHERE key = %s",
            (state, state),
        )


async def _fill(url: str, admin: Admin) -> None:
    """Leave what a bot that was stopped at its work leaves: rows in every state, and an audit of fifty."""
    _fill_inbox(admin)
    for state in ("waiting", "sending", "delivered", "dead"):
        post = Post(Place(f"C-{state}"), View(state, (Headline(state),)))
        admin.execute(OLD_PUT, (post.place.channel, encode(post)))
    address = Address.parse(url)
    async with connected(address) as connection, transaction_on(connection, address, limit_s=5) as session:
        for number in range(50):
            detail = {"surface": "command", "command": f"share status {number}", "said": ""}
            await audit.append(
                session, AuditEntry(actor="U-ann", action="share", subject="C1", result="done", detail=detail)
            )
    admin.execute(
        "UPDATE outbox SET state = 'sending', fence = 1, attempts = 1, lease_until = now() - interval '1 s'"
        " WHERE channel = 'C-sending'"
    )
    admin.execute("UPDATE outbox SET state = 'delivered', message_id = '1.1', closed_at = now() WHERE id = 3")
    admin.execute("UPDATE outbox SET state = 'dead', reason = 'refused', closed_at = now() WHERE id = 4")


@pytest.fixture(params=BEFORE, ids=lambda count: shipped()[count - 1].name)
def previous(request: pytest.FixtureRequest) -> Sequence[Migration]:
    """The migrations of an earlier version."""
    return shipped()[: request.param]


@pytest.fixture
def new(previous: Sequence[Migration]) -> list[str]:
    """The names of those that this version adds."""
    return [migration.name for migration in shipped()[len(previous) :]]


@pytest.fixture
async def previous_url(empty_url: str, admin: Admin, previous: Sequence[Migration]) -> str:
    """A database of an earlier version, in use."""
    await _migrate(empty_url, *previous)
    await _fill(empty_url, admin)
    return empty_url


async def _migrate(url: str, *known: Migration) -> list[str]:
    address = Address.parse(url)
    async with connected(address) as connection:
        return [migration.name for migration in await migrate(connection, address, known=known)]


def _rows(admin: Admin, columns: dict[str, list[str]]) -> dict[str, list[dict[str, Any]]]:
    found = {}
    for table, names in columns.items():
        picked = sql.SQL(", ").join(map(sql.Identifier, names))
        statement = sql.SQL("SELECT {} FROM {} ORDER BY 1").format(picked, sql.Identifier(table))
        found[table] = admin.execute(statement).fetchall()
    return found


def _columns(admin: Admin) -> dict[str, list[str]]:
    statement = "SELECT column_name FROM information_schema.columns WHERE table_name = %s ORDER BY ordinal_position"
    return {table: [row["column_name"] for row in admin.execute(statement, (table,)).fetchall()] for table in TABLES}


def test_the_released_scripts_are_what_they_were() -> None:
    """A database that they made would be refused otherwise."""
    assert [migration.checksum for migration in shipped()[: len(CHECKSUMS)]] == CHECKSUMS


async def test_nothing_is_lost(previous_url: str, admin: Admin) -> None:
    """Every row stays as it was, in every column that there was, and the audit ends with the same head."""
    columns = _columns(admin)
    before, head = _rows(admin, columns), (await verify_audit(previous_url)).head
    assert head.seq == 50
    async with await PostgresStore.open(previous_url) as store:
        assert _rows(admin, columns) == before
        found = await verify_audit(previous_url, str(head))
        assert (found.ok, found.checked) == (True, 50)
        assert await store.audit_trail.head() == str(head)
    assert await bring_up_to_date(previous_url, dry_run=True) == ()


async def test_what_waited_is_carried_out_and_delivered(previous_url: str, admin: Admin) -> None:
    """By the new version's worker: but not what is under a lease, nor what was done or given up."""
    notifier, chance = RecordingNotifier(), random.Random(3)
    async with await PostgresStore.open(previous_url) as store:
        waiting = await store.inbox.waiting(ANN)
        assert [request.key for request in waiting] == ["waits", "left", "leased"]
        intake = Intake(store, stage().service(store), notifier, References(chance), wake=lambda: None)
        delivery = Delivery(store, notifier, SteppedClock(datetime.now(UTC)), chance)
        for step in (intake.step, delivery.step):
            while await step():
                pass
        assert [request.key for request in await store.inbox.waiting(ANN)] == ["leased"]
    states = {row["key"]: row["state"] for row in admin.execute("SELECT key, state FROM inbox").fetchall()}
    assert states == {
        "waits": "done", "left": "done", "other": "done", "leased": "received", "done": "done", "dead": "dead",
    }  # fmt: skip
    assert {"waiting", "sending"} < set(notifier.summaries)
    assert not {"delivered", "dead"} & set(notifier.summaries)
    assert len(notifier.delivered) == 4  # with the answers to what ann shared
    (gone,) = admin.execute("SELECT count(*) AS n FROM inbox WHERE state <> 'received' AND reply_to <> ''").fetchall()
    assert gone["n"] == 0
    assert (await verify_audit(previous_url)).ok


async def test_the_audit_of_before_can_be_searched(previous_url: str) -> None:
    """The indexes hold the old rows."""
    async with await PostgresStore.open(previous_url) as store:
        found = await store.audit_trail.search(AuditQuery(operation="share", actor="U-ann", limit=100))
    assert [record.seq for record in found] == list(range(50, 0, -1))


async def test_changes_can_be_asked_for(previous_url: str) -> None:
    """As in a database that this version made."""
    async with await PostgresStore.open(previous_url) as store:
        ready = await run_to(store, operation(), approved)
        assert await store.operations.take(lease_s=10, worker="w1") == ready


async def test_a_bot_of_before_that_still_runs_goes_on(previous_url: str, admin: Admin) -> None:
    """The replicas are replaced one after the other: what the old one writes, the new one carries out."""
    async with await PostgresStore.open(previous_url) as store:
        admin.execute("DELETE FROM inbox")
        assert admin.execute(OLD_ACCEPT, ("late", _request("late"), "https://hooks.example/x")).fetchone() is not None
        assert admin.execute(OLD_ACCEPT, ("late", _request("late"), "https://hooks.example/x")).fetchone() is None
        assert [request.key for request in await store.inbox.waiting(ANN)] == ["late"]
        claimed = await store.inbox.claim(lease_s=10)
        admin.execute("DELETE FROM outbox")
        admin.execute(OLD_PUT, ("C1", encode(Post(Place("C1"), View("late", ())))))
        outgoing = await store.outbox.claim(lease_s=10)
        assert outgoing is not None
        assert await store.outbox.delivered(outgoing, message_id="1.1")
    assert outgoing.post.view.summary == "late"
    assert claimed is not None
    assert (claimed.request.key, claimed.request.reply_to) == ("late", "https://hooks.example/x")


def _add_as_before(admin: Admin, of: Operation) -> None:
    """Keep a request as the version before does, which knows of no copies of a card."""
    columns = {name: value for name, value in {**asked(of), **standing(of)}.items() if name != "copies"}
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    values = sql.SQL(", ").join(sql.Placeholder() * len(columns))
    admin.execute(sql.SQL("INSERT INTO operations ({}) VALUES ({})").format(names, values), list(columns.values()))


async def test_requests_of_before_go_on_without_copies(empty_url: str, admin: Admin) -> None:
    """Those that were kept before, and those that a bot of before keeps beside us."""
    await _migrate(empty_url, *shipped()[:5])
    earlier, beside = operation(), operation("op-8a1b2c3d", name="web")
    _add_as_before(admin, earlier)
    async with await PostgresStore.open(empty_url) as store:
        _add_as_before(admin, beside)
        for each in (earlier, beside):
            assert await store.operations.find(each.id) == each
            assert (await change(store, each.id, approved)).state is State.APPROVED


OLD_SLOT = "INSERT INTO slots (name, due_at) VALUES (%s, %s) ON CONFLICT DO NOTHING RETURNING name"


async def test_due_moments_of_before_are_done(empty_url: str, admin: Admin) -> None:
    """Those that the version before inserted, then or beside us; and it takes none that we work on, or did."""
    await _migrate(empty_url, *shipped()[:3])
    moments = [datetime(2030, 1, day, tzinfo=UTC) for day in range(1, 5)]
    assert admin.execute(OLD_SLOT, ("digest", moments[0])).fetchone() is not None
    async with await PostgresStore.open(empty_url) as store:
        assert admin.execute(OLD_SLOT, ("digest", moments[1])).fetchone() is not None
        for due_at in moments[:2]:
            assert await store.slots.begin("digest", due_at, lease_s=10) is None
        held = [await store.slots.begin("digest", due_at, lease_s=10) for due_at in moments[2:]]
        assert held[0] is not None
        async with store.transaction() as transaction:
            assert await transaction.finish_slot(held[0], outcome="sent")
        for due_at in moments:
            assert admin.execute(OLD_SLOT, ("digest", due_at)).fetchone() is None
        assert await store.slots.newest("digest") == moments[3]
        runs = (await store.slots.runs(["digest"]))["digest"]
    assert [(run.due_at, run.done_at is None, run.outcome) for run in runs] == [
        (moments[3], True, ""), (moments[2], False, "sent"), (moments[1], False, ""), (moments[0], False, ""),
    ]  # fmt: skip


OLD_EPISODE = """
INSERT INTO episodes (id, cluster, namespace, cause, state, severity, content, rules, services, began_at, fired_at,
    acked_by, channel, version, announced)
VALUES ('e1', 'prod', 'payments', 'api', 'firing', 3, %s, '{down}', '{api}', now(), now(), '', 'C1', 1, 0)
"""
# As it was written before an alert could end otherwise than by being over.
OLD_ALERTS = (
    '{"v":1,"cause":"api","alerts":[{"is":"Alert","signal":{"is":"Signal","key":"down:api","rule":"down","severity":3,'
    '"cause":"api","title":"api is down","words":"It refuses."},"state":"firing","began_at":"2030-01-01T12:00:00Z",'
    '"changed_at":"2030-01-01T12:00:00Z","seen_at":"2030-01-01T12:00:00Z"}]}'
)


async def test_alerts_of_before_go_on(empty_url: str, admin: Admin) -> None:
    """What stood beside their content is gone, and nothing of the content."""
    await _migrate(empty_url, *shipped()[:4])
    admin.execute(OLD_EPISODE, (OLD_ALERTS,))
    async with await PostgresStore.open(empty_url) as store:
        found = await store.episodes.find("e1")
        assert found is not None
        (alert,) = found.alerts
        assert (alert.signal.key, alert.signal.rule, alert.is_blind, found.ending) == (
            "down:api",
            "down",
            False,
            Ending.OVER,
        )
        async with store.transaction() as transaction:
            assert await transaction.episodes(found.scope) == (found,)
            await transaction.save_episode(replace(found, version=2))
        after = await store.episodes.find("e1")
    assert after == replace(found, version=2)
    columns = admin.execute("SELECT * FROM episodes").fetchall()[0].keys()
    assert not {"rules", "services"} & columns


PROCESS = """
import asyncio, json, sys
from bot.store.migrate import bring_up_to_date
print(json.dumps(asyncio.run(bring_up_to_date(sys.argv[1], dry_run=False))))
"""


async def test_processes_that_start_at_once_take_it_over_once(previous_url: str, new: list[str]) -> None:
    """One migrates, the others wait and find it done."""

    async def start() -> list[str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", PROCESS, previous_url, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate()
        assert process.returncode == 0
        return list(json.loads(out))

    done = await asyncio.gather(*(start() for _ in range(4)))
    assert sorted(done) == [[], [], [], new]


async def test_stores_that_are_opened_at_once_all_work(previous_url: str) -> None:
    """Also within one process."""
    stores = await asyncio.gather(*(PostgresStore.open(previous_url) for _ in range(6)))
    try:
        assert sorted([await store.seen.first("k", keep_s=60) for store in stores]) == [False] * 5 + [True]
    finally:
        await asyncio.gather(*(store.close() for store in stores))


async def test_a_migration_that_fails_changes_nothing(previous_url: str, new: list[str]) -> None:
    """Neither what it did before it failed, nor those before it; mended, all of it is applied."""
    broken = Migration(
        len(shipped()) + 1, "9999_broken", "UPDATE inbox SET reply_to = ''; DELETE FROM outbox; SELECT 1/0"
    )
    before = contents(previous_url)
    with pytest.raises(StoreRefused, match="division by zero"):
        await _migrate(previous_url, *shipped(), broken)
    assert contents(previous_url) == before
    assert await bring_up_to_date(previous_url, dry_run=True) == tuple(new)
    assert await bring_up_to_date(previous_url, dry_run=False) == tuple(new)


async def test_the_version_before_refuses_the_database_of_this_one(
    previous_url: str, previous: Sequence[Migration], new: list[str]
) -> None:
    """And leaves it as it is."""
    await _migrate(previous_url, *shipped())
    before = contents(previous_url)
    with pytest.raises(StoreRefused, match="The database is newer than this program") as caught:
        await _migrate(previous_url, *previous)
    assert new[0] in caught.value.message
    assert "restore a backup" in caught.value.advice
    assert contents(previous_url) == before


def _fill_much(url: str, count: int) -> str:
    """Put `count` rows into each table and return the head of the audit."""
    previous, at = GENESIS, datetime(2030, 1, 1, tzinfo=UTC)
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection, connection.cursor() as cursor:
        states = ("received", "done", "dead", "received")
        with cursor.copy("COPY inbox (key, request, state) FROM STDIN") as copy:
            for number in range(count):
                key = f"k{number}"
                copy.write_row((key, _request(key, by=f"U{number % 97}"), states[number % 4]))
        with cursor.copy("COPY outbox (channel, post, state) FROM STDIN") as copy:
            for number in range(count):
                copy.write_row((f"C{number % 50}", "{}", ("waiting", "delivered")[number % 2]))
        names = "seq, at, actor, action, subject, result, detail, previous_hash, hash"
        with cursor.copy(f"COPY audit ({names}) FROM STDIN".encode()) as copy:
            for seq in range(1, count + 1):
                detail = f'{{"command":"share status","request":"k{seq}","surface":"command"}}'
                words = {"actor": f"U{seq % 97}", "action": "share", "subject": "C1", "result": "ok", "detail": detail}
                digest = hashed(seq=seq, at=at, previous_hash=previous, **words)
                copy.write_row((seq, at, *words.values(), previous, digest))
                previous = digest
    return f"{count}:{previous.hex()}"


async def test_a_large_database_is_taken_over_within_seconds(
    empty_url: str, admin: Admin, previous: Sequence[Migration], new: list[str]
) -> None:
    """Twenty thousand rows in each table; all of what waits is known by its person afterwards.

    The version that noted the person beside the request had done so itself.
    """
    await _migrate(empty_url, *previous)
    head = _fill_much(empty_url, 20_000)
    began = time.monotonic()
    assert await bring_up_to_date(empty_url, dry_run=False) == tuple(new)
    took_s = time.monotonic() - began
    print(f"\n3 x 20,000 rows were migrated in {took_s:.2f} s")  # noqa: T201  # a figure for people
    (row,) = admin.execute(
        "SELECT count(*) AS all, count(user_id || team_id) AS known FROM inbox WHERE state = 'received'"
    ).fetchall()
    assert row == {"all": 10_000, "known": 10_000 if len(previous) == 1 else 0}
    found = await verify_audit(empty_url, head)
    assert (found.ok, found.checked) == (True, 20_000)
    assert took_s < 100
