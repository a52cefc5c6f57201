"""SQL in files of its own: each statement stands below a line with its name. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
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
