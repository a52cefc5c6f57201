"""Hostile words in what a cluster says: shown literally or cleaned, whoever reads them; secrets are shown nowhere."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path

from sandbox.cluster.server import ClusterServer
from sandbox.cluster.world.world import World
from sandbox.slack.control import Shown
from sandbox.slack.world import Workspace
from tests.support import hostile
from tests.support.databases import contents
from tests.support.hostile_cluster import crash, say_everywhere
from tests.support.outages import NO_DATABASE, squeezed
from tests.support.sandboxed import NO_LIMIT, Stage, Staging, sandboxed
from tests.support.waiting import until

A_LOG = 7  # one answer shows ten lines, and some of these are more than one
CHUNKS = {f"noisy-{at // A_LOG}": hostile.WORDS[at : at + A_LOG] for at in range(0, len(hostile.WORDS), A_LOG)}
MEGABYTES = "<!channel> " + "m" * 5_000_000  # several times what a cluster would keep
ALL = "\n".join(hostile.WORDS)


def staging(logs: Mapping[str, tuple[str, ...]], *, stored: bool = False) -> Staging:
    """Return a healthy cluster with noisy workloads beside."""

    def arrange(cluster: ClusterServer, world: World, workspace: Workspace) -> None:
        del cluster, workspace
        crash(world, logs)

    return Staging(scenario="healthy", settings=NO_LIMIT, waits_for_store=stored, arrange=arrange)


async def told(stage: Stage, words: str, number: int, *, app: str = "noisy-0") -> list[Shown]:
    """Let the cluster say something, and return all parts of the answer that knows of it."""
    say_everywhere(stage.world, app, words, restarts=number)

    async def ask() -> list[Shown]:
        return await stage.answers(f"/rag status {app}", quiet_s=0.02)

    return await until(ask, lambda shown: f"{number} restarts" in shown[0].text)


async def test_hostile_log_lines_are_shown_literally_or_cleaned(tmp_path: Path) -> None:
    """Every line of the corpus is there, pings nobody, links nowhere, and no block is refused."""
    async with sandboxed(tmp_path, NO_DATABASE, staging(CHUNKS)) as stage:
        for app, lines in CHUNKS.items():
            parts = await stage.answers(f"/rag status {app}")

            for part in parts:
                hostile.assert_harmless(part)
            assert parts[-1].buttons == ["Logs", "Refresh", "Share"]
            text = squeezed("\n".join(part.text for part in parts))
            missing = [line for line in lines if hostile.as_seen(line) not in text]
            assert missing == [], text
        overview = await stage.answer("/rag status")
        hostile.assert_harmless(overview)
        assert stage.journal.events("blocks_refused") == []


async def test_hostile_messages_change_neither_blocks_nor_buttons(tmp_path: Path) -> None:
    """States, conditions, events, labels and annotations hold the corpus, one after the other, and all is well."""
    async with sandboxed(tmp_path, NO_DATABASE, staging({"noisy-0": ("plain",)})) as stage:
        (plain,) = await told(stage, "plain words", 1000)

        for number, words in enumerate(hostile.WORDS, 1001):
            (answer,) = await told(stage, words, number)

            hostile.assert_harmless(answer)
            assert hostile.shape(answer) == hostile.shape(plain), words
            assert hostile.as_seen(words) in squeezed(answer.text)
        assert stage.journal.events("blocks_refused") == []


async def test_messages_of_any_size_are_answered_within_seconds(tmp_path: Path) -> None:
    """Nothing is too long or too empty to be told of; the strict platform takes the blocks."""
    sizes = {f"noisy-{number}": words for number, words in enumerate((*hostile.LARGE, *hostile.EMPTY, MEGABYTES, ALL))}
    logs = {app: (words[:40_000], "the end") for app, words in sizes.items()}
    async with sandboxed(tmp_path, NO_DATABASE, staging(logs)) as stage:
        for app, words in sizes.items():
            began = time.monotonic()
            parts = await told(stage, words, 1000, app=app)

            assert time.monotonic() - began < 30
            assert f"{app} is " in parts[0].text
            assert len(parts) <= 3
            for part in parts:
                hostile.assert_harmless(part)
                assert len(part.text) < 13_000
        assert stage.journal.events("blocks_refused") == []


async def test_a_log_of_40_000_lines_is_answered_with_its_end(tmp_path: Path) -> None:
    """The newest lines are what matters."""
    lines = tuple(f"<!channel> line {number}" for number in range(40_000))
    async with sandboxed(tmp_path, NO_DATABASE, staging({"noisy-0": lines})) as stage:
        answer = await stage.answer("/rag status noisy-0")

        assert "<!channel> line 39999" in answer.text
        hostile.assert_harmless(answer)


async def test_planted_secrets_are_seen_nowhere(tmp_path: Path, store_url: str) -> None:
    """Neither in messages, private or shared, nor in files, nor in the bot's log, nor in its database."""
    secrets = [words for words, _ in hostile.SECRETS]
    logs = {f"noisy-{number}": (words,) for number, words in enumerate(secrets)}
    async with sandboxed(tmp_path, store_url, staging(logs, stored=True)) as stage:
        await stage.control.set_rates(enabled=False)
        for number, words in enumerate(secrets):
            for part in [*await told(stage, words, 1000 + number), *await stage.answers(f"/rag status noisy-{number}")]:
                hostile.assert_harmless(part)
        for number in range(len(secrets)):
            assert (await stage.control.say(f"/rag share status noisy-{number}", user="ann", channel="ops")).ok
        await told(stage, "\n".join(secrets), 2000)
        assert (await stage.control.say("/rag share status noisy-0", user="ann", channel="ops")).ok
        for message in await stage.posted(len(secrets) + 1):
            hostile.assert_harmless(message, pings=("@ann",))

        everything = [str(message.raw) for message in await stage.seen(user="ann")]
        everything += [(file.body or b"").decode(errors="replace") for file in stage.slack.workspace.files.values()]
        assert hostile.secrets_in("\n".join([*everything, *stage.journal.lines])) == []
    assert hostile.secrets_in(await asyncio.to_thread(contents, store_url)) == []
