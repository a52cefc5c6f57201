"""The pages on watching say what the code does: every rule of alerts, and the exact words to type."""

from __future__ import annotations

import re
from pathlib import Path

from bot.configuration.watch import BOUNDS
from bot.watching.rule import all_rules

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "watch.md").read_text(encoding="utf-8")
TABLE = PAGE[PAGE.index("| name | severity | told when |") :].split("\n\n", 1)[0]


def test_every_rule_is_told_and_no_other() -> None:
    """With the severity that it says of itself."""
    rows = re.findall(r"^\| (`[^|]+`) \| ([^|]+) \|", TABLE, re.MULTILINE)
    told = {name: severity for names, severity in rows for name in re.findall(r"`([a-z-]+)`", names)}

    assert {rule.name for rule in all_rules()} == set(told)
    for rule in all_rules():
        assert told[rule.name].split(";")[0].split(",")[0].strip() == rule.severity.split(",")[0]


def test_the_thresholds_that_a_rule_names_are_keys() -> None:
    """Whoever wants another figure finds the key in the row."""
    named = {word for word in re.findall(r"`([a-z]+_[a-z_]+)`", TABLE) if not word.startswith("health_")}

    assert named <= set(BOUNDS)
    assert {"restarts_minutes", "down_s", "disk_percent", "backup_hours"} <= named
