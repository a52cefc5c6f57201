"""The condition Progressing of a Deployment, decided from its counters as the deployment controller does."""

from __future__ import annotations

from sandbox.cluster.store import Json
from sandbox.cluster.world.clock import parse_stamp, stamp
from sandbox.cluster.world.pods_view import condition, with_condition


def progressing_condition(
    deployment: Json, counts: dict[str, int], new_name: str, now: float, *, created: bool
) -> Json | None:
    """Return the condition to set, or None to leave it as it is."""
    current = condition(deployment, "Progressing")
    if deployment["spec"].get("paused"):
        if current is not None and current["reason"] == "DeploymentPaused":
            return None
        return _progressing("Unknown", "DeploymentPaused", "Deployment is paused")
    if created:
        return _progressing("True", "NewReplicaSetCreated", f'Created new replica set "{new_name}"')
    if current is None or current["reason"] == "DeploymentPaused":
        reason = "DeploymentResumed" if current else "FoundNewReplicaSet"
        message = "Deployment is resumed" if current else f'Found new replica set "{new_name}"'
        return _progressing("True", reason, message)
    return _advanced(deployment, current, counts, new_name, now)


def _advanced(deployment: Json, current: Json, counts: dict[str, int], new_name: str, now: float) -> Json | None:
    """Return the condition that follows from how the counters moved."""
    subject = f'ReplicaSet "{new_name}"' if new_name else f'Deployment "{deployment["metadata"]["name"]}"'
    done = current["reason"] == "NewReplicaSetAvailable"
    if done and counts["replicas"] == counts["updatedReplicas"]:
        return None  # a finished rollout stays finished, whatever becomes of its pods
    if is_complete(deployment, counts):
        message = f"{subject} has successfully progressed."
        return _progressing("True", "NewReplicaSetAvailable", message)
    if _moved(deployment.get("status", {}), counts):
        return _progressing("True", "ReplicaSetUpdated", f"{subject} is progressing.")
    overdue = now > parse_stamp(current["lastUpdateTime"]) + deployment["spec"]["progressDeadlineSeconds"]
    if overdue and not done and current["reason"] != "ProgressDeadlineExceeded":
        message = f"{subject} has timed out progressing."
        return _progressing("False", "ProgressDeadlineExceeded", message)
    return None


def is_complete(deployment: Json, counts: dict[str, int]) -> bool:
    """Tell whether every wanted pod is of the new template and available, and no other is left."""
    wanted: int = deployment["spec"]["replicas"]
    return counts["updatedReplicas"] == counts["replicas"] == counts["availableReplicas"] == wanted


def set_deployment_condition(conditions: list[Json], new: Json, now: float, *, force: bool = False) -> list[Json]:
    """Set a condition; an equal one is left alone unless its update time shall move."""
    old = next((entry for entry in conditions if entry["type"] == new["type"]), None)
    if old is not None and not force and (old["status"], old["reason"]) == (new["status"], new["reason"]):
        return conditions
    return with_condition(conditions, new, stamp(now), updates=True)


def _moved(before: Json, counts: dict[str, int]) -> bool:
    old_pods: int = before.get("replicas", 0) - before.get("updatedReplicas", 0)
    risen = any(
        counts[field] > before.get(field, 0) for field in ("updatedReplicas", "readyReplicas", "availableReplicas")
    )
    return risen or counts["replicas"] - counts["updatedReplicas"] < old_pods


def _progressing(status: str, reason: str, message: str) -> Json:
    return {"type": "Progressing", "status": status, "reason": reason, "message": message}


def with_failure(conditions: list[Json], replica_sets: list[Json], now: float) -> list[Json]:
    """Return conditions that say why pods cannot be created, as the first of the ReplicaSets that has it says it."""
    for replica_set in replica_sets:
        found = condition(replica_set, "ReplicaFailure")
        if found is not None:
            copied = {name: found[name] for name in ("type", "status", "reason", "message")}
            return set_deployment_condition(conditions, copied, now)
    return [entry for entry in conditions if entry["type"] != "ReplicaFailure"]
