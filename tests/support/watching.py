"""The service in front of the bot's watch cache of one real namespace, as chat asks it."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import MappingProxyType

import handlers
from bot.cli.terminal import Terminal
from bot.cluster import Clusters, ContainerLogs, KubernetesHttp, Timing
from bot.domain.catalogue import Catalogue
from bot.domain.people import Actor
from bot.domain.policy import Policy
from bot.domain.requests import Request, Surface
from bot.domain.targets import Scope
from bot.domain.view import View
from bot.references import References
from bot.registry import discover
from bot.rights import DirectoryRights
from bot.scopes import Scopes
from bot.service import Equipment, Service
from tests.support.clocks import WallClock
from tests.support.waiting import in_background

CLOCK = WallClock()


@dataclass(frozen=True, slots=True)
class Asking:
    """A person with the right to look."""

    service: Service

    async def view(self, text: str) -> View:
        """Ask and return the answer."""
        actor = Actor("", "", local=True)
        return await self.service.ask(Request(key="watching", actor=actor, surface=Surface.TERMINAL, text=text))

    async def text(self, text: str) -> str:
        """Ask and return the answer as it is read."""
        return Terminal(width=120).text(await self.view(text))


@asynccontextmanager
async def watching(scope: Scope, http: KubernetesHttp, timing: Timing | None = None) -> AsyncIterator[Asking]:
    """Keep a watch cache of the scope and hand out somebody who asks about it."""
    clusters = Clusters({scope.cluster: (http, [scope.namespace])}, CLOCK, lambda: 0.5, timing=timing)
    equipment = Equipment(
        registry=discover(handlers),
        scopes=Scopes(namespaces=MappingProxyType({scope.cluster: (scope.namespace,)}), default_cluster=scope.cluster),
        catalogue=Catalogue(MappingProxyType({})),
        rights=DirectoryRights(None, Policy()),
        cluster=clusters,
        logs=ContainerLogs({scope.cluster: http}, run_of=clusters.run_of),
        clock=CLOCK,
        references=References(random.Random(7)),
    )
    async with in_background(clusters.run()):
        yield Asking(Service(equipment))
