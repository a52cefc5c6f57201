"""The conversations with single people, opened once and then known."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any, Final

from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import DeliveryThrottled, DeliveryUnknown
from bot.slack.outbound.faults import delivery_errors

MOST_KNOWN: Final = 1_000


class SlackDirectMessages:
    """Implements `DirectMessages`. A person's conversation with the bot stays the same, so it is asked for once.

    While the platform wants to be left alone nobody's is asked for.
    """

    def __init__(
        self, client: AsyncWebClient, *, most: int = MOST_KNOWN, steady: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._most = most
        self._steady = steady
        self._quiet_until = -math.inf
        self._known: dict[str, str] = {}

    async def open(self, user_id: str) -> str:
        """Return the conversation with a person. Raises `DeliveryError`, also when the app lacks the scope."""
        known = self._known.get(user_id)
        if known is not None:
            return known
        channel = await self._ask(user_id)
        found = channel.get("id") if isinstance(channel, dict) else None
        if not isinstance(found, str) or not found.startswith("D"):
            raise DeliveryUnknown("What Slack answered cannot be read.")
        while len(self._known) >= self._most:
            del self._known[next(iter(self._known))]
        self._known[user_id] = found
        return found

    async def _ask(self, user_id: str) -> Any:
        left_s = self._quiet_until - self._steady()
        if left_s > 0:
            raise DeliveryThrottled(f"Slack asks me to wait {left_s:.0f} s more.", retry_after_s=left_s)
        try:
            with delivery_errors():
                return (await self._client.conversations_open(users=[user_id])).get("channel")
        except DeliveryThrottled as error:
            self._quiet_until = self._steady() + error.retry_after_s
            raise
        except (TypeError, ValueError) as error:  # the client's, at an answer that is no object
            raise DeliveryUnknown("What Slack answered cannot be read.") from error
