"""When the cluster cannot be reached or falls silent: what a person is then told, and that all is fine afterwards."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from pathlib import Path

from sandbox.cluster.faults import Fault, FaultKind
from sandbox.cluster.server import ClusterServer
from sandbox.cluster.world.world import World
from sandbox.slack.control import Shown
from sandbox.slack.world import Workspace
from tests.support.clocks import ShiftedClock
from tests.support.outages import NO_DATABASE
from tests.support.sandboxed import NO_LIMIT, Stage, Staging, sandboxed
from tests.support.waiting import until

UNREACHABLE = Fault(FaultKind.UNREACHABLE)
HEALTHY = Staging(scenario="healthy", waits_for_store=False, settings=NO_LIMIT)


def away(cluster: ClusterServer, world: World, workspace: Workspace) -> None:
    """Let nobody reach the API server from the start."""
    del world, workspace
    cluster.faults.add(UNREACHABLE)


async def healthy(stage: Stage) -> Shown:
    """Ask until all is fine and fresh."""

    async def ask() -> Shown:
        return await stage.answer("/rag status")

    return await until(ask, lambda answer: re.search(r"is healthy[^?]* · \d s old", answer.text))


async def shut(stage: Stage) -> None:
    """Wait until the API server has shut its door."""
    host, _, port = stage.cluster.url.removeprefix("http://").partition(":")

    async def is_open() -> bool:
        try:
            _, writer = await asyncio.open_connection(host, int(port))
        except OSError:
            return False
        writer.close()
        return True

    await until(is_open, lambda seen: not seen, every_s=0.01)


async def test_a_cluster_that_is_away_at_the_start_is_told_with_what_was_tried(tmp_path: Path) -> None:
    """The bot starts; the answer says what was tried, that nothing was changed, what to do, and carries a reference."""
    async with sandboxed(tmp_path, NO_DATABASE, replace(HEALTHY, clock=ShiftedClock(), arrange=away)) as stage:
        answer = await stage.answer("/rag status")

        assert re.search(r"GET /\S+ \((\d tries, )?\d+\.\d s\)", answer.text)
        assert "Nothing was changed." in answer.text
        assert "Check that the API server is up" in answer.text
        reference = re.search(r"Reference (\w{4,})", answer.text)
        assert reference is not None
        assert [event["reference"] for event in stage.journal.events("request_failed")] == [reference[1]]
        assert answer.buttons == ["Try again"]
        assert "healthy" not in answer.text


async def test_try_again_replaces_the_failure_once_the_cluster_is_back(tmp_path: Path) -> None:
    """The button of the failure asks again, and the good answer stands where the failure stood."""
    async with sandboxed(tmp_path, NO_DATABASE, replace(HEALTHY, clock=ShiftedClock(), arrange=away)) as stage:
        failed = await stage.answer("/rag status")
        stage.cluster.faults.clear()

        async def press() -> Shown:
            newest = (await stage.seen(user="ann"))[-1]
            return await stage.press(newest.buttons[0])

        answer = await until(press, lambda shown: "rag-engine is healthy" in shown.text)

        assert answer.ts == failed.ts


async def test_a_cluster_that_goes_away_is_shown_with_its_age_and_never_as_healthy(tmp_path: Path) -> None:
    """What was seen last is shown, four minutes old and said to be, and fresh again once the server answers."""
    clock = ShiftedClock()
    async with sandboxed(tmp_path, NO_DATABASE, replace(HEALTHY, clock=clock)) as stage:
        await healthy(stage)

        stage.cluster.faults.add(UNREACHABLE)
        await shut(stage)
        clock.shift(240)
        answer = await stage.answer("/rag status")

        assert "I cannot tell, what I see is not up to date" in answer.text
        assert "last seen 4 min ago" in answer.text
        assert "is healthy" not in answer.text
        assert "Fine: " not in answer.text

        stage.cluster.faults.clear()
        await healthy(stage)


async def test_an_outage_is_one_line_of_the_answer(tmp_path: Path) -> None:
    """All parts are old for the same reason, which is said once."""
    clock = ShiftedClock()
    async with sandboxed(tmp_path, NO_DATABASE, replace(HEALTHY, clock=clock)) as stage:
        await healthy(stage)

        stage.cluster.faults.add(UNREACHABLE)
        await shut(stage)
        clock.shift(240)
        answer = await stage.answer("/rag status")

        assert answer.text.count("Not checked: ") == 1


async def test_a_frozen_network_never_reads_as_all_fine(tmp_path: Path) -> None:
    """Connections are accepted and silent, open watches too: the answer says how old it is, and heals by itself."""
    clock = ShiftedClock()
    async with sandboxed(tmp_path, NO_DATABASE, replace(HEALTHY, clock=clock, bookmark_every_s=0.2)) as stage:
        await healthy(stage)

        stage.proxy.freeze()
        await asyncio.sleep(0.5)  # what was on its way is read before the time passes
        clock.shift(11)
        answer = await stage.answer("/rag status")

        assert "I cannot tell, what I see is not up to date" in answer.text
        assert re.search(r"last seen [1-9]\d s ago", answer.text)
        assert re.search(r"rag-engine on demo · [1-9]\d s old", answer.text)
        assert "is healthy" not in answer.text

        await stage.proxy.heal()
        await healthy(stage)


async def test_what_is_broken_stays_told_while_the_network_is_frozen(tmp_path: Path) -> None:
    """A finding seen before the freeze is shown with its age, within a few seconds, without its log and said so."""
    clock = ShiftedClock()
    frozen = replace(HEALTHY, clock=clock, scenario="bad-release", settings="[freshness]\napi_timeout_s = 1")
    async with sandboxed(tmp_path, NO_DATABASE, frozen) as stage:
        await stage.answer("/rag whoami")
        await stage.answer("/rag help")
        stage.proxy.freeze()
        clock.shift(120)

        answer = await stage.answer("/rag status", within_s=30)

        assert "rag-engine is degraded: 2 problems" in answer.text
        assert "not available, The API server did not answer in time" in answer.text
        assert "last seen 2 min ago" in answer.text


async def test_a_silent_watch_makes_its_part_old(tmp_path: Path) -> None:
    """The server answers everything else, so the one silent watch is named, and nothing is called healthy."""
    clock = ShiftedClock()
    async with sandboxed(tmp_path, NO_DATABASE, replace(HEALTHY, clock=clock, bookmark_every_s=0.1)) as stage:
        await healthy(stage)

        stage.cluster.faults.add(Fault(FaultKind.SILENCE, verb="watch", resource="pods"))
        await asyncio.sleep(1)  # the silence begins at the next bookmark
        clock.shift(100)
        # The other watches give a sign of life, each in its own time.
        answer = await until(
            lambda: stage.answer("/rag status"),
            lambda answer: answer.text.count("Not checked: ") == 1,
            every_s=0.2,
        )

        assert "I cannot tell, what I see is not up to date" in answer.text
        assert re.search(r"Not checked: pods \(.*the watch has been silent for 1\d\d s\)", answer.text)
