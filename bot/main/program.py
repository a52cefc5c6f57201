"""From the command line to an exit code."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import assert_never

import handlers
from bot import answers
from bot.cli.arguments import (
    PROGRAMS,
    Asked,
    AuditVerify,
    Check,
    Command,
    Demo,
    Init,
    Migrate,
    Run,
    Sandbox,
    Verb,
    read,
)
from bot.domain.actions import Change, Need, Query
from bot.domain.people import Permission
from bot.errors import BotError, SettingsError, StoreUnavailable
from bot.references import References
from bot.registry import discover
from bot.settings import Settings

FAILED = 2
_AT_A_TERMINAL = frozenset({Permission.ANYONE, Permission.READ})
INTERRUPTED = 130


def run(words: Sequence[str] | None = None) -> int:
    """Carry out a command line and return the exit code: 0 well, 1 findings, 2 could not, 130 interrupted."""
    asked = read(sys.argv[1:] if words is None else words)
    if asked.command is None:
        return _print_words(asked)
    try:
        return asyncio.run(_alone(asked.command))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has had enough; the interpreter must not complain about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except SettingsError as error:
        print(answers.settings_fault(error), file=sys.stderr)
        return FAILED
    except BotError as error:
        told = " ".join(part for part in (error.unchanged, _advice(error)) if part)
        print(f"{error.message}\n{told}".rstrip(), file=sys.stderr)
        return FAILED
    except Exception:
        # The last boundary of the terminal: a script must not read a bug of ours as "there are findings" (1).
        reference = References(random.Random()).new()
        logging.getLogger(__name__).exception("a command failed", extra={"reference": reference})
        print(
            f"Something in ragops itself went wrong; the log above tells where. Reference {reference}", file=sys.stderr
        )
        return FAILED


def _advice(error: BotError) -> str:
    """Return what to do next; what a chat may still do without a database helps nobody here."""
    if isinstance(error, StoreUnavailable) and error.advice == StoreUnavailable.advice:
        return "Check DATABASE_URL, and that the database answers."
    return error.advice


async def _alone(command: Command) -> int:
    """Carry a command out; what fails in a group of tasks is told as the one failure it is."""
    try:
        return await _carry_out(command)
    except BaseExceptionGroup as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        if isinstance(error, BotError):
            raise error from group
        raise


async def _carry_out(command: Command) -> int:
    if isinstance(command, Check):
        # It tells the faults of the environment itself, beside those of the file.
        from bot.main.checking import check  # noqa: PLC0415  # start-up cost

        return await check(command, os.environ)
    settings = Settings.from_env(os.environ)
    # Imported here: each brings an adapter's weight, and a terminal command needs only one of them.
    match command:
        case Verb():
            from bot.main.terminal import answer  # noqa: PLC0415  # start-up cost

            return await answer(command, settings)
        case Run():
            from bot.main.serve import serve  # noqa: PLC0415  # start-up cost

            return await serve(command, settings)
        case Init():
            from bot.main.initializing import initialize  # noqa: PLC0415  # start-up cost

            return await initialize(command, settings)
        case Migrate():
            from bot.main.migrating import migrate  # noqa: PLC0415  # start-up cost

            return await migrate(command, settings)
        case Demo():
            from bot.main.demo import demo  # noqa: PLC0415  # start-up cost

            return await demo(command, settings)
        case Sandbox():
            from bot.main.gesturing import gesture  # noqa: PLC0415  # start-up cost

            return await gesture(command, settings)
        case AuditVerify():
            from bot.main.audit import verify  # noqa: PLC0415  # start-up cost

            return await verify(command, settings)
        case _:
            assert_never(command)


def _print_words(asked: Asked) -> int:
    if asked.version:
        print(version("ragops"))
        return 0
    registry = discover(handlers)
    print("Usage: ragops COMMAND …\n\nReading commands (the same as in chat):")
    for action in registry.all():
        # What is about a person of the workspace, or is a program's name here, has no use at a terminal.
        of_a_person = action.permission not in _AT_A_TERMINAL or Need.PLACES in action.needs
        if isinstance(action, Query) and not of_a_person and action.name not in PROGRAMS:
            print(f"  {action.name:<12} {action.summary}")
    print("\nChanging commands (the plan is shown; --apply asks for it in the bot's channel):")
    for action in registry.all():
        if isinstance(action, Change):
            print(f"  {action.name:<12} {action.summary}")
    print(
        "  `ragops help COMMAND` explains one. They take -n NAMESPACE, --cluster NAME, --kubeconfig FILE,\n"
        "  --context NAME, --output text|json.\n\nPrograms:"
    )
    for name, meaning in PROGRAMS.items():
        print(f"  {name:<12} {meaning}")
    print("\nExit codes: 0 healthy, 1 findings, 2 could not look, or the change is refused.")
    return 0
