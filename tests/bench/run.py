"""Measure what a person waits for: `/rag status` beside the health check by hand, start, memory, acknowledgement.

Run it by `make bench`. The bot is a process of its own (`ragops run`); the Slack stand-in and the simulated cluster run
in this one, so both share the machine's cores with what is measured. A and B alternate in one run; figures are medians
with their spread, and a claim is a ratio of medians of the same run.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sandbox.cluster.faults import Fault, FaultKind
from sandbox.cluster.scenarios import crowd
from sandbox.cluster.server import ClusterServer
from sandbox.cluster.store import ObjectStore
from sandbox.cluster.world.clock import WorldClock
from sandbox.cluster.world.world import World
from sandbox.slack.control import SlackControl
from sandbox.slack.server import SlackServer
from sandbox.slack.world import demo_workspace

HERE = Path(__file__).parent
PEOPLE = ("ann", "bob", "vic")


@dataclass(slots=True)
class Results:
    """Figures by name, in the order they were measured."""

    figures: dict[str, object] = field(default_factory=dict)

    def add(self, name: str, samples: Sequence[float], unit: str) -> float:
        """Keep the median and the spread of samples; return the median."""
        median = statistics.median(samples)
        self.figures[name] = {"median": round(median, 2), "min": round(min(samples), 2), "max": round(max(samples), 2)}
        say(f"{name:<58} {median:9.2f} {unit:<3} ({min(samples):.2f} to {max(samples):.2f}, n={len(samples)})")
        return median

    def ratio(self, name: str, a: float, b: float) -> None:
        """Keep how many times longer A takes than B."""
        self.figures[name] = round(a / b, 1)
        say(f"{name:<58} {a / b:9.1f} x")

    def one(self, name: str, value: float, unit: str) -> None:
        """Keep a single figure."""
        self.figures[name] = round(value, 2)
        say(f"{name:<58} {value:9.2f} {unit}")


@dataclass(frozen=True, slots=True)
class Stage:
    """The servers, and the way to start the bot in front of them."""

    slack: SlackServer
    cluster: ClusterServer
    control: SlackControl
    folder: Path
    environment: dict[str, str]

    async def answered(self, text: str, user: str = "ann") -> float:
        """Type a command; return the milliseconds from the envelope to the answer that was handed back."""
        channel = self.slack.workspace.channels["ops"]
        before = len(channel.messages)
        began = time.perf_counter()
        typing = asyncio.ensure_future(self.control.say(text, user=user, channel="ops"))
        while len(channel.messages) == before:
            if time.perf_counter() - began > 30:
                raise TimeoutError(f"no answer to {text}: {await typing}")
            await asyncio.sleep(0.0005)
        took = (time.perf_counter() - began) * 1000
        await typing
        return took

    @asynccontextmanager
    async def bot(self) -> AsyncIterator[asyncio.subprocess.Process]:
        """Run the bot and stop it."""
        program = Path(sys.executable).with_name("ragops")
        with (self.folder / "bot.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(program, "run", env=self.environment, stderr=log)
            try:
                yield process
            finally:
                process.terminate()
                await process.wait()


@asynccontextmanager
async def stage(pods: int) -> AsyncIterator[Stage]:
    """Start the workspace and a cluster with so many pods."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ragops-bench-")))
        slack = await stack.enter_async_context(SlackServer(demo_workspace()))
        clock = WorldClock(datetime.now(UTC))
        world = World(ObjectStore(clock.now), clock)
        crowd.build(world, pods)
        world.advance_until(clock.start)
        cluster = await stack.enter_async_context(ClusterServer(world.store, world, world))
        cluster.write_kubeconfig(folder / "kubeconfig")
        (folder / "ragops.toml").write_text(
            f'[clusters.bench]\nkubeconfig = "{folder / "kubeconfig"}"\nnamespaces = ["rag-engine"]\n'
            "[roles.viewer]\neveryone = true\n[limits]\ncommands_per_minute = 600\n"
        )
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "SLACK_BOT_TOKEN": slack.workspace.bot_token,
            "SLACK_APP_TOKEN": slack.workspace.app_token,
            "SLACK_API_URL": slack.base_url,
            "RAGOPS_CONFIG": str(folder / "ragops.toml"),
            "RAGOPS_DATA": str(folder / "data"),
        }
        control = await stack.enter_async_context(SlackControl(slack.control_url))
        yield Stage(slack, cluster, control, folder, environment)


async def measure_start(at: Stage, results: Results, rounds: int) -> None:
    """From the start of the process to the first answer; the first round also makes the database."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        async with at.bot():
            await at.control.connected(timeout=30)
            await at.answered("/rag status")
            times.append(time.perf_counter() - began)
    results.one("start to first answer, new data folder", times[0], "s")
    results.add("start to first answer, again", times[1:], "s")


async def measure_status(at: Stage, results: Results, rounds: int) -> None:
    """`/rag status` from envelope to answer, beside the health check by hand, alternating; then with a slower API."""
    by_hand = shutil.which("kubectl") is not None and shutil.which("curl") is not None
    if not by_hand:
        say("kubectl or curl is missing: the health check by hand is not measured")
    for latency_ms in (0, 20):
        at.cluster.faults.clear()
        if latency_ms:
            at.cluster.faults.add(Fault(FaultKind.LATENCY, seconds=latency_ms / 1000))
        samples: dict[str, list[float]] = {"status": [], "as written": [], "best form": []}
        for number in range(rounds + 1):
            taken = {"status": await at.answered("/rag status", PEOPLE[number % 3])}
            if by_hand:
                taken["as written"] = await check_by_hand(at)
                taken["best form"] = await check_by_hand(at, "parallel")
            if number:  # the first is the warm-up
                for name, value in taken.items():
                    samples[name].append(value)
        note = f"API {latency_ms} ms"
        status = results.add(f"/rag status, envelope to answer, {note}", samples["status"], "ms")
        for form in ("as written", "best form") if by_hand else ():
            a = results.add(f"health check by hand, {form}, {note}", samples[form], "ms")
            results.ratio(f"  health check, {form} : /rag status, {note}", a, status)
    at.cluster.faults.clear()


async def check_by_hand(at: Stage, form: str = "sequential") -> float:
    """Run the health check; return milliseconds."""
    script, kubeconfig = str(HERE / "health_check.sh"), str(at.folder / "kubeconfig")
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        "bash", script, kubeconfig, f"{at.cluster.url}/healthz", form,
        stdout=subprocess.DEVNULL, env=at.environment,
    )  # fmt: skip
    await process.wait()
    return (time.perf_counter() - began) * 1000


async def measure_acks(at: Stage, results: Results, number: int) -> None:
    """Acknowledgements of reads, and of requests that are written down first; ten people at once."""
    for name, text in (("a read", "/rag help"), ("a request that is kept (one row)", "/rag share help")):
        latencies: list[float] = []

        async def person(user: str, text: str = text, latencies: list[float] = latencies) -> None:
            said = await at.control.say(text, user=user, channel="ops")
            if said.ack_ms is not None:
                latencies.append(said.ack_ms)

        for start in range(0, number, 10):
            async with asyncio.TaskGroup() as group:
                for offset in range(10):
                    group.create_task(person(PEOPLE[(start + offset) % 3]))
        latencies.sort()
        results.one(f"ack of {name}, 10 at once, p50", latencies[len(latencies) // 2], "ms")
        results.one(f"ack of {name}, 10 at once, p99", latencies[int(len(latencies) * 0.99)], "ms")
        results.one(f"ack of {name}, missed of {number}", number - len(latencies), "")


def memory_mib(pid: int, key: str) -> float:
    """Return a figure of /proc/PID/status in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(key):
            return int(line.split()[1]) / 1024
    return float("nan")


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201  # a program that prints its figures


def conditions() -> dict[str, object]:
    """Return what the figures depend on."""
    revision = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)  # noqa: S607  # whichever git there is
    return {
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "kernel": platform.release(),
        "revision": revision.stdout.strip() or "unknown",
    }


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pods", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=7, help="measured rounds of each comparison (at least 5)")
    parser.add_argument("--output", type=Path, help="write the figures as JSON, too")
    options = parser.parse_args()
    rounds, results = max(5, options.rounds), Results()
    results.figures["conditions"] = conditions()
    say(f"{options.pods} pods; " + ", ".join(f"{key} {value}" for key, value in conditions().items()))
    async with stage(options.pods) as at:
        await measure_start(at, results, 4)
        async with at.bot() as process:
            await at.control.connected(timeout=30)
            await at.answered("/rag status")
            await measure_status(at, results, rounds)
            await measure_acks(at, results, 300)
            results.one("memory of the bot (resident)", memory_mib(process.pid, "VmRSS"), "MiB")
            results.one("memory of the bot (most so far)", memory_mib(process.pid, "VmHWM"), "MiB")
    if options.output:
        options.output.write_text(json.dumps(results.figures, indent=2))


if __name__ == "__main__":
    asyncio.run(main())
