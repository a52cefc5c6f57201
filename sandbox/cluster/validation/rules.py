"""Which checks an object of a kind passes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sandbox.cluster.api.kinds import Kind
from sandbox.cluster.store import Json
from sandbox.cluster.validation.faults import Faults
from sandbox.cluster.validation.metadata import metadata_faults, metadata_update_faults
from sandbox.cluster.validation.others import autoscaler_faults, budget_faults, data_faults, service_faults
from sandbox.cluster.validation.pods import pod_spec_faults
from sandbox.cluster.validation.updates import update_faults
from sandbox.cluster.validation.workloads import (
    daemon_set_faults,
    deployment_faults,
    job_faults,
    replica_set_faults,
    stateful_set_faults,
)

_CHECKS: Mapping[str, Callable[[Json], Faults]] = {
    "configmaps": data_faults,
    "daemonsets": daemon_set_faults,
    "deployments": deployment_faults,
    "horizontalpodautoscalers": autoscaler_faults,
    "jobs": job_faults,
    "poddisruptionbudgets": budget_faults,
    "pods": lambda pod: pod_spec_faults("spec", pod["spec"]),
    "replicasets": replica_set_faults,
    "secrets": data_faults,
    "services": service_faults,
    "statefulsets": stateful_set_faults,
}


def creation_faults(kind: Kind, obj: Json) -> Faults:
    """Return what is wrong with an object that is to be created."""
    return metadata_faults(kind, obj["metadata"]) + _spec_faults(kind.resource, obj)


def change_faults(kind: Kind, before: Json, after: Json) -> Faults:
    """Return what is wrong with an object that is to stand in another's place."""
    faults = metadata_update_faults(before["metadata"], after["metadata"])
    if kind.resource != "pods" or before["spec"] != after["spec"]:
        faults += _spec_faults(kind.resource, after)
    return faults + update_faults(kind.resource, before, after)


def _spec_faults(resource: str, obj: Json) -> Faults:
    check = _CHECKS.get(resource)
    return [] if check is None else check(obj)
