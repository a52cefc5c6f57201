"""`ragops demo`: the bot, unchanged, in a local workspace before a simulated or a real cluster.

Everything is on the loopback, on free ports, in a temporary folder.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.cli.arguments import Demo
from bot.domain.targets import ClusterName, Namespace, Scope
from bot.main.bot import Ingredients, run_bot
from bot.main.called import called
from bot.main.demo_past import remember
from bot.main.demo_world import NAMESPACE, World, configuration_of, open_world
from bot.main.gesturing import STATE_FILE, state_of
from bot.main.logs import configure
from bot.main.serve import stop_on_signals
from bot.ports import Store
from bot.settings import Secret, Settings, SlackSettings
from sandbox.prompt import HELP, Prompt
from sandbox.slack.control import SlackControl

log = logging.getLogger(__name__)

REAL = (
    "This cluster is real: a change that is approved here is carried out in it, with the rights of this kubeconfig;"
    " one of low risk needs no approval."
)


async def demo(command: Demo, settings: Settings) -> int:
    """Start the sandbox and the bot in it; prompt, or run until stopped. Leaves nothing behind."""
    began = time.monotonic()
    configure(settings.log_level, settings.log_format)
    if "RAGOPS_LOG_LEVEL" not in os.environ:
        logging.getLogger().setLevel(logging.WARNING)
    stop, ready = stop_on_signals(), asyncio.Event()
    async with open_world(command) as world:
        workspace = world.slack.workspace
        ingredients = Ingredients(
            slack=SlackSettings(
                bot_token=Secret(workspace.bot_token),
                app_token=Secret(workspace.app_token),
                api_url=world.slack.base_url,
            ),
            configuration=configuration_of(command, world),
            data_folder=world.folder,
            database_url=settings.database_url.reveal() if settings.database_url else None,
            redis_url=settings.redis_url.reveal() if settings.redis_url else None,
            environ=os.environ,
            beforehand=_past(world, made_up=settings.database_url is None),
        )
        with _announced(settings.data_folder, world):
            async with asyncio.TaskGroup() as group:
                group.create_task(run_bot(ingredients, stop, ready))
                try:
                    await _first(ready.wait(), stop.wait())
                    if ready.is_set():
                        _greet(command, world, time.monotonic() - began)
                        await _interact(command, world, stop)
                finally:
                    stop.set()
    return 0


def _past(world: World, *, made_up: bool) -> Callable[[Store], Awaitable[None]] | None:
    """Return what gives a fresh database a past; a database of somebody's own is left as it is."""
    if not made_up or not world.workloads:
        return None

    async def past(store: Store) -> None:
        scope = Scope(ClusterName("demo"), Namespace(NAMESPACE))
        await remember(store, scope, world.workloads, datetime.now(UTC))

    return past


async def _interact(command: Demo, world: World, stop: asyncio.Event) -> None:
    if command.headless:
        await stop.wait()
        return
    async with SlackControl(world.slack.control_url) as control:
        await _first(Prompt(control).run(), stop.wait())


async def _first(*waits: Coroutine[Any, Any, object]) -> None:
    """Wait until one of these is done, and cancel the others."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


@contextmanager
def _announced(data_folder: Path, world: World) -> Iterator[None]:
    """Let `ragops sandbox say` and its like find this sandbox, for as long as it runs."""
    path = data_folder / STATE_FILE
    data_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    state = {"control_url": world.slack.control_url, "kubeconfig": str(world.kubeconfig), "pid": os.getpid()}
    path.touch(mode=0o600)
    path.write_text(json.dumps(state), encoding="utf-8")
    try:
        yield
    finally:
        if state_of(path).get("pid") == os.getpid():
            path.unlink(missing_ok=True)


def _greet(command: Demo, world: World, seconds: float) -> None:
    what = f"the cluster of {command.kubeconfig}" if command.kubeconfig else f"a simulated cluster ({command.scenario})"
    print(f"ragops is ready after {seconds:.1f} s: a local Slack workspace in front of {what}.")
    if command.kubeconfig:
        print(REAL)
    print(f"The cluster's kubeconfig: {world.kubeconfig}  (for kubectl --kubeconfig)")
    if command.headless:
        name = called()
        print(f'From another terminal: {name} sandbox say "/rag status" --as ann; {name} sandbox read')
        print(f"More gestures (home, dm, shortcut, …): {name} sandbox --help")
    else:
        print(f"\n{HELP}\n")
    sys.stdout.flush()
