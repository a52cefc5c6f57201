"""From the words people use to the objects they mean: aliases, names, `kind/name`. What several verbs need.

The small print that every answer ends with is made here, too: where, how fresh, and what could not be read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bot.diagnosis import DECISIVE_PARTS, ago
from bot.domain.actions import Setting
from bot.domain.catalogue import Catalogue
from bot.domain.objects import Autoscaler, Claim, Node, Pod, Service, Workload
from bot.domain.snapshot import Freshness, Part, Snapshot
from bot.domain.targets import ObjectRef
from bot.domain.text import suggest
from bot.domain.view import Line, line
from bot.errors import UsageError


def find_workload(verb: str, word: str, snapshot: Snapshot, catalogue: Catalogue) -> ObjectRef:
    """Return the workload that a person means: an alias, `name` or `kind/name`.

    Raises `UsageError` with the nearest names as complete commands of `verb`; when workloads could not be read it says
    so instead of claiming that there is none.
    """
    entry = catalogue.entries.get(word)
    wanted = (entry.kind, entry.name) if entry else None
    kind, _, name = word.rpartition("/")
    where = snapshot.scope.namespace
    for workload in snapshot.workloads:
        ref = ObjectRef(workload.kind, workload.meta.namespace, workload.meta.name)
        if (ref.kind, ref.name) == wanted:
            return ref
        if wanted is None and ref.name == name and (not kind or kind.lower() == ref.kind.lower()):
            return ref
    unseen = [part.value for part in DECISIVE_PARTS if part is not Part.PODS and not snapshot.has(part)]
    known = [*catalogue.entries, *(workload.meta.name for workload in snapshot.workloads)]
    raise UsageError(
        f'I see no workload "{word}", but I could not read the {", ".join(unseen)} of {where}.'
        if unseen
        else f'There is no workload "{word}" in {where}.',
        suggestions=[f"{verb} {name}" for name in suggest(word, known)],
    )


@dataclass(frozen=True, slots=True)
class Thing:
    """An object that was named, and what is known of it."""

    ref: ObjectRef
    object: Workload | Pod | Service | Node | Claim | Autoscaler


_KINDS = {
    "svc": "service",
    "po": "pod",
    "no": "node",
    "pvc": "claim",
    "persistentvolumeclaim": "claim",
    "horizontalpodautoscaler": "hpa",
    "autoscaler": "hpa",
    "deploy": "deployment",
    "sts": "statefulset",
    "ds": "daemonset",
}


def find_thing(verb: str, word: str, snapshot: Snapshot, catalogue: Catalogue) -> Thing:
    """Return the object that a person means: an alias, a name, or `kind/name` with kubectl's short kinds.

    Without a kind workloads win, then pods, services, nodes, claims, autoscalers. Raises `UsageError`.
    """
    kind, _, name = word.rpartition("/")
    kind = _KINDS.get(kind.lower(), kind.lower())
    entry = catalogue.entries.get(word)
    if entry is not None:
        kind, name = entry.kind.lower(), entry.name
    things = list(_things(snapshot))
    for said, thing in things:
        if thing.ref.name == name and kind in ("", said, thing.ref.kind.lower()):
            return thing
    known = [*catalogue.entries, *(thing.ref.name for _, thing in things)]
    raise UsageError(
        f'There is no "{word}" in {snapshot.scope.namespace} that I can see.',
        suggestions=[f"{verb} {near}" for near in suggest(name, known)],
    )


def _things(snapshot: Snapshot) -> Iterator[tuple[str, Thing]]:
    groups = (
        ("workload", "", snapshot.workloads),
        ("pod", "Pod", snapshot.pods),
        ("service", "Service", snapshot.services),
        ("node", "Node", snapshot.nodes),
        ("claim", "PersistentVolumeClaim", snapshot.claims),
        ("hpa", "HorizontalPodAutoscaler", snapshot.autoscalers),
    )
    for said, kind, objects in groups:
        for one in objects:
            named = one.kind if isinstance(one, Workload) else kind
            yield said, Thing(ObjectRef(named, one.meta.namespace, one.meta.name), one)


def freshness_line(snapshot: Snapshot, setting: Setting) -> Line:
    """Return where an answer comes from, how old it is, and who sees it."""
    age = snapshot.age.total_seconds()
    freshness = f"{age:.0f} s old" if age < 90 else f"last seen {ago(snapshot.as_of, snapshot.observed_at)}"
    return line(f"{snapshot.scope} · {freshness}{' · only you see this' if setting.private else ''}")


def unread_lines(snapshot: Snapshot, parts: Iterable[Part]) -> list[Line]:
    """Return a line for each part that an answer needs and that is missing or old."""
    lines = []
    for part in sorted(parts):
        status = snapshot.status(part)
        if status.freshness is Freshness.MISSING:
            lines.append(line(f"Not checked: {part.value} ({status.reason})"))
        elif status.freshness is Freshness.STALE:
            seen = ago(status.as_of, snapshot.observed_at)
            lines.append(line(f"Not up to date: {part.value} (last seen {seen}: {status.reason})"))
    return lines
