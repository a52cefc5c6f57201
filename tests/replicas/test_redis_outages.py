"""Redis goes away in every way while people ask: it costs speed, and nobody an answer.

What may differ, and no more than that: a *read* that is delivered twice is answered twice when Redis went away, came
back or was emptied between its two deliveries, or while replicas do not yet agree whether it is there (five seconds at
most after the next use). What others see, and what is kept, happens once all the same: the database knows it.
"""

from __future__ import annotations

import asyncio
import statistics
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sandbox.slack.delivery import Delivery, Retry
from sandbox.slack.faults import Fault, Kind
from sandbox.slack.records import Json
from sandbox.slack.socket import Connection, SocketHub
from tests.support.crowd import EVENTS, FORBIDDEN, KEPT, SHARES, Ask, Asked
from tests.support.crowd_counts import Kept, answers_of, each_answered_once, shared_by, summary
from tests.support.shared_world import SharedWorld, shared_world
from tests.support.waiting import until

DEGRADED = 'ragops_degraded{what="redis"}'
# The platform waits three seconds for an acknowledgement.
LONGEST_ACK_S = 3.0
# A few may meet a moment in which the machine does something else.
BUSY_ACK_S = 10.0
LONGEST_ANSWER_S = 30.0
FROZEN_S = 3.0

pytestmark = pytest.mark.timeout(240)


@dataclass(slots=True)
class Upheavals:
    """When Redis was not what it had been before: from the first moment to the one at which all agree again."""

    world: SharedWorld
    times: list[tuple[float, float]] = field(default_factory=list)

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Note what is done to Redis in the block."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        yield
        self.times.append((began, loop.time()))

    def excuse(self, asked: Asked) -> bool:
        """Tell whether a repeat of this may have passed for new: an upheaval lies between two of its deliveries."""
        delivered = self.world.crowd.postman.sent[asked.delivery]
        return any(min(delivered) <= end and max(delivered) >= began for began, end in self.times)

    async def degraded(self) -> None:
        """Wait until every replica has noticed that Redis is away, and says so; it can do its work all the same."""
        await self._all_say(1.0)
        assert [(await each.readiness())[0] for each in self.world.replicas.running.values()] == [200, 200]

    async def recovered(self) -> None:
        """Wait until every replica uses Redis again."""
        await self._all_say(0.0)

    async def _all_say(self, figure: float) -> None:
        async def look() -> list[float]:
            return [(await replica.figures())[DEGRADED] for replica in self.world.replicas.running.values()]

        await until(look, lambda said: set(said) == {figure}, within_s=90, every_s=0.2)


async def killed(upheavals: Upheavals) -> None:
    """Redis is killed and comes back empty."""
    async with upheavals.one():
        await upheavals.world.redis.kill()
        await upheavals.degraded()
        await upheavals.world.answered_more(40)
        await upheavals.world.redis.back_from(None)
        await upheavals.recovered()


async def emptied(upheavals: Upheavals) -> None:
    """Redis loses everything at once, and nobody notices."""
    async with upheavals.one():
        await upheavals.world.redis.empty()


async def frozen(upheavals: Upheavals) -> None:
    """Redis takes connections and says nothing for a while."""
    async with upheavals.one():
        upheavals.world.redis.freeze()
        try:
            await asyncio.gather(upheavals.degraded(), asyncio.sleep(FROZEN_S))
        finally:
            upheavals.world.redis.thaw()
        await upheavals.recovered()


async def restored(upheavals: Upheavals) -> None:
    """Redis comes back with what it held some time ago."""
    world = upheavals.world
    copy = await world.redis.copy()
    await world.answered_more(40)
    async with upheavals.one():
        await world.redis.back_from(copy)
        await world.answered_more(10)
        await upheavals.recovered()


async def test_nobody_misses_an_answer_whatever_becomes_of_redis(tmp_path: Path, store_url: str) -> None:
    """Killed, emptied, frozen and brought back from an old copy while eleven people ask."""
    async with shared_world(tmp_path, store_url) as world:
        await world.replicas.start_all("one", "two")
        await world.hears(4)
        crowd, upheavals = world.crowd, Upheavals(world)
        crowd.pause_s = 0.2
        await crowd.ask_for(150)
        usual = said(crowd.asked)
        for envelope in ("slash_commands", "interactive", "events_api"):
            world.slack.faults.add(Fault(Kind.ECHO, method=envelope, times=None, share=0.2, seconds=0.5))

        asking = asyncio.create_task(crowd.keep_asking(seed=2))
        steps: tuple[Callable[[Upheavals], Awaitable[None]], ...] = (killed, emptied, frozen, restored)
        for step in steps:
            await step(upheavals)
            await world.answered_more(40)
        crowd.stopping = True
        await asking
        await world.settled()

        kept = await Kept.read(world.database_url)
        twice = [one for one in crowd.asked if one.kind not in KEPT and answers_of(one, crowd) > 1]
        print("\n" + summary(crowd, reads_answered_twice=len(twice)))  # noqa: T201  # measured
        assert [one for one in crowd.asked if not one.answered_at] == []
        assert world.slack.courier.unacked == 0
        acks_s = world.slack.courier.latencies_s
        assert statistics.quantiles(acks_s, n=100)[97] < LONGEST_ACK_S
        assert max(acks_s) < BUSY_ACK_S
        assert max(one.answered_at - one.began for one in crowd.asked) < LONGEST_ANSWER_S
        assert {what: words for what, words in said(crowd.asked).items() if words != usual.get(what, words)} == {}
        assert [one for one in twice if not upheavals.excuse(one)] == []
        assert [one for one in twice if answers_of(one, crowd) > len(crowd.postman.sent[one.delivery])] == []
        once = [one for one in crowd.asked if one not in twice]
        each_answered_once(crowd, once)
        kept_once(world, kept, crowd.asked, {one.key for one in twice})
        assert {
            replica.name for replica in world.replicas.running.values() if replica.events("hot_state_degraded")
        } == {
            "one",
            "two",
        }
        assert world.replicas.events("hot_state_recovered")
        assert await world.replicas.stop_all() == [0, 0]
        assert world.replicas.troubles() == []
        await world.audit_is_whole(kept.entries)


def said(asked: list[Asked]) -> dict[str, set[str]]:
    """Return the first words of the answers to each text, by who asked if that matters; presses have no text."""
    found: dict[str, set[str]] = {}
    for one in asked:
        text = "" if one.kind in {Ask.PRESS, Ask.PRESS_SHARE} else one.text
        who = one.person if text == "whoami" else ""
        found.setdefault(f"{one.kind} {text} {who}", set()).add(one.answer)
    return found


def kept_once(world: SharedWorld, kept: Kept, asked: list[Asked], twice: set[str]) -> None:
    """Assert that all was kept, done, posted and audited once; a refused read as often as it was answered."""
    assert kept.inbox == {one.key: "done" for one in asked if one.kind in KEPT}
    assert set(kept.outbox.values()) == {"delivered"}
    assert len(world.crowd.workspace.public) == len(kept.outbox) == sum(one.kind in EVENTS | SHARES for one in asked)
    audited = Counter({(one.key, "refused"): 1 for one in asked if one.kind in FORBIDDEN})
    audited += Counter({(one.key, "done"): 1 for one in asked if one.kind in SHARES})
    assert {key: count for key, count in kept.audit.items() if key[0] not in twice} == {
        key: count for key, count in audited.items() if key[0] not in twice
    }


# --- the moment between two deliveries --------------------------------------------------------------------------------


@dataclass(slots=True)
class Aimed:
    """A transport that sends everything over one connection."""

    hub: SocketHub
    connection: Connection

    async def send(self, kind: str, payload: Json, retry: Retry) -> Delivery:
        return await self.hub.send_over(self.connection, kind, payload, retry)


async def test_redis_is_emptied_between_two_deliveries_of_the_same(tmp_path: Path, store_url: str) -> None:
    """To another replica a read is new, and is answered twice; to the same one, and what is kept, is recognised."""
    async with shared_world(tmp_path, store_url) as world:
        await world.replicas.start("one")
        await world.hears(2)
        await world.replicas.start("two")
        await world.hears(4)
        of_one, *_, of_two = world.slack.hub.connections

        assert await twice(world, Ask.COMMAND, of_one, of_two) == 2
        assert await twice(world, Ask.FORBIDDEN, of_one, of_two) == 2
        assert await twice(world, Ask.COMMAND, of_one, of_one) == 1
        assert await twice(world, Ask.SHARE, of_one, of_two) == 1
        assert await twice(world, Ask.FORBIDDEN_SHARE, of_one, of_two) == 1

        await world.settled()
        kept = await Kept.read(world.database_url)
        assert sorted(kept.audit.values()) == [1, 1, 2]
        assert shared_by(world.crowd).total() == len(kept.outbox) == 1


async def twice(world: SharedWorld, kind: Ask, first: Connection, second: Connection) -> int:
    """Deliver one thing over two connections, with Redis emptied between, and return how often it was answered."""
    crowd, hub = world.crowd, world.slack.hub
    usual, person = crowd.postman.inner, crowd.guests[0] if kind in FORBIDDEN else crowd.members[2]
    crowd.postman.inner = Aimed(hub, first)
    asked = await crowd.ask(kind, person, crowd.channels[0], "status")
    await world.redis.empty()
    recognised = len(world.replicas.events("repeat"))
    crowd.postman.inner = Aimed(hub, second)
    again = await world.slack.courier.deliver("slash_commands", crowd.postman.commands[asked.delivery])
    assert again.acked
    crowd.postman.inner = usual

    async def done() -> bool:
        return answers_of(asked, crowd) > 1 or len(world.replicas.events("repeat")) > recognised

    await until(done, bool)
    return answers_of(asked, crowd)
