"""What the API server adds to an object that a person wrote: the defaults that ``describe`` shows."""

from __future__ import annotations

from sandbox.cluster.api.kinds import KINDS, METRICS_GROUP
from sandbox.cluster.schema.decode import decode
from sandbox.cluster.schema.types import struct_of
from sandbox.cluster.store import Json, copied
from sandbox.cluster.world.pod_defaults import defaulted_pod_spec, fill_pod, fill_pod_spec, quality_of_service

__all__ = ["canonical", "defaulted", "defaulted_pod_spec", "quality_of_service"]

_GOAL = {"type": "Utilization", "averageUtilization": 80}


def canonical(resource: str, obj: Json) -> Json:
    """Return an object as the API server would read it: quantities in their one form, nothing unknown or empty.

    Raises Unreadable.
    """
    kind = next((kind for kind in KINDS if kind.resource == resource and kind.group != METRICS_GROUP), None)
    if kind is None or resource == "nodes":  # a node says itself what it has, in the form it likes
        return obj
    read = decode(struct_of(kind.api_version, kind.kind), obj).obj
    said = {name: value for name, value in read.items() if value or name in obj or name == "metadata"}
    return {"apiVersion": kind.api_version, "kind": kind.kind, **said}


def defaulted(resource: str, obj: Json) -> Json:
    """Return a copy of an object with the API server's defaults."""
    obj = copied(obj)
    filler = _FILLERS.get(resource)
    if filler is not None:
        filler(obj)
    return obj


def _fill_template(spec: Json) -> None:
    template = spec.setdefault("template", {})
    template.setdefault("metadata", {})
    fill_pod_spec(template.setdefault("spec", {}))


def _fill_workload(obj: Json) -> None:
    _fill_template(obj["spec"])
    obj["spec"].setdefault("revisionHistoryLimit", 10)


def _fill_deployment(obj: Json) -> None:
    _fill_workload(obj)
    spec = obj["spec"]
    spec.setdefault("replicas", 1)
    spec.setdefault("progressDeadlineSeconds", 600)
    strategy = spec.setdefault("strategy", {})
    strategy.setdefault("type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxSurge", "25%")
        rolling.setdefault("maxUnavailable", "25%")


def _fill_stateful_set(obj: Json) -> None:
    _fill_workload(obj)
    spec = obj["spec"]
    spec.setdefault("replicas", 1)
    spec.setdefault("podManagementPolicy", "OrderedReady")
    strategy = spec.setdefault("updateStrategy", {})
    strategy.setdefault("type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        strategy.setdefault("rollingUpdate", {}).setdefault("partition", 0)
    spec.setdefault("serviceName", "")
    spec.setdefault("persistentVolumeClaimRetentionPolicy", {"whenDeleted": "Retain", "whenScaled": "Retain"})
    for claim in spec.get("volumeClaimTemplates", ()):
        claim.setdefault("apiVersion", "v1")
        claim.setdefault("kind", "PersistentVolumeClaim")
        claim["spec"].setdefault("volumeMode", "Filesystem")
        claim.setdefault("status", {"phase": "Pending"})


def _fill_daemon_set(obj: Json) -> None:
    _fill_workload(obj)
    strategy = obj["spec"].setdefault("updateStrategy", {})
    strategy.setdefault("type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxUnavailable", 1)
        rolling.setdefault("maxSurge", 0)
    annotations = obj["metadata"].get("annotations") or {}
    obj["metadata"]["annotations"] = {"deprecated.daemonset.template.generation": "1", **annotations}


def _fill_job(obj: Json) -> None:
    spec = obj["spec"]
    for field, value in (("parallelism", 1), ("completions", 1), ("backoffLimit", 6), ("suspend", False)):
        spec.setdefault(field, value)
    spec.setdefault("completionMode", "NonIndexed")
    spec.setdefault("manualSelector", False)
    spec.setdefault("podReplacementPolicy", "TerminatingOrFailed")
    _fill_template(spec)


def _fill_service(obj: Json) -> None:
    spec = obj["spec"]
    for port in spec.get("ports", ()):
        port.setdefault("protocol", "TCP")
        if "port" in port:
            port.setdefault("targetPort", port["port"])
    spec.setdefault("type", "ClusterIP")
    spec.setdefault("sessionAffinity", "None")
    spec.setdefault("internalTrafficPolicy", "Cluster")
    spec.setdefault("ipFamilies", ["IPv4"])
    spec.setdefault("ipFamilyPolicy", "SingleStack")
    obj.setdefault("status", {"loadBalancer": {}})


def _fill_claim(obj: Json) -> None:
    obj["spec"].setdefault("volumeMode", "Filesystem")
    obj["metadata"].setdefault("finalizers", ["kubernetes.io/pvc-protection"])
    obj.setdefault("status", {"phase": "Pending"})


def _fill_replica_set(obj: Json) -> None:
    _fill_template(obj["spec"])
    obj["spec"].setdefault("replicas", 1)


def _fill_pod(obj: Json) -> None:
    fill_pod(obj["spec"])


def _fill_autoscaler(obj: Json) -> None:
    obj["spec"].setdefault("minReplicas", 1)
    obj["spec"].setdefault("metrics", [{"type": "Resource", "resource": {"name": "cpu", "target": dict(_GOAL)}}])


def _fill_limit_range(obj: Json) -> None:
    """Let what an entry says of its most be its default, and that its default request, where it says no other."""
    for entry in obj["spec"].get("limits") or ():
        if entry.get("type") != "Container":
            continue
        for field, others in (("default", ("max",)), ("defaultRequest", ("default", "min"))):
            values = {name: value for other in reversed(others) for name, value in (entry.get(other) or {}).items()}
            if values or field in entry:
                entry[field] = {**values, **(entry.get(field) or {})}


def _fill_secret(obj: Json) -> None:
    obj.setdefault("type", "Opaque")


def _fill_namespace(obj: Json) -> None:
    obj["metadata"].setdefault("labels", {})["kubernetes.io/metadata.name"] = obj["metadata"]["name"]
    obj.setdefault("spec", {"finalizers": ["kubernetes"]})
    obj.setdefault("status", {"phase": "Active"})


_FILLERS = {
    "deployments": _fill_deployment,
    "statefulsets": _fill_stateful_set,
    "daemonsets": _fill_daemon_set,
    "jobs": _fill_job,
    "services": _fill_service,
    "persistentvolumeclaims": _fill_claim,
    "horizontalpodautoscalers": _fill_autoscaler,
    "limitranges": _fill_limit_range,
    "namespaces": _fill_namespace,
    "pods": _fill_pod,
    "replicasets": _fill_replica_set,
    "secrets": _fill_secret,
}
