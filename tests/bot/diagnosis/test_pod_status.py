"""The cells of `kubectl get pods`, held against what a real server printed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.cluster.resources import RESOURCES
from bot.diagnosis.pod_status import ready_cell, restarts_cell, status_cell
from bot.domain.objects import Pod
from bot.domain.snapshot import Part
from tests.support.builders import condition, container, ended, pod, running, waiting

RECORDING = Path(__file__).parents[2] / "fixtures" / "cluster" / "status-column.json"
ROWS: list[dict[str, Any]] = json.loads(RECORDING.read_text())["rows"]


def converted(sent: dict[str, Any]) -> Pod:
    resource = RESOURCES[Part.PODS]
    made = resource.convert(resource.one.decode(json.dumps(sent).encode()))
    assert isinstance(made, Pod)
    return made


def test_the_recording_has_many_states() -> None:
    """A table of equal rows would prove nothing."""
    assert len(ROWS) == 68
    assert len({row["cells"][2] for row in ROWS}) == 20


@pytest.mark.parametrize("row", ROWS, ids=[f"{row['cells'][0]}: {row['cells'][2]}" for row in ROWS])
def test_the_cells_are_those_of_the_server(row: dict[str, Any]) -> None:
    """READY, STATUS and RESTARTS, for every recorded pod."""
    _, ready, status, restarts, *_ = row["cells"]
    shown = converted(row["pod"])
    assert ready_cell(shown) == ready
    assert status_cell(shown) == status
    assert restarts_cell(shown) == int(str(restarts).partition(" ")[0])


@pytest.mark.parametrize("names", ["ab", "ba"])
def test_of_two_ill_containers_the_first_by_name_is_shown(names: str) -> None:
    """The kubelet reports the containers by name, whatever their order in the specification."""
    by_name = {"a": container(waiting("CrashLoopBackOff"), name="a"), "b": container(ended(1), name="b")}
    assert status_cell(pod(None, *(by_name[name] for name in names))) == "CrashLoopBackOff"


@pytest.mark.parametrize(
    ("code", "reason", "signal", "cell"),
    [(1, "Error", 0, "Error"), (137, "", 9, "Signal:9"), (3, "", 0, "ExitCode:3")],
)
def test_an_end_without_a_reason_is_shown_by_its_number(code: int, reason: str, signal: int, cell: str) -> None:
    """The signal where there is one, else the exit code."""
    assert status_cell(pod(None, container(ended(code, reason, signal=signal)))) == cell


@pytest.mark.parametrize(("ready", "cell"), [("True", "Running"), ("False", "NotReady")])
def test_one_that_runs_hides_one_that_is_done(ready: str, cell: str) -> None:
    """While the pod is ready; otherwise it reads NotReady."""
    done = container(ended(0, "Completed"), name="a")
    shown = pod(None, done, container(running(), name="b"), conditions=(condition("Ready", ready),))
    assert status_cell(shown) == cell


def test_a_pod_of_a_lost_node_is_unknown() -> None:
    """The node's name for it stands in the pod's reason; while it goes away nobody can tell."""
    assert status_cell(replace(pod(deleted=True), reason="NodeLost")) == "Unknown"
    assert status_cell(pod(deleted=True)) == "Terminating"
