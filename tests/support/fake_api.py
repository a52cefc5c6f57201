"""A server that plays an API server, answer by answer: each path has a queue, whose last answer stays."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.cluster import Connection, open_connection

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class FakeApi:
    """Answers as it was told, and remembers what it was asked: (path, query)."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.agents: set[str] = set()
        self._answers: defaultdict[str, deque[Answer]] = defaultdict(deque)
        self.on("/readyz", text("ok"))

    def on(self, path: str, *answers: Answer) -> None:
        """Set the answers of `path`; a watch of it is `path` + "?watch"."""
        self._answers[path] = deque(answers)

    def times(self, path: str, *, watch: bool = False) -> int:
        """Count the requests of a path."""
        return sum(asked == path and ("watch" in query) == watch for asked, query in self.asked)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.path, dict(request.query)))
        self.agents.add(request.headers.get("User-Agent", ""))
        queue = self._answers[request.path + ("?watch" if "watch" in request.query else "")]
        if not queue:
            return await status(404, "the server could not find the requested resource")(request)
        return await (queue.popleft() if len(queue) > 1 else queue[0])(request)

    @asynccontextmanager
    async def running(self, context: ssl.SSLContext | None = None) -> AsyncIterator[FakeApi]:
        """Listen on a free port of the loopback; with TLS where a certificate is given."""
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._serve)
        runner = web.AppRunner(application, shutdown_timeout=0.05, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        self.url = f"{'http' if context is None else 'https'}://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            await runner.cleanup()


@asynccontextmanager
async def connected(url: str, folder: Path, **user: Any) -> AsyncIterator[Connection]:
    """Open a connection to `url` by way of a kubeconfig."""
    connection = await open_connection(str(write_kubeconfig(folder, url, **user)))
    try:
        yield connection
    finally:
        await connection.close()


def write_kubeconfig(folder: Path, url: str, **user: Any) -> Path:
    """Write a kubeconfig with one context."""
    path = folder / "kubeconfig.yaml"
    config = {
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "fake", "user": "me", "namespace": "shop"}}],
        "clusters": [{"name": "fake", "cluster": {"server": url}}],
        "users": [{"name": "me", "user": {"token": "t0ken-of-the-test", **user}}],
    }
    path.write_text(json.dumps(config))
    return path


# --- objects and answers ----------------------------------------------------------------------------------------------


def pod(name: str, version: str = "1", phase: str = "Running") -> dict[str, Any]:
    """A small pod."""
    return {
        "metadata": {"name": name, "namespace": "shop", "uid": f"uid-{name}", "resourceVersion": version},
        "spec": {"containers": [{"name": "main"}]},
        "status": {"phase": phase},
    }


def event(kind: str, item: Mapping[str, Any]) -> bytes:
    """One line of a watch."""
    return json.dumps({"type": kind, "object": item}).encode() + b"\n"


def bookmark(version: str) -> bytes:
    """A bookmark, as the server writes it."""
    return event("BOOKMARK", {"kind": "Pod", "metadata": {"resourceVersion": version}, "spec": {"containers": None}})


def expired() -> bytes:
    """The ERROR event that stands for 410."""
    return event("ERROR", {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"})


def text(body: str | bytes, code: int = 200, **headers: str) -> Answer:
    """A body as it is."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=code, body=body.encode() if isinstance(body, str) else body, headers=headers)

    return answer


def page(*items: Mapping[str, Any], version: str = "10", more: str = "") -> Answer:
    """One page of a list."""
    metadata = {"resourceVersion": version, **({"continue": more} if more else {})}
    return text(json.dumps({"kind": "List", "metadata": metadata, "items": items}))


def status(code: int, message: str, **headers: str) -> Answer:
    """An error body."""
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code}
    return text(json.dumps(body), code, **headers)


def watch(*chunks: bytes, then: str = "hang") -> Answer:
    """A stream: its chunks, then "hang" in silence, "end" in good order, or "drop" the connection."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for chunk in chunks:
            await response.write(chunk)
        if then == "hang":
            await asyncio.Event().wait()
        if then == "drop" and request.transport is not None:
            await asyncio.sleep(0.01)
            request.transport.abort()
        return response

    return answer


def silence() -> Answer:
    """Take the request and say nothing."""

    async def answer(_: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    return answer


def drop() -> Answer:
    """Reset the connection before any answer."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    return answer


def names(items: Iterable[Any]) -> list[str]:
    """The names of records."""
    return [item.meta.name for item in items]
