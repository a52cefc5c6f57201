"""A small cluster behind a real API server, with sources that the tests fill."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sandbox.cluster.api.dispatch import Timing
from sandbox.cluster.api.logs import FollowTiming
from sandbox.cluster.api.watches import WatchTiming
from sandbox.cluster.server import ClusterServer
from sandbox.cluster.sources import LogLine, LogUnavailable
from sandbox.cluster.store import Json, ObjectStore

START = datetime(2026, 11, 24, 22, 0, 0, tzinfo=UTC)
FIXTURES = Path(__file__).parents[3] / "fixtures" / "cluster"


@dataclass
class Clock:
    """A clock that stands until it is moved."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class LogFiles:
    """Log files by (pod, container, previous); a file may be a refusal."""

    files: dict[tuple[str, str, bool], list[LogLine] | LogUnavailable] = field(default_factory=dict)
    running: set[tuple[str, str]] = field(default_factory=set)

    def lines(self, namespace: str, pod: str, container: str, *, previous: bool) -> Sequence[LogLine]:
        del namespace
        file = self.files.get((pod, container, previous), [])
        if isinstance(file, LogUnavailable):
            raise file
        return list(file)

    def is_running(self, namespace: str, pod: str, container: str) -> bool:
        del namespace
        return (pod, container) in self.running

    def write(self, pod: str, container: str, *texts: str, previous: bool = False, at: datetime = START) -> None:
        file = self.files.setdefault((pod, container, previous), [])
        assert isinstance(file, list)
        for number, text in enumerate(texts, start=len(file)):
            file.append(LogLine(at + timedelta(seconds=number), text))


@dataclass
class Usage:
    """Usage as the metrics server has it."""

    pods: list[Json] = field(default_factory=list)
    nodes: list[Json] = field(default_factory=list)

    def pod_metrics(self, namespace: str | None) -> list[Json]:
        return [obj for obj in self.pods if namespace in {None, obj["metadata"]["namespace"]}]

    def node_metrics(self) -> list[Json]:
        return self.nodes


@dataclass(frozen=True)
class Answered:
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    data: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.data)

    @property
    def names(self) -> list[str]:
        return [item["metadata"]["name"] for item in self.body["items"]]


class Client:
    """Plain HTTP with a token."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session = session
        self.url = url
        self.token = "sandbox-token"

    def request(self, method: str, path: str, **kwargs: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.token}", **kwargs.pop("headers", {})}
        return self.session.request(method, self.url + path, headers=headers, **kwargs)

    async def call(self, method: str, path: str, **kwargs: Any) -> Answered:
        async with self.request(method, path, **kwargs) as response:
            return Answered(response.status, response.headers, await response.read())

    async def get(self, path: str, *, accept: str = "application/json", **query: Any) -> Answered:
        return await self.call("GET", path, params=query, headers={"Accept": accept})

    async def watch(self, path: str, count: int | None = None, **query: Any) -> list[Json]:
        """Return the first events of a watch, or all of one that lasts a second."""
        params = {"watch": "1", "timeoutSeconds": "60" if count else "1", **query}
        events: list[Json] = []
        async with self.request("GET", path, params=params) as response:
            assert response.status == 200
            while count is None or len(events) < count:
                line = await response.content.readline()
                if not line:
                    break
                events.append(json.loads(line))
        return events


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(clock: Clock) -> ObjectStore:
    return ObjectStore(clock)


@pytest.fixture
def logs() -> LogFiles:
    return LogFiles()


@pytest.fixture
def usage() -> Usage:
    return Usage()


@pytest.fixture
async def server(store: ObjectStore, logs: LogFiles, usage: Usage) -> AsyncIterator[ClusterServer]:
    timing = Timing(
        watch=WatchTiming(bookmark_every_s=0.2),
        follow=FollowTiming(poll_s=0.01, linger_s=0.05),
        future_version_s=0.3,
    )
    async with ClusterServer(store, logs, usage, timing=timing) as running:
        yield running


@pytest.fixture
async def client(server: ClusterServer) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=100)) as session:
        yield Client(session, server.url)


PodMaker = Callable[..., Json]


@pytest.fixture
def make_pod(store: ObjectStore) -> PodMaker:
    """Create a running pod with one container ``main``; keywords change it."""

    def make(
        name: str,
        *,
        namespace: str = "rag-engine",
        labels: dict[str, str] | None = None,
        containers: Sequence[str] = ("main",),
        state: Json | None = None,
        last_state: Json | None = None,
        node: str = "node1",
        phase: str = "Running",
    ) -> Json:
        state = {"running": {"startedAt": "2026-11-24T21:59:00Z"}} if state is None else state
        statuses = [
            {
                "name": container,
                "image": "app:1",
                "imageID": "sha256:1",
                "ready": "running" in state,
                "restartCount": 0 if last_state is None else 1,
                "state": state,
                "lastState": last_state or {},
            }
            for container in containers
        ]
        return store.create(
            "pods",
            {
                "kind": "Pod",
                "apiVersion": "v1",
                "metadata": {"name": name, "namespace": namespace, "labels": labels or {}},
                "spec": {
                    "containers": [{"name": container, "image": "app:1"} for container in containers],
                    **({"nodeName": node} if node else {}),
                },
                "status": {"phase": phase, "containerStatuses": statuses},
            },
        )

    return make


@pytest.fixture
def make_deployment(store: ObjectStore) -> Callable[..., Json]:
    """Create a Deployment."""

    def make(name: str, *, namespace: str = "rag-engine", replicas: int = 1, **metadata: Any) -> Json:
        return store.create(
            "deployments",
            {
                "kind": "Deployment",
                "apiVersion": "apps/v1",
                "metadata": {"name": name, "namespace": namespace, **metadata},
                "spec": {
                    "replicas": replicas,
                    "selector": {"matchLabels": {"app": name}},
                    "template": {
                        "metadata": {"labels": {"app": name}},
                        "spec": {"containers": [{"name": "main", "image": "app:1"}]},
                    },
                },
                "status": {"replicas": replicas, "readyReplicas": replicas, "updatedReplicas": replicas},
            },
        )

    return make


@pytest.fixture
def fixtures() -> Path:
    return FIXTURES
