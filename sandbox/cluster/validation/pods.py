"""What is wrong with the spec of a pod, or of a template of pods."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sandbox.cluster.api.errors import Cause
from sandbox.cluster.schema.quantities import amount
from sandbox.cluster.store import Json
from sandbox.cluster.validation.faults import Faults, duplicate, invalid, not_negative, required, unsupported
from sandbox.cluster.validation.metadata import name_faults

_STANDARD = frozenset({"cpu", "memory", "ephemeral-storage"})
_SOURCES = "`fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"
_RESTART_POLICIES = ("Always", "Never", "OnFailure")
_PULL_POLICIES = ("Always", "IfNotPresent", "Never")


def pod_spec_faults(path: str, spec: Json) -> Faults:
    """Return what is wrong with a pod's spec."""
    faults: Faults = []
    seen: set[str] = set()
    for field in ("containers", "initContainers"):
        containers = spec.get(field) or []
        if field == "containers" and not containers:
            faults.append(required(f"{path}.containers"))
        faults += _containers_faults(f"{path}.{field}", containers, seen)
    policy = spec.get("restartPolicy", "Always")
    if policy not in _RESTART_POLICIES:
        faults.append(unsupported(f"{path}.restartPolicy", policy, _RESTART_POLICIES))
    faults += not_negative(f"{path}.terminationGracePeriodSeconds", spec.get("terminationGracePeriodSeconds"))
    return faults + _mount_faults(path, spec)


def _containers_faults(path: str, containers: Sequence[Json], seen: set[str]) -> Faults:
    faults: Faults = []
    for position, container in enumerate(containers):
        place = f"{path}[{position}]"
        name = container.get("name", "")
        if not name:
            faults.append(required(f"{place}.name"))
        else:
            faults += name_faults(f"{place}.name", name)
        if name and name in seen:
            faults.append(duplicate(f"{place}.name", name))
        seen.add(name)
        image = container.get("image", "")
        if not image:
            faults.append(required(f"{place}.image"))
        elif image != image.strip() and len(image.split()) > 1:
            faults.append(invalid(f"{place}.image", image, "must not have leading or trailing whitespace"))
        faults += _ports_faults(f"{place}.ports", container.get("ports") or ())
        faults += _env_faults(f"{place}.env", container.get("env") or ())
        policy = container.get("imagePullPolicy", "Always")
        if policy not in _PULL_POLICIES:
            faults.append(unsupported(f"{place}.imagePullPolicy", policy, _PULL_POLICIES))
        faults += resources_faults(f"{place}.resources", container.get("resources") or {})
    return faults


def _ports_faults(path: str, ports: Sequence[Json]) -> Faults:
    faults: Faults = []
    for position, port in enumerate(ports):
        number = port.get("containerPort", 0)
        if not number:
            faults.append(required(f"{path}[{position}].containerPort"))
        elif not 0 < number < 65536:
            text = "must be between 1 and 65535, inclusive"
            faults.append(invalid(f"{path}[{position}].containerPort", number, text))
    return faults


def _env_faults(path: str, env: Sequence[Json]) -> Faults:
    faults: Faults = []
    for position, entry in enumerate(env):
        place = f"{path}[{position}]"
        if not entry.get("name"):
            faults.append(required(f"{place}.name"))
        elif re.search(r"[^ -<>-~]", entry["name"]):
            text = (
                "a valid environment variable name must consist only of printable ASCII characters other than '='"
                " (e.g. 'my.env-name',  or 'MY_ENV.NAME',  or 'MyEnvName1', regex used for validation is"
                " '[ -<>-~]+')"
            )
            faults.append(invalid(f"{place}.name", entry["name"], text))
        source = entry.get("valueFrom")
        if source is None:
            continue
        if not source:
            faults.append(invalid(f"{place}.valueFrom", "", f"must specify one of: {_SOURCES}"))
        elif entry.get("value"):
            faults.append(invalid(f"{place}.valueFrom", "", "may not be specified when `value` is not empty"))
        elif len(source) > 1:
            faults.append(invalid(f"{place}.valueFrom", "", "may not have more than one field specified at a time"))
    return faults


def resources_faults(path: str, resources: Json) -> Faults:
    """Return what is wrong with requests and limits."""
    faults: Faults = []
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for name, text in sorted(limits.items()):
        faults += _quantity_faults(f"{path}.limits[{name}]", name, text)
    for name, text in sorted(requests.items()):
        faults += _quantity_faults(f"{path}.requests[{name}]", name, text)
        if name in limits and amount(text) > amount(limits[name]):
            verdict = f"must be less than or equal to {name} limit of {limits[name]}"
            faults.append(invalid(f"{path}.requests", text, verdict))
    return faults


def _quantity_faults(path: str, name: str, text: str) -> Faults:
    faults: Faults = []
    if amount(text) < 0:
        faults.append(invalid(path, text, "must be greater than or equal to 0"))
    if "/" not in name and not name.startswith("hugepages-") and name not in _STANDARD:
        faults.append(invalid(path, name, "must be a standard resource type or fully qualified"))
        faults.append(invalid(path, name, "must be a standard resource for containers"))
    return faults


def _mount_faults(path: str, spec: Json) -> Faults:
    """Return the mounts that name no volume."""
    faults: Faults = []
    volumes = {volume.get("name") for volume in spec.get("volumes") or ()}
    for field in ("containers", "initContainers"):
        for position, container in enumerate(spec.get(field) or ()):
            for number, mount in enumerate(container.get("volumeMounts") or ()):
                if mount.get("name") not in volumes:
                    place = f"{path}.{field}[{position}].volumeMounts[{number}].name"
                    faults.append(_not_found(place, mount.get("name", "")))
    return faults


def _not_found(path: str, value: str) -> Cause:
    return Cause("FieldValueNotFound", f'Not found: "{value}"', path)
