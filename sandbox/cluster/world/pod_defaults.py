"""The defaults of pods, and of the templates of pods."""

from __future__ import annotations

from sandbox.cluster.store import Json, copied
from sandbox.cluster.world.quantities import memory_bytes, millicores

_PROBES = ("startupProbe", "livenessProbe", "readinessProbe")
_FILE_MODE = 420


def defaulted_pod_spec(spec: Json) -> Json:
    """Return a copy of a pod's spec with the defaults."""
    spec = copied(spec)
    fill_pod(spec)
    return spec


def fill_pod(spec: Json) -> None:
    """Give a pod its defaults, in place: those of a template, and those that a template does not have."""
    fill_pod_spec(spec)
    spec.setdefault("enableServiceLinks", True)
    for container in [*spec.get("initContainers", ()), *spec.get("containers", ())]:
        for name, value in (container["resources"].get("limits") or {}).items():
            container["resources"].setdefault("requests", {}).setdefault(name, value)


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


def fill_pod_spec(spec: Json) -> None:
    """Give a pod's spec its defaults, in place."""
    for container in [*spec.get("initContainers", ()), *spec.get("containers", ())]:
        _fill_container(container)
    for volume in spec.get("volumes", ()):
        _fill_volume(volume)
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("securityContext", {})
    spec.setdefault("schedulerName", "default-scheduler")


def _fill_container(container: Json) -> None:
    image = container.get("image", "")
    tagless = ":" not in image.rpartition("/")[2]
    container.setdefault("imagePullPolicy", "Always" if tagless or image.endswith(":latest") else "IfNotPresent")
    container.setdefault("resources", {})
    container.setdefault("terminationMessagePath", "/dev/termination-log")
    container.setdefault("terminationMessagePolicy", "File")
    for entry in container.get("env", ()):
        field = (entry.get("valueFrom") or {}).get("fieldRef")
        if field is not None:
            field.setdefault("apiVersion", "v1")
    for port in container.get("ports", ()):
        port.setdefault("protocol", "TCP")
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


def _fill_volume(volume: Json) -> None:
    for kind in ("configMap", "secret", "projected", "downwardAPI"):
        if kind in volume:
            volume[kind].setdefault("defaultMode", _FILE_MODE)
    if "hostPath" in volume:
        volume["hostPath"].setdefault("type", "")
