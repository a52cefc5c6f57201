"""A service is down: its health URL fails, or nobody takes traffic behind it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bot.diagnosis import Index
from bot.diagnosis.backends import backend, without_endpoints
from bot.domain.findings import Severity
from bot.domain.objects import Service
from bot.domain.targets import ObjectRef
from bot.domain.watch.episodes import Signal
from bot.domain.watch.probes import Health, Probed
from bot.domain.watch.world import Judged, Unknown, World
from bot.watching.causes import Causes
from bot.watching.measuring import asks, gathered, title, unasked, words
from bot.watching.rule import Rule
from bot.watching.sight import unread

NAME = "down"


def judge(world: World) -> Judged:
    asked = _asked(world)
    causes = Causes(world)
    why = _unread(world)
    index = None if why or world.report.seen is None else Index(world.report.seen.snapshot)
    return gathered(found for name in _names(world, asked) for found in _judge(world, name, asked, index, causes, why))


def watches(world: World, signal: Signal) -> bool:
    """Tell whether the service is still one of the catalogue, or has a health URL; or the one that told of it."""
    names = _names(world, _asked(world))
    unasked_yet = world.probed.seen is None and not signal.service
    return asks(world, signal) and (unasked_yet or signal.key in map(_key, names))


def _asked(world: World) -> list[Probed]:
    return [each for each in world.probed.seen or () if not each.target.is_dependency]


def _names(world: World, asked: Iterable[Probed]) -> Iterable[str]:
    return dict.fromkeys([*world.catalogue.entries, *(each.target.service or each.target.name for each in asked)])


def _key(name: str) -> str:
    return f"{NAME}:{name}"


def _unread(world: World) -> str:
    """Say why what stands behind services is not known now; empty when it is."""
    report = world.report.seen
    return world.report.problem if report is None else unread(report.snapshot, ["service", "deployment"])


def _judge(
    world: World, name: str, asked: list[Probed], index: Index | None, causes: Causes, why: str
) -> Iterator[Signal | Unknown]:
    key, ours = _key(name), name in world.catalogue.entries
    own = [each for each in asked if (each.target.service or each.target.name) == name]
    failed = [each for each in own if each.health is Health.FAILED]
    services = [] if index is None else list(_services(index, causes, name))
    empty = [each for each in services if index is not None and without_endpoints(index, each)]
    if not failed and not empty:
        unseen = next((each for each in own if each.health is Health.UNKNOWN), None)
        if unseen is not None:
            yield unasked(unseen, key)
        elif world.probed.seen is None:
            yield Unknown(key, world.probed.problem)
        elif index is None and ours and (world.report.seen is None or not own):
            yield Unknown(key, why)  # where the cluster is there and a part of it was not read, the URL decides
        return
    refs = [ObjectRef("Service", each.meta.namespace, each.meta.name) for each in services]
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
        targets=() if empty else tuple(each.target.identity for each in failed),
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
    watches=watches,
)
