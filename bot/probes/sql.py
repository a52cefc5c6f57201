"""Loads `postgresql.sql`: each statement by its name."""

from __future__ import annotations

from importlib import resources

from bot.named_statements import parse

QUERIES = parse((resources.files("bot.probes") / "postgresql.sql").read_text(encoding="utf-8"))
