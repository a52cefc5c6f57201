"""Ports of services that no container of the selected pods has.

Only a named target port must exist. A number need not be declared by any container: what listens is up to the program,
so an undeclared number is told as a hint, and only where all that the pods declare and probe is something else.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.diagnosis.backends import Backend
from bot.diagnosis.family import Code
from bot.diagnosis.index import Index
from bot.domain.findings import Evidence, EvidenceKind, Finding, NextStep, Severity, StepKind
from bot.domain.objects import Container, Pod, Role, ServicePort
from bot.domain.text import suggest

SERVICE_PORT_UNKNOWN = "SERVICE_PORT_UNKNOWN"
SERVICE_PORT_UNDECLARED = "SERVICE_PORT_UNDECLARED"

PORT_CODES = (
    Code(
        SERVICE_PORT_UNKNOWN,
        "A service sends to a port by a name that no container of its pods declares, so it sends nowhere.",
        "The target port is a name, and no container of the selected pods has a port of that name and protocol.",
        "Give the container's port that name, or let the service name one that exists (or a number).",
        "362-371",
    ),
    Code(
        SERVICE_PORT_UNDECLARED,
        "A service sends to port numbers that its pods do not mention anywhere, while they declare others.",
        "None of its target ports is declared or probed by a container. This is a hint: a port need not be declared.",
        "Compare the target port with the port that the program listens on.",
        "362-371",
    ),
)


def port_finding(index: Index, found: Backend) -> Finding | None:
    """Return what is wrong with a service's ports, or None. One finding names all of them."""
    ports = found.service.ports
    if all(_is_at_hand(port, found.pods) for port in ports):
        return None
    containers = [container for pod in found.pods for container in pod.containers if container.role is not Role.INIT]
    if not containers:
        return None
    unknown = [port for port in ports if _is_name(port) and not _declares(containers, port)]
    if unknown:
        return _unknown(index, found, unknown, containers)
    if all(_is_undeclared(port, containers) for port in ports):
        return _undeclared(found, containers)
    return None


def _is_at_hand(port: ServicePort, pods: Sequence[Pod]) -> bool:
    """Tell whether a pod declares what a service sends to: of thousands that are alike the first does."""
    named, number = _is_name(port), port.target or str(port.port)
    for pod in pods:
        for container in pod.containers:
            if container.role is Role.INIT:
                continue
            for each in container.ports:
                if (each.name == number and each.protocol == port.protocol) if named else str(each.number) == number:
                    return True
    return False


def _is_name(port: ServicePort) -> bool:
    return bool(port.target) and not port.target.isdecimal()


def _declares(containers: list[Container], port: ServicePort) -> bool:
    return any(
        declared.name == port.target and declared.protocol == port.protocol
        for container in containers
        for declared in container.ports
    )


def _is_undeclared(port: ServicePort, containers: list[Container]) -> bool:
    """Tell whether a number is mentioned nowhere although the pods do mention ports."""
    number = port.target or str(port.port)
    if not number.isdecimal():
        return False
    declared = {str(each.number) for container in containers for each in container.ports}
    if number in declared:
        return False
    probed = {probe.port for c in containers for probe in (c.readiness, c.liveness, c.startup) if probe}
    return bool(declared) and number not in probed


def _declared_in_words(containers: list[Container]) -> str:
    words = {
        f"{declared.name} ({declared.number})" if declared.name else str(declared.number)
        for container in containers
        for declared in container.ports
    }
    return ", ".join(sorted(words)) or "no port"


def _unknown(index: Index, found: Backend, unknown: list[ServicePort], containers: list[Container]) -> Finding:
    declared = _declared_in_words(containers)
    names = ", ".join(sorted({port.target for port in unknown}))
    near = suggest(unknown[0].target, {p.name for c in containers for p in c.ports if p.name}, most=1)
    meant = f" Is {near[0]} meant?" if near else ""
    owner = index.target_of(found.pods[0]).name
    dead = len(unknown) == len(found.service.ports)
    service = found.service.meta.name
    return Finding(
        code=SERVICE_PORT_UNKNOWN,
        severity=Severity.CRITICAL if dead else Severity.WARNING,
        target=found.ref,
        title="sends to a port that does not exist",
        summary=(
            f"Service {service} sends to the port named {names}, which no container of {owner} declares;"
            f" they declare {declared}.{meant}"
        ),
        evidence=tuple(
            Evidence(EvidenceKind.STATE, f"port {port.port} → {port.target}/{port.protocol}") for port in unknown
        ),
        next=(_describe(found),),
    )


def _undeclared(found: Backend, containers: list[Container]) -> Finding:
    ports = ", ".join(sorted({port.target or str(port.port) for port in found.service.ports}))
    declared = _declared_in_words(containers)
    service = found.service.meta.name
    return Finding(
        code=SERVICE_PORT_UNDECLARED,
        severity=Severity.INFO,
        target=found.ref,
        title="sends to a port that its pods do not mention",
        summary=(
            f"Service {service} sends to port {ports}; the containers behind it declare {declared}. That may be right,"
            " a port need not be declared, but connections fail if nothing listens there."
        ),
        evidence=tuple(
            Evidence(EvidenceKind.STATE, f"port {port.port} → {port.target or port.port}/{port.protocol}")
            for port in found.service.ports
        ),
        next=(_describe(found),),
    )


def _describe(found: Backend) -> NextStep:
    command = f"kubectl -n {found.ref.namespace} describe service {found.service.meta.name}"
    return NextStep(StepKind.MANUAL, command, "shows its ports and addresses")
