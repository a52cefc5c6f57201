"""Templates, autoscalers, jobs, schedules, ingresses, storage and usage become records."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.cluster.resources import PAGES, RESOURCES
from bot.domain.objects import AutoscalerMetric, ContainerUsage, Reference, Role, Route
from bot.domain.snapshot import Part

RECORDINGS = Path(__file__).parents[2] / "fixtures" / "cluster"
AT = datetime(2026, 11, 24, 22, tzinfo=UTC)
STAMP = "2026-11-24T22:00:00Z"


def one(part: Part, **said: Any) -> Any:
    annotations = said.pop("annotations", None)
    metadata = {"name": "x", "namespace": "shop", "uid": "u", "annotations": annotations}
    return RESOURCES[part].convert(RESOURCES[part].one.decode(json.dumps({"metadata": metadata, **said}).encode()))


def recorded(part: Part, file: str) -> list[Any]:
    body = (RECORDINGS / f"{file}.json").read_bytes()
    resource = RESOURCES[part]
    return [resource.convert(resource.one.decode(item)) for item in PAGES.decode(body).items or ()]


TEMPLATE = {
    "metadata": {
        "labels": {"app": "web"},
        "annotations": {"kubectl.kubernetes.io/restartedAt": "2026-11-24T23:00:00+01:00"},
    },
    "spec": {
        "serviceAccountName": "runner",
        "initContainers": [{"name": "migrate"}, {"name": "mesh", "restartPolicy": "Always"}],
        "containers": [
            {
                "name": "main",
                "image": "app:1",
                "command": ["run"],
                "ports": [{"containerPort": 80}],
                "resources": {"requests": {"cpu": "100m", "memory": "1Mi"}, "limits": {"cpu": "1", "memory": "2Mi"}},
                "envFrom": [{"secretRef": {"name": "db"}}],
                "readinessProbe": {"tcpSocket": {"port": 80}},
            }
        ],
    },
}


@pytest.mark.parametrize("part", [Part.DEPLOYMENTS, Part.STATEFUL_SETS, Part.DAEMON_SETS, Part.REPLICA_SETS])
def test_a_template_is_read_whole(part: Part) -> None:
    """Init containers and sidecars first; labels and the time of the restart beside them."""
    made = one(part, spec={"template": TEMPLATE})
    assert [(each.name, each.role) for each in made.containers] == [
        ("migrate", Role.INIT),
        ("mesh", Role.SIDECAR),
        ("main", Role.REGULAR),
    ]
    main = made.containers[2]
    assert (main.cpu_request_m, main.cpu_limit_m) == (100, 1000)
    assert (main.memory_request, main.memory_limit) == (2**20, 2**21)
    assert (main.ports[0].number, main.command, main.references) == (80, ("run",), (Reference("Secret", "db"),))
    assert main.readiness.port == "80"
    assert dict(made.template_labels) == {"app": "web"}
    assert made.template_restarted_at == AT
    if part is not Part.REPLICA_SETS:
        assert made.service_account == "runner"


@pytest.mark.parametrize(
    ("part", "spec", "expected"),
    [
        (
            Part.DEPLOYMENTS,
            {"strategy": {"type": "Recreate"}, "progressDeadlineSeconds": 60},
            ("Recreate", 0, 60),
        ),
        (
            Part.STATEFUL_SETS,
            {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}},
            ("RollingUpdate", 2, None),
        ),
        (Part.STATEFUL_SETS, {"updateStrategy": {"type": "OnDelete", "rollingUpdate": None}}, ("OnDelete", 0, None)),
        (
            Part.DAEMON_SETS,
            {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "10%"}}},
            ("RollingUpdate", 0, None),
        ),
    ],
    ids=["Deployment", "StatefulSet", "on delete", "DaemonSet"],
)
def test_how_a_workload_is_replaced(part: Part, spec: dict[str, Any], expected: tuple[str, int, int | None]) -> None:
    """Strategy, partition and deadline, under the names that each kind has for them."""
    made = one(part, spec=spec)
    assert (made.strategy, made.partition, made.progress_deadline_s) == expected


def test_recorded_deployments_keep_their_strategy_and_their_revisions_differ() -> None:
    """What a comparison of revisions reads."""
    deployments = recorded(Part.DEPLOYMENTS, "deployments")
    assert {made.strategy for made in deployments} == {"RollingUpdate"}
    assert all(dict(made.template_labels) == dict(made.selector) for made in deployments)
    templates = [
        replica_set.containers
        for replica_set in recorded(Part.REPLICA_SETS, "replicasets")
        if replica_set.meta.owner.name == "rag-engine-api"
    ]
    assert len(set(templates)) == len(templates) > 1


def test_the_metrics_of_an_autoscaler_are_matched_by_name() -> None:
    """Target and current value in percent of the request; other metrics by name alone; empty ones do no harm."""
    made = one(
        Part.AUTOSCALERS,
        spec={
            "scaleTargetRef": {"kind": "Deployment", "name": "api"},
            "metrics": [
                {"type": "Resource", "resource": {"name": "memory", "target": {"averageUtilization": 70}}},
                {"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 80}}},
                {
                    "type": "ContainerResource",
                    "containerResource": {"name": "cpu", "container": "api", "target": {"averageUtilization": 50}},
                },
                {"type": "Pods", "pods": {"metric": {"name": "queue"}, "target": {"averageValue": "3"}}},
            ],
        },
        status={
            "lastScaleTime": STAMP,
            "currentMetrics": [
                {"type": ""},
                {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 95}}},
                {"type": "Pods", "pods": {"metric": {"name": "queue"}, "current": {"averageValue": "9"}}},
            ],
        },
    )
    assert made.metrics == (
        AutoscalerMetric("Resource", "memory", target=70),
        AutoscalerMetric("Resource", "cpu", target=80, current=95),
        AutoscalerMetric("ContainerResource", "cpu", "api", target=50),
        AutoscalerMetric("Pods", "queue"),
    )
    assert made.scaled_at == AT
    assert one(Part.AUTOSCALERS, status={"currentMetrics": None}).metrics == ()


def test_the_recorded_autoscaler_has_its_target() -> None:
    """As a real server wrote it."""
    [made] = recorded(Part.AUTOSCALERS, "horizontalpodautoscalers")
    assert [(metric.kind, metric.name, metric.target) for metric in made.metrics] == [("Resource", "cpu", 80)]


def test_a_job_tells_how_much_it_must_do_and_when_it_did() -> None:
    """And the defaults of the API where it does not say."""
    made = one(
        Part.JOBS,
        spec={"completions": 5, "parallelism": 2, "activeDeadlineSeconds": 60},
        status={"startTime": STAMP, "completionTime": STAMP},
    )
    assert (made.completions, made.parallelism, made.deadline_s) == (5, 2, 60)
    assert (made.started_at, made.completed_at) == (AT, AT)
    bare = one(Part.JOBS, spec={"completions": None, "parallelism": None})
    assert (bare.completions, bare.parallelism, bare.deadline_s, bare.started_at) == (None, 1, None, None)


def test_a_schedule_tells_when_it_last_ran() -> None:
    """And how many of its jobs are running."""
    made = one(
        Part.CRON_JOBS,
        spec={"schedule": "*/5 * * * *", "suspend": True},
        status={"active": [{"name": "x-1"}], "lastScheduleTime": STAMP, "lastSuccessfulTime": None},
    )
    assert (made.schedule, made.suspended, made.active) == ("*/5 * * * *", True, 1)
    assert (made.last_scheduled_at, made.last_successful_at) == (AT, None)


def test_an_ingress_tells_where_it_leads() -> None:
    """Rules in their order, then the default; backends that are no service lead nowhere we know."""
    made = one(
        Part.INGRESSES,
        annotations={"kubernetes.io/ingress.class": "old"},
        spec={
            "defaultBackend": {"service": {"name": "rest", "port": {"name": "web"}}},
            "tls": [{"hosts": ["a"], "secretName": "cert"}, {"hosts": ["b"]}],
            "rules": [
                {
                    "host": "a.example",
                    "http": {
                        "paths": [
                            {"path": "/api", "backend": {"service": {"name": "api", "port": {"number": 80}}}},
                            {"path": "/static", "backend": {"resource": {"kind": "Bucket", "name": "b"}}},
                        ]
                    },
                },
                {"host": "empty.example"},
            ],
        },
        status={"loadBalancer": {"ingress": [{"ip": "203.0.113.1"}, {"hostname": "lb.example"}, {}]}},
    )
    assert made.routes == (Route("a.example", "/api", "api", "80"), Route("", "", "rest", "web"))
    assert (made.ingress_class, made.tls_secrets) == ("old", ("cert",))
    assert made.addresses == ("203.0.113.1", "lb.example")
    assert one(Part.INGRESSES, spec={"ingressClassName": "nginx", "rules": None}).ingress_class == "nginx"


@pytest.mark.parametrize(
    ("annotations", "is_default"),
    [
        (None, False),
        ({"storageclass.kubernetes.io/is-default-class": "true"}, True),
        ({"storageclass.beta.kubernetes.io/is-default-class": "true"}, True),
        ({"storageclass.kubernetes.io/is-default-class": "false"}, False),
    ],
)
def test_a_storage_class_tells_whether_it_is_the_default(annotations: dict[str, str] | None, is_default: bool) -> None:
    """And when it makes volumes."""
    made = one(
        Part.STORAGE_CLASSES,
        annotations=annotations,
        provisioner="csi.example",
        volumeBindingMode="WaitForFirstConsumer",
    )
    assert (made.provisioner, made.binding_mode, made.is_default) == ("csi.example", "WaitForFirstConsumer", is_default)


def test_a_node_tells_how_many_pods_it_takes_and_what_it_runs() -> None:
    """As recorded."""
    [made] = recorded(Part.NODES, "nodes")
    assert (made.pods_allocatable, made.architecture) == (200, "amd64")


def test_usage_is_read_in_nanocores_and_kibibytes() -> None:
    """CPU rounded up to millicores, memory in bytes, the sample's own time and window."""
    made = next(u for u in recorded(Part.POD_METRICS, "metrics-pods") if u.meta.name == "cpu-hot-555486cc57-dr76m")
    assert made.containers == (ContainerUsage("api", 100, 3936 * 1024),)
    assert (made.cpu_m, made.memory) == (100, 3936 * 1024)
    assert (made.at, made.window_s) == (datetime(2026, 11, 24, 21, 58, 56, tzinfo=UTC), 10.009)
    [node] = recorded(Part.NODE_METRICS, "metrics-nodes")
    assert node.cpu_m > 0
    assert node.memory > 2**20
    assert node.at is not None


def test_who_else_writes_an_object_stays_known() -> None:
    """Of the annotations only those are kept that somebody reads."""
    kept = {
        "argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/x",
        "kustomize.toolkit.fluxcd.io/name": "shop",
        "meta.helm.sh/release-name": "shop",
        "kubectl.kubernetes.io/default-container": "main",
    }
    made = one(Part.DEPLOYMENTS, annotations={**kept, "kubectl.kubernetes.io/last-applied-configuration": "{}"})
    assert dict(made.meta.annotations) == kept
