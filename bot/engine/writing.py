"""Send what a step writes: each write noted before it leaves, under the fence, and never after the lease is over."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from bot.domain.live import Live
from bot.domain.operations import Operation, approvers
from bot.domain.steps import Deletion, Eviction, Stamp, Write
from bot.domain.text import first_line
from bot.engine.holding import FenceLost, Hold
from bot.errors import (
    ClusterError,
    WriteConflict,
    WriteRefused,
    WriteThrottled,
    WriteUnknown,
)
from bot.ports import Attempt

log = logging.getLogger(__name__)

# A request ends so long before the lease does that nobody who takes the operation over meets it on its way.
_MARGIN = 0.1
_GONE = 404
_NOT_SENT_S = 1.0


@dataclass(frozen=True, slots=True)
class Applied:
    """The API server took it; `generation` and `resource_version` are the target's afterwards."""

    generation: int = 0
    resource_version: str = ""


@dataclass(frozen=True, slots=True)
class Moved:
    """The object was changed since it was read: nothing was written."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was written, and to ask again would not help."""

    why: str
    status: int = 0


@dataclass(frozen=True, slots=True)
class Later:
    """Nothing was written; the API server asks to wait for `seconds`."""

    why: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Doubt:
    """Nobody knows whether it was written."""

    why: str


Answer = Applied | Moved | Refused | Later | Doubt


def stamp_of(operation: Operation) -> Stamp:
    """Return what the operation's writes carry; the votes that count were fixed by its claim."""
    return operation.plan.stamp(operation.id, approvers(operation))


def _said(error: ClusterError) -> str:
    return first_line(error.message).rstrip(".")


class Writing:
    """The writes of one operation in one worker's hands; it numbers them."""

    def __init__(self, hold: Hold) -> None:
        self._hold = hold
        self._number = 0

    async def send(self, live: Live) -> Answer:
        """Write the step to the target as it was just read. Raises `FenceLost`, and `StoreUnavailable`.

        A step of several writes goes on over those that moved or are gone; anything else ends it.
        """
        operation = self._hold.operation
        answer: Answer = Applied()
        for write in operation.plan.draft.step.writes(live, stamp_of(operation)):
            one = await self._one(live, write)
            match one:
                case Moved():
                    answer = one
                case Refused(status=status) if status == _GONE and isinstance(write, Deletion):
                    continue
                case Refused() | Later() | Doubt():
                    return one
                case Applied() if isinstance(answer, Applied):
                    answer = one
        return answer

    async def _one(self, live: Live, write: Write) -> Answer:
        if isinstance(write, Eviction):
            # A conflict costs a disruption budget two minutes, but not in a dry run.
            rehearsed, _ = await self._asked(write, dry_run=True)
            if not isinstance(rehearsed, Applied):
                return rehearsed
        attempt = self._attempt(live, write)
        if not await self._hold.workshop.store.operations.begin_attempt(attempt):
            raise FenceLost
        await self._hold.note("attempt", {"number": attempt.number, "resource_version": attempt.resource_version})
        await self._hold.workshop.at("attempt")
        answer, outcome = await self._asked(write, dry_run=False)
        await self._hold.workshop.at("written:after")
        await self._hold.workshop.store.operations.end_attempt(attempt, outcome)
        return answer

    async def _asked(self, write: Write, *, dry_run: bool) -> tuple[Answer, str]:
        """Send a write; return the answer, and the outcome to be noted."""
        hold, workshop = self._hold, self._hold.workshop
        timeout_s = await self._time_left()
        scope = hold.operation.plan.draft.target.scope
        if not dry_run:
            # The last moment: a process that stands still from here on is stopped by the object's version alone.
            await workshop.at("written:before")
        try:
            written = await workshop.writer.write(scope, write, dry_run=dry_run, timeout_s=timeout_s)
        except WriteConflict:
            return Moved(), "conflict"
        except WriteRefused as error:
            return Refused(_said(error), error.status), "refused"
        except WriteThrottled as error:
            if error.retry_after_s is None:
                return Refused(_said(error)), "throttled"
            return Later(_said(error), error.retry_after_s), "throttled"
        except WriteUnknown as error:
            log.warning("a change was sent without an answer: %s", error.message, extra={"event": "write_unknown"})
            return Doubt(_said(error)), "unknown"
        except ClusterError as error:
            # Nothing was sent.
            return Later(_said(error), _NOT_SENT_S), "refused"
        return Applied(written.generation, written.resource_version), "applied"

    async def _time_left(self) -> float:
        """Return how long a write may take, and see to it that this is long enough. Raises `FenceLost`."""
        hold, workshop = self._hold, self._hold.workshop
        wanted = min(workshop.write_timeout_s, workshop.lease_s * (1 - _MARGIN) / 2)
        if hold.left_s < wanted:
            await hold.renew()
        left = hold.left_s - workshop.lease_s * _MARGIN
        if left <= 0:
            raise FenceLost
        return min(workshop.write_timeout_s, left)

    def _attempt(self, live: Live, write: Write) -> Attempt:
        self._number += 1
        version = write.resource_version if isinstance(write, Eviction | Deletion) else live.resource_version
        return Attempt(
            operation_id=self._hold.operation.id,
            fence=self._hold.operation.fence,
            number=self._number,
            resource_version=version,
            generation=live.generation,
            prior_marker=live.marker,
        )
