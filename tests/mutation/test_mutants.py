"""The mutants are of the code as it is, and their tests are there. That these notice them is seen by `make mutants`."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.mutation.mutants import MUTANTS, Mutant
from tests.mutation.run import ROOT, Ran


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.guard)
def test_a_guard_stands_where_its_mutant_looks_for_it(mutant: Mutant) -> None:
    """Once; and what is left without it can still be run."""
    whole = (ROOT / mutant.file).read_text()
    assert whole.count(mutant.old) == 1
    assert mutant.new != mutant.old
    if mutant.file.endswith(".py"):
        compile(whole.replace(mutant.old, mutant.new), mutant.file, "exec")


def test_each_guard_has_a_name_of_its_own() -> None:
    """People read it in the table."""
    assert len({mutant.guard for mutant in MUTANTS}) == len(MUTANTS)


def test_the_tests_of_all_mutants_are_there() -> None:
    """A test that was renamed is not lost unseen."""
    tests = sorted({mutant.test for mutant in MUTANTS})
    collected = subprocess.run(  # noqa: S603  # our own tests
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *tests],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=250,
    )
    assert collected.returncode == 0, collected.stdout[-2000:] + collected.stderr[-2000:]


@pytest.mark.parametrize(
    ("code", "said", "noticed"),
    [
        (1, "FAILED a.py::test_a - assert 1 == 2\n1 failed in 0.8s", True),
        (1, "FAILED a.py::test_a - assert 1 == 2\n1 failed, 3 passed in 0.8s", True),
        (0, "1 passed in 0.8s", False),
        (1, "1 error in 0.8s", False),
        (1, "FAILED a.py::test_a - assert 1 == 2\n1 failed, 1 error in 0.8s", False),
        (1, "FAILED a.py::test_a - Failed: Timeout (>60.0s) from pytest-timeout.\n1 failed in 60.2s", False),
        (2, "1 failed, interrupted", False),
        (4, "ERROR: not found: a.py::test_b", False),
    ],
)
def test_only_a_test_that_failed_has_noticed(code: int, said: str, *, noticed: bool) -> None:
    """Neither one that broke, nor one that never came to an end, nor one that is not there."""
    assert Ran(code, said).noticed is noticed
