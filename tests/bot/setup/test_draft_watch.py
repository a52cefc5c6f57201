"""What a first `ragops.toml` proposes to watch: comments that are accepted once their marks are taken away."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.configuration import Configuration, load_configuration
from bot.domain.objects import Meta, Service, ServicePort, Workload
from bot.domain.targets import ClusterName, Namespace, Scope
from bot.domain.watch.probes import ProbeKind, ProbeTarget
from bot.setup.draft import Draft, configuration_draft

RAG = Scope(ClusterName("prod"), Namespace("rag"))
JOBS = Scope(ClusterName("prod"), Namespace("jobs"))


def service(name: str, port: int, *, namespace: str = "rag", protocol: str = "TCP") -> Service:
    return Service(
        meta=Meta(name=name, namespace=namespace, uid=name), ports=(ServicePort(port, str(port), protocol=protocol),)
    )


def drafted(*services: Service, workloads: tuple[Workload, ...] = ()) -> str:
    return configuration_draft(
        Draft(cluster="prod", namespaces=("rag", "jobs"), workloads=workloads, services=services)
    )


def uncommented(text: str) -> Configuration:
    """Take the marks away from the proposed dependencies."""
    keys = ("# [dependencies", "# kind", "# address", "# service =", "# namespace", "# secret_env", "# tls")
    lines = [line.removeprefix("# ") if line.startswith(keys) else line for line in text.splitlines()]
    return load_configuration("\n".join(lines), "ragops.toml")


def targets(*services: Service, workloads: tuple[Workload, ...] = ()) -> tuple[ProbeTarget, ...]:
    return uncommented(drafted(*services, workloads=workloads)).watch.targets


def test_services_are_proposed_by_their_ports() -> None:
    """With the address inside of the cluster, and a name for the variable with the credential."""
    assert targets(service("db", 5432), service("cache", 6379), service("qdrant", 6333, namespace="jobs")) == (
        ProbeTarget(
            name="qdrant",
            kind=ProbeKind.QDRANT,
            address="http://qdrant.jobs.svc:6333",
            scope=JOBS,
            secret_env="PROBE_QDRANT_API_KEY",
        ),
        ProbeTarget(
            name="cache",
            kind=ProbeKind.REDIS,
            address="cache.rag.svc:6379",
            scope=RAG,
            secret_env="PROBE_CACHE_PASSWORD",
        ),
        ProbeTarget(
            name="db",
            kind=ProbeKind.POSTGRESQL,
            address="db.rag.svc:5432",
            scope=RAG,
            secret_env="PROBE_DB_DSN",
        ),
    )


def test_who_runs_a_dependency_is_named() -> None:
    """Where a workload of the catalogue is called like the Service."""
    workload = Workload(kind="StatefulSet", meta=Meta(name="cache", namespace="jobs", uid="c"), desired=1)

    [target] = targets(service("cache", 6379, namespace="jobs"), workloads=(workload,))

    assert (target.service, target.scope) == ("cache", JOBS)


def test_a_second_service_for_the_same_pods_is_left_out() -> None:
    """Headless ones and those of figures; and what has another port."""
    found = targets(
        service("db", 5432),
        service("db-headless", 5432),
        service("db-metrics", 5432),
        service("api", 8080),
        service("dns", 5432, protocol="UDP"),
        service("far", 5432, namespace="elsewhere"),
    )

    assert [target.name for target in found] == ["db"]


def test_the_same_name_in_two_namespaces_is_two_dependencies() -> None:
    """The second has its namespace in its name."""
    found = targets(service("db", 5432), service("db", 5432, namespace="jobs"))

    assert {target.name: target.address for target in found} == {
        "db": "db.jobs.svc:5432",
        "db-rag": "db.rag.svc:5432",
    }


def test_without_a_find_there_is_an_example() -> None:
    """So that a person sees what a dependency looks like."""
    [target] = targets()

    assert (target.name, target.kind, target.tls) == ("postgres", ProbeKind.POSTGRESQL, True)


def test_nothing_is_watched_before_the_marks_are_taken_away() -> None:
    """Whoever writes the file has not decided yet what may be asked."""
    assert load_configuration(drafted(service("db", 5432)), "ragops.toml").watch.targets == ()


_NAMES = st.text(max_size=70) | st.from_regex(r"[a-z0-9]([-a-z0-9]{0,70}[a-z0-9])?", fullmatch=True)
_PORTS = st.builds(ServicePort, st.sampled_from((5432, 6379, 6333, 80)), st.text(max_size=5))
_SERVICES = st.builds(
    Service,
    meta=st.builds(Meta, name=_NAMES, namespace=st.sampled_from(("rag", "jobs", "else")), uid=st.just("x")),
    ports=st.lists(_PORTS, max_size=3).map(tuple),
)


@given(st.lists(_SERVICES, max_size=8))
def test_whatever_services_there_are_the_proposal_is_accepted(services: list[Service]) -> None:
    """Names of a cluster are hostile: what is no name is left out."""
    text = drafted(*services)

    assert load_configuration(text, "ragops.toml").watch.targets == ()
    assert all(target.scope in (RAG, JOBS) for target in uncommented(text).watch.targets)
