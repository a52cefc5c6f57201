"""People at a stand-in Slack, for tests in which the bot runs elsewhere."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sandbox.slack.control import Shown, SlackControl
from tests.support.waiting import until


@dataclass(frozen=True, slots=True)
class People:
    """Type commands and look at what comes of them."""

    control: SlackControl

    async def seen(self, *, user: str = "ann", channel: str = "ops") -> list[Shown]:
        """Return what a person sees from the bot, oldest first."""
        shown = await self.control.read(channel=channel, user=user, thread="all")
        return [message for message in shown if message.author == "rag"]

    async def answer(self, text: str, *, user: str = "ann", channel: str = "ops", within_s: float = 60.0) -> str:
        """Type a command and return the text of the newest message that its person then sees from the bot."""
        before = {(message.ts, message.edits) for message in await self.seen(user=user, channel=channel)}
        said = await self.control.say(text, user=user, channel=channel)
        assert said.ok, said.seen

        async def fresh() -> list[Shown]:
            shown = await self.seen(user=user, channel=channel)
            return [message for message in shown if (message.ts, message.edits) not in before]

        return (await until(fresh, bool, within_s=within_s))[-1].text

    async def answer_with(self, text: str, wanted: str, *, within_s: float = 60.0) -> str:
        """Type a command again and again, until its answer holds what is wanted (a pattern)."""

        async def ask() -> str:
            return await self.answer(text)

        return await until(ask, lambda answer: re.search(wanted, answer), within_s=within_s, every_s=1.0)

    async def public(self, *, channel: str = "ops") -> list[Shown]:
        """Return what the bot has posted for everybody, oldest first."""
        return [message for message in await self.seen(user="vic", channel=channel) if not message.ephemeral]
