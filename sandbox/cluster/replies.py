"""How answers leave through the socket, and how the faults in force spoil them."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from http import HTTPStatus

from aiohttp import web
from multidict import CIMultiDict

from sandbox.cluster.api.calls import Answer, BytesAnswer, JsonAnswer, StreamAnswer, Target, TextAnswer
from sandbox.cluster.api.errors import Refusal
from sandbox.cluster.faults import Fault, FaultKind, Faults

_AUDIT_SPACE = uuid.UUID("0a8b3a7e-1d0c-5c43-8e0e-6f5a2f6d1c11")
_REASONS = {
    403: ("Forbidden", "forbidden by a fault of the sandbox"),
    429: ("TooManyRequests", "the server has received too many requests and has asked us to try again later"),
    500: ("InternalError", "an error on the server has prevented the request from succeeding"),
    503: ("ServiceUnavailable", "the server is currently unable to handle the request"),
    504: ("Timeout", "the server was unable to return a response in the time allotted"),
}
AnswerRequest = Callable[[web.BaseRequest, Target], Awaitable[Answer]]


class Replies:
    """Sends answers; each passes the faults first."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._sent = 0

    async def send(self, request: web.BaseRequest, target: Target, answer: AnswerRequest) -> web.StreamResponse:
        """Answer one request, or fail to in the way that a fault says."""
        if slow := self._take(FaultKind.LATENCY, target):
            await asyncio.sleep(slow.seconds)
        if self._take(FaultKind.DROP_BEFORE, target):
            return _break(request, web.Response(status=500))
        refused = self._take(FaultKind.STATUS, target)
        answered = _refuse(refused) if refused else await answer(request, target)
        dropped = self._take(FaultKind.DROP_WITHIN, target)
        if isinstance(answered, StreamAnswer):
            return await self._send_stream(request, target, answered, dropped)
        if slow := self._take(FaultKind.LATENCY, target, after=True):
            await asyncio.sleep(slow.seconds)
        if self._take(FaultKind.DROP_BEFORE, target, after=True):
            return _break(request, web.Response(status=500))
        if replaced := self._take(FaultKind.STATUS, target, after=True):
            answered = _refuse(replaced)
        return await self._send_whole(request, answered, dropped)

    def _take(self, kind: FaultKind, target: Target, *, after: bool = False) -> Fault | None:
        return self._faults.take(kind, target.verb, target.full_resource, target.namespace, after=after)

    def _headers(self, content_type: str) -> dict[str, str]:
        self._sent += 1
        return {
            "Audit-Id": str(uuid.uuid5(_AUDIT_SPACE, str(self._sent))),
            "Cache-Control": "no-cache, private",
            "Content-Type": content_type,
        }

    async def _send_whole(
        self, request: web.BaseRequest, answer: JsonAnswer | TextAnswer | BytesAnswer, dropped: Fault | None
    ) -> web.StreamResponse:
        if isinstance(answer, JsonAnswer):
            data = json.dumps(answer.body, separators=(",", ":"), ensure_ascii=False).encode()
            headers = CIMultiDict({**self._headers("application/json"), **answer.headers})
            for warning in answer.warnings:
                headers.add("Warning", f"299 - {json.dumps(warning, ensure_ascii=False)}")
        elif isinstance(answer, BytesAnswer):
            data = answer.data
            headers = CIMultiDict(self._headers(answer.content_type))
        else:
            data = answer.text.encode()
            headers = CIMultiDict(self._headers("text/plain; charset=utf-8" if answer.status == 404 else "text/plain"))
        if answer.status == 204:
            del headers["Content-Type"]
        if dropped is None:
            return web.Response(body=data, status=answer.status, headers=headers)
        headers["Content-Length"] = str(len(data))
        response = web.StreamResponse(status=answer.status, headers=headers)
        await response.prepare(request)
        await response.write(data[: len(data) // 2])
        return _break(request, response)

    async def _send_stream(
        self, request: web.BaseRequest, target: Target, answer: StreamAnswer, dropped: Fault | None
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers=self._headers(answer.content_type))
        await response.prepare(request)
        try:
            async with asyncio.timeout(dropped.seconds if dropped and dropped.seconds else None):
                async for chunk in answer.chunks:
                    await self._pass_or_silence(target)
                    if dropped and not dropped.seconds:
                        await response.write(chunk[: len(chunk) // 2])
                        return _break(request, response)
                    await response.write(chunk)
                await self._pass_or_silence(target)
        except TimeoutError:
            return _break(request, response)
        finally:
            await _close(answer.chunks)
        await response.write_eof()
        return response

    async def _pass_or_silence(self, target: Target) -> None:
        """Return at once, or never when a fault silences this watch: its end comes from the client or with the server.

        A watch that is open already falls silent too, at its next event.
        """
        if target.verb == "watch" and self._take(FaultKind.SILENCE, target):
            await asyncio.Event().wait()


async def _close(chunks: AsyncIterator[bytes]) -> None:
    closing = getattr(chunks, "aclose", None)
    if closing is not None:
        await closing()


def _refuse(fault: Fault) -> JsonAnswer:
    reason, message = _REASONS.get(fault.status, ("", HTTPStatus(fault.status).phrase))
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    details = None if fault.retry_after is None else {"retryAfterSeconds": fault.retry_after}
    refusal = Refusal(fault.status, reason, fault.message or message, details)
    return JsonAnswer(refusal.body(), fault.status, headers)


def _break(request: web.BaseRequest, response: web.StreamResponse) -> web.StreamResponse:
    """Cut the connection; what was to be sent is lost."""
    if request.transport is not None:
        request.transport.abort()
    return response
