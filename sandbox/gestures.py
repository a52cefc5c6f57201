"""What a person does in the workspace, as text in and text out: say, press, read. For the prompt and for scripts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from sandbox.slack.control import Outcome, Shown, SlackControl


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


def is_reply(message: Shown) -> bool:
    """Tell whether a message stands in a thread below another."""
    return bool(message.thread_ts) and message.thread_ts != message.ts


def threaded(shown: Sequence[Shown]) -> list[Shown]:
    """Put replies below the message they belong to; the rest stays in the order of time."""
    return sorted(shown, key=lambda message: (message.thread_ts or message.ts, message.ts))


def _failure(outcome: Outcome) -> str:
    return "" if outcome.ok else outcome.seen
