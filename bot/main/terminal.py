"""Commands at the terminal: a kubeconfig, no Slack. What changes something is shown, and with `--apply` asked for."""

from __future__ import annotations

import os
import random
import shlex
import shutil
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import handlers
from bot.cli.arguments import Verb
from bot.cli.terminal import Terminal, as_json
from bot.cluster.connection import Connection, open_connection
from bot.cluster.extras import ClusterExtras
from bot.cluster.http import KubernetesHttp
from bot.cluster.live import LiveObjects
from bot.cluster.logs import ContainerLogs
from bot.cluster.oneshot import OneShotReader
from bot.cluster.writer import ClusterWrites
from bot.configuration import ClusterConfiguration, Configuration, default_configuration, open_configuration
from bot.domain.actions import Action, Change, Need
from bot.domain.change_policy import ChangePolicy
from bot.domain.people import Actor
from bot.domain.requests import Request, Surface
from bot.domain.targets import ClusterName, Namespace
from bot.domain.view import View
from bot.engine.previewing import EnginePreviews
from bot.errors import StoreUnavailable, UsageError
from bot.main.applying import ask_for, bots_store, known_person
from bot.main.clock import SystemClock
from bot.main.logs import configure
from bot.main.probing import probes_for
from bot.parser import parse
from bot.ports import Store
from bot.references import References
from bot.registry import Registry, discover
from bot.rights import DirectoryRights
from bot.schedule.calendar import CronCalendar
from bot.scopes import Scopes
from bot.service import Equipment, Service
from bot.settings import LogLevel, Settings

# What is kept is looked at in the bot's database.
_KEPT = frozenset({Need.RECORD, Need.WATCHED})


async def answer(command: Verb, settings: Settings) -> int:
    """Print a verb's answer and return its exit code."""
    # The answer itself says what went wrong; the log would only say it twice.
    configure(LogLevel.ERROR, settings.log_format)
    configuration = open_configuration(settings.config_path, folder=Path.cwd())
    async with AsyncExitStack() as stack:
        terminal = await _terminal(command, settings, configuration, stack)
        view = await (terminal.apply() if command.apply else terminal.ask())
    if command.output == "json":
        print(as_json(view))
    else:
        colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        width = shutil.get_terminal_size((100, 24)).columns
        print(Terminal(width=width, colour=colour).text(view))
    return view.exit_code


@dataclass(frozen=True, slots=True)
class _AtTerminal:
    """A command with what answers it. `connection` is None when it is about no cluster."""

    text: str
    registry: Registry
    service: Service
    policy: ChangePolicy
    connection: Connection | None
    store: Store | None

    async def ask(self) -> View:
        """Answer a reading command; show what a changing one would do."""
        actor = Actor("", "", local=True)
        return await self.service.ask(Request(key="terminal", actor=actor, surface=Surface.TERMINAL, text=self.text))

    async def apply(self) -> View:
        """Ask for the change, when it can be asked for: what is refused here is not written down.

        Raises `UsageError` when the kubeconfig's user may not ask from a terminal.
        """
        if self.connection is None or self.store is None:
            raise UsageError("--apply is for commands that change something.")
        user, _ = await known_person(self.connection, self.policy)
        shown = await self.ask()
        if shown.exit_code:
            return shown
        return await ask_for(self.store.inbox, self.policy, user, self._placed(shown))

    def _placed(self, shown: View) -> str:
        """Return the command with the place that was looked at: the bot may have others that are meant unsaid."""
        place = shown.data if isinstance(shown.data, Mapping) else {}
        parsed = parse(self.text, self.registry)
        words = [] if parsed.cluster else ["--cluster", str(place["cluster"])]
        words += [] if parsed.namespace else ["-n", str(place["namespace"])]
        return f"{parsed.text} {shlex.join(words)}".rstrip()


async def _terminal(
    command: Verb, settings: Settings, configuration: Configuration, stack: AsyncExitStack
) -> _AtTerminal:
    clock, registry = SystemClock(), discover(handlers)
    clusters = dict(configuration.clusters)
    connections: dict[ClusterName, KubernetesHttp] = {}
    namespaces = {name: cluster.namespaces or (Namespace("default"),) for name, cluster in clusters.items()}
    default, connection = configuration.default_cluster, None
    action = _action(command.text, registry)
    store = await _store(command, settings, action, stack)
    wanted = _wanted_cluster(command.text, registry, configuration)
    if wanted is not None:
        connection = await _connect(command, clusters[wanted], settings)
        stack.push_async_callback(connection.close)
        namespaces[wanted] = clusters[wanted].namespaces or (Namespace(connection.namespace),)
        connections[wanted] = KubernetesHttp(connection, clock, random.random)
        if clusters[wanted] == default_configuration().clusters.get(wanted):
            # Without a file the cluster is called what the kubeconfig calls it.
            default = ClusterName(connection.cluster)
            connections, namespaces = {default: connections[wanted]}, {default: namespaces[wanted]}
    timeout_s = configuration.freshness.api_timeout_s
    # With the kubeconfig's own rights, for the dry run alone: no change is ever made from here.
    writer = ClusterWrites(connections, clock, timeout_s=timeout_s)
    scopes = Scopes(namespaces=MappingProxyType(namespaces), default_cluster=default, any_namespace=True)
    service = Service(
        Equipment(
            registry=registry,
            scopes=scopes,
            catalogue=configuration.catalogue,
            rights=DirectoryRights(None, configuration.policy),
            cluster=OneShotReader(connections, clock, timeout_s=timeout_s),
            logs=ContainerLogs(connections, timeout_s=timeout_s),
            clock=clock,
            references=References(random.Random()),
            store=store,
            live=LiveObjects(connections, clock, timeout_s=timeout_s),
            previews=EnginePreviews(writer, configuration.changes, clock, timeout_s=timeout_s),
            policy=configuration.changes,
            watch=configuration.watch.settled(scopes.default_of()),
            probes=probes_for(configuration.watch, os.environ, clock) if _asks_targets(action) else None,
            extras=ClusterExtras(connections, clock, timeout_s=timeout_s),
            calendar=CronCalendar(),
        )
    )
    changes = isinstance(action, Change)
    return _AtTerminal(command.text, registry, service, configuration.changes, connection if changes else None, store)


def _asks_targets(action: Action | None) -> bool:
    """Tell whether a command asks targets: to load what does takes longer than most commands."""
    return action is not None and Need.PROBES in action.needs


async def _store(command: Verb, settings: Settings, action: Action | None, stack: AsyncExitStack) -> Store | None:
    """Open the bot's database where it is wanted: to ask for a change, and to look at what is kept where it is named.

    Only to look at a change does not take it.
    """
    if isinstance(action, Change):
        if command.apply:
            return await stack.enter_async_context(bots_store(settings))
        if settings.database_url is None:
            return None
        try:
            return await stack.enter_async_context(bots_store(settings))
        except StoreUnavailable as error:
            print(f"Planned without the record of earlier changes: {error.message}", file=sys.stderr)
            return None
    if action is None or not _KEPT & action.needs or settings.database_url is None:
        return None
    return await stack.enter_async_context(bots_store(settings))


def _action(text: str, registry: Registry) -> Action | None:
    """Return the verb that is meant; None when the words make no sense, which the answer then says."""
    try:
        return parse(text, registry).action
    except UsageError:
        return None


def _wanted_cluster(text: str, registry: Registry, configuration: Configuration) -> ClusterName | None:
    """Return the configured cluster that a command reads; None when it reads none or names one that is not there."""
    try:
        parsed = parse(text, registry)
    except UsageError:
        return None
    name = ClusterName(parsed.cluster) if parsed.cluster else configuration.default_cluster
    return name if Need.CLUSTER in parsed.action.needs and name in configuration.clusters else None


async def _connect(command: Verb, cluster: ClusterConfiguration, settings: Settings) -> Connection:
    """Open the way to a cluster; what the command line names wins over the file."""
    if command.kubeconfig or command.context:
        return await open_connection(
            command.kubeconfig or cluster.kubeconfig or settings.kubeconfig or "", command.context
        )
    kubeconfig = cluster.kubeconfig or settings.kubeconfig or ""
    return await open_connection(kubeconfig, cluster.context, in_cluster=cluster.in_cluster)
