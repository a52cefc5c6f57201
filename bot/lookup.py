"""From the words people use to the objects they mean: aliases, names, `kind/name`.

And back: from an object to the command that shows it. What several verbs need.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bot.diagnosis import DECISIVE_PARTS, Index
from bot.domain.catalogue import Catalogue, CatalogueEntry
from bot.domain.objects import (
    Autoscaler,
    Claim,
    CronJob,
    Ingress,
    Job,
    Node,
    Pod,
    Service,
    Workload,
)
from bot.domain.snapshot import Part, Snapshot
from bot.domain.targets import ObjectRef
from bot.domain.text import count, listed, suggest
from bot.errors import UsageError

MOST_MEANT = 5
MOST_NAMED = 12
WORKLOAD_KINDS = frozenset({"Deployment", "StatefulSet", "DaemonSet"})
# What people and kubectl call a kind, beside its own name and the plural of that.
_KINDS = {
    "deploy": "deployment",
    "sts": "statefulset",
    "ds": "daemonset",
    "po": "pod",
    "svc": "service",
    "ing": "ingress",
    "ingresse": "ingress",
    "no": "node",
    "claim": "persistentvolumeclaim",
    "pvc": "persistentvolumeclaim",
    "hpa": "horizontalpodautoscaler",
    "autoscaler": "horizontalpodautoscaler",
    "cj": "cronjob",
}


def find_workload(said: str, word: str, snapshot: Snapshot, catalogue: Catalogue) -> ObjectRef:
    """Return the workload that a person means: an alias, `name` or `kind/name`.

    Raises `UsageError` with the nearest names, each as the command that was `said` with `word` replaced; when workloads
    could not be read it says so instead of claiming that there is none. It asks back when a word is the alias of one
    workload and the name of another.
    """
    entry = catalogue.entries.get(word)
    kind, name = (entry.kind.lower(), entry.name) if entry else _split(word)
    if entry is not None and name != word:
        _refuse_two_meanings(said, entry, snapshot)
    for workload in snapshot.workloads:
        if workload.meta.name == name and kind in ("", workload.kind.lower()):
            return ObjectRef(workload.kind, workload.meta.namespace, workload.meta.name)
    unseen = [part for part in DECISIVE_PARTS if part is not Part.PODS]
    known = [*_aliases(snapshot, catalogue), *(workload.meta.name for workload in snapshot.workloads)]
    raise _unknown(
        f'workload "{word}"', snapshot, unseen, instead(said, word, suggest(name, known)), _here(snapshot, catalogue)
    )


def _refuse_two_meanings(said: str, entry: CatalogueEntry, snapshot: Snapshot) -> None:
    named = [f"{each.kind.lower()}/{entry.alias}" for each in snapshot.workloads if each.meta.name == entry.alias]
    if named:
        meant = f"{entry.kind.lower()}/{entry.name}"
        raise UsageError(
            f'"{entry.alias}" is the alias of {meant} and the name of {listed(named)}: say which.',
            suggestions=instead(said, entry.alias, [meant, *named]),
        )


def find_deployment(said: str, word: str, snapshot: Snapshot, catalogue: Catalogue) -> ObjectRef:
    """Return the Deployment that a person means, for the verbs about revisions. Raises `UsageError`."""
    target = find_workload(said, word, snapshot, catalogue)
    if target.kind != "Deployment":
        raise UsageError(
            f"{target.name} is a {target.kind}; only the revisions of Deployments can be read.",
            suggestions=[f"describe {target.kind.lower()}/{target.name}"],
        )
    return target


@dataclass(frozen=True, slots=True)
class Thing:
    """An object that was named, and what is known of it."""

    ref: ObjectRef
    object: Workload | Pod | Service | Node | Claim | Autoscaler | Job | CronJob | Ingress


def find_thing(said: str, word: str, snapshot: Snapshot, catalogue: Catalogue) -> Thing:
    """Return the object that a person means: an alias, a name, or `kind/name` with kubectl's short kinds.

    Without a kind workloads win, then pods, services, nodes, claims, autoscalers, cron jobs, jobs, ingresses. Raises
    `UsageError` as `find_workload` does.
    """
    entry = catalogue.entries.get(word)
    kind, name = (entry.kind.lower(), entry.name) if entry else _split(word)
    things = list(_things(snapshot))
    for thing in things:
        if thing.ref.name == name and kind in ("", thing.ref.kind.lower()):
            return thing
    if kind and kind not in _KINDS_READ:
        raise UsageError(f'Objects of the kind "{kind}" are not read here. These are: {listed(sorted(_KINDS_READ))}.')
    if kind:
        near = suggest(name, [thing.ref.name for thing in things if thing.ref.kind.lower() == kind])
        near = tuple(f"{word.rpartition('/')[0]}/{one}" for one in near)
        near = near or tuple(f"{thing.ref.kind.lower()}/{name}" for thing in things if thing.ref.name == name)
    else:
        near = suggest(name, [*_aliases(snapshot, catalogue), *(thing.ref.name for thing in things)])
    raise _unknown(f'"{word}"', snapshot, _PARTS, instead(said, word, near))


def find_pod(said: str, word: str, snapshot: Snapshot, catalogue: Catalogue) -> Pod:
    """Return the pod that a person means: its name, or the end of it as answers shorten it (`w7zlb`, `…-w7zlb`).

    A beginning may stand before the dots (`api-…-w7zlb`). Raises `UsageError` with the nearest names, and with all that
    are meant when an end is that of several, or when a workload is named.
    """
    kind, name = _split(word)
    names = {pod.meta.name: pod for pod in snapshot.pods} if kind in ("", "pod") else {}
    if name in names:
        return names[name]
    begins, dots, ends = name.replace("...", "…").partition("…")
    if not dots:
        begins, ends = "", f"-{name}"
    meant = sorted(each for each in names if each.startswith(begins) and each.endswith(ends)) if ends.strip("-") else []
    if len(meant) == 1:
        return names[meant[0]]
    if meant:
        where = snapshot.scope.namespace
        raise UsageError(
            f'"{word}" is the end of {count(len(meant), "pod")} in {where}.',
            suggestions=instead(said, word, meant[:MOST_MEANT]),
        )
    of_workload = _pods_of(word, snapshot, catalogue)
    if of_workload:
        one = "is a workload, not a pod"
        raise UsageError(
            f'"{word}" {one}: it has {count(len(of_workload), "pod")}.',
            suggestions=instead(said, word, of_workload[:MOST_MEANT]),
        )
    raise _unknown(f'pod "{word}"', snapshot, (Part.PODS,), instead(said, word, suggest(name, names)))


def _pods_of(word: str, snapshot: Snapshot, catalogue: Catalogue) -> list[str]:
    """Return the names of the pods of a workload that is named, those first that are not ready."""
    index = Index(snapshot)
    entry = catalogue.entries.get(word)
    kind, name = (entry.kind.lower(), entry.name) if entry else _split(word)
    pods = [
        pod
        for workload in snapshot.workloads
        if workload.meta.name == name and kind in ("", workload.kind.lower())
        for pod in index.pods_of(workload)
    ]
    return [pod.meta.name for pod in sorted(pods, key=lambda pod: (pod.is_ready, pod.meta.name))]


def _split(word: str) -> tuple[str, str]:
    kind, _, name = word.rpartition("/")
    kind = kind.lower()
    if not kind.endswith("ss"):  # a plural, as kubectl takes it; an ingress is none
        kind = kind.removesuffix("s") if kind not in _KINDS else kind
    return _KINDS.get(kind, kind), name


def _aliases(snapshot: Snapshot, catalogue: Catalogue) -> Iterator[str]:
    """Return the aliases that lead somewhere: to a workload that is here, or to a place of their own."""
    here = {(workload.kind, workload.meta.name) for workload in snapshot.workloads}
    for alias, entry in catalogue.entries.items():
        if entry.namespace or entry.cluster or (entry.kind, entry.name) in here:
            yield alias


def _here(snapshot: Snapshot, catalogue: Catalogue) -> str:
    """Say which workloads there are, for whoever named something that is near to none of them."""
    known = sorted(catalogue.alias_of(workload.kind, workload.meta.name) for workload in snapshot.workloads)
    if not known:
        return ""
    return f" There {'is' if len(known) == 1 else 'are'} {listed(known, MOST_NAMED)}."


def _unknown(
    what: str, snapshot: Snapshot, parts: Iterable[Part], suggestions: list[str], here: str = ""
) -> UsageError:
    where = snapshot.scope.namespace
    unseen = [part.value for part in parts if not snapshot.has(part)]
    if unseen:
        return UsageError(
            f"I see no {what}, but I could not read the {', '.join(unseen)} of {where}.", suggestions=suggestions
        )
    return UsageError(f"There is no {what} in {where}.{'' if suggestions else here}", suggestions=suggestions)


def instead(said: str, word: str, names: Iterable[str]) -> list[str]:
    """Return commands that can be sent as they are: the one that was said, with another name."""
    verb, *words = said.split()
    at = words.index(word) if word in words else None
    if at is None:
        return [f"{verb} {name}" for name in names]
    return [" ".join([verb, *words[:at], name, *words[at + 1 :]]) for name in names]


_PARTS = (
    Part.DEPLOYMENTS,
    Part.STATEFUL_SETS,
    Part.DAEMON_SETS,
    Part.PODS,
    Part.SERVICES,
    Part.NODES,
    Part.CLAIMS,
    Part.AUTOSCALERS,
    Part.CRON_JOBS,
    Part.JOBS,
    Part.INGRESSES,
)


def _things(snapshot: Snapshot) -> Iterator[Thing]:
    for workload in snapshot.workloads:
        yield Thing(ObjectRef(workload.kind, workload.meta.namespace, workload.meta.name), workload)
    groups = (
        ("Pod", snapshot.pods),
        ("Service", snapshot.services),
        ("Node", snapshot.nodes),
        ("PersistentVolumeClaim", snapshot.claims),
        ("HorizontalPodAutoscaler", snapshot.autoscalers),
        ("CronJob", snapshot.cron_jobs),
        ("Job", snapshot.jobs),
        ("Ingress", snapshot.ingresses),
    )
    for kind, objects in groups:
        for one in objects:
            yield Thing(ObjectRef(kind, one.meta.namespace, one.meta.name), one)


_DESCRIBED = WORKLOAD_KINDS | {
    *("Pod", "Service", "Node", "PersistentVolumeClaim", "HorizontalPodAutoscaler", "CronJob", "Job", "Ingress")
}

_KINDS_READ = frozenset(kind.lower() for kind in _DESCRIBED)


def look_command(ref: ObjectRef, catalogue: Catalogue, pods: Iterable[str] = ()) -> str:
    """Return the command that shows an object of a finding closely; for a kind that we do not know, one of its pods."""
    if ref.kind in WORKLOAD_KINDS:
        return f"status {catalogue.alias_of(ref.kind, ref.name)}"
    if ref.kind in _DESCRIBED:
        return f"describe {ref.kind.lower()}/{ref.name}"
    return next((f"describe pod/{pod}" for pod in pods), "status")
