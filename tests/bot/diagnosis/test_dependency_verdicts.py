"""What we see of a dependency beside what the pods say: whose trouble it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import pytest

from bot.diagnosis import Index, diagnose
from bot.diagnosis.crash_reasons import read
from bot.diagnosis.dependency_verdicts import (
    MOST_LOGS,
    DependencyVerdict,
    Standing,
    dependency_verdict,
    is_about,
    logs_wanted,
    place_of,
)
from bot.domain.catalogue import Catalogue, CatalogueEntry
from bot.domain.snapshot import LogKey, LogLine, LogRead, Snapshot
from bot.domain.text import Redacted
from bot.domain.watch.probes import Health, Probed, ProbeKind
from tests.support.builders import ago, crash_looping, deployment, log_of, pod, replica_set, snapshot, stateful_set
from tests.support.fixed_probes import database, failed, probed

CATALOGUE = Catalogue(
    MappingProxyType(
        {
            "search": CatalogueEntry("search", "Deployment", "api"),
            "db": CatalogueEntry("db", "StatefulSet", "postgres"),
        }
    )
)
API = deployment()
REPLICAS = replica_set(API, ready=1)
POD = pod(REPLICAS, name="api-0")
SHOWN = snapshot(API, REPLICAS, POD)
KEY = LogKey("api-0", "api", previous=False)
REFUSED = 'connection to server at "postgres" (10.0.0.7), port 5432 failed: Connection refused'
UNRESOLVED = 'could not translate host name "postgres" to address: Temporary failure in name resolution'
PASSWORD = 'psycopg.OperationalError: FATAL: password authentication failed for user "rag"'
FULL = "FATAL: remaining connection slots are reserved for roles of postgres"


def said(*lines: str, seconds: float = 20) -> Mapping[LogKey, LogRead]:
    return {KEY: LogRead(tuple(LogLine(ago(seconds), Redacted(line)) for line in lines))}


CALM = said("GET /health 200")


def judged(probed: Probed, logs: Mapping[LogKey, LogRead], shown: Snapshot = SHOWN) -> DependencyVerdict:
    return dependency_verdict(Index(shown), diagnose(shown).findings, probed, CATALOGUE, logs)


OURS = database(service="db")
WELL, GONE, UNASKED = probed(OURS), failed(OURS), probed(OURS, Health.UNKNOWN)


@pytest.mark.parametrize(
    ("probe", "logs", "standing"),
    [
        (WELL, CALM, Standing.BOTH_FINE),
        (WELL, said(REFUSED), Standing.PODS_DO_NOT),
        (GONE, CALM, Standing.WE_DO_NOT),
        (GONE, said(REFUSED), Standing.NEITHER),
        (UNASKED, CALM, Standing.UNKNOWN),
        (UNASKED, said(REFUSED), Standing.UNKNOWN),
        (probed(OURS, Health.SLOW), CALM, Standing.BOTH_FINE),
        (probed(OURS, Health.DEGRADED), said(FULL), Standing.PODS_DO_NOT),
        (WELL, {}, Standing.BOTH_FINE),
        (WELL, said('connection to server at "other-db", port 5432 failed: Connection refused'), Standing.BOTH_FINE),
    ],
    ids=[
        "both",
        "pods do not",
        "we do not",
        "neither",
        "not asked",
        "not asked, pods do not",
        "slow",
        "full",
        "no logs",
        "another one",
    ],
)
def test_what_we_see_is_compared_with_what_the_pods_say(
    probe: Probed, logs: Mapping[LogKey, LogRead], standing: Standing
) -> None:
    """Four ways, and not knowing."""
    assert judged(probe, logs).standing is standing


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        (REFUSED, "Look at NetworkPolicies between them and it, the DNS of the pods"),
        (UNRESOLVED, "Look at the DNS of the pods"),
        (PASSWORD, "Look at their credential"),
        (FULL, "Look at how many connections their pools take together"),
    ],
    ids=["refused", "unresolved", "password", "full"],
)
def test_where_to_look_depends_on_how_the_pods_fail(line: str, hint: str) -> None:
    """With their own words and when they said them."""
    found = judged(WELL, said("starting", line, "retrying"))
    assert found.words.startswith('We reach it, the pods of search do not: "')
    assert '" (20 s ago). ' in found.words
    assert hint in found.words
    assert len(found.next) == 1


def test_when_neither_reaches_it_the_service_that_runs_it_is_looked_at() -> None:
    """It is known to the catalogue."""
    found = judged(GONE, said(REFUSED))
    assert found.words.startswith("Neither we nor the pods of search reach it: ")
    assert [step.text for step in found.next] == ["status db"]
    assert judged(failed(database()), said(REFUSED)).next == ()


def test_the_log_of_a_crash_speaks_for_its_pod() -> None:
    """The diagnosis read it already."""
    workload = replace(API, ready=0)
    crashed = pod(replica_set(workload), crash_looping(), name="api-0")
    shown = snapshot(workload, replica_set(workload), crashed, logs={KEY: log_of("start", REFUSED)})
    assert judged(WELL, {}, shown).standing is Standing.PODS_DO_NOT


def test_pods_that_are_not_ready_for_another_reason_are_said_to_be() -> None:
    """It is not blamed on the dependency; and when we do not reach it either, nothing is sure."""
    shown = snapshot(replace(API, desired=2), REPLICAS, POD)
    found = judged(WELL, CALM, shown)
    assert found.standing is Standing.BOTH_FINE
    assert found.words == (
        "We reach it. Not all of the pods of search are ready (search 1/2 ready); nothing that they say is about it."
    )
    assert judged(GONE, CALM, shown).standing is Standing.UNKNOWN
    assert judged(WELL, {}, shown).standing is Standing.UNKNOWN


def test_without_anybody_who_uses_it_there_is_nothing_to_compare() -> None:
    """That is said, and how to change it."""
    assert "depends_on" in judged(probed(database(used_by=())), {}).words
    assert judged(probed(database(used_by=("nobody",))), {}).words.startswith("No workload of nobody was seen here")


@pytest.mark.parametrize(
    ("line", "address", "kind", "about"),
    [
        (REFUSED, "postgres:5432", ProbeKind.POSTGRESQL, True),
        (REFUSED, "postgres.shop.svc.cluster.local:5432", ProbeKind.POSTGRESQL, True),
        (REFUSED, "postgres:5433", ProbeKind.POSTGRESQL, False),
        (REFUSED, "postgres2:5432", ProbeKind.POSTGRESQL, False),
        ("dial tcp 10.0.0.7:6379: connect: connection refused", "redis:6379", ProbeKind.REDIS, True),
        ("dial tcp 10.0.0.7:6379: connect: connection refused", "redis:6380", ProbeKind.REDIS, False),
        ("redis.exceptions.AuthenticationError: NOAUTH Authentication required.", "r:6379", ProbeKind.REDIS, True),
        (PASSWORD, "postgres:5432", ProbeKind.POSTGRESQL, True),
        (PASSWORD, "redis:6379", ProbeKind.REDIS, False),
        ("connect ECONNREFUSED qdrant:6333", "http://qdrant:6333", ProbeKind.QDRANT, True),
        ("connect ECONNREFUSED qdrant:443", "https://qdrant", ProbeKind.QDRANT, True),
        ("connection refused", "anything:1", ProbeKind.TCP, False),
        ("no space left on device", "postgres:5432", ProbeKind.POSTGRESQL, False),
    ],
)
def test_a_line_is_about_a_target(line: str, address: str, kind: ProbeKind, about: bool) -> None:
    """By host and port where it names them, else by what is spoken."""
    reason = read(Redacted(line))
    assert reason is not None
    assert is_about(reason, database(kind=kind, address=address)) is about


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("Postgres.shop.svc:5432", ("postgres.shop.svc", 5432)),
        ("[::1]:5432", ("::1", 5432)),
        ("http://qdrant:6333/x", ("qdrant", 6333)),
        ("https://qdrant", ("qdrant", 443)),
        ("postgres", ("postgres", None)),
        ("[broken", ("", None)),
        ("host:99999", ("", None)),
    ],
)
def test_addresses_are_read(address: str, place: tuple[str, int | None]) -> None:
    """Also those that are none."""
    assert place_of(database(address=address)) == place


def test_logs_are_wanted_of_those_who_use_it_the_unready_first() -> None:
    """A few of each, and not more than one answer can read."""
    unready = pod(REPLICAS, crash_looping(), name="api-9")
    others = [pod(REPLICAS, name=f"api-{number}") for number in range(3)]
    elsewhere = stateful_set("postgres")
    shown = Index(snapshot(API, REPLICAS, *others, unready, elsewhere, pod(elsewhere, name="postgres-0")))
    assert [key.pod for key in logs_wanted(shown, [database(), database("redis")], CATALOGUE)] == ["api-9", "api-0"]


def many() -> tuple[Sequence[object], Catalogue]:
    workloads = [deployment(f"w{number}") for number in range(8)]
    sets = [replica_set(workload, ready=2) for workload in workloads]
    pods = [pod(each, name=f"{each.meta.name}-{number}") for each in sets for number in range(2)]
    entries = {f"w{number}": CatalogueEntry(f"w{number}", "Deployment", f"w{number}") for number in range(8)}
    return [*workloads, *sets, *pods], Catalogue(MappingProxyType(entries))


def test_the_logs_of_one_answer_are_bounded() -> None:
    """However many use it."""
    objects, catalogue = many()
    target = database(used_by=tuple(catalogue.entries))
    assert len(logs_wanted(Index(snapshot(*objects)), [target], catalogue)) == MOST_LOGS
