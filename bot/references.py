"""Reference ids: four characters that a person can read out and an operator can find in the log."""

from __future__ import annotations

import random

# Without the characters that are mistaken for each other: 0 O, 1 I L, U V.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTWXYZ"


class References:
    """Makes reference ids. They are for finding, not for secrecy; a rare repeat does no harm."""

    def __init__(self, source: random.Random) -> None:
        self._source = source

    def new(self) -> str:
        """Return a new id such as `7KQ2`."""
        return "".join(self._source.choice(ALPHABET) for _ in range(4))
