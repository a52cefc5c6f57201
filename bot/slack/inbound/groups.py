"""What the platform tells of user groups and of the app itself. Who may edit a bound group can give and take roles."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from bot.domain.people import Actor
from bot.errors import StoreUnavailable
from bot.slack.inbound.equipment import InboundEquipment
from bot.slack.inbound.payloads import Payload

log = logging.getLogger(__name__)

NOTE_S = 2.0
UNKNOWN = "unknown"
_MOST_LISTED = 20


class Groups:
    """Forgets what was known of groups, and puts changes of those that hold a role on record."""

    def __init__(self, equipment: InboundEquipment) -> None:
        self._service = equipment.service
        self._directory = equipment.directory
        self._bound = equipment.bound_groups
        self._on_revoked = equipment.on_revoked

    async def changed(self, body: Payload) -> bool:
        """Take note of a change; False when it could not be put on record, so that it should come again."""
        await self._directory.changed()
        event = body.get("event") or {}
        group = _group_of(event)
        if group not in self._bound:
            log.info("a group changed", extra={"event": "group_seen", "group": group})
            return True
        detail = {"what": str(event.get("type", "")), "delivery": str(body.get("event_id", "")), **_counts(event)}
        by = _who(event)
        extra = {"event": "group_changed", "group": group, "by": by, **{f"group_{k}": v for k, v in detail.items()}}
        log.warning("a group that holds a role was changed", extra=extra)
        try:
            async with asyncio.timeout(NOTE_S):
                await self._service.note(Actor(by, str(body.get("team_id", ""))), "group changed", group, detail)
        except (StoreUnavailable, TimeoutError) as error:
            log.warning("a change of a group is not in the audit: %s", error, extra={"event": "audit_missed"})
            return False
        return True

    def revoked(self, body: Payload) -> None:
        """Tell that the app lost its token. Tokens of single people, which the bot has none of, do not matter."""
        event = body.get("event") or {}
        kind = str(event.get("type", ""))
        if kind == "tokens_revoked" and not (event.get("tokens") or {}).get("bot"):
            return
        log.error(
            "Slack took the bot's token away: install the app again", extra={"event": "slack_revoked", "by": kind}
        )
        self._on_revoked()


def _group_of(event: dict[str, Any]) -> str:
    return str(event.get("subteam_id") or (event.get("subteam") or {}).get("id", ""))


def _who(event: dict[str, Any]) -> str:
    subteam = event.get("subteam") or {}
    return str(subteam.get("updated_by") or subteam.get("created_by") or UNKNOWN)


def _counts(event: dict[str, Any]) -> dict[str, str | int | bool]:
    """Return how many came and went, and who, as ids."""
    counts: dict[str, str | int | bool] = {}
    for name, key in (("added", "added_users"), ("removed", "removed_users")):
        users = event.get(key)
        if isinstance(users, list):
            counts[name] = len(users)
            counts[f"{name}_users"] = " ".join(map(str, users[:_MOST_LISTED]))
    subteam = event.get("subteam") or {}
    members = subteam.get("users")
    if isinstance(members, list):
        counts["members"] = len(members)
    if "date_delete" in subteam:
        counts["disabled"] = bool(subteam["date_delete"])
    return counts
