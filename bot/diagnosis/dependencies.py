"""What a program could not reach: the service of that name, who stands behind it, and how that fares."""

from __future__ import annotations

from bot.diagnosis.crash_reasons import Cause, Reason
from bot.diagnosis.family import Case
from bot.domain.objects import Service
from bot.domain.snapshot import Part
from bot.domain.targets import ObjectRef
from bot.domain.text import count


def dependency_refs(case: Case, reason: Reason | None) -> tuple[ObjectRef, ...]:
    """Return the service that a program could not reach and the workloads behind it: their trouble explains its own."""
    if reason is None or reason.cause not in (Cause.DEPENDENCY, Cause.CREDENTIALS):
        return ()
    service = _service(case, reason.name)
    if service is None:
        return ()
    behind = {case.index.target_of(pod) for pod in case.index.selected_by(service.selector)}
    refs = sorted(behind - {case.target}, key=lambda ref: (ref.kind, ref.name))
    return (ObjectRef("Service", service.meta.namespace, service.meta.name), *refs)


def standing_of(case: Case, reason: Reason) -> str:
    """Say what is known of the service that could not be reached; empty where nothing is."""
    snapshot = case.index.snapshot
    name = _short_name(case, reason.name)
    if not name or not snapshot.has(Part.SERVICES):
        return ""
    service = _service(case, reason.name)
    if service is None:
        return f" There is no service {name} in {case.target.namespace}." if name == reason.name else ""
    if not snapshot.has(Part.ENDPOINT_SLICES) or not service.selector:
        return ""
    endpoints = case.index.endpoints_of(service)
    ready = sum(endpoint.ready for endpoint in endpoints)
    if not ready:
        return f" Service {name} has no ready pod behind it."
    return f" Service {name} has {count(ready, 'ready pod')} behind it."


def _service(case: Case, host: str) -> Service | None:
    name = _short_name(case, host)
    services = case.index.snapshot.services
    return next((service for service in services if name and service.meta.name == name), None)


def _short_name(case: Case, host: str) -> str:
    """Return the service's name of this namespace that a host name means; empty for addresses and names elsewhere."""
    name, _, rest = host.partition(".")
    if rest:
        namespace, _, suffix = rest.partition(".")
        inside = namespace == case.target.namespace and (not suffix or suffix.startswith("svc"))
        return name if inside else ""
    return "" if host == "localhost" or host.isdecimal() else host
