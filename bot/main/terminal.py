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
from bot.cluster.connection import open_connection
from bot.cluster.http import KubernetesHttp
from bot.cluster.logs import ContainerLogs
from bot.cluster.oneshot import OneShotReader
from bot.configuration import Configuration, open_configuration
from bot.domain.people import Actor
from bot.domain.requests import Request, Surface
from bot.domain.targets import ClusterName, Namespace
from bot.main.clock import SystemClock
from bot.references import References
from bot.registry import discover
from bot.rights import DirectoryRights
from bot.scopes import Scopes
from bot.service import Equipment, Service
from bot.settings import Settings


async def answer(command: Verb, settings: Settings) -> int:
    """Print a verb's answer and return its exit code."""
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
    clock = SystemClock()
    connections: dict[ClusterName, KubernetesHttp] = {}
    namespaces: dict[ClusterName, tuple[Namespace, ...]] = {}
    overridden = bool(command.kubeconfig or command.context)
    for name, cluster in configuration.clusters.items():
        # A kubeconfig named on the command line stands for the default cluster, whatever the file says of it.
        chosen = overridden and name == configuration.default_cluster
        connection = await open_connection(
            command.kubeconfig or cluster.kubeconfig or settings.kubeconfig or "",
            command.context if chosen else cluster.context,
            in_cluster=cluster.in_cluster and not chosen,
        )
        stack.push_async_callback(connection.close)
        connections[name] = KubernetesHttp(connection, clock, random.random)
        namespaces[name] = cluster.namespaces or (Namespace(connection.namespace),)
    return Service(
        Equipment(
            registry=discover(handlers),
            scopes=Scopes(
                namespaces=MappingProxyType(namespaces),
                default_cluster=configuration.default_cluster,
                any_namespace=True,
            ),
            catalogue=configuration.catalogue,
            rights=DirectoryRights(None, configuration.roles),
            cluster=OneShotReader(connections, clock, timeout_s=configuration.freshness.api_timeout_s),
            logs=ContainerLogs(connections, timeout_s=configuration.freshness.api_timeout_s),
            clock=clock,
            references=References(random.Random()),
        )
    )
