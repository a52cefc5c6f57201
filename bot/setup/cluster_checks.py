"""What a cluster shows of what a configuration names: namespaces, what may be read in them, workloads, containers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from bot.domain.catalogue import CatalogueEntry
from bot.domain.snapshot import Part
from bot.domain.targets import Namespace
from bot.errors import BotError, ClusterError, ClusterForbidden
from bot.setup.change_checks import ChangesQuestion, RightsDoor, check_changes
from bot.setup.results import Result, fault, ok, warning
from bot.toml_tables import did_you_mean

# Without these there is no verdict at all; everything else only makes an answer poorer.
_ESSENTIAL = frozenset({Part.PODS, Part.DEPLOYMENTS, Part.STATEFUL_SETS, Part.DAEMON_SETS})
_RIGHTS = "manifests/kubernetes/components/reader"
_WIDE_RIGHTS = "manifests/kubernetes/components/nodes"
_SAMPLES = frozenset({Part.POD_METRICS, Part.NODE_METRICS})

Containers = Mapping[str, Sequence[str]]


class ClusterDoor(RightsDoor, Protocol):
    """One cluster. Each method answers within seconds or raises `ClusterError`."""

    @property
    def host(self) -> str: ...

    @property
    def namespace(self) -> str: ...

    @property
    def parts(self) -> Mapping[Part, bool]:
        """Return what the product reads; True for what lies in a namespace."""
        ...

    async def version(self) -> str:
        """Return the server's version."""
        ...

    async def unreadable(self, part: Part, namespace: Namespace) -> str:
        """Return why a part cannot be read, empty when it can."""
        ...

    async def unreadable_logs(self, namespace: Namespace) -> str | None:
        """Return why logs cannot be read, empty when they can, None when there is no pod to try it with."""
        ...

    async def workloads(self, kind: str, namespace: Namespace) -> Containers:
        """Return the workloads of a kind and the names of their containers."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterQuestion:
    """What is to be asked of one cluster.

    `open` leads to it and may raise `ClusterError`; `at` says where a path below the file's top stands. `verbs` are the
    changes that people may ask for in a namespace.
    """

    name: str
    open: Callable[[], AbstractAsyncContextManager[ClusterDoor]]
    namespaces: Sequence[Namespace]
    services: Sequence[CatalogueEntry]
    at: Callable[..., str]
    verbs: Callable[[Namespace], Collection[str]]


async def check_cluster(question: ClusterQuestion) -> list[Result]:
    """Ask a cluster for everything that is named of it, side by side."""
    tried, where = f"cluster {question.name}", question.at("clusters", question.name)
    try:
        async with question.open() as door:
            version = await door.version()
            namespaces = question.namespaces or (Namespace(door.namespace),)
            asked = await asyncio.gather(
                _of_the_cluster(door, question.name, where),
                *(_namespace(door, question, index, each) for index, each in enumerate(namespaces)),
                *(_service(door, question, entry) for entry in question.services),
                check_changes(door, _changes(door, question, namespaces)),
            )
            reached = ok(tried, f"{door.host}, Kubernetes {version}", where=where)
    except ClusterError as error:
        rest = f"nothing of it was looked at ({len(question.services)} services)"
        return [fault(tried, f"{_words(error)}; {rest}", error.advice, where=where)]
    return [reached, *(result for results in asked for result in results)]


def _changes(door: ClusterDoor, question: ClusterQuestion, namespaces: Sequence[Namespace]) -> ChangesQuestion:
    return ChangesQuestion(
        cluster=question.name,
        verbs={each: question.verbs(each) for each in namespaces},
        services={
            each: [entry for entry in question.services if (entry.namespace or door.namespace) == each]
            for each in namespaces
        },
        at=question.at,
    )


async def _of_the_cluster(door: ClusterDoor, name: str, where: str) -> list[Result]:
    parts = [part for part, namespaced in door.parts.items() if not namespaced]
    missing = await _missing(door, parts, Namespace("default"))
    tried = f"cluster {name}, what belongs to no namespace"
    results = [_poorer(tried, part, why, where, _WIDE_RIGHTS) for part, why in missing.items()]
    return results or [ok(tried, f"can be read: {', '.join(parts)}", where=where)]


async def _namespace(
    door: ClusterDoor, question: ClusterQuestion, index: int, namespace: Namespace
) -> Sequence[Result]:
    tried = f"namespace {namespace} of {question.name}"
    where = question.at("clusters", question.name, "namespaces", index)
    unsure = ""
    try:
        if not await door.has_namespace(namespace):
            return [fault(tried, "there is no such namespace", "Mend the name, or create it.", where=where)]
    except ClusterForbidden:
        unsure = "; whether it exists may not be asked"  # what is in it tells, as far as it may be read
    except ClusterError as error:
        return [fault(tried, _words(error), error.advice, where=where)]
    parts = [part for part, namespaced in door.parts.items() if namespaced]
    missing, logs = await asyncio.gather(_missing(door, parts, namespace), door.unreadable_logs(namespace))
    results = [_poorer(tried, part, why, where, _RIGHTS) for part, why in missing.items()]
    if logs:
        todo = f"Grant get on pods/log ({_RIGHTS})."
        results.append(fault(tried, f"logs cannot be read: {logs}", todo, where=where))
    if results:
        return results
    tail = "; no pod to try logs with" if logs is None else ", and logs"
    return [ok(tried, f"{len(parts)} kinds of objects can be read and watched{tail}{unsure}", where=where)]


async def _missing(door: ClusterDoor, parts: Sequence[Part], namespace: Namespace) -> dict[Part, str]:
    async def ask(part: Part) -> str:
        try:
            return await door.unreadable(part, namespace)
        except ClusterError as error:
            return _words(error)

    reasons = await asyncio.gather(*map(ask, parts))
    return {part: why for part, why in zip(parts, reasons, strict=True) if why}


def _poorer(tried: str, part: Part, why: str, where: str, rights: str) -> Result:
    if part in _ESSENTIAL:
        todo = f"Grant the right ({rights})."
        return fault(tried, f"{part} cannot be read ({why}), so nothing can be said of it", todo, where=where)
    lacks_right = part not in _SAMPLES or why.startswith("no right")
    todo = f"Grant the right ({rights}), or go without." if lacks_right else "Install a metrics server, or go without."
    return warning(tried, f'{part} cannot be read ({why}): answers will say "not checked"', todo, where=where)


async def _service(door: ClusterDoor, question: ClusterQuestion, entry: CatalogueEntry) -> Sequence[Result]:
    where = question.at("services", entry.alias, "workload")
    namespace = Namespace(entry.namespace or door.namespace)
    tried = f"service {entry.alias}, {entry.kind.lower()}/{entry.name} in {namespace} of {question.name}"
    try:
        workloads = await door.workloads(entry.kind, namespace)
    except ClusterError as error:
        return [warning(tried, f"cannot be told: {_words(error)}", where=where)]
    if entry.name not in workloads:
        found = f"there is no such {entry.kind.lower()}{did_you_mean(entry.name, list(workloads))}"
        return [fault(tried, found, "Mend the name, or remove the service.", where=where)]
    containers = workloads[entry.name]
    if entry.container and entry.container not in containers:
        found = f"it has no container {entry.container!r}; it has: {', '.join(containers) or 'none'}"
        return [fault(tried, found, "Mend the name.", where=question.at("services", entry.alias, "container"))]
    return [ok(tried, f"is there, containers: {', '.join(containers)}", where=where)]


def _words(error: BotError) -> str:
    return error.message.partition("\n")[0].rstrip(".")
