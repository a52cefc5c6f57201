"""A process that lists all pods through the client library's own models, for the bench: what many bots do.

    python -m tests.bench.typed_list --kubeconfig FILE -n NAMESPACE

Each line of its standard input (`list`) gets a line of JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from pathlib import Path

from kubernetes.aio import client, config

from tests.bench.answering import Ticks, say
from tests.bench.watch_cache import resident


async def serve(kubeconfig: Path, namespace: str) -> None:
    """List when asked, until the input ends; the first list is held."""
    await config.load_kube_config(config_file=str(kubeconfig))  # type: ignore[no-untyped-call]  # it has no annotations
    async with client.ApiClient() as api:
        core = client.CoreV1Api(api)
        before = resident()
        say({"before_mib": before})
        while await asyncio.to_thread(sys.stdin.readline):
            began, ticks = time.perf_counter(), Ticks()
            async with ticks.running():
                listed = await core.list_namespaced_pod(namespace, _request_timeout=120)
            figures = {
                "pods": len(listed.items),
                "ms": (time.perf_counter() - began) * 1000,
                "held_mib": resident() - before,
            }
            say(figures | ticks.figures)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("-n", "--namespace", required=True)
    options = parser.parse_args()
    asyncio.run(serve(options.kubeconfig, options.namespace))


if __name__ == "__main__":
    main()
