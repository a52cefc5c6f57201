"""Whatever ends the program, at whatever moment: nothing that it started or wrote for itself stays behind."""

from __future__ import annotations

import asyncio
import random
import signal
from pathlib import Path

import pytest

from tests.support.processes import Program, environment, processes_of, ragops, started
from tests.support.waiting import until

_SEED = 20261124


async def gone(folder: Path, *, within_s: float = 60.0) -> None:
    """Assert that no process works in `folder` any more, soon."""

    async def look() -> dict[int, str]:
        return processes_of(folder)

    await until(look, lambda left: not left, within_s=within_s)


def temporary(folder: Path) -> list[str]:
    """Return the names of the temporary files that are there."""
    return sorted(path.name for path in (folder / "tmpdir").iterdir())


async def ready(program: Program) -> None:
    """Wait for the demo's greeting."""
    while "ragops is ready" not in (line := await program.line()):
        assert line, program.log.read_text()


@pytest.mark.parametrize(
    ("number", "group"),
    [(signal.SIGTERM, False), (signal.SIGINT, True)],
    ids=["SIGTERM", "Ctrl-C at the terminal"],
)
async def test_a_stopped_demo_leaves_nothing(tmp_path: Path, number: signal.Signals, group: bool) -> None:
    """Processes, temporary files and the note for `ragops sandbox` are gone, the exit code is good, nothing is said."""
    async with started("demo", "--headless", environ=environment(tmp_path), folder=tmp_path) as program:
        await ready(program)
        assert (tmp_path / "ragops_data" / "sandbox.json").exists()

        code = await program.stop(number, group=group)

        assert code == 0
        assert program.log.read_text() == ""
        assert not (tmp_path / "ragops_data" / "sandbox.json").exists()
        assert temporary(tmp_path) == []
        await gone(tmp_path)


async def test_a_demo_stopped_while_it_starts_leaves_nothing(tmp_path: Path) -> None:
    """The moment does not matter: before the database is made, while it is, or just after."""
    source = random.Random(_SEED)
    for number in range(3):
        folder = tmp_path / str(number)
        folder.mkdir()
        async with started("demo", "--headless", environ=environment(folder), folder=folder) as program:
            await asyncio.sleep(source.uniform(0.6, 2.0))

            code = await program.stop(signal.SIGINT, group=True)

            assert code in {0, 130, -signal.SIGINT}, program.log.read_text()
            assert temporary(folder) == []
            await gone(folder)


async def test_a_killed_demo_leaves_no_process(tmp_path: Path) -> None:
    """The database's keeper notices that its holder is gone; the note that stays behind misleads nobody."""
    environ = environment(tmp_path)
    async with started("demo", "--headless", environ=environ, folder=tmp_path) as program:
        await ready(program)
        assert any("postgres" in words for words in processes_of(tmp_path).values())

        await program.stop(signal.SIGKILL)

        await gone(tmp_path)
    ended = await ragops("sandbox", "say", "/rag status", environ=environ, folder=tmp_path)
    assert ended.code == 2
    assert "The sandbox does not answer; it may have been killed." in ended.err
