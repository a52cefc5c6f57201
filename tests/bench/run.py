"""Measure what a person waits for: `/rag status` beside the health check by hand, start, memory, acknowledgement.

Run it by `make bench`. The bot is a process of its own (`ragops run`); the Slack stand-in and the simulated cluster run
in this one, so both share the machine's cores with what is measured. A and B alternate in one run; figures are medians
with their spread, and a claim is a ratio of medians of the same run. `tests.bench.scale` then does the same at
thousands of pods.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from pathlib import Path

from sandbox.cluster.faults import Fault, FaultKind
from tests.bench.health import can_check_by_hand, check_by_hand, measure_health
from tests.bench.results import Results, conditions, memory_mib, say
from tests.bench.scale import measure_pieces, measure_scale, measure_there
from tests.bench.stage import PEOPLE, Stage, stage


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
    by_hand = can_check_by_hand()
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
                taken["as written"], _ = await check_by_hand(at)
                taken["best form"], _ = await check_by_hand(at, "parallel")
            if number:  # the first is the warm-up
                for name, value in taken.items():
                    samples[name].append(value)
        note = f"API {latency_ms} ms"
        status = results.add(f"/rag status, envelope to answer, {note}", samples["status"], "ms")
        for form in ("as written", "best form") if by_hand else ():
            a = results.add(f"health check by hand, {form}, {note}", samples[form], "ms")
            results.ratio(f"  health check, {form} : /rag status, {note}", a, status)
    at.cluster.faults.clear()


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


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pods", type=int, default=200)
    parser.add_argument("--many", type=int, default=5000, help="pods of the second part; 0 leaves it out")
    parser.add_argument("--rounds", type=int, default=7, help="measured rounds of each comparison (at least 5)")
    parser.add_argument("--output", type=Path, help="write the figures as JSON, too")
    parser.add_argument("--kubeconfig", type=Path, help="measure lists and answers in a real cluster, and nothing else")
    parser.add_argument("-n", "--namespace", default="default", help="where, in the real cluster")
    options = parser.parse_args()
    rounds, results = max(5, options.rounds), Results()
    results.figures["conditions"] = conditions()
    say(", ".join(f"{key} {value}" for key, value in conditions().items()))
    if options.kubeconfig:
        await measure_there(options.kubeconfig, options.namespace, results, rounds)
    else:
        await measure_all(options.pods, options.many, results, rounds)
    if options.output:
        options.output.write_text(json.dumps(results.figures, indent=2))


async def measure_all(pods: int, many: int, results: Results, rounds: int) -> None:
    """Measure on simulated clusters, first a usual one, then a large one."""
    say(f"\n{pods} pods")
    async with stage(pods) as at:
        await measure_start(at, results, 4)
        async with at.bot():
            await at.control.connected(timeout=30)
            await at.answered("/rag status")
            await measure_status(at, results, rounds)
            await measure_health(at, results, rounds)
        await measure_pieces(at, results, pods)
    async with stage(pods) as at, at.bot() as process:
        await at.control.connected(timeout=30)
        await at.answered("/rag status")
        # On a stage of its own: what is shared goes on being posted for minutes, one message a second.
        await measure_acks(at, results, 300)
        results.one("memory of the bot (resident)", memory_mib(process.pid, "VmRSS"), "MiB")
        results.one("memory of the bot (most so far)", memory_mib(process.pid, "VmHWM"), "MiB")
    if many:
        await measure_scale(many, results, rounds)


if __name__ == "__main__":
    asyncio.run(main())
