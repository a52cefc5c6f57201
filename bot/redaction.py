"""Cluster text -> Redacted: the one way in for words that others wrote.

Two things happen here and nowhere else: secrets are masked, and what could steer a terminal or disguise text (control
characters, ANSI sequences, bidirectional and zero-width marks, lone surrogates) is removed. Escaping is not done here:
that belongs to whoever renders. Masking is by named shapes, not by entropy: entropy rules fire on pod hashes and uids.
The shapes themselves are in `bot.secret_shapes`. Time is linear in the length of the text, whatever the text is.
"""

from __future__ import annotations

import re

from bot.domain.text import Redacted
from bot.secret_shapes import MASK, Span, secret_spans

__all__ = ["MASK", "clean", "redact", "redact_counted"]

_ANSI = re.compile(
    r"(?:\x1b\]|\x9d)[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)"  # a title or a link; without its end it hides nothing
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?|\x1b[ -/]{0,4}[0-~]?"
)
_INVISIBLE = (
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb"
    "\U000e0000-\U000e0fff"
)
_UNWANTED = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f{_INVISIBLE}\ud800-\udfff]")
_LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")

# Masking may join what stood apart, so a text is looked at again after a mask; two looks settle all but made-up texts.
_MOST_LOOKS = 4


def clean(text: str) -> str:
    """Remove what is not text: controls, ANSI sequences, direction and zero-width marks. Tabs become four spaces.

    Every line end becomes a newline; nothing that can be seen is removed.
    """
    if text.isascii() and text.isprintable():
        return text
    text = _LINE_ENDS.sub("\n", text)
    text = _ANSI.sub("", text)
    return _UNWANTED.sub("", text.replace("\t", "    "))


def redact_counted(text: str) -> tuple[Redacted, int]:
    """Clean and mask; return the text and how many secrets were masked. Idempotent."""
    text = clean(text)
    masked = 0
    for _ in range(_MOST_LOOKS):
        spans = secret_spans(text)
        if not spans:
            break
        text = _mask(text, spans)
        masked += len(spans)
    return Redacted(text), masked


def redact(text: str) -> Redacted:
    """Clean and mask a text of the cluster."""
    return redact_counted(text)[0]


def _mask(text: str, spans: list[Span]) -> str:
    pieces: list[str] = []
    at = 0
    for start, end in spans:
        pieces += (text[at:start], MASK)
        at = end
    pieces.append(text[at:])
    return "".join(pieces)
