"""Who waits for whom in PostgreSQL. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.domain.findings import Severity
from bot.domain.text import count, in_short
from bot.probes.asking import Asking
from bot.probes.statements import masked
from bot.probes.words import lasting

WAIT_S = 1.0
LONG_WAIT_S = 60.0
_MOST_SHOWN = 10


@dataclass(frozen=True, slots=True)
class LockRow:
    """A session that waits for others, or that others wait for. `statement_s`: for how long its statement is at it."""

    pid: int
    blockers: Sequence[int]
    application: str
    state: str
    statement_s: float
    query: str


def tell_locks(asking: Asking, rows: Sequence[LockRow]) -> None:
    """Write down who is blocked, and by whom in the end. A wait of less than a second is everyday life."""
    blocked = [row for row in rows if row.blockers]
    asking.figure("blocked", len(blocked))
    if not blocked:
        return
    longest = max(row.statement_s for row in blocked)
    roots = roots_of(rows)
    asking.figure("longest_wait_s", longest)
    asking.fact(
        "Waiting for locks", f"{count(len(blocked), 'session')} behind {_named(roots)}, up to {lasting(longest)}"
    )
    for line in tree(rows):
        asking.line(line)
    if longest >= WAIT_S:
        asking.trouble(
            "POSTGRESQL_BLOCKED",
            Severity.CRITICAL if longest >= LONG_WAIT_S else Severity.WARNING,
            f"{count(len(blocked), 'session')} wait for locks, up to {lasting(longest)}; at the root of it is"
            f" {_named(roots)}.",
            advice="See what the root's client waits for; ending its transaction lets all others go on.",
        )


def roots_of(rows: Sequence[LockRow]) -> list[int]:
    """Return who blocks and waits for nobody, by how many wait behind; of a ring alone, its lowest number."""
    waiting = {row.pid for row in rows if row.blockers}
    blockers = {pid for row in rows for pid in row.blockers}
    behind = {pid: sum(1 for _ in _below(pid, rows)) for pid in blockers - waiting}
    return sorted(behind, key=lambda pid: (-behind[pid], pid)) or sorted(waiting)[:1]


def tree(rows: Sequence[LockRow]) -> list[str]:
    """Return the lines of the tree, its roots first; each session once, though it may wait for several."""
    known = {row.pid: row for row in rows}
    lines: list[str] = []
    told: set[int] = set()
    for root in roots_of(rows):
        told.add(root)
        lines.append(_line(root, known))
        for depth, pid in _below(root, rows):
            if pid not in told:
                told.add(pid)
                lines.append(f"{'· ' * depth}{_line(pid, known)}")
    more = len(lines) - _MOST_SHOWN
    return lines[:_MOST_SHOWN] + ([f"and {count(more, 'other session')}"] if more > 0 else [])


def _below(root: int, rows: Sequence[LockRow]) -> Iterator[tuple[int, int]]:
    """Yield who waits behind a session, each once, with the depth. Rings have no end, so nobody is visited twice."""
    seen = {root}
    rest = [(1, root)]
    while rest:
        depth, blocker = rest.pop()
        found = [row.pid for row in rows if blocker in row.blockers and row.pid not in seen]
        seen.update(found)
        for pid in found:
            yield depth, pid
        rest += [(depth + 1, pid) for pid in reversed(found)]


def _line(pid: int, known: Mapping[int, LockRow]) -> str:
    row = known.get(pid)
    if row is None:
        return "a prepared transaction" if pid == 0 else f"pid {pid}"
    what = f"waits {lasting(row.statement_s)}" if row.blockers else f"{row.state or 'state not seen'}"
    return f"pid {pid} ({row.application or 'unnamed'}) {what}: {masked(row.query)}"


def _named(roots: Sequence[int]) -> str:
    named = ["a prepared transaction" if pid == 0 else f"pid {pid}" for pid in roots]
    return in_short(named, 3)
