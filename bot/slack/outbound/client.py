"""The Web API client, set up so that nothing is sent twice behind our back."""

from __future__ import annotations

import logging
from typing import Final

from slack_sdk.web.async_client import AsyncWebClient

TIMEOUT_S: Final = 10


def make_client(token: str, base_url: str | None = None) -> AsyncWebClient:
    """Return a client that never retries on its own: its default sends a post again when the answer was lost."""
    return AsyncWebClient(
        token=token,
        base_url=base_url or AsyncWebClient.BASE_URL,
        timeout=TIMEOUT_S,
        retry_handlers=[],
        logger=quiet_logger(),
    )


def quiet_logger() -> logging.Logger:
    """Return a logger for the platform's library that never says what was sent: messages and reply addresses."""
    logger = logging.getLogger("bot.slack.wire")
    logger.setLevel(logging.WARNING)
    return logger
