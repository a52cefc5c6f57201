"""When the database is away or hangs: reading works, what must be kept is refused, and no restart is needed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.clocks import ShiftedClock
from tests.support.databases import Database, database
from tests.support.sandboxed import NO_LIMIT, Stage, Staging, sandboxed
from tests.support.waiting import until


@pytest.fixture
async def own_database(tmp_path: Path) -> AsyncIterator[Database]:
    """A server of the test's own."""
    async with database(tmp_path / "postgres") as served:
        yield served


async def still_reads(stage: Stage) -> None:
    """Assert that reading and helping need no database."""
    assert "rag-engine is degraded: 2 problems" in (await stage.answer("/rag status")).text
    assert "@ann" in (await stage.answer("/rag whoami")).text


async def refuses_to_share(stage: Stage) -> None:
    """Assert that a share is refused in words, to its person alone."""
    await stage.answer("/rag status")
    refusal = await stage.press("Share")
    assert refusal.ephemeral
    sure = "The request was not accepted" in refusal.text and "Nothing was changed." in refusal.text
    in_doubt = "The database did not answer" in refusal.text and "It may have been written down" in refusal.text
    assert sure or in_doubt, refusal.text
    assert "Looking at clusters still works." in refusal.text
    assert await stage.public() == []


async def answers_a_mention_privately(stage: Stage) -> None:
    """Assert that whoever asks by mention is answered, though nobody else can be shown the answer."""
    await stage.control.say("@rag status api", user="bob", channel="ops")

    async def look() -> str:
        return "\n".join(message.text for message in await stage.seen(user="bob"))

    await until(look, lambda text: "api is degraded" in text)
    assert await stage.public() == []


async def shares_again(stage: Stage) -> None:
    """Assert that sharing works, soon and without a restart, and that nothing refused before was kept after all."""

    async def share() -> int:
        await stage.answer("/rag share status worker", channel="general")
        return len(await stage.public(channel="general"))

    await until(share, bool)
    posted = await stage.posted(1, channel="general")
    assert {message.text.splitlines()[0] for message in posted} == {"✖ worker is down: 1 problem"}
    assert await stage.public(channel="ops") == []


async def test_a_database_that_is_down_from_the_start(tmp_path: Path, own_database: Database) -> None:
    """The bot starts without it, and uses it once it is there."""
    await own_database.stop()
    staging = Staging(clock=ShiftedClock(), settings=NO_LIMIT, waits_for_store=False)
    async with sandboxed(tmp_path, own_database.url, staging) as stage:
        await still_reads(stage)
        await refuses_to_share(stage)
        await answers_a_mention_privately(stage)

        await own_database.start()

        await shares_again(stage)


async def test_a_database_that_goes_down_later(tmp_path: Path, own_database: Database) -> None:
    """Its end is survived, and its return noticed."""
    async with sandboxed(tmp_path, own_database.url, Staging(clock=ShiftedClock(), settings=NO_LIMIT)) as stage:
        await own_database.stop()

        await still_reads(stage)
        await refuses_to_share(stage)
        away = (await stage.answer("/rag audit")).text
        assert "My database does not answer." in away
        assert ":5432" not in away  # where it is, is for the log
        await answers_a_mention_privately(stage)

        await own_database.start()

        await shares_again(stage)


async def test_a_database_that_hangs(tmp_path: Path, own_database: Database) -> None:
    """A server that takes connections and says nothing does not hold up the acknowledgement."""
    async with sandboxed(tmp_path, own_database.url, Staging(clock=ShiftedClock(), settings=NO_LIMIT)) as stage:
        own_database.freeze()

        await still_reads(stage)
        await refuses_to_share(stage)
        await answers_a_mention_privately(stage)
        acks_ms = (await stage.control.state())["acks_ms"]
        assert max(acks_ms) < 3000

        own_database.thaw()

        await shares_again(stage)
