"""Everything that is read and written to change something, asked for once: for tests of the rights that it needs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from bot.cluster import ClusterWrites
from bot.domain.live import Live, Reads
from bot.domain.steps import Deletion, Eviction, Write, void_patch
from bot.domain.targets import Scope

EVERYTHING = frozenset(Reads)


def all_requests(
    writes: ClusterWrites, scope: Scope, names: Mapping[str, str]
) -> dict[str, Callable[[], Awaitable[Any]]]:
    """Return each as a call by what it is; `names` has an object of each kind. All writes are dry runs.

    A write is made for no state of its object: who has the right to it is told of a conflict.
    """

    def stale(name: str) -> Live:
        of = {"metadata": {"name": name, "resourceVersion": "1"}}
        return Live(read_at=datetime(2026, 11, 24, tzinfo=UTC), object=of)

    def write(what: Write) -> Callable[[], Awaitable[Any]]:
        return lambda: writes.write(scope, what, dry_run=True, timeout_s=10)

    def read(kind: str, name: str) -> Callable[[], Awaitable[Any]]:
        return lambda: writes.live(scope, kind, name, reads=EVERYTHING)

    calls = {f"read {kind}": read(kind, name) for kind, name in names.items()}
    calls["read Namespace"] = read("Namespace", scope.namespace)
    calls["surroundings"] = lambda: writes.surroundings(scope)
    for kind, name in names.items():
        if kind != "Pod":
            calls[f"patch {kind}"] = write(void_patch(kind, stale(name), "op-1"))
    calls["evict"] = write(Eviction(names["Pod"], "11111111-2222", "1"))
    calls["delete"] = write(Deletion(names["Pod"], "11111111-2222", "1"))
    return calls
