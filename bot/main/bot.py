"""The whole bot, wired: clusters, store, Slack, service and the worker's loops in one process."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from aiohttp import ClientError
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

import handlers
from bot.cluster.connection import open_connection
from bot.cluster.http import KubernetesHttp
from bot.cluster.reader import Clusters
from bot.cluster.reflector import Timing
from bot.configuration import Configuration
from bot.domain.targets import ClusterName, Namespace
from bot.errors import Fault, SettingsError
from bot.hot import open_rate_limiter
from bot.main.clock import SystemClock
from bot.main.waiting_store import WaitingStore
from bot.ports import Clock, RateLimiter
from bot.references import References
from bot.registry import discover
from bot.rights import DirectoryRights
from bot.scopes import Scopes
from bot.service import Equipment, Service
from bot.settings import SlackSettings
from bot.slack.inbound.app import Identity, Inbound
from bot.slack.outbound.client import make_client
from bot.slack.outbound.directory import SlackDirectory
from bot.slack.outbound.notifier import SlackNotifier
from bot.worker import Delivery, Intake, Loop, backoff

log = logging.getLogger(__name__)

# Answers of `auth.test` that no waiting mends.
_FATAL = frozenset(
    {"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "missing_scope"}
)


DRAIN_S = 5.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingredients:
    """What a bot is made from. `database_url` None: embedded; `redis_url` None: counts stay in this process."""

    slack: SlackSettings
    configuration: Configuration
    data_folder: Path
    database_url: str | None = None
    redis_url: str | None = None
    kubeconfig: str = ""
    clock: Clock = field(default_factory=SystemClock)


@dataclass(slots=True)
class _Reach:
    """The clusters as configured, opened."""

    https: dict[ClusterName, KubernetesHttp]
    namespaces: dict[ClusterName, tuple[Namespace, ...]]


async def run_bot(ingredients: Ingredients, stop: asyncio.Event, ready: asyncio.Event) -> None:
    """Run until `stop` is set; `ready` is set once Slack can reach us.

    The bot starts while the cluster or the database is down, and says so in its answers. Raises `SettingsError` for
    tokens that Slack refuses and for a kubeconfig that cannot be used.
    """
    clock = ingredients.clock
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        reach = await _open_clusters(ingredients, clock, stack)
        store = WaitingStore(ingredients.database_url, ingredients.data_folder, clock)
        stack.push_async_callback(store.close)
        limiter = await stack.enter_async_context(open_rate_limiter(ingredients.redis_url, clock))
        clusters = Clusters(
            {name: (http, reach.namespaces[name]) for name, http in reach.https.items()},
            clock,
            random.random,
            timing=Timing(silence_s=ingredients.configuration.freshness.stale_after_s),
            log_timeout_s=ingredients.configuration.freshness.api_timeout_s,
        )
        background = [group.create_task(clusters.run()), group.create_task(store.run())]
        stopped = group.create_task(stop.wait())
        try:
            client = make_client(ingredients.slack.bot_token.reveal(), ingredients.slack.api_url)
            identity = await _until_stopped(_identify(client, ingredients.slack, clock), stopped)
            if identity is not None:
                parts = _Parts(ingredients.configuration, reach, clusters, store, limiter, client, identity, clock)
                await _serve(parts, ingredients.slack, stopped, ready, background, group)
        finally:
            for task in (*background, stopped):
                task.cancel()


@dataclass(frozen=True, slots=True)
class _Parts:
    """What the service is assembled from."""

    configuration: Configuration
    reach: _Reach
    clusters: Clusters
    store: WaitingStore
    limiter: RateLimiter
    client: AsyncWebClient
    identity: Identity
    clock: Clock


async def _serve(
    parts: _Parts,
    slack: SlackSettings,
    stopped: asyncio.Task[bool],
    ready: asyncio.Event,
    background: list[asyncio.Task[None]],
    group: asyncio.TaskGroup,
) -> None:
    """Connect to Slack and work until stopped; then let what has begun end."""
    chance = random.Random()
    references = References(chance)
    notifier = SlackNotifier(parts.client, clock=parts.clock, nonce=lambda: f"{chance.getrandbits(40):010x}")
    service = _service(parts, references)
    delivery = Loop(
        "delivery", Delivery(parts.store, notifier, parts.clock, chance).step, parts.clock, references, chance
    )
    carry_out = Intake(parts.store, service, notifier, references, wake=delivery.wake).step
    intake = Loop("intake", carry_out, parts.clock, references, chance)
    background += [group.create_task(_once_open(parts.store, loop)) for loop in (delivery, intake)]
    inbound = Inbound(service, notifier, references, wake=intake.wake)
    handler = AsyncSocketModeHandler(inbound.app(parts.client, parts.identity), slack.app_token.reveal())
    try:
        if await _until_stopped(_connect(handler, parts.clock), stopped):
            log.info("connected to Slack", extra={"event": "slack_connected", "team": parts.identity.team_id})
            ready.set()
            await stopped
            log.info("stopping", extra={"event": "stopping"})
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call]  # Bolt has no annotations here
        await inbound.drain(DRAIN_S)


async def _once_open(store: WaitingStore, loop: Loop) -> None:
    await store.opened.wait()
    await loop.run()


def _service(parts: _Parts, references: References) -> Service:
    configuration = parts.configuration
    directory = SlackDirectory(parts.client, parts.identity.team_id, clock=parts.clock)
    return Service(
        Equipment(
            registry=discover(handlers),
            scopes=Scopes(
                namespaces=MappingProxyType(parts.reach.namespaces), default_cluster=configuration.default_cluster
            ),
            catalogue=configuration.catalogue,
            rights=DirectoryRights(directory, configuration.roles),
            cluster=parts.clusters,
            logs=parts.clusters.logs,
            clock=parts.clock,
            references=references,
            store=parts.store,
            limiter=parts.limiter,
            commands_per_minute=configuration.limits.commands_per_minute,
        )
    )


async def _open_clusters(ingredients: Ingredients, clock: Clock, stack: AsyncExitStack) -> _Reach:
    reach = _Reach({}, {})
    for name, cluster in ingredients.configuration.clusters.items():
        connection = await open_connection(
            cluster.kubeconfig or ingredients.kubeconfig, cluster.context, in_cluster=cluster.in_cluster
        )
        stack.push_async_callback(connection.close)
        reach.https[name] = KubernetesHttp(connection, clock, random.random)
        reach.namespaces[name] = cluster.namespaces or (Namespace(connection.namespace),)
    return reach


async def _until_stopped(work: Coroutine[Any, Any, T], stopped: asyncio.Task[bool]) -> T | None:
    """Wait for `work`; None when the program is stopped before it is done."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        task.cancel()


async def _identify(client: AsyncWebClient, slack: SlackSettings, clock: Clock) -> Identity:
    """Ask Slack who we are, for as long as it does not answer. Raises `SettingsError` when it refuses the token."""
    attempts = 0
    while True:
        try:
            answer = await client.auth_test()
        except SlackApiError as error:
            code = str(error.response.get("error", ""))
            if code in _FATAL:
                what = f"Slack refuses it ({code}); check the token on the app's page"
                raise SettingsError([Fault("SLACK_BOT_TOKEN", what)]) from error
            problem = code
        except (OSError, TimeoutError, ClientError) as error:
            problem = type(error).__name__
        else:
            return Identity(
                team_id=str(answer["team_id"]),
                bot_user_id=str(answer["user_id"]),
                bot_id=str(answer.get("bot_id", "")),
                token=slack.bot_token.reveal(),
                enterprise_id=answer.get("enterprise_id"),
            )
        attempts += 1
        log.warning("Slack does not answer: %s", problem, extra={"event": "slack_unavailable", "attempts": attempts})
        await clock.sleep(backoff(attempts, random.Random(), longest_s=30.0))


async def _connect(handler: AsyncSocketModeHandler, clock: Clock) -> bool:
    """Open the socket, for as long as Slack does not answer. Raises `SettingsError` when it refuses the app token."""
    attempts = 0
    while True:
        try:
            await handler.connect_async()  # type: ignore[no-untyped-call]  # as above
        except SlackApiError as error:
            code = str(error.response.get("error", ""))
            if code in _FATAL or code == "not_allowed_token_type":
                what = f"Slack refuses it ({code}); it must be an app-level token with connections:write"
                raise SettingsError([Fault("SLACK_APP_TOKEN", what)]) from error
            problem = code
        except (OSError, TimeoutError, ClientError) as error:
            problem = type(error).__name__
        else:
            return True
        attempts += 1
        log.warning("no socket yet: %s", problem, extra={"event": "slack_unavailable", "attempts": attempts})
        await clock.sleep(backoff(attempts, random.Random(), longest_s=30.0))
