"""`ragops sandbox say | press | home | …`: what a script does with the demo, from other processes."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from bot.domain.live import MARKER
from sandbox.cluster.scenarios import load
from sandbox.cluster.server import ClusterServer
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
    assert (await demo.act("read", "--as", "bob", "--channel", "leads")).out == "\n"


async def test_the_page_and_a_direct_message(demo: Demo) -> None:
    """Each is printed as the person sees it; the page's buttons are pressed apart from those of messages."""
    home = await demo.act("home", "--as", "vic")
    assert home.code == 0
    assert "rag-engine is degraded" in home.out
    assert await demo.act("press", "Build a command…", "--home", "--as", "vic") == Ended(0, "", "")
    assert "Build a command" in (await demo.act("dialog", "--as", "vic")).out
    assert await demo.act("dm", "whoami", "--as", "bob") == Ended(0, "", "")

    async def answer() -> str:
        return (await demo.act("read", "--channel", "@rag", "--as", "bob")).out

    await until(answer, lambda text: "You may: look" in text)


async def test_a_dialog_is_opened_filled_in_and_sent(demo: Demo) -> None:
    """What is wrong is told by its label, on standard error."""
    assert await demo.act("shortcut", "build", "--as", "ann") == Ended(0, "", "")
    assert "command" in (await demo.act("fill", "what=share", "--as", "ann")).out
    wrong = await demo.act("submit", "command=status api", "--as", "ann")
    assert wrong == Ended(1, "", "Answer in: Please complete this required field.\n")
    sent = await demo.act("submit", "command=status api", "answer=#incidents", "--as", "ann")
    assert sent == Ended(0, "", "")
    assert (await demo.act("dialog", "--as", "ann")).out == "(nothing is there)\n"

    async def posted() -> str:
        return (await demo.act("read", "--channel", "incidents", "--as", "vic")).out

    await until(posted, lambda text: "Shared by" in text)


async def test_a_message_is_explained_and_a_dialog_left(demo: Demo) -> None:
    """The newest message, where none is named."""
    assert (await demo.act("say", "it says OOMKilled", "--as", "bob", "--channel", "general")).code == 0
    assert await demo.act("shortcut", "explain", "--as", "vic", "--channel", "general") == Ended(0, "", "")
    assert "OOM_KILLED" in (await demo.act("read", "--channel", "general", "--as", "vic")).out
    assert await demo.act("shortcut", "build", "--as", "bob") == Ended(0, "", "")
    assert await demo.act("close", "--as", "bob") == Ended(0, "", "")
    unknown = await demo.act("shortcut", "fly")
    assert unknown.code == 2
    assert "it has build, explain" in unknown.err


async def test_a_gesture_loads_nothing_of_the_bot() -> None:
    """A script makes many of them, and each is a process of its own."""
    look = "import sys, bot.main.gesturing; sys.exit(bool({'kubernetes', 'psycopg', 'slack_bolt'} & set(sys.modules)))"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", look)
    assert await process.wait() == 0


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


async def test_a_simulated_cluster_is_not_called_real(demo: Demo) -> None:
    """Whatever is approved there ends with the demo."""
    assert (await demo.program.line()).startswith("The cluster's kubeconfig: ")


async def test_a_real_cluster_is_changed_and_that_is_said_at_the_start(tmp_path: Path) -> None:
    """In one line, and in the help; what needs nobody's approval is then carried out there."""
    environ, world = environment(tmp_path), load("healthy")
    async with ClusterServer(world.store, world, world) as cluster:
        cluster.write_kubeconfig(tmp_path / "kubeconfig")
        words = ("sandbox", "up", "--kubeconfig", str(tmp_path / "kubeconfig"))
        async with started(*words, environ=environ, folder=tmp_path) as program:
            assert "in front of the cluster of " in await program.line()
            assert (await program.line()).startswith("This cluster is real: a change that is approved here is carried")

            async def written() -> bool:
                await ragops("sandbox", "say", "/rag restart rag-engine-api", environ=environ, folder=tmp_path)
                found = world.store.get("deployments", "rag-engine", "rag-engine-api")
                return found is not None and MARKER in found["metadata"].get("annotations", {})

            await until(written, bool)  # the first ones are refused while the database is still being made
            assert await program.stop() == 0
    for program_words in (("demo",), ("sandbox", "up")):
        told = await ragops(*program_words, "--help", environ=environ, folder=tmp_path)
        assert "changes that are approved there are carried out in it" in " ".join(told.out.split())


async def test_without_a_sandbox_it_is_said_how_to_start_one(tmp_path: Path) -> None:
    """No trace, and the folder that was looked at."""
    ended = await ragops("sandbox", "read", environ=environment(tmp_path), folder=tmp_path)

    assert ended.code == 2
    assert ended.out == ""
    assert "No sandbox is running" in ended.err
    assert str(tmp_path / "ragops_data") in ended.err
    assert "ragops demo" in ended.err
