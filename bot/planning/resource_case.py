"""One container with another limit and request of memory or CPU: what that asks of nodes, quotas and itself. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from bot.diagnosis import Index, amount, cpu
from bot.diagnosis.placement import RESOURCES, asked_cpu, asked_memory, refusals
from bot.domain.findings import Finding
from bot.domain.live import Json, metadata_of, template_of
from bot.domain.objects import NodeLoad, Pod
from bot.domain.snapshot import Part
from bot.domain.steps.containers import all_containers, with_container, with_resource
from bot.planning.amounts import MEMORY, NAMES, value_of
from bot.planning.ground import Ground
from bot.planning.limits import asked
from bot.planning.model import pod_of
from bot.planning.rolling import Rolling, rolling_of
from bot.planning.room import QuotaRoom, room_in_quotas, room_on_nodes

_OUT_OF_MEMORY = frozenset({"OOM_KILLED", "OOM_NODE"})


@dataclass(frozen=True, slots=True)
class Amounts:
    """A limit and a request, as the API writes them; empty for none."""

    limit: str
    request: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A change of one resource (`memory` or `cpu`) of a live container, and the templates before and after it."""

    ground: Ground
    resource: str
    container: Json
    was: Amounts
    wanted: Amounts
    before: Json
    after: Json

    @property
    def name(self) -> str:
        return str(self.container.get("name", ""))

    @property
    def rolling(self) -> Rolling:
        return rolling_of(self.ground.target.kind, self.ground.live.object)

    @property
    def more(self) -> int:
        """Return by how much more (or less) the container asks for, in bytes or millicores."""
        asks = [asked(_named(each, self.name), "requests", self.resource) for each in (self.before, self.after)]
        return self.value(asks[1]) - self.value(asks[0])

    def value(self, quantity: str) -> int:
        """Return a quantity in bytes or millicores; 0 for none."""
        return value_of(self.resource, quantity) if quantity else 0

    def words(self, value: int) -> str:
        """Say bytes or millicores."""
        return amount(value) if self.resource == MEMORY else cpu(value)


def case_of(ground: Ground, resource: str, container: Json, limit: str, request: str | None) -> Case:
    """Make the case. A request of None stays as it is, and comes down with the limit where it would be above it."""
    resources: Json = container.get("resources") or {}
    was = Amounts(*(str((resources.get(kind) or {}).get(resource, "")) for kind in ("limits", "requests")))
    asks = was.request if request is None else request
    if request is None and limit and asks and value_of(resource, asks) > value_of(resource, limit):
        asks = limit
    before = template_of(ground.live.object)
    changed = with_resource(container, resource, limit=limit, request=asks)
    return Case(
        ground=ground,
        resource=resource,
        container=container,
        was=was,
        wanted=Amounts(limit, asks),
        before=before,
        after=with_container(before, str(container.get("name", "")), changed),
    )


def used(case: Case) -> int | None:
    """Return the most that the container uses in any pod, in bytes or millicores; None where it was not measured."""
    index = case.ground.index()
    samples = [
        each.memory if case.resource == MEMORY else each.cpu_m
        for pod in index.pods_of(case.ground.workload)
        if (usage := index.usage_by_pod.get(pod.meta.name)) is not None
        for each in usage.containers
        if each.name == case.name
    ]
    return max(samples, default=None)


def unmeasured(case: Case) -> str:
    """Say why it is not known what the container uses."""
    return case.ground.snapshot.status(Part.POD_METRICS).reason or "there is no sample of its pods"


def killed(case: Case) -> Finding | None:
    """Return the finding that the container is killed for want of memory."""
    found = (each for each in case.ground.findings if each.code in _OUT_OF_MEMORY and each.container == case.name)
    return next(found, None) if case.resource == MEMORY else None


# --- nodes ------------------------------------------------------------------------------------------------------------


def too_large(case: Case) -> str:
    """Say what the largest nodes have, where not even an empty one could take a pod; empty when one could."""
    snapshot = case.ground.snapshot
    if case.more <= 0 or not snapshot.nodes:
        return ""
    model = pod_of(case.after, case.ground.surroundings.limit_ranges)
    # Without their load, nodes are judged by all that they have.
    empty = Index(replace(snapshot, node_load=None))
    if any(not {each.kind for each in reasons} & RESOURCES for _, reasons in refusals(empty, model)):
        return ""
    largest = (
        max(node.memory_allocatable for node in snapshot.nodes),
        max(node.cpu_allocatable_m for node in snapshot.nodes),
    )
    asks = f"a pod would ask for {amount(asked_memory(model))} and {cpu(asked_cpu(model))}"
    return f"{asks}; no node has more than {amount(largest[0])} and {cpu(largest[1])}"


def homeless(case: Case) -> int:
    """Return how many of the new pods would find no node once all the present ones are gone, as far as it is known."""
    ground, load = case.ground, case.ground.snapshot.node_load
    if load is None or case.more <= 0:
        return 0
    left = dict(load)
    for pod in ground.index().pods_of(ground.workload):
        if pod.node in left and not pod.is_finished:
            left[pod.node] = _without(left[pod.node], pod)
    later = replace(ground, report=replace(ground.report, snapshot=replace(ground.snapshot, node_load=left)))
    room = room_on_nodes(later, case.after).pods
    return 0 if room is None else max(case.rolling.desired - room, 0)


def _without(load: NodeLoad, pod: Pod) -> NodeLoad:
    return NodeLoad(load.cpu_m - asked_cpu(pod), load.memory - asked_memory(pod), load.pods - 1)


# --- quotas -----------------------------------------------------------------------------------------------------------


def quotas_after(case: Case) -> Iterator[tuple[QuotaRoom, QuotaRoom]]:
    """Give each quota of which more would be used, as it is when all pods are new, and at its fullest before that.

    At its fullest the last pods of before still run beside as many new ones as are wanted.
    """
    now = {(each.quota, each.resource): each for each in room_in_quotas(case.ground, case.before)}
    for room in room_in_quotas(case.ground, case.after):
        before = now.get((room.quota, room.resource))
        old = before.each if before else 0
        more = case.rolling.desired * (room.each - old)
        if more > 0:
            then = replace(room, used=room.used + more)
            yield then, replace(then, used=then.used + case.rolling.surge * old)


def quotas_unmet(case: Case) -> Iterator[str]:
    """Say which quotas refuse a pod whose container leaves open what they count."""
    model = pod_of(case.after, case.ground.surroundings.limit_ranges)
    container = next(each for each in model.containers if each.name == case.name)
    if case.resource == MEMORY:
        limit, request = container.memory_limit, container.memory_request
    else:
        limit, request = container.cpu_limit_m, container.cpu_request_m
    for quota in case.ground.surroundings.quotas:
        spec: Json = quota.get("spec") or {}
        if spec.get("scopes") or spec.get("scopeSelector"):
            continue
        hard, name = spec.get("hard") or {}, metadata_of(quota).get("name", "")
        if limit is None and f"limits.{case.resource}" in hard:
            yield f"quota {name} wants a {NAMES[case.resource]} limit of every container"
        if request is None and {case.resource, f"requests.{case.resource}"} & set(hard):
            yield f"quota {name} wants every container to ask for {NAMES[case.resource]}"


def _named(template: Json, name: str) -> Json:
    return next(each for each in all_containers(template) if each.get("name") == name)
