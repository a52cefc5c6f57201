"""The table of what is read: where each part stands in the API, how it is decoded and converted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from bot.cluster import convert, convert_network, convert_pods, convert_workloads, structs, structs_pods
from bot.cluster import structs_network as network
from bot.cluster import structs_workloads as workloads
from bot.cluster.faults import is_answer, reason_of
from bot.domain.snapshot import Part
from bot.domain.targets import Namespace
from bot.errors import ClusterError, ClusterFault, ClusterNotFound

PAGES = msgspec.json.Decoder(structs.Page[msgspec.Raw])
"""Reads a page of any list; its objects stay as they were sent."""

NO_METRICS = "the metrics API is not installed or not available"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One kind of the API. Struct and record belong together by construction: see `_resource`."""

    part: Part
    base: str
    plural: str
    namespaced: bool
    watched: bool
    one: msgspec.json.Decoder[Any]
    convert: Callable[[Any], Any]

    def path(self, namespace: Namespace) -> str:
        """Return the path of the list."""
        inside = f"/namespaces/{namespace}" if self.namespaced else ""
        return f"{self.base}{inside}/{self.plural}"

    def is_absent(self, error: ClusterError) -> bool:
        """Tell whether the whole API is not there. The metrics API stands behind the server, which then says 503."""
        is_down = isinstance(error, ClusterFault) and is_answer(error)
        return not self.watched and (is_down or isinstance(error, ClusterNotFound))

    def reason_of(self, error: ClusterError) -> str:
        """Say in a few words why it could not be read."""
        return NO_METRICS if self.is_absent(error) else reason_of(error)


def _resource(
    part: Part,
    base: str,
    plural: str,
    struct: type[Any],
    converter: Callable[[Any], Any],
    *,
    namespaced: bool = True,
    watched: bool = True,
) -> Resource:
    return Resource(
        part=part,
        base=base,
        plural=plural,
        namespaced=namespaced,
        watched=watched,
        one=msgspec.json.Decoder(struct),
        convert=converter,
    )


_CORE, _APPS, _BATCH = "/api/v1", "/apis/apps/v1", "/apis/batch/v1"
_METRICS = "/apis/metrics.k8s.io/v1beta1"

RESOURCES: dict[Part, Resource] = {
    resource.part: resource
    for resource in (
        _resource(Part.PODS, _CORE, "pods", structs_pods.Pod, convert_pods.to_pod),
        _resource(Part.DEPLOYMENTS, _APPS, "deployments", workloads.Workload, convert_workloads.to_deployment),
        _resource(Part.STATEFUL_SETS, _APPS, "statefulsets", workloads.Workload, convert_workloads.to_stateful_set),
        _resource(Part.DAEMON_SETS, _APPS, "daemonsets", workloads.DaemonSet, convert_workloads.to_daemon_set),
        _resource(Part.REPLICA_SETS, _APPS, "replicasets", workloads.Workload, convert_workloads.to_replica_set),
        _resource(Part.SERVICES, _CORE, "services", network.Service, convert_network.to_service),
        _resource(
            Part.ENDPOINT_SLICES,
            "/apis/discovery.k8s.io/v1",
            "endpointslices",
            network.EndpointSlice,
            convert_network.to_endpoint_slice,
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
        _resource(Part.JOBS, _BATCH, "jobs", workloads.Job, convert_workloads.to_job),
        _resource(Part.CRON_JOBS, _BATCH, "cronjobs", workloads.CronJob, convert_workloads.to_cron_job),
        _resource(
            Part.INGRESSES,
            "/apis/networking.k8s.io/v1",
            "ingresses",
            network.Ingress,
            convert_network.to_ingress,
        ),
        _resource(
            Part.STORAGE_CLASSES,
            "/apis/storage.k8s.io/v1",
            "storageclasses",
            structs.StorageClass,
            convert.to_storage_class,
            namespaced=False,
        ),
        _resource(Part.POD_METRICS, _METRICS, "pods", structs.PodUsage, convert.to_pod_usage, watched=False),
        _resource(
            Part.NODE_METRICS,
            _METRICS,
            "nodes",
            structs.NodeUsage,
            convert.to_node_usage,
            namespaced=False,
            watched=False,
        ),
    )
}
