"""Ingresses that lead nowhere."""

from __future__ import annotations

import pytest

from bot.diagnosis import diagnose
from bot.diagnosis.causes.ingresses import SURVEY
from bot.diagnosis.index import Index
from bot.domain.findings import Finding, Severity
from bot.domain.objects import Route, ServicePort
from bot.domain.snapshot import Part
from tests.support.builders import (
    crash_looping,
    deployment,
    endpoints,
    ingress,
    labelled,
    missing,
    pod,
    replica_set,
    service,
    snapshot,
    template_labelled,
)

API = template_labelled(deployment(), app="api")
SET = replica_set(API, ready=1)
POD = labelled(pod(SET), app="api")
SERVICE = service("api", ServicePort(80, "8080", "http"), app="api")
WELL = (API, SET, POD, SERVICE, endpoints(SERVICE, POD))


def look(*objects: object, without: Part | None = None) -> list[Finding]:
    parts = {without: missing("no right")} if without else {}
    return list(SURVEY.look(Index(snapshot(*objects, parts=parts))))


@pytest.mark.parametrize("port", ["80", "http", ""], ids=["number", "name", "none"])
def test_an_ingress_that_leads_to_pods_is_well(port: str) -> None:
    """By the service's port, its number or its name; a class is nobody's business here."""
    assert look(*WELL, ingress("web", Route("example.org", "/", "api", port))) == []


def test_a_service_that_does_not_exist() -> None:
    """With the one that is meant, perhaps."""
    door = ingress("web", Route("example.org", "/v1", "apii", "80"), Route("example.org", "/", "api", "80"))
    [finding] = look(*WELL, door)
    assert (finding.code, finding.severity) == ("INGRESS_SERVICE_MISSING", Severity.WARNING)
    assert finding.summary == (
        "example.org/v1 leads to apii, and there is no such service in this namespace. Is api meant?"
    )


def test_an_ingress_that_leads_nowhere_at_all_is_critical() -> None:
    """Whatever is asked for."""
    [finding] = look(*WELL, ingress("web", Route("", "", "gone", "80"), Route("", "/x", "other", "80")))
    assert finding.severity is Severity.CRITICAL
    assert finding.summary.startswith("*/ (and 1 path more) leads to gone, other, and there are no such services")


def test_a_port_that_the_service_does_not_have() -> None:
    """The container's port is a common mistake."""
    [finding] = look(*WELL, ingress("web", Route("example.org", "/", "api", "8080")))
    assert finding.code == "INGRESS_PORT_MISSING"
    assert finding.summary == "example.org/ leads to port 8080 of service api, which has http (80)."


def test_nobody_behind_it_is_told_at_the_root() -> None:
    """From the door through the service to the crash: one finding."""
    down = template_labelled(deployment(ready=0), app="api")
    broken = labelled(pod(SET, crash_looping()), app="api")
    door = ingress("web", Route("example.org", "/", "api", "80"))
    [root] = diagnose(snapshot(down, SET, broken, SERVICE, endpoints(SERVICE, broken), door)).findings
    assert root.code == "CRASH_LOOP"
    assert {felt.code for felt in root.consequences} == {"SERVICE_WITHOUT_ENDPOINTS", "INGRESS_WITHOUT_BACKEND"}


def test_who_cannot_see_the_services_does_not_judge() -> None:
    """They may all be there."""
    assert look(ingress("web", Route("", "/", "api", "80")), without=Part.SERVICES) == []


def test_who_cannot_see_the_slices_does_not_judge_the_backend() -> None:
    """Only names and ports."""
    door = ingress("web", Route("", "/", "api", "80"))
    assert look(API, SET, POD, SERVICE, door, without=Part.ENDPOINT_SLICES) == []
