"""Both sides of the contract: the simulated cluster always, a real one where a kubeconfig says which.

The real one is that of RAGOPS_TEST_KUBECONFIG, else of KUBECONFIG. Without one the simulated cluster is held against
what a real one answered when the answers were last recorded: set RAGOPS_TEST_RECORD=1 to record them anew.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.contract.real_side import real
from tests.contract.sides import Side
from tests.contract.simulated_side import simulated

# Read now: the settings of whoever runs the tests are forgotten before the first of them runs.
KUBECONFIG = os.environ.get("RAGOPS_TEST_KUBECONFIG") or os.environ.get("KUBECONFIG") or ""
IMAGE = os.environ.get("RAGOPS_TEST_IMAGE", "docker.io/test/busybox:1")
RECORDS = bool(os.environ.get("RAGOPS_TEST_RECORD"))
RECORDED = Path(__file__).parent / "recorded.json"
RECORDED_WRITES = Path(__file__).parent / "recorded_writes.json"
_TALLY = pytest.StashKey[dict[str, int]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_TALLY] = {}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say how much was compared, which a row of dots does not."""
    tally = config.stash.get(_TALLY, {})
    if tally:
        terminalreporter.section("contract of the simulated cluster")
        for what, number in tally.items():
            terminalreporter.line(f"{number} {what}")


@pytest.fixture
def tally(pytestconfig: pytest.Config) -> dict[str, int]:
    """Counts for the summary, by what was counted."""
    return pytestconfig.stash.setdefault(_TALLY, {})


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def simulated_side(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Side]:
    async with simulated(tmp_path_factory.mktemp("simulated"), IMAGE) as side:
        yield side


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def real_side(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Side]:
    if not KUBECONFIG:
        pytest.skip("no cluster: set RAGOPS_TEST_KUBECONFIG to a kubeconfig to compare with a real one")
    async with real(KUBECONFIG, tmp_path_factory.mktemp("real"), IMAGE) as side:
        yield side


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def simulated_scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Side]:
    """A simulated cluster with nothing in it, to be written to."""
    async with simulated(tmp_path_factory.mktemp("simulated-scene"), IMAGE, bare=True) as side:
        yield side


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def real_scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Side]:
    """An empty namespace of a real cluster, to be written to."""
    if not KUBECONFIG:
        pytest.skip("no cluster: set RAGOPS_TEST_KUBECONFIG to a kubeconfig to compare with a real one")
    async with real(KUBECONFIG, tmp_path_factory.mktemp("real-scene"), IMAGE, bare=True) as side:
        yield side


@pytest.fixture(scope="session")
def recorded() -> dict[str, Any]:
    """What a real cluster answered, by the name of the case."""
    read: dict[str, Any] = json.loads(RECORDED.read_text(encoding="utf-8"))
    return read


@pytest.fixture(scope="session")
def recorder() -> Any:
    """Collect what the real side answers, and write it down at the end if that is wanted."""
    answers: dict[str, Any] = {}
    yield answers
    if RECORDS and answers:
        rows = (
            f"{json.dumps(name)}: {json.dumps(_bare(answers[name]), ensure_ascii=False)}" for name in sorted(answers)
        )
        RECORDED.write_text("{\n" + ",\n".join(rows) + "\n}\n", encoding="utf-8")


@pytest.fixture(scope="session")
def recorded_writes() -> dict[str, Any]:
    """What a real cluster answered to writes, by the name of the case."""
    read: dict[str, Any] = json.loads(RECORDED_WRITES.read_text(encoding="utf-8"))
    return read


@pytest.fixture(scope="session")
def write_recorder(recorded_writes: dict[str, Any]) -> Any:
    """Collect what the real side answers to writes, and add it to the recorded answers if that is wanted."""
    answers: dict[str, Any] = {}
    yield answers
    if RECORDS and answers:
        known = {**recorded_writes, **answers}
        rows = (f"{json.dumps(name)}: {json.dumps(known[name], ensure_ascii=False)}" for name in sorted(known))
        RECORDED_WRITES.write_text("{\n" + ",\n".join(rows) + "\n}\n", encoding="utf-8")


def _bare(answer: Any) -> Any:
    """Leave out who wrote what: it is long, and nobody compares it."""
    if isinstance(answer, dict):
        return {key: _bare(value) for key, value in answer.items() if key != "managedFields"}
    return [_bare(entry) for entry in answer] if isinstance(answer, list) else answer
