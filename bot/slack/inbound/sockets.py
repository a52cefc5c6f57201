"""Socket Mode: several connections to the platform, so that one may end without anything being missed.

Each is kept by a task of its own. When the platform warns that it will end one, the next is opened before the old is
closed. Addresses are asked for one after the other, as often as the platform allows. What no waiting mends (a refused
token, Socket Mode switched off) ends all of them and is told: by `connect` at the start, by `deaf` afterwards.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from aiohttp import ClientError, ClientSession, ClientWSTimeout
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.errors import SlackApiError, SlackClientError

from bot.backoff import backoff
from bot.cancellation import was_cancelled
from bot.errors import Fault, SettingsError
from bot.ports import Clock
from bot.references import References
from bot.slack.codes import code_of
from bot.slack.inbound.line import Line, Pace

log = logging.getLogger(__name__)

KEY: Final = "SLACK_APP_TOKEN"
_SWITCHED_OFF: Final = "Socket Mode is switched off on the app's page; switch it on there and start again"
_LARGEST_FRAME: Final = 4 * 1024 * 1024
_REFUSALS: Final = frozenset(
    {
        "account_inactive",
        "forbidden_team",
        "invalid_auth",
        "missing_scope",
        "no_permission",
        "not_allowed_token_type",
        "not_authed",
        "team_access_not_granted",
        "token_expired",
        "token_revoked",
    }
)


@dataclass(frozen=True, slots=True)
class SocketState:
    """How many connections are alive, how many are wanted, and what went wrong last (empty: nothing)."""

    alive: int
    wanted: int
    problem: str


class _NotOpened(Exception):
    """A connection could not be opened; it may be tried again after `wait_s` at the earliest."""

    def __init__(self, problem: str, *, wait_s: float = 0.0) -> None:
        super().__init__(problem)
        self.problem = problem
        self.wait_s = wait_s


class _Refused(Exception):
    """No connection will ever be opened like this."""


class Sockets:
    """The connections of one replica."""

    def __init__(
        self,
        app: AsyncApp,
        app_token: str,
        *,
        clock: Clock,
        chance: random.Random,
        connections: int = 2,
        pace: Pace | None = None,
    ) -> None:
        self._app = app
        self._app_token = app_token
        self._clock = clock
        self._chance = chance
        self._wanted = connections
        self._pace = pace or Pace()
        self._references = References(chance)
        self._opening = asyncio.Lock()
        self._lines: list[Line] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: ClientSession | None = None
        self._since: datetime = clock.now()
        self._problem = "no connection was opened yet"
        self._over = ""

    async def connect(self) -> None:
        """Open the first connection, for as long as the platform does not answer; the others follow by themselves.

        Raises `SettingsError` when it refuses the app token, or has Socket Mode switched off.
        """
        self._session = ClientSession()
        attempts = 0
        while True:
            try:
                first = await self._open()
                break
            except _Refused as error:
                raise SettingsError([Fault(KEY, str(error))]) from error
            except _NotOpened as error:
                attempts += 1
                await self._pause(error, attempts)
        for line in (first, *[None] * (self._wanted - 1)):
            self._own(self._keep(line))

    async def deaf(self) -> str:
        """Return why nothing of the platform can reach this replica; empty while at least one connection is alive."""
        return "" if self.state().alive else self._over or f"no connection to Slack is alive: {self._problem}"

    def state(self) -> SocketState:
        """Return how many connections there are."""
        now = self._clock.now()
        alive = sum(line.alive(now) for line in self._lines)
        return SocketState(alive, self._wanted, "" if alive >= self._wanted else self._over or self._problem)

    async def close(self) -> None:
        """Take nothing new, let the acknowledgements that are being made go out, and close every connection."""
        self._over = self._over or "the bot is stopping"
        lines = tuple(self._lines)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(line.close() for line in lines))
        self._lines.clear()
        if self._session is not None:
            await self._session.close()

    # --- one connection after the other -------------------------------------------------------------------------------

    async def _keep(self, line: Line | None) -> None:
        """Keep one connection open for as long as the program runs."""
        attempts = 0
        while not self._over and not was_cancelled():
            if line is None:
                try:
                    line = await self._open()
                except _Refused as error:
                    self._end(str(error))
                    return
                except _NotOpened as error:
                    attempts += 1
                    await self._pause(error, attempts)
                    continue
            steady = await self._attend(line)
            line, attempts = None, 0 if steady else attempts + 1
            if attempts and not self._over:
                await self._clock.sleep(backoff(attempts, self._chance, longest_s=self._pace.longest_s))

    async def _attend(self, line: Line) -> bool:
        """Listen until the connection is over; tell whether it lived long enough for the next one to come at once."""
        reason = await line.listen()
        log.info("a socket to Slack ends: %s", reason, extra={"event": "socket_ends", "reason": reason})
        # It stays beside its successor for as long as it can: nothing that is under way is lost.
        self._own(self._see_off(line))
        if reason == "link_disabled":
            self._end(_SWITCHED_OFF)
            return False
        self._problem = f"the last one ended ({reason})"
        if reason == "too_many_websockets":
            await self._clock.sleep(self._pace.full_s * self._chance.uniform(0.5, 1.0))
        return (self._clock.now() - line.began).total_seconds() >= self._pace.steady_s

    async def _open(self) -> Line:
        """Open a connection and wait for its hello. Raises `_NotOpened` and `_Refused`."""
        async with self._opening:
            url = await self._address()
            line = await self._dial(url)
        reason = await line.greet()
        if not reason:
            self._lines.append(line)
            log.info("a socket to Slack is open", extra={"event": "socket_open", "open": len(self._lines)})
            return line
        await line.close()
        if reason == "link_disabled":
            raise _Refused(_SWITCHED_OFF)
        if reason == "too_many_websockets":
            raise _NotOpened("Slack allows the app no further connection", wait_s=self._pace.full_s)
        raise _NotOpened(f"it ended before it began ({reason})")

    async def _address(self) -> str:
        """Ask for an address, which is good for one connection."""
        try:
            async with asyncio.timeout(self._pace.open_s):
                answer = await self._app.client.apps_connections_open(app_token=self._app_token)
        except SlackApiError as error:
            code = code_of(error)
            if code in _REFUSALS:
                what = f"Slack refuses it ({code}); it must be an app-level token with connections:write"
                raise _Refused(what) from error
            if code == "ratelimited":
                # Whoever holds the lock waits, so that nobody else asks meanwhile.
                await self._clock.sleep(_retry_after(error) + self._chance.uniform(0, 1))
            raise _NotOpened(code or "Slack gave no reason") from error
        except (OSError, TimeoutError, ClientError, SlackClientError, AttributeError) as error:
            # The last is the library's way to say that an answer is no JSON object.
            raise _NotOpened(f"Slack does not answer ({type(error).__name__})") from error
        return str(answer["url"])

    async def _dial(self, url: str) -> Line:
        if self._session is None:
            raise RuntimeError("`connect` comes first")
        client = self._app.client
        try:
            async with asyncio.timeout(self._pace.open_s):
                socket = await self._session.ws_connect(
                    url,
                    autoping=False,
                    max_msg_size=_LARGEST_FRAME,
                    timeout=ClientWSTimeout(ws_close=1.0),
                    proxy=client.proxy,
                    ssl=client.ssl if client.ssl is not None else True,
                )
        except (OSError, TimeoutError, ClientError) as error:
            raise _NotOpened(f"the address given by Slack cannot be reached ({type(error).__name__})") from error
        return Line(socket, self._app, self._clock, self._references, self._pace)

    async def _pause(self, error: _NotOpened, attempts: int) -> None:
        self._problem = error.problem
        extra = {"event": "slack_unavailable", "attempts": attempts}
        log.warning("no socket to Slack: %s", error.problem, extra=extra)
        if was_cancelled():
            raise asyncio.CancelledError
        wait_s = error.wait_s * self._chance.uniform(0.5, 1.0)
        await self._clock.sleep(max(wait_s, backoff(attempts, self._chance, longest_s=self._pace.longest_s)))

    # --- the end ------------------------------------------------------------------------------------------------------

    async def _see_off(self, line: Line) -> None:
        try:
            await line.leave()
        finally:
            self._lines.remove(line)

    def _end(self, why: str) -> None:
        """Open no connection any more, and tell operators. Those that are open live for as long as they are let."""
        if not self._over:
            self._over = why
            log.error("no socket to Slack any more: %s", why, extra={"event": "slack_refused"})

    def _own(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            extra = {"event": "socket_broken", "reference": self._references.new()}
            log.error("a socket's task failed", exc_info=error, extra=extra)


def _retry_after(error: SlackApiError) -> float:
    headers = getattr(error.response, "headers", None) or {}
    told = str(headers.get("Retry-After", ""))
    return float(told) if told.isdecimal() else 30.0
