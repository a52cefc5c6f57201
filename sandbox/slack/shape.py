"""How a piece of Block Kit JSON is looked at: a sheet of problems, each with the JSON pointer Slack would name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sandbox.slack.limits import TEXT, measure

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing Slack refuses, and where."""

    message: str
    pointer: str
    code: str = "invalid_blocks"

    def __str__(self) -> str:
        return f"[ERROR] {self.message} [json-pointer:{self.pointer}]"


@dataclass(slots=True)
class Sheet:
    """Collect the problems of one message or view, and what has to be unique or summed over all of it."""

    problems: list[Problem] = field(default_factory=list)
    block_ids: set[str] = field(default_factory=set)
    markdown_length: int = 0
    tables: int = 0
    text_length: int = 0

    def add(self, message: str, pointer: str, code: str = "invalid_blocks") -> None:
        """Write one problem down."""
        self.problems.append(Problem(message, pointer, code))

    def is_object(self, value: object, pointer: str) -> bool:
        """Say whether value is a JSON object; a problem otherwise."""
        if isinstance(value, Mapping):
            return True
        self.add("must be an object", pointer)
        return False

    def keys(self, found: Mapping[str, Any], pointer: str, *, required: Sequence[str], optional: Sequence[str]) -> None:
        """Refuse missing and unknown keys."""
        for key in required:
            if key not in found:
                self.add(f"missing required field: {key}", pointer)
        for key in found:
            if key not in required and key not in optional:
                self.add(f"invalid additional property: {key}", pointer)

    def string(self, found: Mapping[str, Any], key: str, pointer: str, longest: int, *, least: int = 1) -> None:
        """Check a plain string field where it is given; texts of people are counted as Slack counts them."""
        if key not in found:
            return
        value = found[key]
        where = f"{pointer}/{key}"
        if not isinstance(value, str):
            self.add("must be a string", where)
            return
        self._length(value, len(value), where, longest, least)

    def count(self, value: object, pointer: str, *, least: int, most: int) -> Sequence[Any]:
        """Return the items of a list whose length is within bounds, or nothing and a problem."""
        if not isinstance(value, list):
            self.add("must be an array", pointer)
            return ()
        if len(value) < least:
            self.add(f"no fewer than {least} items are required", pointer)
        if len(value) > most:
            self.add(f"no more than {most} items allowed", pointer)
        return value

    def choice(self, found: Mapping[str, Any], key: str, pointer: str, allowed: Sequence[object]) -> None:
        """Check a field of a closed set where it is given."""
        if key in found and found[key] not in allowed:
            self.add(f"must be one of {', '.join(map(str, allowed))}", f"{pointer}/{key}")

    def text(self, value: object, pointer: str, longest: int = TEXT, *, plain_only: bool = False) -> None:
        """Check a text object."""
        if not isinstance(value, Mapping):
            self.add("must be a text object", pointer)
            return
        kind = value.get("type")
        if kind not in ("plain_text", "mrkdwn") or (plain_only and kind != "plain_text"):
            wanted = "a plain_text object" if plain_only else "a plain_text or mrkdwn object"
            self.add(f"must provide {wanted}", f"{pointer}/type")
            return
        own = ("emoji",) if kind == "plain_text" else ("verbatim",)
        self.keys(value, pointer, required=("type", "text"), optional=own)
        self.leaf(value.get("text"), f"{pointer}/text", longest, plain=kind == "plain_text")

    def leaf(self, value: object, pointer: str, longest: int, *, plain: bool = True) -> None:
        """Check a string that people read, and count it into the whole."""
        if not isinstance(value, str):
            self.add("must be a string", pointer)
            return
        length = measure(value, plain=plain)
        self.text_length += length
        self._length(value, length, pointer, longest, 1)

    def _length(self, value: str, length: int, pointer: str, longest: int, least: int) -> None:
        if length < least:
            self.add(f"must be more than {least - 1} characters", pointer)
        if length > longest:
            self.add(f"must be less than {longest + 1} characters", pointer)
        if any("\ud800" <= character <= "\udfff" for character in value):
            self.add("must be valid Unicode", pointer)
