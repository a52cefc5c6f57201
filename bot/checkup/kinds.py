"""What a section is: its name, its place, the reading it waits for, and how it is made of what was read."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from bot.checkup import sections
from bot.checkup.seen import Seen
from bot.domain.watch.checkups import Section


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionKind:
    """One part of a check. `look` is pure; it returns None where the part is not part of this check.

    `order` is its place in the answer. `reading` names what it waits for, which is the time it took.
    """

    order: int
    reading: str
    look: Callable[[Seen], Section | None]


@cache
def section_kinds() -> tuple[SectionKind, ...]:
    """Return every kind of section (`SECTION` of a module in `sections`), in their order."""
    names = [info.name for info in pkgutil.iter_modules(sections.__path__)]
    modules = [importlib.import_module(f"{sections.__name__}.{name}") for name in names]
    kinds: list[SectionKind] = [module.SECTION for module in modules]
    return tuple(sorted(kinds, key=lambda kind: kind.order))
