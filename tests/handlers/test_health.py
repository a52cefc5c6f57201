from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from bot.domain.findings import Severity
from bot.domain.objects import Route
from bot.domain.snapshot import Part, Snapshot
from bot.domain.view import Item, View
from bot.domain.watch.probes import Health
from bot.errors import ClusterForbidden, ClusterUnreachable
from bot.ports import Sources
from handlers import health
from tests.support.answers import buttons, data, rows
from tests.support.builders import (
    MI,
    NOW,
    SCOPE,
    autoscaler,
    claim,
    container,
    crash_looping,
    cron_job,
    deployment,
    endpoints,
    ingress,
    labelled,
    missing,
    node,
    pod,
    replica_set,
    service,
    snapshot,
    stale,
    template_labelled,
    usage,
)
from tests.support.fixed_probes import (
    FixedExtras,
    FixedProbes,
    backup,
    database,
    disk,
    failed,
    health_url,
    issued,
    probed,
    quota,
    served,
    trouble,
    watching_over,
)
from tests.support.hostile import SECRETS, WORDS, controls_in, secrets_in
from tests.support.service import asked, stage

KEYS = [
    *("verdict", "cluster", "namespace", "service", "at", "as_of", "took_s", "attentions", "sections", "probes"),
    *("quotas", "backups", "certificates", "disks"),
]
API = template_labelled(deployment(desired=2), app="api")
REPLICAS = replica_set(API, desired=2, ready=2)
PODS = tuple(
    labelled(pod(REPLICAS, container(memory=200 * MI, memory_limit=400 * MI), name=f"api-{number}"), app="api")
    for number in range(2)
)
SERVICE = service("api", app="api")
WEB = replace(
    ingress("web", Route("rag.example.com", "/", "api", "80")),
    ingress_class="nginx",
    tls_secrets=("rag-tls",),
    addresses=("203.0.113.7",),
)
WELL = snapshot(
    *(API, REPLICAS, *PODS, SERVICE, endpoints(SERVICE, *PODS), WEB, autoscaler(API), node(), claim(phase="Bound")),
    *(cron_job(last_successful=3000), *(usage(each, cpu_m=10, memory=100 * MI) for each in PODS)),
)
TARGETS = watching_over(health_url(), database())
ALL_FINE = FixedExtras(quotas=[quota()], backups=[backup()], certificates=[issued()], disks=[disk()])


def crashing(name: str) -> Sequence[object]:
    workload = deployment(name, ready=0)
    replicas = replica_set(workload)
    return workload, replicas, pod(replicas, crash_looping(), name=f"{name}-6d5f-0xyz", age_s=360)


async def look(
    shown: Snapshot = WELL, text: str = "health", *, problem: ClusterUnreachable | None = None, **ports: Any
) -> View:
    given = {"watch": TARGETS, "probes": FixedProbes(), "extras": ALL_FINE} | ports
    world = stage(shown)
    world.cluster.problem = problem
    return await world.service(**given).ask(asked(text))


def without_time(shown: Sequence[str]) -> list[str]:
    """The lines of an answer, without how long the check took."""
    return [row.partition(" · ")[2] if row.startswith("Checked in ") else row for row in shown]


# --- all is well ------------------------------------------------------------------------------------------------------


async def test_all_fine_is_short() -> None:
    """The verdict, what was looked at in a few lines, where and how fresh; nothing else."""
    view = await look()
    assert without_time(rows(view)) == [
        "✔ shop is healthy",
        "Fine: workloads: 1 of 1 ready · usage: at most memory 25 % of a limit",
        "services: endpoints ready: api 2/2",
        "ingresses: web (nginx) rag.example.com, TLS rag-tls, at 203.0.113.7",
        "health URLs: 1 of 1 answer, in 12 ms · certificates: the only one ends in 60 days",
        "autoscalers: api 2 of 2 to 4 · nodes: 1 of 1 ready · volume claims: 1 of 1 bound",
        "jobs: 1 cron job · quota: at most 50 % taken (requests.cpu: 5 of 10)",
        "events: no warning in the last hour · disks: the fullest 50 % (nodefs of node-1)",
        "backups: the last Completed, 8 h ago (nightly-1)",
        "shop on prod-eu · 0 s old · only you see this",
    ]
    assert view.exit_code == 0
    assert not [block for block in view.blocks if isinstance(block, Item)]
    assert buttons(view) == {"Refresh": "health", "Status": "status", "Share": "share health"}


async def test_what_is_not_installed_is_not_spoken_of() -> None:
    """It is no fault, and no news."""
    shown = rows(await look(extras=FixedExtras(), watch=watching_over()))
    assert shown[0] == "✔ shop is healthy"
    assert not [row for row in shown if "backups" in row or "certificates" in row or "Not checked" in row]


async def test_dependencies_are_left_to_their_own_verb() -> None:
    """Only health URLs are asked."""
    probes = FixedProbes()
    await look(probes=probes)
    assert probes.asked == ["search"]


# --- something is wrong -----------------------------------------------------------------------------------------------


async def test_what_needs_a_person_comes_first_with_its_next_step() -> None:
    """Then what is fine by name, then what was not checked."""
    refused = ClusterForbidden("The right to read kubelet statistics is missing.")
    view = await look(
        snapshot(*crashing("worker"), API, REPLICAS, *PODS),
        extras=FixedExtras(quotas=[quota(0.95)], disks=refused),
        watch=watching_over(),
    )
    assert without_time(rows(view)) == [
        "✖ shop is degraded: 2 things need you",
        "✖ 1  worker: crashes again and again  (critical, for 6 min)",
        "Revision 1 (v1.2) ends with exit code 1 (a general error of the program) at start.",
        "Next: /rag logs worker (shows the whole log of the crash)",
        "▲ 2  shop: quota compute is 95 % full  (warning)",
        "9.5 of 10 requests.cpu are taken; what does not fit is refused.",
        "By hand: kubectl -n shop describe quota compute (shows all its figures)",
        "Fine: events",
        "Not checked: usage (no pod has a sample yet)",
        "Not checked: disks (The right to read kubelet statistics is missing)",
        "shop on prod-eu · 0 s old · only you see this",
    ]
    assert buttons(view)["Logs"] == "logs worker"
    assert view.exit_code == 1


async def test_many_things_are_cut_with_a_number() -> None:
    """Three in full, five in short, the rest counted."""
    view = await look(snapshot(*(each for number in range(10) for each in crashing(f"w{number}"))))
    assert sum(isinstance(block, Item) for block in view.blocks) == 3
    shown = rows(view)
    assert "w3: crashes again and again (critical): logs w3" in shown
    assert "… and 2 more." in shown
    assert len(data(view)["attentions"]) == 10


async def test_what_is_done_by_hand_has_no_command_in_short() -> None:
    """A line is a line."""
    quotas = [quota(0.95, resource=f"r{number}") for number in range(5)]
    assert "shop: quota compute is 95 % full (warning)" in rows(await look(extras=FixedExtras(quotas=quotas)))


async def test_nothing_answers_is_down() -> None:
    """Though every pod says that it is ready."""
    view = await look(probes=FixedProbes(failed(health_url(), "It answers 503.", advice="Look behind it.")))
    shown = rows(view)
    assert shown[0] == "✖ shop is down: 1 thing needs you"
    assert shown[1:4] == [
        "✖ 1  search: its health URL fails  (critical)",
        "It answers 503.",
        "By hand: Look behind it.",
    ]
    assert "Note: health URLs: 0 of 1 answer; not search" not in shown
    assert view.exit_code == 1


async def test_a_slow_health_url_is_a_warning() -> None:
    """With the step to its pods."""
    slow = probed(health_url(), Health.SLOW, trouble("It took 2.4 s.", code="PROBE_SLOW", severity=Severity.WARNING))
    view = await look(probes=FixedProbes(slow))
    assert rows(view)[:2] == ["▲ shop is degraded: 1 thing needs you", "▲ 1  search: its health URL is slow  (warning)"]
    assert buttons(view)["Status"] == "status"


async def test_a_certificate_about_to_end_is_named() -> None:
    """By the name that people type."""
    answer = probed(health_url(), certificates=(served(days=3, address="203.0.113.7"),))
    shown = rows(await look(probes=FixedProbes(answer), extras=FixedExtras()))
    assert shown[1] == "▲ 1  rag.example.com: its certificate ends in 3 days  (warning)"
    assert shown[2] == ("It is served at 203.0.113.7, made by R11. No Certificate of cert-manager is known for it.")


async def test_what_is_only_noted_stands_before_what_is_fine() -> None:
    """It is no cause to act, but not all well either."""
    shown = rows(
        await look(snapshot(API, REPLICAS, *PODS, SERVICE, endpoints(SERVICE, *PODS), replace(WEB, addresses=())))
    )
    assert shown[0] == "✔ shop is healthy"
    assert shown[1] == "Note: ingresses: web (nginx) rag.example.com, TLS rag-tls, without an address"


async def test_a_release_that_comes_up_is_no_problem() -> None:
    """It is said to be starting."""
    workload = deployment(desired=2, ready=1)
    replicas = replica_set(workload)
    coming = replace(pod(replicas, container(ready=False), age_s=5), started_at=NOW)
    view = await look(snapshot(workload, replicas, pod(replicas), coming))
    assert view.summary == "shop is starting"


# --- one service ------------------------------------------------------------------------------------------------------


async def test_a_service_is_called_by_its_alias() -> None:
    """And checked without the rest of the namespace."""
    view = await look(snapshot(*WELL.workloads, REPLICAS, *PODS, *crashing("worker")), "health api")
    assert view.summary == "search is healthy"
    assert "worker" not in repr(view.blocks)
    assert buttons(view)["Status"] == "status search"
    assert data(view)["service"] == "search"


async def test_an_unknown_service_names_its_neighbours() -> None:
    """As a command that can be sent as it is."""
    view = await look(text="health serch")
    assert view.summary == 'There is no workload "serch" in shop.'
    assert data(view)["suggestions"] == ["health search"]
    assert view.exit_code == 2


async def test_commands_stay_in_the_namespace_that_is_looked_at() -> None:
    """Whoever looks into another namespace is not led back."""
    view = await look(snapshot(*crashing("worker")), "health -n kube-system", watch=watching_over())
    assert all(command.endswith("-n kube-system") for command in buttons(view).values())


# --- what is not known ------------------------------------------------------------------------------------------------


async def test_a_cluster_that_cannot_be_read_is_no_verdict() -> None:
    """What else was looked at is told; equal reasons stand together."""
    view = await look(problem=ClusterUnreachable("The API server of prod-eu did not answer."))
    shown = without_time(rows(view))
    assert shown[0] == "? shop: I cannot tell, its cluster could not be read"
    assert any(row.startswith("Fine: health URLs: 1 of 1 answer, in 12 ms") for row in shown)
    [unread] = [row for row in shown if row.startswith("Not checked: ")]
    assert unread.startswith("Not checked: workloads, usage, services, ingresses, autoscalers, nodes, ")
    assert shown[-1] == "shop on prod-eu · only you see this"
    assert view.exit_code == 2
    assert data(view)["as_of"] is None


@pytest.mark.parametrize(
    ("shown", "summary"),
    [
        (snapshot(), "shop: I cannot tell, nothing runs in shop on prod-eu (is the namespace right?)"),
        (
            replace(WELL, parts={**WELL.parts, Part.PODS: stale(240)}),
            "shop: I cannot tell, what decides could not be read, or is not up to date",
        ),
        (
            replace(WELL, parts={**WELL.parts, Part.DEPLOYMENTS: missing("no right")}),
            "shop: I cannot tell, what decides could not be read, or is not up to date",
        ),
    ],
    ids=["nothing there", "stale", "forbidden"],
)
async def test_what_was_not_seen_is_never_healthy(shown: Snapshot, summary: str) -> None:
    """The reason is in the first line."""
    view = await look(shown)
    assert view.summary == summary
    assert view.exit_code == 2


async def test_a_health_url_that_was_not_asked_is_no_verdict() -> None:
    """It decides, too."""
    view = await look(probes=None)
    assert view.summary == "shop: I cannot tell, its health URL could not be asked"
    assert "Not checked: health URLs (nothing is probed from here)" in rows(view)


async def test_something_to_do_is_said_though_the_verdict_is_open() -> None:
    """It is still to do."""
    view = await look(extras=FixedExtras(quotas=[quota(0.95)]), problem=ClusterUnreachable("gone"))
    assert view.summary == "shop: I cannot tell, its cluster could not be read; 1 thing needs you"


# --- for programs -----------------------------------------------------------------------------------------------------


async def test_the_data_has_every_section_with_its_time_and_problem() -> None:
    """Whatever was fine, absent or not read."""
    view = await look(extras=FixedExtras(quotas=[quota(0.95)], disks=ClusterForbidden("no right")))
    told = data(view)
    assert list(told) == KEYS
    assert told["verdict"] == "degraded"
    assert told["at"] == "2026-11-24T22:00:00+00:00"
    by_name = {each["name"]: each for each in told["sections"]}
    assert len(by_name) == 14
    assert list(by_name["disks"]) == ["name", "words", "problem", "absent", "fine", "took_s", "attentions"]
    assert (by_name["disks"]["problem"], by_name["disks"]["fine"]) == ("no right", False)
    assert by_name["backups"]["absent"] is True
    assert by_name["quota"]["attentions"] == ["QUOTA_NEARLY_FULL:compute/requests.cpu"]
    assert all(isinstance(each["took_s"], float) for each in told["sections"])
    assert told["attentions"][0] == {
        "key": "QUOTA_NEARLY_FULL:compute/requests.cpu",
        "severity": "warning",
        "service": "shop",
        "title": "quota compute is 95 % full",
        "words": "9.5 of 10 requests.cpu are taken; what does not fit is refused.",
        "since": None,
        "next": {
            "kind": "manual",
            "text": "kubectl -n shop describe quota compute",
            "reason": "shows all its figures",
        },
    }
    assert told["quotas"][0]["share"] == 0.95
    assert told["probes"][0]["health"] == "ok"


async def test_the_data_has_what_was_read_besides() -> None:
    """In plain figures."""
    answer = probed(health_url(), certificates=(served(),))
    told = data(await look(probes=FixedProbes(answer)))
    assert told["backups"][0]["phase"] == "Completed"
    assert told["certificates"][0]["names"] == ["rag.example.com"]
    assert told["disks"][0]["capacity"] == 1000 * MI
    assert told["probes"][0]["certificates"][0]["serial"] == "ab12"


# --- hostile words ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [*WORDS, *(text for text, _ in SECRETS)])
async def test_words_of_targets_stay_words(words: str) -> None:
    """They are cleaned, masked, on one line, and change nothing of the answer's form."""
    plain = await look(probes=FixedProbes(failed(health_url(), "x", advice="y")))
    hostile = await look(probes=FixedProbes(failed(health_url(), f"said {words}", advice=f"try {words}")))
    assert [type(block) for block in hostile.blocks] == [type(block) for block in plain.blocks]
    text = "\n".join(rows(hostile))
    assert controls_in(text) == []
    assert secrets_in(text + repr(hostile.data)) == []


async def test_health_needs_its_ports() -> None:
    """Handed out without them, it is a bug of the machine and said to be."""
    with pytest.raises(ValueError, match="needs the cluster"):
        await health.observe(health.Params(), Sources(scope=SCOPE, request=asked("health"), now=NOW))
