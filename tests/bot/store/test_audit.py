from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import psycopg
import pytest
from psycopg.rows import DictRow

from bot.errors import UsageError
from bot.ports import AuditEntry
from bot.store.audit import GENESIS, Head, hashed, verify_audit
from bot.store.store import PostgresStore

Admin = psycopg.Connection[DictRow]


def entry(number: int = 1) -> AuditEntry:
    return AuditEntry(
        actor="U1", action="mute", subject=f"pod-{number}", result="ok", detail={"n": number, "é": "ü", "yes": True}
    )


async def _append(store: PostgresStore, count: int = 5) -> None:
    for number in range(1, count + 1):
        async with store.transaction() as transaction:
            await transaction.audit(entry(number))


async def test_a_chain_is_whole(store: PostgresStore, store_url: str) -> None:
    """Every row is walked, and the head is that of the store."""
    await _append(store)
    found = await verify_audit(store_url)
    assert (found.ok, found.checked, found.problem) == (True, 5, "")
    assert str(found.head) == await store.audit_trail.head()


async def test_an_empty_chain_is_whole(store: PostgresStore, store_url: str) -> None:
    """Its head is the beginning of every chain."""
    assert await store.audit_trail.head() == str(Head(0, GENESIS))
    assert (await verify_audit(store_url, str(Head(0, GENESIS)))).ok


async def test_a_long_chain_is_walked_in_batches(store_url: str, store: PostgresStore) -> None:
    """More rows than one batch holds."""
    async with store.transaction() as transaction:
        for number in range(1005):
            await transaction.audit(entry(number))
    assert (await verify_audit(store_url)).checked == 1005


async def test_writers_at_once_make_one_chain(store: PostgresStore, store_url: str) -> None:
    """One writer at a time: no forks, no gaps."""
    await asyncio.gather(*(_append(store, 5) for _ in range(6)))
    assert (await verify_audit(store_url)).checked == 30


async def test_what_is_rolled_back_leaves_no_gap(store: PostgresStore, store_url: str) -> None:
    """The number is given out by the chain, not by a sequence."""

    async def fail() -> None:
        async with store.transaction() as transaction:
            await transaction.audit(entry())
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011  # our own, raised above
        await fail()
    await _append(store, 2)
    assert (await verify_audit(store_url)).checked == 2


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET actor = 'U2'",
        "UPDATE audit SET actor = 'U2' WHERE false",
        "DELETE FROM audit",
        "TRUNCATE audit",
        "TRUNCATE audit CASCADE",
    ],
)
async def test_t36_rows_cannot_be_changed(store: PostgresStore, admin: Admin, statement: str) -> None:
    """Even the owner has to take the trigger away first."""
    await _append(store, 1)
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
        admin.execute(statement.encode())


@pytest.mark.parametrize(
    ("tampering", "first_bad_seq", "problem"),
    [
        pytest.param("UPDATE audit SET actor = 'U9' WHERE seq = 3", 3, "was changed", id="edited"),
        pytest.param("UPDATE audit SET detail = '{}' WHERE seq = 2", 2, "was changed", id="detail edited"),
        pytest.param(
            "UPDATE audit SET at = at + interval '1 microsecond' WHERE seq = 1", 1, "was changed", id="time moved"
        ),
        pytest.param("DELETE FROM audit WHERE seq = 3", 3, "is missing", id="removed"),
        pytest.param("DELETE FROM audit WHERE seq = 1", 1, "is missing", id="beginning removed"),
        pytest.param(
            "DELETE FROM audit WHERE seq = 3; UPDATE audit SET seq = seq - 1 WHERE seq > 3",
            3,
            "does not continue",
            id="removed and closed up",
        ),
        pytest.param(
            "UPDATE audit SET seq = CASE seq WHEN 2 THEN -3 ELSE -2 END WHERE seq IN (2, 3);"
            "UPDATE audit SET seq = -seq WHERE seq < 0",
            2,
            "does not continue",
            id="reordered",
        ),
        pytest.param(
            "INSERT INTO audit"
            " SELECT 6, at, actor, action, subject, result, detail, hash, hash FROM audit WHERE seq = 5",
            6,
            "was changed",
            id="forged row added",
        ),
    ],
)
async def test_t36_tampering_is_found(
    store: PostgresStore, store_url: str, admin: Admin, tampering: str, first_bad_seq: int, problem: str
) -> None:
    """The walk names the first row that is wrong."""
    await _append(store)
    admin.execute(b"ALTER TABLE audit DISABLE TRIGGER ALL")
    admin.execute(tampering.encode())
    found = await verify_audit(store_url)
    assert (found.ok, found.first_bad_seq) == (False, first_bad_seq)
    assert problem in found.problem


async def test_t36_a_cut_tail_is_found_against_a_published_head(
    store: PostgresStore, store_url: str, admin: Admin
) -> None:
    """The chain alone does not show it."""
    await _append(store)
    published = await store.audit_trail.head()
    admin.execute("ALTER TABLE audit DISABLE TRIGGER ALL")
    admin.execute("DELETE FROM audit WHERE seq > 3")
    assert (await verify_audit(store_url)).ok
    found = await verify_audit(store_url, published)
    assert (found.ok, found.first_bad_seq) == (False, 4)
    assert "cut" in found.problem


async def test_t36_a_rewritten_chain_is_found_against_a_published_head(
    store: PostgresStore, store_url: str, admin: Admin
) -> None:
    """Whoever owns the database can make every hash fit, but not the one that stands elsewhere."""
    await _append(store)
    published = await store.audit_trail.head()
    admin.execute("ALTER TABLE audit DISABLE TRIGGER ALL")
    _rewrite(admin, actor="U9")
    assert (await verify_audit(store_url)).ok
    found = await verify_audit(store_url, published)
    assert (found.ok, found.first_bad_seq) == (False, 5)
    assert "rewritten" in found.problem


def _rewrite(admin: Admin, *, actor: str) -> None:
    previous = GENESIS
    for row in admin.execute("SELECT * FROM audit ORDER BY seq").fetchall():
        words = {name: row[name] for name in ("seq", "at", "action", "subject", "result", "detail")}
        digest = hashed(**words, actor=actor, previous_hash=previous)
        admin.execute(
            "UPDATE audit SET actor = %s, previous_hash = %s, hash = %s WHERE seq = %s",
            (actor, previous, digest, row["seq"]),
        )
        previous = digest


async def test_a_chain_that_went_on_still_holds_the_published_head(store: PostgresStore, store_url: str) -> None:
    """A head is good for ever."""
    await _append(store)
    published = await store.audit_trail.head()
    await _append(store)
    assert (await verify_audit(store_url, published)).ok


async def test_secrets_and_controls_do_not_get_into_the_audit(
    store: PostgresStore, store_url: str, admin: Admin
) -> None:
    """Words are masked and cleaned before they are hashed."""
    async with store.transaction() as transaction:
        await transaction.audit(
            AuditEntry(
                actor="U1\x00",
                action="a\ud800",
                subject="password=hunter22",
                result="ok",
                detail={"t": "xoxb-123456789"},
            )
        )
    (row,) = admin.execute("SELECT actor, action, subject, detail FROM audit").fetchall()
    assert row == {"actor": "U1", "action": "a", "subject": "password=[masked]", "detail": '{"t":"[masked]"}'}
    assert (await verify_audit(store_url)).ok


@pytest.mark.parametrize("text", ["", "5", "x:00", "5:zz", "5:00", "-1:" + "00" * 32])
def test_a_head_that_is_none_is_refused(text: str) -> None:
    """A typing mistake is not a finding."""
    with pytest.raises(UsageError, match="number:hash"):
        Head.parse(text)


def test_a_head_reads_back_as_it_is_written() -> None:
    """What is published can be given back."""
    head = Head(7, bytes(range(32)))
    assert Head.parse(f" {head}\n") == head


def test_the_canonical_form_never_changes() -> None:
    """Chains that exist must verify with every later version."""
    digest = hashed(
        seq=1,
        at=datetime(2030, 1, 2, 3, 4, 5, 600, tzinfo=UTC),
        actor="U1",
        action="mute",
        subject="pod/é",
        result="ok",
        detail='{"n":1}',
        previous_hash=GENESIS,
    )
    assert digest.hex() == "52757fa7563eb529896a2af7822fce3e9878218b27dfe9733bedbddd6b0d4482"
