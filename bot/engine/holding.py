"""An operation in one worker's hands: until when, under which fence, and how its next state is written down."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

from bot.domain.operations import Operation, Progress
from bot.domain.transitions import progressed
from bot.domain.view import View
from bot.engine.cards import outcome_view
from bot.engine.counting import count_step
from bot.engine.keeping import entry, keep, save
from bot.engine.workshop import Workshop
from bot.ports import AuditEntry, Store

Step = Callable[[Operation, datetime], Operation]
Detail = Mapping[str, str | int | bool]


class FenceLost(Exception):
    """Somebody else has the operation by now: whoever meets this stops, and writes nothing more."""


class Elapsed:
    """Seconds since a moment of the database's clock, told by the monotonic clock after one look at the database's."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._looked_at = time.monotonic()

    @classmethod
    async def since(cls, store: Store, moment: datetime | None) -> Elapsed:
        """Begin to count; a moment that is not known is now."""
        async with store.transaction() as transaction:
            now = await transaction.now()
        return cls((now - moment).total_seconds() if moment is not None else 0.0)

    @property
    def seconds(self) -> float:
        return self._seconds + time.monotonic() - self._looked_at


class Hold:
    """One operation that this worker has, as it was last written down.

    The lease is counted by the monotonic clock from before the database was asked: a process that was stopped meanwhile
    finds it over, and never believes that it lasts longer than the database does.
    """

    def __init__(self, workshop: Workshop, operation: Operation, *, asked_at: float) -> None:
        self.workshop = workshop
        self.operation = operation
        self._held_from(asked_at)

    def _held_from(self, asked_at: float) -> None:
        self._until = asked_at + self.workshop.lease_s
        self._renew_at = asked_at + self.workshop.renew_s

    @property
    def left_s(self) -> float:
        """Return how many seconds of the lease are left; negative when it is over."""
        return self._until - time.monotonic()

    async def renew(self) -> None:
        """Hold it for another lease. Raises `FenceLost`."""
        asked_at = time.monotonic()
        if not await self.workshop.store.operations.renew(self.operation, lease_s=self.workshop.lease_s):
            raise FenceLost
        self._held_from(asked_at)

    async def keep(self) -> None:
        """Renew the lease when it is time to. Raises `FenceLost`."""
        if time.monotonic() >= self._renew_at:
            await self.renew()

    async def pause(self, seconds: float) -> None:
        """Wait, and keep holding it meanwhile. Raises `FenceLost`."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            await self.workshop.clock.sleep(min(left, self.workshop.renew_s))
            await self.keep()

    async def release(self) -> None:
        """Let it go, for anybody to take at once, if it is still ours and open."""
        await self.workshop.store.operations.release(self.operation)

    async def end(self, step: Step) -> None:
        """Write down how it ended, and tell it in the thread. Raises as `record` does."""
        await self.record(step, "result", before_commit="ended:before-commit", told=outcome_view)
        await self.workshop.at("ended")

    async def record(
        self,
        step: Step,
        action: str,
        *,
        detail: Detail = MappingProxyType({}),
        before_commit: str = "",
        told: Callable[[Operation], View] | None = None,
    ) -> None:
        """Write the next state down, with its card, its audit entry and what the thread is `told`.

        `step` is applied under the row's lock with the database's time. It must be what this worker knows: one that was
        changed by others since is left alone. Raises `FenceLost`, and what `step` raises.
        """
        workshop = self.workshop
        async with workshop.store.transaction() as transaction:
            found = await transaction.operation(self.operation.id)
            now = await transaction.now()
            if found is None or (found.fence, found.version) != (self.operation.fence, self.operation.version):
                raise FenceLost
            changed = step(found, now)
            written = self._entry(changed, action, detail)
            view = told(changed) if told is not None else None
            if not await keep(transaction, workshop, changed, written, fence=found.fence, told=view):
                raise FenceLost
            if before_commit:
                await workshop.at(before_commit)
        count_step(workshop.meter, found, changed)
        self.operation = changed

    async def show(self, progress: Progress) -> None:
        """Show how far it is. Raises `FenceLost`."""
        async with self.workshop.store.transaction() as transaction:
            found = await transaction.operation(self.operation.id)
            if found is None or (found.fence, found.version) != (self.operation.fence, self.operation.version):
                raise FenceLost
            changed = progressed(found, progress)
            if not await save(transaction, self.workshop, changed, fence=found.fence):
                raise FenceLost
        self.operation = changed

    async def note(self, action: str, detail: Detail = MappingProxyType({})) -> None:
        """Write down in the audit what happened without a new state."""
        async with self.workshop.store.transaction() as transaction:
            await transaction.audit(self._entry(self.operation, action, detail))

    def _entry(self, operation: Operation, action: str, detail: Detail) -> AuditEntry:
        written = entry(operation, action, fence=operation.fence, worker=self.workshop.name)
        return replace(written, detail={**written.detail, **detail})
