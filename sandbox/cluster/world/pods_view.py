"""Questions about a pod that several controllers ask."""

from __future__ import annotations

from sandbox.cluster.store import Json
from sandbox.cluster.world.clock import parse_stamp


def condition(obj: Json, kind: str) -> Json | None:
    """Return a condition of an object by its type."""
    for entry in obj.get("status", {}).get("conditions") or ():
        if entry["type"] == kind:
            found: Json = entry
            return found
    return None


def is_active(pod: Json) -> bool:
    """Tell whether a pod counts for its controller: neither ended nor about to be deleted."""
    return "deletionTimestamp" not in pod["metadata"] and pod["status"].get("phase") not in {"Succeeded", "Failed"}


def is_ready(pod: Json) -> bool:
    """Tell whether the pod's condition Ready is True."""
    ready = condition(pod, "Ready")
    return ready is not None and ready["status"] == "True"


def available_at(pod: Json, min_ready_seconds: int) -> float:
    """Return the time from which a pod counts as available; infinite while it is not ready."""
    ready = condition(pod, "Ready")
    if ready is None or ready["status"] != "True":
        return float("inf")
    return parse_stamp(ready["lastTransitionTime"]) + min_ready_seconds


def without_zeros(counts: dict[str, int]) -> Json:
    """Return counters as the API sends them: absent at zero."""
    return {name: count for name, count in counts.items() if count}


def with_condition(conditions: list[Json], new: Json, at: str, *, updates: bool = False) -> list[Json]:
    """Return conditions with one set: its transition time is kept while the status stays the same.

    ``updates`` is the way of the deployment controller, which keeps ``lastUpdateTime`` as well.
    """
    old = next((entry for entry in conditions if entry["type"] == new["type"]), None)
    changed = old is None or old["status"] != new["status"]
    stamped = {**new, "lastTransitionTime": at if changed or old is None else old["lastTransitionTime"]}
    if updates:
        stamped["lastUpdateTime"] = at
    return [*(entry for entry in conditions if entry["type"] != new["type"]), stamped]
