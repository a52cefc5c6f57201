"""What a lost answer, a stopped process or a dead worker leaves: one effect, or a doubt that is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

import pytest

from bot.domain.live import MARKER, VOID
from bot.domain.operations import Effect, Operation, State
from sandbox.cluster.faults import Fault, FaultKind
from tests.support.carrying import Bench, Stopped, approved, at_point, vanish
from tests.support.changing import NAMESPACE, VERBS, edit, release, touch, undo
from tests.support.waiting import in_background

pytestmark = pytest.mark.timeout(240)

LEASE = {"lease_s": 0.6, "renew_s": 0.2, "write_timeout_s": 0.4}
PATCHED = ["PATCH deployments/api"]


def annotations(bench: Bench, name: str = "api") -> dict[str, str]:
    found = bench.world.store.get("deployments", NAMESPACE, name)
    assert found is not None
    return dict(found["metadata"]["annotations"])


async def dies_at(bench: Bench, operation: Operation, point: str, *, nth: int = 1) -> None:
    """Let a first worker be gone at a point."""
    executor = bench.executor(at=at_point(point, vanish, nth=nth), **LEASE)
    with suppress(Stopped):
        await executor.step()
    assert (await bench.operation(operation)).state in (State.APPROVED, State.EXECUTING)


async def taken_over(bench: Bench, operation: Operation, **changed: object) -> Operation:
    """Let a second worker take over, as soon as it can, and go on to the end."""
    executor = bench.executor(name="worker-b", **{**LEASE, **changed})
    async with asyncio.timeout(60):
        while not (now := await bench.operation(operation)).state.final:
            await executor.step()
            await asyncio.sleep(0.02)
    return now


# --- a dead worker ----------------------------------------------------------------------------------------------------

POINTS = ("taken", "evidence", "claimed", "read", "attempt", "written:before", "written:after", "patched", "followed")


@pytest.mark.parametrize("point", POINTS)
async def test_a_second_worker_finishes_what_the_first_began(bench: Bench, point: str) -> None:
    """Wherever the first one is gone: one effect, and success."""
    operation = await approved(bench.store, VERBS["restart"](bench.world, "api"))
    await dies_at(bench, operation, point)
    bench.run()

    ended = await taken_over(bench, operation)

    assert ended.state is State.SUCCEEDED
    assert bench.server.seen.of("api") == PATCHED


async def test_a_partly_cleared_namespace_is_cleared_to_the_end(bench: Bench) -> None:
    """The first pod is deleted when the worker is gone: the second deletes the other one."""
    operation = await approved(bench.store, VERBS["clear-failed"](bench.world, "job"))
    await dies_at(bench, operation, "written:after")

    ended = await taken_over(bench, operation)

    assert ended.state is State.SUCCEEDED
    assert len(bench.server.seen.effects) == len(set(bench.server.seen.effects)) == 2


async def test_some_pods_are_gone_and_the_others_are_refused(bench: Bench) -> None:
    """What was done is told by number, and is no "nothing was changed"."""
    operation = await approved(bench.store, VERBS["clear-failed"](bench.world, "job"))

    async def forbid() -> None:
        bench.server.faults.add(Fault(FaultKind.STATUS, verb="delete", status=403, message="not any more"))

    ended = await bench.carried_out(operation, executor=bench.executor(at=at_point("written:after", forbid)))

    assert (ended.state, ended.effect) == (State.FAILED, Effect.APPLIED)
    assert ended.outcome == "Not allowed: not any more; 1 of 2 pods was deleted before"


# --- a stopped process ------------------------------------------------------------------------------------------------


class Frozen:
    """A worker that stands still at a point, past its lease, and goes on when told."""

    def __init__(self, bench: Bench, point: str) -> None:
        self._resumed = asyncio.Event()
        self.reached = asyncio.Event()
        self.executor = bench.executor(at=at_point(point, self._stand_still), **LEASE)

    async def _stand_still(self) -> None:
        self.reached.set()
        await self._resumed.wait()

    async def work(self) -> None:
        await self.executor.step()

    def resume(self) -> None:
        self._resumed.set()


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "clear-failed"])
async def test_t20_a_late_write_meets_the_versions_of_another(bench: Bench, verb: str) -> None:
    """The first stands still right before it sends; the second writes; the first sends: one effect."""
    operation = await approved(bench.store, VERBS[verb](bench.world, "api"))
    frozen = Frozen(bench, "written:before")
    first = asyncio.create_task(frozen.work())
    await frozen.reached.wait()
    bench.run()

    ended = await taken_over(bench, operation)
    frozen.resume()
    await first

    assert ended.state is State.SUCCEEDED
    assert (await bench.operation(operation)).version == ended.version
    assert len(bench.server.seen.effects) == 1


async def test_t20_whoever_lost_the_lease_sends_nothing(bench: Bench) -> None:
    """The first stands still before it is about to send: when it goes on it asks whether it still may."""
    operation = await approved(bench.store, VERBS["restart"](bench.world, "api"))
    frozen = Frozen(bench, "attempt")
    first = asyncio.create_task(frozen.work())
    await frozen.reached.wait()
    bench.run()

    ended = await taken_over(bench, operation)
    frozen.resume()
    await first

    assert ended.state is State.SUCCEEDED
    assert bench.server.seen.asked == 1


async def test_t20_whoever_lost_the_fence_records_nothing(bench: Bench) -> None:
    """The first has its answer when another one has the request: what it came to is for that one to find out."""
    operation = await approved(bench.store, VERBS["restart"](bench.world, "api"))
    frozen = Frozen(bench, "written:after")
    first = asyncio.create_task(frozen.work())
    await frozen.reached.wait()
    with pytest.raises(Stopped):
        await taken_over(bench, operation, at=at_point("read", vanish))
    between = await bench.operation(operation)
    bench.run()
    frozen.resume()
    await first
    assert await bench.operation(operation) == between

    ended = await taken_over(bench, operation)

    assert (between.fence, between.effect, ended.state, ended.fence) == (2, None, State.SUCCEEDED, 3)
    assert bench.server.seen.of("api") == PATCHED
    assert [each.action for each in await bench.told(operation)].count("patched") == 1


async def test_t21_a_late_write_meets_the_void_mark(bench: Bench) -> None:
    """The second may not write and ends it without effect: it first makes sure that the first cannot any more."""
    operation = await approved(bench.store, VERBS["restart"](bench.world, "api"))
    frozen = Frozen(bench, "written:before")
    first = asyncio.create_task(frozen.work())
    await frozen.reached.wait()
    bench.server.faults.add(Fault(FaultKind.STATUS, verb="patch", status=422, message="not now", count=1))

    ended = await taken_over(bench, operation)
    assert annotations(bench)[VOID] == operation.id
    frozen.resume()
    await first

    assert (ended.state, ended.effect) == (State.FAILED, Effect.NONE)
    assert bench.server.seen.of("api") == []
    assert "voided" in [each.action for each in await bench.told(operation)]


async def test_t21_without_a_void_mark_the_doubt_is_told(bench: Bench) -> None:
    """Nothing can be written at all: then the first one's write may still come, and a person has to know."""
    operation = await approved(bench.store, VERBS["restart"](bench.world, "api"))
    await dies_at(bench, operation, "written:before")
    bench.server.faults.add(Fault(FaultKind.STATUS, verb="patch", status=403, message="no right any more"))

    ended = await taken_over(bench, operation)

    assert (ended.state, ended.effect) == (State.UNKNOWN, Effect.UNKNOWN)
    assert "may still arrive late" in ended.outcome


async def test_t21_an_eviction_cannot_be_made_void(bench: Bench) -> None:
    """The budget refuses the second one's eviction, not necessarily the first one's, which may be on its way."""
    operation = await approved(bench.store, VERBS["evict"](bench.world, "api"))
    await dies_at(bench, operation, "written:before")
    bench.world.apply("poddisruptionbudgets", bench.budget("api", least=2))
    bench.world.advance(30)

    ended = await taken_over(bench, operation)

    assert (ended.state, ended.effect) == (State.UNKNOWN, Effect.UNKNOWN)
    assert "may still arrive late" in ended.outcome


async def test_t21_an_object_that_moved_needs_no_void_mark(bench: Bench) -> None:
    """The first one's write was bound to a version that is no more: it cannot pass."""
    operation = await approved(bench.store, VERBS["evict"](bench.world, "api"))
    frozen = Frozen(bench, "written:before")
    first = asyncio.create_task(frozen.work())
    await frozen.reached.wait()
    bench.world.apply("poddisruptionbudgets", bench.budget("api", least=2))
    bench.world.advance(30)
    edit(bench.world, "pods", operation.plan.draft.target.name, lambda pod: pod["status"].update(message="noise"))

    ended = await taken_over(bench, operation)
    bench.world.store.delete("poddisruptionbudgets", NAMESPACE, "api")
    frozen.resume()
    await first

    assert (ended.state, ended.effect) == (State.FAILED, Effect.NONE)
    assert bench.server.seen.effects == []


async def test_a_void_mark_of_this_request_stops_it(bench: Bench) -> None:
    """Whoever set it had decided not to write, and was gone before it could say so."""
    operation = await approved(bench.store, VERBS["restart"](bench.world, "api"))
    await dies_at(bench, operation, "claimed")
    edit(bench.world, "deployments", "api", lambda of: of["metadata"]["annotations"].update({VOID: operation.id}))
    bench.run()

    ended = await taken_over(bench, operation)

    assert (ended.state, ended.effect) == (State.FAILED, Effect.NONE)
    assert bench.server.seen.asked == 0


async def test_a_claim_that_is_long_past_is_not_carried_out(bench: Bench) -> None:
    """Everybody was away for so long that what was approved then is written no more."""
    operation = await approved(bench.store, VERBS["restart"](bench.world, "api"))
    await dies_at(bench, operation, "claimed")
    bench.run()

    ended = await taken_over(bench, operation, recover_s=0.3)

    assert (ended.state, ended.outcome) == (State.FAILED, "it could not be written in time")
    assert bench.server.seen.asked == 0


# --- a lost answer ----------------------------------------------------------------------------------------------------

AFTER = {
    "reset": Fault(FaultKind.DROP_BEFORE, verb="patch", after=True, count=1),
    "5xx": Fault(FaultKind.STATUS, verb="patch", status=503, after=True, count=1),
    "hang": Fault(FaultKind.LATENCY, verb="patch", seconds=3.0, after=True, count=1),
    "half an answer": Fault(FaultKind.DROP_WITHIN, verb="patch", count=1),
}
BEFORE = {
    "reset": Fault(FaultKind.DROP_BEFORE, verb="patch", count=1),
    "5xx": Fault(FaultKind.STATUS, verb="patch", status=503, count=1),
    "server time-out": Fault(FaultKind.STATUS, verb="patch", status=504, count=2),
}


@pytest.mark.parametrize("fault", AFTER)
async def test_t22_a_lost_answer_after_the_effect_is_found_out(bench: Bench, fault: str) -> None:
    """The mark on the object tells: it happened, and is not sent again."""
    operation = await approved(bench.store, VERBS["restart"](bench.world, "api"))
    bench.server.faults.add(AFTER[fault])
    bench.run()

    ended = await bench.carried_out(operation)

    assert ended.state is State.SUCCEEDED
    assert bench.server.seen.of("api") == PATCHED
    assert bench.server.seen.asked == 1


@pytest.mark.parametrize("fault", BEFORE)
async def test_t22_a_lost_answer_before_the_effect_is_done_again(bench: Bench, fault: str) -> None:
    """Nothing on the object tells of it: it is sent again, bound to the version that was read again."""
    operation = await approved(bench.store, VERBS["restart"](bench.world, "api"))
    bench.server.faults.add(BEFORE[fault])
    bench.run()

    ended = await bench.carried_out(operation)

    assert ended.state is State.SUCCEEDED
    assert bench.server.seen.of("api") == PATCHED


async def test_t22_a_request_that_hangs_before_its_effect_is_overtaken(bench: Bench) -> None:
    """The first request is still on its way when the second one is carried out: it meets a conflict."""
    operation = await approved(bench.store, VERBS["restart"](bench.world, "api"))
    bench.server.faults.add(Fault(FaultKind.LATENCY, verb="patch", seconds=2.5, count=1))
    bench.run()

    ended = await bench.carried_out(operation)
    await asyncio.sleep(1.0)

    assert ended.state is State.SUCCEEDED
    assert bench.server.seen.of("api") == PATCHED


async def test_t22_a_lost_answer_to_an_eviction_is_found_out(bench: Bench) -> None:
    """The pod is on its way out: it happened."""
    operation = await approved(bench.store, VERBS["evict"](bench.world, "api"))
    bench.server.faults.add(Fault(FaultKind.DROP_BEFORE, verb="create", after=True, count=1, resource="pods/eviction"))
    bench.run()

    ended = await bench.carried_out(operation)

    assert ended.state is State.SUCCEEDED
    assert len(bench.server.seen.effects) == 1


async def test_t23_what_somebody_undid_before_it_was_found_is_not_done_again(bench: Bench) -> None:
    """The answer is lost, and a person takes the change back: whoever recovers sees the trace, and asks a person."""
    operation = await approved(bench.store, VERBS["restart"](bench.world, "api"))
    bench.server.faults.add(Fault(FaultKind.DROP_BEFORE, verb="patch", after=True, count=1))

    async def take_back() -> None:
        bench.world.advance(5)
        undo(bench.world, "api")

    ended = await bench.carried_out(operation, executor=bench.executor(at=at_point("written:after", take_back)))

    assert (ended.state, ended.effect) == (State.UNKNOWN, Effect.UNKNOWN)
    assert "reversed" in ended.outcome
    assert bench.server.seen.of("api") == PATCHED


async def test_t23_a_mark_that_somebody_removed_is_not_taken_for_nothing(bench: Bench) -> None:
    """The object is as it was to be, without the mark: nobody can tell whose work that is."""
    operation = await approved(bench.store, VERBS["restart"](bench.world, "api"))
    await dies_at(bench, operation, "written:after")
    edit(bench.world, "deployments", "api", lambda of: of["metadata"]["annotations"].pop(MARKER))

    ended = await taken_over(bench, operation)

    assert (ended.state, ended.effect) == (State.UNKNOWN, Effect.UNKNOWN)
    assert "does not carry this request's mark" in ended.outcome


async def test_overwritten_while_nobody_looked(bench: Bench) -> None:
    """It happened, by its mark, and somebody released another image since: applied, and overwritten."""
    operation = await approved(bench.store, VERBS["set-image"](bench.world, "api"))
    await dies_at(bench, operation, "written:after")
    release(bench.world, "api", "v12")

    ended = await taken_over(bench, operation)

    assert (ended.state, ended.effect) == (State.FAILED, Effect.APPLIED)
    assert ended.outcome.startswith("overwritten since")
    assert bench.server.seen.of("api") == PATCHED


# --- other marks ------------------------------------------------------------------------------------------------------


async def test_t17b_the_mark_of_an_older_request_is_not_ours(bench: Bench) -> None:
    """The object still carries the one before: that is what it was before the write, and it is written."""
    older = await approved(bench.store, VERBS["scale"](bench.world, "api"))
    bench.run()
    assert (await bench.carried_out(older)).state is State.SUCCEEDED
    bench.stop()
    assert annotations(bench)[MARKER] == older.id
    newer = await approved(bench.store, bench.restart("api"))
    await dies_at(bench, newer, "written:before")
    bench.run()

    ended = await taken_over(bench, newer)

    assert ended.state is State.SUCCEEDED
    assert annotations(bench)[MARKER] == newer.id
    assert bench.server.seen.of("api") == [*PATCHED, *PATCHED]


async def test_t17b_an_undo_that_brings_an_old_mark_back_is_no_reason_to_write_again(bench: Bench) -> None:
    """It was applied; `kubectl rollout undo` brings back the template and the mark of before. It is not redone."""
    older = await approved(bench.store, VERBS["restart"](bench.world, "api"))
    bench.run()
    assert (await bench.carried_out(older)).state is State.SUCCEEDED
    bench.stop()
    newer = await approved(bench.store, bench.restart("api"), later_s=1.0)
    await dies_at(bench, newer, "written:after")
    bench.world.advance(30)
    undo(bench.world, "api")
    assert annotations(bench)[MARKER] == older.id

    ended = await taken_over(bench, newer)

    assert (ended.state, ended.effect) == (State.UNKNOWN, Effect.UNKNOWN)
    assert bench.server.seen.of("api") == [*PATCHED, *PATCHED]


GONE: dict[str, tuple[Callable[[Bench], object], str]] = {
    "deleted": (lambda bench: bench.world.store.delete("deployments", NAMESPACE, "api"), "gone"),
    "marked by a third": (
        lambda bench: edit(
            bench.world, "deployments", "api", lambda of: of["metadata"]["annotations"].update({MARKER: "another"})
        ),
        "another request",
    ),
}


@pytest.mark.parametrize("case", GONE)
async def test_what_cannot_be_told_is_left_to_a_person(bench: Bench, case: str) -> None:
    """The object says nothing of the write that may have been sent."""
    happen, said = GONE[case]
    operation = await approved(bench.store, VERBS["restart"](bench.world, "api"))
    await dies_at(bench, operation, "written:before")
    happen(bench)

    ended = await taken_over(bench, operation)

    assert (ended.state, ended.effect) == (State.UNKNOWN, Effect.UNKNOWN)
    assert said in ended.outcome
    assert bench.server.seen.of("api") == []


# --- a cluster that cannot be read ------------------------------------------------------------------------------------


async def test_an_unreadable_cluster_is_waited_for(bench: Bench) -> None:
    """The worker holds the request longer than a lease while nothing can be read, and then goes on."""
    operation = await approved(bench.store, VERBS["restart"](bench.world, "api"))
    await dies_at(bench, operation, "written:after")
    bench.server.faults.add(Fault(FaultKind.STATUS, verb="get", status=403, resource="deployments"))

    async def mend() -> None:
        await asyncio.sleep(2.5)
        bench.server.faults.clear()

    bench.run()
    async with in_background(mend()):
        ended = await taken_over(bench, operation, lease_s=1.5)

    assert ended.state is State.SUCCEEDED
    assert ended.fence == 2
    assert bench.server.seen.of("api") == PATCHED


async def test_a_cluster_that_stays_unreadable_leaves_doubt(bench: Bench) -> None:
    """A write may have been sent, and nobody can look: a person has to."""
    operation = await approved(bench.store, VERBS["restart"](bench.world, "api"))
    await dies_at(bench, operation, "written:before")
    bench.server.faults.add(Fault(FaultKind.STATUS, verb="get", status=403))

    ended = await taken_over(bench, operation, recover_s=0.5)

    assert (ended.state, ended.effect) == (State.UNKNOWN, Effect.UNKNOWN)


async def test_a_cluster_that_stays_unreadable_before_any_write_is_no_doubt(bench: Bench) -> None:
    """Nothing was ever sent."""
    operation = await approved(bench.store, VERBS["restart"](bench.world, "api"))
    await dies_at(bench, operation, "claimed")
    bench.server.faults.add(Fault(FaultKind.STATUS, verb="get", status=403))

    ended = await taken_over(bench, operation, recover_s=0.5)

    assert (ended.state, ended.effect) == (State.FAILED, Effect.NONE)


async def test_noise_while_a_write_is_in_doubt(bench: Bench) -> None:
    """The version moved after the first worker was gone: its write cannot pass, and the second one's does."""
    operation = await approved(bench.store, VERBS["restart"](bench.world, "api"))
    await dies_at(bench, operation, "written:before")
    touch(bench.world, "api")
    bench.run()

    ended = await taken_over(bench, operation)

    assert ended.state is State.SUCCEEDED
    assert bench.server.seen.of("api") == PATCHED
