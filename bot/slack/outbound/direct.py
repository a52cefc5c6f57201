"""The conversations with single people, opened once and then known."""

from __future__ import annotations

from typing import Any, Final

from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import DeliveryUnknown
from bot.slack.outbound.faults import delivery_errors

MOST_KNOWN: Final = 1_000


class SlackDirectMessages:
    """Implements `DirectMessages`. A person's conversation with the bot stays the same, so it is asked for once."""

    def __init__(self, client: AsyncWebClient, *, most: int = MOST_KNOWN) -> None:
        self._client = client
        self._most = most
        self._known: dict[str, str] = {}

    async def open(self, user_id: str) -> str:
        """Return the conversation with a person. Raises `DeliveryError`, also when the app lacks the scope."""
        known = self._known.get(user_id)
        if known is not None:
            return known
        with delivery_errors():
            answer = await self._client.conversations_open(users=[user_id])
            channel: Any = answer.get("channel")
        found = channel.get("id") if isinstance(channel, dict) else None
        if not isinstance(found, str) or not found.startswith("D"):
            raise DeliveryUnknown("What Slack answered cannot be read.")
        while len(self._known) >= self._most:
            del self._known[next(iter(self._known))]
        self._known[user_id] = found
        return found
