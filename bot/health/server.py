"""The pages for machines: `/livez`, `/readyz` and `/metrics`, at an address of their own.

Everything else is a 404, and only GET and HEAD are served. No body is read, nothing is changed, and what an answer
costs does not grow with how often it is asked for: readiness and figures count for a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import hdrs, web

from bot.errors import Fault, SettingsError
from bot.health.checks import Readiness, State
from bot.health.heartbeat import Heartbeat
from bot.health.metrics import PrometheusMeter, format_of
from bot.settings import Listen

AT_ONCE = 256
_FIGURES_COUNT_FOR_S = 1.0
_IDLE_S = 75.0
_END_S = 2.0
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def health_server(
    listen: Listen, readiness: Readiness, meter: PrometheusMeter, *, heartbeat: Heartbeat | None = None
) -> AsyncIterator[Listen]:
    """Serve, and measure the event loop, until the block ends; the address is the one that was taken.

    Raises `SettingsError` naming `RAGOPS_LISTEN` when the address cannot be had.
    """
    pages = _Pages(readiness, meter, heartbeat or Heartbeat(meter))
    runner = web.AppRunner(
        pages.application(), access_log=None, keepalive_timeout=_IDLE_S, lingering_time=0, shutdown_timeout=_END_S
    )
    await runner.setup()
    beating = asyncio.create_task(pages.heartbeat.run())
    try:
        yield await _open(runner, listen)
    finally:
        beating.cancel()
        await asyncio.wait({beating})
        await runner.cleanup()
        await readiness.close()


async def _open(runner: web.AppRunner, listen: Listen) -> Listen:
    try:
        await web.TCPSite(runner, listen.host, listen.port, backlog=AT_ONCE).start()
    except OSError as error:
        what = f"cannot listen at {listen} ({error.strerror or type(error).__name__}); choose another address"
        raise SettingsError([Fault("RAGOPS_LISTEN", what)]) from error
    address = runner.addresses[0]
    return Listen(str(address[0]), int(address[1]))


@dataclass(slots=True)
class _Pages:
    readiness: Readiness
    meter: PrometheusMeter
    heartbeat: Heartbeat
    _under_way: int = 0
    _figures: dict[str, tuple[float, bytes, str]] = field(default_factory=dict)

    def application(self) -> web.Application:
        application = web.Application(middlewares=[self._bounded])
        application.router.add_get("/livez", self.livez)
        application.router.add_get("/readyz", self.readyz)
        application.router.add_get("/metrics", self.metrics)
        application.on_response_prepare.append(_plain_headers)
        return application

    @web.middleware
    async def _bounded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Turn requests away that are too many at once. Those for `/livez` cost nothing, and a wrong no would kill."""
        if self._under_way >= AT_ONCE and request.path != "/livez":
            return web.Response(status=503, text="too many requests at once\n", headers={hdrs.RETRY_AFTER: "1"})
        self._under_way += 1
        try:
            return await handler(request)
        finally:
            self._under_way -= 1

    async def livez(self, _: web.Request) -> web.Response:
        """Say whether the event loop turns."""
        trouble = self.heartbeat.trouble()
        return web.Response(status=503 if trouble else 200, text=f"{trouble or 'alive'}\n")

    async def readyz(self, _: web.Request) -> web.Response:
        """Say whether this replica can do its work, and what each check says."""
        state = await self.readiness.look()
        return web.json_response(_told(state), status=200 if state.ready else 503)

    async def metrics(self, request: web.Request) -> web.Response:
        """Give all figures, in the format that is asked for."""
        asked = format_of(",".join(request.headers.getall(hdrs.ACCEPT, [])))
        now = asyncio.get_running_loop().time()
        if asked not in self._figures or now - self._figures[asked][0] >= _FIGURES_COUNT_FOR_S:
            self._figures[asked] = (now, *self.meter.exposition(asked))
        _, body, content_type = self._figures[asked]
        return web.Response(body=body, headers={hdrs.CONTENT_TYPE: content_type})


def _told(state: State) -> dict[str, object]:
    return {
        "ready": state.ready,
        "phase": state.phase.value,
        "checks": [
            {
                "name": told.name,
                "well": not told.words,
                "words": told.words,
                "since": None if told.since is None else told.since.isoformat(timespec="seconds"),
            }
            for told in state.checks
        ],
    }


async def _plain_headers(_: web.Request, response: web.StreamResponse) -> None:
    """Keep answers out of caches, and our versions to ourselves."""
    response.headers[hdrs.CACHE_CONTROL] = "no-store"
    response.headers.pop(hdrs.SERVER, None)
