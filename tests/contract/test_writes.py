"""The simulated cluster takes writes as a real one does: the same steps to both, the answers side by side."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.case import Case, NotYet
from tests.contract.compare import differences
from tests.contract.sides import Side
from tests.contract.write_cases import CASES


def test_the_names_of_cases_are_unique() -> None:
    """A recording is found by its case's name."""
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_the_simulated_cluster_takes_writes_as_a_real_one_did(
    case: Case, simulated_scene: Side, recorded_writes: dict[str, Any], tally: dict[str, int]
) -> None:
    """Held against the recorded answers: this needs no cluster."""
    if case.name not in recorded_writes:
        pytest.skip("nothing was recorded of this: it was not to be had from the cluster that was recorded")

    try:
        ours = await case.ask(simulated_scene)
    except NotYet as reason:
        pytest.skip(str(reason))

    found = differences(ours, recorded_writes[case.name], case.rules)
    assert not found, "\n".join(found)
    what = "stories of writes whose answers equal the recorded ones"
    tally[what] = tally.get(what, 0) + 1


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_the_simulated_cluster_takes_writes_as_a_real_one_does(
    case: Case, real_scene: Side, simulated_scene: Side, write_recorder: dict[str, Any], tally: dict[str, int]
) -> None:
    """Held against a cluster that runs now."""
    asked = real_scene.asked
    try:
        theirs = await case.ask(real_scene)
    except NotYet as reason:
        pytest.skip(str(reason))
    ours = await case.ask(simulated_scene)
    write_recorder[case.name] = theirs

    found = differences(ours, theirs, case.rules)
    assert not found, "\n".join(found)
    for what, number in (
        ("stories of writes compared with a real cluster", 1),
        ("requests sent to it for them", real_scene.asked - asked),
    ):
        tally[what] = tally.get(what, 0) + number
