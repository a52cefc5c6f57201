"""Writes over HTTP: one request of one cluster, sent once. Those who only read are never handed this."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import aiohttp
from kubernetes.aio.client.api_client import RequestSerialized

from bot.cluster import faults, refusals
from bot.cluster.connection import Connection
from bot.cluster.faults import Tried
from bot.errors import ClusterUnreachable

JSON = "application/json"
JSON_PATCH = "application/json-patch+json"

_LARGEST_BODY = 4 * 1024 * 1024  # a refusal may quote the whole object, twice
_LONGEST_CONNECT_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """One write as it goes out. A `dry_run` is one to the server too; here it decides what silence means."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Mapping[str, Any] | Sequence[Any]
    content_type: str = JSON
    dry_run: bool


class KubernetesWrites:
    """The writes of one cluster. Each is tried once: no repeat, no redirection, whatever the answer is."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def send(self, sending: Sending, *, timeout_s: float) -> bytes:
        """Return the body of a success. Raises a `WriteError`, or another `ClusterError` when nothing was sent."""
        began = time.monotonic()
        request = await self._serialized(sending, timeout_s)
        left_s = began + timeout_s - time.monotonic()
        try:
            async with asyncio.timeout(left_s):
                status, headers, body = await self._answer(request, left_s)
        except faults.TRANSPORT_ERRORS as error:
            raise refusals.from_exception(error, _tried(sending, began), dry_run=sending.dry_run) from error
        if 200 <= status < 300:
            return body
        raise refusals.from_answer(status, headers, body, _tried(sending, began), dry_run=sending.dry_run)

    async def _serialized(self, sending: Sending, timeout_s: float) -> RequestSerialized:
        """Make the request, with credentials: a plugin may be asked for new ones, for half of the time at most."""
        try:
            async with asyncio.timeout(timeout_s / 2):
                return await self._connection.api.param_serialize(
                    sending.method,
                    sending.path,
                    query_params=list(sending.query.items()),
                    header_params={"Accept": JSON, "Content-Type": sending.content_type},
                    body=sending.body,
                    auth_settings=["BearerToken"],
                )
        except TimeoutError as error:
            raise ClusterUnreachable("There were no credentials for the API server in time.") from error

    async def _answer(self, request: RequestSerialized, left_s: float) -> tuple[int, Mapping[str, str], bytes]:
        connect_s = min(_LONGEST_CONNECT_S, left_s / 2)  # so that a try to connect ends as one, not with the whole
        timeout = aiohttp.ClientTimeout(total=None, connect=connect_s, sock_connect=connect_s)
        wrapped = await self._connection.api.call_api(*request, _request_timeout=timeout)
        async with cast("aiohttp.ClientResponse", wrapped.response) as response:
            body = bytearray()
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > _LARGEST_BODY:
                    break
            return response.status, response.headers, bytes(body)


def _tried(sending: Sending, began: float) -> Tried:
    return Tried(sending.method, sending.path, time.monotonic() - began)
