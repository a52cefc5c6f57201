"""Whatever people, time, policy, others in the cluster and ends of workers do in whatever order: what must be true is.

The store, the engine and the API server are the real ones. `RAGOPS_TEST_INVARIANT_EXAMPLES` says how many runs.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from bot.engine.timers import Timers
from bot.engine.verifying import Aftercare
from bot.store.audit import verify_audit
from sandbox.cluster.faults import Fault, FaultKind
from tests.support.changing import NAMESPACE, deploy, edit, release, touch, undo
from tests.support.clones import Clones
from tests.support.engine import ANN, BOB, CHANNEL, LEA, OTHER_CHANNEL, Place
from tests.support.ledger import Ledger
from tests.support.turmoil import ANN2, BOB2, PEOPLE, POLICIES, TARGETS, Turmoil, turmoil_on

EXAMPLES = int(os.environ.get("RAGOPS_TEST_INVARIANT_EXAMPLES", "15"))
STEPS = 25

VERBS, RISKS = ("restart", "scale", "rollback", "set image"), ("medium", "low", "high")
LOST_ANSWERS = {
    "lost before": Fault(FaultKind.DROP_BEFORE, verb="patch", count=1),
    "lost after": Fault(FaultKind.DROP_BEFORE, verb="patch", after=True, count=1),
    "5xx before": Fault(FaultKind.STATUS, verb="patch", status=503, count=1),
    "5xx after": Fault(FaultKind.STATUS, verb="patch", status=503, after=True, count=1),
    "refused": Fault(FaultKind.STATUS, verb="patch", status=422, message="not now", count=1),
}
COPIED = {
    "elsewhere": {"place": Place(OTHER_CHANNEL)},
    "on another message": {"message": "16000000.000001", "place": Place(CHANNEL)},
}
# A run leaves some rules out: there are few, and each draws what it is about. What ends most is drawn seldom.
SAID = st.sampled_from(
    (
        *(("ask", "ask anew") * 2),
        *(("approve",) * 4),
        *(("withdraw",) * 2),
        *("deny", "cancel", "resolve", "again", *COPIED),
    )
)
DRIFTS = ("release", "scale", "undo", "made anew")
PASSING = ("leases", "timers", "show", "verdict", "live", "status", "usual", "all join")
ENDING = (*DRIFTS, *LOST_ANSWERS, "its time", "strict", "frozen", "bob leaves", "lea leaves", "ann joins")
MEANWHILE = st.sampled_from((*DRIFTS, *LOST_ANSWERS, "leases", "its time", "status", "frozen", "bob leaves", "denial"))
VOTERS = st.sampled_from(((BOB, LEA), (BOB, LEA), (BOB,), (BOB, BOB2), (ANN2, BOB), (ANN, ANN2), ()))
NAMES, HANDS = st.sampled_from(TARGETS), st.sampled_from(("first", "second"))
WHICH, POINTS = st.integers(0, 2), st.sampled_from((0, 1, 1, 2, *range(2, 10)))
SELDOM = st.integers(0, 3).map(lambda drawn: drawn == 0)


class Changes(RuleBasedStateMachine):
    """Two objects, and everything that can happen to changes of them."""

    def __init__(self, clones: Clones, folder: Path, seen: Counter[str]) -> None:
        super().__init__()
        self.loop, self.closing, self.seen = asyncio.Runner(), ExitStack(), seen
        self.closing.callback(self.loop.close)
        url = self.closing.enter_context(clones.one())
        self.setting = AsyncExitStack()
        self.all: Turmoil = self.loop.run(self.setting.enter_async_context(turmoil_on(url, folder)))
        self.ledger = Ledger(self.all)

    def teardown(self) -> None:
        """End everything; the chain of the audit is walked once more as an auditor would."""
        self.loop.run(self.setting.aclose())
        self.seen.update(self.ledger.seen)
        verified = self.loop.run(verify_audit(self.all.url))
        self.closing.close()
        assert verified.ok, verified.problem

    @initialize(verb=st.sampled_from(VERBS), risk=st.sampled_from(RISKS), by=VOTERS)
    def agree(self, verb: str, risk: str, by: tuple[str, ...], name: str = "api") -> None:
        """Ask for a change, and let some approve it."""
        self.loop.run(self.all.say(f"{verb} {name} --risk {risk} --replace", by=ANN))
        self.ledger.check()
        for user in by:
            self.loop.run(self.all.press(0, "approve", by=user))
            self.ledger.check()

    @rule(
        what=SAID,
        which=WHICH,
        by=st.sampled_from(PEOPLE),
        verb=st.sampled_from(VERBS),
        name=NAMES,
        risk=st.sampled_from(RISKS),
        ends=st.sampled_from(("", "", "", "before-commit", "after-commit")),
    )
    def say(self, what: str, which: int, by: str, verb: str, name: str, risk: str, ends: str) -> None:
        """Let somebody ask, or say something to one of the requests; who carries it out may be gone at its commit."""
        known = self.all.operations()
        of = known[which % len(known)] if known else "none"
        words = {
            "ask": f"{verb} {name} --risk {risk}",
            "ask anew": f"{verb} {name} --risk {risk} --replace",
            "resolve": f"resolve {of} {('happened', 'did not happen', 'undone')[which]}",
        }
        text = words.get(what, f"{what} {of} not now")
        if what == "again":
            self.loop.run(self.all.say_again())
        elif what in COPIED:
            self.loop.run(self.all.press(which, "approve", by=by, **COPIED[what]))
        elif ends:
            asked = what.startswith("ask")
            self.loop.run(self.all.cut_off(text, f"{'requested' if asked else 'voted'}:{ends}", by=by))
        elif what in words:
            self.loop.run(self.all.say(text, by=by))
        else:
            self.loop.run(self.all.press(which, what, "not now" if what == "deny" else "", by=by))

    @rule(passing=st.sampled_from(PASSING), ending=st.sampled_from(ENDING), seldom=SELDOM, name=NAMES, which=WHICH)
    def happen(self, passing: str, ending: str, name: str, which: int, *, seldom: bool) -> None:
        """Let something happen that nobody said: to time, people, policy, the cluster, the way to it."""
        self.let(ending if seldom else passing, name, which)

    def let(self, what: str, name: str = "api", which: int = 0) -> None:
        """Let one thing happen."""
        world, turmoil = self.all.scene.world, self.all
        things: Mapping[str, Callable[[], object]] = {
            "leases": turmoil.pass_leases,
            "timers": lambda: self.loop.run(Timers(turmoil.here.workshop).step()),
            "its time": lambda: turmoil.pass_time(which),
            "show": lambda: self.loop.run(turmoil.scene.deliver()),
            "verdict": lambda: self.loop.run(Aftercare(turmoil.here.workshop).step()),
            "live": lambda: world.advance(30),
            "status": lambda: touch(world, name),
            "release": lambda: release(world, name, "v7"),
            "scale": lambda: edit(world, "deployments", name, lambda of: of["spec"].update(replicas=5)),
            "undo": lambda: (world.advance(30), undo(world, name)),
            "made anew": lambda: (
                world.store.delete("deployments", NAMESPACE, name),
                world.advance(60),
                deploy(world, name, "v1", "v2"),
            ),
            "denial": lambda: self.loop.run(turmoil.press(which, "deny", "not now", by=LEA)),
            "bob leaves": lambda: turmoil.join(BOB, leads=False),
            "lea leaves": lambda: turmoil.join(LEA, leads=False),
            "ann joins": lambda: turmoil.join(ANN, leads=True),
            "all join": lambda: [turmoil.join(user, leads=True) for user in (BOB, LEA)],
        }
        if what in LOST_ANSWERS:
            turmoil.server.faults.clear()
            turmoil.server.faults.add(LOST_ANSWERS[what])
        elif what in POLICIES:
            turmoil.policy = what
        else:
            things[what]()

    @rule(hand=HANDS, how=st.sampled_from(("goes on", "goes on", "ends", "ends later", "finishes")), points=POINTS)
    def work(self, hand: str, how: str, points: int = 0) -> None:
        """Let a worker go on for some points or to the end, or let it be gone."""
        worker = self.all.hands[hand]
        if how == "finishes":
            self.loop.run(worker.finish(lambda: self.all.scene.world.advance(10)))
        elif how == "goes on":
            for _ in range(points):
                self.loop.run(worker.go_on())
        else:
            self.loop.run(worker.end(later=how == "ends later"))
        self.ledger.check()

    @rule(
        verb=st.sampled_from(VERBS),
        name=NAMES,
        points=POINTS,
        whats=st.lists(MEANWHILE, min_size=1, max_size=2),
        then=st.sampled_from(("goes on", "ends", "is overtaken")),
    )
    def meanwhile(self, verb: str, name: str, points: int, whats: list[str], then: str) -> None:
        """Let things happen before a worker begins, or while it stands at a point; who goes on then goes to the end."""
        for hand in ("first", "second"):
            self.work(hand, "finishes")
        self.loop.run(self.all.make_way(name))
        self.ledger.check()
        self.agree(verb, "high", (BOB, LEA), name)
        self.work("first", "goes on", points)
        for each in whats:
            self.let(each, name)
        if then == "ends":
            self.work("first", "ends")
        if then != "goes on":
            self.let("leases")
            self.work("second", "finishes")
        self.work("first", "finishes")

    @invariant()
    def what_must_be_true_is(self) -> None:
        """Of every request, vote, write, entry and picture."""
        self.ledger.check()


@pytest.mark.timeout(120 + 60 * EXAMPLES)
def test_whatever_happens_what_must_be_true_is(clones: Clones, tmp_path: Path) -> None:
    """And enough happened for it to mean something."""
    seen: Counter[str] = Counter()
    run_state_machine_as_test(
        lambda: Changes(clones, tmp_path, seen),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        ),
    )
    print(dict(seen))  # noqa: T201  # how much happened is to be seen
    assert seen["writes"] > EXAMPLES // 5
