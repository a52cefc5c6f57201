"""A service is down: its health URL fails, or nobody takes traffic behind it."""

from __future__ import annotations

from collections.abc import Iterator

from bot.diagnosis import Index
from bot.diagnosis.backends import backend, without_endpoints
from bot.domain.findings import Severity
from bot.domain.objects import Service
from bot.domain.snapshot import Freshness, Part
from bot.domain.targets import ObjectRef
from bot.domain.watch.episodes import Signal
from bot.domain.watch.probes import Health, Probed
from bot.domain.watch.world import Judged, World
from bot.watching.causes import Causes
from bot.watching.measuring import gathered, title, words
from bot.watching.rule import Rule

NAME = "down"
_READ = (Part.SERVICES, Part.ENDPOINT_SLICES, Part.PODS)


def judge(world: World) -> Judged:
    asked = [each for each in world.probed.seen or () if not each.target.is_dependency]
    causes = Causes(world)
    index = _index(world)
    names = dict.fromkeys([*world.catalogue.entries, *(each.target.service or each.target.name for each in asked)])
    return gathered(found for name in names for found in _judge(world, name, asked, index, causes))


def _index(world: World) -> Index | None:
    """Return the look-ups of the snapshot; None when what stands behind services is not known now."""
    report = world.report.seen
    if report is None or any(report.snapshot.status(part).freshness is not Freshness.LIVE for part in _READ):
        return None
    return Index(report.snapshot)


def _judge(world: World, name: str, asked: list[Probed], index: Index | None, causes: Causes) -> Iterator[Signal | str]:
    key = f"{NAME}:{name}"
    own = [each for each in asked if (each.target.service or each.target.name) == name]
    failed = [each for each in own if each.health is Health.FAILED]
    services = [] if index is None else list(_services(index, causes, name))
    empty = [each for each in services if index is not None and without_endpoints(index, each)]
    if not failed and not empty:
        unseen = world.probed.seen is None or any(each.health is Health.UNKNOWN for each in own)
        if unseen or (index is None and name in world.catalogue.entries):
            yield key
        return
    refs = [ObjectRef("Service", each.meta.namespace, each.meta.name) for each in services]
    ours = name in world.catalogue.entries
    said = [f"Service {each.meta.name} has no ready endpoint." for each in empty]
    said += [_said(each) for each in failed]
    yield Signal(
        key=key,
        rule=NAME,
        severity=Severity.CRITICAL,
        cause=causes.of_service(name, *refs) if ours else causes.of_target(own[0].target),
        title=title(f"{name} is down"),
        words=words(" ".join(said)),
        hold_s=float(world.thresholds.down_s),
        clear_s=float(world.thresholds.clear_s),
        service=name if ours else "",
    )


def _services(index: Index, causes: Causes, name: str) -> Iterator[Service]:
    ref = causes.workload(name)
    if ref is None:
        return
    for service in index.snapshot.services:
        found = backend(index, service)
        if found is not None and any(index.ref(workload) == ref for workload in found.workloads):
            yield service


def _said(probed: Probed) -> str:
    reason = " ".join(trouble.words for trouble in probed.troubles[:2])
    return f"{probed.target.name} fails: {reason}" if reason else f"{probed.target.name} fails."


RULE = Rule(
    name=NAME,
    summary="A service's health URL fails, or none of its pods takes traffic, for two minutes",
    severity="critical",
    judge=judge,
)
