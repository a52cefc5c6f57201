"""The conditions that are worth an alert: when each is true, when it is not, and when nobody can say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType

import pytest

from bot.domain.catalogue import Catalogue
from bot.domain.findings import Severity
from bot.domain.snapshot import LogExcerpt, LogKey, Part
from bot.domain.targets import ObjectRef
from bot.domain.watch.extras import DiskUse, IssuedCertificate
from bot.domain.watch.policy import Thresholds
from bot.domain.watch.probes import Health, ProbeKind, ProbeTarget
from bot.domain.watch.world import UNSEEN, Judged, Looked, Unknown, World
from bot.watching.rule import all_rules
from tests.support import builders as make
from tests.support.fixed_probes import backup, database, failed, health_url, probed, served, trouble
from tests.support.worlds import API, finding, keys, minutes, of_cluster, world

RULES = {rule.name: rule for rule in all_rules()}
DB = ObjectRef("StatefulSet", "shop", "db")
NOTHING = Judged()


def judge(name: str, of: World) -> Judged:
    return RULES[name].judge(of)


def unjudged(judged: Judged) -> tuple[str, ...]:
    """Return beginnings of what could not be judged; each says why."""
    assert all(each.why for each in judged.unknown)
    return tuple(each.beginning for each in judged.unknown)


def test_the_checklist_is_there() -> None:
    """Every rule is one word and says in a sentence what it looks for."""
    expected = {"backup", "certificate", "cpu", "crash-loop", "database", "dependency", "disk", "down", "finding"}
    assert set(RULES) == expected | {"memory", "node-disk", "node-not-ready", "qdrant", "redis", "slow", "unreachable"}
    assert all(rule.name.replace("-", "").isalpha() and rule.summary and rule.severity for rule in RULES.values())


@pytest.mark.parametrize("name", sorted(RULES))
def test_where_all_is_well_nothing_is_true(name: str) -> None:
    """And where nothing of the kind is there, neither, and nothing is unknown."""
    api = make.deployment()
    replicas = make.replica_set(api, ready=1)
    asked = [probed(health_url()), probed(database()), probed(database("cache", kind=ProbeKind.REDIS))]
    well = world(api, replicas, make.pod(replicas), make.usage(make.pod(replicas)), probed=asked)
    found = judge(name, of_cluster() if RULES[name].of_cluster else well)
    assert found.signals == ()
    assert unjudged(found) in ((), ("cpu:deployment/api",), ("memory:deployment/api",))


@pytest.mark.parametrize("name", sorted(set(RULES) - {"backup", "certificate", "disk", "node-disk", "unreachable"}))
def test_where_nobody_could_look_nothing_is_known(name: str) -> None:
    """So what it fires stays as it is."""
    blind = replace(world(away="no answer", probed=[probed(health_url())]), probed=UNSEEN, samples=UNSEEN)
    found = judge(name, blind)
    assert found.signals == ()
    assert found.unknown or name == "database"


# --- down -------------------------------------------------------------------------------------------------------------


def broken_api() -> Sequence[object]:
    """Make a service behind which nobody takes traffic."""
    api = make.template_labelled(make.deployment(ready=0), app="api")
    replicas = make.replica_set(api)
    pod = make.labelled(make.pod(replicas, make.container(ready=False), age_s=3600), app="api")
    service = make.service("front", app="api")
    return api, replicas, pod, service, make.endpoints(service, pod)


def test_a_service_is_down_when_nobody_takes_traffic() -> None:
    """It is called by its alias, and held for two minutes."""
    found = judge("down", world(*broken_api()))
    [signal] = found.signals
    assert (signal.key, signal.service, signal.severity) == ("down:search", "search", Severity.CRITICAL)
    assert (signal.title, signal.words) == ("search is down", "Service front has no ready endpoint.")
    assert (signal.hold_s, signal.cause) == (120.0, "deployment/api")


def test_a_service_is_down_when_its_health_url_fails() -> None:
    """Why is said; one that could not be asked says nothing."""
    found = judge("down", world(probed=[failed(health_url())]))
    assert keys(found) == ("down:search",)
    assert found.signals[0].words == "search fails: It refuses the connection."
    assert unjudged(judge("down", world(probed=[probed(health_url(), Health.UNKNOWN)]))) == ("down:search",)


def test_where_endpoints_were_not_read_only_the_url_decides() -> None:
    """An old picture says nothing."""
    parts = {Part.ENDPOINT_SLICES: make.stale(300)}
    shown = make.snapshot(*broken_api(), parts=parts)
    blind = judge("down", world(shown=shown))
    assert (keys(blind), unjudged(blind)) == ((), ("down:search", "down:postgres"))
    assert blind.unknown[0].why == "endpoint slices: last seen 5 min ago"
    assert keys(judge("down", world(shown=shown, probed=[failed(health_url())]))) == ("down:search",)
    assert unjudged(judge("down", world(shown=shown, probed=[probed(health_url())]))) == ("down:postgres",)


def test_what_explains_it_is_its_cause() -> None:
    """A finding of its workload, of its service, or a dependency that fails: so that it is one message."""
    because = finding("CRASH_DEPENDENCY", because=(ObjectRef("Service", "shop", "db"), DB))
    found = judge("down", world(*broken_api(), findings=[because]))
    assert found.signals[0].cause == "statefulset/db"
    of_service = finding("SERVICE_PORT_UNKNOWN", ObjectRef("Service", "shop", "front"))
    assert judge("down", world(*broken_api(), findings=[of_service])).signals[0].cause == "service/front"
    asked = [failed(health_url()), failed(database(service="postgres"))]
    assert judge("down", world(probed=asked)).signals[0].cause == "statefulset/db"
    outside = [failed(health_url()), failed(database())]
    assert judge("down", world(probed=outside)).signals[0].cause == "target/postgres"


def test_a_service_that_is_off_on_purpose_is_not_down() -> None:
    """Nobody wants it."""
    api = make.template_labelled(make.deployment(desired=0), app="api")
    service = make.service("front", app="api")
    assert judge("down", world(api, service, make.endpoints(service))) == NOTHING


# --- crash loop -------------------------------------------------------------------------------------------------------


def test_a_crash_of_the_diagnosis_is_an_alert() -> None:
    """One for each workload, with the diagnosis' own words, since when the diagnosis knows of it."""
    api = make.deployment(ready=0)
    replicas = make.replica_set(api)
    seen = world(api, replicas, make.pod(replicas, make.crash_looping(restarts=1)))
    [signal] = judge("crash-loop", seen).signals
    assert seen.report.seen is not None
    assert signal.since == seen.report.seen.findings[0].since is not None
    assert (signal.key, signal.service, signal.hold_s) == ("crash-loop:deployment/api", "search", 0.0)
    assert signal.title == "search: crashes again and again"


@pytest.mark.parametrize(
    ("restarts", "true"),
    [((0, 0, 1, 2, 3), True), ((4, 4, 5, 6, 6), False), ((9, 0, 0, 0, 2), False), ((0, 1, 0, 1, 2), True)],
)
def test_three_restarts_in_ten_minutes_are_an_alert(restarts: tuple[int, ...], *, true: bool) -> None:
    """Pods that are gone with their restarts are no restarts."""
    found = judge("crash-loop", world(history=minutes(restarts=restarts)))
    assert keys(found) == (("crash-loop:deployment/api",) if true else ())


def test_restarts_of_long_ago_do_not_count() -> None:
    """Ten minutes are looked at."""
    old = minutes(restarts=(0, 3, *[3] * 10))
    assert judge("crash-loop", world(history=old)) == NOTHING


# --- figures ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shares", "true", "unknown"),
    [
        ((0.9, 0.85, 0.8, 0.99, 0.9), True, False),
        ((0.9, 0.85, 0.79, 0.99, 0.9), False, True),  # not all the time, and not below either
        ((0.9, 0.9, 0.9, 0.9), False, True),  # not for long enough
        ((0.9, 0.9, 0.9, 0.9, 0.73), False, True),
        ((0.9, 0.9, 0.9, 0.9, 0.71), False, False),
        ((0.1, None, 0.1, 0.1, None), False, False),
        ((None, None), False, True),
    ],
)
def test_cpu_is_high_when_it_is_all_the_time(shares: tuple[float | None, ...], *, true: bool, unknown: bool) -> None:
    """Between its threshold and a tenth below nothing begins and nothing ends."""
    found = judge(
        "cpu", world(history=[replace(each, at=each.at + timedelta(seconds=30)) for each in minutes(*shares)])
    )
    key = ("cpu:deployment/api",)
    assert (keys(found), *found.stays, *unjudged(found)) == (key if true else (), *(key if unknown else ()))


@pytest.mark.parametrize(("memory", "true", "unknown"), [(86, True, False), (80, False, True), (70, False, False)])
def test_memory_is_high_by_what_is_used_now(memory: int, *, true: bool, unknown: bool) -> None:
    """Of the container that is nearest to its limit."""
    api = make.deployment()
    replicas = make.replica_set(api, ready=1)
    pod = make.pod(replicas, make.container(memory_limit=100 * make.MI))
    found = judge("memory", world(api, replicas, pod, make.usage(pod, memory=memory * make.MI)))
    key = ("memory:deployment/api",)
    assert (keys(found), found.stays) == (key if true else (), key if unknown else ())


@pytest.mark.parametrize(
    ("health", "took_ms", "true", "unknown"),
    [
        (Health.SLOW, 2400.0, True, False),
        (Health.OK, 2000.0, True, False),
        (Health.OK, 1900.0, False, True),
        (Health.OK, 300.0, False, False),
        (Health.FAILED, None, False, True),
        (Health.UNKNOWN, None, False, True),
    ],
)
def test_a_response_is_slow_by_its_health_url(
    health: Health, took_ms: float | None, *, true: bool, unknown: bool
) -> None:
    """One that fails is not told to be fast again."""
    found = judge("slow", world(probed=[probed(health_url(), health, took_ms=took_ms)]))
    key = ("slow:search",)
    assert (keys(found), *found.stays, *unjudged(found)) == (key if true else (), *(key if unknown else ()))


@pytest.mark.parametrize(("used", "true", "stays"), [(95, True, False), (85, False, True), (80, False, False)])
def test_a_disk_is_full_by_what_the_kubelets_say(used: int, *, true: bool, stays: bool) -> None:
    """Where they may be asked; where not, what fires stays."""
    disks = [DiskUse(kind="Node", name="n1", namespace="", used=used, capacity=100, what="nodefs")]
    found = judge("node-disk", of_cluster(disks=Looked(disks), nodes=("n1",)))
    key = ("node-disk:node/n1:nodefs",)
    assert (keys(found), found.stays) == (key if true else (), key if stays else ())
    assert unjudged(judge("node-disk", of_cluster(disks=Looked(problem="no right")))) == ("node-disk:",)
    assert judge("disk", world(disks=Looked(disks))) == NOTHING


def test_a_disk_of_which_nothing_is_told_stays_as_it_is() -> None:
    """A kubelet that does not answer, for its disk is full, does not end the alert; nor does a claim nobody mounts."""
    told = [DiskUse(kind="Node", name="n1", namespace="", used=10, capacity=100, what="nodefs")]
    found = judge("node-disk", of_cluster(disks=Looked(told), nodes=("n1", "n2")))
    assert (keys(found), unjudged(found)) == ((), ("node-disk:node/n2:",))
    claims = judge("disk", world(make.claim("data"), disks=Looked(told)))
    assert (keys(claims), unjudged(claims)) == ((), ("disk:persistentvolumeclaim/data:",))


def test_where_nobody_knows_what_there_is_only_what_is_told_is_known() -> None:
    """Without the right to list nodes or claims: a disk that is told to be well is, the others are not known."""
    node = [DiskUse(kind="Node", name="n1", namespace="", used=10, capacity=100, what="nodefs")]
    found = judge("node-disk", of_cluster(disks=Looked(node)))
    assert (unjudged(found), found.fine) == (("node-disk:",), ("node-disk:node/n1:nodefs",))
    claim = [DiskUse(kind="PersistentVolumeClaim", name="data", namespace="shop", used=10, capacity=100)]
    shown = make.snapshot(parts={Part.CLAIMS: make.missing("no right")})
    blind = judge("disk", world(shown=shown, disks=Looked(claim)))
    assert (unjudged(blind), blind.fine) == (("disk:",), ("disk:persistentvolumeclaim/data:",))


# --- kinds of objects that could not be listed ------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["crash-loop", "finding", "cpu", "memory"])
@pytest.mark.parametrize(
    ("part", "kind"),
    [
        (Part.DEPLOYMENTS, "deployment"),
        (Part.REPLICA_SETS, "deployment"),
        (Part.STATEFUL_SETS, "statefulset"),
        (Part.DAEMON_SETS, "daemonset"),
    ],
)
def test_alerts_of_a_kind_that_was_not_listed_stay(name: str, part: Part, kind: str) -> None:
    """With why; those of other kinds are judged."""
    shown = make.snapshot(parts={part: make.missing("no right to list them")})
    unknown = {each.beginning: each.why for each in judge(name, world(shown=shown)).unknown}
    assert unknown[f"{name}:{kind}/"] == f"{part.value}: no right to list them"
    others = {"deployment", "statefulset", "daemonset"} - {kind}
    assert not {f"{name}:{each}/" for each in others} & unknown.keys()


def test_behind_a_service_all_kinds_of_workloads_may_stand() -> None:
    """Where one could not be listed nobody knows who takes traffic."""
    shown = make.snapshot(*broken_api(), parts={Part.DAEMON_SETS: make.missing("no right")})
    found = judge("down", world(shown=shown))
    assert (keys(found), unjudged(found)) == ((), ("down:search", "down:postgres"))


def test_a_database_is_not_reached_again_because_nobody_could_listen() -> None:
    """The log of a pod that crashes could not be read, or the workload that uses the database was not listed."""
    target = replace(database(), used_by=("search",))
    crash = replace(finding("CRASH_LOOP"), pods=("api-1",))
    quiet = world(findings=[crash], probed=[probed(target)])
    assert judge("database", quiet) == NOTHING
    assert quiet.report.seen is not None
    key = LogKey("api-1", "app", previous=True)
    for snapshot, why in (
        (replace(quiet.report.seen.snapshot, logs={key: LogExcerpt(problem="no right")}), "logs: no right"),
        (make.snapshot(parts={Part.DEPLOYMENTS: make.missing("no right")}), "deployments: no right"),
    ):
        deaf = replace(quiet, report=Looked(replace(quiet.report.seen, snapshot=snapshot)))
        assert judge("database", deaf).unknown == (Unknown("database:postgres", why),)


# --- what the configuration leaves out --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("database", database()),
        ("redis", database("cache", kind=ProbeKind.REDIS)),
        ("qdrant", database("vectors", kind=ProbeKind.QDRANT)),
        ("dependency", database("queue", kind=ProbeKind.TCP)),
        ("down", health_url()),
        ("slow", health_url()),
        ("certificate", health_url()),
    ],
)
def test_a_target_that_was_left_out_is_watched_by_nobody(name: str, target: ProbeTarget) -> None:
    """Nor is one by whose name another kind of thing goes now."""
    asked = failed(target)
    if name == "slow":
        asked = probed(target, Health.SLOW, took_ms=9000.0)
    if name == "certificate":
        asked = probed(target, certificates=(served(days=1),))
    there = world(probed=[asked])
    [signal] = judge(name, there).signals
    assert RULES[name].watches(there, signal)
    assert not RULES[name].watches(world(probed=[probed(database("other"))]), signal)
    renamed = replace(target, kind=ProbeKind.TLS)
    assert not RULES[name].watches(world(probed=[probed(renamed)]), signal)
    assert RULES[name].watches(replace(there, probed=UNSEEN), signal)


def test_a_service_that_left_the_catalogue_is_watched_by_nobody() -> None:
    """Though it was its endpoints that told of it."""
    there = world(*broken_api())
    [signal] = judge("down", there).signals
    assert RULES["down"].watches(there, signal)
    left = replace(there, catalogue=Catalogue(MappingProxyType({})))
    assert not RULES["down"].watches(left, signal)
    assert not RULES["down"].watches(replace(left, probed=UNSEEN), signal)


def test_what_is_not_installed_any_more_is_watched_by_nobody() -> None:
    """Velero, cert-manager, the kubelets' figures: that they are gone says nothing of backups and disks."""
    full = [DiskUse(kind="PersistentVolumeClaim", name="data", namespace="shop", used=99, capacity=100)]
    there = world(backups=Looked([]), certificates=Looked([issued(days=1)]), disks=Looked(full))
    for name in ("backup", "certificate", "disk"):
        [signal] = judge(name, there).signals
        assert RULES[name].watches(there, signal), name
        assert not RULES[name].watches(world(), signal), name


# --- dependencies -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        (ProbeKind.POSTGRESQL, "database"),
        (ProbeKind.REDIS, "redis"),
        (ProbeKind.QDRANT, "qdrant"),
        (ProbeKind.TCP, "dependency"),
    ],
)
def test_a_dependency_that_fails_is_an_alert(kind: ProbeKind, rule: str) -> None:
    """Each kind has its rule, and is held until it has failed twice."""
    target = database("store", kind=kind)
    found = judge(rule, world(probed=[failed(target)]))
    [signal] = found.signals
    assert (signal.key, signal.hold_s, signal.cause) == (f"{rule}:store", 60.0, "target/store")
    assert signal.title == "store fails"
    assert unjudged(judge(rule, world(probed=[probed(target, Health.UNKNOWN)]))) == (f"{rule}:store",)
    others = [each for each in ("database", "redis", "qdrant", "dependency") if each != rule]
    assert all(judge(other, world(probed=[failed(target)])) == NOTHING for other in others)


def test_a_database_without_a_connection_left_is_an_alert() -> None:
    """It answers, but nobody else may come in; what is merely not ideal is not one."""
    exhausted = trouble("All 100 connections are taken.", code="POSTGRESQL_CONNECTIONS_EXHAUSTED")
    found = judge("database", world(probed=[probed(database(), Health.DEGRADED, exhausted)]))
    assert [(each.title, each.words) for each in found.signals] == [
        ("postgres is in trouble", "All 100 connections are taken.")
    ]
    idle = trouble("A transaction is idle for 2 h.", severity=Severity.WARNING)
    assert judge("database", world(probed=[probed(database(), Health.DEGRADED, idle)])) == NOTHING


# --- certificates and backups -----------------------------------------------------------------------------------------


def issued(
    *, days: float = 60, overdue_h: float = -24, names: tuple[str, ...] = ("rag.example.com",)
) -> IssuedCertificate:
    return IssuedCertificate(
        name="web",
        secret_name="web-tls",
        names=names,
        ready=True,
        not_after=make.NOW + timedelta(days=days),
        renewal_at=make.NOW - timedelta(hours=overdue_h),
        revision=3,
    )


def test_a_certificate_that_ends_soon_is_one_cause_whoever_tells_of_it() -> None:
    """As it is served, and as cert-manager has it; once it has ended it is critical."""
    url = health_url()
    soon = world(probed=[probed(url, certificates=(served(days=6),))], certificates=Looked([issued(days=6)]))
    found = judge("certificate", soon)
    assert keys(found) == ("certificate:served:search", "certificate:issued:web")
    assert {(each.cause, each.severity) for each in found.signals} == {
        ("certificate/rag.example.com", Severity.WARNING)
    }
    assert found.signals[0].title == "certificate of rag.example.com ends in 6 days"
    [ended] = judge("certificate", world(probed=[probed(url, certificates=(served(days=-1),))])).signals
    assert (ended.severity, ended.title) == (Severity.CRITICAL, "certificate of rag.example.com ended 24 h ago")
    assert judge("certificate", world(probed=[probed(url, certificates=(served(days=8),))])) == NOTHING


def test_a_renewal_that_does_not_come_is_told_before_it_is_too_late() -> None:
    """A few hours are cert-manager's own."""
    [late] = judge("certificate", world(certificates=Looked([issued(overdue_h=10)]))).signals
    assert late.title == "renewal of the certificate of rag.example.com is overdue"
    assert judge("certificate", world(certificates=Looked([issued(overdue_h=5)]))) == NOTHING


def test_a_target_that_is_not_reached_shows_no_certificate() -> None:
    """That one is about to end is as true as before."""
    found = judge("certificate", world(probed=[failed(health_url())], certificates=Looked(problem="no right")))
    assert (keys(found), unjudged(found)) == ((), ("certificate:served:search", "certificate:issued:"))
    assert [each.why for each in found.unknown] == ["It refuses the connection.", "no right"]


@pytest.mark.parametrize(
    ("backups", "said"),
    [
        ([backup(hours_ago=8)], ""),
        ([backup(hours_ago=8), backup("n2", "Failed", hours_ago=2)], "shop: the last backup failed"),
        ([backup(hours_ago=8), backup("n2", "PartiallyFailed", hours_ago=2)], "shop: the last backup failed"),
        ([backup("n2", "Failed", hours_ago=20), backup(hours_ago=8)], ""),
        ([backup(hours_ago=8), backup("n2", "InProgress", hours_ago=0.1)], ""),
        ([backup(hours_ago=30)], "shop: no backup in 26 hours"),
        ([backup(hours_ago=30), backup("n2", "InProgress", hours_ago=0.1)], "shop: no backup in 26 hours"),
        ([replace(backup(hours_ago=8), namespaces=("other",))], "shop: no backup in 26 hours"),
        ([], "shop: no backup in 26 hours"),
    ],
)
def test_a_backup_failed_or_is_missing(backups: list[object], said: str) -> None:
    """The last one that ended counts."""
    found = judge("backup", world(backups=Looked(backups)))  # type: ignore[arg-type]  # a table of backups
    assert [each.title for each in found.signals] == ([said] if said else [])


def test_backups_that_cannot_be_read_are_unknown() -> None:
    """Where Velero is not, nobody is told anything."""
    assert judge("backup", world(backups=Looked(problem="no right"))).unknown == (Unknown("backup:", "no right"),)
    assert judge("backup", world()) == NOTHING


# --- the rest ---------------------------------------------------------------------------------------------------------


def test_nothing_critical_goes_without_an_alert() -> None:
    """What has a rule of its own is left to it; what is a warning is left to the health check."""
    crash = finding("CRASH_LOOP")
    image = finding("IMAGE_PULL_FAILED", because=(ObjectRef("Node", "", "n1"),))
    warning = finding("MEMORY_HIGH", severity=Severity.WARNING)
    found = judge("finding", world(findings=[crash, image, warning]))
    [signal] = found.signals
    assert (signal.key, signal.cause, signal.hold_s) == ("finding:deployment/api:IMAGE_PULL_FAILED", "node/n1", 60.0)
    assert signal.title == "search: is in trouble"


def test_a_cluster_that_is_away_is_one_alert() -> None:
    """However many namespaces it has; of each of them nothing is known then."""
    away = of_cluster(namespaces={"shop": "The API server did not answer.", "web": "The API server did not answer."})
    found = judge("unreachable", away)
    [signal] = found.signals
    assert (signal.key, signal.hold_s, signal.cause) == ("unreachable:prod-eu", 120.0, "cluster/prod-eu")
    assert signal.title == "cluster prod-eu cannot be read"
    assert unjudged(found) == ("unreachable:prod-eu/",)
    assert judge("unreachable", of_cluster(namespaces={"shop": "", "web": ""})) == NOTHING


def test_a_namespace_that_is_away_is_one_alert() -> None:
    """While others can be read; one that is left out is watched no more."""
    away = of_cluster(namespaces={"shop": "", "web": "pods could not be read: no right."})
    [signal] = judge("unreachable", away).signals
    assert (signal.key, signal.cause) == ("unreachable:prod-eu/web", "cluster/prod-eu/web")
    assert signal.title == "namespace web of prod-eu cannot be read"
    assert RULES["unreachable"].watches(away, signal)
    assert not RULES["unreachable"].watches(of_cluster(namespaces={"shop": ""}), signal)


def test_what_all_namespaces_share_is_judged_for_the_cluster() -> None:
    """All else for each of them."""
    assert {name for name, rule in RULES.items() if rule.of_cluster} == {"node-disk", "node-not-ready", "unreachable"}


def test_words_of_others_are_masked_and_on_one_line() -> None:
    """However long they are."""
    words = "password=hunter2hunter2 <!channel>\n\x1b[31m" + "x" * 5000
    [signal] = judge("redis", world(probed=[failed(database("c", kind=ProbeKind.REDIS), words)])).signals
    assert "hunter2" not in signal.words
    assert "\n" not in signal.words
    assert len(signal.words) <= 500


def test_thresholds_are_the_operators() -> None:
    """Every one of them."""
    strict = Thresholds(memory_percent=50.0, down_s=10.0, clear_s=5.0)
    api = make.deployment()
    replicas = make.replica_set(api, ready=1)
    pod = make.pod(replicas, make.container(memory_limit=100 * make.MI))
    found = judge("memory", world(api, replicas, pod, make.usage(pod, memory=60 * make.MI), thresholds=strict))
    assert (keys(found), found.signals[0].clear_s) == (("memory:deployment/api",), 5.0)
    assert judge("down", world(probed=[failed(health_url())], thresholds=strict)).signals[0].hold_s == 10.0


def test_workloads_of_the_catalogue_are_called_by_their_alias() -> None:
    """Others by their names."""
    other = ObjectRef("Deployment", "shop", "other")
    found = judge("crash-loop", world(findings=[finding("CRASH_LOOP", API), finding("CRASH_LOOP", other)]))
    assert [(each.title, each.service) for each in found.signals] == [
        ("search: is in trouble", "search"),
        ("other: is in trouble", ""),
    ]
