"""What is wrong with autoscalers, disruption budgets, and with what holds data."""

from __future__ import annotations

import re

from sandbox.cluster.store import Json
from sandbox.cluster.validation.faults import Faults, forbidden, invalid, required, unsupported
from sandbox.cluster.validation.numbers import percent_faults

_KEY_TEXT = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME', "
    " or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)
_SERVICE_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")


def autoscaler_faults(obj: Json) -> Faults:
    """Return what is wrong with a HorizontalPodAutoscaler's spec."""
    spec = obj["spec"]
    least, most = spec.get("minReplicas", 1), spec.get("maxReplicas", 0)
    faults: Faults = []
    if least < 1:
        faults.append(invalid("spec.minReplicas", least, "must be greater than or equal to 1"))
    if most < 1:
        faults.append(invalid("spec.maxReplicas", most, "must be greater than 0"))
    if most < least:
        faults.append(invalid("spec.maxReplicas", most, "must be greater than or equal to `minReplicas`"))
    target = spec.get("scaleTargetRef") or {}
    faults += [required(f"spec.scaleTargetRef.{field}") for field in ("kind", "name") if not target.get(field)]
    for position, metric in enumerate(spec.get("metrics") or ()):
        goal = ((metric.get("resource") or {}).get("target") or {}).get("averageUtilization")
        if goal is not None and goal < 1:
            path = f"spec.metrics[{position}].resource.target.averageUtilization"
            faults.append(invalid(path, goal, "must be greater than 0"))
    if least == 0:
        text = "must specify at least one Object or External metric to support scaling to zero replicas"
        faults.append(forbidden("spec.metrics", text))
    return faults


def budget_faults(obj: Json) -> Faults:
    """Return what is wrong with a PodDisruptionBudget's spec."""
    spec = obj.get("spec") or {}
    least, missing = spec.get("minAvailable"), spec.get("maxUnavailable")
    if least is not None and missing is not None:
        shown = {
            "MinAvailable": least,
            "Selector": spec.get("selector"),
            "MaxUnavailable": missing,
            "UnhealthyPodEvictionPolicy": spec.get("unhealthyPodEvictionPolicy"),
        }
        return [invalid("spec", shown, "minAvailable and maxUnavailable cannot be both set")]
    faults = [] if least is None else percent_faults("spec.minAvailable", least)
    return faults if missing is None else [*faults, *percent_faults("spec.maxUnavailable", missing)]


def data_faults(obj: Json) -> Faults:
    """Return what is wrong with the keys of a ConfigMap or a Secret."""
    faults: Faults = []
    for field in ("data", "binaryData"):
        for key in sorted(obj.get(field) or {}):
            if not re.fullmatch(r"[-._a-zA-Z0-9]+", key):
                faults.append(invalid(f"{field}[{key}]", key, _KEY_TEXT))
    return faults


def service_faults(obj: Json) -> Faults:
    """Return what is wrong with a Service's spec."""
    spec = obj["spec"]
    kind = spec.get("type", "ClusterIP")
    faults: Faults = []
    if not spec.get("ports") and kind != "ExternalName" and spec.get("clusterIP") != "None":
        faults.append(required("spec.ports"))
    if kind not in _SERVICE_TYPES:
        faults.append(unsupported("spec.type", kind, _SERVICE_TYPES))
    for position, port in enumerate(spec.get("ports") or ()):
        if not 0 < port.get("port", 0) < 65536:
            text = "must be between 1 and 65535, inclusive"
            faults.append(invalid(f"spec.ports[{position}].port", port.get("port", 0), text))
    return faults


def scale_faults(scale: Json) -> Faults:
    """Return what is wrong with a Scale."""
    replicas = scale["spec"].get("replicas", 0)
    return [invalid("spec.replicas", replicas, "must be greater than or equal to 0")] if replicas < 0 else []
