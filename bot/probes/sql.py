"""Loads `postgresql.sql`: each statement by its name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import resources
from types import MappingProxyType

_NAME = re.compile(r"^-- name: (?P<name>[a-z_]+)$", re.MULTILINE)


def parse(text: str) -> Mapping[str, bytes]:
    """Split a file into its named statements, without their comments."""
    _, *sections = _NAME.split(text)
    bodies = ("\n".join(line for line in body.splitlines() if not line.startswith("--")) for body in sections[1::2])
    return MappingProxyType({name: body.strip().encode() for name, body in zip(sections[0::2], bodies, strict=True)})


QUERIES = parse((resources.files("bot.probes") / "postgresql.sql").read_text(encoding="utf-8"))
