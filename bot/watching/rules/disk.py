"""A node's disk or a claim's volume is almost full."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.diagnosis import amount
from bot.domain.findings import Severity
from bot.domain.targets import ObjectRef
from bot.domain.watch.episodes import Signal
from bot.domain.watch.extras import DiskUse
from bot.domain.watch.world import Judged, World
from bot.watching.causes import Causes
from bot.watching.measuring import Level, gathered, level, percent, title, words
from bot.watching.rule import Rule

NAME = "disk"
CLAIM = "PersistentVolumeClaim"


def judge(world: World) -> Judged:
    if world.disks.absent:
        return Judged()
    if world.disks.seen is None:
        return Judged(unknown=(f"{NAME}:",))
    causes = Causes(world)
    judged = [found for disk in world.disks.seen for found in _judge(world, disk, causes)]
    return gathered([*judged, *_untold(world, world.disks.seen)])


def _untold(world: World, disks: Sequence[DiskUse]) -> Iterator[str]:
    """Yield the keys of what is there and not told of: its kubelet does not answer, or nobody mounts it now."""
    told = {(disk.kind, disk.name) for disk in disks}
    snapshot = world.report.seen.snapshot if world.report.seen else None
    nodes, claims = (snapshot.nodes, snapshot.claims) if snapshot else ((), ())
    for kind, metas in (("Node", [each.meta for each in nodes]), (CLAIM, [each.meta for each in claims])):
        for meta in metas:
            if (kind, meta.name) not in told:
                yield f"{NAME}:{ObjectRef(kind, meta.namespace, meta.name)}:"


def _judge(world: World, disk: DiskUse, causes: Causes) -> Iterator[Signal | str]:
    ref = ObjectRef(disk.kind, disk.namespace, disk.name)
    key, stands = f"{NAME}:{ref}:{disk.what}", level(disk.share, world.thresholds.disk_percent / 100)
    if stands is Level.OVER:
        which = f" ({disk.what})" if disk.what else ""
        yield Signal(
            key=key,
            rule=NAME,
            severity=Severity.CRITICAL,
            cause=causes.of(ref),
            title=title(f"disk of {causes.name(ref)}{which} is {percent(disk.share)} full"),
            words=words(f"{amount(disk.used)} of {amount(disk.capacity)} are used."),
            clear_s=0.0,
        )
    elif stands is Level.BETWEEN:
        yield key


RULE = Rule(
    name=NAME,
    summary="A node's disk or a claim's volume is more than 90 % full, where that may be read",
    severity="critical",
    judge=judge,
)
