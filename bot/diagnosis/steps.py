"""Next steps that several families offer: our own verbs where they fit, else a command to run by hand."""

from __future__ import annotations

from bot.diagnosis.family import Case
from bot.diagnosis.replica_sets import working_replica_set
from bot.domain.findings import NextStep, StepKind
from bot.domain.objects import Container, Pod, Role, Running
from bot.domain.targets import ObjectRef

_RESOURCES = {"Deployment": "deployment", "StatefulSet": "statefulset", "DaemonSet": "daemonset"}


def command(text: str, reason: str, label: str = "") -> NextStep:
    """Offer one of our verbs."""
    return NextStep(StepKind.COMMAND, text, reason, label)


def by_hand(text: str, reason: str) -> NextStep:
    """Offer a command, or an advice, for the reader to carry out."""
    return NextStep(StepKind.MANUAL, text, reason)


def logs(case: Case, reason: str, *, previous: bool | None = None) -> NextStep:
    """Offer the log of the case's container; that of the run before while the next one is on.

    What belongs to no workload is asked for by hand.
    """
    container, pod = case.container, case.newest.pod.meta
    name = container.name if container else ""
    if previous is None:
        previous = container is not None and isinstance(container.state, Running)
    before = " --previous" if previous else ""
    if case.workload is None:
        chosen = f" -c {name}" if name else ""
        return by_hand(f"kubectl -n {pod.namespace} logs {pod.name}{chosen}{before} --tail=100", reason)
    chosen = f" --container {name}" if name and _is_one_of_several(case) else ""
    return command(f"logs {case.target.name}{before}{chosen}", reason, "Logs")


def _is_one_of_several(case: Case) -> bool:
    return len(case.newest.pod.containers) > 1


def describe(case: Case, reason: str) -> NextStep:
    """Offer what the cluster says of the case's workload, or of its pod where it has none."""
    if case.workload is not None:
        return command(f"describe {case.target.name}", reason)
    pod = case.newest.pod.meta
    return by_hand(f"kubectl -n {pod.namespace} describe pod {pod.name}", reason)


def release(case: Case) -> tuple[NextStep, ...]:
    """Offer the way back and the comparison, where another revision of the same Deployment works."""
    workload, revision = case.workload, case.revision
    if workload is None or revision is None or workload.kind != "Deployment":
        return ()
    working = working_replica_set(case.index, workload, other_than=revision)
    if working is None or working.revision is None:
        return ()
    name = workload.meta.name
    compare = f"compare {name} {working.revision} {revision}"
    return (
        roll_back(name),
        command(compare, "shows what the release changed", f"Compare {working.revision} → {revision}"),
    )


# --- changes ----------------------------------------------------------------------------------------------------------


def roll_back(name: str) -> NextStep:
    """Offer the way back of a Deployment."""
    return command(f"rollback {name}", "goes back to the revision that works", "Roll back…")


def restart(name: str, reason: str) -> NextStep:
    """Offer to replace a workload's pods by the same ones."""
    return command(f"restart {name}", reason, "Restart…")


def evict(pod: str, reason: str) -> NextStep:
    """Offer to let one pod end, which its controller makes anew."""
    return command(f"evict {pod}", reason, "Evict…")


def scale(words: str, reason: str) -> NextStep:
    """Offer another number of pods, or other bounds of an autoscaler (`api --max 8`)."""
    return command(f"scale {words}", reason, "Scale…")


def set_memory(target: ObjectRef, pod: Pod, container: Container, reason: str) -> NextStep:
    """Offer twice the memory limit of a workload's container; without a limit the amount is the reader's to choose."""
    if target.kind in _RESOURCES and container.memory_limit:
        amount = _mebibytes(2 * container.memory_limit)
        return command(f"set memory {target.name} {amount}{_chosen(pod, container)}", reason, "Set memory…")
    return _resources_by_hand(target, container, "limits=memory", reason)


def set_cpu(target: ObjectRef, pod: Pod, container: Container, *, request_m: int = 0, reason: str) -> NextStep:
    """Offer twice the CPU limit of a workload's container; or, where it has none, to ask for `request_m` millicores."""
    if target.kind not in _RESOURCES or not (container.cpu_limit_m or request_m):
        return _resources_by_hand(target, container, "requests=cpu" if request_m else "limits=cpu", reason)
    limit = _cores(2 * container.cpu_limit_m) if container.cpu_limit_m else "none"
    request = f" --request {_cores(request_m)}" if request_m else ""
    return command(f"set cpu {target.name} {limit}{request}{_chosen(pod, container)}", reason, "Set CPU…")


def _resources_by_hand(target: ObjectRef, container: Container, what: str, reason: str) -> NextStep:
    if target.kind not in _RESOURCES:
        kind = target.kind.lower()
        return by_hand(f"raise {what} of container {container.name} where {kind} {target.name} is made", reason)
    name = f"{_RESOURCES[target.kind]}/{target.name}"
    return by_hand(f"kubectl -n {target.namespace} set resources {name} -c {container.name} --{what}=…", reason)


def _chosen(pod: Pod, container: Container) -> str:
    return f" --container {container.name}" if len(pod.containers) > 1 else ""


def _mebibytes(size: int) -> str:
    """Write bytes as a quantity, rounded up to whole mebibytes."""
    mebibytes = -(-size // (1 << 20))
    return f"{mebibytes // 1024}Gi" if mebibytes % 1024 == 0 else f"{mebibytes}Mi"


def _cores(millicores: int) -> str:
    return f"{millicores}m" if millicores % 1000 else str(millicores // 1000)


def waiting_for(case: Case) -> str:
    """Say who waits for the case's container: a pod waits for its init containers, and for sidecars to start."""
    container, pod = case.container, case.newest.pod
    if container is None or container.role is Role.REGULAR:
        return ""
    others = [each for each in pod.containers if each.role is Role.REGULAR]
    if any(isinstance(each.state, Running) for each in others):
        return " The pod's other containers run meanwhile." if container.role is Role.SIDECAR else ""
    named = " and ".join(each.name for each in others[:2]) or "the pod"
    until = "runs" if container.role is Role.SIDECAR else "is done"
    return f" {named[:1].upper()}{named[1:]} cannot start before it {until}."
