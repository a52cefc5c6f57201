"""What a starting bot loads: what only some configurations need costs only those."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bot.domain.targets import ClusterName, Namespace, Scope
from bot.domain.watch.policy import WatchPolicy
from bot.domain.watch.probes import ProbeKind, ProbeTarget
from bot.main.probing import NoProbes, probes_for
from bot.probes import LiveProbes
from tests.support.clocks import SteppedClock

TARGET = ProbeTarget(
    name="api",
    kind=ProbeKind.TCP,
    address="127.0.0.1:1",
    scope=Scope(ClusterName("demo"), Namespace("shop")),
)


def test_what_only_some_need_is_not_loaded_for_all() -> None:
    """Neither what asks targets, nor the client of Redis, nor what draws."""
    look = "import sys, bot.main.bot; print({'httpx', 'cryptography', 'redis', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)  # noqa: S603  # ours
    assert done.stdout == "set()\n"


async def test_targets_are_asked_where_there_are_any() -> None:
    """Without one there is nobody to be asked."""
    assert isinstance(probes_for(WatchPolicy(targets=(TARGET,)), {}, SteppedClock()), LiveProbes)
    nobody = probes_for(WatchPolicy(), {}, SteppedClock())
    assert isinstance(nobody, NoProbes)
    with pytest.raises(ValueError, match="no target is configured"):
        await nobody.probe(TARGET)
