"""The operator's table of events is the code's own list."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
EVENT = re.compile(r"""["']event["']:\s*["'](\w+)["']""")
ROW = re.compile(r"^\| `(\w+)` \| (?:info|warning|error) \|", re.MULTILINE)


def test_every_event_that_is_logged_is_explained() -> None:
    """Whoever meets an event in the log finds it in the table, and the table has no row more."""
    logged = {name for file in (ROOT / "bot").rglob("*.py") for name in EVENT.findall(file.read_text(encoding="utf-8"))}

    assert logged
    assert sorted(ROW.findall(PAGE)) == sorted(logged)
