"""The two sides of the contract: a real cluster, and the simulated one, asked through the same client."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, cast

import aiohttp

from bot.cluster import Connection, open_connection
from sandbox.cluster.store import Json
from tests.contract.workloads import WORKLOADS, Manifest, manifests

ADMIN, NARROW, STRANGER = "admin", "narrow", "stranger"
PREFIX = "ragops-contract-"
_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with the names that differ between clusters replaced by words."""

    status: int
    content_type: str
    text: str
    retry_after: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def body(self) -> Any:
        """The body as JSON, or as text where it is none."""
        return json.loads(self.text) if self.content_type == "application/json" else self.text

    def as_json(self) -> Json:
        seen = {"status": self.status, "content_type": self.content_type, "body": self.body}
        return {**seen, "retry_after": self.retry_after} if self.retry_after else seen


class Hands(Protocol):
    """What is done to a cluster apart from asking it."""

    async def create(self, resource: str, manifest: Manifest) -> None: ...
    async def replace(self, resource: str, manifest: Manifest) -> None: ...
    async def delete(self, resource: str, name: str) -> None: ...

    def passing_time(self) -> Any:
        """Let time pass while the block runs."""

    async def wait(self) -> None:
        """Let a moment pass."""


@dataclass(slots=True)
class Side:
    """One cluster with the workloads in a namespace of their own."""

    name: str
    namespace: str
    image: str
    hands: Hands
    connections: Mapping[str, Connection]
    pods: dict[str, str] = field(default_factory=dict)
    nodes: list[str] = field(default_factory=list)
    kubeconfig: str = ""
    asked: int = 0

    async def ask(
        self,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        method: str = "GET",
        accept: str = "application/json",
        body: Any = None,
        media: str = "",
        user: str = ADMIN,
        timeout_s: float = _TIMEOUT_S,
    ) -> Answer:
        """Send one request and read its whole answer."""
        async with self._send(method, path, query or {}, accept, body, user, timeout_s, media) as response:
            text = (await response.read()).decode()
            headers = response.headers
            warnings = tuple(headers.getall("Warning", ()))
            return Answer(
                response.status, response.content_type, self.mask(text), headers.get("Retry-After", ""), warnings
            )

    @asynccontextmanager
    async def stream(
        self, path: str, query: Mapping[str, str], *, accept: str = "application/json"
    ) -> AsyncIterator[AsyncIterator[str]]:
        """Open a stream and hand out its lines, masked."""
        async with self._send("GET", path, query, accept, None, ADMIN, _TIMEOUT_S) as response:
            assert response.status == 200, await response.text()

            async def lines() -> AsyncIterator[str]:
                async for line in response.content:
                    yield self.mask(line.decode())

            yield lines()

    async def events(self, path: str, query: Mapping[str, str], count: int) -> list[Json]:
        """Return the first events of a watch, or all until its end when there are fewer."""
        found: list[Json] = []
        async with self.stream(path, {"watch": "1", **query}) as lines:
            async for line in lines:
                found.append(json.loads(line))
                if len(found) == count:
                    break
        return found

    async def until(
        self, path: str, fits: Callable[[Any], object], query: Mapping[str, str] | None = None, *, within_s: float = 60
    ) -> Json:
        """Ask again until the answer fits; time passes in between."""
        async with asyncio.timeout(within_s):
            while True:
                body: Json = (await self.ask(path, query)).body
                if fits(body):
                    return body
                await self.hands.wait()

    async def version(self, path: str) -> str:
        """Return the resourceVersion that a list has now."""
        return str((await self.ask(path, {"limit": "1"})).body["metadata"]["resourceVersion"])

    def path(self, written: str) -> str:
        """Fill in the namespace and pods of a written path: `{ns}`, `{pod[quiet]}`."""
        return written.format(ns=self.namespace, pod=self.pods, node=self.nodes[0] if self.nodes else "")

    def mask(self, text: str) -> str:
        """Put one word in place of each name that differs between two clusters."""
        text = text.replace(self.namespace, "NAMESPACE").replace(self.image, "IMAGE")
        for app, pod in self.pods.items():
            text = text.replace(pod, f"POD-{app}")
            if pod.count("-") >= 2:  # a Deployment's pod: its ReplicaSet's hash is a name, too
                owner, _, _ = pod.rpartition("-")
                text = text.replace(owner, f"RS-{app}")
                text = re.sub(rf"\b{owner.rpartition('-')[2]}\b", "HASH", text)
        for node in self.nodes:
            text = re.sub(rf"\b{re.escape(node)}\b", "NODE", text)
        return text

    @asynccontextmanager
    async def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        accept: str,
        body: Any,
        user: str,
        timeout_s: float,
        media: str = "",
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        self.asked += 1
        api = self.connections[user].api
        request = await api.param_serialize(
            method,
            self.path(path),
            query_params=list(query.items()),
            header_params={"Accept": accept, **({"Content-Type": media} if media else {})},
            body=body,
            auth_settings=["BearerToken"],
        )
        wrapped = await api.call_api(*request, _request_timeout=aiohttp.ClientTimeout(total=timeout_s))
        async with cast("aiohttp.ClientResponse", wrapped.response) as response:
            yield response


async def prepare(side: Side) -> None:
    """Make the workloads and wait until each shows what it is there for."""
    for resource, manifest in manifests(side.image):
        await side.hands.create(resource, manifest)
    await side.until("/api/v1/namespaces/{ns}/pods", lambda body: _has_all(body["items"]), within_s=90)
    pods = (await side.ask("/api/v1/namespaces/{ns}/pods")).body["items"]
    side.nodes = sorted({pod["spec"]["nodeName"] for pod in pods if pod["spec"].get("nodeName")})
    side.pods = {pod["metadata"]["labels"]["app"]: pod["metadata"]["name"] for pod in pods}


def _has_all(pods: list[Json]) -> bool:
    by_app = {pod["metadata"]["labels"]["app"]: pod for pod in pods}
    return by_app.keys() == set(WORKLOADS) and all(_SHOWS[app](by_app[app]) for app in WORKLOADS)


def first_container(pod: Json) -> Json:
    """Return the status of the first container, empty before there is one."""
    return next(iter(pod["status"].get("containerStatuses") or []), {})


def waits_for(pod: Json, *reasons: str) -> bool:
    """Tell whether the first container waits for one of these reasons."""
    waiting = first_container(pod).get("state", {}).get("waiting") or {}
    return waiting.get("reason") in reasons


def _is_ready(pod: Json) -> bool:
    statuses = pod["status"].get("containerStatuses") or []
    return bool(statuses) and all(status["ready"] for status in statuses)


def _is_unready(pod: Json) -> bool:
    return "running" in first_container(pod).get("state", {})


def _is_unscheduled(pod: Json) -> bool:
    return any(condition.get("reason") == "Unschedulable" for condition in pod["status"].get("conditions") or [])


_SHOWS: Mapping[str, Callable[[Json], bool]] = {
    **dict.fromkeys(("quiet", "agent", "ordered", "pair"), _is_ready),
    "crash": lambda pod: waits_for(pod, "CrashLoopBackOff"),
    "once": lambda pod: bool(pod["status"]["phase"] == "Succeeded"),
    "unready": _is_unready,
    "unpullable": lambda pod: waits_for(pod, "ImagePullBackOff"),
    "misconfigured": lambda pod: waits_for(pod, "CreateContainerConfigError"),
    "homeless": _is_unscheduled,
}


async def opened(kubeconfig: Path, stack: AsyncExitStack) -> Connection:
    """Open a connection that is closed with the stack."""
    connection = await open_connection(str(kubeconfig))
    stack.push_async_callback(connection.close)
    return connection
