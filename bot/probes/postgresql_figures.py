"""What figures of PostgreSQL mean. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.findings import Severity
from bot.domain.text import count
from bot.probes.asking import Asking
from bot.probes.postgresql_locks import LockRow, tell_locks
from bot.probes.statements import masked
from bot.probes.words import lasting, percent, sized

CONNECTIONS_PERCENT = 90.0
LONG_S = 300.0
_IDLE = "idle in transaction"
_MOST_HOLDERS = 4


@dataclass(frozen=True, slots=True)
class Server:
    """A server and who looks at it. `behind_s` is of a replica alone, and None while it never replayed anything."""

    version: str
    is_replica: bool
    behind_s: float | None
    database: str
    role: str
    sees_all: bool
    max_connections: int
    kept_for_superusers: int
    kept_for_reserved: int

    @property
    def usable(self) -> int:
        """How many connections there are for ordinary roles; these are refused long before `max_connections`."""
        return self.max_connections - self.kept_for_superusers - self.kept_for_reserved


@dataclass(frozen=True, slots=True)
class Holders:
    """How many connections an application holds in one state."""

    application: str
    state: str
    number: int


@dataclass(frozen=True, slots=True)
class OpenTransaction:
    """A transaction that is open for `age_s`, and in its state for `in_state_s`."""

    pid: int
    application: str
    state: str
    age_s: float
    in_state_s: float
    query: str


@dataclass(frozen=True, slots=True)
class Totals:
    """Counted since the statistics began; checksum failures are None where there are no checksums."""

    deadlocks: float
    checksum_failures: float | None


@dataclass(frozen=True, slots=True)
class Size:
    """The database's size."""

    bytes: float


@dataclass(frozen=True, slots=True)
class Activity:
    """All that was read; None is what could not be."""

    server: Server
    holders: Sequence[Holders] | None = None
    transactions: Sequence[OpenTransaction] | None = None
    locks: Sequence[LockRow] | None = None
    totals: Totals | None = None
    size: Size | None = None


def tell(asking: Asking, seen: Activity) -> None:
    """Write down what was seen and what is wrong with it. What a role cannot see is said, and never counted as zero."""
    _tell_server(asking, seen.server)
    if seen.holders is not None:
        _tell_connections(asking, seen.server, seen.holders)
    if seen.server.sees_all:
        if seen.locks is not None:
            tell_locks(asking, seen.locks)
        if seen.transactions is not None:
            _tell_transactions(asking, seen.transactions)
    if seen.totals is not None:
        _tell_totals(asking, seen.totals)
    if seen.size is not None:
        asking.fact("Size", f"{sized(seen.size.bytes)} ({seen.server.database})")
        asking.figure("database_bytes", seen.size.bytes)


def _tell_server(asking: Asking, server: Server) -> None:
    asking.fact("Version", server.version)
    behind = "" if server.behind_s is None else f", last change {lasting(server.behind_s)} ago"
    asking.fact("Role", f"replica{behind}" if server.is_replica else "primary")
    asking.figure("replica", server.is_replica)
    if server.behind_s is not None:
        asking.figure("replay_age_s", server.behind_s)
    if not server.sees_all:
        asking.trouble(
            "POSTGRESQL_NOT_SEEN",
            Severity.INFO,
            f"The role {server.role} is no member of pg_monitor: it sees no states, transactions and locks of others.",
            advice=f"GRANT pg_monitor TO {server.role};",
        )


def _tell_connections(asking: Asking, server: Server, holders: Sequence[Holders]) -> None:
    used = sum(each.number for each in holders)
    share = percent(used, server.usable)
    kept = server.max_connections - server.usable
    asking.fact("Connections", f"{used} of {server.usable} ({share:.0f} %); {kept} more are kept for administrators")
    asking.figure("connections", used)
    asking.figure("connections_limit", server.usable)
    asking.figure("connections_percent", share)
    who = _said_holders(holders)
    if server.sees_all:
        asking.fact("Held by", who)
        asking.figure("idle_in_transaction", sum(each.number for each in holders if each.state.startswith(_IDLE)))
    if used >= server.usable:
        asking.trouble(
            "POSTGRESQL_CONNECTIONS_EXHAUSTED",
            Severity.CRITICAL,
            f"No connection is left for an ordinary role: {used} of {server.usable} are used, by {who}.",
            advice="Close or terminate idle ones, then size the pools: pods times workers times pool.",
        )
    elif share >= CONNECTIONS_PERCENT:
        asking.trouble(
            "POSTGRESQL_CONNECTIONS_HIGH",
            Severity.WARNING,
            f"{used} of {server.usable} connections are used ({share:.0f} %), by {who}.",
            advice="Size the pools: pods times workers times pool; a pooler in front of it helps.",
        )


def _said_holders(holders: Sequence[Holders]) -> str:
    """Say who holds most: `api 41 (30 idle in transaction), worker 9`."""
    all_of, waiting = Counter[str](), Counter[str]()
    for each in holders:
        all_of[each.application] += each.number
        waiting[each.application] += each.number if each.state.startswith(_IDLE) else 0
    said = [
        f"{name or 'unnamed'} {number}" + (f" ({waiting[name]} {_IDLE})" if waiting[name] else "")
        for name, number in all_of.most_common(_MOST_HOLDERS)
    ]
    more = len(all_of) - len(said)
    return ", ".join(said) + (f" and {count(more, 'other')}" if more else "")


def _tell_transactions(asking: Asking, transactions: Sequence[OpenTransaction]) -> None:
    longest = max(transactions, key=lambda each: each.age_s, default=None)
    asking.figure("longest_transaction_s", longest.age_s if longest else 0.0)
    if longest is None:
        return
    asking.fact("Longest transaction", f"{lasting(longest.age_s)}, {_said(longest)}")
    idle = [each for each in transactions if each.state.startswith(_IDLE)]
    idlest = max(idle, key=lambda each: each.in_state_s, default=None)
    if longest.age_s > LONG_S:
        asking.trouble(
            "POSTGRESQL_LONG_TRANSACTION",
            Severity.WARNING,
            f"A transaction is open for {lasting(longest.age_s)}: {_said(longest)}.",
            advice="It keeps vacuum from cleaning up, and its locks. See what its client waits for.",
        )
        asking.line(f"{_said(longest)}: {masked(longest.query)}")
    if idlest is not None and idlest.in_state_s > LONG_S:
        number = sum(each.in_state_s > LONG_S for each in idle)
        asking.trouble(
            "POSTGRESQL_IDLE_IN_TRANSACTION",
            Severity.WARNING,
            f"{count(number, 'session')} idle in a transaction for more than {lasting(LONG_S)}: {_said(idlest)}.",
            advice="The client forgot to commit, or waits for something else meanwhile.",
        )
        if idlest is not longest:
            asking.line(f"{_said(idlest)}: {masked(idlest.query)}")


def _said(one: OpenTransaction) -> str:
    return f"pid {one.pid} of {one.application or 'unnamed'}, {one.state or 'state not seen'}"


def _tell_totals(asking: Asking, totals: Totals) -> None:
    asking.figure("deadlocks", totals.deadlocks)
    if totals.deadlocks:
        asking.fact("Deadlocks", f"{totals.deadlocks:.0f} since its statistics began")
    if totals.checksum_failures is None:
        return
    asking.figure("checksum_failures", totals.checksum_failures)
    if totals.checksum_failures:
        asking.trouble(
            "POSTGRESQL_CHECKSUM_FAILURES",
            Severity.CRITICAL,
            f"{count(int(totals.checksum_failures), 'page')} did not match their checksum: data on disk is damaged.",
            advice="Stop writing, take a copy of the volume first, then look for the relation in its log.",
        )
