"""Reads over HTTP: one GET, retried where that is safe, or one stream. Bodies are bounded, errors are ours."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import cast

import aiohttp

from bot.cluster import faults
from bot.cluster.connection import Connection, Credentials, credentials
from bot.cluster.faults import Tried
from bot.cluster.turns import Turns
from bot.domain.targets import ClusterName
from bot.errors import ClusterError, ClusterFault, ClusterThrottled, ClusterUnauthorized, ClusterUnreachable, UsageError
from bot.ports import Clock

Query = Mapping[str, str]

LARGEST_BODY = 128 * 1024 * 1024
_LARGEST_ERROR_BODY = 64 * 1024
_LONGEST_RETRY_AFTER_S = 5.0
_NO_LIMIT = aiohttp.ClientTimeout(total=None)  # `get` sets its own deadline around all tries


@dataclass(frozen=True, slots=True)
class Retries:
    """How often a read is tried, and how long we wait in between: full jitter below a bound that doubles."""

    tries: int = 3
    first_wait_s: float = 0.2
    longest_wait_s: float = 2.0

    def wait_s(self, failures: int, random: float) -> float:
        """Return the wait after `failures` failures in a row; `random` lies in [0, 1)."""
        return random * min(self.longest_wait_s, self.first_wait_s * 2.0 ** min(failures - 1, 30))


@dataclass(frozen=True, slots=True)
class _Call:
    """One GET, and since when it is being tried (monotonic seconds)."""

    path: str
    query: Query
    accept: str
    limit: int
    began: float

    def tried(self, tries: int) -> Tried:
        return Tried("GET", self.path, time.monotonic() - self.began, tries)


class KubernetesHttp:
    """The reads of one cluster. It sends GET and nothing else.

    `heard_at` is the moment of the server's newest sign of life: any answer of it below 500, whatever it was about,
    but not 401. `turns` are for those who have long answers of it to decode.
    """

    def __init__(
        self, connection: Connection, clock: Clock, random: Callable[[], float], *, retries: Retries | None = None
    ) -> None:
        self._connection = connection
        self._clock = clock
        self._random = random
        self._retries = retries or Retries()
        self.heard_at: datetime | None = None
        self.turns = Turns()

    def heard(self) -> None:
        """Note a sign of life."""
        self.heard_at = self._clock.now()

    async def get(
        self,
        path: str,
        query: Query | None = None,
        *,
        accept: str = "application/json",
        timeout_s: float = 5.0,
        limit: int = LARGEST_BODY,
    ) -> bytes:
        """Return the body of a success. `timeout_s` bounds all tries together.

        Tried again after a broken connection, 429 and 5xx; never after 401, 403, 404, nor when Retry-After is long.
        """
        call = _Call(path, query or {}, accept, limit, time.monotonic())
        tries = 0

        async def attempt() -> bytes:
            nonlocal tries
            while True:
                tries += 1
                try:
                    return await self._get_once(call, tries)
                except (ClusterUnreachable, ClusterThrottled, ClusterFault) as error:
                    wait = self._wait_s(error, tries)
                    if wait is None or time.monotonic() - call.began + wait >= timeout_s:
                        raise
                await self._clock.sleep(wait)

        try:
            async with asyncio.timeout(timeout_s):
                return await attempt()
        except TimeoutError as error:
            raise faults.from_exception(error, call.tried(tries)) from error

    def _wait_s(self, error: ClusterError, tries: int) -> float | None:
        if tries >= self._retries.tries or isinstance(error.__cause__, (aiohttp.ClientSSLError, ssl.SSLError)):
            return None
        wait = self._retries.wait_s(tries, self._random())
        if isinstance(error, ClusterThrottled):
            return None if error.retry_after_s > _LONGEST_RETRY_AFTER_S else error.retry_after_s + wait
        return wait

    async def _get_once(self, call: _Call, tries: int) -> bytes:
        try:
            async with self._answer(call.path, call.query, call.accept, _NO_LIMIT) as response:
                if response.status in (200, 204):
                    return await _read(response, call.limit)
                body = await _read(response, _LARGEST_ERROR_BODY, cut=True)
                raise faults.from_answer(response.status, response.headers, body, call.tried(tries))
        except faults.TRANSPORT_ERRORS as error:
            raise faults.from_exception(error, call.tried(tries)) from error

    @asynccontextmanager
    async def stream(
        self, path: str, query: Query, *, accept: str = "application/json", total_s: float, silence_s: float
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Open a success as a stream, tried once. It breaks off after `silence_s` without a byte.

        While the stream is read, errors of the transport become ours too.
        """
        call = _Call(path, query, accept, 0, time.monotonic())
        timeout = aiohttp.ClientTimeout(total=total_s, sock_connect=min(5.0, silence_s), sock_read=silence_s)
        try:
            async with self._answer(path, query, accept, timeout) as response:
                if response.status not in (200, 204):
                    body = await _read(response, _LARGEST_ERROR_BODY, cut=True)
                    raise faults.from_answer(response.status, response.headers, body, call.tried(1))
                yield response
        except faults.TRANSPORT_ERRORS as error:
            raise faults.from_exception(error, call.tried(1)) from error

    @asynccontextmanager
    async def _answer(
        self, path: str, query: Query, accept: str, timeout: aiohttp.ClientTimeout
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        api = self._connection.api
        request = await api.param_serialize(
            "GET",
            path,
            query_params=list(query.items()),
            header_params={"Accept": accept},
            auth_settings=["BearerToken"],
        )
        wrapped = await api.call_api(*request, _request_timeout=timeout)
        async with cast("aiohttp.ClientResponse", wrapped.response) as response:
            if response.status < 500 and response.status != 401:  # who is not let in cannot vouch for what he saw
                self.heard()
            yield response


def connection_of(http: KubernetesHttp) -> Connection:
    """Return the way itself, on which more than reads can be sent. For `bot.cluster.writer` alone."""
    return http._connection  # noqa: SLF001  # hidden from all others on purpose


async def credentials_of(http: KubernetesHttp) -> Credentials:
    """Return who we are, renewed if it had to be. For `bot.cluster.kubelets` alone, which looks whom it tells."""
    return await credentials(connection_of(http))


class Pulse:
    """Asks the server whether it lives, once for all who want to know.

    `/readyz` is open to every account by default; where it is not, the refusal is a sign of life as well.
    """

    def __init__(self, http: KubernetesHttp, clock: Clock, *, bound_s: float = 10.0, timeout_s: float = 2.0) -> None:
        self._http = http
        self._clock = clock
        self._bound_s = bound_s
        self._timeout_s = timeout_s
        self._asking = asyncio.Lock()
        self._failed_at: datetime | None = None
        self.trouble: ClusterError | None = None

    async def confirm(self) -> None:
        """Make sure of a sign of life that is at most `bound_s` old; else leave the reason in `trouble`."""
        async with self._asking:
            if self._is_fresh() or self._has_just_failed():
                return
            self.trouble = await self._ask()
            self._failed_at = self._clock.now() if self.trouble else None

    def _is_fresh(self) -> bool:
        heard_at = self._http.heard_at
        if heard_at is None or (self._clock.now() - heard_at).total_seconds() > self._bound_s:
            return False
        if self._failed_at is not None and heard_at <= self._failed_at:
            return False
        self.trouble = None
        return True

    def _has_just_failed(self) -> bool:
        """Tell whether asking again would only make people wait."""
        return self._failed_at is not None and (self._clock.now() - self._failed_at).total_seconds() < self._timeout_s

    async def _ask(self) -> ClusterError | None:
        try:
            await self._http.get("/readyz", accept="*/*", timeout_s=self._timeout_s, limit=_LARGEST_ERROR_BODY)
        except (ClusterUnreachable, ClusterUnauthorized, ClusterFault) as error:
            return error
        except ClusterError:
            return None  # it answers, if only that this page is not for us
        return None


async def _read(response: aiohttp.ClientResponse, limit: int, *, cut: bool = False) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > limit:
            if cut:
                return bytes(body[:limit])
            raise aiohttp.ClientPayloadError(f"more than {limit} bytes")
    return bytes(body)


def one_of(clusters: Mapping[ClusterName, KubernetesHttp], cluster: ClusterName) -> KubernetesHttp:
    """Return the way to a cluster. Raises `UsageError` naming the clusters there are."""
    http = clusters.get(cluster)
    if http is None:
        known = [f"--cluster {each}" for each in sorted(clusters)]
        raise UsageError(f"There is no cluster {cluster!r}.", suggestions=known)
    return http
