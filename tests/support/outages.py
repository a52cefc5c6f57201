"""Words of the tests about outages."""

from __future__ import annotations

NO_DATABASE = "postgresql://nobody@127.0.0.1:1/nothing"
"""The address of a database that is not there: what must be kept is refused, reading works."""


def squeezed(text: str) -> str:
    """Return a text with every run of spaces and line ends as one space, to look for words across lines."""
    return " ".join(text.split())
