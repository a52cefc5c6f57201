"""What a person does in the workspace, as text in and text out. For the prompt and for scripts.

The bot's own page and its dialog are gestures, too: a person opens the page, uses a shortcut, fills in and sends.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime

from sandbox.slack.control import ControlError, Outcome, Shown, ShownView, SlackControl

DIRECT = "@rag"
"""The channel that is the direct message with the bot."""
SHORTCUTS = {"build": "rag_build", "explain": "rag_explain"}
"""What people call the app's shortcuts, and the names that its manifest gives them."""
NOTHING = "(nothing is there)"
"""What stands for a dialog that is not open and a page that was never drawn."""
_OF_A_MESSAGE = frozenset({"rag_explain"})
_NO_MESSAGE = "home"


def show(message: Shown, *, indent: str = "") -> str:
    """Return a message as its reader sees it, with who wrote it, when, and to whom it is shown."""
    at = datetime.fromtimestamp(float(message.ts), UTC).strftime("%H:%M:%S")
    seen = " (only you see this)" if message.ephemeral else ""
    thread = " in a thread" if is_reply(message) else ""
    edited = " (edited)" if message.edits else ""
    head = f"[{at}] {message.author}{thread}{seen}{edited}  ts={message.ts}"
    return "\n".join(indent + row for row in [head, *message.text.splitlines()])


async def say(control: SlackControl, text: str, *, user: str, channel: str, thread: str = "") -> str:
    """Type something; return what the platform shows when it fails, else an empty string."""
    return _failure(await control.say(text, user=user, channel=channel, thread=thread or None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """A button that somebody is about to press: of a message, or (`at_home`) of the bot's page."""

    label: str
    user: str
    channel: str = ""
    message: str = ""
    at_home: bool = False

    @property
    def named(self) -> str | None:
        """Return the message that it stands in. None is called like the page, so that only the page is left there."""
        return (_NO_MESSAGE if self.at_home else self.message) or None


async def numbered(control: SlackControl, button: Button) -> Button:
    """Return the button that a number stands for: of the newest message with buttons, or of the page.

    Any other label stands for itself.
    """
    if not button.label.isdecimal():
        return button
    labels, message = await _newest_buttons(control, button)
    number = int(button.label)
    if button.label in labels:
        return button
    if not 1 <= number <= len(labels):
        raise ControlError(f"there is no button {number}; there are {', '.join(labels) or 'none'}")
    return replace(button, label=labels[number - 1], message=message)


async def _newest_buttons(control: SlackControl, button: Button) -> tuple[list[str], str]:
    if button.at_home:
        page = await control.home(button.user)
        return (page.buttons, "") if page is not None else ([], "")
    shown = await control.read(channel=button.channel or "ops", user=button.user, thread="all")
    newest = sorted(shown, key=lambda message: float(message.ts), reverse=True)
    fits = (one for one in newest if one.buttons and button.message in {"", one.ts})
    return next(((one.buttons, one.ts) for one in fits), ([], ""))


async def question(control: SlackControl, button: Button) -> tuple[str, Button]:
    """Return what the platform asks before a press counts (empty when it asks nothing), and the very button."""
    aimed = await control.aim(button.label, user=button.user, channel=button.channel or None, message=button.named)
    message = str(aimed.payload["container"].get("message_ts", ""))
    return aimed.asks, replace(button, message=message)


async def press(control: SlackControl, button: Button) -> str:
    """Press a button, saying yes to what is asked first; return what the platform shows when it fails."""
    return _failure(
        await control.press(button.label, user=button.user, channel=button.channel or None, message=button.named)
    )


async def read(control: SlackControl, *, user: str, channel: str, thread: str = "", as_json: bool = False) -> str:
    """Return what a person sees in a channel or a thread, oldest first."""
    shown = await control.read(channel=channel, user=user, thread=thread or "all")
    if as_json:
        return json.dumps([asdict(message) for message in shown], indent=2)
    return "\n\n".join(show(message, indent="    " if is_reply(message) else "") for message in threaded(shown))


async def open_home(control: SlackControl, *, user: str) -> str:
    """Open the bot's own page and return what is then on it; what the platform shows when it fails."""
    opened = await control.open_home(user)
    await control.settle()
    return _failure(opened) or await home(control, user=user)


async def home(control: SlackControl, *, user: str) -> str:
    """Return the bot's own page as the person sees it now."""
    return _page(await control.home(user))


async def direct(control: SlackControl, text: str, *, user: str, thread: str = "") -> str:
    """Type something to the bot directly; return what the platform shows when it fails, else an empty string."""
    return await say(control, text, user=user, channel=DIRECT, thread=thread)


async def shortcut(control: SlackControl, name: str, *, user: str, channel: str = "ops", message: str = "") -> str:
    """Use a shortcut; return what the platform shows when it fails.

    One that is for messages takes the newest message that the person sees in the channel, unless one is named.
    """
    known = SHORTCUTS.get(name, name)
    if known not in SHORTCUTS.values():
        raise ControlError(f"the app has no shortcut {name!r}; it has {', '.join(SHORTCUTS)}")
    if known in _OF_A_MESSAGE and not message:
        message = await _newest(control, user=user, channel=channel)
    return _failure(await control.shortcut(known, user=user, channel=channel, message=message or None))


async def _newest(control: SlackControl, *, user: str, channel: str) -> str:
    """Return the newest message that a shortcut can be used on: the platform offers none on what one person sees."""
    shown = [one for one in await control.read(channel=channel, user=user, thread="all") if not one.ephemeral]
    if not shown:
        raise ControlError(f"there is no message in #{channel} to use it on: what only {user} sees takes no shortcut")
    return max(shown, key=lambda message: float(message.ts)).ts


async def dialog(control: SlackControl, *, user: str) -> str:
    """Return the dialog that a person has open."""
    return _page(await control.view(user))


async def fill(control: SlackControl, values: Mapping[str, str], *, user: str) -> str:
    """Fill in fields of the open dialog, by label, and return it as it is then."""
    filled = await control.view_fill(await _labelled(control, values, user=user), user=user)
    await control.settle()
    return _failure(filled) or await dialog(control, user=user)


async def submit(control: SlackControl, values: Mapping[str, str], *, user: str) -> str:
    """Fill in the open dialog and send it; return what is wrong, a line for each field, else an empty string."""
    sent = await control.view_submit(await _labelled(control, values, user=user), user=user)
    labels = {block: label for label, block in await _fields(control, user=user)} if sent.errors else {}
    return "\n".join(f"{labels.get(block, block)}: {error}" for block, error in sent.errors.items()) or _failure(sent)


def filled(words: Sequence[str]) -> dict[str, str]:
    """Read `LABEL=VALUE` words. Raises `ControlError` for a word without a label."""
    pairs = [word.partition("=") for word in words]
    wrong = next((word for word, (label, sign, _) in zip(words, pairs, strict=True) if not label or not sign), None)
    if wrong is not None:
        raise ControlError(f"{wrong!r} fills no field: write LABEL=VALUE, in quotes where there are spaces")
    return {label: value for label, _, value in pairs}


async def close(control: SlackControl, *, user: str) -> str:
    """Close the open dialog without sending it; return what the platform shows when it fails."""
    return _failure(await control.view_close(user=user))


async def _fields(control: SlackControl, *, user: str) -> list[tuple[str, str]]:
    """Return the label and the block of every field in the open dialog."""
    view = await control.view(user)
    blocks = view.raw.get("blocks", []) if view is not None else []
    return [(str(block["label"]["text"]), str(block["block_id"])) for block in blocks if block["type"] == "input"]


async def _labelled(control: SlackControl, values: Mapping[str, str], *, user: str) -> dict[str, str]:
    """Replace the start of a label, in capitals or not, by the block of the one field whose label begins so."""
    fields = await _fields(control, user=user)
    named: dict[str, str] = {}
    for label, value in values.items():
        exact = [block for name, block in fields if name == label]
        begun = [block for name, block in fields if name.casefold().startswith(label.casefold())]
        named[next((found[0] for found in (exact, begun) if len(found) == 1), label)] = value
    return named


def _page(shown: ShownView | None) -> str:
    return shown.text if shown is not None else NOTHING


def is_reply(message: Shown) -> bool:
    """Tell whether a message stands in a thread below another."""
    return bool(message.thread_ts) and message.thread_ts != message.ts


def threaded(shown: Sequence[Shown]) -> list[Shown]:
    """Put replies below the message they belong to; the rest stays in the order of time."""
    return sorted(shown, key=lambda message: (message.thread_ts or message.ts, message.ts))


def _failure(outcome: Outcome) -> str:
    return "" if outcome.ok else outcome.seen
