from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from sandbox.cluster.sources import LogUnavailable
from sandbox.cluster.world.behaviours import CannotStart, Crashes, PullFails, Serves
from sandbox.cluster.world.voices import VOICES

if TYPE_CHECKING:
    from tests.sandbox.cluster.world.conftest import Tiny

_CRASH = Crashes(voice="silent", after=2.0, opening=("begin",), closing=("Traceback", "KeyError: 'X'"))


def _texts(tiny: Tiny, *, previous: bool = False) -> list[str]:
    lines = tiny.world.lines("ns", tiny.pod["metadata"]["name"], "main", previous=previous)
    return [line.text for line in lines]


def _refused(tiny: Tiny, *, previous: bool = False) -> LogUnavailable:
    with pytest.raises(LogUnavailable) as caught:
        _texts(tiny, previous=previous)
    return caught.value


def test_running_after_a_crash(tiny: Tiny) -> None:
    """The current log is the new run, ``previous`` is the crashed one."""
    tiny.deploy(_CRASH)
    tiny.until(lambda: tiny.container["restartCount"] == 1 and tiny.state == "running", step=0.2)
    tiny.world.advance(0.4)
    assert _texts(tiny) == ["begin"]
    assert _texts(tiny, previous=True) == ["begin", "Traceback", "KeyError: 'X'"]


def test_waiting_in_a_back_off(tiny: Tiny) -> None:
    """Current and ``previous`` are both the crashed run."""
    tiny.deploy(_CRASH)
    tiny.until(lambda: tiny.state == "CrashLoopBackOff", step=0.2)
    assert _texts(tiny)[-1] == "KeyError: 'X'"
    assert _texts(tiny, previous=True) == _texts(tiny)


def test_terminated(tiny: Tiny) -> None:
    """The current log is the crashed run; ``previous`` is missing at first, and removed later on."""
    tiny.deploy(_CRASH)
    tiny.until(lambda: tiny.state == "Error", step=0.2)
    assert _texts(tiny)[-1] == "KeyError: 'X'"
    first = _refused(tiny, previous=True)
    name = tiny.pod["metadata"]["name"]
    assert (first.code, first.message) == (400, f'previous terminated container "main" in pod "{name}" not found')
    tiny.until(lambda: tiny.container["restartCount"] == 1 and tiny.state == "Error", step=0.2)
    later = _refused(tiny, previous=True)
    assert later.code == 200
    assert later.message.startswith("unable to retrieve container logs for containerd://")


@pytest.mark.parametrize(
    ("image", "fields", "trouble"),
    [
        ("r.example/app:v9", {}, "image can't be pulled"),
        ("r.example/app:v1", {"envFrom": [{"configMapRef": {"name": "c"}}]}, "CreateContainerConfigError"),
    ],
)
def test_waiting_to_start(tiny: Tiny, image: str, fields: dict[str, object], trouble: str) -> None:
    """A container that was never created has no log; the answer says what it waits for."""
    tiny.world.behave("r.example/app:v9", PullFails())
    tiny.deploy(image=image, **fields)
    tiny.world.advance(5)
    refused, name = _refused(tiny), tiny.pod["metadata"]["name"]
    assert refused.code == 400
    assert refused.message == f'container "main" in pod "{name}" is waiting to start: {trouble}'


def test_an_unscheduled_pod_has_no_content(tiny: Tiny) -> None:
    """Without a node the answer is 204."""
    tiny.deploy(memory="640Gi")
    assert _refused(tiny).code == 204


def test_a_start_error_leaves_an_empty_log(tiny: Tiny) -> None:
    """A container that could not be started logged nothing."""
    tiny.deploy(CannotStart())
    tiny.world.advance(30)
    assert _texts(tiny) == []


def test_logs_only_grow(tiny: Tiny) -> None:
    """What was read once stays as it was; new lines come at the end, in order of time."""
    tiny.deploy(Serves(voice="api", opening=("begin", "ready")))
    tiny.world.advance(33)
    before = tiny.world.lines("ns", tiny.pod["metadata"]["name"], "main")
    tiny.world.advance(94)
    after = tiny.world.lines("ns", tiny.pod["metadata"]["name"], "main")
    assert list(after[: len(before)]) == list(before)
    assert len(after) > len(before) + 40
    assert all(earlier.at <= later.at for earlier, later in pairwise(after))
    assert after[-1].at <= tiny.world.clock.now()
    assert tiny.world.is_running("ns", tiny.pod["metadata"]["name"], "main")


def test_old_lines_are_rotated_away(tiny: Tiny) -> None:
    """The log reaches back two hours at most."""
    tiny.deploy(Serves(voice="api"))
    tiny.world.advance(30)
    _texts(tiny)
    tiny.world.advance(5 * 3600)
    lines = tiny.world.lines("ns", tiny.pod["metadata"]["name"], "main")
    assert 7100 < tiny.world.clock.seconds - lines[0].at.timestamp() <= 7200


@pytest.mark.parametrize("name", sorted(VOICES))
def test_every_voice_speaks(tiny: Tiny, name: str) -> None:
    """Each voice writes about as many lines as it says, none of them empty."""
    tiny.deploy(Serves(voice=name))
    tiny.world.advance(1805)
    texts = _texts(tiny)
    assert len(texts) == pytest.approx(1800 * VOICES[name].rate, rel=0.2, abs=15)
    assert all(texts)
