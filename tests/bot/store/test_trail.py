from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import datetime

import psycopg
import pytest
from psycopg.rows import DictRow

from bot.errors import StoreUnavailable
from bot.ports import AuditEntry, AuditQuery
from bot.store.audit import verify_audit
from bot.store.sql import QUERIES
from bot.store.store import PostgresStore

Admin = psycopg.Connection[DictRow]
Detail = Mapping[str, str | int | bool]


async def _note(
    store: PostgresStore, action: str, *, actor: str = "U1", subject: str = "C1", detail: Detail | None = None
) -> None:
    async with store.transaction() as transaction:
        await transaction.audit(
            AuditEntry(actor=actor, action=action, subject=subject, result="done", detail=detail or {})
        )


async def _found(store: PostgresStore, query: AuditQuery) -> list[int]:
    return [record.seq for record in await store.audit_trail.search(query)]


async def test_the_newest_come_first(store: PostgresStore) -> None:
    """As many as were asked for."""
    for number in range(5):
        await _note(store, f"verb{number}")
    assert await _found(store, AuditQuery(limit=3)) == [5, 4, 3]
    assert await _found(store, AuditQuery()) == [5, 4, 3, 2, 1]


async def test_a_record_says_what_the_entry_said(store: PostgresStore) -> None:
    """The details come back as they were."""
    detail: Detail = {"command": 'share "é" \\n', "attempts": 3, "forced": True}
    await _note(store, "share", actor="U7", subject="C9/4", detail=detail)
    (record,) = await store.audit_trail.search(AuditQuery())
    assert (record.seq, record.actor, record.action, record.subject, record.result) == (
        1,
        "U7",
        "share",
        "C9/4",
        "done",
    )
    assert record.detail == detail
    assert record.at.tzinfo is not None


async def test_a_verb_is_found_in_any_case(store: PostgresStore) -> None:
    """A person typed it then, and types it now. Only the whole word fits."""
    for action in ("share", "Share", "shared", "status"):
        await _note(store, action)
    assert await _found(store, AuditQuery(operation="SHARE")) == [2, 1]


@pytest.mark.parametrize("key", ["id", "request", "reference"])
async def test_an_id_is_found_in_the_details_whatever_it_is_called(store: PostgresStore, key: str) -> None:
    """Only as a whole value: neither a part of one, nor a name, nor what looks like one inside a text."""
    await _note(store, "a", detail={key: "7KQ2"})
    await _note(store, "b", detail={key: "7KQ21"})
    await _note(store, "c", detail={key: 'said :"7KQ2" to'})
    await _note(store, "d", detail={"7KQ2": 1})
    await _note(store, "e", detail={"first": "x", "zlast": "7KQ2"})
    assert await _found(store, AuditQuery(operation="7KQ2")) == [5, 1]


async def test_an_id_is_found_as_the_subject(store: PostgresStore) -> None:
    """A request that was set aside is the subject of its entry."""
    await _note(store, "request", subject="Ev1")
    await _note(store, "request", subject="Ev2")
    assert await _found(store, AuditQuery(operation="Ev1")) == [1]


async def test_what_is_asked_for_together_must_fit_together(store: PostgresStore) -> None:
    """A person, a verb, and a time."""
    await _note(store, "share", actor="U1")
    await _note(store, "status", actor="U1")
    await _note(store, "share", actor="U2")
    await _note(store, "share", actor="U1")
    at = [record.at for record in await store.audit_trail.search(AuditQuery())]
    assert await _found(store, AuditQuery(actor="U1")) == [4, 2, 1]
    assert await _found(store, AuditQuery(actor="u1")) == []
    assert await _found(store, AuditQuery(actor="U1", operation="share")) == [4, 1]
    assert await _found(store, AuditQuery(actor="U1", operation="share", since=_second(at))) == [4]
    assert await _found(store, AuditQuery(since=at[0])) == [4]


def _second(newest_first: list[datetime]) -> datetime:
    return newest_first[-2]


@pytest.mark.parametrize("word", ["%", "_", "' OR true --", '"', "\\", "{", "x" * 5000])
async def test_hostile_words_find_nothing(store: PostgresStore, word: str) -> None:
    """They are compared, never carried out."""
    await _note(store, "share", detail={"id": "1"})
    assert await _found(store, AuditQuery(operation=word)) == []
    assert await _found(store, AuditQuery(actor=word)) == []


async def test_long_words_are_kept_and_found(store: PostgresStore, store_url: str) -> None:
    """An index has no room for them; that must keep nothing out of the audit."""
    chance = random.Random(7)
    long, longer = ("".join(chance.choices("abcdefghijklmnop0123456789", k=9000)) for _ in range(2))
    await _note(store, long, actor=long, subject=long, detail={"id": long})
    await _note(store, long[:200] + longer, actor=long[:200] + longer)
    assert await _found(store, AuditQuery(operation=long)) == [1]
    assert await _found(store, AuditQuery(actor=long)) == [1]
    assert (await verify_audit(store_url)).ok


@pytest.mark.parametrize("detail", ["{", "[1]", '{"a": {"b": 1}}', '{"a": 1.5}', "token=abcdef123456"])
async def test_details_that_we_did_not_write_are_shown_as_unreadable(
    store: PostgresStore, admin: Admin, detail: str
) -> None:
    """Whoever put something there by hand must not blind the trail, nor leak through it."""
    admin.execute(
        "INSERT INTO audit VALUES (1, now(), 'U1', 'a', 's', 'ok', %s, '', '')",
        (detail,),
    )
    (record,) = await store.audit_trail.search(AuditQuery())
    assert list(record.detail) == ["unreadable"]
    assert "abcdef123456" not in str(record)


async def test_the_head_is_that_of_the_chain(store: PostgresStore, store_url: str) -> None:
    """As it is published and as `verify` takes it."""
    assert await store.audit_trail.head() == f"0:{bytes(32).hex()}"
    await _note(store, "share")
    head = await store.audit_trail.head()
    assert head == str((await verify_audit(store_url)).head)
    assert (await verify_audit(store_url, head)).ok


async def test_a_trail_that_is_away_is_told(store_url: str, admin: Admin) -> None:
    """Not found and not looked are two things."""
    async with await PostgresStore.open(store_url, statement_limit_s=0.2) as store:
        with admin.transaction():
            admin.execute("LOCK TABLE audit IN ACCESS EXCLUSIVE MODE")
            with pytest.raises(StoreUnavailable):
                await store.audit_trail.search(AuditQuery())


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        pytest.param({"operation": "rare"}, "audit_action", id="verb"),
        pytest.param({"operation": "id77"}, "audit_id", id="id"),
        pytest.param({"actor": "U77"}, "audit_actor", id="person"),
    ],
)
async def test_a_long_audit_is_searched_by_its_indexes(
    store_url: str, admin: Admin, asked: dict[str, str], index: str
) -> None:
    """What nearly never happened is not looked for in every row."""
    admin.execute(
        "INSERT INTO audit SELECT n, now(), 'U' || n % 5000, 'verb' || n % 7, 'C' || n % 50, 'ok',"
        """ '{"command":"share status","said":"","request":"id' || n || '"}', '', '' FROM generate_series(1, 20000) n"""
    )
    admin.execute("ANALYZE audit")
    words: dict[str, object] = {"operation": "", "actor": "", "since": None, "limit": 20, **asked}
    with psycopg.connect(store_url) as connection:
        connection.prepare_threshold = None
        plan = connection.execute(b"EXPLAIN " + QUERIES["audit_search"], words).fetchall()
    assert index in str(plan)
