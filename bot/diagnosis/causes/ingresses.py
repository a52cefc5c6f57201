"""Ingresses that lead nowhere: to a service or a port that is not there, or to one behind which nobody answers.

Whether a controller serves an ingress's class cannot be told from here, so nothing is said of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.diagnosis.backends import without_endpoints
from bot.diagnosis.family import Code, Survey
from bot.diagnosis.index import Index
from bot.diagnosis.near import meant
from bot.domain.findings import Evidence, EvidenceKind, Finding, NextStep, Severity, StepKind
from bot.domain.objects import Ingress, Route, Service
from bot.domain.snapshot import Part
from bot.domain.targets import ObjectRef
from bot.domain.text import count

INGRESS_SERVICE_MISSING = "INGRESS_SERVICE_MISSING"
INGRESS_PORT_MISSING = "INGRESS_PORT_MISSING"
INGRESS_WITHOUT_BACKEND = "INGRESS_WITHOUT_BACKEND"


def look(index: Index) -> Iterable[Finding]:
    if not index.snapshot.has(Part.SERVICES):
        return
    services = {service.meta.name: service for service in index.snapshot.services}
    for ingress in index.snapshot.ingresses:
        routes = [route for route in ingress.routes if route.service]
        lost = [route for route in routes if route.service not in services]
        if lost:
            yield _service_missing(ingress, lost, services)
        found = [(route, services[route.service]) for route in routes if route.service in services]
        closed = [(route, service) for route, service in found if not _has_port(service, route.port)]
        if closed:
            yield _port_missing(ingress, closed)
        silent = [route for route, service in found if without_endpoints(index, service)]
        if silent:
            yield _without_backend(ingress, silent)


def _has_port(service: Service, port: str) -> bool:
    if not service.ports or not port:  # a mere name for something outside may list none
        return True
    return any(port in (str(each.port), each.name) for each in service.ports)


def _effect(ingress: Ingress, lost: Sequence[Route]) -> Severity:
    return Severity.CRITICAL if len(lost) == len(ingress.routes) else Severity.WARNING


def _service_missing(ingress: Ingress, lost: Sequence[Route], services: dict[str, Service]) -> Finding:
    names = sorted({route.service for route in lost})
    near = meant(names[0], services)
    hint = f" Is {near} meant?" if near else ""
    there = "there is no such service" if len(names) == 1 else "there are no such services"
    return _finding(
        ingress,
        lost,
        code=INGRESS_SERVICE_MISSING,
        title="leads to a service that does not exist",
        summary=f"{_addresses(lost)} leads to {', '.join(names)}, and {there} in this namespace.{hint}",
        step=NextStep(
            StepKind.MANUAL,
            f"kubectl -n {ingress.meta.namespace} get services",
            "shows which exist; mend the ingress or make the service",
        ),
    )


def _port_missing(ingress: Ingress, closed: Sequence[tuple[Route, Service]]) -> Finding:
    route, service = closed[0]
    ports = ", ".join(f"{each.name} ({each.port})" if each.name else str(each.port) for each in service.ports)
    routes = [each for each, _ in closed]
    return _finding(
        ingress,
        routes,
        code=INGRESS_PORT_MISSING,
        title="leads to a port that its service does not have",
        summary=f"{_addresses(routes)} leads to port {route.port} of service {route.service}, which has {ports}.",
        step=NextStep(
            StepKind.MANUAL,
            f"kubectl -n {ingress.meta.namespace} describe service {route.service}",
            "shows its ports; an ingress names the service's port, not the container's",
        ),
    )


def _without_backend(ingress: Ingress, silent: Sequence[Route]) -> Finding:
    names = sorted({route.service for route in silent})
    return _finding(
        ingress,
        silent,
        code=INGRESS_WITHOUT_BACKEND,
        title="nobody answers behind it",
        summary=f"{_addresses(silent)} answers with an error (503): service {', '.join(names)} has no ready endpoint.",
        step=NextStep(
            StepKind.MANUAL,
            f"kubectl -n {ingress.meta.namespace} describe ingress {ingress.meta.name}",
            "shows where each path leads",
        ),
        because=tuple(ObjectRef("Service", ingress.meta.namespace, name) for name in names),
    )


def _finding(
    ingress: Ingress,
    lost: Sequence[Route],
    *,
    code: str,
    title: str,
    summary: str,
    step: NextStep,
    because: tuple[ObjectRef, ...] = (),
) -> Finding:
    return Finding(
        code=code,
        severity=_effect(ingress, lost),
        target=ObjectRef("Ingress", ingress.meta.namespace, ingress.meta.name),
        title=title,
        summary=summary,
        evidence=tuple(
            Evidence(EvidenceKind.STATE, f"{_address(route)} → {route.service}:{route.port}") for route in lost[:5]
        ),
        next=(step,),
        because=because,
    )


def _address(route: Route) -> str:
    return f"{route.host or '*'}{route.path or '/'}"


def _addresses(routes: Sequence[Route]) -> str:
    more = f" (and {count(len(routes) - 1, 'path')} more)" if len(routes) > 1 else ""
    return f"{_address(routes[0])}{more}"


SURVEY = Survey(
    codes=(
        Code(
            INGRESS_SERVICE_MISSING,
            "An ingress leads to a service that does not exist; callers get an error (503 or 404).",
            "A backend of the ingress names a service that the namespace does not have.",
            "Correct the name in the ingress, or make the service.",
            "37, 362",
        ),
        Code(
            INGRESS_PORT_MISSING,
            "An ingress leads to a port that its service does not have.",
            "Neither the number nor the name of the backend's port is among the service's ports.",
            "Name a port of the service; the container's port is the service's business.",
            "37, 362",
        ),
        Code(
            INGRESS_WITHOUT_BACKEND,
            "An ingress leads to a service behind which nobody takes traffic; callers get 503.",
            "The service has no ready endpoint. Workloads scaled to nothing are no fault.",
            "Mend the workload behind the service.",
            "37, 362",
        ),
    ),
    look=look,
)
