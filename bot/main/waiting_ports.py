"""The parts of a store that may be handed on before it is open: only who uses one then is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.live import Target
from bot.domain.operations import Operation, State
from bot.domain.people import Actor
from bot.domain.requests import Request
from bot.domain.targets import ObjectRef, Scope
from bot.domain.watch.episodes import Episode, Silence
from bot.domain.watch.samples import Bucket, Note, ProblemSpan, SampleAt
from bot.domain.watch.schedules import Pause, SlotRun
from bot.ports import Attempt, Claimed, OperationQuery, RevisionSeen, SlotClaim, Token, WorkedRevision
from bot.store.store import PostgresStore


@dataclass(frozen=True, slots=True)
class WaitingInbox:
    """The inbox. It takes the store when it is used, not before."""

    store: Callable[[], PostgresStore]

    async def accept(self, request: Request) -> bool:
        return await self.store().inbox.accept(request)

    async def claim(self, *, lease_s: float, key: str | None = None) -> Claimed | None:
        return await self.store().inbox.claim(lease_s=lease_s, key=key)

    async def waiting(self, actor: Actor) -> Sequence[Request]:
        return await self.store().inbox.waiting(actor)


@dataclass(frozen=True, slots=True)
class WaitingOperations:
    """Requests for changes, handed on as the inbox is."""

    store: Callable[[], PostgresStore]

    async def find(self, operation_id: str) -> Operation | None:
        return await self.store().operations.find(operation_id)

    async def blocking(self, target: Target) -> Operation | None:
        return await self.store().operations.blocking(target)

    async def search(self, query: OperationQuery) -> Sequence[Operation]:
        return await self.store().operations.search(query)

    async def token(self, token_hash: str) -> Token | None:
        return await self.store().operations.token(token_hash)

    async def message(self, subject: str, channel: str) -> str:
        return await self.store().operations.message(subject, channel)

    async def take(self, *, lease_s: float, worker: str) -> Operation | None:
        return await self.store().operations.take(lease_s=lease_s, worker=worker)

    async def renew(self, operation: Operation, *, lease_s: float) -> bool:
        return await self.store().operations.renew(operation, lease_s=lease_s)

    async def release(self, operation: Operation) -> None:
        await self.store().operations.release(operation)

    async def begin_attempt(self, attempt: Attempt) -> bool:
        return await self.store().operations.begin_attempt(attempt)

    async def end_attempt(self, attempt: Attempt, outcome: str) -> None:
        await self.store().operations.end_attempt(attempt, outcome)

    async def attempts(self, operation_id: str) -> Sequence[Attempt]:
        return await self.store().operations.attempts(operation_id)

    async def due(self, *, limit: int) -> Sequence[str]:
        return await self.store().operations.due(limit=limit)

    async def left_marks(self, scope: Scope) -> Sequence[str]:
        return await self.store().operations.left_marks(scope)

    async def blocking_counts(self) -> Mapping[State, int]:
        return await self.store().operations.blocking_counts()


@dataclass(frozen=True, slots=True)
class WaitingRecord:
    """What was seen to work, handed on as the inbox is."""

    store: Callable[[], PostgresStore]

    async def worked(self, scope: Scope, ref: ObjectRef) -> Sequence[WorkedRevision]:
        return await self.store().record.worked(scope, ref)

    async def note(self, scope: Scope, seen: Sequence[RevisionSeen]) -> None:
        await self.store().record.note(scope, seen)

    async def lasted(self, scope: Scope, ref: ObjectRef) -> Sequence[float]:
        return await self.store().record.lasted(scope, ref)


@dataclass(frozen=True, slots=True)
class WaitingHistory:
    """What was recorded by the minute, handed on as the inbox is."""

    store: Callable[[], PostgresStore]

    async def samples(self, scope: Scope, *, since: datetime, ref: ObjectRef | None = None) -> Sequence[SampleAt]:
        return await self.store().history.samples(scope, since=since, ref=ref)

    async def buckets(self, scope: Scope, *, since: datetime, until: datetime, step_s: int) -> Sequence[Bucket]:
        return await self.store().history.buckets(scope, since=since, until=until, step_s=step_s)

    async def spans(self, scope: Scope, *, since: datetime) -> Sequence[ProblemSpan]:
        return await self.store().history.spans(scope, since=since)

    async def notes(self, scope: Scope, *, since: datetime) -> Sequence[Note]:
        return await self.store().history.notes(scope, since=since)

    async def forget(self, *, days: int) -> int:
        return await self.store().history.forget(days=days)


@dataclass(frozen=True, slots=True)
class WaitingEpisodes:
    """Alerts by cause, handed on as the inbox is."""

    store: Callable[[], PostgresStore]

    async def open(self, scope: Scope | None = None) -> Sequence[Episode]:
        return await self.store().episodes.open(scope)

    async def find(self, episode_id: str) -> Episode | None:
        return await self.store().episodes.find(episode_id)

    async def since(self, scope: Scope, moment: datetime) -> Sequence[Episode]:
        return await self.store().episodes.since(scope, moment)

    async def unannounced(self, *, limit: int) -> Sequence[str]:
        return await self.store().episodes.unannounced(limit=limit)

    async def silences(self) -> Sequence[Silence]:
        return await self.store().episodes.silences()


@dataclass(frozen=True, slots=True)
class WaitingSlots:
    """Due moments of schedules, handed on as the inbox is."""

    store: Callable[[], PostgresStore]

    async def begin(
        self, name: str, due_at: datetime, *, lease_s: float, again_s: float | None = None
    ) -> SlotClaim | None:
        return await self.store().slots.begin(name, due_at, lease_s=lease_s, again_s=again_s)

    async def release(self, claim: SlotClaim) -> None:
        await self.store().slots.release(claim)

    async def unfinished(self, name: str, *, since: datetime) -> Sequence[datetime]:
        return await self.store().slots.unfinished(name, since=since)

    async def newest(self, name: str) -> datetime | None:
        return await self.store().slots.newest(name)

    async def runs(self, names: Sequence[str]) -> Mapping[str, Sequence[SlotRun]]:
        return await self.store().slots.runs(names)

    async def pauses(self) -> Mapping[str, Pause]:
        return await self.store().slots.pauses()
