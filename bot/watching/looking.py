"""Looks at every configured namespace and cluster again and again, and keeps what changes; only notes are posted here.

Of several replicas one looks at a tick: whoever takes its slot. What was read is judged by all rules, and one
transaction changes the episodes, notes what happened, keeps the minute's samples and ends the slot. A cluster that is
away ends nothing, and a database that is away leaves everything as it is.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from bot.domain.findings import Severity
from bot.domain.requests import Place, Post
from bot.domain.targets import WORKLOAD_KINDS, Scope
from bot.domain.watch.episodes import Signal, Silence
from bot.domain.watch.samples import Note
from bot.domain.watch.schedules import slot_of_looks
from bot.domain.watch.transitions import step
from bot.domain.watch.world import Judged, Unknown, World
from bot.errors import Lost
from bot.ports import SlotClaim, Transaction
from bot.watching.card import note_view
from bot.watching.counting import count_over
from bot.watching.happenings import Sight, notes_of, releases_of_sets
from bot.watching.leaving import Leaving
from bot.watching.quiet import is_quiet
from bot.watching.reading import MINUTE, Reader, Readings
from bot.watching.recording import problems_of, unjudged_in
from bot.watching.room import WatchRoom
from bot.watching.rule import Rule, all_rules
from bot.watching.set_releases import JUST_BEFORE, is_news

log = logging.getLogger(__name__)

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


class Watcher:
    """Looks; `rules` are all there are unless given."""

    def __init__(self, room: WatchRoom, *, rules: Sequence[Rule] | None = None) -> None:
        self._room = room
        self._rules = all_rules() if rules is None else tuple(rules)
        self._reader = Reader(room)
        self._ticks: dict[Scope, datetime] = {}
        self._turn = itertools.count(1)
        self._turns: dict[Scope, int] = {}
        self._sights: dict[Scope, Sight] = {}
        self._leaving = Leaving(room)

    async def step(self) -> bool:
        """Look at one place whose tick has come; False when none has. Raises `StoreUnavailable`."""
        tick = self._tick()
        due = [scope for scope in self._room.watched() if self._ticks.get(scope) != tick]
        if not due:
            return await self._leaving.step()
        # Whose turn was longest ago: where looks take longer than a tick, those behind would never have theirs.
        scope = min(due, key=lambda each: self._turns.get(each, 0))
        self._turns[scope] = next(self._turn)
        self._ticks[scope] = tick
        await self._look(scope, tick)
        return True

    def _tick(self) -> datetime:
        every = timedelta(seconds=self._room.policy.every_s)
        return _BEGINNING + (self._room.clock.now() - _BEGINNING) // every * every

    async def _look(self, scope: Scope, tick: datetime) -> None:
        """Look, and count how it ended; a tick that somebody else has is no look."""
        clock, meter = self._room.clock, self._room.meter
        began = clock.now()
        try:
            result = await self._looked(scope, tick)
        except Exception:
            meter.looked("failed", (clock.now() - began).total_seconds())
            raise
        if result:
            meter.looked(result, (clock.now() - began).total_seconds())

    async def _looked(self, scope: Scope, tick: datetime) -> str:
        """Look, and return how it ended; nothing where somebody else has the tick."""
        slots, lease_s = self._room.store.slots, self._room.lease_s
        # A clock that was set back must not blind us until it has caught up.
        claim = await slots.begin(slot_of_looks(scope), tick, lease_s=lease_s, again_s=max(60.0, lease_s))
        if claim is None:
            return ""
        readings = await self._reader.read(scope, tick)
        try:
            await self._keep(readings, claim)
        except Lost:
            log.warning("a look took too long", extra={"event": "look_lost", "scope": str(scope)})
            return "lost"
        return "done"

    async def _keep(self, readings: Readings, claim: SlotClaim) -> None:
        room, world = self._room, readings.world
        judged = self._judge(world)
        before = self._sights.get(world.scope)
        sight = Sight.of(world, before)
        notes = (
            *notes_of(before or sight, sight, world.scope, world.catalogue, world.now),
            *await self._released(before, sight, world),
        )
        silences = await room.store.episodes.silences() if notes else ()
        told = False
        async with room.store.transaction() as transaction:
            known = await transaction.episodes(world.scope)
            now = await transaction.now()
            channels = room.policy.channels
            changed = step(
                known,
                judged,
                now,
                scope=world.scope,
                channels=channels,
                new_id=room.new_id,
                is_watched=self._watches(world),
                hearing=room.policy.thresholds.hearing,
            )
            for episode in changed:
                await transaction.save_episode(episode)
            for note in notes:
                told |= await self._note(transaction, note, world, silences)
            await self._record(transaction, readings)
            if not await transaction.finish_slot(claim, outcome="looked", fresh=True):
                raise Lost
        self._sights[world.scope] = sight
        count_over(room.meter, changed)
        if changed:
            room.changed()
        if told:
            room.put()

    async def _released(self, before: Sight | None, sight: Sight, world: World) -> tuple[Note, ...]:
        """Return the releases of sets that are news. What was told is asked only where one may be, which is rare."""
        found = releases_of_sets(before, sight, world.scope, world.catalogue, world.now)
        if not found:
            return ()
        store = self._room.store
        back = min([world.now - JUST_BEFORE, *(each.since for each in found if each.since is not None)])
        told = await store.history.notes(world.scope, since=back)
        news = []
        for each in found:
            worked = () if each.since is not None else await store.record.worked(world.scope, each.note.ref)
            if is_news(each, worked, told):
                news.append(each.note)
        return tuple(news)

    def _judge(self, world: World) -> list[Judged]:
        """Let all rules of a place judge; one that fails judges nothing, so that what it fires stays as it is."""
        judged = []
        for rule in self._rules_of(world.scope):
            try:
                judged.append(rule.judge(world))
            except Exception:
                log.exception("a rule failed", extra={"event": "rule_failed", "rule": rule.name})
                judged.append(Judged(unknown=(Unknown(rule.beginning, "this rule failed, a fault of this bot"),)))
        return judged

    def _watches(self, world: World) -> Callable[[Signal], bool]:
        """Return what tells whether anything of this configuration, and of this version, still judges a signal."""
        rules = {rule.name: rule for rule in self._rules_of(world.scope)}
        return lambda signal: signal.rule in rules and rules[signal.rule].watches(world, signal)

    def _rules_of(self, scope: Scope) -> Sequence[Rule]:
        return [rule for rule in self._rules if rule.of_cluster is (scope == scope.whole)]

    async def _note(self, transaction: Transaction, note: Note, world: World, silences: Sequence[Silence]) -> bool:
        """Keep what happened, and tell it once; True when a message was put into the outbox."""
        channel = self._room.policy.channels.of(Severity.INFO)
        if not await transaction.note(note) or not channel:
            return False
        kind, name = note.ref.kind, note.ref.name
        service = world.catalogue.alias_of(kind, name) if kind in WORKLOAD_KINDS else ""
        if is_quiet(note.scope, service, silences):
            return False
        await transaction.put(Post(Place(channel), note_view(note), kind="notice"))
        return True

    async def _record(self, transaction: Transaction, readings: Readings) -> None:
        """Keep the samples of this minute, unless somebody has kept them."""
        world = readings.world
        minute = world.now.replace(second=0, microsecond=0)
        if readings.seen is None or world.report.seen is None or (readings.newest_minute or minute - MINUTE) >= minute:
            return
        problems, unjudged = problems_of(readings.seen), unjudged_in(readings.seen)
        await transaction.record(world.scope, minute, readings.samples, problems, unjudged=unjudged)
