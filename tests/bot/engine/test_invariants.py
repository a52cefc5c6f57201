"""Whatever people, time, policy, others in the cluster and ends of workers do in whatever order: what must be true is.

The store, the engine and the API server are the real ones. `RAGOPS_TEST_INVARIANT_EXAMPLES` says how many runs.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
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
from tests.conftest import cloned_database
from tests.support.changing import NAMESPACE, deploy, edit, release, touch, undo
from tests.support.engine import ANN, BOB, CHANNEL, LEA, OLI, OTHER_CHANNEL, Place
from tests.support.ledger import Ledger
from tests.support.turmoil import ANN2, BOB2, PEOPLE, TARGETS, Turmoil, turmoil_on

EXAMPLES = int(os.environ.get("RAGOPS_TEST_INVARIANT_EXAMPLES", "15"))
STEPS = 25

VERBS = st.sampled_from(("restart", "scale", "rollback", "set image"))
RISKS = st.sampled_from(("medium", "low", "high", "medium"))
NAMES, HANDS = st.sampled_from(TARGETS), st.sampled_from(("first", "second"))
WHICH, ANYBODY = st.integers(0, 2), st.sampled_from(PEOPLE)
POINTS = st.integers(1, 6)
VOTERS = st.sampled_from(((BOB, LEA), (BOB, LEA), (BOB,), (BOB, BOB2), (ANN2, BOB), (ANN, ANN2), ()))
# A run leaves some rules out, so that few rules say much; what ends most runs before they began is rare in them.
SAID = ("approve",) * 4 + ("withdraw",) * 2 + ("deny", "cancel")
ENDS = ("", "", "", "voted:before-commit", "voted:after-commit")
ASKED_ENDS = ("", "", "", "requested:before-commit", "requested:after-commit")
COPIED = ({"place": Place(OTHER_CHANNEL)}, {"message": "16000000.000001", "place": Place(CHANNEL)})
GROUPS = ((BOB, True), (BOB, False), (LEA, True), (LEA, False), (ANN, True), (OLI, True))
POLICY_NAMES = ("usual",) * 4 + ("strict", "frozen")
TIMES = ("leases", "leases", "timers", "timers", "its time", "show", "verdict")
DRIFTS = ("live",) * 4 + ("status",) * 4 + ("release", "scale", "undo", "made anew")
LOST_ANSWERS = {
    "before": Fault(FaultKind.DROP_BEFORE, verb="patch", count=1),
    "after": Fault(FaultKind.DROP_BEFORE, verb="patch", after=True, count=1),
    "5xx before": Fault(FaultKind.STATUS, verb="patch", status=503, count=1),
    "5xx after": Fault(FaultKind.STATUS, verb="patch", status=503, after=True, count=1),
    "refused": Fault(FaultKind.STATUS, verb="patch", status=422, message="not now", count=1),
}


class Changes(RuleBasedStateMachine):
    """Two objects, and everything that can happen to changes of them."""

    def __init__(self, server_url: str, template: str, folder: Path, seen: Counter[str]) -> None:
        super().__init__()
        self.loop, self.closing, self.seen = asyncio.Runner(), ExitStack(), seen
        self.closing.callback(self.loop.close)
        url = self.closing.enter_context(cloned_database(server_url, template))
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

    # --- people -------------------------------------------------------------------------------------------------------

    @initialize(verb=VERBS, risk=RISKS, by=VOTERS)
    def begin(self, verb: str, risk: str, by: tuple[str, ...]) -> None:
        """Ask for one change, and let some approve it."""
        self.agree(verb, "api", risk, by)

    @rule(verb=VERBS, name=NAMES, risk=RISKS, by=VOTERS)
    def agree(self, verb: str, name: str, risk: str, by: tuple[str, ...]) -> None:
        self.ask(verb, name, risk, ANN, replaces=False, ends="")
        self.ledger.check()
        for user in by:
            self.loop.run(self.all.press(0, "approve", by=user))
            self.ledger.check()

    @rule(
        verb=VERBS,
        name=NAMES,
        risk=RISKS,
        by=st.sampled_from((ANN, OLI, BOB)),
        replaces=st.booleans(),
        ends=st.sampled_from(ASKED_ENDS),
    )
    def ask(self, verb: str, name: str, risk: str, by: str, *, replaces: bool, ends: str) -> None:
        text = f"{verb} {name} --risk {risk}{' --replace' if replaces else ''}"
        self.loop.run(self.all.cut_off(text, ends, by=by) if ends else self.all.say(text, by=by))

    @rule(which=WHICH, by=ANYBODY, kind=st.sampled_from(SAID), ends=st.sampled_from(ENDS))
    def decide(self, which: int, by: str, kind: str, ends: str) -> None:
        if (known := self.all.operations()) and ends:
            self.loop.run(self.all.cut_off(f"{kind} {known[which % len(known)]} now", ends, by=by))
        else:
            self.loop.run(self.all.press(which, kind, "not now" if kind == "deny" else "", by=by))

    @rule(which=WHICH, by=ANYBODY, where=st.sampled_from((0, 1)))
    def press_a_copied_button(self, which: int, by: str, where: int) -> None:
        self.loop.run(self.all.press(which, "approve", by=by, **COPIED[where]))

    @rule(which=WHICH, by=ANYBODY, found=st.sampled_from(("happened", "did not happen", "undone", "")))
    def resolve_or_repeat(self, which: int, by: str, found: str) -> None:
        if not found:
            self.loop.run(self.all.say_again())
        elif known := self.all.operations():
            self.loop.run(self.all.say(f"resolve {known[which % len(known)]} {found}", by=by))

    @rule(group=st.sampled_from(GROUPS), policy=st.sampled_from(POLICY_NAMES))
    def change_a_group_and_the_policy(self, group: tuple[str, bool], policy: str) -> None:
        self.all.join(group[0], leads=group[1])
        self.all.policy = policy

    # --- time and the cluster -----------------------------------------------------------------------------------------

    @rule(which=WHICH, how=st.sampled_from(TIMES))
    def pass_time(self, which: int, how: str) -> None:
        match how:
            case "leases":
                self.all.pass_leases()
            case "timers":
                self.loop.run(Timers(self.all.here.workshop).step())
            case "its time":
                self.all.pass_time(which)
            case "verdict":
                self.loop.run(Aftercare(self.all.here.workshop).step())
            case _:
                self.loop.run(self.all.scene.deliver())

    @rule(name=NAMES, how=st.sampled_from(DRIFTS))
    def drift(self, name: str, how: str) -> None:
        world = self.all.scene.world
        match how:
            case "live":
                world.advance(30)
            case "status":
                touch(world, name)
            case "release":
                release(world, name, "v7")
            case "scale":
                edit(world, "deployments", name, lambda of: of["spec"].update(replicas=5))
            case "undo":
                world.advance(30)
                undo(world, name)
            case _:
                world.store.delete("deployments", NAMESPACE, name)
                world.advance(60)
                deploy(world, name, "v1", "v2")

    @rule(how=st.sampled_from(tuple(LOST_ANSWERS)))
    def lose_the_next_answer(self, how: str) -> None:
        self.all.server.faults.clear()
        self.all.server.faults.add(LOST_ANSWERS[how])

    # --- workers ------------------------------------------------------------------------------------------------------

    @rule(points=POINTS)
    def work(self, points: int) -> None:
        for _ in range(points):
            self.loop.run(self.all.hands["first"].go_on())

    @rule(points=POINTS)
    def work_beside_it(self, points: int) -> None:
        for _ in range(points):
            self.loop.run(self.all.hands["second"].go_on())

    @rule(hand=HANDS)
    def work_to_the_end(self, hand: str) -> None:
        self.loop.run(self.all.hands[hand].finish(lambda: self.all.scene.world.advance(10)))

    @rule(hand=HANDS, later=st.booleans(), leases=st.booleans())
    def end_a_worker(self, hand: str, *, later: bool, leases: bool) -> None:
        self.loop.run(self.all.hands[hand].end(later=later))
        if leases:
            self.all.pass_leases()

    @invariant()
    def what_must_be_true_is(self) -> None:
        """Of every request, vote, write, entry and picture."""
        self.ledger.check()


@pytest.mark.timeout(120 + 60 * EXAMPLES)
def test_whatever_happens_what_must_be_true_is(server_url: str, template_database: str, tmp_path: Path) -> None:
    """And enough happened for it to mean something."""
    seen: Counter[str] = Counter()
    run_state_machine_as_test(
        lambda: Changes(server_url, template_database, tmp_path, seen),
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
