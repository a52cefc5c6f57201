"""The demo's prompt: be a person in a channel, type, press buttons, see what they see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import WordCompleter
from prompt_toolkit.patch_stdout import patch_stdout

from sandbox import gestures
from sandbox.slack.control import ControlError, Shown, SlackControl

HELP = """\
/rag status            a command, as in Slack        @rag status    the same by mention, for all to see
press Refresh          press a button you see        as bob         be somebody else (ann, bob, vic, eve, …)
in incidents           go to another channel         thread TS      go into a thread; `thread` leaves it
read                   show the channel again        quit           end (or Ctrl-C)"""


@dataclass(slots=True)
class Seat:
    """Who sits at the keyboard, where, and what they have seen already."""

    user: str = "ann"
    channel: str = "ops"
    thread: str = ""
    seen: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def prompt(self) -> str:
        """Return the prompt: `ann in #ops> `."""
        return f"{self.user} in #{self.channel}{' (thread)' if self.thread else ''}> "


class Prompt:
    """Reads lines and acts them out until the person leaves."""

    def __init__(self, control: SlackControl) -> None:
        self._control = control
        self._seat = Seat()

    async def run(self) -> None:
        """Ask for lines until `quit`, Ctrl-D or Ctrl-C."""
        words = ["/rag status", "/rag help", "/rag whoami", "press Refresh", "press Share", "as bob", "read", "quit"]
        session: PromptSession[str] = PromptSession(completer=WordCompleter(words, sentence=True))
        with patch_stdout():
            while True:
                try:
                    line = await session.prompt_async(self._seat.prompt)
                except (EOFError, KeyboardInterrupt):
                    return
                if line.strip() in ("quit", "exit"):
                    return
                for text in await self.act(line.strip()):
                    print(text)

    async def act(self, line: str) -> list[str]:
        """Act one line out and return what is then to be seen, a text for each message."""
        word, _, rest = line.partition(" ")
        seat = self._seat
        try:
            match word:
                case "":
                    return []
                case "help" | "?":
                    return [HELP]
                case "as":
                    seat.user, seat.seen = rest.strip() or "ann", {}
                    return await self._catch_up()
                case "in":
                    seat.channel, seat.thread = rest.strip().removeprefix("#") or "ops", ""
                    return await self._news()
                case "thread":
                    seat.thread = rest.strip()
                    return await self._news()
                case "read":
                    seat.seen = {}
                    return await self._news()
                case "press":
                    failed = await gestures.press(self._control, rest.strip(), user=seat.user, channel=seat.channel)
                case _:
                    failed = await gestures.say(
                        self._control, line, user=seat.user, channel=seat.channel, thread=seat.thread
                    )
        except ControlError as error:
            return [str(error)]
        await self._control.settle()
        return [*([failed] if failed else []), *await self._news()]

    async def _catch_up(self) -> list[str]:
        await self._news()
        return []

    async def _news(self) -> list[str]:
        """Return what this person has not seen yet, in the channel and its threads."""
        shown = await self._control.read(channel=self._seat.channel, user=self._seat.user, thread="all")
        return [gestures.show(message, indent="  ") for message in self._unseen(shown)]

    def _unseen(self, shown: Iterable[Shown]) -> Iterable[Shown]:
        for message in shown:
            key = (message.channel, message.ts)
            if self._seat.seen.get(key) != message.edits:
                self._seat.seen[key] = message.edits
                if message.author != self._seat.user:
                    yield message
