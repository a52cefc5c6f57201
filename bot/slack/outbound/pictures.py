"""Pictures of messages: drawn, uploaded, and named in the message's image blocks.

The upload goes to no channel: the file is seen where a message shows it, and nowhere else. A picture is an ornament of
its message, never a reason not to send it: what cannot be drawn or uploaded is spelled in characters, and what the
platform does not show in the message goes into its thread as a file.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.charts import Chart
from bot.errors import DeliveryRefused, DeliveryUnknown
from bot.pictures import PictureFailed
from bot.slack.outbound import escape, limits, render
from bot.slack.outbound.faults import BlocksRefused, delivery_errors
from bot.slack.outbound.planner import Message
from bot.slack.outbound.render import Json

log = logging.getLogger(__name__)

Draw = Callable[[Chart], Awaitable[bytes]]
Sent = TypeVar("Sent")

# Drawing and uploading have to leave enough of a delivery's time to post the message without them.
LIMIT_S: Final = 14.0
# A file can be shown a moment after it was uploaded, and until then the platform refuses the blocks that name it.
WAITS_S: Final = (0.5, 1.0, 2.0)
_KEPT: Final = 32


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture with its file's id."""

    picture: bytes
    file_id: str


class Pictures:
    """Shows pictures in messages.

    A picture that was uploaded is remembered by its chart (the last few): a message that is tried again, edited, or
    sent to several channels does not upload it anew. Another process, or this one after a restart, does; so an upload
    may happen again with a try of the outbox, which ends after hours. What is uploaded and never shown nobody sees.
    """

    def __init__(
        self,
        client: AsyncWebClient,
        draw: Draw,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        limit_s: float = LIMIT_S,
    ) -> None:
        self._client = client
        self._draw = draw
        self._sleep = sleep
        self._limit_s = limit_s
        self._drawn: OrderedDict[Chart, Drawn] = OrderedDict()

    async def show(
        self, message: Message, send: Callable[[Message], Awaitable[Sent]]
    ) -> tuple[Sent, Sequence[tuple[Chart, bytes]]]:
        """Send a message with its pictures; return which of them it does not show, for its thread.

        Raises what `send` raises, and `DeliveryThrottled` when the platform wants an upload to wait.
        """
        if not message.charts:
            return await send(message), ()
        drawn = await self._all(message.charts)
        if drawn:
            try:
                return await self._once_ready(named(message, drawn), send), ()
            except BlocksRefused as refusal:
                log.warning("a picture is not shown: %s", refusal.message, extra={"event": "picture_refused"})
                self._forget(drawn)
        return await send(spelled(message)), [(chart, each.picture) for chart, each in drawn.items()]

    async def _once_ready(self, message: Message, send: Callable[[Message], Awaitable[Sent]]) -> Sent:
        for wait in WAITS_S:
            try:
                return await send(message)
            except BlocksRefused:
                await self._sleep(wait)
        return await send(message)

    async def _all(self, charts: Sequence[Chart]) -> Mapping[Chart, Drawn]:
        """Draw and upload what can be; what cannot is left out. Raises `DeliveryThrottled`."""
        found: dict[Chart, Drawn] = {}
        try:
            async with asyncio.timeout(self._limit_s):
                for chart in charts:
                    found[chart] = self._drawn.get(chart) or await self._made(chart)
        except (PictureFailed, DeliveryRefused, DeliveryUnknown) as error:
            log.warning("no picture: %s", error, extra={"event": "picture_failed"})
        except TimeoutError:
            log.warning("no picture: it took too long", extra={"event": "picture_failed"})
        return found

    async def _made(self, chart: Chart) -> Drawn:
        picture = await self._draw(chart)
        alt = escape.cut(escape.one_line(chart.alt), limits.IMAGE_ALT)
        with delivery_errors():
            answer = await self._client.files_upload_v2(
                filename="picture.png", title=_title(chart), content=picture, alt_txt=alt or None
            )
        drawn = self._drawn[chart] = Drawn(picture, str(answer["file"]["id"]))
        while len(self._drawn) > _KEPT:
            self._drawn.popitem(last=False)
        return drawn

    def _forget(self, drawn: Mapping[Chart, Drawn]) -> None:
        """Upload them anew another time: the files may be gone."""
        for chart in drawn:
            self._drawn.pop(chart, None)

    async def attach(self, channel: str, thread: str, filename: str, chart: Chart, picture: bytes) -> None:
        """Put a picture into a thread as a file. Raises `DeliveryError`."""
        with delivery_errors():
            await self._client.files_upload_v2(
                channel=channel, thread_ts=thread, filename=filename, title=_title(chart), content=picture
            )


def named(message: Message, drawn: Mapping[Chart, Drawn]) -> Message:
    """Return a message whose image blocks name their files; what has none is spelled."""
    charts = tuple(chart for chart in message.charts if chart in drawn)
    return replace(message, blocks=tuple(_filled(message, drawn)), charts=charts)


def spelled(message: Message) -> Message:
    """Return a message with its pictures in characters. It is within the limits: the planner reckoned with that."""
    return named(message, {})


def _filled(message: Message, drawn: Mapping[Chart, Drawn]) -> Iterator[Json]:
    charts = iter(message.charts)
    for block in message.blocks:
        if block["type"] != "image":
            yield block
            continue
        chart = next(charts)
        if chart in drawn:
            yield {**block, "slack_file": {"id": drawn[chart].file_id}}
        else:
            yield {**render.spelled(chart), "block_id": block["block_id"]}


def _title(chart: Chart) -> str:
    return escape.cut(escape.one_line(chart.title) or "picture", limits.SUMMARY)
