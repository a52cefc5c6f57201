"""Limit ranges: what a container gets that says nothing, and what none may ask for."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from sandbox.cluster.schema.quantities import amount, is_binary, written
from sandbox.cluster.store import Json, ObjectStore, copied

ANNOTATION = "kubernetes.io/limit-ranger"


def with_limit_range(store: ObjectStore, pod: Json) -> Json:
    """Return a pod with the defaults of its namespace's limit ranges."""
    for entry in _ranges(store, pod["metadata"]["namespace"], "Container"):
        pod = _with_defaults(pod, entry)
    return pod


def limit_faults(store: ObjectStore, pod: Json) -> str:
    """Return what a pod asks beyond the limit ranges, in the server's words; empty if nothing."""
    namespace, spec = pod["metadata"]["namespace"], pod["spec"]
    containers = [*spec.get("initContainers", ()), *spec["containers"]]
    for limit_range in store.list("limitranges", namespace):
        faults: list[str] = []
        for entry in limit_range["spec"]["limits"]:
            if entry["type"] == "Container":
                faults += [fault for one in containers for fault in _faults(entry, one.get("resources") or {})]
            elif entry["type"] == "Pod":
                faults += _faults(entry, _sum(spec["containers"]))
        if faults:
            return faults[0] if len(faults) == 1 else f"[{', '.join(faults)}]"
    return ""


def _ranges(store: ObjectStore, namespace: str, kind: str) -> Iterator[Json]:
    for limit_range in store.list("limitranges", namespace):
        yield from (entry for entry in limit_range["spec"]["limits"] if entry["type"] == kind)


def _with_defaults(pod: Json, entry: Json) -> Json:
    pod, told = copied(pod), []
    for field, container in [
        *(("init container", one) for one in pod["spec"].get("initContainers", ())),
        *(("container", one) for one in pod["spec"]["containers"]),
    ]:
        resources = container.setdefault("resources", {})
        for part, key, word in (("requests", "defaultRequest", "request"), ("limits", "default", "limit")):
            given = entry.get(key) or {}
            missing = {name: value for name, value in given.items() if name not in (resources.get(part) or {})}
            if missing:
                resources[part] = {**(resources.get(part) or {}), **missing}
                told.append(f"{', '.join(sorted(missing))} {word} for {field} {container['name']}")
    if told:
        text = f"LimitRanger plugin set: {'; '.join(told)}"
        pod["metadata"]["annotations"] = {**(pod["metadata"].get("annotations") or {}), ANNOTATION: text}
    return pod


def _faults(entry: Json, resources: Json) -> list[str]:
    """Return what one container, or the sum of a pod's, asks beyond an entry."""
    kind, limits, requests = entry["type"], resources.get("limits") or {}, resources.get("requests") or {}
    faults = []
    for name, least in sorted((entry.get("min") or {}).items()):
        for word, values in (("request", requests), ("limit", limits)):
            if name in values and amount(values[name]) < amount(least):
                faults.append(f"minimum {name} usage per {kind} is {least}, but {word} is {values[name]}")
        if name not in requests:
            faults.append(f"minimum {name} usage per {kind} is {least}.  No request is specified")
    for name, most in sorted((entry.get("max") or {}).items()):
        for word, values in (("limit", limits), ("request", requests)):
            if name in values and amount(values[name]) > amount(most):
                faults.append(f"maximum {name} usage per {kind} is {most}, but {word} is {values[name]}")
                break
        if name not in limits:
            faults.append(f"maximum {name} usage per {kind} is {most}.  No limit is specified")
    return faults + _ratio_faults(entry, limits, requests)


def _ratio_faults(entry: Json, limits: Json, requests: Json) -> list[str]:
    faults = []
    for name, most in sorted((entry.get("maxLimitRequestRatio") or {}).items()):
        start = f"{name} max limit to request ratio per {entry['type']} is {most}, but "
        if name not in requests or not amount(requests[name]):
            faults.append(f"{start}no request is specified or request is 0")
        elif name not in limits:
            faults.append(f"{start}no limit is specified or limit is 0")
        elif (ratio := amount(limits[name]) / amount(requests[name])) > amount(most):
            faults.append(f"{start}provided ratio is {float(ratio):.6f}")
    return faults


def _sum(containers: list[Json]) -> Json:
    total: Json = {}
    for part in ("limits", "requests"):
        sums: dict[str, tuple[Fraction, bool]] = {}
        for container in containers:
            for name, text in ((container.get("resources") or {}).get(part) or {}).items():
                value, binary = sums.get(name, (Fraction(0), False))
                sums[name] = (value + amount(text), binary or is_binary(text))
        total[part] = {name: written(value, binary=binary) for name, (value, binary) in sums.items()}
    return total
