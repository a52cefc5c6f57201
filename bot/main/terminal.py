"""Reading commands at the terminal: a kubeconfig, no Slack, no database."""

from __future__ import annotations

import os
import random
import shutil
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from types import MappingProxyType

import handlers
from bot.cli.arguments import Verb
from bot.cli.terminal import Terminal, as_json
from bot.cluster.connection import Connection, open_connection
from bot.cluster.http import KubernetesHttp
from bot.cluster.logs import ContainerLogs
from bot.cluster.oneshot import OneShotReader
from bot.configuration import ClusterConfiguration, Configuration, default_configuration, open_configuration
from bot.domain.actions import Need
from bot.domain.people import Actor
from bot.domain.requests import Request, Surface
from bot.domain.targets import ClusterName, Namespace
from bot.errors import UsageError
from bot.main.clock import SystemClock
from bot.main.logs import configure
from bot.parser import parse
from bot.references import References
from bot.registry import Registry, discover
from bot.rights import DirectoryRights
from bot.scopes import Scopes
from bot.service import Equipment, Service
from bot.settings import LogLevel, Settings


async def answer(command: Verb, settings: Settings) -> int:
    """Print a verb's answer and return its exit code."""
    # The answer itself says what went wrong; the log would only say it twice.
    configure(LogLevel.ERROR, settings.log_format)
    configuration = open_configuration(settings.config_path, folder=Path.cwd())
    async with AsyncExitStack() as stack:
        service = await _service(command, settings, configuration, stack)
        request = Request(key="terminal", actor=Actor("", "", local=True), surface=Surface.TERMINAL, text=command.text)
        view = await service.ask(request)
    if command.output == "json":
        print(as_json(view))
    else:
        colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        width = shutil.get_terminal_size((100, 24)).columns
        print(Terminal(width=width, colour=colour).text(view))
    return view.exit_code


async def _service(command: Verb, settings: Settings, configuration: Configuration, stack: AsyncExitStack) -> Service:
    clock, registry = SystemClock(), discover(handlers)
    clusters = dict(configuration.clusters)
    connections: dict[ClusterName, KubernetesHttp] = {}
    namespaces = {name: cluster.namespaces or (Namespace("default"),) for name, cluster in clusters.items()}
    default = configuration.default_cluster
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
    return Service(
        Equipment(
            registry=registry,
            scopes=Scopes(namespaces=MappingProxyType(namespaces), default_cluster=default, any_namespace=True),
            catalogue=configuration.catalogue,
            rights=DirectoryRights(None, configuration.policy),
            cluster=OneShotReader(connections, clock, timeout_s=timeout_s),
            logs=ContainerLogs(connections, timeout_s=timeout_s),
            clock=clock,
            references=References(random.Random()),
        )
    )


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
