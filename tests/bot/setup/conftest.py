"""A world for `ragops check` and `ragops init` to look at: a workspace, a cluster, databases, a Redis."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from sandbox.cluster.scenarios import load
from sandbox.cluster.world.world import World
from tests.bot.setup.stage import Stage, open_stage

REDIS = shutil.which("redis-server")


@pytest.fixture(scope="session")
def healthy() -> World:
    """A cluster without a fault; nothing here changes it."""
    return load("healthy")


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Redis behind a password; without the program the tests that want it are skipped."""
    if REDIS is None:
        pytest.skip("no redis-server is installed")
    folder = tmp_path_factory.mktemp("redis")
    socket = folder / "redis.sock"
    words = ["--port", "0", "--unixsocket", str(socket), "--save", "", "--requirepass", "hunter2", "--dir", str(folder)]
    server = subprocess.Popen([REDIS, *words], stdout=subprocess.DEVNULL)  # noqa: S603  # our own words
    try:
        for _ in range(3000):
            if socket.exists():
                break
            time.sleep(0.02)
        yield f"unix://:hunter2@{socket}"
    finally:
        server.terminate()
        server.wait()


@pytest.fixture
async def stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store_url: str, healthy: World
) -> AsyncIterator[Stage]:
    """All of it around an empty folder, and an environment that names it."""
    monkeypatch.chdir(tmp_path)
    async with AsyncExitStack() as stack:
        yield await open_stage(stack, tmp_path, store_url, healthy)
