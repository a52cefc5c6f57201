"""Thousands of pods in one namespace: answers, lists, memory, and a burst of changes."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sandbox.cluster.scenarios.small_world import NAMESPACE
from tests.bench.answering import BURST
from tests.bench.results import Results, cpu_s, memory_mib, say
from tests.bench.stage import PEOPLE, Stage, stage
from tests.bench.troubles import break_thirty

ANSWERS = 20
CHANGES = 2000
_STEPS = ("cache", "observe and diagnose", "render", "plan", "all")
# What the bot asks for by itself, whether anybody wants to know something or not.
_IN_THE_BACKGROUND = ("watch ", "list pods.metrics.k8s.io", "list nodes.metrics.k8s.io", "/readyz")


class Helper:
    """A program of the bench that measures when it is told to, and answers in JSON."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def told(self) -> Any:
        """Return what it says next."""
        assert self._process.stdout is not None  # it was started with pipes
        async with asyncio.timeout(180):
            return json.loads(await self._process.stdout.readline())

    def tell(self, words: str) -> None:
        """Say what to measure."""
        assert self._process.stdin is not None  # as above
        self._process.stdin.write(f"{words}\n".encode())

    async def asked(self, words: str) -> Any:
        """Let it measure, and return the figures."""
        self.tell(words)
        return await self.told()


@asynccontextmanager
async def helper(name: str, kubeconfig: Path, namespace: str) -> AsyncIterator[Helper]:
    """Run a program of this folder, and end it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"tests.bench.{name}", "--kubeconfig", kubeconfig, "-n", namespace,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, limit=1024 * 1024,
    )  # fmt: skip
    try:
        yield Helper(process)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def measure_scale(pods: int, results: Results, rounds: int) -> None:
    """Measure everything with so many pods, all in one namespace."""
    say(f"\n{pods} pods in one namespace")
    async with stage(pods) as at, at.bot() as process:
        await at.control.connected(timeout=30)
        await at.answered("/rag status")
        await measure_answers(at, process.pid, results, f"{pods} healthy pods")
        async with helper("answering", at.kubeconfig, NAMESPACE) as answering:
            add_filled(results, await answering.told(), pods)
            await measure_steps(answering, results, f"{pods} healthy pods")
            await measure_lists(answering, at.kubeconfig, NAMESPACE, results, rounds)
            await measure_storm(at, answering, results)
            break_thirty(at.world)
            await measure_answers(at, process.pid, results, f"{pods} pods and 30 troubles")
            await measure_steps(answering, results, f"{pods} pods and 30 troubles")
        results.one(f"memory of the bot, {pods} pods (resident)", memory_mib(process.pid, "VmRSS"), "MiB")
        results.one(f"memory of the bot, {pods} pods (most so far)", memory_mib(process.pid, "VmHWM"), "MiB")
    results.merge("watch cache, real pods: ", await watch_cache(pods))


async def measure_pieces(at: Stage, results: Results, pods: int) -> None:
    """Measure the steps of an answer with few pods, and answers while thirty things are wrong."""
    async with at.bot() as process, helper("answering", at.kubeconfig, NAMESPACE) as answering:
        await at.control.connected(timeout=30)
        await answering.told()
        await measure_steps(answering, results, f"{pods} healthy pods")
        break_thirty(at.world)
        await measure_answers(at, process.pid, results, f"{pods} pods and 30 troubles")
        await measure_steps(answering, results, f"{pods} pods and 30 troubles")


async def measure_there(kubeconfig: Path, namespace: str, results: Results, rounds: int) -> None:
    """Measure lists and answers in a cluster as it is; nothing is made there."""
    async with helper("answering", kubeconfig, namespace) as answering:
        filled = await answering.told()
        pods = int(filled["pods"])
        add_filled(results, filled, pods)
        await measure_steps(answering, results, f"{pods} pods")
        await measure_lists(answering, kubeconfig, namespace, results, rounds)


async def measure_answers(at: Stage, pid: int, results: Results, note: str) -> None:
    """`/rag status` from envelope to answer, what it costs the bot, and what the API server was asked for meanwhile."""
    await at.control.connected(timeout=30)
    await _quiet(at)
    first = await at.answered("/rag status")
    results.one(f"/rag status, the first, {note}", first, "ms")
    before, worked = at.cluster.asked.copy(), cpu_s(pid)
    samples = []
    for number in range(ANSWERS):
        samples.append(await at.answered("/rag status", PEOPLE[number % 3]))
        await at.control.settle(quiet=0.05)  # what the answer leaves to do is not the next one's
    results.add(f"/rag status, envelope to answer, {note}", samples, "ms")
    results.one(f"  CPU time of the bot for one answer, {note}", (cpu_s(pid) - worked) * 1000 / ANSWERS, "ms")
    asked = at.cluster.asked - before
    extra = _for_answers(asked)
    results.one(f"  API calls for {ANSWERS} answers, {note}", sum(extra.values()), "")
    say(f"    for the answers: {dict(extra) or 'nothing'}; in the background: {dict(asked - extra) or 'nothing'}")


async def _quiet(at: Stage) -> None:
    """Wait until the caches have seen what changed and the logs of crashes are fetched: nothing is asked for 3 s."""
    async with asyncio.timeout(60):
        before = None
        while before != (asked := _for_answers(at.cluster.asked)):
            before = asked
            await asyncio.sleep(3.0)


def _for_answers(asked: Counter[str]) -> Counter[str]:
    """Leave out what is asked for in the background."""
    return Counter({what: number for what, number in asked.items() if not what.startswith(_IN_THE_BACKGROUND)})


def add_filled(results: Results, filled: Mapping[str, float], pods: int) -> None:
    """Keep what filling the cache took."""
    results.one(f"cache filled, {pods} pods, essential parts", filled["filled_s"], "s")
    results.one(f"  and all parts, {filled['events']:.0f} events with them", filled["whole_s"], "s")
    results.one("  memory held by the cache", filled["held_mib"], "MiB")
    results.one("  longest stall of the event loop", filled["stall_ms"], "ms")
    results.one("  longest stall by own work", filled["stall_by_work_ms"], "ms")


async def measure_steps(answering: Helper, results: Results, note: str) -> None:
    """The steps of an answer, in process."""
    await answering.asked("status 2")
    answers = await answering.asked(f"status {ANSWERS}")
    last = answers[-1]
    say(f"{note}: {last['pods']} pods, {last['findings']} findings of {last['kinds']} kinds")
    for step in _STEPS:
        what = "all steps" if step == "all" else step
        results.add(f"  {what}, in process, {note}", [answer[step] for answer in answers], "ms")


async def measure_lists(answering: Helper, kubeconfig: Path, namespace: str, results: Results, rounds: int) -> None:
    """List all pods by the cache's reader, by the client's models and by kubectl, alternating."""
    ways: dict[str, list[float]] = {"bytes": [], "ours": [], "models": [], "kubectl": []}
    by_kubectl = shutil.which("kubectl") is not None
    async with helper("typed_list", kubeconfig, namespace) as typed:
        await typed.told()
        ours, models = await answering.asked("list"), await typed.asked("list")  # the first is the warm-up
        held = models["held_mib"]
        for _ in range(min(rounds, 5)):
            ours, models = await answering.asked("list"), await typed.asked("list")
            ways["bytes"].append((await answering.asked("read"))["ms"])
            ways["ours"].append(ours["ms"])
            ways["models"].append(models["ms"])
            if by_kubectl:
                ways["kubectl"].append(await _kubectl(kubeconfig, namespace))
    pods = int(ours["pods"])
    results.add(f"bytes of {pods} pods alone: the server's share", ways["bytes"], "ms")
    mine = results.add(f"list of {pods} pods, as the cache does", ways["ours"], "ms")
    results.one("  longest stall of the event loop", ours["stall_ms"], "ms")
    theirs = results.add(f"list of {pods} pods, client's own models", ways["models"], "ms")
    results.one("  longest stall of the event loop, client's own models", models["stall_ms"], "ms")
    results.one("  memory held, client's own models", held, "MiB")
    results.ratio("  client's own models : as the cache does", theirs, mine)
    if by_kubectl:
        results.ratio(
            "  kubectl get pods : as the cache does",
            results.add(f"kubectl get pods, {pods} pods", ways["kubectl"], "ms"),
            mine,
        )


async def _kubectl(kubeconfig: Path, namespace: str) -> float:
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        "kubectl", "--kubeconfig", kubeconfig, "-n", namespace, "get", "pods", stdout=subprocess.DEVNULL
    )
    await process.wait()
    return (time.perf_counter() - began) * 1000


async def measure_storm(at: Stage, answering: Helper, results: Results) -> None:
    """Let many pods change at once, and answer meanwhile."""
    store = at.world.store
    changed = store.list("pods", NAMESPACE)[:CHANGES]
    await answering.asked(f"storm {len(changed)}")
    for number, pod in enumerate(changed):
        metadata = {**pod["metadata"], "labels": {**pod["metadata"]["labels"], BURST: "yes"}}
        store.update("pods", {**pod, "metadata": metadata})
        if number % 100 == 0:
            await asyncio.sleep(0)
    figures = await answering.told()
    results.one(f"{len(changed)} pods change at once: arrived", figures["arrived"], "")
    results.one("  until all were seen and 10 answers given", figures["took_s"], "s")
    results.one("  CPU time for the changes and the answers", figures["cpu_s"], "s")
    results.one("  an answer meanwhile, median", figures["median_ms"], "ms")
    results.one("  an answer meanwhile, most", figures["most_ms"], "ms")
    results.one("  longest stall of the event loop", figures["stall_ms"], "ms")
    results.one("  longest stall by own work", figures["stall_by_work_ms"], "ms")


async def watch_cache(pods: int) -> dict[str, float]:
    """Run the measurement of the watch cache on pods as large as real ones."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.watch_cache", str(pods), stdout=subprocess.PIPE
    )
    async with asyncio.timeout(180):
        out, _ = await process.communicate()
    figures: dict[str, float] = json.loads(out)
    return figures
