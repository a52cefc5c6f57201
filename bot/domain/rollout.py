"""How far a roll-out is, judged from the object alone as `kubectl rollout status` does, and a little more. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.live import Json, metadata_of
from bot.domain.steps.base import spec_of
from bot.domain.text import count

_ON_DELETE = "OnDelete"
# The clock of the cluster that sets conditions is not the one that told when the change was written.
_SKEW = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """How far a change has got: at least `ready` new pods serve, of `wanted`.

    `failed` says for people why it will not end well, empty while it may; `said` is the cluster's own text about that,
    which nobody may see before it was redacted. `note` says what is waited for, or what is special about the end.
    """

    done: bool
    failed: str = ""
    said: str = ""
    ready: int = 0
    wanted: int = 0
    note: str = ""


def rollout_of(kind: str, of: Json, *, generation: int, since: datetime | None = None) -> Rollout:
    """Judge the roll-out of an object. Kinds that have none (a pod, an autoscaler) are done at once.

    `generation` is the object's after our write: a status that does not know it is not looked at. `since` is when that
    was: what went wrong before it is the fault of the pods before.
    """
    judge = {"Deployment": _deployment, "StatefulSet": _stateful_set, "DaemonSet": _daemon_set}.get(kind)
    if judge is None:
        return Rollout(done=True)
    meta, status = metadata_of(of), _status(of)
    if meta.get("deletionTimestamp"):
        return Rollout(done=False, failed="it is being deleted")
    if int(status.get("observedGeneration", 0)) < max(generation, int(meta.get("generation", 0)), 1):
        return Rollout(done=False, note="the cluster has not looked at the change yet")
    return judge(spec_of(of), status, since)


# The tests below stand in kubectl's order (pkg/polymorphichelpers/rollout_status.go); a figure that is absent is 0.


def _deployment(spec: Json, status: Json, since: datetime | None) -> Rollout:
    wanted = int(spec.get("replicas", 1))
    total, updated, available = (_number(status, name) for name in ("replicas", "updatedReplicas", "availableReplicas"))
    ready = _new_and_ready(updated, available, old=total - updated)
    late = _condition(status, "Progressing", "False", since)
    if late is not None and late.get("reason") == "ProgressDeadlineExceeded":
        failed = "its new pods were not ready within the time that it allows them"
        return Rollout(done=False, failed=failed, said=_message(late), ready=ready, wanted=wanted)
    if updated < wanted:
        note = f"{updated} of {count(wanted, 'new pod')} made"
    elif total > updated:
        note = f"{count(total - updated, 'old pod')} still to end"
    elif updated > wanted:
        note = f"{count(updated - wanted, 'pod')} still to end"  # kubectl does not ask: it follows no scaling
    elif available < updated:
        note = f"{available} of {count(updated, 'new pod')} ready"
    else:
        return Rollout(done=True, ready=ready, wanted=wanted)
    if spec.get("paused") and updated < total:
        # Its number of pods is still followed while it is paused; a new template is not.
        failed = "it is paused, so its pods are not replaced until somebody resumes it"
        return Rollout(done=False, failed=failed, ready=ready, wanted=wanted)
    refused = _condition(status, "ReplicaFailure", "True", since)
    if refused is not None:
        failed = "its new pods are refused"
        return Rollout(done=False, failed=failed, said=_message(refused), ready=ready, wanted=wanted)
    return Rollout(done=False, ready=ready, wanted=wanted, note=note)


def _daemon_set(spec: Json, status: Json, _since: datetime | None) -> Rollout:
    wanted, updated, available = (
        _number(status, name) for name in ("desiredNumberScheduled", "updatedNumberScheduled", "numberAvailable")
    )
    if _on_delete(spec):
        return _untouched(wanted)
    ready = _new_and_ready(updated, available, old=wanted - updated)
    if updated < wanted:
        note = f"{updated} of {count(wanted, 'new pod')} made"
        return Rollout(done=False, ready=ready, wanted=wanted, note=note)
    if available < wanted:
        note = f"{available} of {count(wanted, 'new pod')} ready"
        return Rollout(done=False, ready=ready, wanted=wanted, note=note)
    return Rollout(done=True, ready=ready, wanted=wanted)


def _stateful_set(spec: Json, status: Json, _since: datetime | None) -> Rollout:
    replicas = int(spec.get("replicas", 1))
    if _on_delete(spec):
        return _untouched(replicas)
    total, updated, available = (_number(status, name) for name in ("replicas", "updatedReplicas", "readyReplicas"))
    stanza = (spec.get("updateStrategy") or {}).get("rollingUpdate")
    held = min(int((stanza or {}).get("partition") or 0), replicas)
    wanted = replicas - held
    ready = min(_new_and_ready(updated, available, old=total - updated), wanted)
    if available < replicas:
        note = f"{available} of {count(replicas, 'pod')} ready"
    elif stanza is not None and updated < wanted:
        note = f"{updated} of {count(wanted, 'new pod')} made"
    elif stanza is None and status.get("updateRevision") != status.get("currentRevision"):
        note = f"{count(updated, 'new pod')} made"
    elif total > replicas:
        note = f"{count(total - replicas, 'pod')} still to end"  # as above
    else:
        note = f"its partition leaves {count(held, 'pod')} as they were" if held else ""
        return Rollout(done=True, ready=ready, wanted=wanted, note=note)
    return Rollout(done=False, ready=ready, wanted=wanted, note=note)


def _untouched(wanted: int) -> Rollout:
    note = "its update strategy is OnDelete: each pod stays as it is until it is deleted"
    return Rollout(done=True, wanted=wanted, note=note)


def _on_delete(spec: Json) -> bool:
    return (spec.get("updateStrategy") or {}).get("type") == _ON_DELETE


def _new_and_ready(updated: int, available: int, *, old: int) -> int:
    """Return how many new pods serve at the least: the status does not tell which of the available ones are new."""
    return max(0, min(updated, available - max(old, 0)))


def _condition(status: Json, kind: str, said: str, since: datetime | None) -> Json | None:
    """Return a condition of this type and status, unless it was like that before our write."""
    for condition in status.get("conditions") or ():
        if (condition.get("type"), condition.get("status")) == (kind, said):
            began = condition.get("lastUpdateTime") or condition.get("lastTransitionTime")
            old = since is not None and began and datetime.fromisoformat(str(began)) < since - _SKEW
            return None if old else condition
    return None


def _status(of: Json) -> Json:
    found: Json = of.get("status") or {}
    return found


def _number(status: Json, name: str) -> int:
    return int(status.get(name) or 0)


def _message(condition: Json) -> str:
    return str(condition.get("message", ""))
