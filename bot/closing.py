"""What every answer ends with: what comes next, where it looked and how fresh, what could not be read, the buttons."""

from __future__ import annotations

from collections.abc import Iterable

from bot.diagnosis import ago, why_unread
from bot.domain.actions import Setting
from bot.domain.findings import NextStep, StepKind
from bot.domain.snapshot import Freshness, Part, Snapshot
from bot.domain.view import Button, Buttons, Line, code, line


def step_line(step: NextStep, setting: Setting) -> Line:
    """Return a next step: a command of ours, complete for where this answer looks, or what is done by hand."""
    ours = step.kind is StepKind.COMMAND
    text = setting.typed(step.text) if ours else step.text
    return line("Next: " if ours else "By hand: ", code(text), f" ({step.reason})" if step.reason else "")


def seen_by(setting: Setting, *, after: str = " · ") -> str:
    """Return the words that tell a person that nobody else sees this, `after` what stands before; empty if all do."""
    return f"{after}only you see this" if setting.private else ""


def freshness_line(snapshot: Snapshot, setting: Setting) -> Line:
    """Return where an answer comes from, how old it is, and who sees it."""
    age = snapshot.age.total_seconds()
    freshness = f"{age:.0f} s old" if age < 90 else f"last seen {ago(snapshot.as_of, snapshot.observed_at)}"
    return line(f"{snapshot.scope} · {freshness}{seen_by(setting)}")


def unread_lines(snapshot: Snapshot, parts: Iterable[Part]) -> list[Line]:
    """Return a line for each part that an answer needs and that is missing or old."""
    lines = []
    for part in sorted(parts):
        status = snapshot.status(part)
        why = why_unread(status, snapshot.observed_at)
        if status.freshness is Freshness.MISSING:
            lines.append(line(f"Not checked: {part.value} ({why})"))
        elif status.freshness is Freshness.STALE:
            lines.append(line(f"Not up to date: {part.value} ({why})"))
    return lines


def closing_buttons(setting: Setting, *more: Button) -> Buttons:
    """Return the buttons at an answer's end: again, more of it, and for everybody if only one person sees it."""
    share = (Button("Share", f"share {setting.command}"),) if setting.private else ()
    return Buttons((Button("Refresh", setting.command, replaces=True), *more, *share))
