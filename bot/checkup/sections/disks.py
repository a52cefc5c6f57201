"""Disks of nodes and volumes of claims: how full they are, where the kubelets may be asked."""

from __future__ import annotations

from collections.abc import Sequence

from bot.checkup.kinds import SectionKind
from bot.checkup.seen import Seen
from bot.diagnosis import amount
from bot.domain.findings import NextStep, Severity, StepKind
from bot.domain.text import Redacted, listed
from bot.domain.watch.checkups import Attention, Section
from bot.domain.watch.extras import DiskUse

NAME = "disks"
_MOST_NAMED = 3


def look(seen: Seen) -> Section:
    looked = seen.disks
    if looked.seen is None:
        return Section(name=NAME, problem="" if looked.absent else looked.problem, absent=looked.absent)
    disks = _ours(seen, looked.seen)
    problem = _silent(seen, looked.seen)
    if not disks:
        return Section(name=NAME, problem=problem, absent=not problem)
    fullest = max(disks, key=lambda disk: disk.share)
    over = [disk for disk in disks if disk.share * 100 >= seen.watch.thresholds.disk_percent]
    return Section(
        name=NAME,
        words=f"the fullest {fullest.share * 100:.0f} % ({_named(fullest)})",
        problem=problem,
        noted=bool(over),
        attentions=tuple(_attention(disk) for disk in over if not _is_told(seen, disk)),
    )


def _ours(seen: Seen, disks: Sequence[DiskUse]) -> Sequence[DiskUse]:
    """Leave out what does not belong to the one service that is meant."""
    looks = seen.cluster.seen
    if not seen.service or looks is None:
        return disks
    extent = looks.extent
    names = {("Node", each.meta.name) for each in extent.nodes}
    names |= {("PersistentVolumeClaim", each.meta.name) for each in extent.claims}
    return [disk for disk in disks if (disk.kind, disk.name) in names]


def _silent(seen: Seen, disks: Sequence[DiskUse]) -> str:
    """Name the nodes whose kubelets tell nothing; those of the others do not stand for them."""
    told = {disk.name for disk in disks if disk.kind == "Node"}
    nodes = seen.cluster.seen.extent.nodes if seen.cluster.seen else ()
    silent = [each.meta.name for each in nodes if each.meta.name not in told]
    if len(silent) <= 1:
        return f"the kubelet of {silent[0]} tells nothing" if silent else ""
    return f"the kubelets of {listed(silent, _MOST_NAMED)} tell nothing"


def _named(disk: DiskUse) -> str:
    return f"{disk.what or 'disk'} of {disk.name}" if disk.kind == "Node" else f"volume of {disk.name}"


def _is_told(seen: Seen, disk: DiskUse) -> bool:
    """Tell whether a finding says already that a node runs out of disk."""
    return any(f.code == "NODE_DISK_PRESSURE" and f.target.name == disk.name for f in seen.findings)


def _attention(disk: DiskUse) -> Attention:
    advice = "shows the node" if disk.kind == "Node" else "shows the claim and who mounts it"
    free = max(disk.capacity - disk.used, 0)
    return Attention(
        key=f"DISK_NEARLY_FULL:{disk.kind.lower()}/{disk.name}{f'/{disk.what}' if disk.what else ''}",
        severity=Severity.CRITICAL,
        service=disk.name,
        title=f"{_named(disk)} is {disk.share * 100:.0f} % full",
        words=Redacted(f"{amount(disk.used)} of {amount(disk.capacity)} are used, {amount(free)} are left."),
        next=NextStep(StepKind.COMMAND, f"describe {disk.kind.lower()}/{disk.name}", advice, "Details"),
    )


SECTION = SectionKind(order=130, reading="disks", look=look)
