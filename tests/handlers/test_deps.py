from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from bot.checkup import Dependencies
from bot.configuration import load_configuration
from bot.diagnosis import diagnose
from bot.domain.actions import Setting
from bot.domain.catalogue import Catalogue
from bot.domain.findings import Severity
from bot.domain.objects import ServicePort
from bot.domain.snapshot import LogKey, LogLine, LogRead, Snapshot
from bot.domain.targets import Namespace, Scope
from bot.domain.text import Redacted
from bot.domain.view import Code, Item, View
from bot.domain.watch.probes import Health, ProbeKind, Stage
from bot.domain.watch.world import Looked
from bot.errors import ClusterUnreachable
from bot.ports import Sources
from handlers import deps
from tests.support.answers import buttons, data, rows
from tests.support.builders import (
    NOW,
    SCOPE,
    ago,
    crash_looping,
    deployment,
    pod,
    replica_set,
    service,
    snapshot,
)
from tests.support.fixed_probes import (
    FixedProbes,
    Together,
    database,
    failed,
    health_url,
    probed,
    trouble,
    watching_over,
)
from tests.support.hostile import SECRETS, WORDS, controls_in, secrets_in
from tests.support.service import asked, stage

API = deployment(desired=1)
REPLICAS = replica_set(API, ready=1)
WELL = snapshot(API, REPLICAS, pod(REPLICAS, name="api-0"))
KEY = LogKey("api-0", "api", previous=False)
CALM = {KEY: LogRead((LogLine(ago(30), Redacted("GET /health 200")),))}
REFUSED = 'connection to server at "postgres" (10.0.0.7), port 5432 failed: Connection refused'
POSTGRES = database()
REDIS = database("redis", kind=ProbeKind.REDIS, address="redis.shop.svc:6379")
QDRANT = database("qdrant", kind=ProbeKind.QDRANT, address="http://qdrant.shop.svc:6333")
STAGES = (Stage("DNS", 1.0), Stage("TCP", 2.0), Stage("TLS", 8.0), Stage("login", 12.0), Stage("query", 0.4))


def complaining(line: str = REFUSED) -> Mapping[LogKey, LogRead]:
    return {KEY: LogRead((LogLine(ago(30), Redacted(line)),))}


async def look(
    text: str = "deps",
    *,
    shown: Snapshot = WELL,
    logs: Mapping[LogKey, LogRead] | None = None,
    problem: ClusterUnreachable | None = None,
    **ports: Any,
) -> View:
    given = {"watch": watching_over(health_url(), POSTGRES), "probes": FixedProbes()} | ports
    world = stage(shown, CALM if logs is None else logs)
    world.cluster.problem = problem
    return await world.service(**given).ask(asked(text))


def without_time(view: View) -> list[str]:
    return [row.partition(" · ")[2] if row.startswith("Asked in ") else row for row in rows(view)]


# --- what is shown ----------------------------------------------------------------------------------------------------


async def test_the_way_to_a_dependency_is_shown_step_by_step() -> None:
    """With its figures, and what the pods say of it."""
    answer = probed(POSTGRES, took_ms=23.4, stages=STAGES, facts=(("Connections", "83/97"), ("Longest", "4 min")))
    view = await look("deps search", probes=FixedProbes(answer))
    assert without_time(view) == [
        "✔ 1 dependency of search: it answers",
        "✔ postgres: postgresql, answers  (23 ms)",
        "Step by step: DNS 1 ms · TCP 2 ms · TLS 8 ms · login 12 ms · query 0.4 ms",
        "Connections 83/97 · Longest 4 min",
        "The pods of search: search 1/1 ready, they complain of nothing.",
        "shop on prod-eu · 0 s old · only you see this",
    ]
    assert view.exit_code == 0


async def test_what_else_is_wrong_with_the_workload_is_not_passed_over() -> None:
    """Its old pods serve and say nothing of it; a newer revision crashes all the same."""
    newer = replica_set(API, revision=8, ready=0)
    crashing = pod(newer, crash_looping(), name="api-1")
    shown = snapshot(API, REPLICAS, newer, pod(REPLICAS, name="api-0"), crashing)
    found = diagnose(shown).findings
    assert found
    view = await look("deps search", shown=shown)
    [told] = [row for row in rows(view) if row.startswith("The pods of search")]
    assert told.startswith("The pods of search: search 1/1 ready, nothing that they say is about it. Besides: search: ")
    assert found[0].title in told


async def test_what_is_wrong_is_told_with_advice_and_evidence() -> None:
    """The failed step is marked as one; the target's own words stand below as they are."""
    answer = probed(
        POSTGRES,
        Health.FAILED,
        trouble("97 of 97 connections are taken.", code="POSTGRESQL_CONNECTIONS_EXHAUSTED", advice="Lower the pools."),
        stages=(*STAGES[:3], Stage("login", None, ok=False, words="53300")),
        lines=("api pid 7, idle in transaction 4 min", "· blocks worker pid 9"),
        took_ms=None,
    )
    view = await look(probes=FixedProbes(answer))
    shown = without_time(view)
    assert shown[0] == "✖ 1 of 1 dependency of shop fails: postgres"
    assert shown[2] == "Step by step: DNS 1 ms · TCP 2 ms · TLS 8 ms · login failed (53300)"
    assert shown[3:5] == ["97 of 97 connections are taken.", "Advice: Lower the pools."]
    [code] = [block for block in view.blocks if isinstance(block, Code)]
    assert code.text == "api pid 7, idle in transaction 4 min\n· blocks worker pid 9"
    assert view.exit_code == 1


async def test_what_is_well_is_a_line_each_where_there_is_much() -> None:
    """The worst comes first and in full."""
    more = [replace(REDIS, name=f"cache{number}") for number in range(3)]
    watch = watching_over(POSTGRES, REDIS, *more)
    answers = (failed(REDIS), probed(POSTGRES, facts=(("Connections", "8/97"),)))
    view = await look(watch=watch, probes=FixedProbes(*answers))
    shown = without_time(view)
    assert shown[0] == "✖ 1 of 5 dependencies of shop fails: redis"
    assert [block.title[0] for block in view.blocks if isinstance(block, Item)] != []
    assert sum(isinstance(block, Item) for block in view.blocks) == 1
    assert "postgres: postgresql, answers in 12 ms · Connections 8/97" in shown


async def test_everything_is_asked_at_once() -> None:
    """Nobody waits for the one before."""
    together = Together(until=3)
    await look(watch=watching_over(POSTGRES, REDIS, QDRANT), probes=FixedProbes(together=together))
    assert (together.most, together.all) == (3, 3)


@pytest.mark.parametrize(
    ("health", "summary", "exit_code"),
    [
        (Health.SLOW, "▲ 1 of 1 dependency of shop needs care: postgres", 1),
        (Health.DEGRADED, "▲ 1 of 1 dependency of shop needs care: postgres", 1),
        (Health.UNKNOWN, "? 1 of 1 dependency of shop could not be asked: postgres", 2),
    ],
)
async def test_the_verdict_is_that_of_the_worst(health: Health, summary: str, exit_code: int) -> None:
    """What could not be asked is never well."""
    view = await look(probes=FixedProbes(probed(POSTGRES, health)))
    assert (rows(view)[0], view.exit_code) == (summary, exit_code)


async def test_many_that_fail_are_counted() -> None:
    """Three are named."""
    targets = [replace(REDIS, name=f"cache{number}") for number in range(5)]
    view = await look(watch=watching_over(*targets), probes=FixedProbes(*map(failed, targets)))
    assert view.summary == "5 of 5 dependencies of shop fail: cache0, cache1, cache2 and 2 more"


# --- against what the pods say ----------------------------------------------------------------------------------------


async def test_what_answers_us_and_not_the_pods_is_critical() -> None:
    """With where to look, though our own probe is content."""
    view = await look(logs=complaining())
    shown = without_time(view)
    assert shown[0] == "✖ The pods of shop do not reach postgres, though it answers us"
    assert any(row.startswith('We reach it, the pods of search do not: "connection to server at') for row in shown)
    assert "By hand: kubectl -n shop get networkpolicies (shows who may talk with whom)" in shown
    assert view.exit_code == 1


async def test_what_answers_the_pods_and_not_us_is_our_trouble() -> None:
    """It is said to be ours."""
    shown = " ".join(without_time(await look(probes=FixedProbes(failed(POSTGRES)))))
    assert "The pods of search are fine (search 1/1 ready, they complain of nothing), we are not" in shown


async def test_what_nobody_reaches_leads_to_who_runs_it() -> None:
    """With a button."""
    target = database(service="search", used_by=("search",))
    view = await look(watch=watching_over(target), logs=complaining(), probes=FixedProbes(failed(target)))
    assert any("Neither we nor the pods of search reach it" in row for row in without_time(view))
    assert buttons(view)["Status search"] == "status search"


async def test_the_log_of_a_crashed_pod_counts() -> None:
    """It is read with the diagnosis."""
    workload = replace(API, ready=0)
    crashed = snapshot(workload, REPLICAS, pod(REPLICAS, crash_looping(), name="api-0"))
    view = await look(shown=crashed, logs=complaining())
    assert rows(view)[0] == "✖ The pods of shop do not reach postgres, though it answers us"


async def test_without_the_cluster_what_we_see_is_told() -> None:
    """And that the pods were not looked at."""
    view = await look(problem=ClusterUnreachable("The API server of prod-eu did not answer."))
    assert without_time(view) == [
        "✔ 1 dependency of shop: it answers",
        "✔ postgres: postgresql, answers  (12 ms)",
        "Step by step: DNS 1 ms · TCP 2 ms",
        "Not checked: what the pods say (The API server of prod-eu did not answer)",
        "shop on prod-eu · only you see this",
    ]
    assert data(view)["dependencies"][0]["pods"] is None


# --- which are asked --------------------------------------------------------------------------------------------------


async def test_a_service_has_its_own_and_those_elsewhere() -> None:
    """A database may run in another namespace; a health URL is no dependency."""
    elsewhere = database("far", scope=Scope(SCOPE.cluster, Namespace("db")))
    probes = FixedProbes()
    await look(
        "deps search",
        watch=watching_over(health_url(), POSTGRES, elsewhere, database("others", used_by=("worker",))),
        probes=probes,
    )
    assert sorted(probes.asked) == ["far", "postgres"]


async def test_a_namespace_has_all_that_is_of_it() -> None:
    """Also what no service says that it uses."""
    probes = FixedProbes()
    far = database("far", used_by=("nobody",), scope=Scope(SCOPE.cluster, Namespace("db")))
    await look(watch=watching_over(POSTGRES, database("lone", used_by=()), far), probes=probes)
    assert sorted(probes.asked) == ["lone", "postgres"]


async def test_an_unknown_service_names_its_neighbours() -> None:
    """As a command that can be sent as it is."""
    view = await look("deps serch")
    assert data(view)["suggestions"] == ["deps search"]
    assert view.exit_code == 2


# --- nothing to ask ---------------------------------------------------------------------------------------------------


async def test_nothing_configured_says_how_to_with_what_runs_here() -> None:
    """The example names the services that look like databases, by their ports."""
    shown = snapshot(
        *WELL.workloads,
        service("cache", ServicePort(6379, "6379")),
        service("vectors", ServicePort(80, "80"), ServicePort(6333, "6333")),
    )
    view = await look("deps api", shown=shown, watch=watching_over())
    assert without_time(view)[:2] == [
        "? No dependency of search is configured",
        "The catalogue knows search here. Only what ragops.toml names is ever asked; name a dependency such as:",
    ]
    [code] = [block for block in view.blocks if isinstance(block, Code)]
    assert code.text.splitlines() == [
        "[services.search]",
        'depends_on = ["cache", "vectors"]',
        "",
        "[dependencies.cache]",
        'kind = "redis"',
        'address = "cache.shop.svc:6379"',
        "",
        "[dependencies.vectors]",
        'kind = "qdrant"',
        'address = "http://vectors.shop.svc:6333"',
    ]
    assert view.exit_code == 2


async def test_the_example_is_one_that_ragops_takes() -> None:
    """Also where the catalogue knows nothing: then it says how a service begins."""
    shown = snapshot(*WELL.workloads, service("pg", ServicePort(5432, "pg")), service("v", ServicePort(6333, "http")))
    report = diagnose(shown)
    seen = Dependencies(scope=SCOPE, at=NOW, catalogue=Catalogue(), report=Looked(report))
    view = deps.render(deps.Params(), seen, Setting(now=NOW, command="deps"))
    assert "The catalogue knows no service here." in rows(view)[1]
    [code] = [block for block in view.blocks if isinstance(block, Code)]
    text = f'[clusters.c]\nkubeconfig = "k"\nnamespaces = ["shop"]\n{code.text}\n'
    [pg, vectors] = load_configuration(text, "ragops.toml").watch.targets
    assert (pg.kind, pg.address, pg.used_by) == (ProbeKind.POSTGRESQL, "pg.shop.svc:5432", ("api",))
    assert (vectors.kind, vectors.address) == (ProbeKind.QDRANT, "http://v.shop.svc:6333")


async def test_a_service_that_only_names_pods_of_another_is_no_example() -> None:
    """It would be the same database once more; nor is what listens by another protocol."""
    shown = snapshot(
        *WELL.workloads,
        service("pg", ServicePort(5432, "pg")),
        service("pg-hl", ServicePort(5432, "pg")),
        service("cache", ServicePort(6379, "redis", protocol="UDP")),
    )
    [code] = [block for block in (await look(shown=shown, watch=watching_over())).blocks if isinstance(block, Code)]
    assert 'depends_on = ["pg"]' in code.text


async def test_the_example_needs_no_cluster() -> None:
    """It is a made-up one then."""
    view = await look(watch=watching_over(), problem=ClusterUnreachable("gone"))
    [code] = [block for block in view.blocks if isinstance(block, Code)]
    assert "[dependencies.postgres]" in code.text


async def test_where_nothing_is_probed_that_is_said() -> None:
    """With what is configured."""
    view = await look(probes=None)
    assert rows(view)[:2] == [
        "? The dependencies of shop could not be asked: nothing is probed from here",
        "Configured: postgres.",
    ]
    assert view.exit_code == 2


# --- for programs, and hostile words ----------------------------------------------------------------------------------


async def test_the_data_has_stages_facts_and_the_comparison() -> None:
    """In a stable form."""
    answer = probed(POSTGRES, facts=(("Connections", "83/97"),), stages=(Stage("DNS", 1.0),))
    told = data(await look(probes=FixedProbes(replace(answer, figures=(("connections", 83.0),)))))
    assert list(told) == [*("cluster", "namespace", "service", "at", "took_s", "problem", "configured", "dependencies")]
    [one] = told["dependencies"]
    assert one["stages"] == [{"name": "DNS", "took_ms": 1.0, "ok": True, "words": ""}]
    assert (one["facts"], one["figures"]) == ({"Connections": "83/97"}, {"connections": 83.0})
    assert one["pods"]["standing"] == "both fine"
    assert one["used_by"] == ["search"]


@pytest.mark.parametrize("words", [*WORDS, *(text for text, _ in SECRETS)])
async def test_words_of_targets_stay_words(words: str) -> None:
    """In facts, steps, troubles and evidence: cleaned, masked, and of no effect on the answer's form."""

    def answer(said: str) -> FixedProbes:
        return FixedProbes(
            probed(
                POSTGRES,
                Health.DEGRADED,
                trouble(said, advice=said, severity=Severity.WARNING),
                stages=(Stage("login", 1.0, ok=False, words=said),),
                facts=((said, said),),
                lines=(said,),
            )
        )

    plain, hostile = await look(probes=answer("x")), await look(probes=answer(words))
    assert [type(block) for block in hostile.blocks] == [type(block) for block in plain.blocks]
    text = "\n".join(rows(hostile))
    assert controls_in(text) == []
    assert secrets_in(text + repr(hostile.data)) == []


async def test_deps_needs_its_ports() -> None:
    """Handed out without them, it is a bug of the machine and said to be."""
    with pytest.raises(ValueError, match="needs the cluster"):
        await deps.observe(deps.Params(), Sources(scope=SCOPE, request=asked("deps"), now=NOW))
