"""Warnings in events of the last hour, equal ones together. What they mean is said by the findings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta

from bot.checkup.kinds import SectionKind
from bot.checkup.seen import Looks, Seen, unread
from bot.diagnosis import ago
from bot.domain.objects import Event
from bot.domain.snapshot import Part
from bot.domain.text import count
from bot.domain.watch.checkups import Section

NAME = "events"
WITHIN = timedelta(hours=1)
_MOST_NAMED = 3


def look(seen: Seen) -> Section:
    looks = seen.cluster.seen
    problem = unread(seen, (Part.EVENTS,))
    if looks is None or not looks.report.snapshot.has(Part.EVENTS):
        return Section(name=NAME, problem=problem)
    groups: dict[tuple[str, str], list[Event]] = defaultdict(list)
    for event in looks.extent.events:
        if event.type == "Warning" and event.at is not None and looks.index.now - event.at <= WITHIN:
            groups[event.reason, _about(seen, looks, event)].append(event)
    if not groups:
        return Section(name=NAME, words="no warning in the last hour", problem=problem)
    ordered = sorted(groups.items(), key=lambda group: (-_times(group[1]), group[0]))
    told = [f"{reason} of {about} {_often(looks, events)}" for (reason, about), events in ordered[:_MOST_NAMED]]
    more = f" and {count(len(ordered) - _MOST_NAMED, 'other kind')}" if len(ordered) > _MOST_NAMED else ""
    return Section(name=NAME, words=f"{', '.join(told)}{more}", problem=problem, noted=True)


def _about(seen: Seen, looks: Looks, event: Event) -> str:
    """Name what events are about by what people know: the workload of a pod or a revision, else the object."""
    pod = looks.index.pod_by_name.get(event.about_name) if event.about_kind == "Pod" else None
    if pod is not None:
        target = looks.index.target_of(pod)
        return seen.named(target.kind, target.name)
    return seen.named(event.about_kind, event.about_name)


def _times(events: Sequence[Event]) -> int:
    return sum(max(event.count, 1) for event in events)


def _often(looks: Looks, events: Sequence[Event]) -> str:
    """Say how often: events are counted since their first time, which may be more than an hour ago."""
    last = max(event.at for event in events if event.at is not None)
    times = _times(events)
    return f"({'once' if times == 1 else f'{times} times'}, last {ago(last, looks.index.now)})"


SECTION = SectionKind(order=120, reading="cluster", look=look)
