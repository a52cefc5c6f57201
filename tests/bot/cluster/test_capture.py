"""The log of a crash is fetched when it happens, so that it is there when somebody asks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from aiohttp import web

from bot.cluster import Clusters, ContainerLogs, KubernetesHttp, Timing
from bot.cluster.capture import AT_ONCE, PER_MINUTE, CrashLogs
from bot.cluster.resources import RESOURCES
from bot.cluster.runs import RunId, run_meant
from bot.domain.objects import Container, Pod
from bot.domain.snapshot import LogKey, Part
from bot.domain.targets import ClusterName, Scope
from tests.support.builders import SCOPE, container, ended, running, waiting
from tests.support.builders import pod as built
from tests.support.clocks import ShiftedClock, WallClock
from tests.support.fake_api import FakeApi, event, page, text, watch
from tests.support.fake_api import pod as sent
from tests.support.waiting import in_background, turns, until

CLUSTER = SCOPE.cluster
HERE = f"/api/v1/namespaces/{SCOPE.namespace}/pods"


class Stage:
    """Crashes that a test makes, and the requests for logs that follow."""

    def __init__(self, api: FakeApi, http: KubernetesHttp) -> None:
        self.api = api
        self.pods: dict[str, Pod] = {}
        self.clock = ShiftedClock(longest_s=0.01)
        self.logs = ContainerLogs({CLUSTER: http}, run_of=self._run_of)
        self.capture = CrashLogs(self.logs, lambda _, name: self.pods.get(name), self.clock)

    def _run_of(self, scope: Scope, key: LogKey) -> RunId | None:
        del scope
        return run_meant(self.pods[key.pod], key)

    def show(self, name: str, *containers: Container) -> None:
        """Let the cache see a pod in a new state."""
        pod = built(None, *containers, name=name)
        before = self.pods.get(name)
        self.pods[name] = pod
        self.api.on(f"{HERE}/{name}/log", text("crash\n"))
        self.capture.noticed(SCOPE, before, pod)

    async def fetched(self, at_least: int = 1) -> Sequence[tuple[str, bool]]:
        """Wait for so many requests; say whose log was asked for, and whether for the previous run."""

        async def look() -> list[tuple[str, bool]]:
            return [(path.split("/")[-2], "previous" in query) for path, query in self.api.asked]

        await until(look, lambda seen: len(seen) >= at_least, every_s=0.01)
        await turns()
        await asyncio.sleep(0.05)
        return await look()


@pytest.fixture
def stage(api: FakeApi, http: KubernetesHttp) -> Stage:
    return Stage(api, http)


NEW = ended(1, ago_s=5)
CLEAN = ended(0, "Completed", ago_s=5)
UP = container(running())


@pytest.mark.parametrize(
    ("before", "after", "fetched"),
    [
        (UP, container(NEW), [("a", False)]),
        (UP, container(waiting("CrashLoopBackOff"), last=NEW), [("a", False)]),
        (UP, container(running(for_s=1), last=NEW, restarts=1), [("a", True)]),
        (UP, container(running(for_s=1), last=CLEAN, restarts=1), [("a", True)]),
        (None, container(NEW), [("a", False)]),
        (UP, container(CLEAN), []),
        (UP, container(running(for_s=1)), []),
        (container(NEW), container(waiting("CrashLoopBackOff"), last=NEW), []),
    ],
    ids=[
        "crashed",
        "in back-off",
        "restarted",
        "killed by its probe",
        "a new pod that crashed",
        "finished",
        "runs",
        "the same crash in back-off",
    ],
)
async def test_a_crash_is_fetched_where_its_log_lies(
    stage: Stage, before: Container | None, after: Container, fetched: list[tuple[str, bool]]
) -> None:
    """A first crash, and every rise of the count; nothing that ended well, nothing twice."""
    if before is not None:
        stage.pods["a"] = built(None, before, name="a")
    async with in_background(stage.capture.run()):
        stage.show("a", after)
        assert await stage.fetched(len(fetched)) == fetched


async def test_it_is_there_when_somebody_asks_though_the_container_is_gone(stage: Stage) -> None:
    """No request is made then, whichever way the run is asked for."""
    async with in_background(stage.capture.run()):
        stage.show("a", container(NEW))
        await stage.fetched()
        stage.show("a", container(waiting("CrashLoopBackOff"), last=NEW))
        stage.show("a", container(running(for_s=1), last=NEW, restarts=1))
        await asyncio.sleep(0.1)
    stage.api.on(f"{HERE}/a/log", text("unable to retrieve container logs for containerd://abc"))
    key = LogKey("a", "api", previous=True)
    assert (await stage.logs.tails(SCOPE, [key], lines=50))[key].lines == ("crash",)
    assert stage.api.times(f"{HERE}/a/log") == 1


async def test_a_crash_that_restarted_at_once_is_fetched_as_the_previous_run(stage: Stage) -> None:
    """The state is looked at again before the request: the first restart comes at once."""
    stage.show("a", container(NEW))
    stage.show("a", container(running(for_s=0), last=NEW, restarts=1))
    async with in_background(stage.capture.run()):
        assert await stage.fetched() == [("a", True)]


async def test_a_pod_that_is_gone_costs_nothing(stage: Stage) -> None:
    """It was deleted before its turn came."""
    stage.show("gone", container(NEW))
    del stage.pods["gone"]
    stage.show("b", container(NEW))
    async with in_background(stage.capture.run()):
        assert await stage.fetched() == [("b", False)]


async def test_a_storm_of_crashes_is_bounded(stage: Stage) -> None:
    """So many at once, so many in a minute; what is more is dropped, and the next minute begins anew."""
    at_once = most = 0
    full = asyncio.Event()

    async def slow(_: web.Request) -> web.StreamResponse:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        if at_once == AT_ONCE:
            full.set()
        await full.wait()
        await asyncio.sleep(0.02)
        at_once -= 1
        return web.Response(text="x\n")

    for number in range(3 * PER_MINUTE):
        stage.show(f"p{number}", container(NEW))
        stage.api.on(f"{HERE}/p{number}/log", slow)
    async with in_background(stage.capture.run()):
        assert len(await stage.fetched(PER_MINUTE)) == PER_MINUTE
        assert most == AT_ONCE
        stage.clock.shift(61)
        stage.show("later", container(NEW))
        assert ("later", False) in await stage.fetched(PER_MINUTE + 1)


def in_state(name: str, version: str, restarts: int, **states: Any) -> dict[str, Any]:
    item = sent(name, version)
    item["status"]["containerStatuses"] = [{"name": "main", "restartCount": restarts, **states}]
    return item


async def test_a_crash_that_the_watch_tells_of_is_fetched_before_anybody_asks(
    api: FakeApi, http: KubernetesHttp
) -> None:
    """From the cache's watch to the remembered log; crashes of the past are left alone."""
    cluster = ClusterName("prod")
    scope = Scope(cluster, SCOPE.namespace)
    past = {"terminated": {"exitCode": 1, "finishedAt": "2026-11-24T20:00:00Z"}}
    crash = {"terminated": {"exitCode": 1, "finishedAt": "2026-11-24T22:00:00Z"}}
    for resource in RESOURCES.values():
        api.on(resource.path(scope.namespace), page())
        api.on(resource.path(scope.namespace) + "?watch", watch())
    api.on(HERE, page(in_state("old", "1", 7, state={"waiting": {}}, lastState=past), in_state("a", "2", 0)))
    api.on(HERE + "?watch", watch(event("MODIFIED", in_state("a", "11", 0, state=crash))))
    api.on(f"{HERE}/a/log", text("crash\n"))
    clusters = Clusters({cluster: (http, [scope.namespace])}, WallClock(), lambda: 0.5, timing=Timing())
    async with in_background(clusters.run()):
        await clusters.snapshot(scope, frozenset({Part.PODS}))

        async def fetches() -> int:
            return api.times(f"{HERE}/a/log")

        await until(fetches, bool)
        await turns()
        key = LogKey("a", "main", previous=False)
        assert (await clusters.logs.tails(scope, [key], lines=10))[key].lines == ("crash",)
        assert api.times(f"{HERE}/a/log") == 1
    assert api.times(f"{HERE}/old/log") == 0
