"""From what was seen at one moment to what is kept of it: a row for each workload, and the problems there are. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from bot.checkup.kinds import section_kinds
from bot.checkup.seen import Seen
from bot.diagnosis import Index
from bot.domain.catalogue import Catalogue
from bot.domain.objects import Container, ContainerUsage, Pod, Workload
from bot.domain.snapshot import Part
from bot.domain.text import Redacted
from bot.domain.watch.checkups import Attention
from bot.domain.watch.probes import Health, Probed
from bot.domain.watch.samples import Problem, Sample
from bot.domain.watch.world import Looked
from bot.watching.sight import READ_BY, unread

# What was measured longer ago says nothing of this minute.
MEASURED_WITHIN = timedelta(minutes=3)
_MINUTE = timedelta(minutes=1)
_WARNING = "Warning"
_LONGEST_TITLE = 300
_LONGEST_WORDS = 2000
_LONGEST_KEY = 500


def samples_of(index: Index, probed: Iterable[Probed], catalogue: Catalogue, now: datetime) -> tuple[Sample, ...]:
    """Return a sample of each workload of a snapshot. What is not known is None, never 0."""
    asked = [each for each in probed if not each.target.is_dependency and each.health is not Health.UNKNOWN]
    return tuple(_sample(index, workload, asked, catalogue, now) for workload in index.snapshot.workloads)


def _sample(index: Index, workload: Workload, asked: Sequence[Probed], catalogue: Catalogue, now: datetime) -> Sample:
    ref, pods = index.ref(workload), index.pods_of(workload)
    used = [each for pod in pods for each in _used(index, pod, now)]
    alias = catalogue.alias_of(ref.kind, ref.name)
    own = [each for each in asked if each.target.service == alias]
    cpu = [usage.cpu_m / container.cpu_limit_m for container, usage in used if container.cpu_limit_m]
    memory = [usage.memory / container.memory_limit for container, usage in used if container.memory_limit]
    return Sample(
        ref=ref,
        desired=workload.desired,
        ready=workload.ready,
        restarts=sum(pod.restarts for pod in pods),
        cpu_m=sum(usage.cpu_m for _, usage in used) if used else None,
        cpu_share=max(cpu, default=None),
        memory=sum(usage.memory for _, usage in used) if used else None,
        memory_share=max(memory, default=None),
        probe_ms=max((each.took_ms for each in own if each.took_ms is not None), default=None),
        probe_failed=any(each.health is Health.FAILED for each in own) if own else None,
        warnings=_warnings(index, workload, pods, now) if index.snapshot.has(Part.EVENTS) else None,
    )


def _used(index: Index, pod: Pod, now: datetime) -> Iterator[tuple[Container, ContainerUsage]]:
    usage = index.usage_by_pod.get(pod.meta.name)
    if usage is None or pod.meta.deleted_at is not None or usage.at is None or now - usage.at > MEASURED_WITHIN:
        return
    by_name = {container.name: container for container in pod.containers}
    for each in usage.containers:
        if each.name in by_name:
            yield by_name[each.name], each


def _warnings(index: Index, workload: Workload, pods: Sequence[Pod], now: datetime) -> int:
    about = [workload.meta.uid, *(pod.meta.uid for pod in pods)]
    events = [event for uid in about for event in index.events(uid, within=_MINUTE)]
    return sum(event.type == _WARNING and event.at is not None and event.at <= now for event in events)


def problems_of(seen: Seen) -> tuple[Problem, ...] | None:
    """Return what needs a person, each once, as a health check tells it; None when the cluster was not seen."""
    if seen.cluster.seen is None:
        return None
    sections = [section for kind in section_kinds() if (section := kind.look(seen)) is not None]
    attentions = {each.key: each for section in reversed(sections) for each in reversed(section.attentions)}
    return tuple(_problem(each) for each in sorted(attentions.values(), key=lambda each: (-each.severity, each.key)))


def unjudged_in(seen: Seen) -> tuple[str, ...]:
    """Return parts of the keys of problems of which nobody can tell whether they are over: what was not looked at."""
    if seen.cluster.seen is None:
        return ()  # then none ends anyway
    snapshot = seen.cluster.seen.report.snapshot
    kinds = [f":{kind}/" for kind in READ_BY if unread(snapshot, [kind])]
    targets = [f":{each.target.name}" for each in seen.probed if each.health is Health.UNKNOWN]
    besides: Mapping[str, Looked[Any]] = {
        "BACKUP_": seen.backups,
        "QUOTA_": seen.quotas,
        "CERTIFICATE_NOT_READY:": seen.certificates,
        "CERTIFICATE_ENDS:": seen.certificates,
        "DISK_": seen.disks,
    }
    return (*kinds, *targets, *(code for code, read in besides.items() if read.seen is None and not read.absent))


def _problem(attention: Attention) -> Problem:
    title = f"{attention.service}: {attention.title}" if attention.service else attention.title
    return Problem(
        key=attention.key[:_LONGEST_KEY],
        severity=attention.severity,
        title=title[:_LONGEST_TITLE],
        words=Redacted(attention.words[:_LONGEST_WORDS]),
    )
