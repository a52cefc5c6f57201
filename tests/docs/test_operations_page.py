"""The operator's table of events is the code's own list."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
EVENT = re.compile(r"""["']event["']:\s*["'](\w+)["']""")
ROW = re.compile(r"^\| `(?P<name>\w+)` \| (?P<level>info|warning|error) \|", re.MULTILINE)
# What is said at another level now and then, as its row tells.
TWO_LEVELS = {"unhandled": "warning", "sample_failed": "error"}


def test_every_event_that_is_logged_is_explained() -> None:
    """Whoever meets an event in the log finds it in the table, and the table has no row more."""
    logged = {name for file in (ROOT / "bot").rglob("*.py") for name in EVENT.findall(file.read_text(encoding="utf-8"))}

    assert logged
    assert sorted(row["name"] for row in ROW.finditer(PAGE)) == sorted(logged)


def said() -> Iterator[tuple[str, str]]:
    """Return each event whose name stands in the call that logs it, and the call's level."""
    for file in (ROOT / "bot").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            extra = next((each.value for each in node.keywords if each.arg == "extra"), None)
            names = EVENT.findall(ast.unparse(extra)) if extra is not None else []
            level = {"exception": "error"}.get(node.func.attr, node.func.attr)
            if names and level in {"info", "warning", "error"}:
                yield names[0], level


def test_the_level_of_each_event_is_that_of_the_code() -> None:
    """An alert on a level means what the page says."""
    levels = {row["name"]: row["level"] for row in ROW.finditer(PAGE)}
    found = set(said())

    assert len(found) > 30
    assert [(name, level) for name, level in found if level not in {levels[name], TWO_LEVELS.get(name)}] == []
