"""Look and diagnose: a snapshot, then what the diagnosis wants to read besides, then the report."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType

from bot.diagnosis import Index, diagnose, wanted
from bot.domain.findings import NotChecked, Report
from bot.domain.snapshot import ALL_PARTS, Snapshot
from bot.domain.targets import ObjectRef, Scope
from bot.domain.text import count
from bot.errors import ClusterError
from bot.ports import ClusterReader, LogStream

log = logging.getLogger(__name__)

LOG_LINES = 60


async def examine(
    cluster: ClusterReader,
    logs: LogStream,
    scope: Scope,
    *,
    find: Callable[[Snapshot], ObjectRef | None] = lambda _: None,
) -> tuple[Report, ObjectRef | None]:
    """Return the report over a scope, and the object that it is limited to.

    `find` names that object once the snapshot is there (or raises `UsageError`). What cannot be read besides is said
    in the report, never left out silently.
    """
    snapshot = await cluster.snapshot(scope, ALL_PARTS)
    focus = find(snapshot)
    index = Index(snapshot)
    more = wanted(index, focus)
    unread: list[NotChecked] = []
    if more.logs_left_out:
        what = f"the logs of {count(more.logs_left_out, 'more trouble')}"
        unread.append(NotChecked(what, f"one answer reads {len(more.logs)} at most; ask for one service"))
    if more.logs:
        read = await logs.tails(scope, more.logs, lines=LOG_LINES)
        index = index.with_more(logs=MappingProxyType(dict(read)))
    if more.node_load:
        try:
            index = index.with_more(node_load=await cluster.node_load(scope.cluster))
        except ClusterError as error:
            log.info("the nodes' load was not read: %s", error.message, extra={"event": "node_load_unread"})
            unread.append(NotChecked("how full the nodes are", error.message.partition("\n")[0].rstrip(".")))
    report = diagnose(index, focus, known=more)
    return replace(report, not_checked=(*report.not_checked, *unread)), focus
