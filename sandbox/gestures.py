"""What a person does in the workspace, as text in and text out: say, press, read. For the prompt and for scripts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from sandbox.slack.control import Outcome, Shown, ShownView, SlackControl

DIRECT = "@rag"
"""The channel that is the direct message with the bot."""


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


async def press(control: SlackControl, label: str, *, user: str, channel: str = "", message: str = "") -> str:
    """Press a button; return what the platform shows when it fails, else an empty string."""
    return _failure(await control.press(label, user=user, channel=channel or None, message=message or None))


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
    return _failure(opened) or _page(await control.home(user))


async def direct(control: SlackControl, text: str, *, user: str, thread: str = "") -> str:
    """Type something to the bot directly; return what the platform shows when it fails, else an empty string."""
    return await say(control, text, user=user, channel=DIRECT, thread=thread)


async def shortcut(control: SlackControl, name: str, *, user: str, channel: str = "ops", message: str = "") -> str:
    """Use a shortcut, on a message where one is named; return what the platform shows when it fails."""
    return _failure(await control.shortcut(name, user=user, channel=channel, message=message or None))


async def dialog(control: SlackControl, *, user: str) -> str:
    """Return the dialog that a person has open."""
    return _page(await control.view(user))


async def fill(control: SlackControl, values: Mapping[str, str], *, user: str) -> str:
    """Fill in fields of the open dialog, by label, and return it as it is then."""
    filled = await control.view_fill(values, user=user)
    await control.settle()
    return _failure(filled) or await dialog(control, user=user)


async def submit(control: SlackControl, values: Mapping[str, str], *, user: str) -> str:
    """Fill in the open dialog and send it; return what is wrong, else an empty string."""
    sent = await control.view_submit(values, user=user)
    return sent.seen or "\n".join(sent.errors.values())


def _page(shown: ShownView | None) -> str:
    return shown.text if shown is not None else "(nothing is there)"


def is_reply(message: Shown) -> bool:
    """Tell whether a message stands in a thread below another."""
    return bool(message.thread_ts) and message.thread_ts != message.ts


def threaded(shown: Sequence[Shown]) -> list[Shown]:
    """Put replies below the message they belong to; the rest stays in the order of time."""
    return sorted(shown, key=lambda message: (message.thread_ts or message.ts, message.ts))


def _failure(outcome: Outcome) -> str:
    return "" if outcome.ok else outcome.seen
