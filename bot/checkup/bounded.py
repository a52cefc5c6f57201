"""A cluster and its logs, asked within a time: what answers too late is a part that was not read, nothing more.

`examine` reads logs and the nodes' load besides the snapshot. Without bounds one of them that hangs would take the
whole answer with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.domain.objects import NodeLoad
from bot.domain.snapshot import LogExcerpt, LogKey, LogQuery, LogRead, Part, Snapshot
from bot.domain.targets import ClusterName, Scope
from bot.errors import ClusterUnreachable
from bot.ports import ClusterReader, LogStream


def too_late(limit_s: float) -> str:
    """Say that nothing came in time."""
    return f"no answer within {limit_s:g} s"


@dataclass(frozen=True, slots=True)
class BoundedCluster:
    """A `ClusterReader` that raises `ClusterUnreachable` when the nodes' load takes longer than `limit_s`.

    The snapshot is what everything waits for: whoever looks has a limit for all of it.
    """

    inner: ClusterReader
    limit_s: float

    async def snapshot(self, scope: Scope, parts: frozenset[Part]) -> Snapshot:
        return await self.inner.snapshot(scope, parts)

    async def node_load(self, cluster: ClusterName) -> Mapping[str, NodeLoad]:
        try:
            async with asyncio.timeout(self.limit_s):
                return await self.inner.node_load(cluster)
        except TimeoutError as error:
            raise ClusterUnreachable(f"{too_late(self.limit_s)}.") from error


@dataclass(frozen=True, slots=True)
class BoundedLogs:
    """A `LogStream` whose logs have a problem when they take longer than `limit_s`."""

    inner: LogStream
    limit_s: float

    async def tails(self, scope: Scope, keys: Sequence[LogKey], *, lines: int) -> Mapping[LogKey, LogExcerpt]:
        try:
            async with asyncio.timeout(self.limit_s):
                return await self.inner.tails(scope, keys, lines=lines)
        except TimeoutError:
            return dict.fromkeys(keys, LogExcerpt(problem=too_late(self.limit_s)))

    async def read(self, scope: Scope, queries: Sequence[LogQuery]) -> Mapping[LogKey, LogRead]:
        try:
            async with asyncio.timeout(self.limit_s):
                return await self.inner.read(scope, queries)
        except TimeoutError:
            return {query.key: LogRead(problem=too_late(self.limit_s)) for query in queries}
