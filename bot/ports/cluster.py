"""Clusters: pictures of them, single objects as they are now, and writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.domain.live import Json, Live, Reads
from bot.domain.objects import NodeLoad
from bot.domain.snapshot import LogExcerpt, LogKey, LogQuery, LogRead, Part, Snapshot
from bot.domain.steps import Write
from bot.domain.targets import ClusterName, Scope


class ClusterReader(Protocol):
    """Reads of configured clusters. It cannot write."""

    async def snapshot(self, scope: Scope, parts: frozenset[Part]) -> Snapshot:
        """Return what is known of `parts` now.

        A part that may not be read or that the cluster lacks is MISSING with the reason; an old picture is STALE with
        its age. Raises `ClusterError` only when nothing at all can be said (unreachable, unauthorized).
        """
        ...

    async def node_load(self, cluster: ClusterName) -> Mapping[str, NodeLoad]:
        """Return what the unfinished pods of each node ask for, over all namespaces; at most 30 s old.

        Raises `ClusterError` when it cannot be had, `ClusterForbidden` without the right to list all pods.
        """
        ...


class LogStream(Protocol):
    """Logs of containers, bounded and redacted."""

    async def tails(self, scope: Scope, keys: Sequence[LogKey], *, lines: int) -> Mapping[LogKey, LogExcerpt]:
        """Return the last `lines` lines of each; a log that cannot be had is an excerpt with a `problem`."""
        ...

    async def read(self, scope: Scope, queries: Sequence[LogQuery]) -> Mapping[LogKey, LogRead]:
        """Return lines with their times, bounded in number and size; each log's own trouble is its `problem`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What bounds changes in a namespace, as the API server says it. `unread` names what could not be read, and why."""

    quotas: tuple[Json, ...] = ()
    limit_ranges: tuple[Json, ...] = ()
    budgets: tuple[Json, ...] = ()
    unread: tuple[str, ...] = ()


class LiveReader(Protocol):
    """Reads single objects from the API server itself, never from a copy."""

    async def live(self, scope: Scope, kind: str, name: str, *, reads: frozenset[Reads] = frozenset()) -> Live:
        """Return the object now, and what else is asked for; `Live.object` is None when there is none of that name.

        Raises `ClusterError` when it cannot be read: that is never taken for "unchanged".
        """
        ...

    async def surroundings(self, scope: Scope) -> Surroundings:
        """Return quotas, limit ranges and disruption budgets of a namespace; what cannot be read is named in it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What the API server answered to a write that it took: the object's state after it. An eviction has none."""

    generation: int = 0
    resource_version: str = ""


class ClusterWriter(LiveReader, Protocol):
    """Writes, one request each, tried once. Only the engine is handed one."""

    async def write(self, scope: Scope, write: Write, *, dry_run: bool, timeout_s: float) -> Written:
        """Send a write. Raises the four kinds of `WriteError`; after `WriteUnknown` it may have happened.

        Another `ClusterError` says that nothing was sent, or that a dry run has no answer: nothing happened either.
        """
        ...
