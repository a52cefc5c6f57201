"""`ragops sandbox say | press | read | …`: a person's gesture in the sandbox that another process runs.

It loads nothing of the bot: a script makes many of them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from aiohttp import ClientConnectionError

from bot.cli.arguments import Sandbox
from bot.errors import BotError, UsageError
from bot.settings import Settings
from sandbox import gestures
from sandbox.slack.control import ControlError, SlackControl

STATE_FILE = "sandbox.json"


class SandboxMissing(BotError):
    """No sandbox runs here."""

    advice = "Start one with `ragops sandbox up` or `ragops demo`, with the same RAGOPS_DATA."


def state_of(path: Path) -> dict[str, Any]:
    """Return where the sandbox that runs can be reached; nothing if none says so."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


async def gesture(command: Sandbox, settings: Settings) -> int:
    """Act as a person in the sandbox that runs, and print what they see; 1 when the platform shows an error."""
    state = state_of(settings.data_folder / STATE_FILE)
    if not state:
        raise SandboxMissing(f"No sandbox is running (looked for {settings.data_folder / STATE_FILE}).")
    try:
        async with SlackControl(str(state["control_url"])) as control:
            return await _act(command, control)
    except ControlError as error:
        raise UsageError(str(error)) from error
    except ClientConnectionError as error:
        raise SandboxMissing("The sandbox does not answer; it may have been killed.") from error


async def _act(command: Sandbox, control: SlackControl) -> int:
    """Carry a gesture out; looks are printed, what the platform shows when something fails is told apart."""
    looked = await _look(command, control)
    if looked is not None:
        print(looked)
        return 0
    failed = await _do(command, control)
    await control.settle()
    if failed:
        print(failed, file=sys.stderr)
    return 1 if failed else 0


async def _look(command: Sandbox, control: SlackControl) -> str | None:
    """Return what a gesture that looks shows; None when it does something."""
    user = command.user
    match command.gesture:
        case "read":
            as_json = command.output == "json"
            return await gestures.read(
                control, user=user, channel=command.channel, thread=command.thread, as_json=as_json
            )
        case "home":
            return await gestures.open_home(control, user=user)
        case "dialog":
            return await gestures.dialog(control, user=user)
        case "fill":
            return await gestures.fill(control, gestures.filled(command.values), user=user)
        case _:
            return None


async def _do(command: Sandbox, control: SlackControl) -> str:
    """Do something as a person; return what the platform shows when it fails."""
    user, channel, message = command.user, command.channel, command.message
    match command.gesture:
        case "say":
            return await gestures.say(control, command.text, user=user, channel=channel, thread=command.thread)
        case "dm":
            return await gestures.direct(control, command.text, user=user, thread=command.thread)
        case "shortcut":
            return await gestures.shortcut(control, command.text, user=user, channel=channel, message=message)
        case "submit":
            return await gestures.submit(control, gestures.filled(command.values), user=user)
        case "close":
            return await gestures.close(control, user=user)
        case _:
            button = gestures.Button(
                label=command.text, user=user, channel=channel, message=message, at_home=command.at_home
            )
            return await gestures.press(control, await gestures.numbered(control, button))
