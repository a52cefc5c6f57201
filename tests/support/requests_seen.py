"""What is asked of an API server, as its authorizer sees it; and a proxy that writes it down."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch"}
_HOP_BY_HOP = frozenset({"host", "connection", "keep-alive", "transfer-encoding", "content-length", "content-encoding"})


@dataclass(frozen=True, slots=True, order=True)
class Need:
    """A right that a request needs: in one namespace, or (`namespaced` false) in the whole cluster.

    `resource` may end in a subresource ("pods/log"). A path that is no resource stands in `resource` as it is.
    """

    verb: str
    resource: str
    group: str = ""
    namespaced: bool = True

    def __str__(self) -> str:
        if self.is_path:
            return f"{self.verb} {self.resource}"
        name, slash, sub = self.resource.partition("/")
        where = "in a namespace" if self.namespaced else "in the cluster"
        return f"{self.verb} {name}{self.group and f'.{self.group}'}{slash}{sub} {where}"

    @property
    def is_path(self) -> bool:
        """Tell whether it is about a page of the server itself."""
        return self.resource.startswith("/")


def need_of(method: str, path: str, query: Mapping[str, str]) -> Need:
    """Return the right that a request needs."""
    parts = path.strip("/").split("/")
    if len(parts) > 2 and parts[0] == "api":
        group, rest = "", parts[2:]
    elif len(parts) > 3 and parts[0] == "apis":
        group, rest = parts[1], parts[3:]
    else:
        return Need(method.lower(), path, namespaced=False)
    namespaced = rest[0] == "namespaces" and len(rest) > 2
    resource, *more = rest[2:] if namespaced else rest
    name, subresource = ([*more, "", ""])[:2]
    verb = _VERBS.get(method) or _verb(method, named=bool(name), watches=query.get("watch") in {"1", "true"})
    return Need(verb, f"{resource}/{subresource}" if subresource else resource, group, namespaced)


def _verb(method: str, *, named: bool, watches: bool) -> str:
    if method == "DELETE":
        return "delete" if named else "deletecollection"
    return "watch" if watches else "get" if named else "list"


@dataclass(slots=True)
class Recorder:
    """What has come by: each right with the statuses that it was answered with."""

    url: str = ""
    seen: dict[Need, set[int]] = field(default_factory=dict)

    def refused(self) -> list[str]:
        """Return what was answered with 401 or 403."""
        return sorted(str(need) for need, statuses in self.seen.items() if statuses & {401, 403})


@asynccontextmanager
async def recording(server: str, context: ssl.SSLContext | None = None) -> AsyncIterator[Recorder]:
    """Stand between clients and the API server at `server`, on a port of the loopback; credentials pass through."""
    recorder = Recorder()
    connector = aiohttp.TCPConnector(ssl=context if context is not None else True, limit=0)
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, auto_decompress=False) as session:

        async def pass_on(request: web.Request) -> web.StreamResponse:
            headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP}
            need = need_of(request.method, request.path, request.query)
            body = await request.read()
            async with session.request(
                request.method, server + request.raw_path, headers=headers, data=body or None
            ) as answer:
                recorder.seen.setdefault(need, set()).add(answer.status)
                kept = {k: v for k, v in answer.headers.items() if k.lower() not in _HOP_BY_HOP - {"content-encoding"}}
                response = web.StreamResponse(status=answer.status, headers=kept)
                with suppress(ConnectionError, aiohttp.ClientError):
                    await response.prepare(request)
                    async for chunk in answer.content.iter_any():
                        await response.write(chunk)
                return response

        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", pass_on)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        recorder.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield recorder
        finally:
            await runner.cleanup()
