"""Statements of others, made fit to be shown: their shape stays, every literal goes. Pure, in linear time."""

from __future__ import annotations

import re

_REST = "…"
_LEXEME = re.compile(
    r"""
      (?P<dollar>\$(?P<tag>[A-Za-z_\x80-\U0010ffff][\w]{0,62})?\$)
    | (?P<comment>--[^\n]*|/\*)
    | (?P<escaped>(?<![\w$])[eE]'(?:[^'\\]|\\.|'')*(?:'|\Z|\\\Z))
    | (?P<string>'(?:[^']|'')*(?:'|\Z))
    | (?P<name>"(?:[^"]|"")*(?:"|\Z))
    | (?P<parameter>\$\d+)
    | (?P<word>[A-Za-z_\x80-\U0010ffff][\w$]*)
    | (?P<number>(?:\d|\.\d)(?:[eE][+-]?\d|[\w.])*)
    """,
    re.VERBOSE | re.DOTALL,
)


def masked(statement: str) -> str:
    """Return a statement with `?` for each literal, without comments.

    Where it cannot be told what is a literal (a backslash before a quote means two things), all of the rest goes. A
    statement may be cut off in the middle of a literal.
    """
    pieces: list[str] = []
    at = 0
    while found := _LEXEME.search(statement, at):
        pieces.append(statement[at : found.start()])
        kept, at = _kept(statement, found)
        pieces.append(kept)
        if at < 0:
            break
    else:
        pieces.append(statement[at:])
    return " ".join("".join(pieces).split())


def _kept(statement: str, found: re.Match[str]) -> tuple[str, int]:
    """Return what is shown of a lexeme and where to go on; a negative place for nowhere."""
    text, end = found[0], found.end()
    match found.lastgroup:
        case "dollar" | "tag":
            close = statement.find(text, end)
            return ("?", close + len(text)) if close >= 0 else (_REST, -1)
        case "comment" if text == "/*":
            close = statement.find("*/", end)
            is_nested = statement.find("/*", end, max(close, end)) >= 0
            return (_REST, -1) if close < 0 or is_nested else (" ", close + 2)
        case "comment":
            return " ", end
        case "string":
            return (_REST, -1) if "\\'" in text else ("?", end)
        case "escaped" | "number":
            return "?", end
        case _:
            return text, end
