"""The doors through which `ragops check` and `ragops init` look at the world: adapters, each with its own time limit.

They only read, and say in words of `bot.setup` what they were told. Nothing that is secret goes through them.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType, TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.cluster import access
from bot.cluster.connection import Connection, open_connection
from bot.cluster.http import KubernetesHttp, Retries
from bot.cluster.lists import read_all
from bot.cluster.resources import RESOURCES
from bot.configuration import ClusterConfiguration
from bot.domain.objects import Service, Workload
from bot.domain.snapshot import Part
from bot.domain.targets import WORKLOAD_KINDS, Namespace
from bot.errors import ClusterError, ClusterFault, ClusterForbidden, ClusterNotFound, StoreRefused
from bot.hot.connection import FAILURES, connect
from bot.main.clock import SystemClock
from bot.setup.change_checks import Right
from bot.setup.slack_checks import SlackAnswer
from bot.setup.state_checks import DatabaseFacts, RedisFacts
from bot.slack.codes import answer_of, code_of
from bot.store.connections import Address, connected, transaction_on
from bot.store.migrate import missing_from
from bot.store.rights import check_rights

LIMIT_S = 5.0
_AT_ONCE = 6
_MASK = "…"
_NOT_SLACK = "what answers there does not speak as Slack does"
Value = TypeVar("Value")


class SlackMethods:
    """Slack's Web API with one token. A `SlackDoor`."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client

    async def call(self, method: str, **arguments: str) -> SlackAnswer:
        """Call a method that reads."""
        verb = "GET" if arguments else "POST"
        try:
            async with asyncio.timeout(LIMIT_S):
                response = await self._client.api_call(method, http_verb=verb, params=arguments)
        except SlackApiError as error:
            return _refusal(error)
        except TimeoutError:
            return SlackAnswer(trouble=f"Slack did not answer within {LIMIT_S:g} s")
        except (aiohttp.ClientError, OSError) as error:
            return SlackAnswer(trouble=f"no connection to Slack ({type(error).__name__})")
        except AttributeError:  # the library's way to say that an answer is no JSON object
            return SlackAnswer(trouble=_NOT_SLACK)
        headers = {str(name).lower(): str(value) for name, value in dict(response.headers).items()}
        scopes = frozenset(scope.strip() for scope in headers.get("x-oauth-scopes", "").split(",") if scope.strip())
        return SlackAnswer(body=response.data if isinstance(response.data, dict) else {}, scopes=scopes)


def _refusal(error: SlackApiError) -> SlackAnswer:
    code = code_of(error)
    if not code:
        return SlackAnswer(trouble=_NOT_SLACK)
    return SlackAnswer(error=code, needed=str(answer_of(error).get("needed") or ""))


async def database_facts(url: str) -> DatabaseFacts:
    """Look at a database in transactions that can only read. Raises `StoreUnavailable`, `TimeoutError`."""
    address = Address.parse(url)
    async with asyncio.timeout(LIMIT_S), connected(address) as connection:
        async with transaction_on(connection, address, limit_s=LIMIT_S) as session:
            await session.run("only_read")
            row = await session.fetch_one("database_facts") or {}
        ahead_s = (row["now"] - SystemClock().now()).total_seconds()
        pending: Sequence[str] = ()
        refusal, advice = "", ""
        try:
            pending = [migration.name for migration in await missing_from(connection, address)]
            if not pending:
                await check_rights(connection, address)
        except StoreRefused as error:
            refusal, advice = error.message, error.advice
    return DatabaseFacts(
        label=address.label,
        version=str(row["version"]),
        encoding=str(row["encoding"]),
        role=str(row["role"]),
        may_create=bool(row["may_create"]),
        read_only=bool(row["read_only"]),
        ahead_s=ahead_s,
        pending=pending,
        refusal=refusal,
        advice=advice,
    )


class RedisTrouble(Exception):
    """Redis cannot be asked; the text tells why and is free of secrets."""


def redis_label(url: str) -> str:
    """Return where a Redis is, without its password."""
    try:
        parts = urlsplit(url)
        port = parts.port or 6379
    except ValueError:
        return "an address that cannot be read"
    return parts.path if parts.scheme == "unix" else f"{parts.hostname or 'localhost'}:{port}"


async def redis_facts(url: str) -> RedisFacts:
    """Ask a Redis for a sign of life and for what it is. Raises `RedisTrouble`."""
    info: Mapping[str, object] = {}
    try:
        redis = connect(url, retries=0)
    except (ValueError, TypeError) as error:
        raise RedisTrouble(f"the address cannot be read ({_scrubbed(error, url)})") from error
    try:
        async with asyncio.timeout(LIMIT_S):
            pong = redis.ping()
            if isinstance(pong, Awaitable):
                await pong
            with suppress(*FAILURES):  # an account may do all that we need and yet not ask for this
                info = dict(await redis.info())
    except FAILURES as error:
        raise RedisTrouble(_scrubbed(error, url)) from error
    finally:
        await redis.aclose()
    return RedisFacts(
        label=redis_label(url),
        version=str(info.get("redis_version", "")),
        policy=str(info.get("maxmemory_policy", "")),
        bounded=info.get("maxmemory", 0) not in (0, "0"),
        replica=info.get("role") in ("slave", "replica"),
    )


def _scrubbed(error: Exception, url: str) -> str:
    """Return an error's words without the address and what is secret in it."""
    text = (str(error) or type(error).__name__).replace(url, _MASK)
    with suppress(ValueError):
        parts = urlsplit(url)
        for secret in (parts.password, parts.username):
            text = text.replace(secret, _MASK) if secret else text
    return text.rstrip(".")


class ClusterReads:
    """Small reads of one cluster, a few at a time. A `ClusterDoor`, open while it is entered."""

    def __init__(self, cluster: ClusterConfiguration, kubeconfig: str) -> None:
        self._cluster = cluster
        self._kubeconfig = cluster.kubeconfig or kubeconfig
        self._at_once = asyncio.Semaphore(_AT_ONCE)
        self._connection: Connection | None = None
        self._http: KubernetesHttp | None = None
        self._lists: dict[tuple[str, Namespace], asyncio.Task[tuple[Workload, ...]]] = {}
        self.parts: Mapping[Part, bool] = MappingProxyType(
            {part: resource.namespaced for part, resource in RESOURCES.items()}
        )

    async def __aenter__(self) -> Self:
        """Load what leads to the cluster; nothing is sent yet. Raises `ClusterError`."""
        self._connection = await open_connection(
            self._kubeconfig, self._cluster.context, in_cluster=self._cluster.in_cluster, loading_s=LIMIT_S
        )
        self._http = KubernetesHttp(self._connection, SystemClock(), random.random, retries=Retries(tries=2))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._lists.values():
            task.cancel()
        await asyncio.gather(*self._lists.values(), return_exceptions=True)
        if self._connection is not None:
            await self._connection.close()

    @property
    def connection(self) -> Connection:
        """The way to the cluster, once entered."""
        if self._connection is None:
            raise RuntimeError("the door is not open")
        return self._connection

    @property
    def host(self) -> str:
        return self.connection.host

    @property
    def namespace(self) -> str:
        return self.connection.namespace

    async def version(self) -> str:
        """Return the server's version."""
        body = await self._get("/version")
        try:
            return str(json.loads(body)["gitVersion"])
        except (ValueError, KeyError, TypeError) as error:
            raise ClusterFault("What answers there does not speak as an API server does.") from error

    async def has_namespace(self, namespace: Namespace) -> bool:
        """Tell whether there is such a namespace. Raises `ClusterForbidden` when that may not be asked."""
        try:
            await self._get(f"/api/v1/namespaces/{namespace}")
        except ClusterNotFound:
            return False
        return True

    async def may(self, right: Right, namespace: Namespace, name: str = "") -> bool:
        """Ask the API server for its judgement; nothing is done."""
        what = (right.verb, right.resource, right.group, namespace, name)
        async with self._at_once:
            return await access.may(self.connection, *what, timeout_s=LIMIT_S)

    async def unreadable(self, part: Part, namespace: Namespace) -> str:
        """List one object and, where the product watches, open a watch and close it again."""
        resource = RESOURCES[part]
        path = resource.path(namespace)
        try:
            body = await self._get(path, limit="1")
            if resource.watched:
                await self._watch(path, str(json.loads(body)["metadata"].get("resourceVersion", "")))
        except ClusterError as error:
            return resource.reason_of(error)
        except (ValueError, KeyError, TypeError, AttributeError):
            return "the API server sent what is not understood"
        return ""

    async def unreadable_logs(self, namespace: Namespace) -> str | None:
        """Ask for one byte of a log of any pod."""
        path = RESOURCES[Part.PODS].path(namespace)
        try:
            items = json.loads(await self._get(path, limit="1"))["items"]
            pod = items[0]["metadata"]["name"]
            container = items[0]["spec"]["containers"][0]["name"]
        except (ClusterError, ValueError, KeyError, TypeError, IndexError):
            return None  # without pods there is no log; why they cannot be read is told beside this
        try:
            await self._get(f"{path}/{pod}/log", container=container, tailLines="1", limitBytes="1")
        except ClusterForbidden as error:
            return RESOURCES[Part.PODS].reason_of(error)
        except ClusterError:
            return ""  # refused for another reason than a right: a container that waits has no log
        return ""

    async def workloads(self, kind: str, namespace: Namespace) -> Mapping[str, Sequence[str]]:
        """Return the workloads of a kind by name, and the names of their containers."""
        return {each.meta.name: [one.name for one in each.containers] for each in await self.listed(kind, namespace)}

    async def listed(self, kind: str, namespace: Namespace) -> tuple[Workload, ...]:
        """Return the workloads of a kind; each kind of a namespace is read once."""
        task = self._lists.get((kind, namespace))
        if task is None:
            task = self._lists[kind, namespace] = asyncio.create_task(self._list(kind, namespace))
        return await asyncio.shield(task)

    async def services(self, namespace: Namespace) -> tuple[Service, ...]:
        """Return the Services of a namespace."""
        return await self._limited(lambda http: self._all(http, Part.SERVICES, namespace))

    async def _list(self, kind: str, namespace: Namespace) -> tuple[Workload, ...]:
        parts = dict(zip(WORKLOAD_KINDS, (Part.DEPLOYMENTS, Part.STATEFUL_SETS, Part.DAEMON_SETS), strict=True))
        return await self._limited(lambda http: self._all(http, parts[kind], namespace))

    @staticmethod
    async def _all(http: KubernetesHttp, part: Part, namespace: Namespace) -> tuple[Any, ...]:
        return tuple((await read_all(http, RESOURCES[part], namespace, timeout_s=LIMIT_S)).items.values())

    async def _watch(self, path: str, version: str) -> None:
        query = {"watch": "1", "resourceVersion": version, "timeoutSeconds": "1"}

        async def open_and_close(http: KubernetesHttp) -> None:
            async with http.stream(path, query, total_s=LIMIT_S, silence_s=LIMIT_S):
                return

        await self._limited(open_and_close)

    async def _get(self, path: str, **query: str) -> bytes:
        return await self._limited(lambda http: http.get(path, query, timeout_s=LIMIT_S))

    async def _limited(self, read: Callable[[KubernetesHttp], Awaitable[Value]]) -> Value:
        if self._http is None:
            raise RuntimeError("the door is not open")
        async with self._at_once:
            return await read(self._http)
