"""The Web API client, set up so that nothing is sent twice behind our back."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState
from slack_sdk.web.async_client import AsyncWebClient

TIMEOUT_S: Final = 10


class _Watcher(AsyncRetryHandler):
    """Sees every answer and never retries: it only tells of those that ask us to wait."""

    def __init__(self, on_throttled: Callable[[str], None]) -> None:
        super().__init__(max_retry_count=0)
        self._on_throttled = on_throttled

    async def can_retry_async(
        self,
        *,
        state: RetryState,  # noqa: ARG002  # the library's signature
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,  # noqa: ARG002  # as above
    ) -> bool:
        if response is not None and response.status_code == 429:
            self._on_throttled(request.url.partition("?")[0].rstrip("/").rpartition("/")[2])
        return False


def make_client(
    token: str, base_url: str | None = None, *, on_throttled: Callable[[str], None] | None = None
) -> AsyncWebClient:
    """Return a client that never retries on its own: its default sends a post again when the answer was lost.

    `on_throttled` is told the method of each answer that asks us to wait.
    """
    return AsyncWebClient(
        token=token,
        base_url=base_url or AsyncWebClient.BASE_URL,
        timeout=TIMEOUT_S,
        retry_handlers=[_Watcher(on_throttled)] if on_throttled is not None else [],
        logger=quiet_logger(),
    )


def quiet_logger() -> logging.Logger:
    """Return a logger for the platform's library that never says what was sent: messages and reply addresses."""
    logger = logging.getLogger("bot.slack.wire")
    logger.setLevel(logging.WARNING)
    return logger
