"""Cards as people meet them: wait for one, and read what it says. Helpers of the tests of changes."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import psycopg

from sandbox.slack.control import Outcome, Shown
from tests.support.sandboxed import NAMESPACE, Stage
from tests.support.talk import Talk
from tests.support.waiting import until

FINISHED = ("Done in", "Failed", "Unknown", "Denied", "Expired", "Cancelled", "Changed since")
API, WORKER = "rag-engine-api", "rag-engine-worker"


@dataclass(frozen=True, slots=True)
class Card:
    """The one message of a request, and how to wait for what it says next."""

    stage: Talk
    ts: str
    channel: str = "ops"

    async def shown(self) -> Shown:
        """Return it as everybody sees it now."""
        messages = await self.stage.public(channel=self.channel)
        return next(message for message in messages if message.ts == self.ts)

    async def says(self, *words: str, within_s: float = 60.0) -> Shown:
        """Wait until it says one of these, and return it."""
        return await until(
            self.shown, lambda shown: any(word in shown.text for word in words), within_s=within_s, every_s=0.02
        )

    async def ended(self, within_s: float = 60.0) -> Shown:
        """Wait until it is over."""
        return await self.says(*FINISHED, within_s=within_s)

    async def press(self, label: str, *, user: str) -> Shown:
        """Press one of its buttons, and return what the person then sees."""

        async def act() -> None:
            pressed = await self.stage.control.press(label, user=user, channel=self.channel, message=self.ts)
            assert pressed.ok, pressed.seen

        return await self.stage.after(act, user=user, channel=self.channel)


async def ask(stage: Talk, text: str, *, user: str = "ann", channel: str = "ops") -> Card:
    """Ask for a change and return its card."""
    return await card_after(stage, lambda: stage.control.say(text, user=user, channel=channel), channel=channel)


async def card_after(stage: Talk, act: Callable[[], Awaitable[Outcome]], *, channel: str = "ops") -> Card:
    """Do what asks for a change, and return its card."""
    before = {message.ts for message in await stage.public(channel=channel)}
    done = await act()
    assert done.ok, done.seen

    async def cards() -> list[Shown]:
        shown = await stage.public(channel=channel)
        fresh = [message for message in shown if message.ts not in before and message.thread_ts is None]
        return [message for message in fresh if "fingerprint" in message.text]

    found = await until(cards, bool)
    return Card(stage, found[0].ts, channel)


async def told(stage: Talk, text: str, *, user: str = "ann", channel: str = "ops") -> Shown:
    """Ask for a change that comes to nothing, and return what its person alone is told."""
    before = {message.ts for message in await stage.seen(user=user, channel=channel)}
    said = await stage.control.say(text, user=user, channel=channel)
    assert said.ok, said.seen

    async def answers() -> list[Shown]:
        shown = await stage.seen(user=user, channel=channel)
        fresh = [message for message in shown if message.ts not in before and message.ephemeral]
        return [message for message in fresh if not message.text.startswith("Preparing")]

    return (await until(answers, bool))[0]


def number_of(shown: Shown) -> str:
    """Return the id of the request that a card shows."""
    found = re.search(r"request ([0-9a-f]{8})", shown.text)
    assert found is not None, shown.text
    return found[1]


def workload(stage: Stage, name: str, resource: str = "deployments") -> dict[str, Any]:
    """Return a workload as the API server has it."""
    return stage.world.store.get(resource, NAMESPACE, name)


def image_of(stage: Stage, name: str) -> str:
    return str(workload(stage, name)["spec"]["template"]["spec"]["containers"][0]["image"])


async def audited(store_url: str, *actions: str) -> list[tuple[str, str, str, dict[str, Any]]]:
    """Return the audit's rows about requests: who, what, result, details."""
    async with await psycopg.AsyncConnection.connect(store_url) as connection:
        cursor = await connection.execute("SELECT actor, action, result, detail FROM audit ORDER BY seq")
        rows = [(who, what, result, json.loads(detail)) for who, what, result, detail in await cursor.fetchall()]
    return [row for row in rows if not actions or row[1] in actions]
