"""Pods of a StatefulSet that keep a broken revision although the set has been mended or rolled back.

Under the ordered policy the controller waits for an unready pod *before* it replaces it. So a pod that is broken by its
own template stays, however right the template is by now, until somebody deletes it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from bot.diagnosis.family import Case, Code, Family, Symptom
from bot.diagnosis.index import Index
from bot.diagnosis.stateful import REVISION_LABEL, ordinal, revision_of
from bot.diagnosis.steps import describe, evict
from bot.diagnosis.words import exit_code
from bot.domain.findings import Evidence, EvidenceKind, Finding
from bot.domain.objects import Container, Pod, Role, Terminated, Waiting, Workload
from bot.domain.text import Redacted, first_line

ORDERED_POD_STUCK = "ORDERED_POD_STUCK"
# A controller that does not wait replaces such a pod within a second or two.
PATIENCE = timedelta(seconds=30)


def observe(index: Index, pod: Pod) -> Iterable[Symptom]:
    workload = index.workload_of(pod)
    if workload is None or pod.is_ready or not _is_left_behind(workload, pod):
        return
    ready = pod.condition("Ready")
    since = (ready.changed_at if ready else None) or pod.meta.created_at
    if since is None or index.now - since < PATIENCE:
        return
    yield Symptom(code=ORDERED_POD_STUCK, pod=pod, container=_failing(pod), since=since)


def _is_left_behind(workload: Workload, pod: Pod) -> bool:
    if workload.kind != "StatefulSet" or workload.strategy == "OnDelete" or not workload.update_revision:
        return False
    if workload.observed_generation < workload.meta.generation or ordinal(pod) < workload.partition:
        return False
    return revision_of(pod) not in ("", workload.update_revision)


def _failing(pod: Pod) -> Container | None:
    """Return the first container that keeps the pod from being ready; None when it does not even have a node."""
    scheduled = pod.condition("PodScheduled")
    if scheduled is not None and scheduled.status == "False":
        return None
    return next((container for container in pod.containers if not _is_fine(container)), None)


def _is_fine(container: Container) -> bool:
    if container.role is Role.INIT:
        return isinstance(container.state, Terminated) and container.state.exit_code == 0
    return container.ready


def explain(case: Case) -> Finding:
    pod, workload = case.newest.pod, case.workload
    wanted = workload.update_revision if workload else ""
    container = case.container
    state, message = _state(container)
    summary = (
        f"{pod.meta.name} is broken and still made from {revision_of(pod)}, while {case.target.name} is at {wanted} by"
        " now. The set waits until the pod is ready before it replaces it, and so it never does: delete the pod, it is"
        " then made from the present template."
    )
    return Finding(
        code=ORDERED_POD_STUCK,
        severity=case.severity,
        target=case.target,
        title=f"{pod.meta.name} keeps a broken revision until it is deleted",
        summary=summary,
        evidence=(
            Evidence(
                EvidenceKind.STATE,
                f"{pod.meta.name}: {REVISION_LABEL} {revision_of(pod)}, the set's update revision {wanted}",
            ),
            Evidence(EvidenceKind.STATE, state, message, case.since),
        ),
        next=(
            evict(pod.meta.name, "lets the set make it anew; its volumes stay"),
            describe(case, "shows what is wrong with the pod as it is"),
        ),
        pods=case.pods,
        container=container.name if container else "",
        since=case.since,
    )


def _state(container: Container | None) -> tuple[str, tuple[Redacted, ...]]:
    if container is None:
        return "the pod is not ready", ()
    name, state = f"{container.role} {container.name}", container.state
    if isinstance(state, Waiting):
        return f"{name} waits: {state.reason}", (Redacted(first_line(state.message, 300)),) if state.message else ()
    if isinstance(state, Terminated):
        return f"{name} ended: {exit_code(state.exit_code, state.signal)}", ()
    return f"{name} is not ready", ()


FAMILY = Family(
    rank=5,
    codes=(
        Code(
            ORDERED_POD_STUCK,
            "A pod of a StatefulSet is broken by an older template; the set has a newer one, but waits for the pod.",
            "The pod is not ready and its label controller-revision-hash is not the set's update revision.",
            "Evict the pod. It is made anew from the present template; its volumes stay.",
            "18, 24",
        ),
    ),
    observe=observe,
    explain=explain,
)
