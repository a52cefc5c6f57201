"""Talking with a bot that runs in this process: what people do in the stand-in Slack, and what they see of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sandbox.slack.control import Shown, SlackControl
from sandbox.slack.server import SlackServer
from tests.support.waiting import until


@dataclass(frozen=True, slots=True)
class Talk:
    """The people's side of a bot."""

    control: SlackControl
    slack: SlackServer

    async def answer(self, text: str, *, user: str = "ann", channel: str = "ops", within_s: float = 60.0) -> Shown:
        """Type a command and return the newest message that its person then sees from the bot."""

        async def act() -> None:
            said = await self.control.say(text, user=user, channel=channel)
            assert said.ok, said.seen

        return await self.after(act, user=user, channel=channel, within_s=within_s)

    async def after(
        self, act: Callable[[], Awaitable[None]], *, user: str, channel: str = "ops", within_s: float = 60.0
    ) -> Shown:
        """Act, and return the newest message of the bot that its person did not see before, or not in this form."""
        before = {(message.ts, message.edits) for message in await self.seen(user=user, channel=channel)}

        async def fresh() -> list[Shown]:
            shown = await self.seen(user=user, channel=channel)
            return [message for message in shown if (message.ts, message.edits) not in before]

        await act()
        return (await until(fresh, bool, within_s=within_s, every_s=0.01))[-1]

    async def answers(
        self, text: str, *, user: str = "ann", channel: str = "ops", quiet_s: float = 0.05
    ) -> list[Shown]:
        """Type a command and return every part of its answer: what comes until nothing does for a moment."""
        before = {message.ts for message in await self.seen(user=user, channel=channel)}
        await self.answer(text, user=user, channel=channel)
        assert await self.control.settle(quiet=quiet_s)
        return [message for message in await self.seen(user=user, channel=channel) if message.ts not in before]

    async def press(self, label: str, *, user: str = "ann", channel: str = "ops", within_s: float = 60.0) -> Shown:
        """Press the newest such button and return the message that came or changed then."""

        async def act() -> None:
            pressed = await self.control.press(label, user=user, channel=channel)
            assert pressed.ok, pressed.seen

        return await self.after(act, user=user, channel=channel, within_s=within_s)

    async def seen(self, *, user: str, channel: str = "ops") -> list[Shown]:
        """Return what a person sees from the bot, oldest first."""
        shown = await self.control.read(channel=channel, user=user, thread="all")
        return [message for message in shown if message.author == "rag"]

    async def public(self, *, channel: str = "ops") -> list[Shown]:
        """Return what the bot has posted for everybody, oldest first."""
        return [message for message in await self.seen(user="vic", channel=channel) if not message.ephemeral]

    async def posted(self, count: int, *, channel: str = "ops", within_s: float = 60.0) -> list[Shown]:
        """Wait until the bot has posted so many messages for everybody, let things settle, and return them all."""
        await until(lambda: self.public(channel=channel), lambda shown: len(shown) >= count, within_s=within_s)
        await self.control.settle()
        return await self.public(channel=channel)
