"""What the API server adds to an object that a person wrote: the defaults that ``describe`` shows."""

from __future__ import annotations

import copy

from sandbox.cluster.store import Json
from sandbox.cluster.world.quantities import memory_bytes, millicores

_PROBES = ("startupProbe", "livenessProbe", "readinessProbe")


def defaulted(resource: str, obj: Json) -> Json:
    """Return a copy of an object with the API server's defaults."""
    obj = copy.deepcopy(obj)
    filler = _FILLERS.get(resource)
    if filler is not None:
        filler(obj)
    return obj


def defaulted_pod_spec(spec: Json) -> Json:
    """Return a copy of a pod's spec with the defaults."""
    spec = copy.deepcopy(spec)
    _fill_pod_spec(spec)
    return spec


def quality_of_service(spec: Json) -> str:
    """Return the qosClass of a pod by its requests and limits."""
    containers = [*spec["containers"], *spec.get("initContainers", ())]
    resources = [container.get("resources") or {} for container in containers]
    if not any(entry.get("requests") or entry.get("limits") for entry in resources):
        return "BestEffort"
    for entry in resources:
        limits, requests = entry.get("limits") or {}, entry.get("requests") or {}
        for name, read in (("cpu", millicores), ("memory", memory_bytes)):
            if name not in limits or read(requests.get(name, limits[name])) != read(limits[name]):
                return "Burstable"
    return "Guaranteed"


def _fill_pod_spec(spec: Json) -> None:
    for container in [*spec.get("initContainers", ()), *spec["containers"]]:
        _fill_container(container)
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("securityContext", {})
    spec.setdefault("schedulerName", "default-scheduler")


def _fill_container(container: Json) -> None:
    image = container["image"]
    tagless = ":" not in image.rpartition("/")[2]
    container.setdefault("imagePullPolicy", "Always" if tagless or image.endswith(":latest") else "IfNotPresent")
    container.setdefault("resources", {})
    container.setdefault("terminationMessagePath", "/dev/termination-log")
    container.setdefault("terminationMessagePolicy", "File")
    for port in container.get("ports", ()):
        port.setdefault("protocol", "TCP")
    resources = container["resources"]
    for name, value in (resources.get("limits") or {}).items():
        resources.setdefault("requests", {}).setdefault(name, value)
    for name in _PROBES:
        probe = container.get(name)
        if probe is None:
            continue
        if "httpGet" in probe:
            probe["httpGet"].setdefault("scheme", "HTTP")
            probe["httpGet"].setdefault("path", "/")
        for field, value in (("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1)):
            probe.setdefault(field, value)
        probe.setdefault("failureThreshold", 3)


def _fill_workload(obj: Json) -> None:
    spec = obj["spec"]
    spec["template"].setdefault("metadata", {}).setdefault("labels", {})
    spec.setdefault("revisionHistoryLimit", 10)
    _fill_pod_spec(spec["template"]["spec"])


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
    spec.setdefault("updateStrategy", {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}})
    spec.setdefault("persistentVolumeClaimRetentionPolicy", {"whenDeleted": "Retain", "whenScaled": "Retain"})
    for claim in spec.get("volumeClaimTemplates", ()):
        claim.setdefault("apiVersion", "v1")
        claim.setdefault("kind", "PersistentVolumeClaim")
        claim["spec"].setdefault("volumeMode", "Filesystem")
        claim.setdefault("status", {"phase": "Pending"})


def _fill_daemon_set(obj: Json) -> None:
    _fill_workload(obj)
    rolling = {"maxUnavailable": 1, "maxSurge": 0}
    obj["spec"].setdefault("updateStrategy", {"type": "RollingUpdate", "rollingUpdate": rolling})
    annotations = obj["metadata"].get("annotations") or {}
    obj["metadata"]["annotations"] = {"deprecated.daemonset.template.generation": "1", **annotations}


def _fill_job(obj: Json) -> None:
    spec = obj["spec"]
    for field, value in (("parallelism", 1), ("completions", 1), ("backoffLimit", 6), ("suspend", False)):
        spec.setdefault(field, value)
    spec.setdefault("completionMode", "NonIndexed")
    spec.setdefault("manualSelector", False)
    spec.setdefault("podReplacementPolicy", "TerminatingOrFailed")
    spec["template"].setdefault("metadata", {}).setdefault("labels", {})
    _fill_pod_spec(spec["template"]["spec"])


def _fill_service(obj: Json) -> None:
    spec = obj["spec"]
    for port in spec.get("ports", ()):
        port.setdefault("protocol", "TCP")
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
    "namespaces": _fill_namespace,
}
