"""The API server of the simulated cluster on a socket: plain HTTP, with faults to switch on.

kubectl sends no token over plain HTTP. A request without one is therefore the default user's, so that
``kubectl --kubeconfig`` works; set ``tokenless`` to ``ANONYMOUS`` to have such requests refused.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web

from sandbox.cluster.api.access import ANONYMOUS, Allow, Rbac, User, allow_everything
from sandbox.cluster.api.calls import Answer, JsonAnswer, Target, TextAnswer, parse_target
from sandbox.cluster.api.dispatch import Dispatcher, Timing
from sandbox.cluster.api.errors import PageNotFound, Refusal
from sandbox.cluster.api.payloads import Payload
from sandbox.cluster.faults import FaultError, FaultKind, Faults, parse_fault
from sandbox.cluster.replies import Replies
from sandbox.cluster.sources import LogSource, MetricsSource
from sandbox.cluster.store import ObjectStore

__all__ = ["ANONYMOUS", "ClusterServer"]

_CONTROL = "/_control/faults"
_DOOR_DELAY_S = 0.02  # the answer that shut the door still leaves through it
_NAMESPACE = "rag-engine"
_DISCOVERY = Target(verb="get", group="", version="", resource="")


class ClusterServer:
    """Serve a store and its sources to any Kubernetes client.

    `asked` counts the requests: by verb and resource ("get pods/log", "list pods.metrics.k8s.io"), else by path.
    """

    def __init__(
        self,
        store: ObjectStore,
        logs: LogSource,
        metrics: MetricsSource,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        faults: Faults | None = None,
        token: str = "sandbox-token",  # noqa: S107  # opens a simulated cluster on the loopback only
        user: str = "sandbox-admin",
        timing: Timing | None = None,
    ) -> None:
        self._host, self._port = host, port
        self._token = token
        self._dispatcher = Dispatcher(store, logs, metrics, timing or Timing())
        self.faults = faults or Faults()
        self.asked: Counter[str] = Counter()
        self._replies = Replies(self.faults)
        self.add_user(user, token, groups=("system:masters", "system:authenticated"))
        self._dispatcher.tokenless = self._dispatcher.users[token]
        self._runner: web.ServerRunner | None = None
        self._site: web.TCPSite | None = None
        self._door: asyncio.Task[None] | None = None
        self._faults_changed = asyncio.Event()
        self.faults.on_change(self._faults_changed.set)

    @property
    def url(self) -> str:
        """Return the address, known once started."""
        return f"http://{self._host}:{self._port}"

    @property
    def rbac(self) -> Rbac:
        """What is denied to everybody: ``Deny`` rules, or a callable that grants."""
        return self._dispatcher.rbac

    @rbac.setter
    def rbac(self, rbac: Rbac) -> None:
        self._dispatcher.rbac = rbac

    @property
    def tokenless(self) -> User:
        """Who a request without a token is taken for."""
        return self._dispatcher.tokenless

    @tokenless.setter
    def tokenless(self, user: User) -> None:
        self._dispatcher.tokenless = user

    def add_user(
        self,
        name: str,
        token: str,
        allow: Allow = allow_everything,
        groups: tuple[str, ...] = ("system:authenticated",),
    ) -> User:
        """Let a token in; ``allow`` holds the rights of its user."""
        user = User(name, groups, allow)
        self._dispatcher.users[token] = user
        return user

    def write_kubeconfig(self, path: Path, *, token: str | None = None, namespace: str = _NAMESPACE) -> None:
        """Write a kubeconfig (JSON, which is YAML) that only its owner can read."""
        used = token or self._token
        context = {"cluster": "sandbox", "user": "sandbox", "namespace": namespace}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "sandbox", "cluster": {"server": self.url}}],
            "users": [{"name": "sandbox", "user": {"token": used}}],
            "contexts": [{"name": "sandbox", "context": context}],
            "current-context": "sandbox",
        }
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(config, file, indent=2)

    async def start(self) -> None:
        """Listen. The port stays the same while connections are refused by a fault."""
        server = web.Server(self._handle, handler_cancellation=True, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=0.1)
        await self._runner.setup()
        await self._open()
        self._door = asyncio.create_task(self._keep_door())

    async def stop(self) -> None:
        """Close everything, open watches as well."""
        if self._door is not None:
            self._door.cancel()
            with suppress(asyncio.CancelledError):
                await self._door
            self._door = None
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = self._site = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _open(self) -> None:
        assert self._runner is not None  # noqa: S101  # called between start and stop
        self._site = web.TCPSite(self._runner, self._host, self._port, reuse_address=True)
        await self._site.start()
        self._port = int(self._runner.addresses[0][1])

    async def _shut(self) -> None:
        """Stop listening and break what is connected, as when the machine is gone."""
        if self._site is not None:
            await self._site.stop()
            self._site = None
        server = self._runner.server if self._runner else None
        for connection in server.connections if server else []:
            if connection.transport is not None:
                connection.transport.abort()

    async def _keep_door(self) -> None:
        """Shut and open the door as the faults say."""
        while True:
            fault = self.faults.unreachable()
            if fault is None and self._site is None:
                await self._open()
            if fault is not None and self._site is not None:
                await asyncio.sleep(_DOOR_DELAY_S)
                await self._shut()
            try:
                async with asyncio.timeout(fault.seconds if fault and fault.seconds else None):
                    await self._faults_changed.wait()
                self._faults_changed.clear()
            except TimeoutError:
                if fault is not None:
                    self.faults.remove(fault)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == _CONTROL:
            return await self._control(request)
        found = parse_target(request.method, request.path, request.query)
        self.asked[_in_words(found) if found else request.path] += 1
        target = found or _DISCOVERY
        return await self._replies.send(request, target, self._answer)

    async def _answer(self, request: web.BaseRequest, target: Target) -> Answer:
        try:
            user = self._dispatcher.authenticate(request.headers.get("Authorization", ""))
            accept = request.headers.get("Accept", "")
            if target is _DISCOVERY:
                address = f"{self._host}:{self._port}"
                return self._dispatcher.discover(request.method, request.path, user, address, accept)
            agent = request.headers.get("User-Agent", "")
            payload = Payload(request.headers.get("Content-Type", ""), await request.read(), agent)
            return await self._dispatcher.answer(target, user, request.query, accept, payload)
        except Refusal as refusal:
            return JsonAnswer(refusal.body(), refusal.code, refusal.headers, refusal.warnings)
        except PageNotFound:
            return TextAnswer("404 page not found\n", 404)

    async def _control(self, request: web.BaseRequest) -> web.Response:
        """Switch faults: POST one as JSON, GET what is in force, DELETE all."""
        match request.method:
            case "POST":
                try:
                    fault = parse_fault(await request.json())
                except (FaultError, json.JSONDecodeError) as error:
                    return web.json_response({"error": str(error)}, status=400)
                if fault.kind is FaultKind.UNREACHABLE and not fault.seconds:
                    error_text = "unreachable needs seconds here: a shut door cannot be opened over HTTP"
                    return web.json_response({"error": error_text}, status=400)
                self.faults.add(fault)
                return web.json_response(self.faults.body(), status=201)
            case "DELETE":
                self.faults.clear()
                return web.json_response(self.faults.body())
            case "GET":
                return web.json_response(self.faults.body())
            case _:
                return web.json_response({"error": "GET, POST or DELETE"}, status=405)


def _in_words(target: Target) -> str:
    return f"{target.verb} {target.full_resource}{'.' if target.group else ''}{target.group}"
