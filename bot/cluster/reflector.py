"""One kind of object, kept up to date: a list, then a watch from its version, for as long as it runs.

What may be claimed about the copy, and when:

- A sign of life of the watch is a finished list, an event, a bookmark (the server sends one a minute) or the orderly
  end of the watch. Up to that moment the copy is known to be true.
- While the watch is open and no longer silent than `silence_s`, the copy is also true up to the server's newest sign of
  life of any kind, because the server would have told this watch of a change. Who asks for a copy whose newest sign is
  old lets the server confirm first (`bot.cluster.http.Pulse`).
- A list that has just been read, however long that took, is true as of the moment when it was asked for; its watch is
  given two seconds to be opened.
- A watch that broke off, or that is silent for longer, makes the copy stale as of its own last sign of life.

A connection that the network lost without a word is noticed by TCP keep-alive after about half a minute, by the
missing bookmark after `silence_s` at the latest. Until then a confirmed copy can miss changes; that is the bound of
this promise.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import msgspec

from bot.cluster import faults
from bot.cluster.faults import Tried
from bot.cluster.freshness import Server, State, Watched, judge
from bot.cluster.http import KubernetesHttp, Retries
from bot.cluster.lines import read_lines
from bot.cluster.lists import read_all
from bot.cluster.resources import Resource
from bot.cluster.structs import Bookmark, Status, WatchEvent
from bot.domain.snapshot import PartStatus
from bot.domain.targets import Namespace
from bot.errors import (
    ClusterError,
    ClusterExpired,
    ClusterForbidden,
    ClusterNotFound,
    ClusterThrottled,
)
from bot.ports import Clock

_EVENT = msgspec.json.Decoder(WatchEvent)
_BOOKMARK = msgspec.json.Decoder(Bookmark)
_STATUS = msgspec.json.Decoder(Status)
Listener = Callable[[Any | None, Any], None]
"""Told of each change: the object as it was (None: it was not there) and as it is."""

_TOLD_AT_ONCE = 200
_TAKEN_AT_ONCE = 20
_KEEP_ALIVE = (("TCP_KEEPIDLE", 15), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3))


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How patient a reflector is, in seconds."""

    list_s: float = 30.0
    watch_s: float = 290.0
    silence_s: float = 90.0
    refused_s: float = 60.0
    first_wait_s: float = 0.5
    longest_wait_s: float = 30.0

    @property
    def retries(self) -> Retries:
        """The waits between failures; a watch is tried for ever."""
        return Retries(first_wait_s=self.first_wait_s, longest_wait_s=self.longest_wait_s)


class Reflector:
    """Keeps all objects of one kind in one namespace. Run `run()` in a task group; everything else only looks."""

    def __init__(
        self,
        http: KubernetesHttp,
        resource: Resource,
        namespace: Namespace,
        clock: Clock,
        random: Callable[[], float],
        *,
        timing: Timing | None = None,
        listener: Listener | None = None,
    ) -> None:
        self.resource = resource
        self.settled = asyncio.Event()
        self._state = State.STARTING
        self._alive_at: datetime | None = None
        self._listed_at: datetime | None = None
        self._open_since: datetime | None = None
        self._error: ClusterError | None = None
        self._http = http
        self._path = resource.path(namespace)
        self._namespace = namespace
        self._clock = clock
        self._random = random
        self._timing = timing or Timing()
        self._listener = listener
        self._items: dict[str, Any] = {}
        self._sorted: tuple[Any, ...] | None = ()
        self._version = ""
        self._failures = 0

    @property
    def watched(self) -> Watched:
        """What is known of the watch now."""
        return Watched(self._state, self._alive_at, self._open_since, self._error, self._listed_at)

    @property
    def error(self) -> ClusterError | None:
        """Why the watch is not open."""
        return self._error

    def status(self, server: Server) -> PartStatus:
        """Say how far the copy can be trusted now."""
        silence = timedelta(seconds=self._timing.silence_s)
        return judge(self.watched, server, self._clock.now(), silence=silence)

    @property
    def items(self) -> tuple[Any, ...]:
        """The copy, by name. Cheap: built once for each change."""
        if self._sorted is None:
            self._sorted = tuple(map(self._items.__getitem__, sorted(self._items)))
        return self._sorted

    def get(self, name: str) -> Any | None:
        """Return one object of the copy."""
        return self._items.get(name)

    async def run(self) -> None:
        """List and watch until cancelled."""
        while True:
            try:
                if not self._version:
                    await self._list()
                await self._watch()
            except ClusterExpired as error:
                self._version = ""
                self._fail(error, State.BROKEN)
                if self._failures > 1:  # the first time at once; a server that always says so is not asked in a loop
                    await self._pause(error)
            except (ClusterForbidden, ClusterNotFound) as error:
                self._version = ""
                self._fail(error, State.REFUSED)
                await self._clock.sleep(self._timing.refused_s)
            except ClusterError as error:
                self._fail(error, State.BROKEN)
                await self._pause(error)

    async def _list(self) -> None:
        asked_at = self._clock.now()
        listed = await read_all(self._http, self.resource, self._namespace, timeout_s=self._timing.list_s)
        before, self._items, self._sorted = self._items, listed.items, None
        is_first, self._alive_at, self._listed_at = self._alive_at is None, asked_at, self._clock.now()
        self._version = listed.resource_version
        self._state, self._error = State.STARTING, None
        self.settled.set()
        if not is_first and self._listener is not None:
            for number, (name, item) in enumerate(listed.items.items(), 1):
                self._listener(before.get(name), item)
                if number % _TOLD_AT_ONCE == 0:
                    await asyncio.sleep(0)

    async def _watch(self) -> None:
        seconds = self._timing.watch_s * (1 - 0.2 * self._random())  # so that not all end at the same moment
        query = {
            "watch": "1",
            "resourceVersion": self._version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(max(1, int(seconds))),
        }
        async with self._http.stream(
            self._path, query, total_s=seconds + 30.0, silence_s=self._timing.silence_s
        ) as response:
            _keep_alive(response)
            self._state, self._error, self._open_since = State.WATCHING, None, self._clock.now()
            taken = 0
            async for line in read_lines(response.content):
                self._take(line)
                taken += 1
                if taken % _TAKEN_AT_ONCE == 0:  # a burst of changes arrives as one piece
                    await asyncio.sleep(0)
        self._sign_of_life()
        self._state = State.RENEWING

    def _take(self, line: bytes) -> None:
        """Apply one event. Raises `ClusterError` when it is an error, or not readable."""
        try:
            event = _EVENT.decode(line)
            match event.type:
                case "ADDED" | "MODIFIED":
                    read = self.resource.one.decode(event.object)
                    self._keep(read.metadata.name, self.resource.convert(read))
                    self._version, self._sorted = read.metadata.resource_version, None
                case "DELETED":
                    read = self.resource.one.decode(event.object)
                    self._items.pop(read.metadata.name, None)
                    self._version, self._sorted = read.metadata.resource_version, None
                case "BOOKMARK":
                    self._version = _BOOKMARK.decode(event.object).metadata.resource_version
                case "ERROR":
                    raise faults.from_status_event(_STATUS.decode(event.object), Tried("WATCH", self._path))
                case _:
                    return  # a kind of event that does not exist yet says nothing about the copy
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self._version = ""  # what could not be read is lost to this watch: only a new list makes the copy whole
            raise faults.unreadable(Tried("WATCH", self._path), error) from error
        self._sign_of_life()

    def _keep(self, name: str, item: Any) -> None:
        if self._listener is not None:
            self._listener(self._items.get(name), item)
        self._items[name] = item

    def _sign_of_life(self) -> None:
        self._alive_at = self._clock.now()
        self._failures = 0
        self._http.heard()

    def _fail(self, error: ClusterError, state: State) -> None:
        self._error, self._state = error, state
        self._failures += 1
        self.settled.set()

    async def _pause(self, error: ClusterError) -> None:
        wait = self._timing.retries.wait_s(self._failures, self._random())
        if isinstance(error, ClusterThrottled):
            wait += min(error.retry_after_s, self._timing.refused_s)
        await self._clock.sleep(wait)


def _keep_alive(response: aiohttp.ClientResponse) -> None:
    """Let the kernel notice a peer that vanished without a word; where an option is unknown, the bookmarks do."""
    transport = response.connection.transport if response.connection is not None else None
    wire = transport.get_extra_info("socket") if transport is not None else None
    if wire is None:
        return
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEP_ALIVE:
        if hasattr(socket, option):
            wire.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
