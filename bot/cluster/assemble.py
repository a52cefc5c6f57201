"""Parts -> one Snapshot, and the judgement when there is nothing to assemble."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from bot.cluster.http import KubernetesHttp
from bot.domain.snapshot import Freshness, Part, PartStatus, Snapshot
from bot.domain.targets import Scope
from bot.errors import ClusterError, ClusterNotFound, ClusterUnauthorized, ClusterUnreachable

_WORKLOADS = (Part.DEPLOYMENTS, Part.STATEFUL_SETS, Part.DAEMON_SETS)

OF_THE_CLUSTER = frozenset({Part.NODES, Part.STORAGE_CLASSES, Part.NODE_METRICS})
"""Parts that belong to no namespace: read once for all that are looked at."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of one part; `error` is why it is not known, or not live."""

    status: PartStatus
    items: tuple[Any, ...] = ()
    error: ClusterError | None = None


def snapshot_of(scope: Scope, observed_at: datetime, seen: Mapping[Part, Seen]) -> Snapshot:
    """Put the parts together."""

    def items(part: Part) -> tuple[Any, ...]:
        return seen[part].items if part in seen else ()

    return Snapshot(
        scope=scope,
        observed_at=observed_at,
        parts=MappingProxyType({part: state.status for part, state in seen.items()}),
        pods=items(Part.PODS),
        workloads=tuple(workload for part in _WORKLOADS for workload in items(part)),
        replica_sets=items(Part.REPLICA_SETS),
        services=items(Part.SERVICES),
        endpoint_slices=items(Part.ENDPOINT_SLICES),
        autoscalers=items(Part.AUTOSCALERS),
        events=items(Part.EVENTS),
        nodes=items(Part.NODES),
        claims=items(Part.CLAIMS),
        jobs=items(Part.JOBS),
        cron_jobs=items(Part.CRON_JOBS),
        ingresses=items(Part.INGRESSES),
        storage_classes=items(Part.STORAGE_CLASSES),
        pod_usage=items(Part.POD_METRICS),
        node_usage=items(Part.NODE_METRICS),
    )


def raise_if_nothing_is_known(seen: Mapping[Part, Seen]) -> None:
    """Raise the reason when no part was ever read and the server is out of reach or does not know us."""
    if not seen or any(state.status.freshness is not Freshness.MISSING for state in seen.values()):
        return
    fatal = [s.error for s in seen.values() if isinstance(s.error, (ClusterUnreachable, ClusterUnauthorized))]
    if fatal:
        raise fatal[0]


async def check_namespace(http: KubernetesHttp, scope: Scope, seen: Mapping[Part, Seen], *, timeout_s: float) -> None:
    """Raise `ClusterNotFound` when all is empty because there is no such namespace: the API lists it as if it were."""
    if any(state.items for part, state in seen.items() if part not in OF_THE_CLUSTER):
        return
    try:
        await http.get(f"/api/v1/namespaces/{scope.namespace}", timeout_s=timeout_s)
    except ClusterNotFound as error:
        raise ClusterNotFound(f"There is no namespace {scope.namespace!r} on {scope.cluster}.") from error
    except ClusterError:
        return  # whether it exists may not be asked, or not now: then the parts speak for themselves
