"""The audit chain: each row carries the hash of the row before it.

The chain shows order and integrity of what is there. It cannot show that its tail was cut or that its owner rewrote all
of it: for that the head is published elsewhere now and then, and `verify` is given it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime

from psycopg import AsyncConnection, AsyncServerCursor
from psycopg.rows import DictRow

from bot.errors import UsageError
from bot.ports import AuditEntry
from bot.redaction import redact
from bot.store.connections import Address, Row, Session, connected, translated
from bot.store.cutting import cut_after
from bot.store.sql import QUERIES

FORMAT = "ragops-audit-1"
GENESIS = bytes(32)
BATCH = 1000
BATCH_LIMIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Head:
    """The last row of a chain, as it is published: `seq:hash`. An empty chain has seq 0."""

    seq: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash.hex()}"

    @classmethod
    def parse(cls, text: str) -> Head:
        """Read a published head. Raises `UsageError`."""
        number, _, digest = text.strip().partition(":")
        try:
            head = cls(int(number), bytes.fromhex(digest))
        except ValueError:
            head = cls(-1, b"")
        if head.seq < 0 or len(head.hash) != len(GENESIS):
            raise UsageError("A head of the audit is written as number:hash, with 64 hexadecimal digits.")
        return head


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One row as it is stored."""

    seq: int
    at: datetime
    actor: str
    action: str
    subject: str
    result: str
    detail: str
    previous_hash: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class Verification:
    """What a walk over the chain found. `first_bad_seq` is the row, or the place of the missing row."""

    ok: bool
    checked: int
    first_bad_seq: int | None = None
    problem: str = ""
    head: Head = Head(0, GENESIS)


def hashed(
    *, seq: int, at: datetime, actor: str, action: str, subject: str, result: str, detail: str, previous_hash: bytes
) -> bytes:
    """Return a row's hash: SHA-256 over the hash before and the row as a JSON list. The only place that knows this."""
    moment = at.astimezone(UTC).isoformat(timespec="microseconds")
    row = json.dumps([FORMAT, seq, moment, actor, action, subject, result, detail], separators=(",", ":"))
    return hashlib.sha256(previous_hash + row.encode("ascii")).digest()


async def append(session: Session, entry: AuditEntry) -> Head:
    """Add a row, as the last thing of a transaction: it holds the chain's lock until the commit."""
    await session.fetch("audit_lock")
    row = await session.fetch_one("audit_next")
    if row is None:
        raise AssertionError("audit_next always returns one row")
    at: datetime = row["at"]
    seq = (row["seq"] or 0) + 1
    previous_hash = bytes(row["hash"] or GENESIS)
    actor, action, subject, result = map(redact, (entry.actor, entry.action, entry.subject, entry.result))
    detail = _detail(entry)
    digest = hashed(
        seq=seq,
        at=at,
        actor=actor,
        action=action,
        subject=subject,
        result=result,
        detail=detail,
        previous_hash=previous_hash,
    )
    await session.run(
        "audit_append",
        seq=seq,
        at=at,
        actor=actor,
        action=action,
        subject=subject,
        result=result,
        detail=detail,
        previous_hash=previous_hash,
        hash=digest,
    )
    return Head(seq, digest)


def _detail(entry: AuditEntry) -> str:
    """Write the details as JSON with sorted keys, masked and cleaned."""
    masked = {redact(key): redact(value) if isinstance(value, str) else value for key, value in entry.detail.items()}
    return json.dumps(masked, sort_keys=True, separators=(",", ":"))


async def verify(rows: AsyncIterable[AuditRow], expected_head: Head | None = None) -> Verification:
    """Walk a chain from its start and stop at the first thing that is wrong.

    With a head that was published earlier, a tail cut before it and a chain rewritten up to it are found too.
    """
    head = Head(0, GENESIS)
    async for row in rows:
        problem = _problem(row, head, expected_head)
        if problem:
            return Verification(ok=False, checked=head.seq, first_bad_seq=head.seq + 1, problem=problem, head=head)
        head = Head(row.seq, row.hash)
    if expected_head is not None and head.seq < expected_head.seq:
        problem = f"the chain ends at {head.seq}, but {expected_head.seq} was published: the tail was cut"
        return Verification(ok=False, checked=head.seq, first_bad_seq=head.seq + 1, problem=problem, head=head)
    return Verification(ok=True, checked=head.seq, head=head)


def _problem(row: AuditRow, before: Head, expected_head: Head | None) -> str:
    if row.seq != before.seq + 1:
        return f"row {before.seq + 1} is missing: {row.seq} follows {before.seq}"
    if row.previous_hash != before.hash:
        return f"row {row.seq} does not continue row {before.seq}"
    digest = hashed(
        seq=row.seq,
        at=row.at,
        actor=row.actor,
        action=row.action,
        subject=row.subject,
        result=row.result,
        detail=row.detail,
        previous_hash=row.previous_hash,
    )
    if digest != row.hash:
        return f"row {row.seq} was changed: its hash does not fit its words"
    if expected_head is not None and row.seq == expected_head.seq and row.hash != expected_head.hash:
        return f"row {row.seq} is not the one that was published: the chain was rewritten"
    return ""


async def verify_audit(url: str, expected_head: str | None = None) -> Verification:
    """Verify the chain of the database at `url`, against a published head (`seq:hash`) when one is given."""
    address = Address.parse(url)
    head = Head.parse(expected_head) if expected_head is not None else None
    async with aclosing(_walk(address)) as rows:
        return await verify(rows, head)


async def _walk(address: Address) -> AsyncGenerator[AuditRow, None]:
    """Yield every row without holding them all: one snapshot, read in batches."""
    async with connected(address) as connection:
        with translated(address):
            async with connection.transaction(), connection.cursor("audit_walk") as cursor:
                with cut_after(connection, BATCH_LIMIT_S):
                    await cursor.execute(QUERIES["audit_walk"])
                while rows := await _next_batch(connection, cursor):
                    for row in rows:
                        yield _audit_row(row)


async def _next_batch(connection: AsyncConnection[DictRow], cursor: AsyncServerCursor[DictRow]) -> list[DictRow]:
    with cut_after(connection, BATCH_LIMIT_S):
        return await cursor.fetchmany(BATCH)


def _audit_row(row: Row) -> AuditRow:
    return AuditRow(**{**row, "previous_hash": bytes(row["previous_hash"]), "hash": bytes(row["hash"])})
