"""The table of what is read: where each part stands in the API, how it is decoded and converted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from bot.cluster import convert, convert_workloads, structs
from bot.cluster import structs_workloads as workloads
from bot.domain.snapshot import Part
from bot.domain.targets import Namespace


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One kind of the API. Struct and record belong together by construction: see `_resource`."""

    part: Part
    base: str
    plural: str
    namespaced: bool
    page: msgspec.json.Decoder[structs.Page[Any]]
    one: msgspec.json.Decoder[Any]
    convert: Callable[[Any], Any]

    def path(self, namespace: Namespace) -> str:
        """Return the path of the list."""
        inside = f"/namespaces/{namespace}" if self.namespaced else ""
        return f"{self.base}{inside}/{self.plural}"


def _resource(
    part: Part,
    base: str,
    plural: str,
    struct: type[Any],
    converter: Callable[[Any], Any],
    *,
    namespaced: bool = True,
) -> Resource:
    return Resource(
        part=part,
        base=base,
        plural=plural,
        namespaced=namespaced,
        page=msgspec.json.Decoder(structs.Page[struct]),  # type: ignore[valid-type]  # the struct is a value here
        one=msgspec.json.Decoder(struct),
        convert=converter,
    )


_CORE, _APPS = "/api/v1", "/apis/apps/v1"

RESOURCES: dict[Part, Resource] = {
    resource.part: resource
    for resource in (
        _resource(Part.PODS, _CORE, "pods", workloads.Pod, convert_workloads.to_pod),
        _resource(Part.DEPLOYMENTS, _APPS, "deployments", workloads.Workload, convert_workloads.to_deployment),
        _resource(Part.STATEFUL_SETS, _APPS, "statefulsets", workloads.Workload, convert_workloads.to_stateful_set),
        _resource(Part.DAEMON_SETS, _APPS, "daemonsets", workloads.DaemonSet, convert_workloads.to_daemon_set),
        _resource(Part.REPLICA_SETS, _APPS, "replicasets", workloads.Workload, convert_workloads.to_replica_set),
        _resource(Part.SERVICES, _CORE, "services", structs.Service, convert.to_service),
        _resource(
            Part.ENDPOINT_SLICES,
            "/apis/discovery.k8s.io/v1",
            "endpointslices",
            structs.EndpointSlice,
            convert.to_endpoint_slice,
        ),
        _resource(
            Part.AUTOSCALERS,
            "/apis/autoscaling/v2",
            "horizontalpodautoscalers",
            workloads.Autoscaler,
            convert_workloads.to_autoscaler,
        ),
        _resource(Part.EVENTS, _CORE, "events", structs.Event, convert.to_event),
        _resource(Part.NODES, _CORE, "nodes", structs.Node, convert.to_node, namespaced=False),
        _resource(Part.CLAIMS, _CORE, "persistentvolumeclaims", structs.Claim, convert.to_claim),
        _resource(Part.JOBS, "/apis/batch/v1", "jobs", workloads.Job, convert_workloads.to_job),
    )
}
