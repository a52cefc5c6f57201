"""What belongs to a workload: its pods, who leads to them, who scales them, what they mount, where they run. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.diagnosis import Index, related_uids
from bot.domain.objects import Autoscaler, Claim, Event, Ingress, Node, Pod, Service
from bot.domain.targets import ObjectRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """The objects that a check is about; without a workload all of the snapshot."""

    pods: Sequence[Pod]
    services: Sequence[Service]
    ingresses: Sequence[Ingress]
    autoscalers: Sequence[Autoscaler]
    claims: Sequence[Claim]
    nodes: Sequence[Node]
    events: Sequence[Event]

    def refs(self) -> frozenset[ObjectRef]:
        """Return what findings about these objects are about, pods left out: findings name who owns them."""
        named = (
            ("Service", [service.meta for service in self.services]),
            ("Ingress", [ingress.meta for ingress in self.ingresses]),
            ("HorizontalPodAutoscaler", [scaler.meta for scaler in self.autoscalers]),
            ("PersistentVolumeClaim", [claim.meta for claim in self.claims]),
        )
        refs = {ObjectRef(kind, meta.namespace, meta.name) for kind, metas in named for meta in metas}
        return frozenset(refs | {ObjectRef("Node", "", node.meta.name) for node in self.nodes})


def extent_of(index: Index, focus: ObjectRef | None) -> Extent:
    """Return what a check of one workload is about, or of the whole namespace."""
    snapshot = index.snapshot
    workload = index.workload_by_ref.get(focus) if focus else None
    if workload is None:
        return Extent(
            pods=snapshot.pods,
            services=snapshot.services,
            ingresses=snapshot.ingresses,
            autoscalers=snapshot.autoscalers,
            claims=snapshot.claims,
            nodes=snapshot.nodes,
            events=snapshot.events,
        )
    pods = index.pods_of(workload)
    names = {pod.meta.name for pod in pods}
    services = [each for each in snapshot.services if _leads_to(index, each, names, workload.meta.uid)]
    behind = {service.meta.name for service in services}
    mounted = {v.source for pod in pods for v in pod.volumes if v.kind == "PersistentVolumeClaim"}
    nodes = {pod.node for pod in pods if pod.node}
    autoscalers = index.autoscalers_of(workload)
    uids = {*related_uids(index, workload), *(service.meta.uid for service in services)}
    return Extent(
        pods=pods,
        services=services,
        ingresses=[each for each in snapshot.ingresses if any(route.service in behind for route in each.routes)],
        autoscalers=autoscalers,
        claims=[claim for claim in snapshot.claims if claim.meta.name in mounted],
        nodes=[node for node in snapshot.nodes if node.meta.name in nodes],
        events=[event for event in snapshot.events if event.about_uid in uids],
    )


def _leads_to(index: Index, service: Service, pods: set[str], uid: str) -> bool:
    picked = any(pod.meta.name in pods for pod in index.selected_by(service.selector))
    return picked or any(each.meta.uid == uid for each in index.making(service.selector))
