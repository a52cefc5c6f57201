"""Twins of ports: they keep the port's promises without a network, and can be told to fail."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from bot.domain.actions import Decision, DecisionParams
from bot.domain.objects import NodeLoad
from bot.domain.people import Membership, Standing
from bot.domain.requests import Place, Post, Request
from bot.domain.snapshot import (
    Freshness,
    LogExcerpt,
    LogKey,
    LogLine,
    LogQuery,
    LogRead,
    Part,
    PartStatus,
    Snapshot,
)
from bot.domain.targets import ClusterName, Scope
from bot.domain.view import Headline, View
from bot.errors import ClusterError, ClusterForbidden, DeliveryError, DirectoryUnavailable, Lost
from bot.hot import MemoryHotState
from bot.ports import ChangeAsked, Claimed, Store
from tests.support.clocks import SteppedClock

READ_AT = datetime(2026, 11, 24, 21, 59, 20, tzinfo=UTC)
TEAM = "T1"


class SnapshotCluster:
    """A `ClusterReader` that shows one snapshot, or raises `problem`. A part that is not asked for is not in it.

    `on_look` happens at each look.
    """

    def __init__(self, shown: Snapshot, *, problem: ClusterError | None = None) -> None:
        self.shown = shown
        self.problem = problem
        self.on_look: Callable[[], object] = lambda: None
        self.asked: list[Scope] = []

    async def snapshot(self, scope: Scope, parts: frozenset[Part]) -> Snapshot:
        self.asked.append(scope)
        self.on_look()
        if self.problem is not None:
            raise self.problem
        absent = PartStatus(Freshness.MISSING, reason="there is no such part")
        states = {part: self.shown.parts.get(part, absent) for part in parts}
        return replace(self.shown, scope=scope, parts=MappingProxyType(states))

    async def node_load(self, cluster: ClusterName) -> Mapping[str, NodeLoad]:
        """Show the load that the snapshot was made with; without one, nobody may list the pods of `cluster`."""
        if self.shown.node_load is None:
            raise ClusterForbidden(f"The right to list pods in the whole cluster is missing ({cluster}).")
        return self.shown.node_load


class TableLogs:
    """A `LogStream` over a table; a log that is not in it has a problem. `since` counts back from `READ_AT`."""

    def __init__(self, logs: Mapping[LogKey, LogExcerpt | LogRead] = MappingProxyType({})) -> None:
        self._logs = logs
        self.asked: list[LogKey] = []
        self.queries: list[LogQuery] = []

    async def tails(self, scope: Scope, keys: Sequence[LogKey], *, lines: int) -> Mapping[LogKey, LogExcerpt]:
        self.asked += keys
        reads = await self.read(scope, [LogQuery(key=key, tail=lines) for key in keys])
        return {
            key: LogExcerpt(tuple(line.text for line in read.lines), read.problem, read.masked)
            for key, read in reads.items()
        }

    async def read(self, scope: Scope, queries: Sequence[LogQuery]) -> Mapping[LogKey, LogRead]:  # noqa: ARG002  # the port's signature
        self.queries += queries
        return {query.key: self._read(query) for query in queries}

    def _read(self, query: LogQuery) -> LogRead:
        kept = self._logs.get(query.key, LogRead(problem="there is no such log"))
        if isinstance(kept, LogExcerpt):
            kept = LogRead(tuple(LogLine(None, text) for text in kept.lines), kept.problem, kept.masked)
        since = query.since_s
        lines = [
            line
            for line in kept.lines
            if since is None or line.at is None or line.at >= READ_AT - timedelta(seconds=since)
        ]
        return replace(kept, lines=tuple(lines[-query.tail :]))


class RecordingChanges:
    """A `Changes` that keeps what it was handed, and ends the request, as the engine does."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.asked: list[ChangeAsked] = []
        self.decided: list[tuple[Decision, DecisionParams]] = []

    async def request(self, claimed: Claimed, asked: ChangeAsked) -> View:
        self.asked.append(asked)
        return await self._end(claimed)

    async def decide(self, claimed: Claimed, decision: Decision, params: DecisionParams) -> View:
        self.decided.append((decision, params))
        return await self._end(claimed)

    async def _end(self, claimed: Claimed) -> View:
        async with self._store.transaction() as transaction:
            if not await transaction.finish(claimed):
                raise Lost
        return View("handed on", (Headline("handed on"),))


HANDLES = MappingProxyType({"S1": "rag-oncall"})


def member(user_id: str, *groups: str, standing: Standing = Standing.MEMBER) -> Membership:
    return Membership(user_id, standing, frozenset(groups), READ_AT, HANDLES, "user groups of the workspace")


class TableDirectory:
    """A `Directory` over a table; whoever is not in it, or comes from another team, is a stranger. It can be down."""

    def __init__(self, *people: Membership) -> None:
        self.people = {person.user_id: person for person in people}
        self.problem: DirectoryUnavailable | None = None
        self.asked: list[tuple[str, bool]] = []
        self.forgotten = 0

    async def membership(self, user_id: str, team_id: str, *, fresh: bool) -> Membership:
        self.asked.append((user_id, fresh))
        if self.problem is not None:
            raise self.problem
        known = self.people.get(user_id) if team_id == TEAM else None
        return known or member(user_id, standing=Standing.STRANGER)

    async def members(self, groups: Collection[str]) -> frozenset[str]:
        if self.problem is not None:
            raise self.problem
        return frozenset(user for user, known in self.people.items() if known.groups & set(groups))

    async def changed(self) -> None:
        self.forgotten += 1


class TableDirectMessages:
    """A `DirectMessages` in which each person's conversation is named after them; some have none, or hang."""

    def __init__(self) -> None:
        self.closed: dict[str, DeliveryError] = {}
        self.hanging: set[str] = set()
        self.opened: list[str] = []

    async def open(self, user_id: str) -> str:
        self.opened.append(user_id)
        if user_id in self.hanging:
            await asyncio.Event().wait()
        if user_id in self.closed:
            raise self.closed[user_id]
        return f"D-{user_id}"


@dataclass(frozen=True, slots=True)
class Delivered:
    """A message that arrived for everybody."""

    post: Post
    tag: str
    id: str


@dataclass(slots=True)
class RecordingNotifier:
    """A `Notifier` that keeps what it was given.

    `failures` are raised by the next posts, one each; None lets a post through. A `DeliveryError` in `arrived_anyway`
    is raised after the message was delivered.
    """

    delivered: list[Delivered] = field(default_factory=list)
    replies: list[tuple[Request, View, bool]] = field(default_factory=list)
    looked_for: list[str] = field(default_factory=list)
    failures: list[DeliveryError | None] = field(default_factory=list)
    arrived_anyway: set[int] = field(default_factory=set)
    reply_failure: DeliveryError | None = None
    on_post: Callable[[], Awaitable[None]] | None = None

    async def post(self, post: Post, *, tag: str) -> str:
        if self.on_post is not None:
            await self.on_post()
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None and id(failure) not in self.arrived_anyway:
            raise failure
        message = Delivered(post, tag, f"1700000000.{len(self.delivered):06d}")
        self.delivered.append(message)
        if failure is not None:
            raise failure
        return message.id

    async def find(self, place: Place, *, tag: str) -> str | None:
        self.looked_for.append(tag)
        return next((m.id for m in self.delivered if m.tag == tag and m.post.place == place), None)

    async def reply(self, request: Request, view: View, *, replace: bool = False) -> None:
        if self.reply_failure is not None:
            raise self.reply_failure
        self.replies.append((request, view, replace))

    @property
    def summaries(self) -> list[str]:
        """The messages' own one-line texts, in the order of their arrival."""
        return [message.post.view.summary for message in self.delivered]


class CountingLimiter(MemoryHotState):
    """A `HotState` of one process whose windows never end, and whose time stands still."""

    def __init__(self) -> None:
        super().__init__(SteppedClock())
        self.counts: dict[str, int] = {}

    async def allow(self, key: str, *, limit: int, window_s: int) -> bool:  # noqa: ARG002  # the port's signature
        self.counts[key] = self.counts.get(key, 0) + 1
        return self.counts[key] <= limit
