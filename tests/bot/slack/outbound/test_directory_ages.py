"""However reads, changes, failures and steps of the clocks follow one another: no answer is older than its bound."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.people import Membership
from bot.errors import DirectoryUnavailable
from sandbox.slack.faults import Fault, Kind
from sandbox.slack.rates import RateLimits
from sandbox.slack.server import SlackServer
from sandbox.slack.world import demo_workspace
from tests.bot.slack.outbound.replicas import Replicas
from tests.support.waiting import until

Step = tuple[str, float]

which = st.sampled_from([0.0, 1.0])
steps = st.one_of(
    st.tuples(st.sampled_from(["read", "decide", "changed", "race", "slow"]), which),
    st.tuples(st.just("edit"), st.just(0.0)),
    st.tuples(st.just("pass"), st.sampled_from([0.5, 2.0, 3.0, 10.0, 29.0, 31.0, 59.0, 61.0])),
    st.tuples(st.just("set"), st.sampled_from([-3600.0, -40.0, -20.0, -3.0, 1.0, 20.0, 3600.0])),
    st.tuples(st.sampled_from(["fail", "wait", "heal", "away", "back"]), st.just(0.0)),
)


@dataclass(slots=True)
class World:
    """Ann joins one more group at each edit; so her newest group tells as of when an answer is true."""

    replicas: Replicas
    edits: list[float] = field(default_factory=list)
    known: list[int] = field(default_factory=lambda: [0, 0])
    answers: int = 0

    def edit(self) -> None:
        self.edits.append(self.replicas.clock.tick)
        self.replicas.slack.workspace.set_group(f"v{len(self.edits)}", ["ann"])

    def judge(self, found: Membership, *, which: int, bound_s: float, least: int) -> None:
        """Fail when the answer is older than allowed, or from before a change that this process was told of."""
        handles = [found.group_handles[group] for group in found.groups]
        version = max((int(handle[1:]) for handle in handles if handle[1:].isdigit()), default=0)
        true_until = self.edits[version] if version < len(self.edits) else self.replicas.clock.tick
        assert self.replicas.clock.tick - true_until <= bound_s
        assert version >= least, f"replica {which} was told of {least}"
        assert bound_s != 5 or (self.replicas.clock.now() - found.read_at).total_seconds() <= 5
        self.answers += 1

    async def look(self, which: int, *, fresh: bool) -> None:
        try:
            found = await self.replicas.look(which, fresh=fresh)
        except DirectoryUnavailable:
            return
        self.judge(found, which=which, bound_s=5 if fresh else 60, least=self.known[which])

    async def changed(self, which: int) -> None:
        await self.replicas.all[which].changed()
        self.known[which] = len(self.edits)

    async def race(self, which: int) -> None:
        """Let a change come while a read is on its way to Slack."""
        self.replicas.slack.faults.rules.insert(0, Fault(Kind.SLOW_DRIP, "usergroups.list", seconds=0.05))
        calls = self.replicas.calls()
        reads = [asyncio.create_task(self.replicas.look(which, fresh=fresh)) for fresh in (True, False)]
        await until(
            lambda: asyncio.sleep(0, self.replicas.calls() > calls or all(read.done() for read in reads)),
            bool,
            every_s=0.005,
        )
        self.edit()
        pending = [read for read in reads if not read.done()]
        await self.changed(which)
        for outcome in await asyncio.gather(*pending, return_exceptions=True):
            if not isinstance(outcome, DirectoryUnavailable):
                assert isinstance(outcome, Membership), outcome
                self.judge(outcome, which=which, bound_s=60, least=self.known[which])
        await asyncio.gather(*reads, return_exceptions=True)

    async def slow(self, which: int) -> None:
        """Let time pass while Slack's answer to a decision is on its way, and the groups change in between."""
        self.replicas.slack.faults.rules.insert(0, Fault(Kind.SLOW_DRIP, "usergroups.list", seconds=0.05))
        calls = self.replicas.calls()
        look = asyncio.create_task(self.look(which, fresh=True))
        await until(lambda: asyncio.sleep(0, self.replicas.calls() > calls or look.done()), bool, every_s=0.005)
        self.edit()
        self.replicas.clock.tick += 3.5
        await look

    async def take(self, step: Step) -> None:
        kind, number = step
        slack, clock = self.replicas.slack, self.replicas.clock
        match kind:
            case "read" | "decide":
                await self.look(int(number), fresh=kind == "decide")
            case "changed" | "race" | "slow":
                await getattr(self, kind)(int(number))
            case "edit":
                self.edit()
            case "pass":
                clock.tick += number
            case "set":
                clock.wrong_s += number
            case "fail":
                slack.faults.add(Fault(Kind.SERVER_ERROR, "usergroups.list", times=None))
            case "wait":
                slack.faults.add(Fault(Kind.RATELIMITED, "usergroups.list", seconds=20))
            case "heal":
                slack.faults.clear()
            case "away" | "back":
                self.replicas.hot.away = kind == "away"


async def live(plan: list[Step]) -> None:
    async with SlackServer(demo_workspace(), rates=RateLimits(enabled=False)) as slack:
        world = World(Replicas(slack))
        for step in plan:
            await world.take(step)
        # In the end, with everything well, there is an answer again, and a true one.
        slack.faults.clear()
        world.replicas.clock.tick += 61
        world.answers = 0
        for which_one in (0, 1):
            await world.look(which_one, fresh=True)
            await world.look(which_one, fresh=False)
        assert world.answers == 4


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(steps, min_size=3, max_size=25))
def test_no_answer_is_older_than_its_bound(plan: list[Step]) -> None:
    """Five seconds for a decision, a minute for a read; after `changed` nothing from before it."""
    asyncio.run(live(plan))
