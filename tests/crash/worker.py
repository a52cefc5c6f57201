"""A worker without Slack that ends or stops itself at a point: forked from a process that has everything loaded.

`python -m tests.crash.worker SOCKET` listens there. Who connects sends one order as a line of JSON; a forked worker
then tells through the same connection what it does, until it is gone.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bot.engine.executing import Executor
from bot.engine.verifying import Aftercare
from bot.errors import StoreUnavailable
from bot.rights import DirectoryRights
from bot.store.store import PostgresStore
from bot.worker import Intake
from tests.crash import slot_worker
from tests.support import engine
from tests.support.carrying import workshop_on
from tests.support.twins import RecordingNotifier

_IDLE_S = 0.02
_NEVER_S = 86_400.0
_SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a worker is to be: where its database and cluster are, and where it is struck, for the n-th time there.

    Without a point it lives on. Only one that `judges` gives verdicts: that is much to read. One that `listens` carries
    out what people say, too. One with `slots` does what is due instead: see `SlotOrder`, whose fields they are.
    """

    database_url: str
    name: str
    kubeconfig: str = ""
    lease_s: float = 1.0
    point: str = ""
    nth: int = 1
    blow: str = "kill"
    judges: bool = False
    listens: bool = False
    slots: dict[str, Any] = field(default_factory=dict)


class Told:
    """The way back to who ordered the worker."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def say(self, event: str) -> None:
        """Say that something happened; nobody need listen any more."""
        with suppress(OSError):
            self._connection.sendall(f"{json.dumps({'event': event, 'pid': os.getpid()})}\n".encode())

    def leave_with_listener(self) -> None:
        """Let the process end as soon as nobody listens any more."""
        self._connection.setblocking(False)
        asyncio.get_running_loop().add_reader(self._connection, self._look)

    def _look(self) -> None:
        with suppress(ConnectionError):
            if self._connection.recv(1):
                return
        os._exit(0)


async def work(order: Order, told: Told) -> None:
    """Carry changes out and judge them, or do what is due, as a replica does, for ever."""
    if order.slots:
        await slot_worker.work(slot_worker.SlotOrder(**order.slots), order.database_url, told)
        return
    async with (
        await PostgresStore.open(order.database_url, smallest_pool=1, largest_pool=2) as store,
        workshop_on(store, Path(order.kubeconfig), name=order.name) as fitted,
    ):
        workshop = replace(
            fitted,
            at=_hook(order, told),
            chance=random.Random(),
            lease_s=order.lease_s,
            renew_s=order.lease_s * 0.3,
            recover_s=60.0,
            verdict_after_s=0.0 if order.judges else _NEVER_S,
        )
        steps: list[Callable[[], Awaitable[bool]]] = []
        if order.listens:
            rights = DirectoryRights(engine.people(), engine.RIGHTS)
            workshop = replace(workshop, rights=rights, policy=engine.POLICY)
            service = engine.service_of(workshop, store)
            steps = [Intake(store, service, RecordingNotifier(), workshop.references, wake=lambda: None).step]
        steps += [Executor(workshop).step, *([Aftercare(workshop).step] if order.judges else [])]
        told.leave_with_listener()
        told.say("ready")
        while True:
            with suppress(StoreUnavailable):
                if any([await step() for step in steps]):
                    continue
            await asyncio.sleep(_IDLE_S)


def _hook(order: Order, told: Told) -> Callable[[str], Awaitable[None]]:
    met = 0

    async def at(point: str) -> None:
        nonlocal met
        if point == "taken":
            told.say("taken")
        if point != order.point:
            return
        met += 1
        if met == order.nth:
            told.say("struck")
            os.kill(os.getpid(), _SIGNALS[order.blow])

    return at


def serve(path: str) -> None:
    """Fork a worker for each order, for ever. Nothing runs here but this loop, so a fork copies nothing half done."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen(64)
        while True:
            connection, _ = listening.accept()
            with connection:
                if os.fork() == 0:
                    listening.close()
                    _be_a_worker(connection)


def _be_a_worker(connection: socket.socket) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        with connection.makefile() as lines:
            order = Order(**json.loads(lines.readline()))
        asyncio.run(work(order, Told(connection)))
    finally:
        os._exit(1)


if __name__ == "__main__":
    serve(sys.argv[1])
