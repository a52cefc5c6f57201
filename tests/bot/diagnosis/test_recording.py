"""A recorded namespace of a real cluster, in which every workload but two is broken in its own way."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.cluster.assemble import Seen, snapshot_of
from bot.cluster.resources import RESOURCES
from bot.diagnosis import diagnose, wanted_logs
from bot.domain.findings import Report, Severity, Verdict
from bot.domain.snapshot import Freshness, LogKey, Part, PartStatus, Snapshot
from bot.domain.targets import ClusterName, Namespace, Scope

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
}
# workload: (code, container, words of the title)
WRONG = {
    "bad-command": ("START_FAILED", "api", "cannot be started"),
    "cfg-missing": ("CONFIGURATION_MISSING", "api", "its configuration is incomplete"),
    "embed-pull-dns": ("IMAGE_PULL_FAILED", "api", "image cannot be pulled (name resolution)"),
    "gpu-pending": ("UNSCHEDULABLE", "", "no node can take it"),
    "ingest-pull": ("IMAGE_PULL_FAILED", "api", "image cannot be pulled (not found)"),
    "init-crash": ("CRASH_LOOP", "migrate", "crashes again and again"),
    "liveness-loop": ("LIVENESS_FAILING", "api", "restarted by its liveness probe"),
    "mount-missing": ("MOUNT_FAILED", "api", "waits for a volume"),
    "port-conflict": ("CRASH_LOOP", "api", "crashes again and again"),
    "pvc-pending": ("UNSCHEDULABLE", "", "no node can take it"),
    "rag-engine-api": ("CRASH_LOOP", "api", "new release crashes, the old one still serves"),
    "tainted-pending": ("UNSCHEDULABLE", "", "no node can take it"),
    "unready": ("READINESS_FAILING", "api", "runs, but is not ready"),
    "worker-oom": ("OOM_KILLED", "api", "out of memory"),
}


def load() -> Snapshot:
    seen = {}
    for part, resource in RESOURCES.items():
        items = ()
        if part in FILES:
            body = (RECORDINGS / f"{FILES[part]}.json").read_bytes()
            items = tuple(resource.convert(item) for item in resource.page.decode(body).items or ())
        seen[part] = Seen(PartStatus(Freshness.LIVE, TAKEN), items)
    return snapshot_of(Scope(ClusterName("recorded"), Namespace("rag-engine")), TAKEN, seen)


@pytest.fixture(scope="module")
def recorded() -> Snapshot:
    return load()


@pytest.fixture(scope="module")
def report(recorded: Snapshot) -> Report:
    return diagnose(recorded)


def test_every_fault_is_found_once_and_nobody_else_is_accused(report: Report) -> None:
    """Each broken workload has exactly the cause it was given."""
    found = [(f.target.kind, f.target.name, (f.code, f.container, f.title)) for f in report.findings]
    assert found == [("Deployment", name, cause) for name, cause in sorted(WRONG.items())]
    assert {f.severity for f in report.findings} == {Severity.CRITICAL}
    assert report.verdict is Verdict.DEGRADED


def test_what_works_is_not_troubled(report: Report) -> None:
    """One workload of the namespace is well."""
    assert [line.target.name for line in report.workloads if not line.troubled] == ["cpu-hot"]


@pytest.mark.parametrize(
    ("workload", "words"),
    [
        ("bad-command", 'exec: "/nope": stat /nope: no such file or directory'),
        ("cfg-missing", 'configmap "app-config" not found'),
        ("embed-pull-dns", "registry.invalid/embed:1"),
        ("gpu-pending", "Insufficient memory. It asks for 640 Gi memory; the largest node has 23.44 Gi in all."),
        ("init-crash", "ends with exit code 3 at start"),
        ("liveness-loop", "the liveness probe (GET :8080/health, every 3 s, 1 s to answer) fails"),
        ("mount-missing", 'secret "tls-cert" not found'),
        ("pvc-pending", "pod has unbound immediate PersistentVolumeClaims"),
        ("rag-engine-api", "Revision 2 (1.1) has 3 of 3 pods ready. It sets DATABASE_URL, which revision 3 does not."),
        ("tainted-pending", "didn't match Pod's node affinity/selector"),
        ("unready", "1 pod of unready runs but gets no traffic"),
        ("worker-oom", "killed at its limit of 64 Mi"),
    ],
)
def test_the_summary_names_the_reason(report: Report, workload: str, words: str) -> None:
    """A person need not look it up."""
    assert words in next(f.summary for f in report.findings if f.target.name == workload)


def test_the_logs_of_the_crashes_are_asked_for(recorded: Snapshot) -> None:
    """All of them wait in the kubelet's back-off, so each crash is in the current log."""
    keys = {(key.pod.rsplit("-", 2)[0], key.container) for key in wanted(recorded)}
    assert keys == {
        ("worker-oom", "api"),
        ("init-crash", "migrate"),
        ("port-conflict", "api"),
        ("rag-engine-api", "api"),
    }
    assert all(isinstance(key, LogKey) and not key.previous for key in wanted(recorded))


def test_no_secret_is_in_the_report(report: Report) -> None:
    """Pod templates of the recording carry a password."""
    assert "s3cret" not in repr(report)
