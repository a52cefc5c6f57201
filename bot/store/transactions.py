"""One transaction of the store: writes that happen together or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from bot.domain.operations import Operation
from bot.domain.requests import Post
from bot.domain.targets import Scope
from bot.domain.watch.episodes import Episode
from bot.domain.watch.keeps import Keep
from bot.domain.watch.samples import Note, Problem, Sample
from bot.ports import AuditEntry, Claimed, SlotClaim, Token
from bot.store import audit, episodes, history, inbox, keeps, operations, outbox, slots
from bot.store.connections import Session


class PostgresTransaction:
    """Writes that happen together or not at all."""

    def __init__(self, session: Session, recorder: history.Recorder) -> None:
        self._session = session
        self._recorder = recorder

    async def now(self) -> datetime:
        """Return the database's time, which decides all deadlines. Call it after a lock was waited for."""
        row = await self._session.fetch_one("now")
        if row is None:
            raise AssertionError("now always returns one row")
        moment: datetime = row["now"]
        return moment.astimezone(UTC)

    async def add_operation(self, operation: Operation, tokens: Sequence[Token]) -> bool:
        """Keep a new one with the addresses of its buttons; False when another blocks its target.

        While another transaction adds one for the same target, this waits for that one's end.
        """
        return await operations.add(self._session, operation, tokens)

    async def operation(self, operation_id: str) -> Operation | None:
        """Return one and lock it until the commit. Raises `StoreRefused` when a newer version wrote it."""
        return await operations.locked(self._session, operation_id)

    async def save(self, operation: Operation, *, fence: int | None = None) -> bool:
        """Write what changed, votes included, of one that this transaction has locked or holds by its fence.

        With a `fence`, False when it is no longer that: this transaction rolls back at its end whatever else is put
        into it. Raises `StoreRefused` for a change that none may make: of what was asked for, or out of a final state.
        """
        saved = await operations.save(self._session, operation, fence=fence)
        if not saved:
            self._session.doomed = True
        return saved

    async def claim_slot(self, name: str, due_at: datetime) -> bool:
        """Take a due moment of a schedule for this transaction; False when somebody has it.

        While another transaction holds it, this waits for that one's end. `due_at` is an aware moment.
        """
        return await slots.claim(self._session, name, due_at)

    async def finish_slot(self, claim: SlotClaim, *, outcome: str, fresh: bool = False) -> bool:
        """Mark a due moment done (`sent`, `skipped`).

        False when the lease was lost: whoever took it over will do the work, and this transaction rolls back at its end
        whatever else is put into it. With `fresh` also when the lease is over, or who began later has ended.
        """
        finished = await slots.finish(self._session, claim, outcome, fresh=fresh)
        if not finished:
            self._session.doomed = True
        return finished

    async def keep(self, kept: Keep) -> bool:
        """Carry an effect out; False when there is nothing (any more) that it could be about."""
        return await keeps.keep(self._session, kept)

    async def episodes(self, scope: Scope) -> Sequence[Episode]:
        """Return the episodes of a scope that are not resolved, and lock the scope's episodes until the commit.

        The worst and then the oldest first. Raises `StoreRefused` when a newer version wrote one.
        """
        return await episodes.locked(self._session, scope)

    async def save_episode(self, episode: Episode) -> None:
        """Keep an episode, new or changed. The scope's lock is held.

        Raises `StoreRefused` when a higher version is kept or it is over there, or another one of its cause is not.
        """
        await episodes.save(self._session, episode)

    async def record(
        self,
        scope: Scope,
        minute: datetime,
        samples: Sequence[Sample],
        problems: Sequence[Problem] | None,
        unjudged: Sequence[str] = (),
    ) -> None:
        """Keep the samples of a minute, and which problems there are; None: that is not known, so none ends.

        Nor does one whose key has one of `unjudged` in it.
        """
        await self._recorder.record(self._session, scope, minute, samples, problems, unjudged)

    async def note(self, note: Note) -> bool:
        """Keep something that happened; False when it was noted before in its namespace."""
        return await history.note(self._session, note)

    async def finish(self, claimed: Claimed) -> bool:
        """Mark a request done and wipe its reply address.

        False when the lease was lost: whoever took it over will do the work, and this transaction rolls back at its end
        whatever else is put into it.
        """
        finished = await inbox.finish(self._session, claimed)
        if not finished:
            self._session.doomed = True
        return finished

    async def put(self, post: Post) -> int:
        """Add a message to the outbox, or paint over the older picture of its subject that waits in its channel."""
        return await outbox.put(self._session, post)

    async def audit(self, entry: AuditEntry) -> None:
        """Append to the audit chain. Call it last: it takes the chain's lock until the commit."""
        await audit.append(self._session, entry)
