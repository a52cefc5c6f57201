"""Measure the watch cache at 5,000 pods: memory that it holds, and the longest time for which it stops the event loop.

    python -m tests.bench.watch_cache [PODS]

The server is a process of its own and answers with pods made from a recording of a real one, each with its own name,
times and addresses, as large as real ones are (about 5 KB with `managedFields`). What is measured is this process:
its resident memory before the cache and after its first answer and a garbage collection, and the longest gap between
two turns of the event loop while everything is listed.
"""

from __future__ import annotations

import argparse
import asyncio
import copy
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.cluster import Clusters, KubernetesHttp, open_connection
from bot.domain.snapshot import ALL_PARTS, Freshness, Part
from bot.domain.targets import ClusterName, Namespace, Scope
from bot.main.collector import calm

RECORDED = Path(__file__).parents[1] / "fixtures" / "cluster" / "pods.json"
NAMESPACE = "shop"
SCOPE = Scope(ClusterName("bench"), Namespace(NAMESPACE))
PER_WORKLOAD = 50
MIB = 1024 * 1024
START = datetime(2026, 11, 24, 12, tzinfo=UTC)


class _Clock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


# --- the server -------------------------------------------------------------------------------------------------------


def pods(count: int) -> Iterator[dict[str, Any]]:
    """Make pods of workloads of fifty, no two alike."""
    items = json.loads(RECORDED.read_bytes())["items"]
    model = next(item for item in items if item["metadata"]["name"].startswith("rag-engine-api-77"))
    fields = {"f:spec": {f"f:field{number}": {} for number in range(60)}}
    for number in range(count):
        pod, workload = copy.deepcopy(model), f"workload-{number // PER_WORKLOAD:03d}"
        at = (START + timedelta(seconds=number)).strftime("%Y-%m-%dT%H:%M:%SZ")
        name = f"{workload}-77fb96f56b-{number:05x}"
        pod["metadata"] |= {
            "name": name,
            "namespace": NAMESPACE,
            "uid": f"00000000-0000-4000-8000-{number:012x}",
            "resourceVersion": str(1000 + number),
            "creationTimestamp": at,
            "labels": {"app": workload, "pod-template-hash": "77fb96f56b", "team": "shop"},
            "managedFields": [{"manager": "kubelet", "operation": "Update", "time": at, "fieldsV1": fields}],
        }
        pod["metadata"]["ownerReferences"][0] |= {"name": f"{workload}-77fb96f56b", "uid": f"rs-{workload}"}
        pod["spec"]["nodeName"] = f"node-{number % 100:03d}"
        pod["spec"]["volumes"][0]["name"] = f"kube-api-access-{number:05x}"
        pod["status"]["podIP"] = f"10.{number // 65536}.{number // 256 % 256}.{number % 256}"
        pod["status"]["startTime"] = at
        for condition in pod["status"]["conditions"]:
            condition["lastTransitionTime"] = at
        for status in pod["status"]["containerStatuses"]:
            status["state"] = {"running": {"startedAt": at}}
            status["containerID"] = f"containerd://{number:064x}"
        yield pod


def usage(pod: dict[str, Any]) -> dict[str, Any]:
    """What the metrics API says of a pod."""
    metadata = {key: pod["metadata"][key] for key in ("name", "namespace", "labels")}
    containers = [
        {"name": each["name"], "usage": {"cpu": "1234567n", "memory": "65536Ki"}} for each in pod["spec"]["containers"]
    ]
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"metadata": metadata, "timestamp": stamp, "window": "15s", "containers": containers}


def serve(count: int) -> None:
    """Answer lists in pages and leave watches open, until the process is ended."""
    made = list(pods(count))
    lists = {
        f"/api/v1/namespaces/{NAMESPACE}/pods": [json.dumps(pod) for pod in made],
        f"/apis/metrics.k8s.io/v1beta1/namespaces/{NAMESPACE}/pods": [json.dumps(usage(pod)) for pod in made],
    }

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path == "/readyz" or request.path.count("/") == 4:
            return web.Response(text="{}")
        if "watch" in request.query:
            response = web.StreamResponse()
            await response.prepare(request)
            await asyncio.Event().wait()
        items, at = lists.get(request.path, []), int(request.query.get("continue", "0"))
        limit = len(items) if "metrics" in request.path else int(request.query["limit"])
        more = str(at + limit) if at + limit < len(items) else ""
        metadata = json.dumps({"resourceVersion": "9", "continue": more})
        return web.Response(text=f'{{"metadata":{metadata},"items":[{",".join(items[at : at + limit])}]}}')

    async def run() -> None:
        application = web.Application()
        application.router.add_get("/{path:.*}", answer)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        size = len(lists[f"/api/v1/namespaces/{NAMESPACE}/pods"][0])
        sys.stdout.write(f"{runner.addresses[0][1]} {size}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()

    asyncio.run(run())


# --- what is measured -------------------------------------------------------------------------------------------------


def resident() -> float:
    """Return the resident memory of this process in MiB, after a garbage collection."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MIB


class Stalls:
    """The gaps between two turns of the event loop, in milliseconds: as they passed, and as this thread worked in them.

    The second leaves out what other processes took away on a busy machine.
    """

    def __init__(self) -> None:
        self.gaps: list[float] = []
        self.work: list[float] = []

    async def watch(self) -> None:
        """Measure until cancelled."""
        last, worked = time.perf_counter(), time.thread_time()
        while True:
            await asyncio.sleep(0)
            now, done = time.perf_counter(), time.thread_time()
            self.gaps.append((now - last) * 1000)
            self.work.append((done - worked) * 1000)
            last, worked = now, done


async def measure(port: int) -> dict[str, float]:
    """Fill a cache and return the figures."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kubeconfig"
        cluster = {"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}
        context = {"name": "x", "context": {"cluster": "c", "user": "u"}}
        users = [{"name": "u", "user": {"token": "t"}}]
        path.write_text(
            json.dumps({"current-context": "x", "contexts": [context], "clusters": [cluster], "users": users})
        )
        connection = await open_connection(str(path))
    clusters = Clusters(
        {SCOPE.cluster: (KubernetesHttp(connection, _Clock(), lambda: 0.5), [SCOPE.namespace])},
        _Clock(),
        lambda: 0.5,
        patience_s=60,
    )
    calm()
    before, began, stalls = resident(), time.perf_counter(), Stalls()
    watching = asyncio.create_task(stalls.watch())
    running = asyncio.create_task(clusters.run())
    try:
        await clusters.snapshot(SCOPE, ALL_PARTS)
        filled_s = time.perf_counter() - began
        while True:  # the samples may come after the first answer
            snapshot = await clusters.snapshot(SCOPE, frozenset({Part.POD_METRICS}))
            if snapshot.status(Part.POD_METRICS).freshness is Freshness.LIVE:
                break
            await asyncio.sleep(0.05)
        watching.cancel()
        held = resident() - before
        asked = time.perf_counter()
        snapshot = await clusters.snapshot(SCOPE, ALL_PARTS)
        answered_ms = (time.perf_counter() - asked) * 1000
        gaps = sorted(stalls.gaps, reverse=True)
        return {
            "pods": len(snapshot.pods),
            "filled in s": round(filled_s, 2),
            "memory before in MiB": round(before, 1),
            "memory held in MiB": round(held, 1),
            "longest stall in ms": round(gaps[0], 1),
            "longest stall by own work in ms": round(max(stalls.work), 1),
            "tenth longest stall in ms": round(gaps[9], 1),
            "answer from memory in ms": round(answered_ms, 2),
        }
    finally:
        for task in (watching, running):
            task.cancel()
        await asyncio.gather(watching, running, return_exceptions=True)
        await connection.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("pods", nargs="?", type=int, default=5000)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.pods)
        return
    command = [sys.executable, "-m", "tests.bench.watch_cache", str(arguments.pods), "--serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603  # it is this program
        try:
            port, size = (server.stdout.readline() if server.stdout is not None else "").split()
            figures = {"bytes of a pod": int(size), **asyncio.run(measure(int(port)))}
        finally:
            server.terminate()
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
