"""The simulated cluster answers as a real one does: the same requests to both, the answers side by side."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.case import Case, NotYet
from tests.contract.cases import CASES
from tests.contract.compare import differences
from tests.contract.sides import Side


def test_the_names_of_cases_are_unique() -> None:
    """A recording is found by its case's name."""
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_the_simulated_cluster_answers_as_a_real_one_did(
    case: Case, simulated_side: Side, recorded: dict[str, Any], tally: dict[str, int]
) -> None:
    """Held against the recorded answers: this needs no cluster."""
    if case.name not in recorded:
        pytest.skip("nothing was recorded of this: it was not to be had from the cluster that was recorded")

    ours = await case.ask(simulated_side)

    found = differences(ours, recorded[case.name], case.rules)
    assert not found, "\n".join(found)
    what = "questions whose answers equal the recorded ones"
    tally[what] = tally.get(what, 0) + 1


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_the_simulated_cluster_answers_as_a_real_one_does(
    case: Case, real_side: Side, simulated_side: Side, recorder: dict[str, Any], tally: dict[str, int]
) -> None:
    """Held against a cluster that runs now."""
    asked = real_side.asked
    try:
        theirs = await case.ask(real_side)
    except NotYet as reason:
        pytest.skip(str(reason))
    ours = await case.ask(simulated_side)
    recorder[case.name] = theirs

    found = differences(ours, theirs, case.rules)
    assert not found, "\n".join(found)
    for what, number in (
        ("questions compared with a real cluster", 1),
        ("requests sent to it for them", real_side.asked - asked),
    ):
        tally[what] = tally.get(what, 0) + number
