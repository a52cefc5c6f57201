"""The demo's prompt: be a person in a channel, type, press buttons, see what they see."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import WordCompleter
from prompt_toolkit.patch_stdout import patch_stdout

from sandbox import gestures
from sandbox.slack.control import ControlError, Shown, SlackControl

HELP = """\
/rag status            a command, as in Slack        @rag status    the same by mention, for all to see
press Refresh          press a button you see        press 1        the first of the newest message that has some
yes                    go on, where a button asks    as bob         be somebody else (ann, bob, lea, vic, eve, …)
as bob press 1         do one thing as somebody else: ann asks for changes, bob and lea approve them, vic looks
in incidents           go to another channel         thread TS      go into a thread; `thread` leaves it
dm status api          a direct message to the bot   home           open the bot's Home tab; `in ops` leads back
shortcut build         open the dialog for commands  shortcut explain [TS]   explain the newest message, or that one
fill where=kube        fill a field of the dialog    submit why=…   send the dialog; `dialog` shows it, `close` leaves
read                   show all of it again          quit           end (or Ctrl-C)"""
WORDS: Final = (
    "/rag status", "/rag help", "/rag whoami", "/rag can status", "press Refresh", "press Share", "press 1", "yes",
    "as bob", "as bob press 1", "read", "home", "dm status", "shortcut build", "shortcut explain", "dialog", "submit",
    "close", "in ops", "help", "quit",
)  # fmt: skip
_YES = "(`yes` goes on; anything else leaves it)"
_SENT = "(sent; the answer is in the channel that the dialog named)"


@dataclass(slots=True)
class Seat:
    """Who sits at the keyboard, where, and what they have seen already."""

    user: str = "ann"
    channel: str = "ops"
    thread: str = ""
    at_home: bool = False
    seen: dict[tuple[str, str], int] = field(default_factory=dict)
    views: dict[str, str] = field(default_factory=dict)

    @property
    def prompt(self) -> str:
        """Return the prompt: `ann in #ops> `."""
        return f"{self.user} {self.place}{' (thread)' if self.thread else ''}> "

    @property
    def place(self) -> str:
        """Say where that is."""
        if self.at_home:
            return "at Home"
        return f"in {self.channel}" if self.channel == gestures.DIRECT else f"in #{self.channel}"

    def become(self, user: str) -> None:
        """Be somebody else, who has seen nothing yet."""
        self.user, self.seen, self.views = user, {}, {}

    def go(self, channel: str, *, thread: str = "") -> None:
        """Sit down in another channel or thread."""
        self.channel, self.thread, self.at_home = channel, thread, False


class Prompt:
    """Reads lines and acts them out until the person leaves."""

    def __init__(self, control: SlackControl) -> None:
        self._control = control
        self._asked: gestures.Button | None = None
        self.seat = Seat()

    async def run(self) -> None:
        """Ask for lines until `quit`, Ctrl-D or Ctrl-C."""
        session: PromptSession[str] = PromptSession(completer=WordCompleter(list(WORDS), sentence=True))
        with patch_stdout():
            while True:
                try:
                    line = await session.prompt_async(self.seat.prompt)
                except (EOFError, KeyboardInterrupt):
                    return
                if line.strip() in ("quit", "exit"):
                    return
                for text in await self.act(line.strip()):
                    print(text)

    async def act(self, line: str) -> list[str]:
        """Act one line out and return what is then to be seen, a text for each message, page and dialog."""
        word, _, rest = line.partition(" ")
        if not word:
            return []
        if word in ("help", "?"):
            return [HELP]
        asked, self._asked = self._asked, None
        try:
            if word == "yes" and asked is not None:
                return await self._go_on(asked)
            user, _, inner = rest.strip().partition(" ")
            if word == "as" and inner:
                return await self._as(user, inner.strip())
            moved = await self._move(word, rest.strip())
            return moved if moved is not None else await self._do(word, rest.strip(), line)
        except (ControlError, ValueError) as error:
            return [str(error)]

    async def _as(self, user: str, line: str) -> list[str]:
        """Act one line out as somebody else in the same place; return what they then see, and what is new here."""
        here = self.seat
        # Who does not exist is told before anybody becomes it.
        await self._control.home(user)
        there = self.seat = replace(here, user=user, seen={}, views={})
        try:
            await self._news()
            known = dict(there.seen)
            told = await self.act(line)
        finally:
            self.seat = here
        # What all see was shown a moment ago.
        here.seen |= {key: edits for key, edits in there.seen.items() if known.get(key) != edits}
        return [*([f"(as {user})"] if told else []), *told, *await self._news()]

    async def _go_on(self, button: gestures.Button) -> list[str]:
        """Press what a person was asked about, as that person."""
        if button.user != self.seat.user:
            self._asked = button
            return await self._as(button.user, "yes")
        failed = await gestures.press(self._control, button)
        await self._control.settle()
        return [*([failed] if failed else []), *await self._news()]

    async def _move(self, word: str, rest: str) -> list[str] | None:
        """Change who looks and where; None when the line is no such move."""
        seat = self.seat
        match word:
            case "as":
                # Who does not exist is told before anybody becomes it.
                await self._control.home(rest or "ann")
                seat.become(rest or "ann")
                await self._news()
                return []
            case "in":
                seat.go(rest.removeprefix("#") or "ops")
            case "thread":
                seat.go(seat.channel, thread=rest)
            case "read":
                seat.become(seat.user)
            case "dialog":
                shown = seat.views["dialog"] = await gestures.dialog(self._control, user=seat.user)
                return [shown]
            case _:
                return None
        return await self._news() or [f"(nothing new {seat.place})"]

    async def _do(self, word: str, rest: str, line: str) -> list[str]:
        """Do something that the bot may hear of, wait until all is still, and return what is new."""
        failed = await self._gesture(word, rest, line)
        await self._control.settle()
        news = [*([failed] if failed else []), *await self._news()]
        return news or ([_SENT] if word == "submit" else [])

    async def _gesture(self, word: str, rest: str, line: str) -> str:
        seat, control = self.seat, self._control
        match word:
            case "press":
                channel = "" if seat.at_home else seat.channel
                button = gestures.Button(label=rest, user=seat.user, channel=channel, at_home=seat.at_home)
                asks, button = await gestures.question(control, await gestures.numbered(control, button))
                if asks:
                    self._asked = button
                    return f"{asks}\n{_YES}"
                return await gestures.press(control, button)
            case "home":
                seat.at_home = True
                page = seat.views["page"] = await gestures.open_home(control, user=seat.user)
                return page
            case "dm":
                seat.go(gestures.DIRECT)
                return await gestures.direct(control, rest, user=seat.user) if rest else ""
            case "shortcut":
                name, _, message = rest.partition(" ")
                return await gestures.shortcut(
                    control, name, user=seat.user, channel=seat.channel, message=message.strip()
                )
            case "fill":
                shown = seat.views["dialog"] = await gestures.fill(
                    control, gestures.filled(shlex.split(rest)), user=seat.user
                )
                return shown
            case "submit":
                return await gestures.submit(control, gestures.filled(shlex.split(rest)), user=seat.user)
            case "close":
                return await gestures.close(control, user=seat.user)
            case _:
                seat.at_home = False
                return await gestures.say(control, line, user=seat.user, channel=seat.channel, thread=seat.thread)

    async def _news(self) -> list[str]:
        """Return what this person has not seen yet: messages of the channel and its threads, the page, the dialog."""
        seat, news = self.seat, []
        if seat.at_home:
            news += self._changed("page", await gestures.home(self._control, user=seat.user))
        else:
            shown = await self._control.read(channel=seat.channel, user=seat.user, thread="all")
            news += [gestures.show(message, indent="  ") for message in self._unseen(shown)]
        return news + self._changed("dialog", await gestures.dialog(self._control, user=seat.user))

    def _changed(self, kind: str, text: str) -> list[str]:
        before, self.seat.views[kind] = self.seat.views.get(kind, ""), text
        return [text] if text not in (before, gestures.NOTHING) else []

    def _unseen(self, shown: Iterable[Shown]) -> Iterable[Shown]:
        for message in shown:
            key = (message.channel, message.ts)
            if self.seat.seen.get(key) != message.edits:
                self.seat.seen[key] = message.edits
                if message.author != self.seat.user:
                    yield message
