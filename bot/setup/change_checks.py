"""Whether an account may make the changes that people may ask for: asked of the API server, right by right.

Two accounts are common: one that only reads, for those who chat, and the worker's. A check cannot know whose it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from bot.domain.actions import Change
from bot.domain.catalogue import CatalogueEntry
from bot.domain.change_policy import ChangePolicy
from bot.domain.plans import Risk
from bot.domain.policy import Asked, Policy, covers
from bot.domain.targets import Namespace, Scope, Where
from bot.domain.text import listed
from bot.errors import ClusterError
from bot.setup.results import Result, ok, warning

_RIGHTS = "manifests/kubernetes/components/changes"
_TEMPLATES = ("restart", "rollback", "set image", "set memory", "set cpu")
_WRITES = frozenset({"patch", "create", "delete"})


@dataclass(frozen=True, slots=True)
class Right:
    """What an account may do in a namespace; a subresource is named as `pods/eviction`."""

    verb: str
    resource: str
    group: str = ""

    def __str__(self) -> str:
        return f"{self.verb} {self.resource}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What changes need a few rights, and of what; `kind` where one may hold them for single workloads."""

    verbs: tuple[str, ...]
    rights: tuple[Right, ...]
    of: str = ""
    kind: str = ""


def _plural(kind: str) -> str:
    return f"{kind.lower()}s"


def _workload(kind: str, revisions: str, *verbs: str) -> Costs:
    plural = _plural(kind)
    rights = (Right("get", plural, "apps"), Right("patch", plural, "apps"), Right("list", revisions, "apps"))
    return Costs(verbs=verbs, rights=rights, of=plural, kind=kind)


_SCALERS = ("horizontalpodautoscalers", "autoscaling")
REFUSED_WITHOUT = (
    _workload("Deployment", "replicasets", "scale", *_TEMPLATES),
    _workload("StatefulSet", "controllerrevisions", "scale", *_TEMPLATES),
    _workload("DaemonSet", "controllerrevisions", *_TEMPLATES),
    Costs(verbs=("scale",), rights=(Right("get", *_SCALERS), Right("patch", *_SCALERS)), of="what an autoscaler sets"),
    Costs(verbs=("evict",), rights=(Right("get", "pods"), Right("create", "pods/eviction"))),
    Costs(verbs=("clear failed",), rights=(Right("delete", "pods"),)),
)
POORER_WITHOUT = (
    Right("list", "resourcequotas"),
    Right("list", "limitranges"),
    Right("list", "poddisruptionbudgets", "policy"),
)


class RightsDoor(Protocol):
    """Where an account may be asked after. Each method answers within seconds or raises `ClusterError`."""

    async def has_namespace(self, namespace: Namespace) -> bool:
        """Tell whether there is such a namespace."""
        ...

    async def may(self, right: Right, namespace: Namespace, name: str = "") -> bool:
        """Tell whether this account may do something, of one object or of all of them."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangesQuestion:
    """What is to be asked of one cluster: by namespace, the changes that people may ask for.

    `services` are those of the cluster; `at` says where a path below the file's top stands.
    """

    cluster: str
    verbs: Mapping[Namespace, Collection[str]]
    services: Mapping[Namespace, Sequence[CatalogueEntry]]
    at: Callable[..., str]


def verbs_open(changes: Sequence[Change[Any, Any]], rights: Policy, policy: ChangePolicy, scope: Scope) -> list[str]:
    """Return the verbs that somebody may ask for in a place, and that no rule forbids there. A freeze ends some day."""
    unfrozen, where = replace(policy, frozen=()), Where(scope)

    def held(change: Change[Any, Any]) -> bool:
        asked = Asked(change.permission, change.name, where)
        roles = rights.roles_for(asked)
        bindings = (replace(each, services=frozenset()) for each in rights.bindings if each.role in roles)
        return any(covers(each, asked) for each in bindings)

    return [
        change.name
        for change in changes
        if held(change) and not all(unfrozen.refusal(change.name, risk, where) for risk in Risk)
    ]


async def check_changes(door: RightsDoor, question: ChangesQuestion) -> list[Result]:
    """Say what changes would be refused for want of a right. Where nobody may ask for any, nothing is said."""
    spaces = [namespace for namespace, verbs in question.verbs.items() if verbs]
    found = [each for each in await asyncio.gather(*(_look(door, question, each) for each in spaces)) if each]
    results = [result for each in found for result in _judged(question, each)]
    reading = [each.namespace for each in found if each.only_reads]
    if reading:
        tried = f"changes in {listed(reading)} of {question.cluster}"
        told = "this account only reads, which is enough to chat; a worker with it refuses every change"
        todo = f"The worker's account needs the rights of {_RIGHTS}."
        results.append(warning(tried, told, todo, where=question.at("clusters", question.cluster)))
    return results


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What was answered for a namespace; `named` has of what is not granted for all the single objects it is for."""

    namespace: Namespace
    verbs: Collection[str]
    services: Sequence[CatalogueEntry]
    granted: Mapping[Right, bool]
    named: Mapping[Right, Collection[str]]
    problem: str = ""

    @property
    def only_reads(self) -> bool:
        """Say whether no write at all is granted."""
        writes = [right for right in self.granted if right.verb in _WRITES]
        return not self.problem and not any(self.granted[right] or self.named.get(right) for right in writes)


async def _look(door: RightsDoor, question: ChangesQuestion, namespace: Namespace) -> _Seen | None:
    """Ask for everything that the changes of a namespace need; None where there is no such namespace."""
    verbs, services = question.verbs[namespace], question.services.get(namespace, ())
    rights = list(dict.fromkeys([*(right for each in _of(verbs) for right in each.rights), *POORER_WITHOUT]))
    granted: dict[Right, bool] = {}
    named: dict[Right, Collection[str]] = {}
    problem = ""
    try:
        if not await _exists(door, namespace):
            return None
        answers = await asyncio.gather(*(door.may(right, namespace) for right in rights))
        granted = dict(zip(rights, answers, strict=True))
        named = await _by_name(door, namespace, [each for each in rights if not granted[each]], services)
    except ClusterError as error:
        problem = error.message.partition("\n")[0].rstrip(".")
    return _Seen(namespace=namespace, verbs=verbs, services=services, granted=granted, named=named, problem=problem)


async def _exists(door: RightsDoor, namespace: Namespace) -> bool:
    try:
        return await door.has_namespace(namespace)
    except ClusterError:
        return True  # why that cannot be told is told beside this


async def _by_name(
    door: RightsDoor, namespace: Namespace, missing: Sequence[Right], services: Sequence[CatalogueEntry]
) -> dict[Right, Collection[str]]:
    """Ask for single workloads what is not granted for all of them."""
    asked = [
        (right, each.name)
        for right in missing
        for each in services
        if right.verb != "list" and right.resource == _plural(each.kind)
    ]
    answers = await asyncio.gather(*(door.may(right, namespace, name) for right, name in asked))
    named: dict[Right, Collection[str]] = {}
    for (right, name), allowed in zip(asked, answers, strict=True):
        if allowed:
            named[right] = {*named.get(right, ()), name}
    return named


def _of(verbs: Collection[str]) -> Iterator[Costs]:
    """Yield what these verbs need, and no more."""
    for each in REFUSED_WITHOUT:
        wanted = tuple(verb for verb in each.verbs if verb in verbs)
        if wanted:
            yield replace(each, verbs=wanted)


def _judged(question: ChangesQuestion, seen: _Seen) -> list[Result]:
    if seen.only_reads:
        return []
    tried = f"changes in {seen.namespace} of {question.cluster}"
    where = question.at("clusters", question.cluster, "namespaces", list(question.verbs).index(seen.namespace))
    if seen.problem:
        return [warning(tried, f"whether this account may make them cannot be told: {seen.problem}", where=where)]
    refused = [said for each in _of(seen.verbs) for said in _refused(seen, each)]
    results = [warning(tried, said, f"Grant the right ({_RIGHTS}), or go without.", where=where) for said in refused]
    unread = [right for right in POORER_WITHOUT if not seen.granted[right]]
    if unread:
        said = f"{_rights(unread)} not granted: plans will say that they could not be read"
        results.append(warning(tried, said, f"Grant the right ({_RIGHTS}), or go without.", where=where))
    if results:
        return results
    alone = sorted({name for names in seen.named.values() for name in names})
    limit = f", of workloads {listed(alone)} alone" if alone else ""
    return [ok(tried, f"this account may make them: {listed(sorted(seen.verbs))}{limit}", where=where)]


def _refused(seen: _Seen, costs: Costs) -> Iterator[str]:
    """Say which changes will be refused; where single workloads are open, which of the services are not."""
    missing = [right for right in costs.rights if not seen.granted[right]]
    if not missing:
        return
    refused, rights = f"{listed(costs.verbs)}{' of ' if costs.of else ''}", _rights(missing)
    if not seen.named:
        yield f"{refused}{costs.of} will be refused: {rights} not granted"
    elif not costs.kind:
        yield f"{refused}{costs.of} will be refused: {rights} not granted, unless by a name that is not asked for here"
    elif shut := [each.name for each in seen.services if each.kind == costs.kind and not _is_open(seen, missing, each)]:
        yield f"{refused}{listed(shut)} will be refused: {rights} granted by name, and not for {_it(shut)}"


def _is_open(seen: _Seen, missing: Sequence[Right], service: CatalogueEntry) -> bool:
    return all(service.name in seen.named.get(right, ()) for right in missing)


def _it(names: Sequence[str]) -> str:
    return "it" if len(names) == 1 else "them"


def _rights(rights: Sequence[Right]) -> str:
    return f"{listed([str(each) for each in rights])} {'is' if len(rights) == 1 else 'are'}"
