"""Two answers side by side: which paths must be equal, which of the same form, which may differ. Nothing goes unnamed.

A path is written `body.items[].metadata.name`; `*` stands for any one key, and a path stands for all that is below it
too, unless a longer one says otherwise. The empty path is the whole answer. A place that no list names is itself a
difference: that is how a field that appears on one side only is noticed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

Path = tuple[str, ...]

_FORMS = (
    ("version", re.compile(r"[1-9]\d*")),
    ("uid", re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")),
    ("time in seconds", re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")),
    ("time in microseconds", re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")),
    ("time in nanoseconds", re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7,9}Z")),
    ("nanocores", re.compile(r"0|\d+n")),
    ("kibibytes", re.compile(r"\d+Ki")),
    ("window", re.compile(r"\d+(\.\d+)?s")),
    ("age", re.compile(r"(\d+[smhdy]){1,2}|<unknown>")),
    ("address", re.compile(r"\d+\.\d+\.\d+\.\d+")),
    ("container", re.compile(r"containerd://[0-9a-f]{64}")),
    ("empty", re.compile(r"")),
)
_STEPS = re.compile(r'"[^"]+"|\[\]|[^.\[\]"]+')
_EQUAL, _ALIKE, _FREE = "equal", "alike", "free"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What to demand of which path. `free` paths may differ in value and may be absent on one side."""

    equal: tuple[str, ...] = ()
    alike: tuple[str, ...] = ()
    free: tuple[str, ...] = ()

    def __add__(self, other: Rules) -> Rules:
        return Rules(equal=self.equal + other.equal, alike=self.alike + other.alike, free=self.free + other.free)

    def under(self, prefix: str) -> Rules:
        """Return the same rules for a deeper place."""
        moved = {
            name: tuple(f"{prefix}.{path}".rstrip(".") for path in paths)
            for name, paths in ((_EQUAL, self.equal), (_ALIKE, self.alike), (_FREE, self.free))
        }
        return Rules(**moved)


def parse(path: str) -> Path:
    """Split a written path into its keys; `[]` is the step into a list. A key with dots stands in quotes."""
    return tuple(part.strip('"') for part in _STEPS.findall(path))


def form(value: object) -> str:
    """Name the form of a value: its type, and for text what it looks like."""
    if not isinstance(value, str):
        return type(value).__name__
    return next((name for name, pattern in _FORMS if pattern.fullmatch(value)), "text")


def differences(ours: object, theirs: object, rules: Rules) -> list[str]:
    """Return what differs between two answers, one line each, empty when they fit."""
    return list(_Comparison(rules).walk((), ours, theirs))


class _Comparison:
    def __init__(self, rules: Rules) -> None:
        lists = ((_EQUAL, rules.equal), (_ALIKE, rules.alike), (_FREE, rules.free))
        self._demands: dict[Path, str] = {}
        for demand, paths in lists:
            for path in map(parse, paths):
                if self._demands.setdefault(path, demand) != demand:
                    raise ValueError(f"two demands for {_written(path)}")

    def walk(self, path: Path, ours: Any, theirs: Any) -> Iterator[str]:
        demand = self._demand(path)
        if demand == _FREE and not self._has_below(path):
            return
        if isinstance(ours, dict) and isinstance(theirs, dict):
            for key in sorted(ours.keys() | theirs.keys()):
                yield from self._walk_key(key, (*path, key), ours, theirs)
        elif isinstance(ours, list) and isinstance(theirs, list):
            yield from self._walk_list(path, ours, theirs, demand)
        elif demand == _EQUAL:
            if ours != theirs or type(ours) is not type(theirs):
                yield f"{_written(path)}: {ours!r}, not {theirs!r}"
        elif demand == _ALIKE:
            if form(ours) != form(theirs):
                yield f"{_written(path)}: {form(ours)} {ours!r}, not {form(theirs)} {theirs!r}"
        elif demand is None:
            yield f"{_written(path)}: named by no list ({ours!r}, {theirs!r})"

    def _walk_key(self, key: str, path: Path, ours: dict[str, Any], theirs: dict[str, Any]) -> Iterator[str]:
        if key in ours and key in theirs:
            yield from self.walk(path, ours[key], theirs[key])
        elif self._demand(path) != _FREE:
            side, value = ("only ours", ours[key]) if key in ours else ("only theirs", theirs[key])
            yield f"{_written(path)}: {side}: {value!r}"

    def _walk_list(self, path: Path, ours: list[Any], theirs: list[Any], demand: str | None) -> Iterator[str]:
        if demand != _FREE and (len(ours) != len(theirs) if demand != _ALIKE else bool(ours) != bool(theirs)):
            yield f"{_written(path)}: {len(ours)} entries, not {len(theirs)}"
        for left, right in zip(ours, theirs, strict=False):
            yield from self.walk((*path, "[]"), left, right)

    def _demand(self, path: Path) -> str | None:
        """Return the demand of the longest listed path that this one lies at or below."""
        best = max((listed for listed in self._demands if _covers(listed, path)), key=_rank, default=None)
        return None if best is None else self._demands[best]

    def _has_below(self, path: Path) -> bool:
        return any(len(listed) > len(path) and _covers(listed[: len(path)], path) for listed in self._demands)


def _covers(listed: Path, path: Path) -> bool:
    """Tell whether a listed path is this one or stands above it."""
    return len(listed) <= len(path) and all(
        wanted in ("*", key) for wanted, key in zip(listed, path[: len(listed)], strict=True)
    )


def _rank(listed: Path) -> tuple[int, int]:
    return len(listed), -listed.count("*")


def _written(path: Iterable[str]) -> str:
    return ".".join(path).replace(".[]", "[]") or "(the whole)"
