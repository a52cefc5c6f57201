"""A recorded namespace of a real cluster, in which every workload is ill in its own way."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.cluster.assemble import Seen, snapshot_of
from bot.cluster.resources import PAGES, RESOURCES
from bot.diagnosis import diagnose, wanted
from bot.domain.findings import Report, Severity, Verdict
from bot.domain.snapshot import Freshness, LogExcerpt, Part, PartStatus, Snapshot
from bot.domain.targets import ClusterName, Namespace, Scope
from bot.domain.text import Redacted

RECORDINGS = Path(__file__).parents[2] / "fixtures" / "cluster"
TAKEN = datetime(2026, 11, 24, 21, 58, 30, tzinfo=UTC)
FILES = {
    Part.PODS: "pods",
    Part.DEPLOYMENTS: "deployments",
    Part.REPLICA_SETS: "replicasets",
    Part.EVENTS: "events",
    Part.SERVICES: "services",
    Part.ENDPOINT_SLICES: "endpointslices",
    Part.AUTOSCALERS: "horizontalpodautoscalers",
    Part.JOBS: "jobs",
    Part.CLAIMS: "persistentvolumeclaims",
    Part.NODES: "nodes",
    Part.POD_METRICS: "metrics-pods",
    Part.NODE_METRICS: "metrics-nodes",
}
# Every fault of the recording, and the code that names it: (kind, name): (code, container, severity).
WRONG = {
    ("Deployment", "bad-command"): ("START_FAILED", "api", Severity.CRITICAL),
    ("Deployment", "cfg-missing"): ("CONFIGURATION_MISSING", "api", Severity.CRITICAL),
    ("Deployment", "embed-pull-dns"): ("IMAGE_PULL_FAILED", "api", Severity.CRITICAL),
    ("Deployment", "gpu-pending"): ("INSUFFICIENT_RESOURCES", "", Severity.CRITICAL),
    ("Deployment", "ingest-pull"): ("IMAGE_PULL_FAILED", "api", Severity.CRITICAL),
    ("Deployment", "init-crash"): ("CRASH_LOOP", "migrate", Severity.CRITICAL),
    ("Deployment", "liveness-loop"): ("LIVENESS_FAILING", "api", Severity.CRITICAL),
    ("Deployment", "mount-missing"): ("MOUNT_FAILED", "api", Severity.CRITICAL),
    ("PersistentVolumeClaim", "pg-data"): ("STORAGE_CLASS_MISSING", "", Severity.CRITICAL),
    ("Deployment", "port-conflict"): ("CRASH_LOOP", "api", Severity.CRITICAL),
    ("Deployment", "rag-engine-api"): ("CRASH_LOOP", "api", Severity.CRITICAL),
    ("Deployment", "tainted-pending"): ("NODE_SELECTOR_MISMATCH", "", Severity.CRITICAL),
    ("Deployment", "unready"): ("READINESS_FAILING", "api", Severity.CRITICAL),
    ("Deployment", "worker-oom"): ("OOM_KILLED", "api", Severity.CRITICAL),
    ("Job", "backfill"): ("JOB_FAILED", "b", Severity.WARNING),
    ("Deployment", "cpu-hot"): ("CPU_AT_LIMIT", "api", Severity.WARNING),
    ("Service", "wrong-selector"): ("SERVICE_SELECTS_NOTHING", "", Severity.WARNING),
    ("Service", "wrong-port"): ("SERVICE_PORT_UNDECLARED", "", Severity.INFO),
}
TITLES = {
    "bad-command": "cannot be started",
    "cfg-missing": "waits for config map app-config",
    "cpu-hot": "at its CPU limit",
    "embed-pull-dns": "image cannot be pulled (name resolution)",
    "ingest-pull": "image cannot be pulled (not found)",
    "init-crash": "crashes again and again",
    "liveness-loop": "restarted by its liveness probe",
    "mount-missing": "waits for a volume: secret tls-cert is missing",
    "port-conflict": "crashes again and again",
    "rag-engine-api": "new release crashes, the old one still serves",
    "unready": "runs, but is not ready",
    "worker-oom": "out of memory",
}
# What the programs wrote before they ended; the recording holds no logs.
LOGS = {
    "init-crash": "migrate: could not connect to server: Connection refused host=postgres port=5432",
    "port-conflict": "Error: listen EADDRINUSE: address already in use :::8080",
    "rag-engine-api": "FATAL rag.main: DATABASE_URL is not set",
}


def load() -> Snapshot:
    seen = {}
    for part, resource in RESOURCES.items():
        items = ()
        if part in FILES:
            body = (RECORDINGS / f"{FILES[part]}.json").read_bytes()
            items = tuple(resource.convert(resource.one.decode(item)) for item in PAGES.decode(body).items or ())
        seen[part] = Seen(PartStatus(Freshness.LIVE, TAKEN), items)
    return snapshot_of(Scope(ClusterName("recorded"), Namespace("rag-engine")), TAKEN, seen)


@pytest.fixture(scope="module")
def recorded() -> Snapshot:
    return load()


@pytest.fixture(scope="module")
def report(recorded: Snapshot) -> Report:
    return diagnose(recorded)


def test_every_fault_is_found_once_and_nobody_else_is_accused(report: Report) -> None:
    """Each broken object has exactly the cause it was given, the worst first."""
    found = {(f.target.kind, f.target.name): (f.code, f.container, f.severity) for f in report.findings}
    assert found == WRONG
    assert len(report.findings) == len(WRONG)
    assert [f.severity for f in report.findings] == sorted((f.severity for f in report.findings), reverse=True)
    assert report.verdict is Verdict.DEGRADED


def test_the_title_says_it_in_a_few_words(report: Report) -> None:
    """Beside the workload's name, nothing else need be read to know what it is about."""
    assert {f.target.name: f.title for f in report.findings if f.target.name in TITLES} == TITLES


def test_what_follows_is_told_under_its_cause(report: Report) -> None:
    """A roll-out that stops and a pod that waits for a claim are no troubles of their own."""
    felt = {(f.target.name, c.code, c.target.name) for f in report.findings for c in f.consequences}
    assert ("pg-data", "VOLUME_UNBOUND", "pvc-pending") in felt
    assert {code for _, code, _ in felt} == {"VOLUME_UNBOUND", "ROLLOUT_STUCK"}


def test_the_logs_tell_why_it_crashes(recorded: Snapshot) -> None:
    """Once the logs that were asked for are there, a crash with a reason has a code of its own."""
    lines = {
        pod.meta.name: line for name, line in LOGS.items() for pod in recorded.pods if pod.meta.name.startswith(name)
    }
    logs = {key: LogExcerpt((Redacted(lines[key.pod]),)) for key in wanted(recorded).logs if key.pod in lines}
    found = {f.target.name: (f.code, f.title) for f in diagnose(replace(recorded, logs=logs)).findings}
    assert found["init-crash"] == ("CRASH_DEPENDENCY", "crashes without postgres")
    assert found["port-conflict"] == ("CRASH_ADDRESS_IN_USE", "crashes, port 8080 is in use")
    title = "new release crashes for want of DATABASE_URL, the old one still serves"
    assert found["rag-engine-api"] == ("CRASH_CONFIGURATION", title)


def test_without_metrics_nobody_is_called_hot(recorded: Snapshot) -> None:
    """Could not look is told as such, and the workload counts as well."""
    parts = {**recorded.parts, Part.POD_METRICS: PartStatus(Freshness.MISSING, reason="no metrics API")}
    blind = diagnose(replace(recorded, parts=parts, pod_usage=()))
    assert [line.target.name for line in blind.workloads if not line.troubled] == ["cpu-hot"]
    assert [(missed.what, missed.reason) for missed in blind.not_checked] == [("pod metrics", "no metrics API")]


@pytest.mark.parametrize(
    ("workload", "words"),
    [
        ("bad-command", 'exec: "/nope": stat /nope: no such file or directory'),
        ("cfg-missing", 'configmap "app-config" not found'),
        ("embed-pull-dns", "registry.invalid/embed:1"),
        ("gpu-pending", "640 Gi memory; the largest node has 23.44 Gi"),
        ("cpu-hot", "100m CPU of 100m CPU (100 %). It is likely throttled"),
        (
            "init-crash",
            "Init container migrate of revision 1 ends with exit code 3 at start. Api cannot start before it",
        ),
        ("liveness-loop", "the liveness probe (GET :8080/health, every 3 s, 1 s to answer) fails"),
        ("mount-missing", 'secret "tls-cert" not found'),
        ("pg-data", "no storage class missing exists"),
        ("backfill", "gave up after 2 failed tries"),
        ("wrong-selector", "asks for pods with app=rag-engine-apii"),
        ("wrong-port", "sends to port 9999"),
        ("rag-engine-api", "Revision 2 (1.1) has 3 of 3 pods ready. It sets DATABASE_URL, which revision 3 does not."),
        ("tainted-pending", "no node matches its node selector"),
        ("unready", "1 pod of unready runs but gets no traffic"),
        ("worker-oom", "killed at its limit of 64 Mi"),
    ],
)
def test_the_summary_names_the_reason(report: Report, workload: str, words: str) -> None:
    """A person need not look it up."""
    assert words in next(f.summary for f in report.findings if f.target.name == workload)


def test_the_logs_of_the_crashes_are_asked_for(recorded: Snapshot) -> None:
    """All of them wait in the kubelet's back-off, so each crash is in the current log."""
    keys = wanted(recorded).logs
    names = [*(each.meta.name for each in recorded.workloads), *(each.meta.name for each in recorded.jobs)]
    assert {(next(n for n in names if key.pod.startswith(n)), key.container) for key in keys} == {
        ("worker-oom", "api"),
        ("init-crash", "migrate"),
        ("liveness-loop", "api"),
        ("port-conflict", "api"),
        ("rag-engine-api", "api"),
        ("unready", "api"),
        ("backfill", "b"),
    }
    assert not any(key.previous for key in keys)


def test_no_secret_is_in_the_report(report: Report) -> None:
    """Pod templates of the recording carry a password."""
    assert "s3cret" not in repr(report)
