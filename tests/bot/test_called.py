from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bot.main.called import called


@pytest.mark.parametrize(
    ("typed", "found", "told"),
    [
        (".venv/bin/ragops", False, ".venv/bin/ragops"),
        (".venv/bin/ragops", True, "ragops"),
        ("/usr/lib/python3/runpy.py", False, "ragops"),
    ],
    ids=["from a checkout", "on the path", "by another program"],
)
def test_what_people_are_told_to_type_works_where_they_are(
    typed: str, found: bool, told: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Just after `make demo` the shell does not find `ragops` by its name alone."""
    program = tmp_path / "ragops"
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    program.chmod(0o755 if found else 0o644)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "argv", [typed, "demo"])
    assert called() == told
