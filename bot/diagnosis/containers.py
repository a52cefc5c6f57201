"""How a container last ended, whether it crashes again and again, and which log holds the crash."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.diagnosis.index import Index
from bot.domain.objects import Container, Pod, Role, Running, Terminated, Waiting
from bot.domain.snapshot import LogKey

# A container that runs now but crashed this recently, more than once, is between two crashes.
BETWEEN_CRASHES = timedelta(minutes=10)
# How long a new pod may take to become ready before that is worth a word of its own.
START_PATIENCE = timedelta(seconds=60)


def last_end(container: Container) -> Terminated | None:
    """Return how the container's last run ended, wherever its status says so."""
    return container.state if isinstance(container.state, Terminated) else container.last_state


def crash_log(pod: Pod, container: Container) -> LogKey:
    """Return which log holds the last crash.

    A running container's crash is the *previous* log. While it waits or has just ended, the crash is the *current* one.
    """
    return LogKey(pod.meta.name, container.name, previous=isinstance(container.state, Running))


def is_looping(index: Index, pod: Pod, container: Container) -> bool:
    """Tell whether a container crashes repeatedly; seen while it waits, just after an end, or between two crashes."""
    state = container.state
    if isinstance(state, Waiting):
        return state.reason in ("CrashLoopBackOff", "RunContainerError", "PostStartHookError")
    if pod.is_finished:
        return False
    if isinstance(state, Terminated):
        if _is_of_a_job(pod) and pod.restart_policy == "Never":
            return False  # it is not started again; the pod is Failed in a moment, and the job's finding tells
        return state.exit_code != 0 or (
            container.restart_count > 0 and pod.phase == "Running" and not _may_end(pod, container)
        )
    end = container.last_state
    if end is None or end.finished_at is None or container.restart_count < 2:
        return False
    return index.now - end.finished_at < BETWEEN_CRASHES


def _may_end(pod: Pod, container: Container) -> bool:
    """Tell whether a container is meant to end well: one that prepares the pod, or does a job's work."""
    return container.role is Role.INIT or _is_of_a_job(pod) or pod.restart_policy != "Always"


def _is_of_a_job(pod: Pod) -> bool:
    return pod.meta.owner is not None and pod.meta.owner.kind == "Job"


def is_young(index: Index, pod: Pod) -> bool:
    """Tell whether a pod was created so recently that not being ready is no news."""
    return pod.meta.created_at is not None and index.now - pod.meta.created_at < START_PATIENCE


_TROUBLE = ("BackOff", "Unhealthy", "Killing", "Failed")
# A pod this young that is in trouble has been so for all of its life, near enough.
YOUNG = timedelta(hours=1)


def onset(index: Index, pod: Pod, container: Container) -> datetime | None:
    """Return when the trouble of a container began, as far as can be told; None when it cannot.

    The status keeps only the last end, so the first event of the kind tells, while events live (an hour after their
    last update). A young pod's trouble began with it.
    """
    created = pod.meta.created_at
    if created is not None and index.now - created < YOUNG:
        return created
    events = index.events(pod.meta.uid, *_TROUBLE, container=container.name)
    seen = [event.first_at for event in events if event.first_at is not None]
    end = last_end(container)
    if container.restart_count <= 1 and end is not None and end.finished_at is not None:
        seen.append(end.finished_at)
    return min(seen, default=None)
