"""The sampler: looks every 15 seconds at what nobody counts as it happens, and sets the gauges.

A look that fails is counted and logged once until it succeeds again, and its gauges say that nothing is known. Nothing
that goes wrong here may end the bot, so this is a place that catches everything.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from functools import partial

from bot.cancellation import was_cancelled
from bot.diagnosis import diagnose
from bot.domain.findings import Verdict
from bot.domain.snapshot import ALL_PARTS, Snapshot
from bot.domain.targets import Scope
from bot.domain.watch.schedules import Schedule, SlotRun, slot_of_looks
from bot.errors import BotError
from bot.health.checks import Readiness, blindness
from bot.health.metrics import PrometheusMeter, ScopeFigures
from bot.ports import Calendar, Clock, ClusterReader, Store

log = logging.getLogger(__name__)

FIRST_S, EVERY_S = 3.0, 15.0
LIMIT_S = 5.0
_NOTHING_KNOWN = ScopeFigures(verdict=Verdict.UNKNOWN, findings={}, ages={})


class Sampler:
    """Sets the gauges of a meter, again and again.

    `scopes` are the namespaces whose findings are counted, `schedules` what is due by `calendar`.
    """

    def __init__(
        self,
        meter: PrometheusMeter,
        readiness: Readiness,
        *,
        store: Store,
        cluster: ClusterReader,
        scopes: Sequence[Scope],
        clock: Clock,
        schedules: Sequence[Schedule] = (),
        calendar: Calendar | None = None,
    ) -> None:
        self._meter = meter
        self._readiness = readiness
        self._store = store
        self._cluster = cluster
        self._scopes = tuple(scopes)
        self._clock = clock
        self._schedules = tuple(schedules)
        self._calendar = calendar
        self._looked_at: dict[Scope, datetime] = {}
        self._failing: set[str] = set()

    async def run(self) -> None:
        """Look every 15 s until cancelled; at first a little later, because what only just starts would only fail."""
        await self._clock.sleep(FIRST_S)
        while not was_cancelled():
            await self.sample()
            await self._clock.sleep(EVERY_S)

    async def sample(self) -> None:
        """Look at everything once, one thing after the other, so that the loop has time for people between them."""
        if not await self._look("readiness", "readiness", self._checks):
            self._meter.is_ready(replica=False, checks={})
        if not await self._look("outbox", "the outbox", self._outbox):
            self._meter.outbox_waits(None)
        if not await self._look("changes", "requests for changes", self._changes):
            self._meter.changes_stand(None)
        if not await self._look("episodes", "alerts", self._episodes):
            self._meter.episodes_stand(None)
        if not await self._look("slots", "looks and schedules", self._slots):
            self._slots_unknown()
        for scope in self._scopes:
            if was_cancelled():
                return
            if not await self._look("cluster", str(scope), partial(self._scope, scope)):
                self._meter.scope_seen(scope, _NOTHING_KNOWN)

    async def _checks(self) -> None:
        state = await self._readiness.look()
        self._meter.is_ready(replica=state.ready, checks={told.name: not told.words for told in state.checks})

    async def _outbox(self) -> None:
        self._meter.outbox_waits(await self._store.outbox.depth())

    async def _changes(self) -> None:
        self._meter.changes_stand(await self._store.operations.blocking_counts())

    async def _episodes(self) -> None:
        episodes = await self._store.episodes.open()
        fire = (episode for episode in episodes if episode.fires)
        self._meter.episodes_stand(Counter(episode.severity.word for episode in fire))

    async def _slots(self) -> None:
        looks = {scope: slot_of_looks(scope) for scope in self._scopes}
        runs = await self._store.slots.runs([*looks.values(), *(schedule.name for schedule in self._schedules)])
        now = self._clock.now()
        for scope, name in looks.items():
            ends = [run.done_at for run in runs[name] if run.done_at is not None]
            # After many looks that failed the newest that ended is not among the last few any more: it is remembered.
            ended = self._looked_at[scope] = max(ends, default=self._looked_at.get(scope, now))
            self._meter.look_ended(scope, (now - ended).total_seconds())
        waits = {each.name: self._overdue_s(each, runs[each.name], now) for each in self._schedules}
        self._meter.schedules_wait({name: seconds for name, seconds in waits.items() if seconds is not None})

    def _overdue_s(self, schedule: Schedule, runs: Iterable[SlotRun], now: datetime) -> float | None:
        due = self._calendar.latest(schedule, now) if self._calendar is not None else None
        return None if due is None else overdue_s(due, runs, now)

    def _slots_unknown(self) -> None:
        for scope in self._scopes:
            self._meter.look_ended(scope, None)
        self._meter.schedules_wait({})

    async def _scope(self, scope: Scope) -> None:
        snapshot = await self._cluster.snapshot(scope, ALL_PARTS)
        # Over thousands of pods it takes tens of milliseconds: pure work, done beside the loop.
        self._meter.scope_seen(scope, await asyncio.to_thread(figures_of, snapshot, self._clock.now()))

    async def _look(self, what: str, name: str, look: Callable[[], Awaitable[None]]) -> bool:
        """Look at one thing; False when that failed."""
        try:
            async with asyncio.timeout(LIMIT_S):
                await look()
        except (BotError, TimeoutError) as error:
            if extra := self._failed(what, name):
                reason = error.message if isinstance(error, BotError) else f"no answer within {LIMIT_S:g} s"
                log.warning("no figures of %s: %s", name, reason, extra=extra)
            return False
        except Exception:
            if extra := self._failed(what, name):
                log.exception("no figures of %s", name, extra=extra)
            return False
        if name in self._failing:
            self._failing.discard(name)
            log.info("figures of %s again", name, extra={"event": "sample_recovered", "what": what})
        return True

    def _failed(self, what: str, name: str) -> dict[str, str]:
        """Count a failure; return what the log is to say, nothing when it was said before."""
        self._meter.sample_failed(what)
        if name in self._failing:
            return {}
        self._failing.add(name)
        return {"event": "sample_failed", "what": what}


def overdue_s(due: datetime, runs: Iterable[SlotRun], now: datetime) -> float:
    """Return how many seconds a due moment has waited; 0 when it, or a newer one, is done with. Pure."""
    done = any(run.due_at >= due and run.done_at is not None for run in runs)
    return 0.0 if done else (now - due).total_seconds()


def figures_of(snapshot: Snapshot, now: datetime) -> ScopeFigures:
    """Return the figures of one namespace. What is not live any more is told by its age, not by old findings. Pure."""
    ages = {
        part.value: (now - status.as_of).total_seconds()
        for part, status in snapshot.parts.items()
        if status.as_of is not None
    }
    if blindness(snapshot):
        return ScopeFigures(verdict=Verdict.UNKNOWN, findings={}, ages=ages)
    report = diagnose(snapshot)
    return ScopeFigures(
        verdict=report.verdict,
        findings=Counter((finding.severity.word, finding.code) for finding in report.findings),
        ages=ages,
    )
