"""Wherever a worker dies, every kind of change has exactly one effect, and ends well by another one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.rig import LONG_LEASE_S, POINTS, Blow, Outcome, lanes, run_rounds
from tests.support.changing import VERBS

pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize("point", POINTS)
async def test_t19_killed_at_each_point(point: str, tmp_path: Path, workers: Path, lane_urls: list[str]) -> None:
    """SIGKILL there, for every kind of change: a second worker takes over."""
    await struck(Blow(point=point), tmp_path, workers, lane_urls)


@pytest.mark.parametrize("point", ["claimed:before-commit", "written:before", "written:after", "followed"])
async def test_t20_stopped_past_the_lease(point: str, tmp_path: Path, workers: Path, lane_urls: list[str]) -> None:
    """SIGSTOP there until another one is done, then SIGCONT: whatever was on its way has no effect."""
    await struck(Blow(point=point, how="stop"), tmp_path, workers, lane_urls)


async def test_t19_nobody_waits_for_the_lease_of_the_dead(tmp_path: Path, workers: Path, lane_urls: list[str]) -> None:
    """With a lease of half a minute, another worker takes over as soon as the first one's connection is gone."""
    done = await struck(Blow(point="written:before", lease_s=LONG_LEASE_S), tmp_path, workers, lane_urls)

    assert all(each.takeover_s is not None and each.takeover_s < LONG_LEASE_S / 5 for each in done)


async def struck(blow: Blow, folder: Path, workers: Path, lane_urls: list[str]) -> list[Outcome]:
    """Strike a worker while it carries out each kind of change."""
    async with lanes(folder, workers, lane_urls) as running:
        done = await run_rounds(running, [(verb, blow) for verb in VERBS])

        assert [str(each) for each in done if each.problem or not each.struck] == []
        assert {each.verb for each in done} == set(VERBS)
        assert all([await lane.whole() for lane in running])
        return done
