"""Loads `queries.sql` and those beside it: each statement by its name, whichever of them it stands in."""

from __future__ import annotations

from importlib import resources

from bot.named_statements import parse

__all__ = ["QUERIES", "parse"]


def _shipped() -> str:
    folder = resources.files("bot.store")
    names = ("queries.sql", "queries_operations.sql", "queries_watch.sql")
    return "\n".join((folder / name).read_text(encoding="utf-8") for name in names)


QUERIES = parse(_shipped())
