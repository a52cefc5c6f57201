"""The calls that put messages and files somewhere, each tried once; blocks that are refused go out again as text.

Every message goes out with parsing, name linking and unfurling off, so that no word of it becomes a mention or a link.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.slack.outbound.checker import check
from bot.slack.outbound.client import TIMEOUT_S, quiet_logger
from bot.slack.outbound.excerpt import File
from bot.slack.outbound.faults import BlocksRefused, delivery_errors, from_webhook
from bot.slack.outbound.planner import Message, text_only
from bot.slack.outbound.render import Json
from bot.slack.outbound.turns import Turns

log = logging.getLogger(__name__)

Sent = TypeVar("Sent")

_LITERAL: Final[Mapping[str, Any]] = {"parse": "none", "link_names": False}
_QUIET: Final[Mapping[str, Any]] = {"unfurl_links": False, "unfurl_media": False, "mrkdwn": False}


@dataclass(frozen=True, slots=True)
class Posting:
    """Sends single messages and files. Raises `DeliveryError` of the kind that fits."""

    client: AsyncWebClient
    turns: Turns = field(default_factory=Turns)

    async def post(self, channel: str, thread: str, message: Message, metadata: Json) -> str:
        """Post for everybody in the channel, and return the message's timestamp."""

        async def send(shown: Message) -> str:
            async with self.turns.turn(f"post:{channel}"):
                with delivery_errors():
                    answer = await self.client.chat_postMessage(
                        channel=channel,
                        thread_ts=thread or None,
                        metadata=metadata,
                        **_content(shown),
                        **_LITERAL,
                        **_QUIET,
                    )
            return str(answer["ts"])

        return await _or_as_text(send, message)

    async def update(self, channel: str, message_id: str, message: Message) -> None:
        """Show something else in a message of ours. What is not sent of blocks would stay, so that they always are."""

        async def send(shown: Message) -> None:
            async with self.turns.turn("update"):
                with delivery_errors():
                    await self.client.chat_update(
                        channel=channel, ts=message_id, text=shown.text, blocks=list(shown.blocks), **_LITERAL
                    )

        await _or_as_text(send, message)

    async def whisper(self, channel: str, thread: str, user_id: str, message: Message) -> None:
        """Show a message to one person in the channel."""

        async def send(shown: Message) -> None:
            with delivery_errors():
                await self.client.chat_postEphemeral(
                    channel=channel, user=user_id, thread_ts=thread or None, **_content(shown), **_LITERAL
                )

        await _or_as_text(send, message)

    async def answer(self, url: str, message: Message, *, replace: bool) -> None:
        """Answer at the private address of a request; `replace` edits the message it came from."""
        webhook = AsyncWebhookClient(url, timeout=TIMEOUT_S, retry_handlers=[], logger=quiet_logger())
        how: Json = {"replace_original": True} if replace else {"response_type": "ephemeral", "replace_original": False}

        async def send(shown: Message) -> None:
            with delivery_errors():
                response = await webhook.send_dict({**_content(shown), **how, **_LITERAL, **_QUIET})
            error = from_webhook(response.status_code, response.body, response.headers)
            if error is not None:
                raise error

        await _or_as_text(send, message)

    async def attach(self, channel: str, thread: str, file: File, *, filename: str) -> None:
        """Put a file into a thread. The last step of three is the one that counts; it may happen twice if repeated."""
        with delivery_errors():
            await self.client.files_upload_v2(
                channel=channel,
                thread_ts=thread,
                filename=filename,
                title=file.title,
                content=file.content,
                snippet_type="text",
            )


def _content(message: Message) -> Json:
    return {"text": message.text, **({"blocks": list(message.blocks)} if message.blocks else {})}


async def _or_as_text(send: Callable[[Message], Awaitable[Sent]], message: Message) -> Sent:
    """Send a message; when our look or the platform finds fault with its blocks, send its words as text, once.

    Raises `BlocksRefused` of a message with pictures.
    """
    problems = check(message)
    if not problems:
        try:
            return await send(message)
        except BlocksRefused as refusal:
            if message.charts:
                # The pictures may be what is refused: whoever put them there tries without them.
                raise
            problems = [refusal.message]
    log.error("blocks refused, sent as text", extra={"event": "blocks_refused", "problems": problems[:5]})
    return await send(text_only(message))
