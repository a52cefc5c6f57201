"""Services that lead nowhere: a selector or a port that fits no pod, and pods that take no traffic.

A service without a selector, and one that is only a name for something outside, is somebody else's affair.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.diagnosis.backends import Backend, backend, is_starting
from bot.diagnosis.causes.service_ports import PORT_CODES, port_finding
from bot.diagnosis.family import Code, Survey
from bot.diagnosis.index import Index
from bot.diagnosis.near import Near, nearest
from bot.domain.findings import Evidence, EvidenceKind, Finding, NextStep, Severity, StepKind
from bot.domain.objects import Pod
from bot.domain.snapshot import Part
from bot.domain.targets import ObjectRef
from bot.domain.text import Redacted, count

SERVICE_SELECTS_NOTHING = "SERVICE_SELECTS_NOTHING"
SERVICE_WITHOUT_ENDPOINTS = "SERVICE_WITHOUT_ENDPOINTS"
SERVICE_PARTLY_READY = "SERVICE_PARTLY_READY"


def look(index: Index) -> Iterable[Finding]:
    for service in index.snapshot.services:
        found = backend(index, service)
        if found is None or found.is_off or found.is_done:
            continue
        if not found.pods and not found.workloads:
            yield _selects_nothing(index, found)
            continue
        port = port_finding(index, found)
        if port is not None:
            yield port
        if not index.snapshot.has(Part.ENDPOINT_SLICES):
            continue
        ready = found.ready
        if ready == 0:
            yield _without_endpoints(index, found)
        elif ready < len(found.endpoints) and ready < found.wanted and not is_starting(index, found):
            yield _partly_ready(index, found)


def is_in_use(index: Index, found: Backend) -> bool:
    """Tell whether somebody outside is known to come through this service: an ingress leads to it."""
    name = found.service.meta.name
    return any(route.service == name for ingress in index.snapshot.ingresses for route in ingress.routes)


def _selects_nothing(index: Index, found: Backend) -> Finding:
    asked = ", ".join(f"{key}={value}" for key, value in sorted(found.service.selector.items()))
    near = nearest(index, found.service.selector)
    fits = f" {_near_in_words(near)}" if near else ""
    evidence = [Evidence(EvidenceKind.STATE, f"selector: {asked}")]
    if near:
        evidence.append(Evidence(EvidenceKind.STATE, f"labels of {near.owner}: {near.labels}"))
    return Finding(
        code=SERVICE_SELECTS_NOTHING,
        severity=Severity.CRITICAL if is_in_use(index, found) else Severity.WARNING,
        target=found.ref,
        title="selects no pod",
        summary=f"Service {found.service.meta.name} asks for pods with {asked}, and there is none.{fits}",
        evidence=tuple(evidence),
        next=(
            NextStep(
                StepKind.MANUAL,
                f"kubectl -n {found.ref.namespace} get pods --show-labels",
                "shows the labels there are; mend the selector or the labels",
            ),
        ),
    )


def _near_in_words(near: Near) -> str:
    if near.key != near.found_key:
        return f"The pods of {near.owner} carry {near.found_key}={near.found} instead of {near.key}={near.asked}."
    return f"The pods of {near.owner} fit but for one label: {near.key} is {near.found}, not {near.asked}."


def _without_endpoints(index: Index, found: Backend) -> Finding:
    name = found.service.meta.name
    owners = _owners(index, found.pods) or tuple(index.ref(workload) for workload in found.workloads)
    ready = [pod for pod in found.pods if pod.is_ready]
    if not found.pods:
        reason = f"{_named(owners)} should have pods and has none"
    elif ready:
        reason = f"{count(len(ready), 'pod')} of {_named(owners)} say they are ready, yet no address is published"
    else:
        reason = f"none of the {count(len(found.pods), 'pod')} of {_named(owners)} is ready"
    return Finding(
        code=SERVICE_WITHOUT_ENDPOINTS,
        severity=Severity.INFO if is_starting(index, found) else Severity.CRITICAL,
        target=found.ref,
        title="has no ready endpoint",
        summary=f"Nobody answers behind service {name}: {reason}.",
        evidence=(Evidence(EvidenceKind.STATE, f"0 of {count(len(found.endpoints), 'endpoint')} ready"),),
        next=(*_status_of(owners), _slices_of(found)),
        pods=tuple(pod.meta.name for pod in found.pods if not pod.is_ready),
        because=owners,
    )


def _partly_ready(index: Index, found: Backend) -> Finding:
    unready = [pod for pod in found.pods if not pod.is_ready]
    owners = _owners(index, unready)
    return Finding(
        code=SERVICE_PARTLY_READY,
        severity=Severity.WARNING,
        target=found.ref,
        title="serves with fewer endpoints than it should",
        summary=(
            f"{found.ready} of {count(found.wanted, 'wanted endpoint')} of service {found.service.meta.name} take"
            " traffic; the others' pods are not ready."
        ),
        evidence=(
            Evidence(
                EvidenceKind.STATE,
                f"{found.ready} of {count(len(found.endpoints), 'endpoint')} ready; not ready:",
                tuple(Redacted(pod.meta.name) for pod in unready[:5]),
            ),
        ),
        next=(*_status_of(owners), _slices_of(found)),
        pods=tuple(pod.meta.name for pod in unready),
        because=owners,
    )


def _owners(index: Index, pods: Sequence[Pod]) -> tuple[ObjectRef, ...]:
    """Return whose fault it is when these pods take no traffic, the pods themselves where nobody owns them."""
    return tuple(dict.fromkeys(index.target_of(pod) for pod in pods))


def _named(owners: Sequence[ObjectRef]) -> str:
    return " and ".join(owner.name for owner in owners[:3])


def _status_of(owners: Sequence[ObjectRef]) -> tuple[NextStep, ...]:
    return tuple(
        NextStep(StepKind.COMMAND, f"status {owner.name}", "says what is wrong with its pods", f"Status {owner.name}")
        for owner in owners[:1]
        if owner.kind != "Pod"
    )


def _slices_of(found: Backend) -> NextStep:
    name = found.service.meta.name
    return NextStep(
        StepKind.MANUAL,
        f"kubectl -n {found.ref.namespace} get endpointslices -l kubernetes.io/service-name={name} -o wide",
        "shows its addresses",
    )


SURVEY = Survey(
    codes=(
        Code(
            SERVICE_SELECTS_NOTHING,
            "A service's selector fits no pod and no workload's template, so whoever calls it is refused.",
            "No pod carries all the labels of the selector, and no workload would make one that does.",
            "Mend the selector, or the labels of the pods; the finding names the label that nearly fits.",
            "365-371",
        ),
        Code(
            SERVICE_WITHOUT_ENDPOINTS,
            "A service has pods, but none that takes traffic.",
            "Its endpoint slices hold no address that is ready. Workloads scaled to nothing are no fault.",
            "Mend the workload behind it: the finding is told below the one that names its cause.",
            "362-363",
        ),
        Code(
            SERVICE_PARTLY_READY,
            "A service has fewer ready addresses than its workloads want.",
            "Some of its endpoints are not ready, and those that are ready are fewer than the pods wanted.",
            "Mend the pods that are not ready; what is left carries their load meanwhile.",
            "362-363",
        ),
        *PORT_CODES,
    ),
    look=look,
)
