"""The whole bot by its other ways in: its page, its dialog, direct messages and the shortcut of a message."""

from __future__ import annotations

from sandbox import gestures
from sandbox.slack.control import ShownView
from tests.support.sandboxed import Stage
from tests.support.waiting import until

VERB = "What do you want to do?"


async def shown(stage: Stage, *, user: str = "ann", words: str, home: bool = False) -> str:
    """Return the page or the dialog of a person once it has these words."""

    async def look() -> str:
        view: ShownView | None = await (stage.control.home(user) if home else stage.control.view(user))
        return view.text if view is not None else ""

    return await until(look, lambda text: words in text, every_s=0.02)


async def test_the_page_says_what_is_wrong_and_leads_on(stage: Stage) -> None:
    """From the page to a status and back, all in one place."""
    assert "rag-engine" in await gestures.open_home(stage.control, user="vic")
    await stage.control.press("Status", user="vic")
    assert "api: new release crashes" in await shown(stage, user="vic", words="[Back]", home=True)
    await stage.control.press("Back", user="vic")
    assert "Hello @vic" in await shown(stage, user="vic", words="Hello", home=True)
    assert await stage.seen(user="vic") == []


async def test_a_dialog_builds_a_command_for_others_to_see(stage: Stage) -> None:
    """Chosen, filled in, sent, kept, carried out and posted."""
    await gestures.shortcut(stage.control, "rag_build", user="ann")
    await shown(stage, words=VERB)
    await gestures.fill(stage.control, {VERB: "share"}, user="ann")
    await shown(stage, words="Answer in")
    assert await gestures.submit(stage.control, {"command": "status api", "Answer in": "#incidents"}, user="ann") == ""
    [posted] = await stage.posted(1, channel="incidents")
    assert "api is degraded" in posted.text
    assert "Shared by" in posted.text
    assert posted.pings == ["@ann"]


async def test_a_direct_message_is_answered_there(stage: Stage) -> None:
    """Lastingly: it is posted through the outbox."""
    answer = await stage.answer("status api", user="bob", channel=gestures.DIRECT)
    assert "api: new release crashes" in answer.text
    assert not answer.ephemeral


async def test_an_error_is_explained_where_it_was_told(stage: Stage) -> None:
    """To whoever asks, alone."""
    said = await stage.control.say("the pod says CrashLoopBackOff", user="bob", channel="general")

    async def ask() -> None:
        await gestures.shortcut(stage.control, "rag_explain", user="vic", channel="general", message=said.ts or "")

    answer = await stage.after(ask, user="vic", channel="general")
    assert answer.text.startswith("CRASH_LOOP")
    assert answer.ephemeral


async def test_a_change_of_a_role_group_counts_at_once_and_is_on_record(stage: Stage) -> None:
    """The audit tells who let somebody in."""
    assert "You can't use" in (await stage.answer("/rag audit", user="vic", channel="general")).text
    await stage.control.set_group("rag-oncall", ["ann", "vic"], by="bob")
    audit = (await stage.answer("/rag audit", user="vic", channel="general")).text
    assert "group changed" in audit
    await stage.journal.heard("group_changed")
