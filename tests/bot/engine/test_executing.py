"""Approved requests are carried out once, or end with the reason why not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from bot.domain.approval import Rule, RuleSet
from bot.domain.change_policy import ChangePolicy, RuleFor
from bot.domain.operations import Effect, Operation, State
from bot.domain.people import RoleName
from bot.domain.requests import Post
from bot.domain.view import Buttons
from bot.engine.crew import Crew
from bot.engine.evidence import FRESH_S
from bot.engine.executing import Executor
from bot.engine.timers import Timers
from bot.errors import DirectoryUnavailable, StoreUnavailable
from bot.store.store import PostgresStore
from sandbox.cluster.api.access import Deny
from sandbox.cluster.faults import Fault, FaultKind
from tests.support.carrying import Bench, approved, at_point, bench_on, request, voted
from tests.support.changing import NAMESPACE, VERBS, deploy, edit, release, touch
from tests.support.clocks import ShiftedClock
from tests.support.databases import Database, database
from tests.support.twins import member
from tests.support.waiting import until

pytestmark = pytest.mark.timeout(240)


@pytest.mark.parametrize("verb", VERBS)
async def test_a_change_is_written_once_and_followed_to_its_end(bench: Bench, verb: str) -> None:
    """Every kind of change: one effect at the API server, and success once the roll-out is complete."""
    operation = await approved(bench.store, VERBS[verb](bench.world, "api"))
    bench.run()

    ended = await bench.carried_out(operation)

    assert (ended.state, ended.effect) == (State.SUCCEEDED, Effect.APPLIED), ended.outcome
    assert len(bench.server.seen.effects) == (2 if verb == "clear-failed" else 1)
    assert ended.verdict_due is not None


async def test_each_step_is_on_record(bench: Bench) -> None:
    """The audit tells the whole way, and each entry names the fence and the worker."""
    operation = await approved(bench.store, VERBS["restart"](bench.world, "api"))
    bench.run()

    await bench.carried_out(operation)

    told = await bench.told(operation)
    assert [each.action for each in told] == ["claimed", "attempt", "patched", "result"]
    assert {(each.detail["fence"], each.detail["worker"]) for each in told} == {(1, "worker-a")}
    assert told[-1].result == "SUCCEEDED"


# --- before the claim -------------------------------------------------------------------------------------------------


async def test_t10_an_approver_who_left_the_group_counts_no_longer(bench: Bench) -> None:
    """The vote is void, the request waits again, and nothing is written."""
    operation = await approved(bench.store, VERBS["restart"](bench.world, "api"))
    bench.directory.people["U-bob"] = member("U-bob")
    bench.run()

    now = await bench.carried_out(operation)

    assert (now.state, now.counted) == (State.PENDING, ())
    assert now.votes[0].void
    assert bench.server.seen.asked == 0
    assert [each.action for each in await bench.told(operation)] == ["vote_lost"]


async def test_one_of_two_lost_votes_leaves_the_other(bench: Bench) -> None:
    """Where the quorum holds without the lost vote, the change is made."""
    operation = await request(bench.store, VERBS["restart"](bench.world, "api"))
    async with bench.store.transaction() as transaction:
        now = await transaction.now()
        both = (voted(operation, "U-bob", now), voted(operation, "U-lea", now))
        by = now.replace(year=now.year + 1)
        await transaction.save(
            replace(operation, state=State.APPROVED, votes=both, approved_at=now, execute_by=by, version=3)
        )
    bench.directory.people["U-bob"] = member("U-bob")
    bench.run()

    ended = await bench.carried_out(operation)

    assert ended.state is State.SUCCEEDED
    assert [vote.human for vote in ended.counted] == ["U-lea"]


async def test_t29_it_expires_while_the_directory_is_away(bench: Bench) -> None:
    """Without the directory nothing begins; when its time is over it ends, and nothing was written."""
    operation = await approved(bench.store, VERBS["restart"](bench.world, "api"), within_s=1.5)
    bench.directory.problem = DirectoryUnavailable("the chat platform does not answer")
    executor, timers = bench.executor(), Timers(bench.workshop)

    async with asyncio.timeout(60):
        while (await bench.operation(operation)).state is State.APPROVED:
            await executor.step()
            await timers.step()
            await asyncio.sleep(0.05)

    assert (await bench.operation(operation)).state is State.EXPIRED
    assert bench.server.seen.asked == 0


async def test_t29_what_runs_does_not_expire(bench: Bench, store_url: str) -> None:
    """The times of a request are over while it is carried out: it goes on to its end."""
    operation = await approved(bench.store, VERBS["restart"](bench.world, "api"))
    bench.run()

    async def late() -> None:
        async with await psycopg.AsyncConnection.connect(store_url, autocommit=True) as connection:
            await connection.execute("UPDATE operations SET execute_by = clock_timestamp() - interval '1 s'")
        assert not await Timers(bench.workshop).step()

    ended = await bench.carried_out(operation, executor=bench.executor(at=at_point("claimed", late)))

    assert ended.state is State.SUCCEEDED


DRIFTS: dict[str, Callable[[Bench], object]] = {
    "image": lambda bench: release(bench.world, "api", "v7"),
    "template": lambda bench: edit(
        bench.world, "deployments", "api", lambda of: of["spec"]["template"]["metadata"].update(annotations={"a": "b"})
    ),
    "deleted": lambda bench: bench.world.store.delete("deployments", NAMESPACE, "api"),
    "made anew": lambda bench: (
        bench.world.store.delete("deployments", NAMESPACE, "api"),
        deploy(bench.world, "api"),
    ),
}


@pytest.mark.parametrize("drift", DRIFTS)
async def test_t14_what_drifted_before_the_claim_is_superseded(bench: Bench, drift: str) -> None:
    """The object is not the one that was shown: nothing is written."""
    operation = await approved(bench.store, VERBS["restart"](bench.world, "api"))
    DRIFTS[drift](bench)
    bench.run()

    ended = await bench.carried_out(operation)

    assert (ended.state, ended.effect) == (State.SUPERSEDED, None)
    assert ended.outcome
    assert bench.server.seen.asked == 0


async def test_t14_other_replicas_than_planned_are_superseded(bench: Bench) -> None:
    """A change of the number of pods is bound to the number that was shown."""
    operation = await approved(bench.store, VERBS["scale"](bench.world, "api"))
    edit(bench.world, "deployments", "api", lambda of: of["spec"].update(replicas=7))

    ended = await bench.carried_out(operation)

    assert (ended.state, ended.outcome) == (State.SUPERSEDED, "7 pods are asked for now, not 2")
    assert bench.server.seen.asked == 0


NEWER: dict[str, ChangePolicy] = {
    "stricter": ChangePolicy(
        rules=(RuleFor(rule=Rule(sets=(RuleSet(name="approvers", count=2, roles=(RoleName.APPROVER,)),), humans=2)),)
    ),
    "frozen": ChangePolicy(frozen=(RuleFor(forbidden="release of the year"),)),
    "forbidden": ChangePolicy(rules=(RuleFor(forbidden="not here"),)),
}


@pytest.mark.parametrize("policy", NEWER)
async def test_t30_a_policy_that_forbids_it_now_ends_it(bench: Bench, policy: str) -> None:
    """What counts is the policy of the moment of the execution."""
    operation = await approved(bench.store, VERBS["restart"](bench.world, "api"))
    bench.run()

    ended = await bench.carried_out(operation, executor=bench.executor(policy=NEWER[policy]))

    assert ended.state is State.SUPERSEDED
    assert bench.server.seen.asked == 0


async def test_a_cluster_that_cannot_be_read_is_waited_for(bench: Bench) -> None:
    """No answer is not "unchanged": it stays approved, and begins when the cluster answers."""
    operation = await approved(bench.store, VERBS["restart"](bench.world, "api"))
    bench.server.faults.add(Fault(FaultKind.STATUS, verb="get", status=403))

    assert (await bench.once(operation)).state is State.APPROVED
    bench.server.faults.clear()
    bench.run()

    assert (await bench.carried_out(operation)).state is State.SUCCEEDED


async def test_what_was_read_long_ago_begins_nothing(bench: Bench) -> None:
    """The worker stood still after its look: it looks again."""
    operation = await approved(bench.store, VERBS["restart"](bench.world, "api"))
    clock = ShiftedClock()
    bench.run()

    async def stand_still() -> None:
        clock.shift(FRESH_S + 1)

    executor = bench.executor(clock=clock, at=at_point("evidence", stand_still))
    assert (await bench.once(operation, executor=executor)).state is State.APPROVED
    assert bench.server.seen.asked == 0

    assert (await bench.carried_out(operation, executor=executor)).state is State.SUCCEEDED


async def test_a_vote_that_is_taken_back_at_the_last_moment_counts(bench: Bench) -> None:
    """Between the look and the claim somebody withdraws: the claim finds another request than was judged."""
    operation = await approved(bench.store, VERBS["restart"](bench.world, "api"))

    async def withdraw() -> None:
        async with bench.store.transaction() as transaction:
            found = await transaction.operation(operation.id)
            assert found is not None
            void = tuple(replace(vote, void="withdrawn") for vote in found.votes)
            await transaction.save(replace(found, votes=void, version=found.version + 1))

    now = await bench.once(operation, executor=bench.executor(at=at_point("evidence", withdraw)))

    assert now.state is State.APPROVED
    assert bench.server.seen.asked == 0


# --- after the claim --------------------------------------------------------------------------------------------------


async def test_t15_what_drifts_after_the_claim_is_not_written(bench: Bench) -> None:
    """The last read before the write is compared with the plan again."""
    operation = await approved(bench.store, VERBS["restart"](bench.world, "api"))

    async def drift() -> None:
        release(bench.world, "api", "v7")

    bench.run()
    ended = await bench.carried_out(operation, executor=bench.executor(at=at_point("claimed", drift)))

    assert (ended.state, ended.effect) == (State.FAILED, Effect.NONE)
    assert "template" in ended.outcome
    assert bench.server.seen.asked == 0


async def test_t15_what_drifts_between_read_and_write_is_not_overwritten(bench: Bench) -> None:
    """The write is bound to the version that was read: it meets a conflict, and the comparison the drift."""
    operation = await approved(bench.store, VERBS["restart"](bench.world, "api"))

    async def drift() -> None:
        release(bench.world, "api", "v7")

    bench.run()
    ended = await bench.carried_out(operation, executor=bench.executor(at=at_point("written:before", drift)))

    assert (ended.state, ended.effect) == (State.FAILED, Effect.NONE)
    assert bench.server.seen.effects == []


@pytest.mark.parametrize("times", [1, 4])
async def test_t16_noise_is_no_drift(bench: Bench, times: int) -> None:
    """Only the version moves, again and again: it is read anew, compared and written."""
    operation = await approved(bench.store, VERBS["restart"](bench.world, "api"))
    left = times

    async def noise(point: str) -> None:
        nonlocal left
        if point == "written:before" and left:
            left -= 1
            touch(bench.world, "api")
        elif point == "patched":
            bench.run()  # not before: what the cluster writes itself would be noise, too

    ended = await bench.carried_out(operation, executor=bench.executor(at=noise))

    assert ended.state is State.SUCCEEDED
    assert bench.server.seen.of("api") == ["PATCH deployments/api"]


async def test_t16_endless_noise_ends_without_a_write(bench: Bench) -> None:
    """After five conflicts nobody insists."""
    operation = await approved(bench.store, VERBS["restart"](bench.world, "api"))

    async def noise(point: str) -> None:
        if point == "written:before":
            touch(bench.world, "api")

    ended = await bench.carried_out(operation, executor=bench.executor(at=noise))

    assert (ended.state, ended.effect) == (State.FAILED, Effect.NONE)
    assert (bench.server.seen.asked, bench.server.seen.effects) == (5, [])


async def test_t17_a_revision_that_is_gone_is_not_rolled_back_to(bench: Bench) -> None:
    """The revision was bound by its uid; without it nothing is written."""
    operation = await approved(bench.store, VERBS["rollback"](bench.world, "api"))
    bench.world.store.delete("replicasets", NAMESPACE, operation.plan.draft.step.revision_name)  # type: ignore[union-attr]

    ended = await bench.carried_out(operation)

    assert (ended.state, ended.outcome) == (State.SUPERSEDED, "revision 1 is gone")
    assert bench.server.seen.asked == 0


async def test_t17_the_same_number_with_other_content_is_not_rolled_back_to(bench: Bench) -> None:
    """A number proves nothing: the content is compared."""
    operation = await approved(bench.store, VERBS["rollback"](bench.world, "api"))
    name = operation.plan.draft.step.revision_name  # type: ignore[union-attr]
    edit(
        bench.world,
        "replicasets",
        name,
        lambda of: of["spec"]["template"]["spec"]["containers"][0].update(image="registry.example.com/app:evil"),
    )

    ended = await bench.carried_out(operation)

    assert ended.state is State.SUPERSEDED
    assert "other content" in ended.outcome
    assert bench.server.seen.asked == 0


async def test_t17_a_renumbered_revision_is_the_same_revision(bench: Bench) -> None:
    """The uid and the content are as planned: the number is for people."""
    operation = await approved(bench.store, VERBS["rollback"](bench.world, "api"))
    edit(
        bench.world,
        "replicasets",
        operation.plan.draft.step.revision_name,  # type: ignore[union-attr]
        lambda of: of["metadata"]["annotations"].update({"deployment.kubernetes.io/revision": "9"}),
    )
    bench.run()

    assert (await bench.carried_out(operation)).state is State.SUCCEEDED


@pytest.mark.parametrize("verb", ["rollback", "restart", "scale"])
async def test_t18_a_plan_is_not_carried_out_twice(bench: Bench, verb: str) -> None:
    """The same plan asked for again finds nothing to do: a rollback never goes back to the bad version."""
    draft = VERBS[verb](bench.world, "api")
    first = await approved(bench.store, draft)
    bench.run()
    assert (await bench.carried_out(first)).state is State.SUCCEEDED
    image = bench.image("api")

    again = await bench.carried_out(await approved(bench.store, draft))

    assert again.state is State.SUPERSEDED
    assert bench.server.seen.of("api") == ["PATCH deployments/api"]
    assert bench.image("api") == image


async def test_t18_two_requests_are_two_restarts(bench: Bench) -> None:
    """Each has its own time, and its own mark."""
    bench.run()
    for number in (1, 2):
        draft = VERBS["restart"](bench.world, "api") if number == 1 else bench.restart("api")
        operation = await approved(bench.store, draft, later_s=number)
        assert (await bench.carried_out(operation)).state is State.SUCCEEDED
        assert bench.server.seen.of("api") == ["PATCH deployments/api"] * number
        assert bench.server.seen.effects[-1].mark == operation.id


REFUSALS = {
    "no right": Fault(FaultKind.STATUS, verb="patch", status=403, message='deployments.apps "api" is forbidden'),
    "admission": Fault(FaultKind.STATUS, verb="patch", status=422, message="denied request: image not allowed"),
}


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_t32_what_the_server_refuses_was_not_done(bench: Bench, refusal: str) -> None:
    """Rights and admission say no to the write: nothing was changed, and the reason is told."""
    operation = await approved(bench.store, VERBS["restart"](bench.world, "api"))
    bench.server.faults.add(REFUSALS[refusal])

    ended = await bench.carried_out(operation)

    assert (ended.state, ended.effect) == (State.FAILED, Effect.NONE)
    assert ended.outcome
    assert bench.server.seen.effects == []


async def test_t32_the_right_to_patch_is_missing(bench: Bench) -> None:
    """The cluster's own rights refuse it, as they would a real account."""
    operation = await approved(bench.store, VERBS["restart"](bench.world, "api"))
    bench.server.rbac = (Deny(verb="patch", resource="deployments"),)

    ended = await bench.carried_out(operation)

    assert (ended.state, ended.effect) == (State.FAILED, Effect.NONE)
    assert "patch" in ended.outcome


async def test_a_disruption_budget_is_respected(bench: Bench) -> None:
    """An eviction that a budget refuses ends without effect, and says so."""
    draft = VERBS["evict"](bench.world, "api")
    bench.world.apply("poddisruptionbudgets", bench.budget("api", least=2))
    bench.world.advance(30)
    operation = await approved(bench.store, draft)

    ended = await bench.carried_out(operation)

    assert (ended.state, ended.effect) == (State.FAILED, Effect.NONE)
    assert "budget" in ended.outcome
    assert bench.server.seen.effects == []


async def test_the_server_asks_to_wait(bench: Bench) -> None:
    """A 429 with Retry-After was not carried out: it is asked again, once it may be."""
    operation = await approved(bench.store, VERBS["restart"](bench.world, "api"))
    bench.server.faults.add(Fault(FaultKind.STATUS, verb="patch", status=429, retry_after=1, count=1))
    bench.run()

    ended = await bench.carried_out(operation)

    assert ended.state is State.SUCCEEDED
    assert bench.server.seen.of("api") == ["PATCH deployments/api"]


async def test_a_bug_ends_what_it_stops(bench: Bench) -> None:
    """Nothing is tried again and again: before a write it failed without effect, with a reference."""
    operation = await approved(bench.store, VERBS["restart"](bench.world, "api"))

    async def bug() -> None:
        raise ZeroDivisionError

    ended = await bench.carried_out(operation, executor=bench.executor(at=at_point("read", bug)))

    assert (ended.state, ended.effect) == (State.FAILED, Effect.NONE)
    assert "reference" in ended.outcome


async def test_a_bug_after_a_write_is_sent_leaves_doubt(bench: Bench) -> None:
    """Nobody knows what came of it: a person has to look."""
    operation = await approved(bench.store, VERBS["restart"](bench.world, "api"))

    async def bug() -> None:
        raise ZeroDivisionError

    ended = await bench.carried_out(operation, executor=bench.executor(at=at_point("written:after", bug)))

    assert (ended.state, ended.effect) == (State.UNKNOWN, Effect.UNKNOWN)


# --- several at once, and the end of a worker -------------------------------------------------------------------------


async def test_two_workers_carry_one_request_out_once(bench: Bench) -> None:
    """Both look at the same moment: one claims it."""
    operation = await approved(bench.store, VERBS["restart"](bench.world, "api"))
    bench.run()

    await asyncio.gather(*(bench.executor(name=f"worker-{each}").step() for each in "abcd"))

    assert (await bench.operation(operation)).state is State.SUCCEEDED
    assert bench.server.seen.of("api") == ["PATCH deployments/api"]


async def test_a_long_roll_out_does_not_keep_others_waiting(bench: Bench) -> None:
    """A crew begins with the next one while it follows the first, whose cluster stands still."""
    slow, quick = (VERBS["restart"](bench.world, name) for name in ("slow", "api"))
    first = await approved(bench.store, slow)
    crew = Crew(bench.executor())
    assert await crew.step()
    await bench.until(first, lambda operation: operation.effect is Effect.APPLIED)

    second = await approved(bench.store, quick)
    assert await crew.step()
    await bench.until(second, lambda operation: operation.effect is Effect.APPLIED)

    assert (await bench.operation(first)).state is State.EXECUTING
    await crew.finish()


async def test_a_crew_tells_what_ended_one_of_its_operations(bench: Bench) -> None:
    """What a loop is to know, that the database is away for one, is raised by the next step."""
    await approved(bench.store, VERBS["restart"](bench.world, "api"))

    async def away() -> None:
        raise StoreUnavailable

    crew = Crew(bench.executor(at=at_point("taken", away)))
    assert await crew.step()

    with pytest.raises(StoreUnavailable):
        await until(crew.step, lambda _: False)


async def test_a_worker_that_stops_lets_go_at_once(bench: Bench) -> None:
    """It follows a roll-out that takes long; another worker takes it over without waiting for the lease."""
    operation = await approved(bench.store, VERBS["restart"](bench.world, "api"))
    crew = Crew(bench.executor(lease_s=600.0))
    await crew.step()
    await bench.until(operation, lambda each: each.effect is Effect.APPLIED)

    await crew.finish()
    bench.run()
    ended = await bench.carried_out(operation, executor=bench.executor(name="worker-b"))

    assert ended.state is State.SUCCEEDED
    assert ended.fence == 2
    assert bench.server.seen.of("api") == ["PATCH deployments/api"]


# --- the card ---------------------------------------------------------------------------------------------------------


async def test_the_card_follows_every_step_and_ends_without_decisions(bench: Bench) -> None:
    """Each new state is put out to be shown; the finished card offers to undo, and nothing to decide."""
    operation = await approved(bench.store, VERBS["restart"](bench.world, "api"))
    shown: list[str] = []

    async def look(point: str) -> None:
        if point in ("claimed", "patched", "ended"):
            shown.extend(post.view.summary for post in await bench.posts() if post.kind == "card")

    bench.run()
    ended = await bench.carried_out(operation, executor=bench.executor(at=look))

    assert [summary.partition(":")[0] for summary in dict.fromkeys(shown)][:2] == ["Running", "Done in less than 1 s"]
    posts = await bench.posts(again=True)
    card = [post for post in posts if post.kind == "card"][-1]
    assert (card.subject, card.version) == (f"operation:{operation.id}", ended.version)
    assert buttons(card) == ["Undo"]
    assert [post.under for post in posts if post.kind == "thread"] == [f"operation:{operation.id}"]


def buttons(post: Post) -> list[str]:
    return [button.label for block in post.view.blocks if isinstance(block, Buttons) for button in block.buttons]


# --- the database -----------------------------------------------------------------------------------------------------

CUT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
STEPS = ("taken", "evidence", "claimed", "read", "attempt", "written:before", "written:after", "patched", "followed")


@asynccontextmanager
async def restartable(folder: Path) -> AsyncIterator[tuple[Database, Bench]]:
    """Set everything up on a database that can be stopped."""
    async with (
        database(folder / "postgres") as served,
        await PostgresStore.open(served.url) as store,
        bench_on(store, folder) as bench,
    ):
        yield served, bench


async def test_t24_the_database_restarts_at_each_step(tmp_path: Path) -> None:
    """No effect without a row: what was begun is taken up again when the database is back, and is done once."""
    async with restartable(tmp_path) as (served, bench):
        bench.run()
        for number, step in enumerate(STEPS):
            name = f"w{number}"
            operation = await approved(bench.store, VERBS["restart"](bench.world, name))

            async def restart() -> None:
                await served.stop()
                await served.start()

            executor = bench.executor(at=at_point(step, restart), lease_s=1.0, renew_s=0.3)
            ended = await _carried_on(bench, executor, operation)

            assert ended.state is State.SUCCEEDED, step
            assert bench.server.seen.of(name) == [f"PATCH deployments/{name}"], step


async def _carried_on(bench: Bench, executor: Executor, operation: Operation) -> Operation:
    """Let a worker go on as its loop does, whatever happens to the database."""
    async with asyncio.timeout(60):
        while True:
            with suppress(StoreUnavailable):
                await executor.step()
                now = await bench.operation(operation)
                if now.state.final:
                    return now
            await asyncio.sleep(0.05)


async def test_t24_every_connection_is_cut_at_each_step(bench: Bench, store_url: str) -> None:
    """As when another server takes over: what was begun is taken up again, and is done once."""
    bench.run()
    for number, step in enumerate(STEPS):
        name = f"w{number}"
        operation = await approved(bench.store, VERBS["restart"](bench.world, name))

        async def cut() -> None:
            async with await psycopg.AsyncConnection.connect(store_url, autocommit=True) as connection:
                await connection.execute(CUT)

        executor = bench.executor(at=at_point(step, cut), lease_s=1.0, renew_s=0.3)
        ended = await _carried_on(bench, executor, operation)

        assert ended.state is State.SUCCEEDED, step
        assert bench.server.seen.of(name) == [f"PATCH deployments/{name}"], step


async def test_t24_there_is_no_free_connection_at_each_step(
    bench: Bench, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others have them all: the worker gives up, and goes on later."""
    async with await PostgresStore.open(store_url, largest_pool=1) as narrow:
        monkeypatch.setattr(narrow._connections, "_wait_s", 0.1)
        for number, step in enumerate(STEPS):
            name = f"w{number}"
            operation = await approved(bench.store, VERBS["restart"](bench.world, name))
            held = AsyncExitStack()

            async def take_all(held: AsyncExitStack = held) -> None:
                await held.enter_async_context(narrow.transaction())

            executor = bench.executor(store=narrow, at=at_point(step, take_all), lease_s=1.0, renew_s=0.3)
            async with held:
                with pytest.raises(StoreUnavailable):
                    await executor.step()
            bench.run()
            ended = await _carried_on(bench, executor, operation)
            bench.stop()

            assert ended.state is State.SUCCEEDED, step
            assert bench.server.seen.of(name) == [f"PATCH deployments/{name}"], step


async def test_t24_a_database_that_is_away_at_the_claim_lets_nothing_be_written(tmp_path: Path) -> None:
    """The claim could not be committed: the API server is not asked for anything."""
    async with restartable(tmp_path) as (served, bench):
        await approved(bench.store, VERBS["restart"](bench.world, "api"))
        executor = bench.executor(at=at_point("claimed:before-commit", served.stop))

        with pytest.raises(StoreUnavailable):
            await executor.step()

        assert bench.server.seen.asked == 0
