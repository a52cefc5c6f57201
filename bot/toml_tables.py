"""Reading a TOML table key by key, by hand: typed values come out, every fault is collected with its file and line.

A fault never stops the reading: a value that cannot be used counts as left out, so that one run tells everything.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from bot.domain.text import first_line
from bot.errors import Fault
from bot.redaction import redact
from bot.toml_lines import KeyPath, line_of

Check = Callable[[str], str]
"""Judges one text: empty when it is good, else what is wrong with it."""


def did_you_mean(word: str, known: Collection[str]) -> str:
    """Return a hint at the nearest known word, or nothing."""
    near = get_close_matches(word, list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def a_list(words: Collection[str]) -> str:
    """Return words as a reader lists them."""
    return ", ".join(sorted(words)) or "none"


class Faults:
    """The faults of one file, in the order of its lines."""

    def __init__(self, source: str, lines: Mapping[KeyPath, int]) -> None:
        self._source = source
        self._lines = lines
        self._found: list[tuple[int, str]] = []

    def add(self, path: KeyPath, what: str) -> None:
        """Note a fault at a path, or at what is nearest above it."""
        # A secret that was put in the wrong place must not travel on in the fault that tells of it.
        self._found.append((line_of(self._lines, path), redact(first_line(what, limit=300))))

    def sorted(self) -> list[Fault]:
        return [Fault(f"{self._source}:{line}", what) for line, what in sorted(self._found, key=lambda found: found[0])]


class Table:
    """One table of the file. Reading a key makes it known; `close` reports the keys that nobody read."""

    def __init__(self, values: Mapping[str, Any], path: KeyPath, faults: Faults) -> None:
        self._values = values
        self._path = path
        self._faults = faults
        self._known: list[str] = []

    def has(self, key: str) -> bool:
        return key in self._values

    def fault(self, what: str, *within: str | int) -> None:
        """Note a fault at a key of this table, or at the table itself."""
        self._faults.add((*self._path, *within), what)

    def text(self, key: str, check: Check, *, required: bool = False) -> str:
        """Return a checked text; empty when it is left out or wrong."""
        value = self._get(key, str, "a text in quotes")
        if value is None:
            if required and key not in self._values:
                self.fault(f"{key} is missing", key)
            return ""
        wrong = check(value)
        if wrong:
            self.fault(f"{key}: {wrong}", key)
        return "" if wrong else str(value)

    def texts(self, key: str, check: Check, *, required: bool = False) -> tuple[str, ...]:
        """Return checked texts without the wrong ones; one that stands twice is a fault."""
        values: list[str] = []
        listed = self._get(key, list, 'a list such as ["…"]')
        if required and not listed and (listed is not None or key not in self._values):
            self.fault(f"{key}: list at least one" if key in self._values else f"{key} is missing", key)
        for index, value in enumerate(listed or ()):
            wrong = check(value) if isinstance(value, str) else f"expected a text in quotes, got {_told(value)}"
            if not wrong and value in values:
                wrong = f"{value!r} stands here twice"
            if wrong:
                self.fault(f"{key}: {wrong}", key, index)
            else:
                values.append(value)
        return tuple(values)

    def flag(self, key: str) -> bool:
        return bool(self._get(key, bool, "true or false"))

    def number(self, key: str, default: float, *, low: float, high: float, whole: bool = False) -> float:
        """Return a number between the bounds (both allowed), the default when it is left out or wrong."""
        value = self._get(key, int if whole else (int, float), "a whole number" if whole else "a number")
        if value is None:
            return default
        if not low <= value <= high:
            self.fault(f"{key}: expected {low} to {high}, got {value}", key)
            return default
        return int(value) if whole else float(value)

    def table(self, key: str) -> Table:
        """Return a table of this one; an empty one when it is left out."""
        return Table(self.values(key), (*self._path, key), self._faults)

    def values(self, key: str) -> Mapping[str, Any]:
        """Return what stands in a table of this one, for a reader that does not know its keys."""
        return self._get(key, dict, "a table") or {}

    def tables(self) -> Iterator[tuple[str, Table]]:
        """Return each of the tables that this one consists of, by name."""
        for key in self._values:
            if self._get(key, dict, f"a table such as [{'.'.join(map(str, self._path))}.{key}]") is not None:
                yield key, self.table(key)

    def rows(self, key: str) -> Iterator[Table]:
        """Return each table of an array such as `[[grants]]`."""
        for index, row in enumerate(self._get(key, list, f"tables such as [[{key}]]") or ()):
            if isinstance(row, dict):
                yield Table(row, (*self._path, key, index), self._faults)
            else:
                self.fault(f"{key}: expected a table such as [[{key}]], got {_told(row)}", key, index)

    def names(self) -> tuple[str, ...]:
        """Return the keys that stand in the file."""
        return tuple(self._values)

    def expect(self, keys: Collection[str]) -> None:
        """Make keys known without reading them."""
        self._known.extend(keys)

    def close(self) -> None:
        """Report every key that nobody asked for."""
        for key in self._values:
            if key not in self._known:
                hint = did_you_mean(key, self._known) or f"; known are {a_list(self._known)}"
                self.fault(f"unknown key {key!r}{hint}", key)

    def _get(self, key: str, kind: type | tuple[type, ...], expected: str) -> Any:
        self._known.append(key)
        value = self._values.get(key)
        # In Python a bool is an int; in a configuration it is not.
        if value is None or (isinstance(value, kind) and (kind is bool or not isinstance(value, bool))):
            return value
        self.fault(f"{key}: expected {expected}, got {_told(value)}", key)
        return None


def _told(value: object) -> str:
    """Describe a value of a wrong type, short."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return f"the text {value[:40]!r}"
        case int() | float():
            return f"the number {value}"
        case list():
            return "a list"
        case dict():
            return "a table"
        case _:
            return "a date or time"
