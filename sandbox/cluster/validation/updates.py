"""What may not change of an object once it stands."""

from __future__ import annotations

from typing import Any

from sandbox.cluster.store import Json
from sandbox.cluster.validation.faults import IMMUTABLE, Faults, forbidden, invalid

_SET_FIELDS = (
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
)
_SET_TEXT = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy',"
    " 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
)
_POD_TEXT = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def update_faults(resource: str, before: Json, after: Json) -> Faults:
    """Return the changes that are not allowed."""
    match resource:
        case "deployments" | "replicasets" | "daemonsets":
            return _same("spec.selector", before["spec"].get("selector"), after["spec"].get("selector"))
        case "statefulsets":
            return _stateful_set(before["spec"], after["spec"])
        case "pods":
            return _pod(before["spec"], after["spec"])
        case "jobs":
            return _job(before["spec"], after["spec"])
        case "configmaps" | "secrets":
            return _data(before, after)
        case "services":
            return _address(before["spec"], after["spec"])
        case _:
            return []


def _same(path: str, before: Any, after: Any) -> Faults:
    return [] if before == after else [invalid(path, after, IMMUTABLE)]


def _stateful_set(before: Json, after: Json) -> Faults:
    changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    return [forbidden("spec", _SET_TEXT)] if changed - set(_SET_FIELDS) else []


def _pod(before: Json, after: Json) -> Faults:
    for field in ("containers", "initContainers"):
        if len(before.get(field) or ()) != len(after.get(field) or ()):
            return [forbidden(f"spec.{field}", "pod updates may not add or remove containers")]
    if _fixed(before) == _fixed(after):
        return []
    # A real server adds the difference of its own types, which nobody reads.
    return [forbidden("spec", f"{_POD_TEXT}\n")]


def _fixed(spec: Json) -> Json:
    fixed = {name: value for name, value in spec.items() if name not in {"activeDeadlineSeconds", "tolerations"}}
    for field in ("containers", "initContainers"):
        fixed[field] = [
            {name: value for name, value in entry.items() if name != "image"} for entry in spec.get(field) or ()
        ]
    return fixed


def _job(before: Json, after: Json) -> Faults:
    faults = _same("spec.selector", before.get("selector"), after.get("selector"))
    faults += _same("spec.completions", before.get("completions"), after.get("completions"))
    return faults + _same("spec.template", before.get("template"), after.get("template"))


def _data(before: Json, after: Json) -> Faults:
    if not before.get("immutable"):
        return []
    text = "field is immutable when `immutable` is set"
    fields = ("immutable", "data", "binaryData")
    return [forbidden(field, text) for field in fields if before.get(field) != after.get(field)]


def _address(before: Json, after: Json) -> Faults:
    old, new = before.get("clusterIP"), after.get("clusterIP")
    if old == new or not old or after.get("type") == "ExternalName":
        return []
    return [invalid("spec.clusterIPs[0]", [new] if new else None, "may not change once set")]
