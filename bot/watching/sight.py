"""What of the cluster was seen well enough to judge by: what was not read ends nothing. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from bot.diagnosis import DECISIVE_PARTS, why_unread
from bot.domain.snapshot import Freshness, Part, Snapshot
from bot.domain.watch.world import Unknown, World

# What has to be known now before a trouble of an object may be called over, by the object's kind. What is told besides
# (events, samples of use) only adds to it.
READ_BY: Mapping[str, tuple[Part, ...]] = {
    "deployment": (Part.DEPLOYMENTS, Part.REPLICA_SETS),
    "statefulset": (Part.STATEFUL_SETS,),
    "daemonset": (Part.DAEMON_SETS,),
    "replicaset": (Part.REPLICA_SETS,),
    "job": (Part.JOBS,),
    "cronjob": (Part.CRON_JOBS, Part.JOBS),
    "service": (Part.SERVICES, Part.ENDPOINT_SLICES, *DECISIVE_PARTS),
    "ingress": (Part.INGRESSES, Part.SERVICES, Part.ENDPOINT_SLICES),
    "persistentvolumeclaim": (Part.CLAIMS,),
    "horizontalpodautoscaler": (Part.AUTOSCALERS,),
    "node": (Part.NODES,),
}


def away(snapshot: Snapshot) -> str:
    """Say why a snapshot tells nothing of how a namespace is now; empty when it does.

    A kind of workload that may not be read is not worth that: the others are told of, see `unseen`.
    """
    for part in DECISIVE_PARTS:
        if snapshot.status(part).freshness is Freshness.STALE:
            return f"{part.value} were {why_unread(snapshot.status(part), snapshot.observed_at)}."
    if not snapshot.has(Part.PODS):  # what is told of them would be over, for want of a look
        return f"pods could not be read: {snapshot.status(Part.PODS).reason}."
    return ""


def unseen(world: World, rule: str) -> Iterator[Unknown]:
    """Yield what a rule about the objects of a snapshot (keys such as `cpu:deployment/api`) cannot judge by it."""
    if world.report.seen is None:
        yield Unknown(f"{rule}:", world.report.problem)
        return
    for kind in READ_BY:
        why = unread(world.report.seen.snapshot, (kind,))
        if why:
            yield Unknown(f"{rule}:{kind}/", why)


def unread(snapshot: Snapshot, kinds: Iterable[str]) -> str:
    """Say which part that objects of some kinds are judged by is not known as it is now, and why; else nothing."""
    for part in dict.fromkeys(part for kind in kinds for part in READ_BY.get(kind.lower(), ())):
        match snapshot.status(part).freshness:
            case Freshness.MISSING:
                return f"{part.value}: {snapshot.status(part).reason or 'not read'}"
            case Freshness.STALE:
                return f"{part.value}: {why_unread(snapshot.status(part), snapshot.observed_at)}"
            case Freshness.LIVE:
                continue
    return ""
