"""Due moments of schedules: each is worked on by one at a time, under a lease, and done once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.domain.watch.schedules import Pause, SlotRun
from bot.ports import SlotClaim
from bot.store.connections import Connections, Session
from bot.store.watch_rows import aware, pause_of, run_of, utc

MOST_RUNS = 5


class PostgresSlots:
    """The tables `slots` and `schedule_pauses`. The database's clock says when a lease and a pause are over.

    What `claim_slot` inserted counts as done.
    """

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def begin(
        self, name: str, due_at: datetime, *, lease_s: float, again_s: float | None = None
    ) -> SlotClaim | None:
        """Take a due moment to work on; None when it is done, or somebody is at it whose lease holds.

        One that is done and was begun longer than `again_s` ago is taken again. Waits for a transaction that finishes
        it just now. `due_at` is an aware moment.
        """
        async with self._connections.transaction() as session:
            row = await session.fetch_one(
                "slot_begin", name=name, due_at=aware(due_at), lease_s=lease_s, again_s=again_s
            )
        return None if row is None else SlotClaim(name, due_at, row["fence"])

    async def release(self, claim: SlotClaim) -> None:
        """Let it go undone, so that anybody may take it at once. Does nothing when the lease was lost."""
        async with self._connections.transaction() as session:
            await session.run("slot_release", name=claim.name, due_at=aware(claim.due_at), fence=claim.fence)

    async def unfinished(self, name: str, *, since: datetime) -> Sequence[datetime]:
        """Return due moments that somebody began, did not end, and whose lease is over; the oldest first."""
        async with self._connections.transaction() as session:
            rows = await session.fetch("slots_unfinished", name=name, since=aware(since))
        return tuple(utc(row["due_at"]) for row in rows)

    async def newest(self, name: str) -> datetime | None:
        """Return the newest due moment that anybody began or ended; None when there is none."""
        async with self._connections.transaction() as session:
            row = await session.fetch_one("slot_newest", name=name)
        return None if row is None else utc(row["due_at"])

    async def runs(self, names: Sequence[str]) -> Mapping[str, Sequence[SlotRun]]:
        """Return the last five runs of each, the newest first; none for a name that nobody began."""
        async with self._connections.transaction() as session:
            rows = await session.fetch("slots_runs", names=list(dict.fromkeys(names)), most=MOST_RUNS)
        found = [run_of(row) for row in rows]
        return {name: tuple(run for run in found if run.name == name) for name in names}

    async def pauses(self) -> Mapping[str, Pause]:
        """Return the pauses that hold now, by the database's clock."""
        async with self._connections.transaction() as session:
            rows = await session.fetch("schedules_paused")
        return {row["name"]: pause_of(row) for row in rows}


async def claim(session: Session, name: str, due_at: datetime) -> bool:
    """Take a due moment for this transaction, for good; False when somebody has it."""
    return await session.fetch_one("slot_claim", name=name, due_at=aware(due_at)) is not None


async def finish(session: Session, held: SlotClaim, outcome: str, *, fresh: bool = False) -> bool:
    """Mark a due moment done; False when somebody took it over meanwhile, or it was let go.

    A lease that is over, and nobody took it, is not lost; but with `fresh` it is, and so it is when somebody who began
    later, at another moment of the name, has ended. `outcome` is at most a hundred characters, and not empty.
    """
    if not outcome:
        raise ValueError("what is done has an outcome")
    row = await session.fetch_one(
        "slot_finish", name=held.name, due_at=aware(held.due_at), fence=held.fence, outcome=outcome, fresh=fresh
    )
    return row is not None
