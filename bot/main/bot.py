"""The whole bot, wired: clusters, store, hot state, Slack, service and the worker's loops in one process."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from importlib.metadata import version
from types import MappingProxyType
from typing import Any, TypeVar

from slack_sdk.web.async_client import AsyncWebClient

import handlers
from bot.cluster.connection import open_connection
from bot.cluster.extras import ClusterExtras
from bot.cluster.http import KubernetesHttp
from bot.cluster.live import LiveObjects
from bot.cluster.reader import Clusters
from bot.cluster.reflector import Timing
from bot.domain.actions import Change
from bot.domain.targets import ClusterName, Namespace
from bot.engine.changes import EngineChanges
from bot.health import PrometheusMeter, Readiness, Sampler, cluster_checks, database_check, health_server
from bot.hot import open_hot_state
from bot.main.chat import chat
from bot.main.engine import fit_out
from bot.main.ingredients import Ingredients, Role
from bot.main.parts import Parts
from bot.main.probing import probes_for
from bot.main.slack_identity import identify
from bot.main.waiting_store import WaitingStore
from bot.main.watch_parts import equip
from bot.main.watching import watch
from bot.main.working import work
from bot.ports import Clock, HotState
from bot.references import References
from bot.registry import Registry, discover
from bot.rights import DirectoryRights
from bot.schedule.calendar import CronCalendar
from bot.scopes import Scopes
from bot.service import Equipment, Service
from bot.slack.inbound.app import Identity
from bot.slack.outbound.client import make_client
from bot.slack.outbound.direct import SlackDirectMessages
from bot.slack.outbound.directory import SlackDirectory
from bot.slack.outbound.notifier import SlackNotifier

log = logging.getLogger(__name__)

T = TypeVar("T")

__all__ = ["Ingredients", "Role", "run_bot"]


@dataclass(slots=True)
class _Reach:
    """The clusters as configured, opened."""

    https: dict[ClusterName, KubernetesHttp]
    namespaces: dict[ClusterName, tuple[Namespace, ...]]


@dataclass(frozen=True, slots=True)
class _Ground:
    """What stands before Slack has said who we are."""

    https: dict[ClusterName, KubernetesHttp]
    clusters: Clusters
    store: WaitingStore
    hot: HotState
    meter: PrometheusMeter
    registry: Registry
    scopes: Scopes
    chance: random.Random


async def run_bot(ingredients: Ingredients, stop: asyncio.Event, ready: asyncio.Event) -> None:
    """Run until `stop` is set; `ready` is set once the parts of this role work.

    The bot starts while the cluster or the database is down, and says so in its answers. On `stop` it takes nothing new
    and ends what it has begun. Raises `SettingsError` for tokens that Slack refuses and for a kubeconfig that cannot be
    used.
    """
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        ground = await _ground(ingredients, stack)
        readiness = Readiness(ingredients.clock)
        readiness.add(database_check(ground.store), *cluster_checks(ground.clusters, ground.scopes.all()))
        if ingredients.listen is not None:
            await stack.enter_async_context(health_server(ingredients.listen, readiness, ground.meter))
        background = [group.create_task(task) for task in _tasks(ground, ingredients, readiness)]
        stopped = group.create_task(stop.wait())
        try:
            slack = ingredients.slack
            client = make_client(slack.bot_token.reveal(), slack.api_url, on_throttled=ground.meter.throttled)
            identity = await until_stopped(identify(client, slack, ingredients.clock, ground.chance), stopped)
            if identity is not None:
                parts = _parts(ingredients, ground, client, identity, readiness)
                background.append(group.create_task(parts.directory.run()))
                await _serve(parts, stopped, ready)
        finally:
            for task in (*background, stopped):
                task.cancel()


async def _serve(parts: Parts, stopped: asyncio.Task[bool], ready: asyncio.Event) -> None:
    """Do the work of this role until stopped: the worker stands before people can reach us, and outlasts them."""
    role = parts.ingredients.role
    async with AsyncExitStack() as stack:
        if role.works:
            await stack.enter_async_context(work(parts))
        if role.chats:
            began = await until_stopped(stack.enter_async_context(chat(parts)), stopped)
            if began is None:
                return
            await stack.enter_async_context(watch(parts))
        ready.set()
        parts.readiness.started()
        log.info("ready", extra={"event": "ready", "role": role.value, "team": parts.identity.team_id})
        await stopped
        parts.readiness.stopping()
        log.info("stopping", extra={"event": "stopping", "role": role.value})


def _tasks(ground: _Ground, ingredients: Ingredients, readiness: Readiness) -> list[Coroutine[Any, Any, None]]:
    """Return what runs beside the work, from the first moment."""
    tasks: list[Coroutine[Any, Any, None]] = [ground.clusters.run(), ground.store.run()]
    if ingredients.listen is not None:
        sampler = Sampler(
            ground.meter,
            readiness,
            store=ground.store,
            cluster=ground.clusters,
            scopes=ground.scopes.all(),
            clock=ingredients.clock,
            schedules=[plan.schedule for plan in ingredients.configuration.watch.digests],
            calendar=CronCalendar(),
        )
        tasks.append(sampler.run())
    return tasks


async def _ground(ingredients: Ingredients, stack: AsyncExitStack) -> _Ground:
    clock, freshness = ingredients.clock, ingredients.configuration.freshness
    registry = discover(handlers)
    meter = PrometheusMeter(
        version=version("ragops"),
        verbs=[action.name for action in registry.all()],
        changes=[action.name for action in registry.all() if isinstance(action, Change)],
    )
    reach = await _open_clusters(ingredients, clock, stack)
    history_days = ingredients.configuration.watch.history_days
    store = WaitingStore(ingredients.database_url, ingredients.data_folder, clock, history_days=history_days)
    stack.push_async_callback(store.close)
    hot = await stack.enter_async_context(open_hot_state(ingredients.redis_url, clock, meter))
    clusters = Clusters(
        {name: (http, reach.namespaces[name]) for name, http in reach.https.items()},
        clock,
        random.random,
        timing=Timing(silence_s=freshness.stale_after_s),
        log_timeout_s=freshness.api_timeout_s,
    )
    scopes = Scopes(
        namespaces=MappingProxyType(reach.namespaces), default_cluster=ingredients.configuration.default_cluster
    )
    return _Ground(reach.https, clusters, store, hot, meter, registry, scopes, random.Random())


def _parts(
    ingredients: Ingredients, ground: _Ground, client: AsyncWebClient, identity: Identity, readiness: Readiness
) -> Parts:
    configuration, clock, chance = ingredients.configuration, ingredients.clock, ground.chance
    references = References(chance)
    directory = SlackDirectory(client, identity.team_id, clock=clock, hot=ground.hot)
    rights = DirectoryRights(directory, configuration.policy)
    workshop = None
    if ingredients.role.works:
        workshop = fit_out(
            configuration,
            https=ground.https,
            store=ground.store,
            cluster=ground.clusters,
            logs=ground.clusters.logs,
            rights=rights,
            direct=SlackDirectMessages(client),
            scopes=ground.scopes,
            clock=clock,
            references=references,
            chance=chance,
            meter=ground.meter,
            verdict_after_s=ingredients.verdict_after_s,
        )
    live = LiveObjects(ground.https, clock, timeout_s=configuration.freshness.api_timeout_s)
    probes = probes_for(configuration.watch, ingredients.environ, clock)
    extras = ClusterExtras(ground.https, clock, timeout_s=configuration.freshness.api_timeout_s)
    watching = equip(
        configuration,
        store=ground.store,
        cluster=ground.clusters,
        logs=ground.clusters.logs,
        probes=probes,
        extras=extras,
        scopes=ground.scopes,
        clock=clock,
        meter=ground.meter,
    )
    service = Service(
        Equipment(
            registry=ground.registry,
            scopes=ground.scopes,
            catalogue=configuration.catalogue,
            rights=rights,
            cluster=ground.clusters,
            logs=ground.clusters.logs,
            clock=clock,
            references=references,
            store=ground.store,
            hot=ground.hot,
            meter=ground.meter,
            limits=configuration.limits,
            live=live if workshop is not None else None,
            changes=EngineChanges(workshop) if workshop is not None else None,
            policy=configuration.changes,
            team_id=identity.team_id,
            watch=watching.room.policy,
            probes=probes,
            extras=extras,
            calendar=watching.calendar,
            digests=watching.digests,
        )
    )
    return Parts(
        ingredients=ingredients,
        service=service,
        workshop=workshop,
        store=ground.store,
        hot=ground.hot,
        meter=ground.meter,
        watching=watching,
        directory=directory,
        notifier=SlackNotifier(client, clock=clock, nonce=lambda: f"{chance.getrandbits(40):010x}"),
        client=client,
        identity=identity,
        readiness=readiness,
        references=references,
        chance=chance,
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


async def until_stopped(work: Coroutine[Any, Any, T], stopped: asyncio.Task[bool]) -> T | None:
    """Wait for `work`; None when the program is stopped before it is done."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        if not task.done():
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
