"""Which payloads are not carried out before it is certain that they did not come before.

Looks are harmless when they are repeated. What is written down (commands that change something, mentions) carries its
own key, by which the inbox recognises it for two days; when the inbox is away, its person is told that nothing was
accepted. What remains is what changes something by itself, and what nobody knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bot.slack.inbound.kinds import Kind, read_delivery

# Looks, and dialogs that are opened or drawn: whoever sees one twice is not harmed, and no database is needed for them.
_LOOKS: Final = frozenset({Kind.HOME, Kind.OPEN, Kind.QUIET, Kind.REDRAW})


def needs_certainty(payload: Mapping[str, Any]) -> bool:
    """Tell whether a payload must be known to be new before it runs."""
    if payload.get("type") in {"block_suggestion", "view_closed"}:
        return False
    delivery = read_delivery(payload)
    return delivery.kind not in _LOOKS and delivery.request is None
