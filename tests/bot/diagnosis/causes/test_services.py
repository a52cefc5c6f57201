"""Services that lead nowhere, and those that only seem to."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest

from bot.diagnosis import diagnose
from bot.diagnosis.causes.services import SURVEY
from bot.diagnosis.index import Index
from bot.domain.findings import Finding, Severity
from bot.domain.objects import Container, EndpointSlice, Pod, Port, Probe, Route, Service, ServicePort
from bot.domain.snapshot import Part
from bot.domain.targets import ObjectRef
from tests.support.builders import (
    container,
    crash_looping,
    deployment,
    endpoints,
    ingress,
    labelled,
    missing,
    pod,
    ref,
    replica_set,
    service,
    snapshot,
    template_labelled,
)

API = template_labelled(deployment(desired=2), app="api", tier="web")
SET = replica_set(API, desired=2, ready=2)
WEB = replace(container(readiness=Probe("GET :8080/", port="8080")), ports=(Port(8080, "http"),))
BROKEN = replace(crash_looping(), ports=(Port(8080, "http"),))


def of_api(inside: Container = WEB, *, age_s: float = 9000) -> Pod:
    return labelled(pod(SET, inside, age_s=age_s), app="api", tier="web")


def look(*objects: object, without: Part | None = None) -> list[Finding]:
    parts = {without: missing("no right")} if without else {}
    return list(SURVEY.look(Index(snapshot(API, SET, *objects, parts=parts))))


def serving(made: Service, *pods: Pod) -> tuple[Service, EndpointSlice, *tuple[Pod, ...]]:
    return (made, endpoints(made, *pods), *pods)


def test_a_service_with_ready_endpoints_is_well() -> None:
    """By number, by name, with a protocol, and headless or not."""
    for target in ("8080", "http"):
        assert look(*serving(service("api", ServicePort(80, target), app="api"), of_api(), of_api())) == []


# --- the selector -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("selector", "said"),
    [
        ({"app": "apii"}, "The pods of api fit but for one label: app is api, not apii."),
        ({"app": "api", "tier": "frontend"}, "The pods of api fit but for one label: tier is web, not frontend."),
        ({"name": "api"}, "The pods of api carry app=api instead of name=api."),
        ({"app": "postgres"}, "and there is none."),
        ({"app": "x", "tier": "y"}, "and there is none."),
    ],
    ids=["mistyped", "one of two", "another key", "another word", "nothing fits"],
)
def test_a_selector_that_fits_no_pod_is_told_with_what_nearly_fits(selector: dict[str, str], said: str) -> None:
    """A slip of the pen is seen at once; what is merely other is not taken for one."""
    made = replace(service(), selector=MappingProxyType(selector))
    [finding] = look(made, endpoints(made), of_api())
    assert (finding.code, finding.severity) == ("SERVICE_SELECTS_NOTHING", Severity.WARNING)
    assert finding.summary.endswith(said)
    assert finding.target == ObjectRef("Service", "shop", "api")


def test_a_selector_that_fits_nothing_closes_an_ingress() -> None:
    """Then somebody waits outside."""
    made = service(app="apii")
    [finding] = look(made, of_api(), ingress("web", Route("example.org", "/", "api", "80")))
    assert finding.severity is Severity.CRITICAL


@pytest.mark.parametrize(
    "made",
    [
        service(),
        replace(service(app="nobody"), type="ExternalName"),
        replace(service(), type="ExternalName", ports=()),
    ],
    ids=["endpoints by hand", "a name with a selector", "a name"],
)
def test_what_others_decide_is_no_fault(made: Service) -> None:
    """Endpoints kept by hand, and names for something outside."""
    assert look(made) == []


@pytest.mark.parametrize("part", [Part.PODS, Part.DEPLOYMENTS, Part.STATEFUL_SETS, Part.DAEMON_SETS])
def test_who_cannot_look_does_not_judge(part: Part) -> None:
    """The pods may be there, or be scaled to nothing on purpose."""
    assert look(service(app="apii"), without=part) == []


def test_scaled_to_nothing_is_on_purpose() -> None:
    """Also for the ingress before it."""
    off = template_labelled(deployment("batch", desired=0), app="batch")
    made = service("batch", app="batch")
    door = ingress("web", Route("", "/", "batch", "80"))
    assert diagnose(snapshot(API, SET, of_api(), off, made, endpoints(made), door)).findings == ()


def test_pods_that_have_done_their_work_are_no_fault() -> None:
    """A job's service is quiet when the job is done."""
    done = replace(labelled(pod(), app="job"), phase="Succeeded")
    made = service("job", app="job")
    assert look(made, endpoints(made), done) == []


# --- ports ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("htp", "which no container of api declares; they declare http (8080). Is http meant?"),
        ("grpc-web", "which no container of api declares; they declare http (8080)."),
    ],
    ids=["mistyped", "other"],
)
def test_a_named_port_must_exist(target: str, said: str) -> None:
    """The endpoints are there and lead nowhere."""
    [finding] = look(*serving(service("api", ServicePort(80, target), app="api"), of_api(), of_api()))
    assert (finding.code, finding.severity) == ("SERVICE_PORT_UNKNOWN", Severity.CRITICAL)
    assert finding.summary.endswith(said)


def test_one_port_of_two_is_not_the_whole_service() -> None:
    """The other still works."""
    made = service("api", ServicePort(80, "http"), ServicePort(81, "admin"), app="api")
    [finding] = look(*serving(made, of_api(), of_api()))
    assert finding.severity is Severity.WARNING


def test_a_port_has_its_protocol() -> None:
    """The same name for UDP is another port."""
    made = service("api", ServicePort(53, "http", protocol="UDP"), app="api")
    assert [finding.code for finding in look(*serving(made, of_api(), of_api()))] == ["SERVICE_PORT_UNKNOWN"]


def test_one_pod_that_declares_it_is_enough() -> None:
    """Pods of several kinds may stand behind one service."""
    other = of_api(container())
    assert look(*serving(service("api", ServicePort(80, "http"), app="api"), of_api(), other)) == []


def test_a_number_that_nobody_mentions_is_a_hint() -> None:
    """Where others are declared; it is said that it may be right."""
    [finding] = look(*serving(service("api", ServicePort(80, "9999"), app="api"), of_api(), of_api()))
    assert (finding.code, finding.severity) == ("SERVICE_PORT_UNDECLARED", Severity.INFO)
    assert "sends to port 9999; the containers behind it declare http (8080)" in finding.summary


@pytest.mark.parametrize(
    ("ports", "inside"),
    [
        ((ServicePort(80, "9999"),), container()),
        ((ServicePort(80, "9999"), ServicePort(81, "8080")), WEB),
        ((ServicePort(80, "9000"),), replace(WEB, liveness=Probe("tcp :9000", port="9000"))),
    ],
    ids=["nothing is declared", "another port fits", "it is probed"],
)
def test_a_number_need_not_be_declared(ports: tuple[ServicePort, ...], inside: Container) -> None:
    """What a container declares is information only."""
    assert look(*serving(service("api", *ports, app="api"), of_api(inside), of_api(inside))) == []


# --- endpoints --------------------------------------------------------------------------------------------------------


def test_no_ready_endpoint_is_the_fault_of_the_pods() -> None:
    """It is told below the crash."""
    down = replace(API, ready=0)
    made = service(app="api")
    pods = [of_api(BROKEN), of_api(BROKEN)]
    [root] = diagnose(snapshot(down, SET, *serving(made, *pods))).findings
    assert root.code == "CRASH_LOOP"
    assert [(felt.code, felt.target.name) for felt in root.consequences] == [("SERVICE_WITHOUT_ENDPOINTS", "api")]
    assert root.consequences[0].summary == "Nobody answers behind service api: none of the 2 pods of api is ready."


def test_a_workload_without_pods_is_the_reason() -> None:
    """Its template would fit."""
    made = service(app="api")
    [finding] = look(made, endpoints(made))
    assert finding.code == "SERVICE_WITHOUT_ENDPOINTS"
    assert finding.because == (ref(API),)
    assert "api should have pods and has none" in finding.summary


def test_pods_that_have_just_been_started_are_given_time() -> None:
    """Not critical yet."""
    made = service(app="api")
    [finding] = look(*serving(made, of_api(container(ready=False), age_s=5)))
    assert finding.severity is Severity.INFO


def test_ready_pods_without_addresses_are_told() -> None:
    """The pods are not to blame, but named."""
    made = service(app="api")
    [finding] = look(made, endpoints(made), of_api(), of_api())
    assert "2 pods of api say they are ready, yet no address is published" in finding.summary


def test_unready_pods_that_are_published_take_traffic() -> None:
    """As a service may ask for."""
    made = service(app="api")
    pods = (of_api(BROKEN), of_api(BROKEN))
    assert look(made, endpoints(made, *pods, ready=True), *pods) == []


def test_fewer_endpoints_than_wanted() -> None:
    """What is left carries the load."""
    made = service(app="api")
    [finding] = look(*serving(made, of_api(), of_api(BROKEN)))
    assert (finding.code, finding.because) == ("SERVICE_PARTLY_READY", (ref(API),))
    assert finding.summary.startswith("1 of 2 wanted endpoints of service api take traffic")


def test_a_release_that_fails_beside_a_full_old_one_costs_no_endpoint() -> None:
    """As many serve as are wanted."""
    assert look(*serving(service(app="api"), of_api(), of_api(), of_api(BROKEN))) == []


def test_one_pod_with_two_addresses_is_one_endpoint() -> None:
    """IPv4 and IPv6 have slices of their own."""
    made, pods = service(app="api"), (of_api(), of_api())
    six = replace(endpoints(made, *pods), meta=replace(made.meta, name="six"))
    assert look(made, endpoints(made, *pods), six, *pods) == []


def test_without_the_slices_nothing_is_said_of_endpoints() -> None:
    """They could not be read."""
    assert look(service(app="api"), of_api(BROKEN), without=Part.ENDPOINT_SLICES) == []
