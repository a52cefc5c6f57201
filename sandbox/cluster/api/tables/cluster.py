"""The tables of what belongs to the cluster: nodes, namespaces, claims, budgets, configuration, and usage."""

from __future__ import annotations

from datetime import datetime

from sandbox.cluster.api.tables.columns import NONE, UNSET, Printer, age, columns
from sandbox.cluster.store import Json

_ROLE = "node-role.kubernetes.io/"
_ACCESS_MODES = {
    "ReadWriteOnce": "RWO",
    "ReadOnlyMany": "ROX",
    "ReadWriteMany": "RWX",
    "ReadWriteOncePod": "RWOP",
}


def _node(obj: Json, now: datetime) -> list[object]:
    status = obj.get("status", {})
    info = status.get("nodeInfo", {})
    unknown = "<unknown>"
    return [
        obj["metadata"]["name"],
        _node_status(obj),
        _roles(obj),
        age(obj, now),
        info.get("kubeletVersion", ""),
        _address(status, "InternalIP"),
        _address(status, "ExternalIP"),
        info.get("osImage") or unknown,
        info.get("kernelVersion") or unknown,
        info.get("containerRuntimeVersion") or unknown,
    ]


def _node_status(obj: Json) -> str:
    conditions = obj.get("status", {}).get("conditions") or []
    ready = next((entry["status"] for entry in conditions if entry["type"] == "Ready"), None)
    words = ["Unknown" if ready is None else "Ready" if ready == "True" else "NotReady"]
    if obj.get("spec", {}).get("unschedulable"):
        words.append("SchedulingDisabled")
    return ",".join(words)


def _roles(obj: Json) -> str:
    labels = obj["metadata"].get("labels") or {}
    roles = {label.removeprefix(_ROLE) for label in labels if label.startswith(_ROLE)}
    return ",".join(sorted(role for role in roles if role)) or NONE


def _address(status: Json, wanted: str) -> str:
    return next((entry["address"] for entry in status.get("addresses") or [] if entry["type"] == wanted), NONE)


def _namespace(obj: Json, now: datetime) -> list[object]:
    return [obj["metadata"]["name"], obj.get("status", {}).get("phase", ""), age(obj, now)]


def _claim(obj: Json, now: datetime) -> list[object]:
    spec, status = obj.get("spec", {}), obj.get("status", {})
    bound = bool(spec.get("volumeName"))
    modes = ",".join(_ACCESS_MODES.get(mode, mode) for mode in status.get("accessModes") or []) if bound else ""
    phase = "Terminating" if obj["metadata"].get("deletionTimestamp") else status.get("phase", "")
    return [
        obj["metadata"]["name"],
        phase,
        spec.get("volumeName", ""),
        (status.get("capacity") or {}).get("storage", "") if bound else "",
        modes,
        spec.get("storageClassName", ""),
        spec.get("volumeAttributesClassName") or UNSET,
        age(obj, now),
        spec.get("volumeMode") or UNSET,
    ]


def _storage_class(obj: Json, now: datetime) -> list[object]:
    metadata = obj["metadata"]
    default = (metadata.get("annotations") or {}).get("storageclass.kubernetes.io/is-default-class") == "true"
    return [
        f"{metadata['name']} (default)" if default else metadata["name"],
        obj.get("provisioner", ""),
        obj.get("reclaimPolicy", "Delete"),
        obj.get("volumeBindingMode", "Immediate"),
        bool(obj.get("allowVolumeExpansion")),
        age(obj, now),
    ]


def _budget(obj: Json, now: datetime) -> list[object]:
    spec, status = obj.get("spec", {}), obj.get("status", {})
    return [
        obj["metadata"]["name"],
        str(spec.get("minAvailable", "N/A")),
        str(spec.get("maxUnavailable", "N/A")),
        status.get("disruptionsAllowed", 0),
        age(obj, now),
    ]


def _config_map(obj: Json, now: datetime) -> list[object]:
    return [obj["metadata"]["name"], len(obj.get("data") or {}) + len(obj.get("binaryData") or {}), age(obj, now)]


def _usage(obj: Json, _now: datetime) -> list[object]:
    entries = [entry["usage"] for entry in obj["containers"]] if "containers" in obj else [obj["usage"]]
    cpu = sum(int(entry["cpu"].removesuffix("n")) for entry in entries)
    memory = sum(int(entry["memory"].removesuffix("Ki")) for entry in entries)
    return [obj["metadata"]["name"], f"{cpu}n", f"{memory}Ki", obj["window"]]


_USAGE = Printer(columns("Name", "cpu", "memory", "Window"), _usage)
PRINTERS = {
    ("", "nodes"): Printer(
        columns(
            "Name",
            "Status",
            "Roles",
            "Age",
            "Version",
            wide=("Internal-IP", "External-IP", "OS-Image", "Kernel-Version", "Container-Runtime"),
        ),
        _node,
    ),
    ("", "namespaces"): Printer(columns("Name", "Status", "Age"), _namespace),
    ("", "configmaps"): Printer(columns("Name", "Data", "Age"), _config_map),
    ("", "persistentvolumeclaims"): Printer(
        columns(
            "Name",
            "Status",
            "Volume",
            "Capacity",
            "Access Modes",
            "StorageClass",
            "VolumeAttributesClass",
            "Age",
            wide=("VolumeMode",),
        ),
        _claim,
    ),
    ("storage.k8s.io", "storageclasses"): Printer(
        columns("Name", "Provisioner", "ReclaimPolicy", "VolumeBindingMode", "AllowVolumeExpansion", "Age"),
        _storage_class,
    ),
    ("policy", "poddisruptionbudgets"): Printer(
        columns(
            "Name",
            "Min Available",
            "Max Unavailable",
            "Allowed Disruptions",
            "Age",
            numbers=("Allowed Disruptions",),
        ),
        _budget,
    ),
    ("metrics.k8s.io", "pods"): _USAGE,
    ("metrics.k8s.io", "nodes"): _USAGE,
}
