"""What tests look at in an answer: its text as a terminal shows it, its buttons, its data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.cli.terminal import Terminal
from bot.domain.snapshot import LogExcerpt, LogKey, LogRead, Snapshot
from bot.domain.view import Buttons, Table, View
from tests.support.service import asked, stage


async def answer(shown: Snapshot, text: str, *, logs: Mapping[LogKey, LogExcerpt | LogRead] | None = None) -> View:
    """Ask a command of a service that sees one snapshot."""
    return await stage(shown, logs).service().ask(asked(text))


def rows(view: View) -> list[str]:
    """Return the answer as a terminal shows it, without blank lines and the space around each."""
    return [row.strip() for row in Terminal(width=120).text(view).splitlines() if row.strip()]


def table(view: View) -> tuple[tuple[str, ...], ...]:
    """Return the rows of an answer's tables, without their headers."""
    return tuple(row for block in view.blocks if isinstance(block, Table) for row in block.rows)


def buttons(view: View) -> dict[str, str]:
    """Return what each button runs."""
    return {one.label: one.command for block in view.blocks if isinstance(block, Buttons) for one in block.buttons}


def data(view: View) -> Any:
    """Return what programs are given."""
    return view.data
