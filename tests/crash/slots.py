"""Replicas that come and go by SIGKILL while schedules are due: each due moment is to be told once."""

from __future__ import annotations

import asyncio
import math
import random
import signal
import statistics
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from bot.domain.requests import Post
from bot.store.codec import decode
from bot.store.store import PostgresStore
from bot.watching.scheduling import KNOWN
from tests.crash.nursery import Worker, hatched
from tests.crash.slot_worker import OURS, RIVAL, RIVAL_TABLE, SlotOrder
from tests.crash.worker import Order
from tests.support.waiting import until

# So many of those that are struck from outside stand still for longer than their lease, and go on then.
_STOPPED = 0.2
_STOPPED_LEASES = 1.5
_STOPPED_AMONG = 3
_SETTLE_S = 60.0
_MOST_DOWN_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Storm:
    """How many schedules are due how often, how many replicas there are, and how they are struck.

    While it lasts, the number of replicas is each of `replicas` for an equal part of the time. A replica is struck from
    outside after a time out of `lives_s`, or ends itself between two effects with the chance `chance`.
    """

    schedules: int
    dues: int
    every_s: float
    lease_s: float
    replicas: Sequence[int]
    lives_s: tuple[float, float]
    chance: float
    seed: int


@dataclass(slots=True)
class Told:
    """What came of a storm: how often each due moment was told, and how late ours were, in seconds."""

    due: set[tuple[str, datetime]]
    counts: Counter[tuple[str, datetime]] = field(default_factory=Counter)
    became: dict[tuple[str, datetime], str] = field(default_factory=dict)
    late_s: list[float] = field(default_factory=list)
    killed: int = 0
    struck: int = 0
    stopped: int = 0

    @property
    def missed(self) -> int:
        return len(self.due - set(self.counts))

    @property
    def lost(self) -> Counter[str]:
        """Count those that somebody began and nobody told, by what became of them."""
        untold = self.due - set(self.counts)
        return Counter(outcome or "not ended" for moment, outcome in self.became.items() if moment in untold)

    @property
    def twice(self) -> int:
        return sum(count > 1 for count in self.counts.values())

    @property
    def strange(self) -> int:
        """Return how many were told that were never due."""
        return len(set(self.counts) - self.due)

    @property
    def each(self) -> float:
        """Return how often a due moment was told on average."""
        return self.counts.total() / len(self.due)

    @property
    def problems(self) -> list[str]:
        """Say what must not be."""
        found = {
            "never begun": self.missed - self.lost.total(),
            **self.lost,
            "told more than once": self.twice,
            "never due": self.strange,
        }
        return [f"slots: {count} {what}" for what, count in found.items() if count]

    def __str__(self) -> str:
        blows = f"{self.killed} killed ({self.struck} between two effects), {self.stopped} stopped"
        text = f"{len(self.due)} due, {self.each:.3f} each: {self.missed} missed, {self.twice} twice; {blows}"
        if len(self.late_s) > 1:
            cuts = statistics.quantiles(self.late_s, n=100, method="inclusive")
            text += f"; after {cuts[49]:.2f} s median, {cuts[98]:.1f} s 99 %, {max(self.late_s):.1f} s at most"
        return text


def storm_of(slots: int, seed: int) -> Storm:
    """Return a storm of about so many due moments, some eight in a second, with one to eight replicas in some order.

    Between two moments of a schedule is more time than a busy machine stands still: of two that were both missed, only
    the later one is made up for.
    """
    schedules = min(60, slots)
    replicas = list(range(1, 9))
    random.Random(seed).shuffle(replicas)
    return Storm(
        schedules=schedules,
        dues=max(1, math.ceil(slots / schedules)),
        every_s=8,
        lease_s=5.0,
        replicas=replicas,
        lives_s=(1.0, 8.0),
        chance=0.01,
        seed=seed,
    )


async def storm_of_ours(storm: Storm, workers: Path, database_url: str) -> Told:
    """Let our replicas tell what is due; the database is theirs alone."""
    order = _order(storm, OURS)
    await make_known(order, database_url)
    told = Told(order.due())
    await _rage(storm, order, workers, database_url, told)
    calm = Order(database_url=database_url, name="last", slots=asdict(replace(order, chance=0.0)))

    async def look() -> Told:
        await read_outbox(database_url, told)
        return told

    async with hatched(workers, calm):
        with suppress(AssertionError):
            await until(look, lambda seen: not seen.missed, within_s=_SETTLE_S, every_s=0.2)
        # Whatever would be told once more is told by now.
        await asyncio.sleep(storm.lease_s * 1.5)
    return await look()


async def storm_of_the_rival(storm: Storm, workers: Path, database_url: str) -> Told:
    """Let processes with a scheduler on a shared store tell the same; it has the same time to settle."""
    order = _order(storm, RIVAL)
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        await connection.execute(RIVAL_TABLE)
    told = Told(order.due())
    await _rage(storm, order, workers, database_url, told)
    async with hatched(workers, Order(database_url=database_url, name="last", slots=asdict(order))):
        await asyncio.sleep(storm.lease_s * 2)
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        rows = await (await connection.execute("SELECT name, due_at FROM fires")).fetchall()
    told.counts = Counter((name, due_at.astimezone(UTC)) for name, due_at in rows)
    return told


def _order(storm: Storm, kind: str) -> SlotOrder:
    begins = math.ceil(time.time()) + 1.0
    return SlotOrder(
        kind=kind,
        schedules=storm.schedules,
        every_s=storm.every_s,
        begins=begins,
        ends=begins + storm.every_s * storm.dues - 0.05,
        lease_s=storm.lease_s,
        chance=storm.chance,
    )


async def make_known(order: SlotOrder, database_url: str) -> None:
    """Leave what a replica left that saw each schedule the day before."""
    before = order.calendar.begins - timedelta(days=1)
    async with await PostgresStore.open(database_url, largest_pool=1) as store:
        for schedule in order.all:
            claim = await store.slots.begin(schedule.name, before, lease_s=60.0)
            assert claim is not None
            async with store.transaction() as transaction:
                assert await transaction.finish_slot(claim, outcome=KNOWN)


async def read_outbox(database_url: str, told: Told) -> None:
    """Count what was put into the outbox."""
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        rows = await (await connection.execute("SELECT post, created_at FROM outbox")).fetchall()
        slots = await (await connection.execute("SELECT name, due_at, outcome FROM slots")).fetchall()
    told.counts, told.late_s = Counter(), []
    told.became = {(name, due_at.astimezone(UTC)): outcome for name, due_at, outcome in slots}
    for text, created_at in rows:
        post = decode(text, Post)
        due_at = datetime.fromisoformat(post.view.summary)
        told.counts[post.place.channel, due_at] += 1
        told.late_s.append((created_at - due_at).total_seconds())


# --- blows ------------------------------------------------------------------------------------------------------------


async def _rage(storm: Storm, order: SlotOrder, workers: Path, database_url: str, told: Told) -> None:
    """Keep as many replicas alive as the storm says, each until it is struck, until nothing is due any more."""
    source, standing = random.Random(storm.seed), set[str]()

    def active() -> int:
        share = (time.time() - order.begins) / (order.ends - order.begins)
        place = min(max(int(share * len(storm.replicas)), 0), len(storm.replicas) - 1)
        return storm.replicas[place]

    async def replica(number: int) -> None:
        name = f"replica-{number}"
        while time.time() < order.ends:
            if number >= active():
                await asyncio.sleep(0.1)
                continue
            ordered = Order(database_url=database_url, name=name, slots=asdict(order))
            async with hatched(workers, ordered) as worker:
                stays = min(source.uniform(*storm.lives_s), order.ends - time.time())
                # While others stand still nobody may: what all miss is downtime.
                stops = source.random() < _STOPPED and active() >= _STOPPED_AMONG and not standing
                standing.update([name] if stops else [])
                await _strike(storm, worker, stays, stops=stops, told=told)
                standing.discard(name)
            await asyncio.sleep(source.uniform(0.0, _MOST_DOWN_S))

    async with asyncio.TaskGroup() as group:
        for number in range(max(storm.replicas)):
            group.create_task(replica(number))


async def _strike(storm: Storm, worker: Worker, after_s: float, *, stops: bool, told: Told) -> None:
    """Strike a replica so long after it is ready, unless it ends itself before; whoever waited for this ends it."""
    await worker.says("ready")
    if not await _gone(worker, after_s) and stops:
        told.stopped += 1
        worker.send(signal.SIGSTOP)
        await asyncio.sleep(storm.lease_s * _STOPPED_LEASES)
        worker.send(signal.SIGCONT)
        await _gone(worker, 0.5)
    told.killed += 1
    told.struck += "struck" in worker.events


async def _gone(worker: Worker, within_s: float) -> bool:
    async def look() -> bool:
        return worker.gone

    with suppress(AssertionError):
        await until(look, bool, within_s=within_s, every_s=0.02)
    return worker.gone
