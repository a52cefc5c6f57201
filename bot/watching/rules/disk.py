"""A claim's volume is almost full."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from bot.diagnosis import amount
from bot.domain.findings import Severity
from bot.domain.targets import ObjectRef
from bot.domain.watch.episodes import Signal
from bot.domain.watch.extras import DiskUse
from bot.domain.watch.world import Judged, Looked, Unknown, World
from bot.watching.causes import Causes
from bot.watching.measuring import Found, Level, gathered, level, percent, title, words
from bot.watching.rule import Rule
from bot.watching.sight import unread

NAME = "disk"
CLAIM = "PersistentVolumeClaim"


def judge(world: World) -> Judged:
    claims: Looked[Collection[str]] = Looked(problem=world.report.problem)
    if world.report.seen is not None:
        snapshot = world.report.seen.snapshot
        why = unread(snapshot, [CLAIM])
        claims = Looked(problem=why) if why else Looked([each.meta.name for each in snapshot.claims])
    return judged(NAME, CLAIM, world, claims)


def judged(name: str, kind: str, world: World, there: Looked[Collection[str]]) -> Judged:
    """Return what a rule says of the disks of one kind of object, of which those by some names are `there`."""
    if world.disks.absent:
        return Judged()
    if world.disks.seen is None:
        return Judged(unknown=(Unknown(f"{name}:", world.disks.problem),))
    causes = Causes(world)
    told = [disk for disk in world.disks.seen if disk.kind == kind]
    found = gathered(each for disk in told for each in _judge(name, world, disk, causes))
    fine = tuple(_key(name, disk) for disk in told) if there.seen is None else ()
    return replace(found, unknown=tuple(_untold(name, kind, world, told, there)), fine=fine)


def _untold(
    name: str, kind: str, world: World, told: Iterable[DiskUse], there: Looked[Collection[str]]
) -> Iterator[Unknown]:
    """Yield what is there and not told of: its kubelet does not answer, or nobody mounts it now."""
    if there.seen is None:
        yield Unknown(f"{name}:", f"what there is besides is not known: {there.problem}")
        return
    for each in sorted({*there.seen} - {disk.name for disk in told}):
        ref = ObjectRef(kind, world.scope.namespace, each)
        yield Unknown(f"{name}:{ref}:", "its kubelet tells nothing of it")


def watches(world: World, _: Signal) -> bool:
    """Tell whether kubelets are still asked."""
    return not world.disks.absent


def _key(name: str, disk: DiskUse) -> str:
    return f"{name}:{ObjectRef(disk.kind, disk.namespace, disk.name)}:{disk.what}"


def _judge(name: str, world: World, disk: DiskUse, causes: Causes) -> Iterator[Found]:
    ref = ObjectRef(disk.kind, disk.namespace, disk.name)
    key, stands = _key(name, disk), level(disk.share, world.thresholds.disk_percent / 100)
    if stands is Level.OVER:
        which = f" ({disk.what})" if disk.what else ""
        yield Signal(
            key=key,
            rule=name,
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
    summary="A claim's volume is more than 90 % full, where that may be read",
    severity="critical",
    judge=judge,
    watches=watches,
)
