"""As much of Redis' language as a probe speaks: one command, one answer, both bounded.

Spoken by hand rather than with the client of `bot.hot`: the connection goes to an address that was checked under a name
that is verified, nothing is sent before PING, refusals keep their exact words, and no answer is longer than we allow.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass

from bot.probes.way import Door

MOST_BYTES = 256 * 1024
_LONGEST_LINE = 16 * 1024


class NotSpoken(Exception):
    """What came back is not said as Redis says it. `beginning` is how it begins."""

    def __init__(self, beginning: bytes = b"") -> None:
        super().__init__("not as Redis speaks")
        self.beginning = beginning


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. `refusal` is the word that a refusal begins with (`NOAUTH`, `ERR`), empty for none."""

    text: str
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Speech:
    """A conversation."""

    _reader: asyncio.StreamReader
    _writer: asyncio.StreamWriter

    async def say(self, *words: str) -> Reply:
        """Say a command and return the answer. Raises `NotSpoken` or OSError."""
        parts = [word.encode("utf-8", "surrogateescape") for word in words]
        self._writer.write(b"".join((b"*%d\r\n" % len(parts), *(b"$%d\r\n%s\r\n" % (len(it), it) for it in parts))))
        line = await self._line()
        kind, rest = line[:1], line[1:]
        match kind:
            case b"+" | b":":
                return Reply(_text(rest))
            case b"-":
                return Reply(_text(rest), _text(rest.partition(b" ")[0]) or "ERR")
            case b"$" if rest.isdigit() and int(rest[:9]) <= MOST_BYTES and len(rest) < 9:
                return Reply(_text((await self._exactly(int(rest) + 2))[:-2]))
            case _:
                raise NotSpoken(line)

    def end(self) -> None:
        """Hang up."""
        self._writer.transport.abort()

    async def _line(self) -> bytes:
        try:
            return (await self._reader.readuntil(b"\r\n"))[:-2]
        except asyncio.IncompleteReadError as error:
            raise NotSpoken(error.partial) from error
        except asyncio.LimitOverrunError as error:
            raise NotSpoken from error

    async def _exactly(self, number: int) -> bytes:
        try:
            return await self._reader.readexactly(number)
        except asyncio.IncompleteReadError as error:
            raise NotSpoken(error.partial) from error


async def speaking(door: Door, *, tls: ssl.SSLContext | None, name: str) -> Speech:
    """Begin to speak on a connection, which it takes over. Raises OSError where TLS cannot be agreed upon."""
    server_name = name if tls else None
    try:
        reader, writer = await asyncio.open_connection(
            sock=door.socket, ssl=tls, server_hostname=server_name, limit=_LONGEST_LINE
        )
    except BaseException:
        door.close()
        raise
    return Speech(reader, writer)


def _text(said: bytes) -> str:
    return said.decode("utf-8", "replace")
