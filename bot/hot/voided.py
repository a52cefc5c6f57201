"""Which values must not be read any more although they may still lie in Redis."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count, islice
from typing import Final

MOST_REMEMBERED: Final = 10_000


class Voided:
    """Keeps the book of one process: what it owes Redis to remove, and which of its own writes no longer count.

    Values are sealed as `WRITER NUMBER`, a line end and the value: a write that was on its way when its key was
    forgotten may arrive later, and is known by its number.
    """

    def __init__(self, writer: str) -> None:
        self.changes = 0
        """Grows with each voiding; a read that began before one is not to be trusted."""
        self._writer = writer
        self._numbers = count(1)
        self._owed: dict[str, int] = {}
        self._least: dict[str, int] = {}
        self._least_of_all = 0

    def sealed(self, value: bytes) -> tuple[int, bytes]:
        """Return a number for a write and the value as it is to be written."""
        number = next(self._numbers)
        return number, f"{self._writer} {number}\n".encode() + value

    def opened(self, key: str, sealed: bytes) -> bytes | None:
        """Return the value; None when it is void or was not sealed by one of us."""
        seal, end, value = sealed.partition(b"\n")
        writer, _, number = seal.partition(b" ")
        if not end or not writer or not number.isdigit() or key in self._owed:
            return None
        mine = writer == self._writer.encode()
        return None if mine and int(number) < self._least.get(key, self._least_of_all) else value

    def written(self, key: str, number: int) -> None:
        """Note that a write arrived: earlier ones of this process do not count, whenever they arrive."""
        self._set_least(key, max(number, self._least.get(key, self._least_of_all)))

    def owe(self, key: str) -> None:
        """Note that whatever is there under `key` has to go."""
        self.changes += 1
        self._owed[key] = self.changes
        self._set_least(key, next(self._numbers))

    def owed(self, most: int) -> Mapping[str, int]:
        """Return what is owed, at most so many, to be handed back when it was paid."""
        return dict(islice(self._owed.items(), most))

    def paid(self, debts: Mapping[str, int]) -> None:
        """Note that these were removed; what was forgotten again meanwhile stays owed."""
        for key, change in debts.items():
            if self._owed.get(key) == change:
                del self._owed[key]

    def _set_least(self, key: str, number: int) -> None:
        self._least.pop(key, None)
        self._least[key] = number
        if len(self._least) > MOST_REMEMBERED:
            # All of this process's earlier writes are void then: the most careful thing that is still known.
            oldest = next(iter(self._least))
            self._least_of_all = max(self._least_of_all, self._least.pop(oldest))
