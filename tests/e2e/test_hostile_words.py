"""Hostile words from people: whatever somebody types, the answer pings nobody, links nowhere and comes at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support import hostile
from tests.support.databases import contents
from tests.support.sandboxed import NO_LIMIT, Stage, Staging, sandboxed

SEATS = (("ann", "ops"), ("bob", "general"), ("vic", "incidents"))
TYPED = (*hostile.WORDS, *hostile.LARGE, *hostile.EMPTY, "\ud800", "\x00")


async def at_once(stage: Stage, lines: Sequence[str]) -> None:
    """Let three people type the lines, each a part of them, and look at every answer."""

    async def work(number: int) -> None:
        user, channel = SEATS[number]
        for line in lines[number :: len(SEATS)]:
            answer = await stage.answer(line, user=user, channel=channel)
            assert answer.links == [], line
            assert answer.pings in ([], [f"@{user}"]), line
            assert hostile.controls_in(answer.text) == [], line
            assert len(answer.text) < 13_000, line

    await asyncio.gather(*(work(number) for number in range(len(SEATS))))


async def test_a_secret_that_is_pasted_into_a_command_stays_nowhere(tmp_path: Path, store_url: str) -> None:
    """It is masked before it is kept: the audit keeps for good, and an answer may be seen by others."""
    async with sandboxed(tmp_path, store_url, Staging(settings=NO_LIMIT)) as stage:
        for start in ("/rag status ", "/rag share status ", "@rag status "):
            for words, _ in hostile.SECRETS:
                hostile.assert_harmless(await stage.answer(start + words))
        assert hostile.secrets_in("\n".join(stage.journal.lines)) == []
    stored = await asyncio.to_thread(contents, store_url)
    assert "share" in stored
    assert hostile.secrets_in(stored) == []


@pytest.mark.parametrize("start", ["/rag ", "/rag status ", "/rag share ", "@rag "], ids=repr)
async def test_whatever_is_typed_is_answered_harmlessly(tmp_path: Path, store_url: str, start: str) -> None:
    """As a verb, as an argument, as a command to share, by mention: the platform takes every answer's blocks."""
    async with sandboxed(tmp_path, store_url, Staging(settings=NO_LIMIT)) as stage:
        await stage.control.set_rates(enabled=False)

        await at_once(stage, [start + words for words in TYPED])

        assert stage.journal.events("blocks_refused") == []
        assert stage.journal.events("request_broken") == []
        assert stage.journal.events("worker_failed") == []
        assert (await stage.control.state())["unacked"] == 0
