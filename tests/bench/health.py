"""`/rag health` beside the playbook's health-check.sh, as written and with its looks side by side."""

from __future__ import annotations

import asyncio
import shutil
import statistics
import subprocess
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.cluster.faults import Fault, FaultKind
from tests.bench.results import Results, say
from tests.bench.stage import PEOPLE, Stage

HERE = Path(__file__).parent
LATENCY_MS = 20
FORMS = ("sequential", "parallel")
_NAMES = {
    "health": "/rag health",
    "sequential": "health-check.sh, as written",
    "parallel": "health-check.sh, best form",
}


@dataclass(slots=True)
class _Runs:
    """What the runs of one way took in milliseconds, how much they asked the API server, and what came of the last."""

    took_ms: list[float] = field(default_factory=list)
    requests: list[int] = field(default_factory=list)
    answer: str = ""


def can_check_by_hand() -> bool:
    """Tell whether the programs of the script are there."""
    return shutil.which("kubectl") is not None and shutil.which("curl") is not None


async def check_by_hand(at: Stage, form: str = "sequential") -> tuple[float, str]:
    """Run the script; return milliseconds and what it printed."""
    script, kubeconfig = str(HERE / "health_check.sh"), str(at.folder / "kubeconfig")
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        "bash", script, kubeconfig, f"{at.cluster.url}/healthz", form,
        stdout=subprocess.PIPE, env=at.environment,
    )  # fmt: skip
    printed, _ = await process.communicate()
    return (time.perf_counter() - began) * 1000, printed.decode(errors="replace")


async def measure_health(at: Stage, results: Results, rounds: int) -> None:
    """Alternate the ways, with an API server that takes 20 ms for each request."""
    if not can_check_by_hand():
        say("kubectl or curl is missing: /rag health is not compared with the script")
        return

    async def ask(number: int) -> tuple[float, str]:
        took = await at.answered("/rag health", PEOPLE[number % 3])
        return took, at.slack.workspace.channels["ops"].messages[-1].content.text

    ways: dict[str, Callable[[int], Awaitable[tuple[float, str]]]] = {
        "health": ask,
        "sequential": lambda _: check_by_hand(at, "sequential"),
        "parallel": lambda _: check_by_hand(at, "parallel"),
    }
    runs = {name: _Runs() for name in ways}
    at.cluster.faults.add(Fault(FaultKind.LATENCY, seconds=LATENCY_MS / 1000))
    try:
        for number in range(rounds + 1):
            for name, way in ways.items():
                before = at.cluster.asked.total()
                took_ms, runs[name].answer = await way(number)
                if number:  # the first is the warm-up
                    runs[name].took_ms.append(took_ms)
                    runs[name].requests.append(at.cluster.asked.total() - before)
    finally:
        at.cluster.faults.clear()
    _report(results, runs)


def _report(results: Results, runs: dict[str, _Runs]) -> None:
    medians = {}
    for name, run in runs.items():
        label = f"{_NAMES[name]}, API {LATENCY_MS} ms"
        medians[name] = results.add(label, run.took_ms, "ms")
        results.one(f"  requests to the API server, {_NAMES[name]}", statistics.mean(run.requests), "")
    for form in FORMS:
        results.ratio(f"  {_NAMES[form]} : /rag health", medians[form], medians["health"])
    say(f"  /rag health answered: {runs['health'].answer}")
    for form in FORMS:
        printed = runs[form].answer.splitlines()
        say(f"  {_NAMES[form]} printed {len(printed)} lines and no verdict; the last: {printed[-1] if printed else ''}")
