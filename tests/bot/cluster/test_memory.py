"""What a cache of thousands of pods costs, measured in a process of its own."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


async def test_five_thousand_pods_cost_little_memory() -> None:
    """At most 60 MiB for everything that is kept of them, their usage included."""
    bench = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.watch_cache", "5000", cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await asyncio.wait_for(bench.communicate(), 60)
    figures = json.loads(out)
    assert figures["pods"] == 5000
    assert 0 < figures["memory held in MiB"] <= 60
