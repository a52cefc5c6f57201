"""From a claim to a known effect: read, see what earlier writes came to, write or not, and leave no doubt unsaid.

The same loop serves a first write, a conflict, a lost answer and a worker that takes over: what to do follows from the
object and from the attempts that were noted, never from what this process remembers.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from datetime import datetime
from enum import Enum, auto

from bot.domain import transitions as states
from bot.domain.live import VOID, Live, annotations_of, metadata_of
from bot.domain.operations import Operation
from bot.domain.recovery import Happened, Redo, Unknown, recover
from bot.domain.steps import ClearFailed, void_patch
from bot.domain.text import count
from bot.engine.evidence import drift
from bot.engine.holding import Detail, Elapsed, Hold
from bot.engine.writing import Applied, Doubt, Later, Moved, Refused, Writing, stamp_of
from bot.errors import ClusterError, WriteRefused, WriteThrottled
from bot.ports import Attempt

log = logging.getLogger(__name__)

ROUNDS = 5
_JITTER_S = 0.2
_LONGEST_PAUSE_S = 5.0
_LATE = "a change that was sent may still arrive late"
_DOUBTFUL = frozenset({"", "unknown"})
WITHOUT_EFFECT = frozenset({"conflict", "refused", "throttled"})


class _Burnt(Enum):
    """Whether a write that was sent earlier can still pass."""

    YES = auto()
    MOVED = auto()
    IMPOSSIBLE = auto()


class Settling:
    """Brings one claimed operation to where its effect is known."""

    def __init__(self, hold: Hold) -> None:
        self._hold = hold
        self._workshop = hold.workshop
        self._writing = Writing(hold)
        self._conflicts = 0
        self._failures = 0
        self._voids = 0
        self._began = time.monotonic()

    async def run(self) -> bool:
        """Return True once the change is applied, False when the operation has ended without.

        Raises `FenceLost`, and `StoreUnavailable`.
        """
        age = await Elapsed.since(self._workshop.store, self._hold.operation.began_at)
        while True:
            await self._hold.keep()
            attempts = await self._workshop.store.operations.attempts(self._hold.operation.id)
            live = await self._read()
            if live is None:
                if time.monotonic() - self._began > self._workshop.recover_s:
                    return await self._unread(attempts)
                await self._again()
                continue
            await self._workshop.at("read")
            settled = await self._decide(live, attempts, late=age.seconds > self._workshop.recover_s)
            if settled is not None:
                return settled

    async def _read(self) -> Live | None:
        draft = self._hold.operation.plan.draft
        try:
            return await self._workshop.writer.live(
                draft.target.scope, draft.target.kind, draft.target.name, reads=draft.step.reads
            )
        except ClusterError as error:
            log.warning("a target cannot be read now: %s", error.message, extra={"event": "target_unread"})
            return None

    async def _decide(self, live: Live, attempts: Sequence[Attempt], *, late: bool) -> bool | None:
        """Take one round's decision; None to look again."""
        operation = self._hold.operation
        match recover(operation.id, operation.plan, live, attempts):
            case Happened(overwritten=overwritten):
                return await self._happened(live, overwritten)
            case Unknown(reason=reason):
                return await self._unknown(reason, live, attempts)
            case Redo():
                pass
        problem = drift(operation.plan.draft, live, stamp_of(operation))
        if problem:
            return await self._unwritten(problem, live, attempts)
        if annotations_of(live.object).get(VOID) == operation.id:
            return await self._unwritten("it was given up before it was written", live, attempts)
        if late:
            return await self._unwritten("it could not be written in time", live, attempts)
        return await self._write(live, attempts)

    async def _write(self, live: Live, attempts: Sequence[Attempt]) -> bool | None:
        answer = await self._writing.send(live)
        match answer:
            case Applied(generation=generation, resource_version=version):
                return await self._patched(generation, {"resource_version": version})
            case Refused(why=why):
                attempts = await self._workshop.store.operations.attempts(self._hold.operation.id)
                return await self._unwritten(why, live, attempts)
            case Moved():
                self._conflicts += 1
                if self._conflicts >= ROUNDS:
                    return await self._unwritten("it was changed again and again meanwhile", live, attempts)
                await self._hold.pause(self._workshop.chance.uniform(0, _JITTER_S * self._conflicts))
            case Later(seconds=seconds):
                await self._again(at_least=seconds)
            case Doubt():
                await self._again()
        return None

    async def _again(self, *, at_least: float = 0.0) -> None:
        """Wait before the next look, longer after each failure."""
        self._failures += 1
        longest = min(_LONGEST_PAUSE_S, _JITTER_S * 2.0 ** min(self._failures, 16))
        await self._hold.pause(at_least + self._workshop.chance.uniform(0, longest))

    # --- what it comes to ---------------------------------------------------------------------------------------------

    async def _happened(self, live: Live, overwritten: str) -> bool:
        """Record what a write came to whose answer nobody heard."""
        if not overwritten:
            return await self._patched(live.generation, {"resource_version": live.resource_version, "found": True})
        why = f"overwritten since: {overwritten}"
        await self._hold.end(lambda found, now: _failed(found, why, now=now, applied=True))
        return False

    async def _patched(self, generation: int, detail: Detail) -> bool:
        await self._hold.record(
            lambda found, now: states.written(found, now=now, generation=generation),
            "patched",
            detail={"generation": generation, **detail},
        )
        await self._workshop.at("patched")
        return True

    async def _unwritten(self, why: str, live: Live, attempts: Sequence[Attempt]) -> bool | None:
        """End it with what was not written; first see to it that nothing which was sent can still pass."""
        match await self._burn(live, attempts):
            case _Burnt.MOVED:
                return None
            case _Burnt.IMPOSSIBLE:
                await self._hold.end(lambda found, now: states.lose(found, f"{why}; {_LATE}", now=now))
            case _Burnt.YES:
                partly = _partly(self._hold.operation, attempts)
                await self._hold.end(lambda found, now: _failed(found, f"{why}{partly}", now=now, applied=bool(partly)))
        return False

    async def _unknown(self, why: str, live: Live, attempts: Sequence[Attempt]) -> bool | None:
        """End it in doubt, after nothing more can come of it, as far as that can be had."""
        burnt = await self._burn(live, attempts)
        if burnt is _Burnt.MOVED:
            return None
        late = f"; {_LATE}" if burnt is _Burnt.IMPOSSIBLE else ""
        await self._hold.end(lambda found, now: states.lose(found, f"{why}{late}", now=now))
        return False

    async def _unread(self, attempts: Sequence[Attempt]) -> bool:
        """End it because the target could not be read for too long."""
        why = f"the cluster could not be read for {self._workshop.recover_s / 60:.0f} min"
        if all(attempt.outcome in WITHOUT_EFFECT for attempt in attempts):
            await self._hold.end(lambda found, now: states.fail(found, why, now=now))
        else:
            await self._hold.end(lambda found, now: states.lose(found, f"{why}; {_LATE}", now=now))
        return False

    # --- writes that are still on their way ---------------------------------------------------------------------------

    async def _burn(self, live: Live, attempts: Sequence[Attempt]) -> _Burnt:
        """See to it that no write which was sent earlier can still pass: each is bound to the version it was made for.

        Where the object is still of that version, the void mark gives it another. Nothing marks a pod.
        """
        versions = {live.resource_version, *(str(metadata_of(pod).get("resourceVersion", "")) for pod in live.pods)}
        if not any(each.outcome in _DOUBTFUL and each.resource_version in versions for each in attempts):
            return _Burnt.YES
        operation = self._hold.operation
        target = operation.plan.draft.target
        if not operation.plan.draft.step.marked or self._voids >= ROUNDS:
            return _Burnt.IMPOSSIBLE
        self._voids += 1
        patch = void_patch(target.kind, live, operation.id)
        await self._hold.keep()
        try:
            await self._workshop.writer.write(
                target.scope, patch, dry_run=False, timeout_s=self._workshop.write_timeout_s
            )
        except (WriteRefused, WriteThrottled) as error:
            log.warning("a late write cannot be ruled out: %s", error.message, extra={"event": "void_refused"})
            return _Burnt.IMPOSSIBLE
        except ClusterError:
            return _Burnt.MOVED  # the next look tells what came of it
        await self._hold.note("voided", {"resource_version": live.resource_version})
        return _Burnt.YES


def _partly(operation: Operation, attempts: Sequence[Attempt]) -> str:
    """Say how much of a step of several writes was done before it stopped; empty for nothing."""
    step = operation.plan.draft.step
    done = sum(attempt.outcome == "applied" for attempt in attempts)
    if not isinstance(step, ClearFailed) or not done:
        return ""
    return f"; {done} of {count(len(step.pods), 'pod')} {'was' if done == 1 else 'were'} deleted before"


def _failed(operation: Operation, why: str, *, now: datetime, applied: bool) -> Operation:
    begun = states.written(operation, now=now, generation=0) if applied else operation
    return states.fail(begun, why, now=now)
