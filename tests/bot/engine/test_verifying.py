"""Whether a change helped is judged by looking again; what could not be seen is never gone."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.operations import Effect, Operation, State, Verdict
from bot.domain.plans import Draft, Symptom
from bot.engine.verifying import Aftercare
from bot.examine import examine
from sandbox.cluster.faults import Fault, FaultKind
from sandbox.cluster.world.behaviours import Crashes
from tests.support.carrying import Bench, approved, request
from tests.support.changing import IMAGE, VERBS, deploy

CRASH = Symptom("crash_loop", "it crashes")


async def done(bench: Bench, draft: Draft) -> Operation:
    """Let a change be carried out, and let its verdict be due."""
    bench.run()
    ended = await bench.carried_out(await approved(bench.store, draft))
    bench.stop()
    assert ended.state is State.SUCCEEDED
    return ended


async def judged(bench: Bench, operation: Operation) -> Verdict:
    assert await Aftercare(bench.workshop).step()
    verdict = (await bench.operation(operation)).verdict
    assert verdict is not None
    return verdict


async def test_what_is_not_there_any_more_is_gone(bench: Bench) -> None:
    """The finding that was there when it was planned is no finding now."""
    draft = replace(VERBS["restart"](bench.world, "api"), symptoms=(CRASH,))

    verdict = await judged(bench, await done(bench, draft))

    assert verdict == Verdict(gone=("it crashes",))


async def test_what_is_still_there_stayed_and_what_was_not_is_new(bench: Bench) -> None:
    """The new pods crash as well: by its code the finding is the same, or it is another one."""
    ended = await done(bench, VERBS["restart"](bench.world, "api"))
    bench.world.behave(f"{IMAGE}:v1", Crashes(voice="silent", after=1.0))
    bench.world.advance(120)

    verdict = await judged(bench, ended)

    assert verdict.new
    assert (verdict.gone, verdict.stayed) == ((), ())
    code = await code_of(bench)
    again = await done_already(bench, replace(bench.restart("api"), symptoms=(Symptom(code, "it crashed"),)))
    assert (await judged(bench, again)).stayed == verdict.new


async def code_of(bench: Bench) -> str:
    report, _ = await examine(bench.workshop.cluster, bench.workshop.logs, bench.workshop.scopes.all()[0])
    (finding,) = [each for each in report.findings if each.is_problem]
    return finding.code


async def done_already(bench: Bench, draft: Draft, *, ago_s: float = 0.0) -> Operation:
    """Keep a change that succeeded, whose verdict is due."""
    operation = await approved(bench.store, draft, later_s=-ago_s)
    async with bench.store.transaction() as transaction:
        now = await transaction.now()
        ended = now - timedelta(seconds=ago_s)
        running = replace(operation, state=State.EXECUTING, began_at=ended, fence=1)
        assert await transaction.save(running)
        written = replace(running, effect=Effect.APPLIED, written_at=ended)
        assert await transaction.save(written)
        changed = replace(written, state=State.SUCCEEDED, ended_at=ended, verdict_due=now, version=5)
        assert await transaction.save(changed)
    return changed


async def test_a_cluster_that_cannot_be_seen_is_looked_at_again(bench: Bench) -> None:
    """No verdict is made of nothing; it is due again."""
    deploy(bench.world, "api")
    operation = await done_already(bench, replace(bench.restart("api"), symptoms=(CRASH,)))
    bench.server.faults.add(Fault(FaultKind.STATUS, verb="list", status=403))

    assert await Aftercare(bench.workshop).step()

    now = await bench.operation(operation)
    assert now.verdict is None
    assert now.verdict_due is not None
    assert operation.verdict_due is not None
    assert now.verdict_due > operation.verdict_due


async def test_what_stays_unseen_for_long_is_told_as_not_checked(bench: Bench) -> None:
    """After some minutes nobody waits any longer; nothing is called gone."""
    deploy(bench.world, "api")
    operation = await done_already(bench, replace(bench.restart("api"), symptoms=(CRASH,)), ago_s=700)
    bench.server.faults.add(Fault(FaultKind.STATUS, verb="list", resource="pods", status=403))

    verdict = await judged(bench, operation)

    assert verdict.not_checked
    assert (verdict.gone, verdict.stayed, verdict.new) == ((), (), ())


async def test_a_workload_that_is_gone_was_not_cured(bench: Bench) -> None:
    """Nothing is wrong with what does not exist: that is not told as an improvement."""
    deploy(bench.world, "api")
    operation = await done_already(bench, replace(bench.restart("api"), symptoms=(CRASH,)))
    bench.world.store.delete("deployments", "shop", "api")

    assert await Aftercare(bench.workshop).step()

    assert (await bench.operation(operation)).verdict is None


async def test_one_verdict_over_all_replicas(bench: Bench) -> None:
    """Several look for due verdicts at the same moment: one is told, once, below the card."""
    operation = await done_already(bench, VERBS["restart"](bench.world, "api"))

    await asyncio.gather(*(Aftercare(bench.workshop).step() for _ in range(4)))

    posts = await bench.posts()
    assert [post.under for post in posts if post.kind == "thread"] == [f"operation:{operation.id}"]
    assert [each.action for each in await bench.told(operation)] == ["verdict"]
    assert not await Aftercare(bench.workshop).step()


@pytest.mark.parametrize("due", [False, True])
async def test_nothing_due_is_no_work(bench: Bench, due: bool) -> None:
    """What waits for people is not judged."""
    await request(bench.store, VERBS["restart"](bench.world, "api"), later_s=-800 if due else 0)

    assert not await Aftercare(bench.workshop).step()
