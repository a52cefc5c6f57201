"""What operators watch of changes: each approval, end and decision is counted once, and only what was committed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.live import MARKER
from bot.domain.operations import State
from bot.domain.requests import Place
from bot.engine.marks import Marks
from bot.engine.timers import Timers
from bot.errors import StoreUnavailable
from bot.health.metrics import PrometheusMeter
from bot.store.store import PostgresStore
from sandbox.cluster.faults import Fault, FaultKind
from tests.bot.health.scrapes import make_meter, samples, value
from tests.support import operations as kept
from tests.support.carrying import Bench, Stopped, approved, at_point, vanish
from tests.support.changing import VERBS, deploy, edit
from tests.support.engine import ANN, BOB, LEA, OTHER_CHANNEL, Scene, scene_on
from tests.support.waiting import until

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def meter() -> PrometheusMeter:
    return make_meter()


@pytest.fixture
async def scene(store: PostgresStore, tmp_path: Path, meter: PrometheusMeter) -> AsyncIterator[Scene]:
    async with scene_on(store, tmp_path) as set_up:
        yield set_up.fitted(meter=meter)


def counted(meter: PrometheusMeter, name: str) -> dict[str, float]:
    """Return what was counted under a name, by its labels, without what stands at 0."""
    return {
        " ".join(text for _, text in sorted(labels)): figure
        for (found, labels), figure in samples(meter).items()
        if found == name and figure
    }


ENDS, DECISIONS = "ragops_changes_ended_total", "ragops_change_decisions_total"


# --- what people do ---------------------------------------------------------------------------------------------------


async def test_a_decision_is_counted_with_what_came_of_it(scene: Scene, meter: PrometheusMeter) -> None:
    """An approval, one's own, a second one, and one on another message."""
    operation = await scene.request()
    await scene.vote(operation, ANN)
    await scene.press(operation, "approve", by=LEA, message="1.1")
    assert counted(meter, DECISIONS) == {"approve refused": 2}
    await scene.vote(operation, BOB)
    await scene.vote(operation, LEA)
    assert counted(meter, DECISIONS) == {"approve refused": 3, "approve recorded": 1}
    assert value(meter, "ragops_change_approval_wait_seconds_count") == 1
    await scene.say(f"withdraw {operation.id[:8]}", by=BOB)
    await scene.vote(operation, LEA)
    assert counted(meter, DECISIONS) == {"approve refused": 3, "approve recorded": 2, "withdraw recorded": 1}
    assert value(meter, "ragops_change_approval_wait_seconds_count") == 2
    assert counted(meter, ENDS) == {}


async def test_what_ends_by_a_person_is_counted_by_its_end(scene: Scene, meter: PrometheusMeter) -> None:
    """Denied, cancelled, replaced by a newer one, and superseded by what the approver's press found."""
    await scene.vote(await scene.request(), BOB, "deny", "not now")
    await scene.say(f"cancel {(await scene.request()).id[:8]}", by=ANN, place=Place(OTHER_CHANNEL))
    assert counted(meter, ENDS) == {"denied restart": 1, "cancelled restart": 1}
    await scene.request()
    operation = await scene.request("rollback api --replace")
    assert counted(meter, ENDS) == {"denied restart": 1, "cancelled restart": 1, "superseded restart": 1}
    scene.touch("api", lambda found: found["spec"]["template"]["spec"]["containers"][0].update(image="shop:v9"))
    await scene.vote(operation, BOB)
    assert counted(meter, ENDS)["superseded unknown"] == 1  # rollback is none of this meter's verbs
    assert counted(meter, DECISIONS)["approve superseded"] == 1
    assert counted(meter, "ragops_change_duration_seconds_count") == {}


async def test_what_is_refused_before_it_is_kept_is_counted(scene: Scene, meter: PrometheusMeter) -> None:
    """By its planner, or because another request has the object."""
    deploy(scene.world, "untouchable", "v1", "v2")
    await scene.say("restart untouchable")
    await scene.request("restart api")
    await scene.say("set image api")
    assert counted(meter, ENDS) == {"refused restart": 1, "refused set image": 1}


async def test_nobody_is_counted_as_waited_for_where_nobody_is_asked(scene: Scene, meter: PrometheusMeter) -> None:
    await scene.request("restart api --risk low")
    assert value(meter, "ragops_change_approval_wait_seconds_count") == 0


@pytest.mark.parametrize("step", ["a vote", "a request"])
async def test_what_is_rolled_back_is_not_counted(scene: Scene, meter: PrometheusMeter, step: str) -> None:
    """It is done again, and counted then."""

    async def away() -> None:
        raise StoreUnavailable

    operation = await scene.request()
    before = samples(meter)
    if step == "a vote":
        with pytest.raises(StoreUnavailable):
            await scene.fitted(at=at_point("voted:before-commit", away)).vote(operation)
    else:
        with pytest.raises(StoreUnavailable):
            await scene.fitted(at=at_point("requested:before-commit", away)).say("scale api --replace")
    names = (ENDS, DECISIONS, "ragops_change_approval_wait_seconds_count")
    assert {key: figure for key, figure in samples(meter).items() if key[0] in names} == {
        key: figure for key, figure in before.items() if key[0] in names
    }


# --- what happens by itself -------------------------------------------------------------------------------------------


async def test_an_expired_request_is_told_from_one_that_was_approved(scene: Scene, meter: PrometheusMeter) -> None:
    """Nobody answered; or they did, and no worker could begin."""
    await kept.add(scene.store, kept.operation("op-waits", age_s=kept.LIVES_S + 1))
    late = kept.operation("op-late", name="worker")
    await kept.run_to(
        scene.store,
        late,
        kept.approved,
        lambda found: replace(found, execute_by=late.created_at - timedelta(seconds=1)),
    )
    assert await Timers(scene.workshop).step()
    assert counted(meter, ENDS) == {"expired restart": 1, "expired_approved restart": 1}
    assert await Timers(scene.workshop).step() is False
    assert sum(counted(meter, ENDS).values()) == 2


async def test_a_change_that_was_carried_out_is_counted_with_its_time(bench: Bench, meter: PrometheusMeter) -> None:
    operation = await approved(bench.store, VERBS["restart"](bench.world, "api"))
    bench.run()
    ended = await bench.carried_out(operation, executor=bench.executor(meter=meter))
    assert counted(meter, ENDS) == {"succeeded restart": 1}
    assert counted(meter, "ragops_change_duration_seconds_count") == {"restart": 1}
    assert ended.ended_at is not None
    assert ended.approved_at is not None
    took_s = (ended.ended_at - ended.approved_at).total_seconds()
    assert value(meter, "ragops_change_duration_seconds_sum", verb="restart") == pytest.approx(took_s)
    assert value(meter, "ragops_change_takeovers_total") == 0


async def test_an_end_without_success_says_what_the_cluster_has_of_it(bench: Bench, meter: PrometheusMeter) -> None:
    """Nothing, something, or what nobody knows."""
    operation = await approved(bench.store, VERBS["restart"](bench.world, "api"))
    bench.server.faults.add(Fault(FaultKind.STATUS, verb="patch", status=403, count=1))
    await bench.carried_out(operation, executor=bench.executor(meter=meter))

    async def bug() -> None:
        raise ZeroDivisionError

    for point in ("patched", "written:after"):
        again = await approved(bench.store, VERBS["restart"](bench.world, "api"))
        await bench.carried_out(again, executor=bench.executor(meter=meter, at=at_point(point, bug)))
    assert counted(meter, ENDS) == {"failed_none restart": 1, "failed_applied restart": 1, "unknown restart": 1}


async def test_a_change_that_is_taken_over_is_counted_as_that(bench: Bench, meter: PrometheusMeter) -> None:
    """By the worker that goes on with it; its end is counted once."""
    operation = await approved(bench.store, VERBS["restart"](bench.world, "api"))
    with suppress(Stopped):
        await bench.executor(meter=meter, at=at_point("patched", vanish), lease_s=0.6, renew_s=0.2).step()
    assert value(meter, "ragops_change_takeovers_total") == 0
    bench.run()
    second = bench.executor(meter=meter, name="worker-b")

    async def worked() -> bool:
        return await second.step()

    await until(worked, bool)
    assert (await bench.operation(operation)).state is State.SUCCEEDED
    assert value(meter, "ragops_change_takeovers_total") == 1
    assert counted(meter, ENDS) == {"succeeded restart": 1}


async def test_an_effect_without_a_request_is_counted_once(bench: Bench, meter: PrometheusMeter) -> None:
    """Over all replicas, however often they look."""
    annotations = {MARKER: "0e8dfb0c-0000-4000-8000-000000000000"}
    deploy(bench.world, "api")
    edit(bench.world, "deployments", "api", lambda found: found["metadata"].update(annotations=annotations))
    for _ in range(3):
        assert await Marks(replace(bench.workshop, meter=meter)).step()
    assert value(meter, "ragops_unknown_effects_total") == 1
