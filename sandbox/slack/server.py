"""The server: one port for the Web API, Socket Mode, uploads, response_url, and the control door."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from aiohttp import web

from sandbox.slack.delivery import Courier, Timing
from sandbox.slack.door import ControlDoor
from sandbox.slack.faults import Faults
from sandbox.slack.people import People
from sandbox.slack.rates import RateLimits
from sandbox.slack.socket import SocketHub
from sandbox.slack.webapi import WebApi
from sandbox.slack.world import Workspace

_LARGEST_UPLOAD = 64 * 1024 * 1024


class SlackServer:
    """A workspace behind a port; ``async with`` starts and stops it."""

    def __init__(
        self,
        workspace: Workspace,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        faults: Faults | None = None,
        rates: RateLimits | None = None,
        timing: Timing | None = None,
    ) -> None:
        self.workspace = workspace
        self.faults = faults or Faults()
        self.rates = rates or RateLimits()
        self._stopping = asyncio.Event()
        self.timing = timing or Timing()
        self.hub = SocketHub(workspace, self.timing)
        self.courier = Courier(workspace, self.faults, self.timing, self.hub)
        self.people = People(workspace, self.courier)
        workspace.on_direct = self.people.bot_said
        self._api = WebApi(workspace, self.faults, self.rates, self._stopping)
        self._door = ControlDoor(self.people, self.hub, self._api, self.rates)
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None

    @property
    def origin(self) -> str:
        """Return the address of the server."""
        return f"http://{self._host}:{self._port}"

    @property
    def base_url(self) -> str:
        """Return what a Slack client takes as its base_url."""
        return f"{self.origin}/api/"

    @property
    def control_url(self) -> str:
        """Return where scripts knock."""
        return f"{self.origin}/control/"

    async def start(self) -> None:
        """Open the port; after that base_url and control_url hold."""
        app = web.Application(client_max_size=_LARGEST_UPLOAD)
        app.add_routes(self._api.routes())
        app.add_routes(self._door.routes())
        app.add_routes([web.get("/link/", self.hub.connect)])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        self.people.origin = self.origin

    async def stop(self) -> None:
        """Close every connection and the port."""
        self._stopping.set()
        await self.courier.close()
        await self._door.close()
        await self.hub.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
