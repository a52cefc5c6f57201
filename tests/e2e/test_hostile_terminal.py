"""Hostile words at the terminal: nothing that reaches it can steer it, and no secret is printed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.cluster.scenarios import load
from sandbox.cluster.server import ClusterServer
from tests.support import hostile
from tests.support.hostile_cluster import crash, say_everywhere
from tests.support.outages import squeezed
from tests.support.processes import Ended, environment, ragops

LINES = 6
WORDS = [*hostile.DISGUISES, *(words for words, _ in hostile.SECRETS)]


@pytest.fixture
async def kubeconfig(tmp_path: Path) -> AsyncIterator[Path]:
    """The way to a cluster that says hostile words wherever it can."""
    world = load("healthy")
    logs = {f"noisy-{at // LINES}": WORDS[at : at + LINES] for at in range(0, len(WORDS), LINES)}
    crash(world, logs)
    say_everywhere(world, "noisy-0", "\x1b[2J\x9b31m\u202e " + "\n".join(WORDS), restarts=1000)
    async with ClusterServer(world.store, world, world) as cluster:
        cluster.write_kubeconfig(tmp_path / "kubeconfig")
        yield tmp_path / "kubeconfig"


async def status(kubeconfig: Path, *words: str) -> Ended:
    """Run `ragops status` as a person at a terminal would."""
    environ = environment(kubeconfig.parent, KUBECONFIG=str(kubeconfig))
    return await ragops("status", *words, environ=environ, folder=kubeconfig.parent)


@pytest.mark.parametrize("words", [(), ("noisy-0",), ("noisy-2", "-o", "json")], ids=["all", "one", "json"])
async def test_nothing_printed_steers_the_terminal_or_gives_a_secret_away(
    kubeconfig: Path, words: tuple[str, ...]
) -> None:
    """No control character, no direction mark, no planted secret; the answer itself is there."""
    ended = await status(kubeconfig, *words)

    assert ended.code == 1
    assert ended.err == ""
    assert hostile.controls_in(ended.out) == []
    assert hostile.secrets_in(ended.out) == []
    assert "noisy-" in ended.out


async def test_json_holds_the_words_cleaned(kubeconfig: Path) -> None:
    """What programs read is as clean as what people read."""
    ended = await status(kubeconfig, "noisy-0", "-o", "json")

    answer = json.loads(ended.out)
    said = squeezed(
        "\n".join(line for finding in answer["findings"] for e in finding["evidence"] for line in e["lines"])
    )
    assert [words for words in WORDS[:LINES] if hostile.as_seen(words) not in said] == []
    assert hostile.controls_in(said) == []


async def test_a_hostile_argument_is_told_cleaned(kubeconfig: Path) -> None:
    """What was typed, or pasted, is repeated without what could steer the terminal."""
    ended = await status(kubeconfig, "\x1b]0;title\x07\u202enoisy")

    assert ended.code == 2
    assert "There is no workload" in ended.out
    assert hostile.controls_in(ended.out + ended.err) == []
