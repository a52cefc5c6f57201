"""`/rag status` from the person's keyboard to the cluster and back."""

from __future__ import annotations

import psycopg

from tests.support.sandboxed import Stage


async def test_status_names_the_bad_release_with_its_last_words(stage: Stage) -> None:
    """The answer names the cause, the revision that works, and quotes the crashed container's log."""
    answer = await stage.answer("/rag status")

    assert answer.ephemeral
    assert "rag-engine is degraded: 2 problems, 9 of 11 workloads fine" in answer.text
    assert "Revision 8 (v1.2) ends with exit code 1" in answer.text
    assert "DATABASE_URL is not set" in answer.text
    assert "Revision 7 (v1.1) has 3 of 3 pods ready" in answer.text
    assert "out of memory" in answer.text
    assert answer.buttons[-2:] == ["Refresh", "Share"]
    assert answer.buttons.count("Details") == 2


async def test_refresh_replaces_the_private_answer(stage: Stage) -> None:
    """Pressing Refresh edits the answer in place instead of adding another."""
    first = await stage.answer("/rag status")

    assert (await stage.control.press("Refresh", user="ann")).ok
    await stage.control.settle()
    shown = [m for m in await stage.control.read(channel="ops", user="ann") if m.author == "rag"]

    assert [m.ts for m in shown] == [first.ts]
    assert shown[0].edits == 1


async def test_share_posts_for_everybody_and_is_audited(stage: Stage, store_url: str) -> None:
    """A shared answer is seen by all, names who shared it, and leaves an audit row."""
    await stage.answer("/rag status api")

    assert (await stage.control.press("Share", user="ann")).ok
    await stage.control.settle()
    public = await stage.public()

    assert len(public) == 1
    assert "api is degraded" in public[0].text
    assert "@ann" in public[0].text
    assert public[0].pings == ["@ann"]
    async with await psycopg.AsyncConnection.connect(store_url) as connection:
        rows = await (await connection.execute("SELECT action, result FROM audit")).fetchall()
    assert rows == [("share", "done")]


async def test_a_mention_in_a_thread_is_answered_there_for_all(stage: Stage) -> None:
    """Slash commands do not work in threads; a mention does, and everybody sees the answer."""
    said = await stage.control.say("@rag status api", user="bob", channel="ops")
    await stage.control.settle()
    public = await stage.public()

    assert [message.thread_ts for message in public] == [said.ts]
    assert "api is degraded" in public[0].text


async def test_a_redelivered_mention_is_answered_once(stage: Stage) -> None:
    """Slack delivers events at least once; people see one answer."""
    said = await stage.control.say("@rag status", user="ann", channel="ops")
    await stage.control.settle()

    await stage.control.redeliver(said.event)
    await stage.control.settle()

    assert len(await stage.public()) == 1


async def test_a_guest_is_refused_and_nothing_is_looked_at(stage: Stage) -> None:
    """Being in the channel is no permission."""
    answer = await stage.answer("/rag status", user="eve")

    assert "guests of the workspace may not use this bot" in answer.text
    assert "DATABASE_URL" not in answer.text


async def test_a_mistyped_command_gets_the_nearest_one(stage: Stage) -> None:
    """A misunderstanding costs one more try, not a look into a manual."""
    answer = await stage.answer("/rag statsu", user="vic")

    assert 'There is no command "statsu"' in answer.text
    assert "status" in answer.text.replace("statsu", "")
