"""What the program said in its log while a test ran, in the very form that is written to standard error."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bot.main.logs import JsonFormatter
from tests.support.waiting import until


class Journal(logging.Handler):
    """Keeps every line of the log."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.setFormatter(JsonFormatter())
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the lines that carry this event."""
        read = [json.loads(line) for line in self.lines]
        return [fields for fields in read if fields.get("event") == name]

    async def heard(self, name: str, *, within_s: float = 60.0) -> None:
        """Wait until a line carries this event."""

        async def look() -> list[dict[str, Any]]:
            return self.events(name)

        await until(look, bool, within_s=within_s, every_s=0.01)

    def above(self, level: int) -> list[str]:
        """Return the lines of a higher level."""
        names = {name.lower(): number for name, number in logging.getLevelNamesMapping().items()}
        return [line for line in self.lines if names[json.loads(line)["level"]] > level]


@contextmanager
def journal() -> Iterator[Journal]:
    """Listen to everything from the level of information on."""
    root, kept = logging.getLogger(), Journal()
    before = root.level
    root.addHandler(kept)
    root.setLevel(logging.INFO)
    try:
        yield kept
    finally:
        root.removeHandler(kept)
        root.setLevel(before)
