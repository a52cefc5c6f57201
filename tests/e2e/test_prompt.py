"""The demo's prompt before the whole bot: what a person types, and what they then see."""

from __future__ import annotations

from bot.domain.requests import Place, Post
from bot.domain.view import Button, Buttons, Confirm, Headline, View
from bot.main.clock import SystemClock
from bot.slack.outbound.client import make_client
from bot.slack.outbound.notifier import SlackNotifier
from sandbox.prompt import HELP, WORDS, Prompt
from tests.support.sandboxed import Stage
from tests.support.waiting import until


async def act(prompt: Prompt, line: str) -> str:
    return "\n".join(await prompt.act(line))


async def test_the_page_is_opened_and_its_buttons_are_pressed(stage: Stage) -> None:
    """In place, until another channel is gone to."""
    prompt = Prompt(stage.control)
    assert "rag-engine is degraded" in await act(prompt, "home")
    assert prompt.seat.prompt == "ann at Home> "
    told = await act(prompt, "press Who am I")
    told += await until(lambda: act(prompt, "read"), lambda text: "You may: look" in text)
    assert "rag-engine is degraded" not in await act(prompt, "read")
    assert await act(prompt, "in ops") == "(nothing new in #ops)"
    assert prompt.seat.prompt == "ann in #ops> "


async def test_a_direct_message_is_written_and_answered(stage: Stage) -> None:
    """The person then sits there, and presses what is there."""
    prompt = Prompt(stage.control)
    told = await act(prompt, "dm whoami")
    told += await until(lambda: act(prompt, "read"), lambda text: "You may: look" in text)
    assert "[Refresh]" in told
    assert prompt.seat.prompt == "ann in @rag> "
    await act(prompt, "as bob")
    assert await act(prompt, "read") == "(nothing new in @rag)"


async def test_a_dialog_is_filled_in_and_sent(stage: Stage) -> None:
    """Labels may be cut short; what is typed is shown; what is wrong is told by its label."""
    prompt = Prompt(stage.control)
    await act(prompt, "shortcut build")
    await until(lambda: act(prompt, "dialog"), lambda text: "What do you want to do?" in text)
    await act(prompt, "fill what=share")
    await until(lambda: act(prompt, "dialog"), lambda text: "Answer in" in text)
    assert "command: [status api]" in await act(prompt, "fill 'command=status api'")
    assert await act(prompt, "submit") == "Answer in: Please complete this required field."
    assert "named" in await act(prompt, "submit answer=#incidents")
    assert await act(prompt, "dialog") == "(nothing is there)"
    shown = await until(lambda: act(prompt, "in incidents"), lambda text: "Shared by" in text)
    assert "api is degraded" in shown


async def test_a_dialog_is_left(stage: Stage) -> None:
    """Nothing is sent."""
    prompt = Prompt(stage.control)
    await act(prompt, "shortcut build")
    assert await act(prompt, "close") == ""
    assert await act(prompt, "dialog") == "(nothing is there)"
    assert await act(prompt, "close") == "ann has no modal open"


async def test_the_newest_message_is_explained(stage: Stage) -> None:
    """Unless another is named; what only the person sees takes no shortcut."""
    prompt = Prompt(stage.control)
    await act(prompt, "in general")
    await act(prompt, "as bob")
    await act(prompt, "it says OOMKilled")
    told = await act(prompt, "/rag whoami")
    await until(lambda: act(prompt, "read"), lambda text: "You may: look" in told + text)
    told = await act(prompt, "shortcut explain")
    told += await until(lambda: act(prompt, "read"), lambda text: "OOM_KILLED" in text)
    assert "OOM_KILLED" in told


VERDICT = "rag-engine is degraded"
CARD = View(
    "Roll back api?",
    (
        Headline("Roll back api?"),
        Buttons(
            (
                Button("Approve", "approve 4fzq", confirm=Confirm("Approve?", "v1.2 → v1.1", "Approve")),
                Button("Deny…", "deny 4fzq", asks="Why?"),
            )
        ),
    ),
)


async def shown(stage: Stage) -> None:
    """Show a card in #general."""
    workspace = stage.slack.workspace
    client = make_client(workspace.bot_token, stage.slack.base_url)
    notifier = SlackNotifier(client, clock=SystemClock(), nonce=lambda: "n")
    await notifier.post(Post(Place(workspace.place("general").id), CARD), tag="t")


async def pressed(stage: Stage, user: str) -> bool:
    """Tell whether somebody was answered privately in #general."""
    return any(message.ephemeral for message in await stage.seen(user=user, channel="general"))


async def test_somebody_else_presses_by_number(stage: Stage) -> None:
    """What the platform asks first is answered by that person; then it is ann's turn again."""
    prompt = Prompt(stage.control)
    await shown(stage)
    await act(prompt, "in general")
    told = await act(prompt, "as bob press 1")
    assert told.splitlines() == [
        "(as bob)", "== Approve? ==", "v1.2 → v1.1", "[Approve] [Back]", "(`yes` goes on; anything else leaves it)"
    ]  # fmt: skip
    assert prompt.seat.user == "ann"
    assert not await pressed(stage, "bob")
    await act(prompt, "yes")
    await until(lambda: pressed(stage, "bob"), bool)
    assert not await pressed(stage, "ann")


async def test_what_is_not_said_yes_to_is_left(stage: Stage) -> None:
    """The next line is a line like any other."""
    prompt = Prompt(stage.control)
    await shown(stage)
    await act(prompt, "in general")
    assert "== Approve? ==" in await act(prompt, "press Approve")
    assert await act(prompt, "read") != ""
    await act(prompt, "yes")
    assert [message.text for message in await stage.control.read(channel="general")][-1] == "yes"
    assert not await pressed(stage, "ann")


async def test_what_all_see_is_told_once(stage: Stage) -> None:
    """Not to each of those who sit at the keyboard."""
    prompt = Prompt(stage.control)
    await act(prompt, "in general")
    told = await act(prompt, "as bob @rag status")
    if VERDICT not in told:
        told += await until(lambda: act(prompt, "in general"), lambda text: VERDICT in text)
    assert (told + await act(prompt, "in general")).count(VERDICT) == 1


async def test_somebody_else_is_asked_why(stage: Stage) -> None:
    """In a dialog that is theirs."""
    prompt = Prompt(stage.control)
    await shown(stage)
    await act(prompt, "in general")
    await act(prompt, "as lea press 2")
    await until(lambda: act(prompt, "as lea dialog"), lambda text: "Why?" in text)
    assert await act(prompt, "dialog") == "(nothing is there)"
    await act(prompt, "as lea submit 'why=wait for it'")
    await until(lambda: pressed(stage, "lea"), bool)


async def test_slips_are_told_with_what_there_is(stage: Stage) -> None:
    """And change nothing."""
    prompt = Prompt(stage.control)
    assert "it has build, explain" in await act(prompt, "shortcut fly")
    assert "write LABEL=VALUE" in await act(prompt, "fill status")
    assert await act(prompt, "fill 'a=b") == "No closing quotation"
    assert await act(prompt, "fill a=b") == "ann has no modal open"
    assert "sees nothing to press" in await act(prompt, "press Explode")
    assert "there is no user 'zoe'" in await act(prompt, "as zoe")
    assert "there is no user 'zoe'" in await act(prompt, "as zoe press 1")
    assert await act(prompt, "press 1") == "there is no button 1; there are none"
    assert "vic is not in #leads" in await act(prompt, "in leads") + await act(prompt, "as vic press 1")
    assert prompt.seat.user == "ann"


async def test_help_names_every_gesture(stage: Stage) -> None:
    """Those that can be completed are in it."""
    assert await act(Prompt(stage.control), "help") == HELP
    for word in set(WORDS) - {"help"}:
        assert word.split()[0] in HELP
