"""A crowd at the stand-in Slack: people of every kind who ask for every kind of thing, and a note of what came of each.

Everybody asks one thing after the other and waits for its answer. How often each thing was answered is known exactly:
by the address for private answers that Slack gave it, by its thread, or by its direct conversation.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from bot.slack.inbound.payloads import press_key
from sandbox.slack.records import Message, ResponseHook
from sandbox.slack.server import SlackServer
from tests.support.watched import AUDITORS, Postman, Watched, words_of

LEAST_BETWEEN_S: Final = 0.11
LOOK_EVERY_S: Final = 0.02
READS: Final = ("status", "status api", "pods", "whoami", "help status", "explain CRASH_LOOP")
_NOT_ACCEPTED: Final = ("not accepted", "may not have been accepted")


class Ask(StrEnum):
    """What somebody does."""

    COMMAND = "command"
    PRESS = "press"
    MISTYPED = "mistyped"
    MENTION = "mention"
    DIRECT = "direct"
    SHARE = "share"
    PRESS_SHARE = "press share"
    FORBIDDEN = "forbidden read"
    FORBIDDEN_SHARE = "forbidden share"


KEPT: Final = frozenset({Ask.MENTION, Ask.DIRECT, Ask.SHARE, Ask.PRESS_SHARE, Ask.FORBIDDEN_SHARE})
EVENTS: Final = frozenset({Ask.MENTION, Ask.DIRECT})
SHARES: Final = frozenset({Ask.SHARE, Ask.PRESS_SHARE})
FORBIDDEN: Final = frozenset({Ask.FORBIDDEN, Ask.FORBIDDEN_SHARE})
OF_MEMBERS: Final[Mapping[Ask, int]] = {
    Ask.COMMAND: 45,
    Ask.PRESS: 15,
    Ask.MISTYPED: 5,
    Ask.MENTION: 9,
    Ask.DIRECT: 9,
    Ask.SHARE: 7,
    Ask.PRESS_SHARE: 4,
    Ask.FORBIDDEN: 6,
}
OF_GUESTS: Final[Mapping[Ask, int]] = {Ask.FORBIDDEN: 70, Ask.FORBIDDEN_SHARE: 30}


@dataclass(slots=True)
class Asked:
    """One thing that was asked for. `delivery` is the platform's id of it, `key` the bot's name.

    Times are seconds of the event loop; `seen` is what the platform itself says of a failure, `told` what its person
    alone was told by the bot, and `answer` the first words of whatever came.
    """

    kind: Ask
    person: str
    channel: str
    text: str
    began: float
    delivery: str = ""
    key: str = ""
    acked: bool = False
    seen: str = ""
    hook: ResponseHook | None = None
    thread: str = ""
    answered_at: float = 0.0
    told: str = ""
    answer: str = ""

    @property
    def refused_to_keep(self) -> bool:
        """Tell whether its person heard that it was not accepted, or may not have been."""
        return any(words in self.told for words in _NOT_ACCEPTED)


@dataclass(slots=True)
class Crowd:
    """The people; `asked` is everything that they asked for so far. `patience_s` is how long they wait for an answer.

    Between two things they pause for up to `pause_s`.
    """

    slack: SlackServer
    workspace: Watched
    postman: Postman
    channels: tuple[str, ...]
    members: tuple[str, ...]
    guests: tuple[str, ...]
    patience_s: float = 60.0
    pause_s: float = 0.0
    asked: list[Asked] = field(default_factory=list)
    stopping: bool = False
    _pressable: dict[str, tuple[str, str]] = field(default_factory=dict)

    async def ask_for(self, count: int, *, seed: int = 1) -> None:
        """Ask for `count` things together, fairly spread, and wait for the answers."""
        left = iter(range(count))
        people = (*self.members, *self.guests)
        await asyncio.gather(*(self._work(name, random.Random(f"{seed} {name}"), left) for name in people))

    async def keep_asking(self, *, seed: int = 1) -> None:
        """Ask until `stopping` is set; return when everybody has the last answer or gave up."""
        await self.ask_for(10**9, seed=seed)

    async def _work(self, name: str, chance: random.Random, left: Iterator[int]) -> None:
        kinds = OF_GUESTS if name in self.guests else OF_MEMBERS
        while not self.stopping and next(left, None) is not None:
            (kind,) = chance.choices(tuple(kinds), tuple(kinds.values()))
            nothing_to_press = kind in {Ask.PRESS, Ask.PRESS_SHARE} and name not in self._pressable
            if nothing_to_press or (kind is Ask.FORBIDDEN and name in AUDITORS):
                kind = Ask.COMMAND
            began = asyncio.get_running_loop().time()
            await self.ask(kind, name, chance.choice(self.channels), chance.choice(READS))
            # Nobody asks more often than the limit for one person allows (a shared answer counts twice).
            rest_s = began + LEAST_BETWEEN_S - asyncio.get_running_loop().time()
            await asyncio.sleep(max(chance.uniform(0, self.pause_s), rest_s))

    async def ask(self, kind: Ask, person: str, channel: str, text: str) -> Asked:
        """Let a person ask for one thing, and wait until it is answered, or until its person gives up."""
        asked = Asked(kind, person, channel, text, asyncio.get_running_loop().time())
        self.asked.append(asked)
        whispers, spoken = self._whispers(asked), self._spoken(asked)
        whispered, public = len(whispers), len(spoken)
        await self._do(asked)
        if asked.acked or asked.kind in EVENTS:  # an event that nobody took comes again
            await self._wait(asked, lambda: len(whispers) > whispered or len(self._spoken(asked)) > public)
        told = self.workspace.answers[asked.hook.secret] if asked.hook else whispers[whispered:]
        asked.answer = next((message.content.text for message in (*self._spoken(asked)[public:], *told)), "")
        asked.told = json.dumps([words_of(message) for message in told])
        if kind in {Ask.COMMAND, Ask.PRESS} and told:
            self._remember_buttons(person, told[-1])
        return asked

    def _remember_buttons(self, person: str, message: Message) -> None:
        words = words_of(message)
        if "Refresh" in words and "Share" in words:
            place = self.workspace.place(message.channel_id)
            self._pressable[person] = place.name, message.ts
        elif self._pressable.get(person, ("", ""))[1] == message.ts:
            del self._pressable[person]

    async def _do(self, asked: Asked) -> None:
        people, name, channel = self.slack.people, asked.person, asked.channel
        match asked.kind:
            case Ask.PRESS | Ask.PRESS_SHARE:
                label = "Refresh" if asked.kind is Ask.PRESS else "Share"
                asked.channel, message = self._pressable[name]
                result = await people.press(label, user=name, channel=asked.channel, message=message)
                asked.key, asked.delivery = press_key(result["payload"], result["action"]), result["trigger_id"]
                asked.hook = self._hook(result["payload"]["response_url"])
            case Ask.MENTION:
                result = await people.say(f"@rag {asked.text}", user=name, channel=channel, thread=None)
                asked.delivery, asked.thread = result["event"]["event_id"], result["ts"]
                asked.key = f"event:{asked.delivery}"
            case Ask.DIRECT:
                result = await people.say(asked.text, user=name, channel="@rag", thread=None)
                asked.delivery = result["event"]["event_id"]
                asked.key = f"event:{asked.delivery}"
            case _:
                result = await people.say(self._typed(asked), user=name, channel=channel, thread=None)
                asked.delivery = result["trigger_id"]
                sent = self.postman.commands[asked.delivery]
                asked.key = f"command:{sent['team_id']}:{asked.delivery}"
                asked.hook = self._hook(sent["response_url"])
        asked.acked, asked.seen = bool(result["acked"]), str(result.get("seen", ""))

    def _typed(self, asked: Asked) -> str:
        match asked.kind:
            case Ask.MISTYPED:
                asked.text = "statsu"
            case Ask.SHARE | Ask.FORBIDDEN_SHARE:
                asked.text = f"share {asked.text}"
            case Ask.FORBIDDEN if asked.person in self.members:
                asked.text = "audit"
        return f"/rag {asked.text}"

    def _hook(self, url: str) -> ResponseHook:
        return self.workspace.hooks[url.rpartition("/")[2]]

    def _whispers(self, asked: Asked) -> list[Message]:
        return self.workspace.whispers[self.workspace.person(asked.person).id]

    def _spoken(self, asked: Asked) -> list[Message]:
        """Return what the bot said for all to see where the answer belongs."""
        if asked.kind is Ask.DIRECT:
            return self.workspace.threads[self.workspace.direct_channel(self.workspace.person(asked.person)).id]
        return self.workspace.threads[asked.thread] if asked.thread else []

    async def _wait(self, asked: Asked, answered: Callable[[], bool]) -> None:
        """Wait for the answer: by its private address where it has one."""
        loop, hook = asyncio.get_running_loop(), asked.hook
        try:
            async with asyncio.timeout(self.patience_s):
                while not (hook.posts if hook is not None else answered()):  # noqa: ASYNC110  # as people do
                    await asyncio.sleep(LOOK_EVERY_S)
        except TimeoutError:
            return
        asked.answered_at = loop.time()


def crowd_in(slack: SlackServer, workspace: Watched) -> Crowd:
    """Return the people of `workspace`, and let its deliveries go by their postman."""
    postman = Postman(slack.courier.transport)
    slack.courier.transport = postman
    names = [name for name, user in workspace.users.items() if not user.is_bot]
    return Crowd(
        slack,
        workspace,
        postman,
        channels=tuple(name for name, channel in workspace.channels.items() if not channel.is_im),
        members=tuple(name for name in names if not workspace.users[name].is_restricted),
        guests=tuple(name for name in names if workspace.users[name].is_restricted),
    )
