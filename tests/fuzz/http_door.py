"""Throw spoilt requests at the door over real sockets, with the bot's own listeners behind it, and judge what happens.

Whatever comes: no answer is a 500 or above, nothing runs that was not signed, nothing is logged as an error, whoever
sent a whole request is answered, and memory stays bounded. The oracle checks each signature by itself, right before
the listeners.

    python -m tests.fuzz.http_door --inputs 100000 --seed 7
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slack_bolt import BoltResponse
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.people import Actor
from bot.domain.requests import Post, Request
from bot.domain.view import View
from bot.errors import StoreUnavailable
from bot.hot.memory import MemoryHotState
from bot.main.clock import SystemClock
from bot.once import Once
from bot.ports import Unmetered
from bot.references import References
from bot.settings import Listen
from bot.slack.inbound.app import Identity, Inbound, InboundEquipment
from bot.slack.inbound.effects import needs_certainty
from bot.slack.inbound.http import Door
from tests.fuzz.inputs import Input, inputs
from tests.support.service import stage
from tests.support.signing import SECRET, sign
from tests.support.surfaces import RecordingSurfaces
from tests.support.twins import TableDirectory

AT_ONCE = 24
WITHIN_S = 60.0
# Whoever sends no whole request hears nothing; that is believed after so long.
PATIENCE_S = 0.05
MOST_GROWTH = 96 * 1024 * 1024
IDENTITY = Identity(team_id="T1", bot_user_id="UBOT", bot_id="BBOT", token="xoxb-made-up")


@dataclass(slots=True)
class Verdict:
    """What happened: answers by kind of input and status, what ran, and everything that must not be."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    ran: int = 0
    seconds: float = 0.0
    growth: int = 0
    faults: list[str] = field(default_factory=list)

    def table(self) -> str:
        """Return the counts, one line each."""
        lines = [f"{kind:9} {status or 'none':>5} {count:8}" for (kind, status), count in sorted(self.answers.items())]
        total = f"{sum(self.answers.values())} inputs, {self.ran} ran, in {self.seconds:.0f} s"
        return "\n".join([*lines, f"{total}, memory grew by {self.growth // 1024} KiB", *self.faults[:20]])


class _Away:
    """A part of a store that does not answer, whatever it is asked."""

    def __getattr__(self, name: str) -> Any:
        async def asked(*_: object, **__: object) -> None:
            raise StoreUnavailable(f"nothing but keys is kept here: no {name}")

        return asked


class _Keys:
    """As much of a store as recognises keys and keeps requests."""

    def __init__(self) -> None:
        self._keys: set[str] = set()
        self.seen = self.inbox = self
        self.record = self.operations = self.history = self.episodes = self.slots = _Away()

    async def first(self, key: str, *, keep_s: int) -> bool:
        del keep_s
        new = key not in self._keys
        self._keys.add(key)
        return new

    async def accept(self, request: Request) -> bool:
        request.key.encode()
        assert "\0" not in request.key + request.text + request.actor.user_id + request.place.channel
        return await self.first(request.key, keep_s=0)

    async def waiting(self, actor: Actor) -> list[Request]:
        del actor
        return []

    def transaction(self) -> Any:
        raise StoreUnavailable("nothing but keys is kept here")


class _Quiet:
    """A `Notifier` that keeps nothing."""

    async def post(self, post: Post, *, tag: str) -> str:
        del post, tag
        return "1.0"

    async def find(self, place: object, *, tag: str) -> str | None:
        del place, tag
        return None

    async def reply(self, request: Request, view: View, *, replace: bool = False) -> None:
        del request, view, replace


@asynccontextmanager
async def door(verdict: Verdict) -> AsyncIterator[int]:
    """Open a door to the bot's own listeners, and watch over each thing that reaches them."""
    clock, chance = SystemClock(), random.Random(3)
    keys, references = _Keys(), References(random.Random(4))
    service = stage().service(keys)  # type: ignore[arg-type]  # the parts it uses
    once = Once(MemoryHotState(clock), keys)  # type: ignore[arg-type]  # the parts it uses
    inbound = Inbound(
        InboundEquipment(
            service=service,
            notifier=_Quiet(),
            surfaces=_Forgetful(),
            directory=TableDirectory(),
            references=references,
            clock=clock,
            wake=lambda: None,
            once=once,
        )
    )
    app = inbound.app(AsyncWebClient(token=IDENTITY.token), IDENTITY, signing_secret=SECRET)
    dispatch = app.async_dispatch

    async def watched(request: AsyncBoltRequest) -> BoltResponse:
        verdict.ran += 1
        stamp, signature = (request.headers[name][0] for name in ("x-slack-request-timestamp", "x-slack-signature"))
        if sign(request.raw_body.encode(), str(stamp)) != signature or abs(time.time() - int(stamp)) > 310:
            verdict.faults.append(f"ran without a valid signature: {request.raw_body[:200]!r}")
        return await dispatch(request)

    app.async_dispatch = watched  # type: ignore[method-assign]  # the oracle stands right before the listeners
    shut = Door(
        app, SECRET, once=once, clock=clock, meter=Unmetered(), references=References(chance), certain=needs_certainty
    )
    async with shut.serve(Listen("127.0.0.1", 0)) as port:
        yield port
    await inbound.drain(5)


class _Forgetful(RecordingSurfaces):
    """`Surfaces` that keep nothing."""

    async def publish_home(self, user_id: str, view: View, *, version: str = "") -> str:
        del user_id, view, version
        return "hash"


class _Errors(logging.Handler):
    """Keeps what was logged as an error, and no more of it than a person would read."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(logging.ERROR)
        self._verdict = verdict

    def emit(self, record: logging.LogRecord) -> None:
        if len(self._verdict.faults) < 200:
            self._verdict.faults.append("logged: " + self.format(record)[-1500:])


@contextmanager
def watching(verdict: Verdict) -> Iterator[None]:
    """Take every error that is logged for a fault."""
    handler = _Errors(verdict)
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)


async def throw(port: int, things: Iterator[Input], verdict: Verdict) -> None:
    """Send one input after the other, over one connection for as long as it lasts."""
    streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
    for thing in things:
        if not thing.whole:
            verdict.answers[thing.kind, await _alone(port, thing, verdict)] += 1
            continue
        if streams is None:
            streams = await asyncio.open_connection("127.0.0.1", port)
        try:
            async with asyncio.timeout(WITHIN_S):
                status, closes = await _ask(*streams, thing)
        except (TimeoutError, EOFError, ConnectionError) as error:
            verdict.faults.append(f"no answer ({error!r}) to {thing.data[:300]!r}")
            status, closes = 0, True
        _judge(thing, status, verdict)
        if closes:
            streams[1].close()
            streams = None
    if streams is not None:
        streams[1].close()


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, thing: Input) -> tuple[int, bool]:
    writer.write(thing.data)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = head.partition(b"content-length: ")[2].partition(b"\r\n")[0]
    if length and not thing.data.startswith(b"HEAD"):
        await reader.readexactly(int(length))
    return int(head.split(b" ", 2)[1]), b"\r\nconnection: close" in head


def _judge(thing: Input, status: int, verdict: Verdict) -> None:
    verdict.answers[thing.kind, status] += 1
    # What is not signed is refused; a bare look at the certificate is answered, and runs nothing (see `door`).
    expected = {200, 400, 404, 415} if thing.signed else {200, 400, 401, 404, 405}
    if status not in expected:
        verdict.faults.append(f"status {status} to {thing.data[:600]!r}")


async def _alone(port: int, thing: Input, verdict: Verdict) -> int:
    """Send what is no HTTP over a connection of its own, hang up, and return the first status that is answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answered = b""
    with suppress(ConnectionError):
        writer.write(thing.data)
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                answered = await reader.read(4096)
        writer.write_eof()
        try:
            async with asyncio.timeout(WITHIN_S):
                answered += await reader.read()
        except TimeoutError:
            verdict.faults.append(f"never ended: {thing.data[:300]!r}")
    writer.close()
    status = int(answered[9:12]) if answered.startswith(b"HTTP/1.") else 0
    if status >= 500:
        verdict.faults.append(f"status {status} to {thing.data[:600]!r}")
    return status


async def storm(count: int, seed: int) -> Verdict:
    """Throw so many inputs made from `seed`, and return what happened."""
    verdict, began, before = Verdict(), time.monotonic(), 0
    things = inputs(count, seed, time.time)
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: verdict.faults.append(f"the loop: {context}"))
    with watching(verdict):
        async with door(verdict) as port:
            for part in (count // 10, count):  # what is loaded and compiled at first is no growth
                some = _first(things, part)
                async with asyncio.TaskGroup() as group:
                    for _ in range(AT_ONCE):
                        group.create_task(throw(port, some, verdict))
                before = before or _resident()
            verdict.growth = _resident() - before
    if verdict.growth > MOST_GROWTH:
        verdict.faults.append(f"memory grew by {verdict.growth} bytes")
    verdict.seconds = time.monotonic() - began
    return verdict


def _first(things: Iterator[Input], most: int) -> Iterator[Input]:
    """Return an iterator that many tasks may share."""
    for number, thing in enumerate(things, start=1):
        yield thing
        if number >= most:
            return


def _resident() -> int:
    """Return this process's memory in bytes."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4096


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    logging.getLogger("slack_bolt").setLevel(logging.ERROR)
    logging.getLogger().addHandler(logging.NullHandler())  # tens of thousands of refusals are for nobody to read
    verdict = asyncio.run(storm(given.inputs, given.seed))
    sys.stdout.write(verdict.table() + "\n")
    return 1 if verdict.faults else 0


if __name__ == "__main__":
    sys.exit(main())
