"""The Web API over HTTP: token, scope, rate, fault, then the method; and the doors for uploads and response_url."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from sandbox.slack.errors import SlackError
from sandbox.slack.faults import Fault, Faults, Kind
from sandbox.slack.methods.base import Args, Call, Method, missing_scope
from sandbox.slack.methods.table import METHODS
from sandbox.slack.rates import RateLimits
from sandbox.slack.records import Json, Token
from sandbox.slack.respond import respond
from sandbox.slack.wire import bearer, read_arguments, read_json
from sandbox.slack.world import Workspace

_BEFORE = (Kind.LATENCY, Kind.SERVER_ERROR, Kind.RATELIMITED, Kind.RESET_BEFORE, Kind.HANG, Kind.ERROR)
_AFTER = (Kind.RESET_AFTER, Kind.REPLY_LOST, Kind.SLOW_DRIP)


class WebApi:
    """Answer apps as Slack's servers do."""

    def __init__(self, world: Workspace, faults: Faults, rates: RateLimits, stopping: asyncio.Event) -> None:
        self._world = world
        self._faults = faults
        self._rates = rates
        self._stopping = stopping
        self.in_flight = 0
        self.calls: dict[str, int] = {}

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of the Web API, of uploads, and of response_url."""
        return [
            web.route("*", "/api/{method}", self._call),
            web.post("/upload/{ticket}", self._upload),
            web.put("/upload/{ticket}", self._upload),
            web.post("/response/{secret}", self._respond),
        ]

    async def _call(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["method"]
        return await self._guarded(request, name, lambda: self._answer(request, name))

    async def _answer(self, request: web.Request, name: str) -> web.Response:
        try:
            method = _method(name)
            arguments = await read_arguments(request)
            token = self._token(bearer(request) or str(arguments.pop("token", "")), method)
            arguments.pop("token", None)
            wait = self._rates.take(method, str(arguments.get("channel", "")), self._world.clock())
            if wait:
                return _ratelimited(wait)
            origin = f"http://{request.host}"
            body = {"ok": True, **method.run(Call(self._world, Args(arguments), token, origin))}
        except SlackError as error:
            return web.json_response(error.as_json())
        headers = {"x-oauth-scopes": ",".join(sorted(token.scopes)), "x-slack-req-id": self._world.ids.secret()}
        return web.json_response(body, headers=headers)

    def _token(self, value: str, method: Method) -> Token:
        """Return the token's record; raise SlackError unless it opens this method."""
        if not value:
            raise SlackError("not_authed")
        token = self._world.tokens.get(value)
        if token is None:
            raise SlackError("invalid_auth")
        if token.revoked:
            raise SlackError("token_revoked")
        if token.kind != method.kind:
            raise SlackError("not_allowed_token_type")
        if method.scopes and not token.scopes.intersection(method.scopes):
            raise missing_scope(token, method.scopes[0])
        return token

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        return await self._guarded(request, "upload", lambda: self._receive(request))

    async def _receive(self, request: web.Request) -> web.Response:
        ticket = request.match_info["ticket"]
        file = next((file for file in self._world.files.values() if file.ticket == ticket), None)
        if file is None or file.body is not None:
            return web.Response(status=404, text="no such upload")
        body = await _uploaded_bytes(request)
        if len(body) != file.length:
            return web.Response(status=400, text=f"expected {file.length} bytes, got {len(body)}")
        file.body = body
        return web.Response(text=f"OK - {len(body)}")

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        return await self._guarded(request, "response_url", lambda: self._response(request))

    async def _response(self, request: web.Request) -> web.Response:
        try:
            respond(self._world, request.match_info["secret"], await read_json(request))
        except SlackError as error:
            status = 404 if error.code in {"used_url", "expired_url"} else 400
            return web.json_response(error.as_json(), status=status)
        return web.Response(text="ok")

    # Faults

    async def _guarded(
        self, request: web.Request, name: str, answer: Callable[[], Awaitable[web.Response]]
    ) -> web.StreamResponse:
        """Let the faults in force hit before and after the effect."""
        self.in_flight += 1
        self.calls[name] = self.calls.get(name, 0) + 1
        try:
            fault = self._faults.take(name, *_BEFORE)
            refused = await self._before(request, fault) if fault else None
            if refused is not None:
                return refused
            response = await answer()
            fault = self._faults.take(name, *_AFTER)
            return await self._after(request, fault, response) if fault else response
        finally:
            self.in_flight -= 1

    async def _before(self, request: web.Request, fault: Fault) -> web.Response | None:
        match fault.kind:
            case Kind.LATENCY:
                await self._wait(fault.seconds)
                return None
            case Kind.SERVER_ERROR:
                return web.Response(status=fault.status, text="upstream error")
            case Kind.RATELIMITED:
                return _ratelimited(max(1, round(fault.seconds)))
            case Kind.ERROR:
                return web.json_response({"ok": False, "error": fault.error})
            case Kind.HANG:
                await self._wait(fault.seconds)
        return _reset(request)

    async def _after(self, request: web.Request, fault: Fault, response: web.Response) -> web.StreamResponse:
        if fault.kind is Kind.SLOW_DRIP:
            return await self._drip(request, fault.seconds, response)
        if fault.kind is Kind.REPLY_LOST:
            await self._wait(fault.seconds)
        return _reset(request)

    async def _drip(self, request: web.Request, seconds: float, response: web.Response) -> web.StreamResponse:
        body = response.body if isinstance(response.body, bytes) else b""
        slow = web.StreamResponse(status=response.status, headers={"Content-Type": response.content_type})
        slow.content_length = len(body)
        await slow.prepare(request)
        pieces = 10
        size = max(1, -(-len(body) // pieces))
        for start in range(0, len(body), size):
            await slow.write(body[start : start + size])
            await self._wait(seconds / pieces)
        return slow

    async def _wait(self, seconds: float) -> None:
        """Wait so long, or until the server stops."""
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return


def _method(name: str) -> Method:
    method = METHODS.get(name)
    if method is None:
        raise SlackError("unknown_method", req_method=name)
    return method


async def _uploaded_bytes(request: web.Request) -> bytes:
    if request.content_type != "multipart/form-data":
        return await request.read()
    form: Any = await request.post()
    part = next(iter(form.values()), "")
    return bytes(part.file.read()) if isinstance(part, web.FileField) else str(part).encode()


def _ratelimited(seconds: int) -> web.Response:
    body: Json = {"ok": False, "error": "ratelimited"}
    return web.json_response(body, status=429, headers={"Retry-After": str(seconds)})


def _reset(request: web.Request) -> web.Response:
    """Cut the connection; what is returned reaches nobody."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=503)
