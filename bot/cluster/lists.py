"""Paged lists: every object of one kind, converted, a few at a time so that the event loop breathes.

Some APIs do not know pages (that of the metrics sends all at once), so even one page is decoded piece by piece.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec

from bot.cluster import faults
from bot.cluster.faults import Tried
from bot.cluster.http import KubernetesHttp
from bot.cluster.resources import PAGES, Resource
from bot.cluster.structs import ListMeta
from bot.domain.targets import Namespace
from bot.errors import ClusterExpired

PAGE = 250
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

    def keep(sent: msgspec.Raw) -> None:
        item = resource.one.decode(sent)
        items[item.metadata.name] = resource.convert(item)

    while True:
        metadata = await read_page(http, path, query, keep, timeout_s=timeout_s)
        if not metadata.more:
            return Listed(items, metadata.resource_version)
        query = {"limit": str(PAGE), "continue": metadata.more}


async def read_page(
    http: KubernetesHttp,
    path: str,
    query: Mapping[str, str],
    keep: Callable[[msgspec.Raw], None],
    *,
    timeout_s: float,
) -> ListMeta:
    """Read one page, `keep` each of its objects as it was sent, and return what says how it goes on.

    Raises `ClusterError`, also when `keep` cannot decode an object.
    """
    body = await http.get(path, query, timeout_s=timeout_s)
    try:
        page = await http.turns.take(partial(PAGES.decode, body))
        await http.turns.each(page.items or (), keep)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise faults.unreadable(Tried("GET", path), error) from error
    return page.metadata
