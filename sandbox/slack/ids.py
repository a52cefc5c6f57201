"""Identifiers as Slack shapes them, the same for the same seed."""

from __future__ import annotations

import re
import string
from random import Random

_ALPHABET = string.ascii_uppercase + string.digits
_NAMED_BODY = 7
_NAMED_LONGEST = 9


def named_id(prefix: str, name: str) -> str:
    """Return a readable id of a valid shape, such as ``U0000ANN0`` for ann."""
    letters = re.sub(r"[^A-Z0-9]", "", name.upper())[:_NAMED_LONGEST]
    return f"{prefix}{letters.rjust(_NAMED_BODY, '0')}0"


class Ids:
    """Mint ids, secrets and message timestamps; never the same one twice."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._last_stamp = 0

    def mint(self, prefix: str) -> str:
        """Return a fresh id such as ``V1AB2CD3EF4``."""
        return prefix + "".join(self._random.choices(_ALPHABET, k=10))

    def secret(self, length: int = 24) -> str:
        """Return letters and digits that nobody can have guessed from the outside of the sandbox."""
        return "".join(self._random.choices(string.ascii_letters + string.digits, k=length))

    def block(self) -> str:
        """Return a block id as Slack fills it in where the app left it out."""
        return self.secret(5)

    def trigger(self) -> str:
        """Return a trigger id of the form ``132456.7890123.abcdef``."""
        first, second = self._random.randrange(10**12, 10**13), self._random.randrange(10**9, 10**10)
        return f"{first}.{second}.{self._random.getrandbits(128):032x}"

    def choose(self, count: int) -> int:
        """Return one index below count."""
        return self._random.randrange(count)

    def stamp(self, now: float) -> str:
        """Return the next message timestamp: unique, rising, close to now (epoch seconds)."""
        self._last_stamp = max(self._last_stamp + 1, int(now * 1_000_000))
        return f"{self._last_stamp // 1_000_000}.{self._last_stamp % 1_000_000:06d}"
