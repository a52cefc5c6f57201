"""A change that was written is followed until it is complete or has failed; what it has come to is told as it is."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bot.domain.live import Live
from bot.domain.operations import Effect, Operation, Progress, State
from bot.domain.plans import Draft
from bot.domain.targets import ObjectRef
from bot.engine.following import judge
from sandbox.cluster.faults import Fault, FaultKind
from sandbox.cluster.world.behaviours import PullFails
from tests.support.carrying import Bench, approved, at_point
from tests.support.changing import IMAGE, NAMESPACE, VERBS, deploy, draft_of, edit, live_in, release
from tests.support.steps import scale, set_image
from tests.support.waiting import in_background

pytestmark = pytest.mark.timeout(240)


async def written(bench: Bench, draft: Draft, then: Callable[[], object], **changed: Any) -> Operation:
    """Let a change be written, something happen right after it, and follow it to its end."""
    operation = await approved(bench.store, draft)

    async def happen() -> None:
        then()

    return await bench.carried_out(operation, executor=bench.executor(at=at_point("patched", happen), **changed))


# --- t31: what goes wrong ---------------------------------------------------------------------------------------------


async def test_t31_a_roll_out_that_cannot_be_completed_failed_with_its_effect(bench: Bench) -> None:
    """The image is not there: the deadline of the Deployment passes, the change stays, and can be undone."""
    bench.world.behave(f"{IMAGE}:gone", PullFails(failure="not_found"))
    deploy(bench.world, "api", progressDeadlineSeconds=30)
    live = live_in(bench.world, "Deployment", "api")
    step = set_image("Deployment", live, image=f"{IMAGE}:gone")
    operation = await approved(bench.store, draft_of("set image", "Deployment", "api", step, uid=live.uid))
    bench.run()

    ended = await bench.carried_out(operation)

    assert (ended.state, ended.effect) == (State.FAILED, Effect.APPLIED)
    assert "not ready within the time" in ended.outcome
    assert ended.plan.draft.inverse
    assert bench.image("api") == f"{IMAGE}:gone"


async def test_t31_it_takes_too_long(bench: Bench) -> None:
    """The cluster does not move: the time that the plan gives it is over."""
    deploy(bench.world, "api")
    draft = bench.restart("api")
    short = draft_of("restart", "Deployment", "api", draft.step, uid=draft.target.uid, lasts_s=1)

    ended = await written(bench, short, lambda: None)

    assert (ended.state, ended.effect) == (State.FAILED, Effect.APPLIED)
    assert ended.outcome.startswith("not complete within 1 s")


HAPPENS: dict[str, tuple[Callable[[Bench], object], str]] = {
    "paused": (
        lambda bench: edit(bench.world, "deployments", "api", lambda of: of["spec"].update(paused=True)),
        "paused",
    ),
    "deleted": (lambda bench: bench.world.store.delete("deployments", NAMESPACE, "api"), "deleted meanwhile"),
    "made anew": (
        lambda bench: (bench.world.store.delete("deployments", NAMESPACE, "api"), deploy(bench.world, "api")),
        "made anew meanwhile",
    ),
    "another release": (lambda bench: release(bench.world, "api", "v12"), "overwritten since"),
}


@pytest.mark.parametrize("case", HAPPENS)
async def test_t31_what_happens_in_between_is_told(bench: Bench, case: str) -> None:
    """The change was applied, and is not what it was to be any more."""
    happen, said = HAPPENS[case]
    draft = VERBS["set-image"](bench.world, "api")

    # The cluster goes on only then: a roll-out that is complete by then would be no failure.
    ended = await written(bench, draft, lambda: (happen(bench), bench.run()))

    assert (ended.state, ended.effect) == (State.FAILED, Effect.APPLIED)
    assert said in ended.outcome


async def test_somebody_scales_meanwhile(bench: Bench) -> None:
    """Another number of pods than ours is asked for: that is no success of ours."""
    draft = VERBS["scale"](bench.world, "api")

    ended = await written(
        bench, draft, lambda: edit(bench.world, "deployments", "api", lambda of: of["spec"].update(replicas=5))
    )

    assert (ended.state, ended.effect) == (State.FAILED, Effect.APPLIED)
    assert ended.outcome == "overwritten since: 5 pods are asked for now, not 3"


def refuse_pods(of: dict[str, Any]) -> None:
    """Say that pods cannot be made, in the cluster's words."""
    of["status"] = {
        **of["status"],
        "observedGeneration": of["metadata"]["generation"],
        "updatedReplicas": 0,
        "conditions": [
            {
                "type": "ReplicaFailure",
                "status": "True",
                "reason": "FailedCreate",
                "message": "pods are forbidden: exceeded quota: password=hunter2hunter2 in q",
            }
        ],
    }


async def test_pods_that_are_refused_end_it_and_secrets_stay_out_of_it(bench: Bench) -> None:
    """The cluster's own words are told, redacted."""
    deploy(bench.world, "api")

    ended = await written(
        bench, bench.restart("api"), lambda: edit(bench.world, "deployments", "api", refuse_pods), follow_every_s=0.02
    )

    assert (ended.state, ended.effect) == (State.FAILED, Effect.APPLIED)
    assert "exceeded quota" in ended.outcome
    assert "hunter2" not in ended.outcome


async def test_a_refusal_that_passes_is_no_failure(bench: Bench) -> None:
    """A pod that does not fit may fit once an old one is gone: only what lasts is believed."""
    deploy(bench.world, "api")

    async def mend() -> None:
        await asyncio.sleep(0.2)
        bench.run()

    async with in_background(mend()):
        ended = await written(
            bench,
            bench.restart("api"),
            lambda: edit(bench.world, "deployments", "api", refuse_pods),
            follow_every_s=0.1,
        )

    assert ended.state is State.SUCCEEDED


async def test_an_unreadable_cluster_does_not_end_it(bench: Bench) -> None:
    """What cannot be seen goes on unseen."""
    deploy(bench.world, "api")
    bench.run()

    async def mend() -> None:
        await asyncio.sleep(0.7)
        bench.server.faults.clear()

    async with in_background(mend()):
        ended = await written(
            bench,
            bench.restart("api"),
            lambda: bench.server.faults.add(Fault(FaultKind.STATUS, verb="get", status=403)),
        )

    assert ended.state is State.SUCCEEDED


# --- how far ----------------------------------------------------------------------------------------------------------


EVERY_S = 0.02
TIME_LEFT = re.compile(r"about .+ left$|longer than the last ones$")


async def followed(bench: Bench, operation: Operation) -> tuple[list[Progress], Operation, float]:
    """Carry a change out in a cluster that moves from look to look; return what was shown, its end, and the seconds."""
    seen: list[Progress | None] = []
    began = time.monotonic()

    async def live(point: str) -> None:
        if point == "followed":
            # In small steps: what is shown lags behind the looks, more so where they are quick.
            bench.world.advance(0.1)
            seen.append((await bench.operation(operation)).progress)

    ended = await bench.carried_out(operation, executor=bench.executor(at=live, follow_every_s=EVERY_S))
    return list(dict.fromkeys(each for each in seen if each is not None)), ended, time.monotonic() - began


def draft_of_scale(bench: Bench) -> Draft:
    live = live_in(bench.world, "Deployment", "api")
    watch = ObjectRef("Deployment", NAMESPACE, "api")
    return draft_of("scale", "Deployment", "api", scale("Deployment", live), uid=live.uid, watch=watch)


async def test_progress_is_shown_when_it_changed_and_not_too_often(bench: Bench) -> None:
    """The card shows how many pods are ready; what has not changed makes no new version."""
    deploy(bench.world, "api", replicas=3)
    operation = await approved(bench.store, bench.restart("api"))
    shown, ended, took_s = await followed(bench, operation)

    assert ended.state is State.SUCCEEDED
    assert {each.wanted for each in shown} <= {0, 3}
    assert {each.ready for each in shown} & {1, 2}
    assert [each.ready for each in shown] == sorted(each.ready for each in shown)
    assert ended.version <= 5 + len(shown)
    assert len(shown) <= 1 + took_s / (5 * EVERY_S)
    assert not any(TIME_LEFT.search(each.note) for each in shown)


async def test_how_long_it_may_still_take_is_told_by_the_roll_outs_before(bench: Bench) -> None:
    """From the second one of a workload on; how long a scaling takes says nothing of a roll-out."""
    deploy(bench.world, "api", replicas=3)
    for draft in (draft_of_scale(bench), bench.restart("api")):
        shown, ended, _ = await followed(bench, await approved(bench.store, draft))
        assert ended.state is State.SUCCEEDED
        assert not any(TIME_LEFT.search(each.note) for each in shown)

    again = await approved(bench.store, bench.restart("api"), later_s=5)
    shown, ended, _ = await followed(bench, again)

    assert ended.state is State.SUCCEEDED
    assert shown
    assert all(TIME_LEFT.search(each.note) for each in shown)


async def test_the_lease_is_renewed_while_a_roll_out_lasts(bench: Bench) -> None:
    """It lasts longer than a lease: nobody else takes it over."""
    deploy(bench.world, "api")
    operation = await approved(bench.store, bench.restart("api"))

    async def later() -> None:
        await asyncio.sleep(2.5)
        assert not await bench.executor(name="worker-b").step()
        bench.run()

    async with in_background(later()):
        ended = await bench.carried_out(operation, executor=bench.executor(lease_s=1.5, renew_s=0.2))

    assert (ended.state, ended.fence) == (State.SUCCEEDED, 1)


async def test_whoever_lost_the_fence_says_nothing_more(bench: Bench) -> None:
    """The first stands still past its lease while it follows; the second ends it; the first goes on: one end."""
    deploy(bench.world, "api")
    operation = await approved(bench.store, bench.restart("api"))
    standing, resumed = asyncio.Event(), asyncio.Event()

    async def stand_still() -> None:
        standing.set()
        await resumed.wait()

    leases = {"lease_s": 0.5, "renew_s": 0.1}
    first = asyncio.create_task(bench.executor(at=at_point("followed", stand_still), **leases).step())
    await standing.wait()
    await asyncio.sleep(0.6)
    bench.run()
    ended = await bench.carried_out(operation, executor=bench.executor(name="worker-b"))
    resumed.set()
    await first

    assert (ended.state, ended.fence) == (State.SUCCEEDED, 2)
    assert (await bench.operation(operation)).version == ended.version
    assert [each.action for each in await bench.told(operation)].count("result") == 1


# --- what each kind of change waits for -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
async def test_other_workloads_are_followed_too(bench: Bench, kind: str) -> None:
    """A restart of each is done once all of its pods are new."""
    draft = bench.workload(kind, "db")
    operation = await approved(bench.store, draft)
    bench.run()

    ended = await bench.carried_out(operation)

    assert ended.state is State.SUCCEEDED
    assert len(bench.server.seen.effects) == 1


async def test_an_eviction_is_done_when_its_workload_is_whole_again(bench: Bench) -> None:
    """The pod that ends is told; that it is gone is not enough."""
    draft = VERBS["evict"](bench.world, "api")
    operation = await approved(bench.store, draft)
    bench.run()
    ended = await bench.carried_out(operation)

    assert ended.state is State.SUCCEEDED
    there = live_in(bench.world, "Deployment", "api").object
    assert there is not None
    assert there["status"]["readyReplicas"] == 2
    pods = [pod["metadata"]["name"] for pod in bench.world.store.list("pods", NAMESPACE)]
    assert draft.target.name not in pods


async def test_a_pod_of_nobody_known_is_only_waited_for_itself(bench: Bench) -> None:
    """Without a workload to watch, the pod's end is the end."""
    draft = VERBS["evict"](bench.world, "api")
    operation = await approved(
        bench.store, draft_of("evict", "Pod", draft.target.name, draft.step, uid=draft.target.uid)
    )
    there = live_in(bench.world, "Pod", draft.target.name)
    gone = Live(read_at=there.read_at, object=None)

    assert not judge(operation, there, None).done
    assert judge(operation, gone, None).done


async def test_bounds_wait_for_the_autoscaler_and_the_pods(bench: Bench) -> None:
    """The autoscaler acts on its new bounds some time later; then its pods have to become ready."""
    operation = await approved(bench.store, VERBS["bounds"](bench.world, "api"))
    bench.run()
    ended = await bench.carried_out(operation)

    assert ended.state is State.SUCCEEDED
    there = live_in(bench.world, "Deployment", "api").object
    assert there is not None
    assert (there["spec"]["replicas"], there["status"]["readyReplicas"]) == (3, 3)


async def test_bounds_that_somebody_changed_are_told(bench: Bench) -> None:
    """They do not hold any more."""
    ended = await written(
        bench,
        VERBS["bounds"](bench.world, "api"),
        lambda: edit(bench.world, "horizontalpodautoscalers", "api", lambda of: of["spec"].update(maxReplicas=9)),
    )

    assert (ended.state, ended.effect) == (State.FAILED, Effect.APPLIED)
    assert ended.outcome == "overwritten since: its bounds are 3 to 9 now"


async def test_a_generation_that_stayed_proves_that_nothing_was_overwritten(bench: Bench) -> None:
    """How the server writes a template down may differ from the plan's digest of it; the generation does not lie."""
    deploy(bench.world, "api")
    live = live_in(bench.world, "Deployment", "api")
    step = set_image("Deployment", live)
    operation = await approved(
        bench.store,
        draft_of("set image", "Deployment", "api", replace(step, to_template="0" * 64), uid=live.uid),
    )
    bench.run()

    assert (await bench.carried_out(operation)).state is State.SUCCEEDED
