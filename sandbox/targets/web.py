"""A service with a health URL behind a load balancer, and a vector store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.typedefs import Handler

# Whoever still asks when it ends is cut off.
_SHUTDOWN_S = 0.5
_COLLECTIONS = {"documents": 48_211, "sessions": 1_902}


@asynccontextmanager
async def service_target(ready: Callable[[], int]) -> AsyncIterator[str]:
    """Serve `/health` as a load balancer does: 503 without a ready endpoint, else the answer of one; yield its URL."""

    async def health(_: web.Request) -> web.Response:
        if not ready():
            return web.Response(status=503, text="<html><h1>503 Service Temporarily Unavailable</h1></html>")
        return web.json_response({"status": "ok", "database": "ok", "vector_store": "ok"})

    app = web.Application()
    app.router.add_get("/health", health)
    async with _served(app) as address:
        yield f"{address}/health"


@asynccontextmanager
async def qdrant_target(ready: Callable[[], int]) -> AsyncIterator[str]:
    """Serve the part of Qdrant's REST interface that tells how it is; yield its address."""

    @web.middleware
    async def up(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not ready():
            raise web.HTTPServiceUnavailable
        return await handler(request)

    async def well(_: web.Request) -> web.Response:
        return web.Response(text="healthz check passed")

    async def collections(_: web.Request) -> web.Response:
        return web.json_response(_answer({"collections": [{"name": name} for name in _COLLECTIONS]}))

    async def collection(request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in _COLLECTIONS:
            raise web.HTTPNotFound
        points = _COLLECTIONS[name]
        result = {
            "status": "green",
            "optimizer_status": "ok",
            "points_count": points,
            "indexed_vectors_count": points,
            "segments_count": 4,
            "payload_schema": {"tenant": {"data_type": "keyword", "points": points}},
            "config": {"hnsw_config": {"m": 16, "ef_construct": 100, "on_disk": False}},
        }
        return web.json_response(_answer(result))

    app = web.Application(middlewares=[up])
    for path in ("/healthz", "/readyz", "/livez"):
        app.router.add_get(path, well)
    app.router.add_get("/collections", collections)
    app.router.add_get("/collections/{name}", collection)
    async with _served(app) as address:
        yield address


def _answer(result: object) -> dict[str, object]:
    return {"result": result, "status": "ok", "time": 0.0004}


@asynccontextmanager
async def _served(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_S)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()
