"""The list of groups between replicas: who reads it, who believes whom, how a change spreads, how it stays warm."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

import pytest

from bot.errors import DirectoryUnavailable
from sandbox.slack.faults import Fault, Kind
from sandbox.slack.server import SlackServer
from tests.bot.slack.outbound.replicas import Replicas
from tests.support.waiting import in_background, turns, until


@pytest.fixture
def replicas(slack: SlackServer) -> Replicas:
    slack.workspace.set_group("rag-oncall", [])
    return Replicas(slack)


def join(replicas: Replicas, *names: str) -> str:
    """Change who is in the group, behind everybody's back, and return its id."""
    return replicas.slack.workspace.set_group("rag-oncall", list(names)).id


@asynccontextmanager
async def running(replicas: Replicas, *which: int) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        for number in which or range(len(replicas.all)):
            await stack.enter_async_context(in_background(replicas.all[number].run()))
        await asyncio.sleep(0)
        yield


# --- sharing ----------------------------------------------------------------------------------------------------------


async def test_one_replica_reads_for_all(replicas: Replicas) -> None:
    """The other takes what it wrote, and says when that was read."""
    first = await replicas.look(0)
    replicas.clock.tick += 10
    second = await replicas.look(1)
    assert replicas.calls() == 1
    assert (second.groups, second.group_handles, second.source) == (first.groups, first.group_handles, first.source)
    assert second.read_at == first.read_at


async def test_a_workspace_without_groups_is_shared_with_its_reason(replicas: Replicas) -> None:
    """All replicas say the same source."""
    replicas.slack.workspace.paid_plan = False
    sources = [(await replicas.look(which)).source for which in (0, 1)]
    assert sources[0] == sources[1]
    assert "plan" in sources[0]
    assert replicas.calls() == 1


async def test_a_decision_does_not_believe_another_replica(replicas: Replicas) -> None:
    """It asks Slack, and once for all that are made within five seconds."""
    await replicas.look(0, fresh=True)
    await replicas.look(1)
    assert replicas.calls() == 1
    await asyncio.gather(*(replicas.look(1, fresh=True) for _ in range(20)))
    assert replicas.calls() == 2


async def test_what_another_replica_read_is_taken_for_half_a_minute(replicas: Replicas) -> None:
    """After that Slack is asked; a copy that was taken is used for half a minute more."""
    await replicas.look(0)
    replicas.clock.tick += 28
    await replicas.look(1)
    replicas.clock.tick += 29
    await replicas.look(1)
    assert replicas.calls() == 1
    replicas.clock.tick += 2
    await replicas.look(1)
    assert replicas.calls() == 2


async def test_without_redis_each_replica_asks_slack(replicas: Replicas) -> None:
    """An entry that cannot be had, and a twin that holds for one process, cost calls and nothing else."""
    replicas.hot.away = True
    await replicas.look(0)
    await replicas.look(1)
    assert replicas.calls() == 2
    replicas.hot.away, replicas.hot.shared = False, False
    replicas.clock.tick += 61
    await replicas.look(0)
    await replicas.look(1)
    assert replicas.calls() == 4


def forged(replicas: Replicas, **changes: object) -> bytes:
    """Return a valid entry that says too much, with `changes`."""
    workspace = replicas.slack.workspace
    groups = {"S0FORGED": {"handle": "forged", "users": [workspace.person("ann").id]}}
    entry: dict[str, object] = {
        "version": 1,
        "team": workspace.team_id,
        "read_at": replicas.clock.now().isoformat(),
        "source": "user groups of the workspace",
        "groups": groups,
    }
    return json.dumps(entry | changes).encode()


async def put(replicas: Replicas, entry: bytes) -> None:
    await replicas.hot.write(f"groups:{replicas.slack.workspace.team_id}", entry, keep_s=60)


async def test_a_valid_entry_is_believed_for_reads_only(replicas: Replicas) -> None:
    """So the entries below are refused for what is wrong with them; and a decision believes none."""
    await put(replicas, forged(replicas))
    assert "S0FORGED" in (await replicas.look(0)).groups
    assert "S0FORGED" not in (await replicas.look(0, fresh=True)).groups


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 2},
        {"version": "1"},
        {"team": "T0OTHER"},
        {"team": None},
        {"read_at": "yesterday"},
        {"read_at": 1732400000},
        {"read_at": "2025-11-24T14:00:00"},
        {"read_at": "0001-01-01T00:00:00+14:00"},
        {"read_at": "9999-12-31T23:59:59-14:00"},
        {"source": ""},
        {"source": None},
        {"source": "x" * 401},
        {"source": "a\nb"},
        {"groups": None},
        {"groups": []},
        {"groups": {"S0FORGED": None}},
        {"groups": {"S0FORGED": {"handle": "x"}}},
        {"groups": {"S0FORGED": {"users": []}}},
        {"groups": {"S0FORGED": {"handle": "x", "users": "U1"}}},
        {"groups": {"S0FORGED": {"handle": 1, "users": []}}},
        {"groups": {"S0FORGED": {"handle": "x", "users": [1]}}},
    ],
    ids=str,
)
async def test_an_entry_of_the_wrong_form_is_not_believed(replicas: Replicas, changes: dict[str, object]) -> None:
    """Slack is asked instead, and the entry is replaced."""
    await put(replicas, forged(replicas, **changes))
    assert "S0FORGED" not in (await replicas.look(0)).group_handles
    await replicas.look(1)
    assert replicas.calls() == 1


@pytest.mark.parametrize("entry", [b"", b"\xff", b"null", b"[]", b"7", b"{}", b'{"version":1}', b"[" * 100_000])
async def test_an_entry_that_is_no_entry_is_not_believed(replicas: Replicas, entry: bytes) -> None:
    """Whatever the bytes are."""
    await put(replicas, entry)
    await replicas.look(0)
    assert replicas.calls() == 1


@pytest.mark.parametrize(("stamped_s", "believed"), [(33, False), (31, True), (0, True), (-1, True), (-3, False)])
async def test_the_stamp_of_an_entry_bounds_its_age(replicas: Replicas, stamped_s: float, *, believed: bool) -> None:
    """An entry that was put back, or whose writer's clock is wrong, is not believed."""
    stamp = (replicas.clock.now() - timedelta(seconds=stamped_s)).isoformat()
    await put(replicas, forged(replicas, read_at=stamp))
    found = await replicas.look(0)
    assert ("S0FORGED" in found.groups) is believed
    assert found.read_at <= replicas.clock.now()


# --- changes ----------------------------------------------------------------------------------------------------------


async def test_after_a_change_the_next_read_asks_slack(replicas: Replicas) -> None:
    """Neither the own copy nor the shared one is used any more."""
    await replicas.look(0)
    group = join(replicas, "ann")
    await replicas.all[0].changed()
    assert replicas.all[0].source == ""
    assert await replicas.hot.read(f"groups:{replicas.slack.workspace.team_id}") is None
    assert group in (await replicas.look(0)).groups


async def test_a_change_reaches_the_other_replicas(replicas: Replicas) -> None:
    """They drop their copies and do not believe entries from before it."""
    async with running(replicas, 1):
        await replicas.look(0)
        await replicas.look(1)
        group = join(replicas, "ann")
        await replicas.all[0].changed()
        await until(lambda: replicas.look(1), lambda found: group in found.groups)


async def test_an_entry_from_before_the_change_is_not_believed_after_it(replicas: Replicas) -> None:
    """However it came back: a late write, an old copy, a replica that did not hear."""
    await replicas.look(0)
    before = await replicas.hot.read(f"groups:{replicas.slack.workspace.team_id}")
    assert before is not None
    replicas.clock.tick += 1
    group = join(replicas, "ann")
    await replicas.all[0].changed()
    await put(replicas, before)
    assert group in (await replicas.look(0)).groups


async def test_a_change_that_could_not_be_told_is_seen_within_the_bound(replicas: Replicas) -> None:
    """A lost hint costs the other replicas their minute, never more."""
    await replicas.look(0)
    await replicas.look(1)
    group = join(replicas, "ann")
    replicas.hot.away = True
    await replicas.all[0].changed()
    replicas.hot.away = False
    assert group in (await replicas.look(0)).groups
    replicas.clock.tick += 61
    assert group in (await replicas.look(1)).groups


@pytest.mark.parametrize("fresh", [True, False])
async def test_a_read_that_began_before_the_change_is_not_used(replicas: Replicas, *, fresh: bool) -> None:
    """Whoever waited for it gets what was read after the change, and so does whoever asks later."""
    replicas.slack.faults.add(Fault(Kind.SLOW_DRIP, "usergroups.list", seconds=1.5))  # it says what was true before
    early = asyncio.create_task(replicas.look(0, fresh=fresh))
    await until(lambda: asyncio.sleep(0, replicas.calls()), bool, every_s=0.01)
    group = join(replicas, "ann")
    await replicas.all[0].changed()
    started = asyncio.get_running_loop().time()
    late = await replicas.look(0, fresh=fresh)
    assert asyncio.get_running_loop().time() - started < 1.2, "it waited for the read from before"
    assert group in late.groups
    assert group in (await early).groups
    assert group in (await replicas.look(0)).groups
    assert replicas.calls() == 2


async def test_a_read_from_before_the_change_that_fails_is_made_anew(replicas: Replicas) -> None:
    """Its failure says nothing about now."""
    replicas.slack.faults.add(Fault(Kind.REPLY_LOST, "usergroups.list", seconds=1))
    replicas.slack.faults.add(Fault(Kind.SERVER_ERROR, "usergroups.list", skip=1))  # the HTTP client asks once more
    early = asyncio.create_task(replicas.look(0))
    await until(lambda: asyncio.sleep(0, replicas.calls()), bool, every_s=0.01)
    group = join(replicas, "ann")
    await replicas.all[0].changed()
    assert group in (await early).groups


async def test_a_list_that_came_too_late_for_a_decision_serves_reads(replicas: Replicas) -> None:
    """It is as old as the question, not as the answer."""
    replicas.slack.faults.add(Fault(Kind.SLOW_DRIP, "usergroups.list", seconds=1))
    decision = asyncio.create_task(replicas.look(0, fresh=True))
    await until(lambda: asyncio.sleep(0, replicas.calls()), bool, every_s=0.01)
    replicas.clock.tick += 6
    with pytest.raises(DirectoryUnavailable, match="too late"):
        await decision
    assert (await replicas.look(0)).read_at == replicas.clock.now() - timedelta(seconds=6)


async def test_an_account_that_grew_old_while_the_groups_were_read_is_read_again(replicas: Replicas) -> None:
    """Both halves of a decision are at most five seconds old when it is given."""
    await replicas.look(0, fresh=True)
    replicas.clock.tick += 4
    await replicas.all[0].changed()
    replicas.slack.faults.add(Fault(Kind.SLOW_DRIP, "usergroups.list", seconds=1))
    decision = asyncio.create_task(replicas.look(0, fresh=True))
    await until(lambda: asyncio.sleep(0, replicas.calls()), lambda calls: calls == 2, every_s=0.01)
    replicas.clock.tick += 3
    assert (await decision).read_at == replicas.clock.now() - timedelta(seconds=3)
    assert replicas.calls("users.info") == 2


# --- staying warm -----------------------------------------------------------------------------------------------------


async def test_reads_do_not_wait_while_somebody_asks(replicas: Replicas) -> None:
    """The copy is renewed before it is too old: reads find it there."""
    async with running(replicas, 0):
        await replicas.look(0)
        for _ in range(6):
            replicas.clock.tick += 46
            calls = replicas.calls()
            await until(lambda: asyncio.sleep(0, replicas.calls()), lambda now, before=calls: now > before)
            await turns()
            before = replicas.calls()
            await replicas.look(0)
            assert replicas.calls() == before


async def test_nobody_asks_and_slack_is_left_alone(replicas: Replicas) -> None:
    """Before the first question, and ten minutes after the last."""
    async with running(replicas):
        await asyncio.sleep(0.05)
        assert replicas.calls() == 0
        await replicas.look(0)
        await asyncio.sleep(0.05)
        replicas.clock.tick += 601
        await asyncio.sleep(0.05)
        assert replicas.calls() == 1


async def test_replicas_renew_for_one_another(replicas: Replicas) -> None:
    """A copy that another replica has just read is taken instead of asking Slack."""
    await replicas.look(0)
    await replicas.look(1)
    replicas.clock.tick += 25
    await replicas.look(0, fresh=True)
    calls = replicas.calls()
    replicas.clock.tick += 1
    async with running(replicas, 1):
        await asyncio.sleep(0.05)
        assert replicas.calls() == calls
        replicas.clock.tick += 20
        await asyncio.sleep(0.05)
    assert replicas.calls() == calls


async def test_a_renewal_that_fails_is_tried_less_and_less_and_said_once(
    replicas: Replicas, caplog: pytest.LogCaptureFixture
) -> None:
    """Once the copy is too old reads are refused; when Slack is back, so are they."""
    caplog.set_level(logging.INFO)
    async with running(replicas, 0):
        await replicas.look(0)
        replicas.slack.faults.add(Fault(Kind.SERVER_ERROR, "usergroups.list", times=None))
        replicas.clock.tick += 50
        await until(lambda: asyncio.sleep(0, replicas.calls()), lambda calls: calls > 3)
        assert (await replicas.look(0)).source
        replicas.clock.tick += 11
        with pytest.raises(DirectoryUnavailable):
            await replicas.look(0)
        replicas.slack.faults.clear()
        await until(lambda: asyncio.sleep(0, replicas.all[0].source), bool)
        assert (await replicas.look(0)).source
    assert [record.__dict__.get("event") for record in caplog.records].count("groups_not_renewed") == 1


async def test_the_background_waits_when_slack_asks_it_to(replicas: Replicas) -> None:
    """No call is made before the time is over."""
    async with running(replicas, 0):
        await replicas.look(0)
        replicas.slack.faults.add(Fault(Kind.RATELIMITED, "usergroups.list", seconds=8))
        replicas.clock.tick += 46
        await until(lambda: asyncio.sleep(0, replicas.calls()), lambda calls: calls == 2)
        await asyncio.sleep(0.1)
        assert replicas.calls() == 2
        replicas.clock.tick += 9
        await until(lambda: asyncio.sleep(0, replicas.calls()), lambda calls: calls == 3)


async def test_the_background_ends_when_it_is_cancelled(replicas: Replicas) -> None:
    """At once, also in the middle of a read."""
    replicas.slack.faults.add(Fault(Kind.HANG, "usergroups.list", seconds=30))
    task = asyncio.create_task(replicas.all[0].run())
    look = asyncio.create_task(replicas.look(0))
    await until(lambda: asyncio.sleep(0, replicas.calls()), bool, every_s=0.01)
    for ending in (task, look):
        ending.cancel()
    async with asyncio.timeout(25):
        await asyncio.wait({task, look})
    assert (task.cancelled(), look.cancelled()) == (True, True)
