"""Loads `queries.sql` and those beside it: each statement by its name, whichever of them it stands in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import resources
from types import MappingProxyType

_NAME = re.compile(r"^-- name: (?P<name>[a-z_]+)$", re.MULTILINE)


def parse(text: str) -> Mapping[str, bytes]:
    """Split a file into its named statements, without their comments. Raises ValueError on a name given twice."""
    _, *sections = _NAME.split(text)
    names, bodies = sections[0::2], sections[1::2]
    repeated = {name for name in names if names.count(name) > 1}
    if repeated:
        raise ValueError(f"statements named twice: {', '.join(sorted(repeated))}")
    return MappingProxyType({name: _without_comments(body).encode() for name, body in zip(names, bodies, strict=True)})


def _without_comments(body: str) -> str:
    return "\n".join(line for line in body.splitlines() if not line.startswith("--")).strip()


def _shipped() -> str:
    folder = resources.files("bot.store")
    names = ("queries.sql", "queries_operations.sql", "queries_watch.sql")
    return "\n".join((folder / name).read_text(encoding="utf-8") for name in names)


QUERIES = parse(_shipped())
