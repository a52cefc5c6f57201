"""Which payloads change something: those are not carried out before it is certain that they did not come before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from bot.service import Service
from bot.slack.inbound.kinds import Kind, read_delivery

# Looks, and dialogs that are opened or drawn: whoever sees one twice is not harmed, and no database is needed for them.
_LOOKS: Final = frozenset({Kind.HOME, Kind.OPEN, Kind.QUIET, Kind.REDRAW})


def changes(service: Service) -> Callable[[Mapping[str, Any]], bool]:
    """Return what tells of a payload whether it changes something; what is not known is taken to do so."""

    def judge(payload: Mapping[str, Any]) -> bool:
        if payload.get("type") in {"block_suggestion", "view_closed"}:
            return False
        delivery = read_delivery(payload)
        if delivery.kind in _LOOKS:
            return False
        return delivery.request is None or service.must_keep(delivery.request)

    return judge
