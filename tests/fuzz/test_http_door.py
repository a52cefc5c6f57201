"""The door under spoilt requests: a few thousand each time, as many as are asked for by `RAGOPS_TEST_FUZZ_INPUTS`."""

from __future__ import annotations

import os
import time
from collections import Counter

import pytest

from tests.fuzz.http_door import storm
from tests.fuzz.inputs import inputs

INPUTS = int(os.environ.get("RAGOPS_TEST_FUZZ_INPUTS", "2000"))
SEED = int(os.environ.get("RAGOPS_TEST_FUZZ_SEED", "7"))


@pytest.mark.timeout(240 + INPUTS // 100)
async def test_nothing_that_is_thrown_at_the_door_breaks_it_or_gets_through(capsys: pytest.CaptureFixture[str]) -> None:
    verdict = await storm(INPUTS, SEED)
    with capsys.disabled():
        print(f"\n{verdict.table()}")  # noqa: T201  # how often what was answered is what a reader of the run wants
    assert not verdict.faults
    assert sum(verdict.answers.values()) == INPUTS
    assert all(status < 500 for _, status in verdict.answers)


async def test_enough_gets_through_for_the_listeners_to_be_tried() -> None:
    """A storm that is refused at the first check would prove little about what stands behind it."""
    verdict = await storm(1000, SEED + 1)
    assert verdict.ran >= 50
    assert {status for kind, status in verdict.answers if kind == "signed"} >= {200, 400, 415}


def test_the_same_seed_throws_the_same_inputs_and_most_of_them_are_unsigned() -> None:
    moment = time.time()
    first, second = (list(inputs(500, 3, lambda: moment)) for _ in range(2))
    assert first == second
    assert first != list(inputs(500, 4, lambda: moment))
    kinds = Counter(thing.signed for thing in first)
    assert 0.25 < kinds[True] / 500 < 0.42
