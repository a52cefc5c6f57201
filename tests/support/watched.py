"""A workspace of the stand-in Slack that keeps at hand what tests about many people ask for, and their postman."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import Any, Final

from sandbox.slack.delivery import Delivery, Retry, Transport
from sandbox.slack.records import Channel, Content, Json, Message, ResponseHook, User
from sandbox.slack.world import Workspace

AUDITORS: Final = ("person0", "person1")


class Watched(Workspace):
    """A workspace that keeps at hand what each person was told, by which address, and what was said in each thread."""

    def __init__(self, *, seed: int = 1) -> None:
        self.private: defaultdict[str, list[Message]] = defaultdict(list)
        self.whispers: defaultdict[str, list[Message]] = defaultdict(list)
        self.answers: defaultdict[str, list[Message]] = defaultdict(list)
        self.threads: defaultdict[str, list[Message]] = defaultdict(list)
        self.public: list[Message] = []
        self._asking: defaultdict[str, deque[ResponseHook]] = defaultdict(lambda: deque(maxlen=50))
        super().__init__(seed=seed)

    def issue_hook(self, channel: Channel, user: User, source: Message | None = None) -> ResponseHook:
        """Return an address for private answers, and note whose it is."""
        hook = super().issue_hook(channel, user, source)
        self._asking[user.id].append(hook)
        return hook

    def post(self, channel: Channel, user: User, content: Content, **more: Any) -> Message:
        """Add a message, and note it if the bot said it."""
        message = super().post(channel, user, content, **more)
        if user.is_bot and message.only_for is not None:
            self.private[message.only_for].append(message)
            if message.by_response_url:
                self._note_answer(message)
            else:
                self.whispers[message.only_for].append(message)
        elif user.is_bot:
            self.public.append(message)
            self.threads[message.thread_ts or message.channel_id].append(message)
        return message

    def edit(self, message: Message, content: Content) -> None:
        """Add a revision, and note it as an answer if it is one."""
        super().edit(message, content)
        self._note_answer(message)

    def _note_answer(self, message: Message) -> None:
        """Find the address by which a message came: the one that was used more often than is noted."""
        for hook in self._asking[message.only_for or ""]:
            if hook.posts > len(self.answers[hook.secret]):
                self.answers[hook.secret].append(message)


@dataclass(slots=True)
class Postman:
    """Carries deliveries as `inner` does, and keeps commands by their triggers.

    `sent` tells when each thing was delivered, by its trigger or event id; `failed` when and why nobody took something.
    """

    inner: Transport
    commands: dict[str, Json] = field(default_factory=dict)
    failed: list[tuple[float, str]] = field(default_factory=list)
    sent: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    async def send(self, kind: str, payload: Json, retry: Retry) -> Delivery:
        """Carry one delivery."""
        if kind == "slash_commands":
            self.commands[payload["trigger_id"]] = payload
        if not payload.get("event", {}).get("bot_id"):  # what the bot said itself comes, too, and is nobody's command
            name = payload["event_id"] if kind == "events_api" else payload["trigger_id"]
            self.sent[name].append(asyncio.get_running_loop().time())
        delivery = await self.inner.send(kind, payload, retry)
        if not delivery.acked:
            self.failed.append((asyncio.get_running_loop().time(), delivery.reason))
        return delivery

    @property
    def repeats(self) -> int:
        """Return how many deliveries came after the first of their kind."""
        return sum(map(len, self.sent.values())) - len(self.sent)


def words_of(message: Message) -> str:
    """Return everything that a message says, with its markup."""
    return json.dumps([message.content.text, message.content.blocks, message.content.attachments])


def crowd_workspace(*, members: int, guests: int, channels: int, seed: int = 1) -> Watched:
    """Return a workspace in which everybody is in every channel."""
    workspace = Watched(seed=seed)
    people = [workspace.add_user(f"person{number}") for number in range(members)]
    people += [workspace.add_user(f"guest{number}", is_restricted=True) for number in range(guests)]
    names = [workspace.bot.name, *(person.name for person in people)]
    for number in range(channels):
        workspace.add_channel(f"room{number}", names)
    workspace.set_group("rag-oncall", [AUDITORS[0]])
    workspace.set_group("rag-leads", [AUDITORS[1]])
    return workspace
