"""Carry approved operations out: look once more, claim, write once, follow to the end; or take over what began."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from functools import partial

from bot.domain import transitions as states
from bot.domain.operations import Effect, Operation, State
from bot.domain.transitions import NotPossible
from bot.engine.cards import outcome_view
from bot.engine.evidence import FRESH_S, Evidence, look, policy_problem, votes_lost
from bot.engine.following import Following
from bot.engine.holding import FenceLost, Hold
from bot.engine.recovering import WITHOUT_EFFECT, Settling
from bot.engine.workshop import Workshop
from bot.errors import ClusterError, DirectoryUnavailable, StoreUnavailable

log = logging.getLogger(__name__)

# What cannot be known now is asked again so much later, or earlier where leases are short.
_PAUSE_S = 2.0


class Executor:
    """Carries operations on, each by one worker at a time."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop
        self._stopping = False

    def stop(self) -> None:
        """Let go of what is only followed, at the next look: another worker takes it over at once."""
        self._stopping = True

    async def step(self) -> bool:
        """Carry one operation on as far as it goes; False when none waits. Raises `StoreUnavailable`."""
        hold = await self.take()
        if hold is None:
            return False
        await self.carry_on(hold)
        return True

    async def take(self) -> Hold | None:
        """Take the oldest operation that nobody works on; None when there is none, or when stopping."""
        if self._stopping:
            return None
        asked_at = time.monotonic()
        workshop = self._workshop
        operation = await workshop.store.operations.take(lease_s=workshop.lease_s, worker=workshop.name)
        return None if operation is None else Hold(workshop, operation, asked_at=asked_at)

    async def carry_on(self, hold: Hold) -> None:
        """Carry an operation on as far as it goes: to its end, or to where only waiting helps."""
        try:
            await self._workshop.at("taken")
            await self._carry_on(hold)
        except FenceLost:
            # Others changed the operation, or have it: nothing more is said.
            log.info("an operation is in other hands", extra={"event": "fence_lost", "operation": hold.operation.id})
        except StoreUnavailable:
            raise
        except Exception:
            reference = self._workshop.references.new()
            extra = {"event": "operation_broken", "operation": hold.operation.id, "reference": reference}
            log.exception("an operation could not be carried on", extra=extra)
            with suppress(FenceLost):
                await self._give_up(hold, reference)
        await hold.release()

    async def _carry_on(self, hold: Hold) -> None:
        if hold.operation.state is State.EXECUTING:
            await hold.note("takeover")
            self._workshop.meter.change_taken_over()
        elif not await self._begin(hold):
            return
        if hold.operation.effect is Effect.APPLIED or await Settling(hold).run():
            await Following(hold, lambda: self._stopping).run()

    # --- before the claim ---------------------------------------------------------------------------------------------

    async def _begin(self, hold: Hold) -> bool:
        """Claim an approved operation if it may still begin; False when it may not, or not yet."""
        workshop, operation = self._workshop, hold.operation
        problem = policy_problem(workshop, operation)
        if problem:
            return await self._supersede(hold, problem)
        try:
            lost = await votes_lost(workshop, operation)
            if lost:
                return await self._void(hold, lost)
            evidence = await look(workshop, operation)
        except (DirectoryUnavailable, ClusterError) as error:
            log.warning("an approved change waits: %s", error.message, extra={"event": "evidence_missing"})
            await hold.pause(min(_PAUSE_S, workshop.renew_s))
            return False
        await workshop.at("evidence")
        if evidence.problem:
            return await self._supersede(hold, evidence.problem)
        return await self._claim(hold, evidence)

    async def _claim(self, hold: Hold, evidence: Evidence) -> bool:
        """Make it ours: from here on it takes effect once, or ends in a state that says why not."""
        age_s = (self._workshop.clock.now() - evidence.at).total_seconds()
        if age_s > FRESH_S or hold.left_s <= 0:
            return False
        live = evidence.live
        try:
            await hold.record(
                lambda found, now: states.claim(found, now=now),
                "claimed",
                detail={"resource_version": live.resource_version},
                before_commit="claimed:before-commit",
            )
        except NotPossible as error:
            log.info("an operation did not begin: %s", error.message, extra={"event": "claim_refused"})
            return False
        await self._workshop.at("claimed")
        await hold.renew()
        return True

    async def _supersede(self, hold: Hold, why: str) -> bool:
        await hold.record(lambda found, now: states.supersede(found, why, now=now), "superseded", told=outcome_view)
        return False

    async def _void(self, hold: Hold, lost: Mapping[str, str]) -> bool:
        why = "; ".join(f"{human} {reason}" for human, reason in sorted(lost.items()))
        detail = {"why": why, "humans": ", ".join(sorted(lost))}
        await hold.record(lambda found, _: states.void_votes(found, lost), "vote_lost", detail=detail)
        return False

    # --- a bug --------------------------------------------------------------------------------------------------------

    async def _give_up(self, hold: Hold, reference: str) -> None:
        """End what a bug stopped: to try it again and again would block its target. What was not claimed may wait."""
        if hold.operation.state is not State.EXECUTING:
            await hold.pause(min(_PAUSE_S, self._workshop.renew_s))
            return
        attempts = await self._workshop.store.operations.attempts(hold.operation.id)
        told = f"ragops met a bug, reference {reference}"
        if hold.operation.effect is Effect.APPLIED:
            step = partial(_failed, why=f"it is not followed any more: {told}")
        elif all(attempt.outcome in WITHOUT_EFFECT for attempt in attempts):
            step = partial(_failed, why=told)
        else:
            step = partial(_lost, why=told)
        await hold.record(step, "result", detail={"reference": reference}, told=outcome_view)


def _failed(found: Operation, now: datetime, *, why: str) -> Operation:
    return states.fail(found, why, now=now)


def _lost(found: Operation, now: datetime, *, why: str) -> Operation:
    return states.lose(found, why, now=now)
