"""Paged lists: every object of one kind, converted, a few at a time so that the event loop breathes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import msgspec

from bot.cluster import faults
from bot.cluster.faults import Tried
from bot.cluster.http import KubernetesHttp
from bot.cluster.resources import Resource
from bot.domain.targets import Namespace
from bot.errors import ClusterExpired

PAGE = 250
CHUNK = 50
_STARTS = 3


@dataclass(frozen=True, slots=True)
class Listed:
    """All objects of a kind by name, and the version from which a watch goes on."""

    items: dict[str, Any]
    resource_version: str


async def read_all(http: KubernetesHttp, resource: Resource, namespace: Namespace, *, timeout_s: float) -> Listed:
    """Read all pages; start over when the continue token grew too old meanwhile. Raises `ClusterError`.

    `timeout_s` bounds each page.
    """
    for _ in range(_STARTS - 1):
        try:
            return await _read_pages(http, resource, namespace, timeout_s)
        except ClusterExpired:
            continue
    return await _read_pages(http, resource, namespace, timeout_s)


async def _read_pages(http: KubernetesHttp, resource: Resource, namespace: Namespace, timeout_s: float) -> Listed:
    path = resource.path(namespace)
    query = {"limit": str(PAGE)}
    items: dict[str, Any] = {}
    while True:
        body = await http.get(path, query, timeout_s=timeout_s)
        try:
            page = resource.page.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise faults.unreadable(Tried("GET", path), error) from error
        for number, item in enumerate(page.items or (), 1):
            items[item.metadata.name] = resource.convert(item)
            if number % CHUNK == 0:
                await asyncio.sleep(0)
        if not page.metadata.more:
            return Listed(items, page.metadata.resource_version)
        query = {"limit": str(PAGE), "continue": page.metadata.more}
        await asyncio.sleep(0)
