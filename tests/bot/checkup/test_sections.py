"""Each section: its one line, when it is noted, when it is absent, and what it asks of a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from bot.checkup import Asked, check_up
from bot.checkup.kinds import section_kinds
from bot.domain.findings import Severity
from bot.domain.objects import Endpoint, EndpointSlice, Job, Route, Workload
from bot.domain.snapshot import Part, Snapshot
from bot.domain.watch.checkups import Checkup, Section
from bot.domain.watch.policy import Thresholds
from bot.errors import ClusterUnreachable
from tests.support.builders import (
    MI,
    NOW,
    SCOPE,
    autoscaler,
    claim,
    condition,
    container,
    cron_job,
    deployment,
    endpoints,
    event,
    happened,
    ingress,
    job,
    labelled,
    meta,
    missing,
    node,
    pod,
    replica_set,
    service,
    snapshot,
    template_labelled,
    usage,
)
from tests.support.fixed_probes import (
    FixedExtras,
    FixedProbes,
    backup,
    disk,
    health_url,
    issued,
    probed,
    quota,
    served,
    watching_over,
)
from tests.support.service import CATALOGUE
from tests.support.twins import SnapshotCluster, TableLogs

API = template_labelled(deployment(), app="api")
REPLICAS = replica_set(API, ready=1)
POD = labelled(pod(REPLICAS, name="api-0"), app="api")


async def check(shown: Snapshot, **more: Any) -> Checkup:
    given = {"extras": FixedExtras()} | more
    cluster = SnapshotCluster(shown)
    return await check_up(Asked(scope=SCOPE, now=NOW, cluster=cluster, logs=TableLogs(), catalogue=CATALOGUE, **given))


async def look(name: str, *objects: object, **more: Any) -> Section:
    parts = more.pop("parts", {})
    checkup = await check(snapshot(API, REPLICAS, POD, *objects, parts=parts), **more)
    return next(each for each in checkup.sections if each.name == name)


def told(section: Section) -> tuple[str, bool, list[str]]:
    return section.words, section.is_fine, [attention.key for attention in section.attentions]


def test_sections_are_in_their_order() -> None:
    """Each has a place of its own, and a reading that there is."""
    kinds = section_kinds()
    assert len(kinds) == 15
    assert len({kind.order for kind in kinds}) == len(kinds)
    readings = {"cluster", "health", "dependencies", "quotas", "backups", "certificates", "disks"}
    assert {kind.reading for kind in kinds} == readings


# --- of the cluster ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "words", "fine"),
    [
        ((), "1 of 1 ready", True),
        ((deployment("off", desired=0),), "1 of 1 ready, 1 scaled to 0", True),
        ((deployment("worker", desired=2, ready=1),), "1 of 2 ready", False),
    ],
)
async def test_workloads(more: Sequence[Workload], words: str, fine: bool) -> None:
    """How many are ready of those that should be."""
    section = await look("workloads", *more)
    assert (section.words, section.is_fine) == (words, fine)


async def test_a_namespace_without_anything_has_no_workloads() -> None:
    """It is said by the verdict that this is strange."""
    [section] = [each for each in (await check(snapshot())).sections if each.name == "workloads"]
    assert section.absent


async def test_a_service_that_is_off_is_said_to_be() -> None:
    """Not as 0 of 0."""
    checkup = await check(snapshot(deployment("api", desired=0)), service="api")
    assert checkup.sections[0].words == "scaled to 0"


async def test_usage_against_limits_and_requests() -> None:
    """The highest shares, and who uses more than it asked for."""
    limited = replace(container(memory=100 * MI, memory_limit=400 * MI), cpu_limit_m=1000)
    shown = replace(POD, containers=(limited,))
    checkup = await check(snapshot(API, REPLICAS, shown, usage(shown, cpu_m=410, memory=200 * MI)))
    section = checkup.sections[1]
    assert told(section) == (
        "at most CPU 41 % and memory 50 % of a limit; 1 of 1 container above the memory request",
        True,
        [],
    )


async def test_usage_near_a_limit_is_noted() -> None:
    """By the operator's thresholds; one sample is no cause to wake anybody."""
    limited = replace(container(memory_limit=400 * MI), cpu_limit_m=1000)
    pods = [replace(POD, meta=meta(name, owner=POD.meta.owner), containers=(limited,)) for name in ("api-1", "api-2")]
    shown = snapshot(
        API, REPLICAS, *pods, usage(pods[0], cpu_m=850, memory=344 * MI), usage(pods[1], cpu_m=820, memory=1)
    )
    section = (await check(shown)).sections[1]
    assert (section.words, section.is_fine) == ("near a limit: search memory 86 %, search CPU 85 %", False)
    policy = replace(watching_over(), thresholds=Thresholds(cpu_percent=99, memory_percent=99))
    assert (await check(shown, watch=policy)).sections[1].is_fine


async def test_memory_that_the_diagnosis_names_is_told_by_usage() -> None:
    """It is about a workload, but belongs here."""
    limited = container(memory_limit=100 * MI)
    shown = replace(POD, containers=(limited,))
    section = (await check(snapshot(API, REPLICAS, shown, usage(shown, memory=95 * MI)))).sections[1]
    assert [each.key for each in section.attentions] == ["MEMORY_HIGH:deployment/api/api"]


async def test_without_metrics_the_reason_is_said() -> None:
    """Nobody is told that all is calm."""
    section = await look("usage", parts={Part.POD_METRICS: missing("the cluster has no metrics API")})
    assert section.problem == "metrics not available: the cluster has no metrics API"
    assert (await look("usage")).problem == "no pod has a sample yet"


async def test_services_and_what_is_ready_behind_them() -> None:
    """Each by its figures where they are few."""
    api = service("api", app="api")
    assert told(await look("services", api, endpoints(api, POD))) == ("endpoints ready: api 1/1", True, [])
    others = [service(f"s{number}", app="api") for number in range(5)]
    section = await look("services", *others, *(endpoints(each, POD) for each in others[1:]))
    assert section.words == "4 of 5 with ready endpoints, none behind s0"
    assert [each.key for each in section.attentions] == ["SERVICE_WITHOUT_ENDPOINTS:service/s0"]
    assert (await look("services")).absent


async def test_services_that_select_nothing_by_themselves_are_no_fault() -> None:
    """Somebody else decides what is behind them."""
    assert (await look("services", service("outside"))).words == "1, none that should have endpoints"


async def test_an_address_of_each_family_is_one_endpoint() -> None:
    """A pod with two addresses does not count twice."""
    api = service("api", app="api")
    second = EndpointSlice(
        meta=meta("api-v6"), service="api", endpoints=(Endpoint(("fd00::1",), ready=True, pod="api-0"),)
    )
    assert (await look("services", api, endpoints(api, POD), second)).words == "endpoints ready: api 1/1"


async def test_ingresses() -> None:
    """Class, hosts, the certificate's secret and the address."""
    web = replace(
        ingress("web", Route("rag.example.com", "/", "api", "80")),
        ingress_class="nginx",
        tls_secrets=("rag-tls",),
        addresses=("203.0.113.7",),
    )
    api = service("api", app="api")
    there = (api, endpoints(api, POD))
    assert told(await look("ingresses", *there, web)) == (
        "web (nginx) rag.example.com, TLS rag-tls, at 203.0.113.7",
        True,
        [],
    )
    waiting = replace(web, meta=meta("new"), addresses=())
    assert told(await look("ingresses", *there, waiting))[:2] == (
        "new (nginx) rag.example.com, TLS rag-tls, without an address",
        False,
    )
    many = [replace(web, meta=meta(f"web-{number}")) for number in range(3)]
    assert (await look("ingresses", *there, *many)).words == "3 for 1 host (nginx), all with an address"
    assert (await look("ingresses", *there, *many, waiting)).words == "4 for 1 host (nginx), without an address: new"
    lost = await look("ingresses", replace(web, routes=(Route("rag.example.com", "/", "nowhere", "80"),)))
    assert told(lost)[2] == ["INGRESS_SERVICE_MISSING:ingress/web"]


async def test_autoscalers() -> None:
    """Between which bounds each is, and whether it can do its work."""
    assert told(await look("autoscalers", autoscaler(API, current=3))) == ("api 3 of 2 to 4", True, [])
    full = await look("autoscalers", replace(autoscaler(API, current=3), desired=4))
    assert (full.words, full.is_fine) == ("api 3 of 2 to 4, wants 4 (at its maximum)", False)
    stuck = await look("autoscalers", autoscaler(API, condition("ScalingActive", "False", "FailedGetResourceMetric")))
    assert stuck.words == "api 2 of 2 to 4 (FailedGetResourceMetric)"
    off = autoscaler(API, condition("ScalingActive", "False", "ScalingDisabled"))
    assert (await look("autoscalers", off)).words == "api 2 of 2 to 4"
    many = [autoscaler(API, name=f"h{number}") for number in range(4)]
    assert (await look("autoscalers", *many)).words == "4, none at its maximum"
    many[0] = replace(many[0], desired=4)
    assert (await look("autoscalers", *many)).words == "4, 1 at the maximum"


async def test_nodes() -> None:
    """Ready or not, and what presses."""
    well, sick = node("n1"), node("n2", conditions=(condition("DiskPressure", "True"),), cordoned=True)
    gone = node("node-1", conditions=(condition("Ready", "Unknown"),))
    section = await look("nodes", well, sick, gone)
    assert section.words == "2 of 3 ready; n2 DiskPressure and cordoned, node-1 not ready"
    assert [each.key for each in section.attentions] == ["NODE_UNREACHABLE:node/node-1"]
    assert (await look("nodes", well)).is_fine


async def test_claims() -> None:
    """One that waits for its first pod is no fault; one that is lost is noted."""
    assert told(await look("volume claims", claim(phase="Bound"))) == ("1 of 1 bound", True, [])
    section = await look("volume claims", claim(phase="Bound"), claim("old", phase="Lost"))
    assert (section.words, section.noted) == ("1 of 2 bound; old Lost", True)


async def test_jobs() -> None:
    """How many there are and how the kept runs ended; a failed one needs somebody."""
    nightly = cron_job(last_successful=3000)
    done = job("nightly-1", condition("Complete", "True"), owner=nightly, completed=3000)
    assert told(await look("jobs", nightly, done)) == ("1 cron job, 1 run kept: 1 done", True, [])
    failed: Job = job("import", condition("Failed", "True", "BackoffLimitExceeded"), failed=7)
    section = await look("jobs", cron_job(suspended=True), done, failed, job("long"))
    assert section.words == "1 cron job (1 suspended), 3 runs kept: 1 done, 1 going, 1 failed"
    assert [each.key for each in section.attentions] == ["JOB_FAILED:job/import"]


async def test_warnings_of_the_last_hour_are_grouped() -> None:
    """By reason and by what people know; older and normal ones are none."""
    warned = [
        replace(event(POD, "Unhealthy", "Readiness probe failed", ago_s=seconds), type="Warning", count=4)
        for seconds in (60, 120, 4000)
    ]
    other = replace(happened(meta("data"), "PersistentVolumeClaim", "ProvisioningFailed", "no"), type="Warning")
    normal = event(POD, "Pulled", "Image pulled")
    section = await look("events", *warned, other, normal)
    words = "Unhealthy of search (8 times, last 60 s ago), ProvisioningFailed of data (1 times, last 60 s ago)"
    assert told(section) == (words.replace("1 times", "once"), False, [])
    assert told(await look("events", normal)) == ("no warning in the last hour", True, [])
    assert (await look("events", parts={Part.EVENTS: missing("no right")})).problem == "no right"


async def test_many_kinds_of_warnings_are_counted() -> None:
    """Three are named."""
    warned = [replace(event(POD, f"Reason{number}", "x"), type="Warning") for number in range(5)]
    assert (await look("events", *warned)).words.endswith(" and 2 other kinds")


# --- of targets and extras --------------------------------------------------------------------------------------------


async def test_health_urls_are_told_by_the_slowest() -> None:
    """And those that fail by their names."""
    others = [replace(health_url(), name=f"u{number}", service="") for number in range(3)]
    probes = FixedProbes(probed(others[1], took_ms=2400.0), probed(others[2], took_ms=None))
    section = await look("health URLs", probes=probes, watch=watching_over(*others))
    assert section.words == "3 of 3 answer, the slowest in 2.4 s (u1)"
    assert (await look("health URLs")).absent


async def test_certificates() -> None:
    """The first that ends counts; the threshold is the operator's."""
    target = health_url()
    probes = FixedProbes(probed(target, certificates=(served(days=60),)))
    alone = {"probes": probes, "watch": watching_over(target)}
    assert told(await look("certificates", **alone)) == ("the only one ends in 60 days", True, [])
    both = FixedExtras(certificates=[issued(days=60), issued("other", names=("b.example.com",), days=30)])
    assert (await look("certificates", extras=both, **alone)).words == "the first of 2 ends in 30 days"
    soon = await look("certificates", extras=FixedExtras(certificates=[issued(days=6)]))
    assert [each.key for each in soon.attentions] == ["CERTIFICATE_ENDS:rag-tls"]
    policy = replace(watching_over(), thresholds=Thresholds(certificate_days=5))
    calm = await look("certificates", extras=FixedExtras(certificates=[issued(days=6)]), watch=policy)
    assert calm.attentions == ()


async def test_a_certificate_that_has_ended_is_critical() -> None:
    """And said in the past."""
    target = health_url()
    probes = FixedProbes(probed(target, certificates=(served(days=-2),)))
    section = await look("certificates", probes=probes, watch=watching_over(target))
    assert section.words == "the only one has ended"
    [attention] = section.attentions
    assert (attention.severity, attention.title) == (Severity.CRITICAL, "its certificate ended 2 days ago")
    assert attention.words == "No Certificate of cert-manager is known for it."


async def test_a_certificate_that_is_not_renewed_says_why() -> None:
    """With the words of cert-manager."""
    extras = FixedExtras(certificates=[issued(days=3, ready=False, failed_attempts=2, words="rate limited")])
    [attention] = (await look("certificates", extras=extras)).attentions
    assert attention.words == "cert-manager cannot renew it after 2 failed tries: rate limited"
    extras = FixedExtras(certificates=[issued(days=None, ready=False)])
    section = await look("certificates", extras=extras)
    assert section.words == "1 certificate, none made yet"
    assert [each.key for each in section.attentions] == ["CERTIFICATE_NOT_READY:rag-tls"]


async def test_a_service_has_the_certificates_of_its_ingresses() -> None:
    """Others of the namespace are not its own."""
    api = service("api", app="api")
    web = replace(ingress("web", Route("rag.example.com", "/", "api", "80")), tls_secrets=("rag-tls",))
    extras = FixedExtras(certificates=[issued(days=60), issued("other", names=("b.example.com",), days=3)])
    section = await look("certificates", api, endpoints(api, POD), web, extras=extras, service="search")
    assert told(section) == ("the only one ends in 60 days", True, [])


@pytest.mark.parametrize(
    ("share", "keys"), [(0.89, []), (0.9, ["QUOTA_NEARLY_FULL:compute/requests.cpu"])], ids=["room", "nearly full"]
)
async def test_quotas(share: float, keys: list[str]) -> None:
    """From nine tenths on somebody should know."""
    section = await look("quota", extras=FixedExtras(quotas=[quota(share), replace(quota(), share=None)]))
    assert section.words == f"at most {share * 100:.0f} % taken (requests.cpu: {share * 10:g} of 10)"
    assert [each.key for each in section.attentions] == keys


async def test_a_quota_that_refuses_pods_is_told_by_the_finding() -> None:
    """It is one cause."""
    refused = 'pods "x" is forbidden: exceeded quota: compute, requested: pods=1, used: pods=10, limited: pods=10'
    workload = deployment("late", ready=0)
    said = condition("ReplicaFailure", "True", "FailedCreate", refused)
    extras = FixedExtras(quotas=[quota(1.0, resource="pods"), quota(0.95)])
    checkup = await check(snapshot(workload, replace(replica_set(workload), conditions=(said,))), extras=extras)
    assert [each.key for each in checkup.attentions] == [
        "QUOTA_EXCEEDED:deployment/late",
        "QUOTA_NEARLY_FULL:compute/requests.cpu",
    ]


async def test_disks() -> None:
    """Over the operator's threshold somebody is needed; a finding of the node says it already."""
    claims = disk(0.95, kind="PersistentVolumeClaim", name="data")
    section = await look("disks", extras=FixedExtras(disks=[disk(), claims]))
    assert section.words == "the fullest 95 % (volume of data)"
    [attention] = section.attentions
    assert attention.key == "DISK_NEARLY_FULL:persistentvolumeclaim/data"
    assert attention.words == "950 Mi of 1000 Mi are used, 50 Mi are left."
    pressed = node(conditions=(condition("DiskPressure", "True"),))
    checkup = await check(snapshot(API, REPLICAS, POD, pressed), extras=FixedExtras(disks=[disk(0.95)]))
    assert [each.key for each in checkup.attentions] == ["NODE_DISK_PRESSURE:node/node-1"]


async def test_nodes_whose_kubelets_say_nothing_are_named() -> None:
    """The others do not stand for them."""
    nodes = [node(name) for name in ("node-1", "node-2")]
    section = await look("disks", *nodes, extras=FixedExtras(disks=[disk()]))
    assert section.words.startswith("the fullest")
    assert section.problem == "the kubelet of node-2 tells nothing"
    assert not section.is_fine
    section = await look("disks", *nodes, extras=FixedExtras(disks=[]))
    assert (section.absent, section.problem) == (False, "the kubelets of node-1 and node-2 tell nothing")


async def test_whose_certificates_they_are_is_not_known_without_the_cluster() -> None:
    """That none of them is a service's own was not found out then, nor where its ingresses may not be read."""
    away = SnapshotCluster(snapshot(), problem=ClusterUnreachable("The API server did not answer."))
    extras = FixedExtras(certificates=[issued(days=3)])
    asked = Asked(
        scope=SCOPE, now=NOW, cluster=away, logs=TableLogs(), catalogue=CATALOGUE, extras=extras, service="search"
    )
    checkup = await check_up(asked)
    section = next(each for each in checkup.sections if each.name == "certificates")
    assert (section.absent, section.problem) == (False, "whose they are: The API server did not answer")
    parts = {Part.INGRESSES: missing("no right")}
    section = await look("certificates", extras=extras, service="search", parts=parts)
    assert (section.absent, section.problem) == (False, "whose they are: no right")


@pytest.mark.parametrize(
    ("backups", "words", "keys"),
    [
        ([backup()], "the last Completed, 8 h ago (nightly-1)", []),
        ([backup("b", "InProgress", hours_ago=0), backup()], "the last Completed, 8 h ago (nightly-1)", []),
        (
            [backup("b", "PartiallyFailed", errors=2), backup(hours_ago=30)],
            "the last PartiallyFailed, 8 h ago (b)",
            ["BACKUP_FAILED:nightly"],
        ),
        ([backup(hours_ago=27)], "the last Completed, 27 h ago (nightly-1)", ["BACKUP_OLD:shop"]),
        ([backup("b", "New", hours_ago=1)], "the last New, 60 min ago (b)", ["BACKUP_OLD:shop"]),
        ([backup(namespaces=("other",))], "none of 1 backup covers shop", []),
        ([], "none was made yet", []),
    ],
    ids=["good", "one goes on", "failed", "old", "only a new one", "of others", "none"],
)
async def test_backups(backups: Sequence[Any], words: str, keys: list[str]) -> None:
    """The last that ended counts, and the age of the last good one."""
    section = await look("backups", extras=FixedExtras(backups=backups))
    assert (section.words, [each.key for each in section.attentions]) == (words, keys)
    assert section.is_fine == (words == "the last Completed, 8 h ago (nightly-1)")


async def test_a_failed_backup_says_which_one_is_good() -> None:
    """That is what whoever must restore wants to know."""
    extras = FixedExtras(backups=[backup("b", "Failed", errors=2), backup("a", hours_ago=32)])
    [attention] = (await look("backups", extras=extras)).attentions
    assert attention.words == "b: Failed, 2 errors, 0 warnings. The last good one is a, 32 h ago."
