"""Follow a change that was written until it is complete or has failed, by what the API server says of the object."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.diagnosis.words import duration
from bot.domain import transitions as states
from bot.domain.live import Json, Live
from bot.domain.operations import Operation, Progress
from bot.domain.rollout import rollout_of
from bot.domain.steps import ROLL_OUTS, ClearFailed, Evict, Scale, SetBounds, Standing
from bot.domain.steps.base import spec_of
from bot.domain.text import first_line
from bot.engine.card_words import time_left
from bot.engine.holding import Elapsed, Hold, Step
from bot.engine.writing import stamp_of
from bot.errors import ClusterError
from bot.redaction import redact

log = logging.getLogger(__name__)

# In looks: how long a failure must last to be believed (a pod that does not fit may fit once an old one is gone), and
# how often people are told how far it is: when pods became ready, and when only time went by.
_BELIEVED_AFTER = 10
_TOLD_EVERY = 5
_TIMED_EVERY = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one look says: complete, failed (why, and whether that can still pass), or on its way."""

    done: bool = False
    failed: str = ""
    passing: bool = False
    progress: Progress | None = None


def judge(operation: Operation, live: Live, watched: Json | None) -> Seen:
    """Say how far a written change is. `watched` is the workload that the draft watches, None where there is none."""
    draft = operation.plan.draft
    match draft.step:
        case ClearFailed() as step:
            gone = step.compare(live, stamp_of(operation)).standing is Standing.TO
            return Seen(done=gone)
        case Evict():
            there = live.object is not None and live.uid == draft.target.uid
            return (
                Seen(progress=Progress(ready=0, wanted=1, note="the pod ends"))
                if there
                else _rollout(operation, watched)
            )
        case _:
            over = _overwritten(operation, live)
            if over:
                return Seen(failed=over)
            if isinstance(draft.step, SetBounds):
                return _bounded(operation, draft.step, watched)
            return _rollout(operation, live.object, generation=operation.generation)


def _overwritten(operation: Operation, live: Live) -> str:
    """Say that the object is not as it was left; a generation that has not moved proves that it is."""
    draft = operation.plan.draft
    if live.object is None:
        return f"{draft.target.ref} was deleted meanwhile"
    if live.uid != draft.target.uid:
        return f"{draft.target.ref} was deleted and made anew meanwhile"
    if operation.generation and live.generation == operation.generation:
        return ""
    if isinstance(draft.step, Scale) and (now := int(spec_of(live.object).get("replicas", 1))) != draft.step.replicas:
        return f"overwritten since: {now} pods are asked for now, not {draft.step.replicas}"
    compared = draft.step.compare(live, stamp_of(operation))
    match compared.standing:
        case Standing.TO:
            return ""
        case Standing.FROM:
            return "overwritten since: somebody put it back as it was"
        case Standing.OTHER:
            return f"overwritten since: {compared.difference}"


def _bounded(operation: Operation, step: SetBounds, watched: Json | None) -> Seen:
    """Wait for the autoscaler to act on its bounds, then for the pods."""
    if watched is None:
        return Seen(done=True)
    replicas = int(spec_of(watched).get("replicas", 1))
    if replicas and not step.minimum <= replicas <= step.maximum:
        return Seen(progress=Progress(ready=0, wanted=step.minimum, note="the autoscaler has not acted yet"))
    return _rollout(operation, watched)


def _rollout(operation: Operation, workload: Json | None, *, generation: int = 0) -> Seen:
    """Judge a workload's roll-out; where none is watched, nothing is left to wait for."""
    draft = operation.plan.draft
    if draft.watch is None and workload is None:
        return Seen(done=True)
    watched = draft.watch or draft.target.ref
    if workload is None:
        return Seen(failed=f"{watched} was deleted meanwhile")
    rollout = rollout_of(watched.kind, workload, generation=generation, since=operation.written_at)
    said = first_line(redact(rollout.said)).rstrip(".")
    return Seen(
        done=rollout.done,
        failed=f"{rollout.failed}: {said}" if said else rollout.failed,
        passing=True,
        progress=Progress(ready=rollout.ready, wanted=rollout.wanted, note=rollout.note),
    )


class Following:
    """Looks at one written operation again and again; `stopping` says that this worker is about to end."""

    def __init__(self, hold: Hold, stopping: Callable[[], bool]) -> None:
        self._hold = hold
        self._workshop = hold.workshop
        self._stopping = stopping
        self._failing_since: float | None = None
        self._told_at = 0.0
        self._told: Progress | None = None
        self._lasted: Sequence[float] = ()

    async def run(self) -> None:
        """Follow it to its end, or until stopping: then others go on. Raises `FenceLost`, and `StoreUnavailable`."""
        elapsed = await Elapsed.since(self._workshop.store, self._hold.operation.written_at)
        self._lasted = await self._lasted_before()
        while True:
            await self._hold.keep()
            seen = await self._look()
            await self._workshop.at("followed")
            step = self._end_of(seen, elapsed.seconds)
            if step is not None:
                await self._hold.end(step)
                return
            if self._stopping():
                return
            if seen is not None and seen.progress is not None:
                await self._tell(seen.progress, elapsed.seconds)
            await self._hold.pause(self._workshop.follow_every_s)

    async def _look(self) -> Seen | None:
        draft = self._hold.operation.plan.draft
        target, watch = draft.target, draft.watch
        live_of = self._workshop.writer.live
        try:
            live = await live_of(target.scope, target.kind, target.name, reads=draft.step.reads)
            watched = None
            if watch is not None and watch != target.ref:
                watched = (await live_of(target.scope, watch.kind, watch.name)).object
        except ClusterError as error:
            log.info("a roll-out cannot be seen now: %s", error.message, extra={"event": "rollout_unread"})
            return None
        return judge(self._hold.operation, live, watched)

    def _end_of(self, seen: Seen | None, elapsed_s: float) -> Step | None:
        """Return how it ends, if it does."""
        if seen is not None and seen.done:
            due = timedelta(seconds=self._workshop.verdict_after_s)
            return lambda found, now: replace(states.succeed(found, now=now), verdict_due=now + due)
        if seen is not None and seen.failed and not (seen.passing and self._may_pass()):
            return lambda found, now: states.fail(found, seen.failed, now=now)
        if seen is None or not seen.failed:
            self._failing_since = None
        lasts_s = self._hold.operation.plan.draft.lasts_s
        if elapsed_s > lasts_s:
            why = _late(seen, lasts_s)
            return lambda found, now: states.fail(found, why, now=now)
        return None

    def _may_pass(self) -> bool:
        now = time.monotonic()
        if self._failing_since is None:
            self._failing_since = now
        return now - self._failing_since < _BELIEVED_AFTER * self._workshop.follow_every_s

    async def _lasted_before(self) -> Sequence[float]:
        """Return how many seconds the last roll-outs of the workload took; none for what is no roll-out of it."""
        draft = self._hold.operation.plan.draft
        if not isinstance(draft.step, ROLL_OUTS):
            return ()
        return await self._workshop.store.record.lasted(draft.target.scope, draft.target.ref)

    async def _tell(self, progress: Progress, elapsed_s: float) -> None:
        """Show how far it is and how long it may still take, when that changed, and not too often."""
        notes = (progress.note, time_left(self._lasted, elapsed_s))
        shown = replace(progress, note=", ".join(filter(None, notes)))
        if shown == self._hold.operation.progress:
            return
        looks = _TIMED_EVERY if progress == self._told else _TOLD_EVERY
        now = time.monotonic()
        if now - self._told_at < looks * self._workshop.follow_every_s:
            return
        self._told_at, self._told = now, progress
        await self._hold.show(shown)


def _late(seen: Seen | None, lasts_s: int) -> str:
    if seen is None:
        return f"the cluster could not be read for long: nobody saw it complete within {duration(lasts_s)}"
    progress = seen.progress
    far = f": {progress.ready} of {progress.wanted} pods are ready" if progress is not None else ""
    return f"not complete within {duration(lasts_s)}{far}"
