"""Tables print what kubectl printed for the same objects."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sandbox.cluster.api.kinds import KINDS, Kind, find_kind
from sandbox.cluster.api.tables import table
from sandbox.cluster.api.tables.columns import human_duration
from sandbox.cluster.store import Json

_CAPTURED = datetime(2026, 11, 24, 22, 34, 53, tzinfo=UTC)
_ROWS = json.loads((Path(__file__).parents[3] / "fixtures" / "cluster" / "status-column.json").read_text())["rows"]


def _cells(group: str, version: str, resource: str, obj: Json, now: datetime = _CAPTURED) -> list[object]:
    kind = find_kind(group, version, resource)
    assert kind is not None
    body = table(kind, [obj], "1", now, "None")
    assert len(body["columnDefinitions"]) == len(body["rows"][0]["cells"])
    cells: list[object] = body["rows"][0]["cells"]
    return cells


@pytest.mark.parametrize("row", _ROWS, ids=lambda row: f"{row['cells'][0]}-{row['cells'][2]}")
def test_pod_cells_equal_the_recorded_ones(row: Json) -> None:
    """NAME, READY, STATUS, RESTARTS and AGE, all five."""
    assert _cells("", "v1", "pods", row["pod"])[:5] == row["cells"]


def test_pod_columns_equal_the_recorded_ones(fixtures: Path) -> None:
    """Names, types, formats and priorities of the columns."""
    recorded = json.loads((fixtures / "pods-table-columns.json").read_text())
    kind = find_kind("", "v1", "pods")
    assert kind is not None

    columns = table(kind, [], "1", _CAPTURED, "")["columnDefinitions"]

    assert [{key: column[key] for key in column if key != "description"} for column in columns] == recorded


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "<invalid>"),
        (-1, "0s"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (123, "2m3s"),
        (600, "10m"),
        (10799, "179m"),
        (10800, "3h"),
        (11000, "3h3m"),
        (28800, "8h"),
        (47 * 3600, "47h"),
        (48 * 3600, "2d"),
        (75 * 3600, "3d3h"),
        (9 * 86400 + 3600, "9d"),
        (800 * 86400, "2y70d"),
        (3000 * 86400, "8y"),
    ],
)
def test_durations(seconds: int, text: str) -> None:
    """Ages are written as the API machinery writes them."""
    assert human_duration(timedelta(seconds=seconds)) == text


def _template(**spec: object) -> Json:
    containers = [{"name": "main", "image": "app:1"}, {"name": "side", "image": "side:2"}]
    return {"metadata": {}, "spec": {"containers": containers, **spec}}


_META = {"name": "x", "namespace": "ns", "creationTimestamp": "2026-11-24T22:24:53Z"}
_SELECTOR = {"matchLabels": {"app": "x"}}
_OBJECTS: list[tuple[str, Json, list[object]]] = [
    (
        "apps/v1/deployments",
        {
            "spec": {"replicas": 3, "selector": _SELECTOR, "template": _template()},
            "status": {"readyReplicas": 2, "updatedReplicas": 1, "availableReplicas": 2},
        },
        ["x", "2/3", 1, 2, "10m", "main,side", "app:1,side:2", "app=x"],
    ),
    (
        "apps/v1/replicasets",
        {"spec": {"replicas": 3, "selector": _SELECTOR, "template": _template()}, "status": {"replicas": 2}},
        ["x", 3, 2, 0, "10m", "main,side", "app:1,side:2", "app=x"],
    ),
    (
        "apps/v1/statefulsets",
        {"spec": {"replicas": 2, "selector": _SELECTOR, "template": _template()}, "status": {"readyReplicas": 1}},
        ["x", "1/2", "10m", "main,side", "app:1,side:2"],
    ),
    (
        "apps/v1/daemonsets",
        {
            "spec": {"selector": _SELECTOR, "template": _template(nodeSelector={"disk": "ssd"})},
            "status": {"desiredNumberScheduled": 3, "currentNumberScheduled": 3, "numberReady": 2},
        },
        ["x", 3, 3, 2, 0, 0, "disk=ssd", "10m", "main,side", "app:1,side:2", "app=x"],
    ),
    (
        "batch/v1/jobs",
        {
            "spec": {"completions": 1, "selector": _SELECTOR, "template": _template()},
            "status": {
                "succeeded": 1,
                "startTime": "2026-11-24T22:24:53Z",
                "completionTime": "2026-11-24T22:25:03Z",
                "conditions": [{"type": "Complete", "status": "True"}],
            },
        },
        ["x", "Complete", "1/1", "10s", "10m", "main,side", "app:1,side:2", "app=x"],
    ),
    (
        "batch/v1/cronjobs",
        {
            "spec": {"schedule": "*/5 * * * *", "jobTemplate": {"spec": {"template": _template()}}},
            "status": {"lastScheduleTime": "2026-11-24T22:30:00Z"},
        },
        ["x", "*/5 * * * *", "<none>", "False", 0, "4m53s", "10m", "main,side", "app:1,side:2", "<none>"],
    ),
    (
        "autoscaling/v2/horizontalpodautoscalers",
        {
            "spec": {
                "scaleTargetRef": {"kind": "Deployment", "name": "api"},
                "maxReplicas": 5,
                "metrics": [
                    {
                        "type": "Resource",
                        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
                    },
                    {
                        "type": "Pods",
                        "pods": {"metric": {"name": "rps"}, "target": {"type": "AverageValue", "averageValue": "10"}},
                    },
                ],
            },
            "status": {"currentReplicas": 2, "currentMetrics": [{"type": ""}]},
        },
        ["x", "Deployment/api", "cpu: <unknown>/80%, <unknown>/10", "<unset>", 5, 2, "10m"],
    ),
    (
        "v1/services",
        {"spec": {"type": "NodePort", "clusterIP": "10.0.0.1", "ports": [{"port": 80, "nodePort": 30080}]}},
        ["x", "NodePort", "10.0.0.1", "<none>", "80:30080/TCP", "10m", "<none>"],
    ),
    (
        "discovery.k8s.io/v1/endpointslices",
        {"addressType": "IPv4", "ports": None, "endpoints": None},
        ["x", "IPv4", "<unset>", "<unset>", "10m"],
    ),
    (
        "discovery.k8s.io/v1/endpointslices",
        {
            "addressType": "IPv4",
            "ports": [{"port": 8080}],
            "endpoints": [{"addresses": [f"10.0.0.{number}"]} for number in range(5)],
        },
        ["x", "IPv4", "8080", "10.0.0.0,10.0.0.1,10.0.0.2 + 2 more...", "10m"],
    ),
    (
        "v1/events",
        {
            "type": "Normal",
            "reason": "Pulled",
            "message": "there\n",
            "count": 4,
            "involvedObject": {"kind": "Pod", "name": "api", "fieldPath": "spec.containers{main}"},
            "source": {"component": "kubelet", "host": "node1"},
            "firstTimestamp": "2026-11-24T22:24:53Z",
            "lastTimestamp": "2026-11-24T22:34:00Z",
        },
        ["53s", "Normal", "Pulled", "pod/api", "spec.containers{main}", "kubelet, node1", "there", "10m", 4, "x"],
    ),
    (
        "v1/events",
        {
            "type": "Warning",
            "reason": "FailedScheduling",
            "message": "no",
            "involvedObject": {"kind": "Pod", "name": "api"},
            "source": {},
            "reportingComponent": "default-scheduler",
            "eventTime": "2026-11-24T22:24:53.123456Z",
            "series": {"count": 3, "lastObservedTime": "2026-11-24T22:34:43.000001Z"},
            "firstTimestamp": None,
            "lastTimestamp": None,
        },
        ["9s", "Warning", "FailedScheduling", "pod/api", "", "default-scheduler", "no", "9m59s", 3, "x"],
    ),
    (
        "v1/nodes",
        {
            "spec": {"unschedulable": True},
            "status": {
                "conditions": [{"type": "Ready", "status": "Unknown"}],
                "nodeInfo": {"kubeletVersion": "v1.34.4", "osImage": "Linux"},
                "addresses": [{"type": "InternalIP", "address": "10.0.0.9"}],
            },
        },
        [
            "x",
            "NotReady,SchedulingDisabled",
            "<none>",
            "10m",
            "v1.34.4",
            "10.0.0.9",
            "<none>",
            "Linux",
            "<unknown>",
            "<unknown>",
        ],
    ),
    (
        "v1/persistentvolumeclaims",
        {
            "spec": {"volumeName": "pv-1", "storageClassName": "fast", "volumeMode": "Filesystem"},
            "status": {"phase": "Bound", "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"]},
        },
        ["x", "Bound", "pv-1", "1Gi", "RWO", "fast", "<unset>", "10m", "Filesystem"],
    ),
    (
        "networking.k8s.io/v1/ingresses",
        {
            "spec": {"ingressClassName": "nginx", "rules": [{"host": "a.example"}, {"host": "b.example"}], "tls": [{}]},
            "status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.1"}, {"hostname": "lb.example"}]}},
        },
        ["x", "nginx", "a.example,b.example", "203.0.113.1,lb.example", "80, 443", "10m"],
    ),
    (
        "networking.k8s.io/v1/ingresses",
        {"spec": {"rules": [{"host": f"{each}.example"} for each in "abcd"]}},
        ["x", "<none>", "a.example,b.example,c.example + 1 more...", "", "80", "10m"],
    ),
    (
        "networking.k8s.io/v1/ingresses",
        {"spec": {"defaultBackend": {}}},
        ["x", "<none>", "*", "", "80", "10m"],
    ),
    (
        "storage.k8s.io/v1/storageclasses",
        {"provisioner": "csi.example.com", "reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"},
        ["x", "csi.example.com", "Delete", "Immediate", False, "10m"],
    ),
    ("v1/namespaces", {"status": {"phase": "Active"}}, ["x", "Active", "10m"]),
    ("v1/secrets", {"type": "Opaque"}, ["x", "10m"]),
]


@pytest.mark.parametrize(("path", "obj", "cells"), _OBJECTS, ids=lambda value: value if isinstance(value, str) else "")
def test_cells_of_other_kinds(path: str, obj: Json, cells: list[object]) -> None:
    """Each printer writes what kubectl get shows, wide columns included."""
    *group, version, resource = path.split("/")
    assert _cells("".join(group), version, resource, {"metadata": _META, **obj}) == cells


def test_finished_pods_carry_a_condition() -> None:
    """A row of a completed or failed pod says so."""
    kind = find_kind("", "v1", "pods")
    assert kind is not None
    pod = {"metadata": _META, "spec": {"containers": []}, "status": {"phase": "Failed"}}

    row = table(kind, [pod], "1", _CAPTURED, "")["rows"][0]

    assert row["conditions"][0]["reason"] == "Failed"
    assert row["object"]["kind"] == "PartialObjectMetadata"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.group}/{kind.resource}")
def test_every_kind_has_a_table(kind: Kind) -> None:
    """An empty list can be printed for all kinds."""
    assert table(kind, [], "", _CAPTURED, "")["columnDefinitions"][0]["priority"] == 0
