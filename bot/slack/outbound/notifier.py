"""The way to people: a view goes out as a plan of messages and files, and can be found again after a lost answer."""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.domain.charts import Chart
from bot.domain.requests import Place, Post, Request, Surface
from bot.domain.view import View
from bot.errors import DeliveryError, DeliveryRefused, DeliveryThrottled, DeliveryUnknown
from bot.pictures import Painter
from bot.ports import Clock
from bot.slack.outbound.excerpt import File
from bot.slack.outbound.faults import AddressGone, BlocksRefused, MessageGone, delivery_errors
from bot.slack.outbound.flatten import blocks_text
from bot.slack.outbound.pictures import Draw, Pictures
from bot.slack.outbound.planner import Message, Plan, plan_view
from bot.slack.outbound.posting import Posting

log = logging.getLogger(__name__)

EVENT_TYPE: Final = "ragops_post"
LOOK_BACK_S: Final = 24 * 3_600
# A picture that takes longer is not worth its message's delay.
PICTURES_S: Final = 10.0
_PAGE: Final = 200
_PAGES: Final = 5

Unshown = Sequence[tuple[Chart, bytes]]


@dataclass(slots=True)
class Delivered:
    """The parts of a post that are there already: messages by number, files by number, and how many there are to be."""

    messages: dict[int, str] = field(default_factory=dict)
    files: set[int] = field(default_factory=set)
    expected_messages: int = 0
    expected_files: int = 0

    @property
    def complete(self) -> bool:
        """Say whether every part is there."""
        there = len(self.messages) >= self.expected_messages and len(self.files) >= self.expected_files
        return 1 in self.messages and there


class SlackNotifier:
    """Implements `Notifier`. `nonce` gives a new short text each time, from which block ids derive.

    `draw` makes pictures of charts. Private answers show them in characters: a file of ours that was shared nowhere is
    not certain to be seen in a message that only one person sees.
    """

    def __init__(
        self, client: AsyncWebClient, *, clock: Clock, nonce: Callable[[], str], draw: Draw | None = None
    ) -> None:
        self._client = client
        self._posting = Posting(client)
        self._pictures = Pictures(client, draw or Painter(limit_s=PICTURES_S), sleep=clock.sleep)
        self._clock = clock
        self._nonce = nonce
        self._own_id = ""

    async def post(self, post: Post, *, tag: str) -> str:
        """Post for everybody, the parts beyond the first into its thread, and return the first message's timestamp.

        An answer of several parts looks back first, so that a second try sends just what is missing.
        """
        plan = plan_view(post.view, nonce=tag, files_allowed=True)
        there = await self._delivered(post.place, tag) if plan.several else Delivered()
        channel, thread = post.place.channel, post.place.thread
        first = there.messages.get(1)
        unshown: Unshown = ()
        if first is None:
            first, unshown = await self._put(post.place, plan, 1, tag)
        place = Place(channel, thread or first)
        await self._hang(place, unshown, tag)
        if post.subject:
            await self._rest_of(post, place, plan)
        else:
            await self._rest(place, plan, tag, there)
        return first

    async def edit(self, post: Post, *, message_id: str, tag: str) -> bool:
        """Show a post in a message of ours; False when that is gone, or cannot show it.

        What is more than one message stands in its thread, once for as long as it says the same.
        """
        plan = plan_view(post.view, nonce=f"{tag}:{post.version}", files_allowed=True)
        channel, thread = post.place.channel, post.place.thread
        try:
            _, unshown = await self._pictures.show(
                plan.messages[0], lambda shown: self._posting.update(channel, message_id, shown)
            )
        except (MessageGone, BlocksRefused) as refusal:
            log.info("a message cannot be edited: %s", refusal.message, extra={"event": "message_gone"})
            return False
        place = Place(channel, thread or message_id)
        await self._hang(place, unshown, f"{tag}:{post.version}")
        await self._rest_of(post, place, plan)
        return True

    async def _rest_of(self, post: Post, place: Place, plan: Plan) -> None:
        """Post what is more than one message of a picture: whatever its version, it goes by what it says."""
        if plan.several:
            tag = f"{post.subject}:{_said(plan)}"
            await self._rest(place, plan, tag, await self._delivered(place, tag))

    async def _rest(self, place: Place, plan: Plan, tag: str, there: Delivered) -> None:
        for number in range(2, len(plan.messages) + 1):
            if number not in there.messages:
                _, unshown = await self._put(place, plan, number, tag)
                await self._hang(place, unshown, f"{tag}:{number}")
        for number, file in enumerate(plan.files, 1):
            if number not in there.files:
                await self._attach(place, file, number, tag)

    async def _put(self, place: Place, plan: Plan, number: int, tag: str) -> tuple[str, Unshown]:
        """Post a plan's message of that number; return its timestamp, and the pictures that it does not show."""
        metadata = _metadata(tag, number, plan)
        return await self._pictures.show(
            plan.messages[number - 1],
            lambda shown: self._posting.post(place.channel, place.thread, shown, metadata),
        )

    async def _hang(self, place: Place, unshown: Unshown, tag: str) -> None:
        """Put pictures that their message does not show below it. That is tried once: the message says as much."""
        for number, (chart, picture) in enumerate(unshown, 1):
            try:
                filename = _marked("picture.png", f"{tag}:pictures", number)
                await self._pictures.attach(place.channel, place.thread, filename, chart, picture)
            except DeliveryError as error:
                log.warning("a picture is not attached: %s", error.message, extra={"event": "file_refused"})

    async def find(self, place: Place, *, tag: str) -> str | None:
        """Return the first message of a post when all of its parts are there.

        Where the look back is not allowed (a missing scope, not in the channel) the answer is None and posts are at
        least once. Raises `DeliveryThrottled` and `DeliveryUnknown`: then nothing can be said yet.
        """
        there = await self._delivered(place, tag)
        return there.messages[1] if there.complete else None

    async def reply(self, request: Request, view: View, *, replace: bool = False) -> None:
        """Answer the person who asked, by the request's private address while that works, else in the channel."""
        plan = plan_view(view, nonce=self._nonce(), files_allowed=False)
        for index, message in enumerate(plan.messages):
            await self._answer(request, message, replace=replace and index == 0)

    async def _answer(self, request: Request, message: Message, *, replace: bool) -> None:
        if request.reply_to.startswith(("https://", "http://")):
            try:
                await self._posting.answer(request.reply_to, message, replace=replace)
            except (AddressGone, DeliveryThrottled, DeliveryUnknown) as error:
                # Seen twice by one person is better than not at all.
                log.info("private address failed: %s", error.message, extra={"event": "reply_address_gone"})
            else:
                return
        place = request.place
        if not place.channel:
            raise DeliveryRefused("There is no way left to answer this person.")
        thread = "" if request.opens_thread else place.thread
        if request.surface in (Surface.DIRECT, Surface.TERMINAL):
            # Nobody else is there, and what only shows until the next reload would be no answer.
            await self._posting.post(
                place.channel, thread, message, _metadata(f"reply-{self._nonce()}", 1, Plan((message,)))
            )
            return
        await self._posting.whisper(place.channel, thread, request.actor.user_id, message)

    async def _attach(self, place: Place, file: File, number: int, tag: str) -> None:
        """Upload a file; when it is refused say so in its place, so that nobody looks for it."""
        try:
            await self._posting.attach(place.channel, place.thread, file, filename=_marked(file.filename, tag, number))
        except DeliveryRefused as refusal:
            log.warning("file refused", extra={"event": "file_refused", "reason": refusal.message})
            note = Message(f"I could not attach the file {file.title}. {refusal.message}", ())
            await self._posting.post(place.channel, place.thread, note, _file_metadata(tag, number))

    # --- looking back -------------------------------------------------------------------------------------------------

    async def _delivered(self, place: Place, tag: str) -> Delivered:
        """Gather the parts of a post that our own account put into a place."""
        there = Delivered()
        try:
            if place.thread:
                await self._gather(there, self._replies(place), tag)
                return there
            await self._gather(there, self._history(place), tag)
            if 1 in there.messages and not there.complete:
                await self._gather(there, self._replies(Place(place.channel, there.messages[1])), tag)
        except DeliveryRefused as refusal:
            log.warning("no look back", extra={"event": "look_back_impossible", "reason": refusal.message})
        return there

    async def _gather(self, there: Delivered, messages: AsyncIterator[Mapping[str, Any]], tag: str) -> None:
        own_id = await self._own()
        file_name = re.compile(rf".+-{_fingerprint(tag)}-(\d+)\.[^.]+")
        async for message in messages:
            if message.get("user") != own_id:
                continue
            _note_parts(there, message, tag)
            names = (file_name.fullmatch(str(file.get("name", ""))) for file in message.get("files") or ())
            there.files.update(int(name[1]) for name in names if name)
            if there.complete:
                return

    def _history(self, place: Place) -> AsyncIterator[Mapping[str, Any]]:
        return self._messages(self._client.conversations_history, channel=place.channel)

    def _replies(self, place: Place) -> AsyncIterator[Mapping[str, Any]]:
        return self._messages(self._client.conversations_replies, channel=place.channel, ts=place.thread)

    async def _messages(
        self, read: Callable[..., Awaitable[AsyncSlackResponse]], **where: str
    ) -> AsyncIterator[Mapping[str, Any]]:
        """Yield the messages of a place that are young enough, page by page as `read` gives them."""
        cursor: str | None = None
        for _ in range(_PAGES):
            with delivery_errors():
                answer = await read(
                    **where, oldest=self._oldest(), limit=_PAGE, cursor=cursor, include_all_metadata=True
                )
            for message in answer.get("messages") or ():
                yield message
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return

    async def _own(self) -> str:
        """Return our own account: a tag in somebody else's message proves nothing."""
        if not self._own_id:
            with delivery_errors():
                answer = await self._client.auth_test()
            self._own_id = str(answer["user_id"])
        return self._own_id

    def _oldest(self) -> str:
        return f"{self._clock.now().timestamp() - LOOK_BACK_S:.6f}"


def _note_parts(there: Delivered, message: Mapping[str, Any], tag: str) -> None:
    metadata = message.get("metadata") or {}
    payload = metadata.get("event_payload") or {}
    if metadata.get("event_type") != EVENT_TYPE or payload.get("tag") != tag:
        return
    if "file" in payload:
        there.files.add(int(payload["file"]))
        return
    there.messages.setdefault(int(payload.get("part", 1)), str(message["ts"]))
    there.expected_messages = int(payload.get("parts", 1))
    there.expected_files = int(payload.get("files", 0))


def _metadata(tag: str, part: int, plan: Plan) -> dict[str, Any]:
    payload = {"tag": tag, "part": part, "parts": len(plan.messages), "files": len(plan.files)}
    return {"event_type": EVENT_TYPE, "event_payload": payload}


def _file_metadata(tag: str, number: int) -> dict[str, Any]:
    return {"event_type": EVENT_TYPE, "event_payload": {"tag": tag, "file": number}}


def _said(plan: Plan) -> str:
    """Return a fingerprint of what is more than one message, however it is numbered."""
    words = [blocks_text(message.blocks) for message in plan.messages[1:]] + [file.content for file in plan.files]
    return _fingerprint(json.dumps(words))


def _fingerprint(tag: str) -> str:
    return hashlib.sha256(tag.encode("utf-8", "replace")).hexdigest()[:8]


def _marked(filename: str, tag: str, number: int) -> str:
    """Put the post's fingerprint into a file's name: files carry no metadata, and this finds them again."""
    stem, _, extension = filename.rpartition(".")
    return f"{stem}-{_fingerprint(tag)}-{number}.{extension}"
