"""Next steps that several families offer: our own verbs where they fit, else a command to run by hand."""

from __future__ import annotations

from bot.diagnosis.family import Case
from bot.domain.findings import NextStep, StepKind
from bot.domain.objects import Role, Running

_RESOURCES = {"Deployment": "deployment", "StatefulSet": "statefulset", "DaemonSet": "daemonset"}


def command(text: str, reason: str, label: str = "") -> NextStep:
    """Offer one of our verbs."""
    return NextStep(StepKind.COMMAND, text, reason, label)


def by_hand(text: str, reason: str) -> NextStep:
    """Offer a command, or an advice, for the reader to carry out."""
    return NextStep(StepKind.MANUAL, text, reason)


def kubectl_name(case: Case) -> str:
    """Return the case's object as kubectl names it: `deployment/api`."""
    target = case.target
    return f"{_RESOURCES.get(target.kind, target.kind.lower())}/{target.name}"


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
    working = case.index.working_replica_set(workload, other_than=revision)
    if working is None or working.revision is None:
        return ()
    meta = workload.meta
    undo = f"kubectl -n {meta.namespace} rollout undo deployment/{meta.name} --to-revision={working.revision}"
    compare = f"compare {meta.name} {working.revision} {revision}"
    return (
        by_hand(undo, "goes back to the revision that works"),
        command(compare, "shows what the release changed", f"Compare {working.revision} → {revision}"),
    )


def set_resources(case: Case, what: str, reason: str) -> NextStep:
    """Offer the command that changes a limit or request; the amount is the reader's to choose."""
    container, target = case.container, case.target
    name = container.name if container else ""
    if case.workload is None:
        return by_hand(f"raise {what} of container {name} where {target.kind.lower()} {target.name} is made", reason)
    return by_hand(f"kubectl -n {target.namespace} set resources {kubectl_name(case)} -c {name} --{what}=…", reason)


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
