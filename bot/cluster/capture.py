"""The log of a crash, fetched when it happens: before anybody asks, and before the kubelet removes the container."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.cluster.logs import ContainerLogs
from bot.cluster.runs import KEPT_LINES, RunId, last_ended, run_meant
from bot.domain.objects import Container, Pod, Terminated
from bot.domain.snapshot import LogKey
from bot.domain.targets import Scope
from bot.ports import Clock

AT_ONCE = 4
PER_MINUTE = 50
_MINUTE = timedelta(minutes=1)
# The first restart comes at once: after this the status tells whether the run is now the current or the previous one.
_SETTLE_S = 1.0

PodOf = Callable[[Scope, str], Pod | None]


@dataclass(frozen=True, slots=True)
class _Crash:
    scope: Scope
    pod: str
    run: RunId


class CrashLogs:
    """Fetches the log of each run that crashed, once, in the background. Run `run()` in a task group.

    Bounded: `AT_ONCE` side by side, `PER_MINUTE` in all; what is more is dropped, not put off. `ContainerLogs`
    remembers them.
    """

    def __init__(self, logs: ContainerLogs, pod_of: PodOf, clock: Clock, *, settle_s: float = _SETTLE_S) -> None:
        self._logs = logs
        self._pod_of = pod_of
        self._clock = clock
        self._settle_s = settle_s
        self._waiting: asyncio.Queue[_Crash] = asyncio.Queue()
        self._pending: set[tuple[Scope, RunId]] = set()
        self._taken_at: deque[datetime] = deque()

    def noticed(self, scope: Scope, before: Pod | None, pod: Pod) -> None:
        """Look at a change of a pod: a container that crashed, or whose restarts rose, has a log worth having."""
        if before is not None and before.containers == pod.containers:
            return
        known = {each.name: each for each in before.containers} if before is not None else {}
        for container in pod.containers:
            run = last_ended(pod, container)
            if run is not None and _is_new(pod, container, known.get(container.name), run):
                self._take(_Crash(scope, pod.meta.name, run))

    def _take(self, crash: _Crash) -> None:
        key, now = (crash.scope, crash.run), self._clock.now()
        while self._taken_at and now - self._taken_at[0] >= _MINUTE:
            self._taken_at.popleft()
        is_known = key in self._pending or self._logs.remembers(crash.scope, crash.run)
        if is_known or len(self._taken_at) >= PER_MINUTE:
            return
        self._taken_at.append(now)
        self._pending.add(key)
        self._waiting.put_nowait(crash)

    async def run(self) -> None:
        """Fetch until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._work())

    async def _work(self) -> None:
        while True:
            crash = await self._waiting.get()
            try:
                await self._clock.sleep(self._settle_s)
                await self._fetch(crash)
            finally:
                self._pending.discard((crash.scope, crash.run))

    async def _fetch(self, crash: _Crash) -> None:
        pod = self._pod_of(crash.scope, crash.pod)
        if pod is None:
            return
        for previous in (False, True):
            key = LogKey(crash.pod, crash.run.container, previous=previous)
            if run_meant(pod, key) == crash.run:
                await self._logs.tails(crash.scope, [key], lines=KEPT_LINES)
                return


def _is_new(pod: Pod, container: Container, before: Container | None, run: RunId) -> bool:
    if before is not None and container.restart_count > before.restart_count:
        return True
    ended = container.state if isinstance(container.state, Terminated) else container.last_state
    if ended is None or ended.exit_code == 0:
        return False
    return before is None or last_ended(pod, before) != run
