"""A process that keeps a watch cache and answers `/rag status` from it, piece by piece, for the bench.

    python -m tests.bench.answering --kubeconfig FILE -n NAMESPACE

It works with any cluster. Its standard input names what to measure next, and each line gets one of JSON:
`status N` (N answers), `list` (all pods anew), `read` (their bytes alone), `storm N` (N pods change, each with a new
label; it first says that it is ready).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from bot.cluster import Clusters, KubernetesHttp, open_connection
from bot.cluster.freshness import NOT_READ_YET
from bot.cluster.lists import read_all
from bot.cluster.resources import RESOURCES
from bot.domain.actions import Setting
from bot.domain.catalogue import Catalogue
from bot.domain.people import Actor
from bot.domain.requests import Place, Request, Surface
from bot.domain.snapshot import ALL_PARTS, Part
from bot.domain.targets import ClusterName, Namespace, Scope
from bot.main.clock import SystemClock
from bot.main.collector import calm
from bot.ports import Sources
from bot.slack.outbound.planner import plan_view
from handlers import status
from tests.bench.watch_cache import resident

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

BURST = "bench/burst"
_TICK_S = 0.002
_STORM_S = 30.0
_FILL_S = 120.0
_STATUSES = 10


@dataclass(slots=True)
class Ticks:
    """How late the event loop wakes a sleeper, in milliseconds: as it passed, and by the work of this thread alone."""

    late: list[float] = field(default_factory=lambda: [0.0])
    work: list[float] = field(default_factory=lambda: [0.0])

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Measure meanwhile."""
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            await asyncio.sleep(2 * _TICK_S)  # so that a stall up to now is seen
            task.cancel()

    async def _run(self) -> None:
        while True:
            began, worked = time.perf_counter(), time.thread_time()
            await asyncio.sleep(_TICK_S)
            self.late.append((time.perf_counter() - began - _TICK_S) * 1000)
            self.work.append((time.thread_time() - worked) * 1000)

    @property
    def figures(self) -> dict[str, float]:
        return {"stall_ms": max(self.late), "stall_by_work_ms": max(self.work)}


@dataclass(frozen=True, slots=True)
class Answering:
    """A filled cache, and what asks it."""

    http: KubernetesHttp
    clusters: Clusters
    scope: Scope

    async def fill(self) -> dict[str, float]:
        """Wait until everything is there."""
        before, began, ticks = resident(), time.perf_counter(), Ticks()
        async with ticks.running():
            await self.clusters.snapshot(self.scope, ALL_PARTS)
            took = time.perf_counter() - began
            while True:  # what is not essential may come later than the first answer
                seen = await self.clusters.snapshot(self.scope, ALL_PARTS)
                is_whole = all(state.reason != NOT_READ_YET for state in seen.parts.values())
                if is_whole or time.perf_counter() - began > _FILL_S:
                    break
                await asyncio.sleep(0.05)
            whole = time.perf_counter() - began
        figures = {"pods": len(seen.pods), "events": len(seen.events), "filled_s": took, "whole_s": whole}
        return figures | {"before_mib": before, "held_mib": resident() - before} | ticks.figures

    async def status(self) -> dict[str, float]:
        """Answer once; milliseconds of each step."""
        marks = [time.perf_counter()]

        def passed() -> float:
            marks.append(time.perf_counter())
            return (marks[-1] - marks[-2]) * 1000

        snapshot = await self.clusters.snapshot(self.scope, ALL_PARTS)
        figures = {"cache": passed(), "pods": len(snapshot.pods)}
        now = datetime.now(UTC)
        request = Request(key="k", actor=Actor("U1", "T1"), surface=Surface.COMMAND, text="status", place=Place("C1"))
        sources = Sources(
            scope=self.scope,
            request=request,
            now=now,
            cluster=self.clusters,
            logs=self.clusters.logs,
            catalogue=Catalogue(MappingProxyType({})),
        )
        marks.append(time.perf_counter())
        seen = await status.observe(status.Params(), sources)
        figures |= {"observe and diagnose": passed()}
        setting = Setting(now=now, command="status", private=True, actor_id="U1", place=str(self.scope.namespace))
        view = status.render(status.Params(), seen, setting)
        figures |= {"render": passed()}
        plan_view(view, nonce="n", files_allowed=False)
        figures |= {"plan": passed()}
        figures["all"] = sum(figures[step] for step in ("observe and diagnose", "render", "plan"))
        figures["findings"] = len(seen.report.findings)
        figures["kinds"] = len({finding.code for finding in seen.report.findings})
        return figures

    async def list_pods(self) -> dict[str, float]:
        """List all pods anew, as the cache does."""
        began, ticks = time.perf_counter(), Ticks()
        async with ticks.running():
            listed = await read_all(self.http, RESOURCES[Part.PODS], self.scope.namespace, timeout_s=60)
        return {"pods": len(listed.items), "ms": (time.perf_counter() - began) * 1000} | ticks.figures

    async def read_pods(self) -> dict[str, float]:
        """Let the server send all pods in one piece, and throw them away."""
        began = time.perf_counter()
        body = await self.http.get(RESOURCES[Part.PODS].path(self.scope.namespace), timeout_s=60)
        return {"bytes": len(body), "ms": (time.perf_counter() - began) * 1000}

    async def storm(self, changes: int) -> dict[str, float]:
        """Take in changes of so many pods, and answer meanwhile."""
        began, spent, ticks, answers = time.perf_counter(), time.process_time(), Ticks(), list[float]()
        arrived = 0
        async with ticks.running():
            while (arrived < changes or len(answers) < _STATUSES) and time.perf_counter() - began < _STORM_S:
                if len(answers) < _STATUSES:
                    answers.append((await self.status())["all"])
                await asyncio.sleep(0.05)
                seen = await self.clusters.snapshot(self.scope, frozenset({Part.PODS}))
                arrived = sum(BURST in pod.meta.labels for pod in seen.pods)
        cpu_s, took_s = time.process_time() - spent, time.perf_counter() - began
        answered = {"answers": len(answers), "median_ms": sorted(answers)[len(answers) // 2], "most_ms": max(answers)}
        return {"arrived": arrived, "took_s": took_s, "cpu_s": cpu_s} | answered | ticks.figures


async def serve(kubeconfig: Path, namespace: str) -> None:
    """Fill a cache, then measure what is asked for, until the input ends."""
    connection = await open_connection(str(kubeconfig))
    clock = SystemClock()
    http = KubernetesHttp(connection, clock, lambda: 0.5)
    scope = Scope(ClusterName("bench"), Namespace(namespace))
    clusters = Clusters({scope.cluster: (http, [scope.namespace])}, clock, lambda: 0.5, patience_s=120)
    answering = Answering(http, clusters, scope)
    calm()
    running = asyncio.create_task(clusters.run())
    try:
        say(await answering.fill())
        while words := (await asyncio.to_thread(sys.stdin.readline)).split():
            match words:
                case ["status", count]:
                    say([await answering.status() for _ in range(int(count))])
                case ["list"]:
                    say(await answering.list_pods())
                case ["read"]:
                    say(await answering.read_pods())
                case ["storm", changes]:
                    say({"ready": True})
                    say(await answering.storm(int(changes)))
                case _:
                    raise ValueError(f"unknown: {words}")
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await connection.close()


def say(figures: object) -> None:
    sys.stdout.write(json.dumps(figures) + "\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("-n", "--namespace", required=True)
    options = parser.parse_args()
    asyncio.run(serve(options.kubeconfig, options.namespace))


if __name__ == "__main__":
    main()
