"""What `ragops check` found: one result for each thing that was looked at, as words and as JSON. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.domain.text import count, first_line
from bot.errors import Fault
from bot.redaction import redact

LONGEST = 400


class Mark(StrEnum):
    """How a thing was found."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One thing: where it is configured (`ragops.toml:12`, a variable), what was tried, what was found, what to do."""

    mark: Mark
    where: str = ""
    tried: str = ""
    found: str
    todo: str = ""

    def __str__(self) -> str:
        said = ": ".join(part for part in (self.where, self.tried, self.found) if part)
        todo = f" {self.todo}" if self.todo else ""
        end = "" if not todo or said.endswith((".", "?", "!")) else "."
        return f"{self.mark:<8} {said}{end}{todo}"


def ok(tried: str, found: str, *, where: str = "") -> Result:
    """Return what is well."""
    return _result(Mark.OK, where, tried, found, "")


def warning(tried: str, found: str, todo: str = "", *, where: str = "") -> Result:
    """Return what works, but perhaps not as somebody expects."""
    return _result(Mark.WARNING, where, tried, found, todo)


def fault(tried: str, found: str, todo: str = "", *, where: str = "") -> Result:
    """Return what does not work."""
    return _result(Mark.FAULT, where, tried, found, todo)


def of_faults(faults: Iterable[Fault]) -> list[Result]:
    """Return what a reader complained of."""
    return [fault("", each.what, where=each.where) for each in faults]


def _result(mark: Mark, where: str, tried: str, found: str, todo: str) -> Result:
    """Make a result; much of it is in the words of others, so each part is one redacted line."""
    tried, found, todo = (redact(first_line(part, limit=LONGEST)) for part in (tried, found, todo))
    return Result(mark=mark, where=where, tried=tried, found=found, todo=todo)


def exit_code(results: Sequence[Result]) -> int:
    """Return 2 when there is any fault; warnings alone are 0."""
    return 2 if any(result.mark is Mark.FAULT for result in results) else 0


def as_text(results: Sequence[Result], *, offline: bool) -> str:
    """Return a line for each result and a last one that counts them; the worst stand next to it, where people look."""
    counts = Counter(result.mark for result in results)
    looked = "Nothing was reached out to" if offline else "Nothing was changed"
    summary = f"{count(counts[Mark.FAULT], 'fault')}, {count(counts[Mark.WARNING], 'warning')}, {counts[Mark.OK]} ok."
    told = sorted(results, key=lambda result: list(Mark).index(result.mark))
    return "\n".join([*map(str, told), f"{summary} {looked}."])


def as_json(results: Sequence[Result]) -> str:
    """Return one object for programs."""
    counts = Counter(result.mark for result in results)
    told = [
        {"result": each.mark, "where": each.where, "tried": each.tried, "found": each.found, "do": each.todo}
        for each in results
    ]
    summary = {"ok": exit_code(results) == 0, "faults": counts[Mark.FAULT], "warnings": counts[Mark.WARNING]}
    return json.dumps({**summary, "results": told}, indent=2)
