"""`ragops sandbox say | press | read`: what a script does with the demo, from other processes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support.processes import Ended, Program, environment, ragops, started
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass(frozen=True, slots=True)
class Demo:
    """A demo that runs, and the way to act in it."""

    program: Program
    environ: dict[str, str]
    folder: Path

    async def act(self, *words: str) -> Ended:
        """Run `ragops sandbox …`."""
        return await ragops("sandbox", *words, environ=self.environ, folder=self.folder)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def demo(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Demo]:
    """The demo without its prompt, one for all tests here: it takes a moment to start."""
    folder = tmp_path_factory.mktemp("demo")
    environ = environment(folder)
    async with started("demo", "--headless", environ=environ, folder=folder) as program:
        while "ragops is ready" not in (line := await program.line()):
            assert line, program.log.read_text()
        yield Demo(program, environ, folder)
        assert await program.stop() == 0


async def test_saying_pressing_and_reading(demo: Demo) -> None:
    """A script types a command, presses the button of its answer, and reads what each person sees, as text and JSON."""
    assert await demo.act("say", "/rag status api", "--as", "ann") == Ended(0, "", "")
    read = await demo.act("read", "--as", "ann")
    assert read.code == 0
    assert "rag (only you see this)" in read.out
    assert "api is degraded" in read.out
    assert "DATABASE_URL is not set" in read.out

    async def share() -> list[dict[str, object]]:
        assert await demo.act("press", "Share", "--as", "ann") == Ended(0, "", "")
        return list(json.loads((await demo.act("read", "--as", "bob", "--output", "json")).out))

    shown = await until(share, bool)  # the first ones are refused while the database is still being made
    assert {message["author"] for message in shown} == {"rag"}
    assert "api is degraded" in str(shown[0]["text"])
    assert shown[0]["pings"] == ["@ann"]
    assert shown[0]["ephemeral"] is False


async def test_a_thread_and_another_channel(demo: Demo) -> None:
    """A thread is named by its message, a channel by its name."""
    assert (await demo.act("say", "it is slow", "--as", "bob", "--channel", "general")).code == 0
    (parent,) = json.loads((await demo.act("read", "--as", "bob", "--channel", "general", "-o", "json")).out)

    said = await demo.act("say", "@rag statsu", "--as", "bob", "--channel", "general", "--thread", parent["ts"])

    assert said.code == 0
    thread = await demo.act("read", "--as", "bob", "--channel", "general", "--thread", parent["ts"])
    assert 'There is no command "statsu"' in thread.out
    assert (await demo.act("read", "--as", "bob", "--channel", "incidents")).out == "\n"


async def test_mistakes_are_told_on_standard_error(demo: Demo) -> None:
    """What the platform shows and what is not possible both end with a code that scripts can use."""
    unknown, no_button, nobody = await asyncio.gather(
        demo.act("say", "/foo"),
        demo.act("press", "Explode", "--as", "ann"),
        demo.act("read", "--as", "nobody"),
    )

    assert (unknown.code, unknown.out, unknown.err) == (1, "", "/foo is not a valid command.\n")

    assert no_button.code == 2
    assert "ann sees nothing to press with the label 'Explode'" in no_button.err

    assert nobody.code == 2
    assert "there is no user 'nobody'" in nobody.err


async def test_without_a_sandbox_it_is_said_how_to_start_one(tmp_path: Path) -> None:
    """No trace, and the folder that was looked at."""
    ended = await ragops("sandbox", "read", environ=environment(tmp_path), folder=tmp_path)

    assert ended.code == 2
    assert ended.out == ""
    assert "No sandbox is running" in ended.err
    assert str(tmp_path / "ragops_data") in ended.err
    assert "ragops demo" in ended.err
