"""Hears the wake-ups of other replicas, on a connection of its own that is opened anew whenever it breaks."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final

from redis.asyncio.client import PubSub
from redis.exceptions import ConnectionError as RedisConnectionError

from bot.cancellation import was_cancelled
from bot.hot.bells import Bells
from bot.hot.connection import ANSWER_TIMEOUT_S, FAILURES, connect
from bot.ports import Clock

_LOG = logging.getLogger(__name__)

CHANNEL: Final = "ragops:wakes"
QUIET_S: Final = 5.0
"""After so long without a word the connection is tried, so that one that the network lost is noticed."""
_SHORTEST_PAUSE_S: Final = 0.25
_LONGEST_PAUSE_S: Final = 5.0


class Listener:
    """Rings the bells of this process for what other replicas publish; what this process said itself is left out.

    A message is `SENDER NAME`. What was published while nobody listened is lost, so everybody is woken once when a
    broken connection is back.
    """

    def __init__(self, url: str, clock: Clock, bells: Bells, *, sender: str) -> None:
        self._redis = connect(url, retries=0, connections=1)
        self._clock = clock
        self._bells = bells
        self._sender = sender
        self._task: asyncio.Task[None] | None = None
        self._failures = 0
        self._missed = False

    def start(self) -> None:
        """Begin to listen, unless that was begun before."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(), name="hot-state-listener")
            self._task.add_done_callback(_say_why_it_ended)

    async def stop(self) -> None:
        """Listen no more and close the connection."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        await self._redis.aclose()

    async def _run(self) -> None:
        while not was_cancelled():
            try:
                await self._listen()
            except FAILURES as error:
                self._note_loss(error)
            await self._clock.sleep(min(_LONGEST_PAUSE_S, _SHORTEST_PAUSE_S * 2 ** min(self._failures, 8)))

    async def _listen(self) -> None:
        """Listen until the connection breaks; then raise."""
        async with self._redis.pubsub() as heard:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                await heard.subscribe(CHANNEL)
                while (await self._next(heard, ANSWER_TIMEOUT_S) or {}).get("type") != "subscribe":
                    continue
            self._note_listening()
            asked = False
            while not was_cancelled():
                message = await self._next(heard, QUIET_S)
                if message is None and asked:
                    raise RedisConnectionError("no answer")
                asked = message is None
                if message is None:
                    async with asyncio.timeout(ANSWER_TIMEOUT_S):
                        await heard.ping()
                elif message["type"] == "message":
                    self._take(message["data"])

    @staticmethod
    async def _next(heard: PubSub, wait_s: float) -> dict[str, Any] | None:
        message: dict[str, Any] | None = await heard.get_message(timeout=wait_s)
        return message

    def _take(self, data: bytes) -> None:
        try:
            sender, _, name = str(data, "utf-8", "surrogatepass").partition(" ")
        except UnicodeDecodeError:
            return  # none of ours: a replica publishes text
        if sender != self._sender:
            self._bells.ring(name)

    def _note_listening(self) -> None:
        if self._missed:
            _LOG.info("wake-ups of other replicas are heard again", extra={"event": "wakes_heard"})
            self._bells.ring_all()
        self._failures = 0
        self._missed = False

    def _note_loss(self, error: Exception) -> None:
        if not self._missed:
            extra = {"event": "wakes_lost", "reason": type(error).__name__}
            _LOG.warning("wake-ups of other replicas are not heard; what they are for is polled", extra=extra)
        self._failures += 1
        self._missed = True


def _say_why_it_ended(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        _LOG.error(
            "a bug: wake-ups of other replicas are no longer heard",
            exc_info=task.exception(),
            extra={"event": "wakes_broken"},
        )
