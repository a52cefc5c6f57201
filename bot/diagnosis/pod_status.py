"""The READY, STATUS and RESTARTS cells of `kubectl get pods`, computed as the API server's printer does it.

Source of the behaviour: `printPod` of Kubernetes 1.34 (pkg/printers/internalversion). The column hides things (a pod
that a readiness gate holds back reads `Running`), so nothing is diagnosed from it: it is for people who know it.
"""

from __future__ import annotations

from bot.domain.objects import Pod, Role, Running, Terminated, Waiting


def ready_cell(pod: Pod) -> str:
    """Return `1/2`: what is ready of what counts (regular containers and sidecars)."""
    counted = [container for container in pod.containers if container.role is not Role.INIT]
    return f"{sum(container.ready for container in counted)}/{len(counted)}"


def status_cell(pod: Pod) -> str:
    """Return the STATUS cell, such as `Running`, `CrashLoopBackOff` or `Init:1/2`."""
    reason = pod.reason or pod.phase
    scheduled = pod.condition("PodScheduled")
    if scheduled is not None and scheduled.reason == "SchedulingGated":
        reason = "SchedulingGated"
    initializing = _initializing(pod)
    initialized = pod.condition("Initialized")
    if initializing:
        reason = initializing
    if not initializing or (initialized is not None and initialized.status == "True"):
        reason = _regular(pod, reason)
    if pod.meta.deleted_at is not None:
        if pod.reason == "NodeLost":
            return "Unknown"
        if not pod.is_finished:
            return "Terminating"
    return reason


def restarts_cell(pod: Pod) -> int:
    """Return the RESTARTS cell: of init containers while initializing, later of sidecars and regular ones."""
    initialized = pod.condition("Initialized")
    if _initializing(pod) and not (initialized is not None and initialized.status == "True"):
        return sum(container.restart_count for container in pod.containers if container.role is not Role.REGULAR)
    return sum(container.restart_count for container in pod.containers if container.role is not Role.INIT)


def _initializing(pod: Pod) -> str:
    """Return `Init:…` for the first init container that is not done; a sidecar is done once it has started."""
    inits = [container for container in pod.containers if container.role is not Role.REGULAR]
    for number, container in enumerate(inits):
        state = container.state
        if state is None:
            continue
        if isinstance(state, Terminated) and state.exit_code == 0:
            continue
        if container.role is Role.SIDECAR and container.started:
            continue
        if isinstance(state, Terminated):
            return f"Init:{ended(state)}"
        if isinstance(state, Waiting) and state.reason and state.reason != "PodInitializing":
            return f"Init:{state.reason}"
        return f"Init:{number}/{len(inits)}"
    return ""


def _regular(pod: Pod, reason: str) -> str:
    running = False
    # The kubelet reports regular containers by name, and the printer goes through its list from the end.
    regular = sorted((c for c in pod.containers if c.role is Role.REGULAR), key=lambda c: c.name)
    for container in reversed(regular):
        state = container.state
        if isinstance(state, Waiting) and state.reason:
            reason = state.reason
        elif isinstance(state, Terminated):
            reason = ended(state)
        elif container.ready and isinstance(state, Running):
            running = True
    if reason == "Completed" and running:
        return "Running" if pod.is_ready else "NotReady"
    return reason


def ended(state: Terminated) -> str:
    """Return how a run ended, as the column says it."""
    return state.reason or (f"Signal:{state.signal}" if state.signal else f"ExitCode:{state.exit_code}")
