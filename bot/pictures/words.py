"""Texts of a picture: cleaned, in one line, cut to the room there is, and drawn as they are, whatever they say."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.ft2font import LoadFlags

from bot.redaction import clean

ELLIPSIS: Final = "…"
DOTS_PER_INCH: Final = 100
FAMILY: Final = "DejaVu Sans"  # comes with matplotlib, so that pictures look the same everywhere
INK, QUIET = "#1b2a38", "#5b6b7a"


def pixels(size: float) -> float:
    """Return a height in pixels as the points that matplotlib counts in."""
    return size * 72 / DOTS_PER_INCH


def style(size: float, *, bold: bool = False, colour: str = INK) -> Mapping[str, Any]:
    """Return how a text is drawn. Nothing in it is a formula."""
    return {
        "fontfamily": FAMILY,
        "fontsize": pixels(size),
        "fontweight": "bold" if bold else "normal",
        "color": colour,
        "parse_math": False,
    }


def fitted(text: str, size: float, room: float, *, bold: bool = False) -> str:
    """Return a text in one line, cut to `room` pixels with an ellipsis."""
    text = _shown(text)
    if width(text, size, bold=bold) <= room:
        return text
    least, most = 0, len(text)
    while least < most:
        middle = (least + most + 1) // 2
        if width(text[:middle].rstrip() + ELLIPSIS, size, bold=bold) <= room:
            least = middle
        else:
            most = middle - 1
    return text[:least].rstrip() + ELLIPSIS


def wrapped(text: str, size: float, room: float, *, lines: int, bold: bool = False) -> list[str]:
    """Return a text in so many lines at most, broken between words; the last one is cut."""
    words, rows = _shown(text).split(" "), [""]
    for number, word in enumerate(words):
        longer = f"{rows[-1]} {word}".strip()
        if len(rows) == lines:
            rows[-1] = fitted(" ".join([rows[-1], *words[number:]]).strip(), size, room, bold=bold)
            break
        if width(longer, size, bold=bold) <= room or not rows[-1]:
            rows[-1] = fitted(longer, size, room, bold=bold)
        else:
            rows.append(word)
            if len(rows) == lines:
                rows[-1] = fitted(" ".join(words[number:]), size, room, bold=bold)
                break
    return [row for row in rows if row]


def width(text: str, size: float, *, bold: bool = False) -> float:
    """Return how many pixels a text takes."""
    font = _font(bold=bold)
    font.set_size(pixels(size), DOTS_PER_INCH)
    font.set_text(text, 0.0, flags=LoadFlags.NO_HINTING)
    wide, _ = font.get_width_height()
    return float(wide) / 64


def _shown(text: str) -> str:
    """Return what can be drawn: one line, and a box for each sign that the font does not have."""
    line = " ".join(clean(text[:2_000]).split())[:400]
    known = _signs()
    return "".join(sign if ord(sign) in known else "□" for sign in line)


@cache
def _font(*, bold: bool) -> Any:
    return get_font(findfont(FontProperties(family=FAMILY, weight="bold" if bold else "normal")))


@cache
def _signs() -> frozenset[int]:
    return frozenset(_font(bold=False).get_charmap()) & frozenset(_font(bold=True).get_charmap())
