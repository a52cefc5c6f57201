"""Watching ends when it is told to, or cannot begin: quickly, and nothing of it goes on."""

from __future__ import annotations

import asyncio
import random
import socket
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest

import bot.main.watching
from bot.environment import Listen, Secret
from bot.errors import SettingsError
from bot.main.parts import Parts
from bot.main.watching import watch
from bot.ports import Unmetered
from bot.references import References
from bot.schedule.calendar import CronCalendar
from bot.store.store import PostgresStore
from tests.support.clocks import WallClock
from tests.support.watch_room import Watched


class _Hanging:
    """A cluster that never answers."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def snapshot(self, *_: object) -> Any:
        self.asked.set()
        await asyncio.sleep(60)

    node_load = snapshot


def _parts(store: PostgresStore, cluster: _Hanging, listen: Listen | None = None) -> Parts:
    clock, opened = WallClock(), asyncio.Event()
    opened.set()
    watched = Watched(store, cluster=cast("Any", cluster))
    waiting = SimpleNamespace(
        opened=opened, slots=store.slots, episodes=store.episodes, history=store.history, transaction=store.transaction
    )
    watched.store = cast("Any", waiting)
    parts = SimpleNamespace(
        store=waiting,
        clock=clock,
        meter=Unmetered(),
        references=References(random.Random(1)),
        chance=random.Random(1),
        watching=SimpleNamespace(
            room=watched.room(clock=clock, look_s=60.0), digests=SimpleNamespace(jobs=list), calendar=CronCalendar()
        ),
        ingredients=SimpleNamespace(
            alerts=None if listen is None else SimpleNamespace(listen=listen, token=Secret("t" * 32)),
            beforehand=None,
        ),
    )
    return cast("Parts", parts)


async def test_a_port_that_is_taken_is_told_and_everything_stops(store: PostgresStore) -> None:
    """By the name of the setting; a look that has begun is cut off."""
    before = asyncio.all_tasks()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        parts = _parts(store, _Hanging(), Listen("127.0.0.1", taken.getsockname()[1]))
        with pytest.raises(ExceptionGroup) as caught:
            async with watch(parts):
                raise AssertionError
    (error,) = caught.value.exceptions
    assert isinstance(error, SettingsError)
    assert "RAGOPS_ALERTS_LISTEN" in error.message
    assert asyncio.all_tasks() == before


async def test_a_look_that_hangs_is_cut_off(store: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers to people wait for it, and a pod has thirty seconds to end."""
    assert bot.main.watching.FINISH_S <= 4
    monkeypatch.setattr(bot.main.watching, "FINISH_S", 0.2)
    before, cluster = asyncio.all_tasks(), _Hanging()
    async with watch(_parts(store, cluster)):
        await cluster.asked.wait()
        began = time.monotonic()
    assert time.monotonic() - began < 30  # the look itself takes 60
    assert asyncio.all_tasks() == before
