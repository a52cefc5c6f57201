"""Paged lists of whatever objects, as a plain list: names need not tell them apart, and few of many may be kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec

from bot.cluster.faults import Tried
from bot.cluster.http import KubernetesHttp
from bot.cluster.lists import PAGE, read_page
from bot.errors import ClusterExpired, ClusterFault

MOST_PAGES = 200
_STARTS = 3

ObjectT = TypeVar("ObjectT")
Few = Callable[[list[ObjectT]], list[ObjectT]]


async def read_objects(
    http: KubernetesHttp,
    path: str,
    one: msgspec.json.Decoder[ObjectT],
    *,
    timeout_s: float,
    few: Few[ObjectT] = list,
) -> list[ObjectT]:
    """Read all pages, of which `few` says what is kept; start over when the token grew too old meanwhile.

    `timeout_s` bounds each page. Raises `ClusterError`.
    """
    for _ in range(_STARTS - 1):
        try:
            return await _read_pages(http, path, one, few, timeout_s)
        except ClusterExpired:
            continue
    return await _read_pages(http, path, one, few, timeout_s)


async def _read_pages(
    http: KubernetesHttp, path: str, one: msgspec.json.Decoder[ObjectT], few: Few[ObjectT], timeout_s: float
) -> list[ObjectT]:
    query = {"limit": str(PAGE)}
    found: list[ObjectT] = []

    def keep(sent: msgspec.Raw) -> None:
        found.append(one.decode(sent))

    for _ in range(MOST_PAGES):
        metadata = await read_page(http, path, query, keep, timeout_s=timeout_s)
        found[:] = few(found)
        if not metadata.more:
            return found
        query["continue"] = metadata.more
    raise ClusterFault(f"There are more than {PAGE * MOST_PAGES} objects.\nTried: {Tried('GET', path)}.")
