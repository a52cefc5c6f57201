"""What people say is kept before it counts: each request and each vote once, whoever dies, whoever is at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.approvals import pair_on
from tests.crash.asking import WORDS, asked_round
from tests.crash.rig import ASKED, Blow, lanes

pytestmark = pytest.mark.timeout(300)

ROUNDS = 20


@pytest.mark.parametrize("point", ASKED)
async def test_t19_killed_while_somebody_asks_or_approves(
    point: str, tmp_path: Path, workers: Path, lane_urls: list[str]
) -> None:
    """Whoever takes over finds the words in the inbox, or done: one request, one vote, one effect."""
    async with lanes(tmp_path, workers, lane_urls[:1]) as (lane,):
        problems = [await asked_round(lane, words, Blow(point=point)) for words in WORDS]

        assert [each for each in problems if each] == []
        assert await lane.whole()


async def test_t01_two_approvers_in_the_same_instant(tmp_path: Path, store_url: str) -> None:
    """On two replicas, with quorum 1 and quorum 2: one transition, one execution."""
    async with pair_on(store_url, tmp_path) as pair:
        problems = [await pair.round() for _ in range(ROUNDS)]

        assert [each for each in problems if each] == []
