"""Quotas: what an object would use, what its namespace uses, and the words of the refusal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from fractions import Fraction

from sandbox.cluster.admission.denied import forbidden
from sandbox.cluster.schema.quantities import amount, written
from sandbox.cluster.store import Json, ObjectStore

_COUNTED = {
    "configmaps",
    "persistentvolumeclaims",
    "pods",
    "replicationcontrollers",
    "resourcequotas",
    "secrets",
    "services",
}
_COMPUTE = ("cpu", "memory", "ephemeral-storage")
_BINARY = ("memory", "storage")
_GROUPS = {
    "cronjobs": "batch",
    "daemonsets": "apps",
    "deployments": "apps",
    "horizontalpodautoscalers": "autoscaling",
    "jobs": "batch",
    "replicasets": "apps",
    "statefulsets": "apps",
}


def quota_fault(store: ObjectStore, resource: str, obj: Json) -> str:
    """Return why the quotas of its namespace refuse a new object, in the server's words; empty if they do not."""
    namespace = obj["metadata"].get("namespace", "")
    for quota in store.list("resourcequotas", namespace):
        hard: Json = quota["spec"].get("hard") or {}
        asked = {name: value for name, value in usage_of(resource, obj).items() if name in hard}
        name = quota["metadata"]["name"]
        if resource == "pods" and (missing := _unspecified(hard, obj["spec"])):
            return f"failed quota: {name}: must specify {missing}"
        if not asked:
            continue
        used = used_in(store, namespace, asked.keys())
        over = sorted(key for key in asked if asked[key] and used[key] + asked[key] > amount(hard[key]))
        if over:
            shown = [
                ",".join(f"{key}={text}" for key, text in values)
                for values in (
                    [(key, _written(key, asked[key])) for key in over],
                    [(key, _written(key, used[key])) for key in over],
                    [(key, hard[key]) for key in over],
                )
            ]
            return f"exceeded quota: {name}, requested: {shown[0]}, used: {shown[1]}, limited: {shown[2]}"
    return ""


def check_quota(store: ObjectStore, resource: str, qualified: str, obj: Json) -> None:
    """Refuse an object that the quotas of its namespace do not allow. Raises Denied."""
    text = quota_fault(store, resource, obj)
    if text:
        raise forbidden(qualified, obj["metadata"].get("name", ""), text)


def quota_status(store: ObjectStore, quota: Json) -> Json:
    """Return the status of a quota: what it allows and what is used of it."""
    hard: Json = quota["spec"].get("hard") or {}
    used = used_in(store, quota["metadata"]["namespace"], hard.keys())
    return {"hard": hard, "used": {name: _written(name, used[name]) for name in hard}}


def used_in(store: ObjectStore, namespace: str, names: Iterable[str]) -> dict[str, Fraction]:
    """Return what the objects of a namespace use of the named resources."""
    wanted = set(names)
    used: dict[str, Fraction] = defaultdict(Fraction)
    for resource in _resources_of(wanted):
        for obj in store.list(resource, namespace):
            if resource == "pods" and (obj.get("status") or {}).get("phase") in {"Succeeded", "Failed"}:
                continue
            for name, value in usage_of(resource, obj).items():
                used[name] += value
    return used


def usage_of(resource: str, obj: Json) -> dict[str, Fraction]:
    """Return what one object uses, by the names that quotas have for it."""
    group = _GROUPS.get(resource, "")
    used = {f"count/{resource}.{group}" if group else f"count/{resource}": Fraction(1)}
    if resource in _COUNTED:
        used[resource] = Fraction(1)
    if resource == "pods":
        used |= _pod_usage(obj["spec"])
    if resource == "persistentvolumeclaims":
        asked = ((obj["spec"].get("resources") or {}).get("requests") or {}).get("storage", "0")
        used["requests.storage"] = amount(asked)
    return used


def _pod_usage(spec: Json) -> dict[str, Fraction]:
    used: dict[str, Fraction] = {}
    for name in _COMPUTE:
        for part in ("requests", "limits"):
            running = sum((_asked(one, part, name) for one in spec["containers"]), Fraction(0))
            initial = max((_asked(one, part, name) for one in spec.get("initContainers") or ()), default=Fraction(0))
            used[f"{part}.{name}"] = max(running, initial)
        used[name] = used[f"requests.{name}"]
    return used


def _asked(container: Json, part: str, name: str) -> Fraction:
    return amount(((container.get("resources") or {}).get(part) or {}).get(name, "0"))


def _unspecified(hard: Json, spec: Json) -> str:
    """Return which containers leave out what a quota is about."""
    missing: dict[str, list[str]] = {}
    for name in sorted(hard):
        part, _, short = name.rpartition(".")
        if short not in _COMPUTE or part not in {"", "requests", "limits"}:
            continue
        for container in [*(spec.get("initContainers") or ()), *spec["containers"]]:
            if short not in ((container.get("resources") or {}).get(part or "requests") or {}):
                missing.setdefault(name, []).append(container["name"])
    return "; ".join(f"{name} for: {','.join(sorted(containers))}" for name, containers in missing.items())


def _resources_of(names: set[str]) -> list[str]:
    resources: dict[str, None] = {}
    for name in sorted(names):
        if name.startswith("count/"):
            resources[name.removeprefix("count/").split(".", maxsplit=1)[0]] = None
        elif name in _COUNTED:
            resources[name] = None
        elif name == "requests.storage":
            resources["persistentvolumeclaims"] = None
        elif name.rpartition(".")[2] in _COMPUTE:
            resources["pods"] = None
    return list(resources)


def _written(name: str, value: Fraction) -> str:
    return written(value, binary=name.rpartition(".")[2] in _BINARY)
