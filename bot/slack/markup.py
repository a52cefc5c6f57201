"""The platform's own markup: both sides write text where it is read."""

from __future__ import annotations

from bot.redaction import clean


def escaped(text: str) -> str:
    """Escape for places that read markup: mentions, links and dates cannot be formed."""
    return clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
