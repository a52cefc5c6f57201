"""Pods that wait for a node or for a volume."""

from __future__ import annotations

from typing import Any

from tests.cluster.catalogue import Manifest, Row, Step, aged, both, deployment, ready, thing, told, unscheduled


def _row(name: str, made: Manifest, **expected: Any) -> Row:
    return Row(place="pods", name=name, makes=(made,), **expected)


def _placed(name: str, words: str, code: str, said: tuple[str, ...], **more: Any) -> Row:
    made = deployment(name, **more)
    return _row(name, made, ripe=unscheduled(name, words), code=code, said=said, shown=(words,))


def _asks(**requests: str) -> dict[str, Any]:
    return {"requests": {"cpu": "5m", "memory": "8Mi", **requests}}


def _required(key: str, value: str) -> dict[str, Any]:
    terms = [{"matchExpressions": [{"key": key, "operator": "In", "values": [value]}]}]
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}


_BESIDE = [{"labelSelector": {"matchLabels": {"app": "nobody"}}, "topologyKey": "kubernetes.io/hostname"}]

PLACEMENT = (
    _placed(
        "hungry",
        "Insufficient memory",
        "INSUFFICIENT_RESOURCES",
        ("900 Gi", "memory"),
        resources=_asks(memory="900Gi"),
    ),
    _placed("busy", "Insufficient cpu", "INSUFFICIENT_RESOURCES", ("900", "CPU"), resources=_asks(cpu="900")),
    _placed(
        "trainer",
        "Insufficient nvidia.com/gpu",
        "INSUFFICIENT_RESOURCES",
        ("nvidia.com/gpu",),
        resources={"requests": {"nvidia.com/gpu": "1"}, "limits": {"nvidia.com/gpu": "1"}},
    ),
    _placed(
        "picky",
        "node affinity/selector",
        "NODE_SELECTOR_MISMATCH",
        ("disk=fast",),
        pod={"nodeSelector": {"disk": "fast"}},
    ),
    _placed(
        "zoned",
        "node affinity/selector",
        "NODE_SELECTOR_MISMATCH",
        ("zone", "moon"),
        pod={"affinity": _required("topology.kubernetes.io/zone", "moon")},
    ),
    _placed(
        "lonely",
        "pod affinity rules",
        "PLACEMENT_RULES_UNMET",
        ("affinity",),
        pod={"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": _BESIDE}}},
    ),
    _row(
        "gated",
        deployment("gated", pod={"schedulingGates": [{"name": "example.com/queue"}]}),
        ripe=lambda seen: bool(seen.pods("gated")),
        code="SCHEDULING_GATED",
        said=("example.com/queue",),
    ),
    # A DaemonSet waits for the very node whose port is taken, however many nodes there are.
    Row(
        place="pods",
        name="second",
        kind="DaemonSet",
        makes=(deployment("first", ports=[{"containerPort": 34567, "hostPort": 34567}]),),
        steps=(
            Step(
                ready("first"),
                "POST",
                "DaemonSet",
                "second",
                deployment("second", kind="DaemonSet", ports=[{"containerPort": 34567, "hostPort": 34567}]),
            ),
        ),
        ripe=both(unscheduled("second", "free ports"), aged("second", 61)),
        code="HOST_PORT_TAKEN",
        said=("34567",),
        shown=("free ports",),
        follows=(("DAEMON_SET_INCOMPLETE", "second"),),
    ),
)


def _claim(name: str, **spec: Any) -> Manifest:
    wanted = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    return thing("PersistentVolumeClaim", name, spec={**wanted, **spec})


def _mounts(name: str, volume: dict[str, Any]) -> Manifest:
    mounted = [{"name": "data", "mountPath": "/data"}]
    return deployment(name, pod={"volumes": [{"name": "data", **volume}]}, volumeMounts=mounted)


def _mounts_claim(name: str, claim: str) -> Manifest:
    return _mounts(name, {"persistentVolumeClaim": {"claimName": claim}})


VOLUMES = (
    Row(
        place="pods",
        name="store-data",
        kind="PersistentVolumeClaim",
        makes=(_claim("store-data", storageClassName="golden"), _mounts_claim("store", "store-data")),
        ripe=unscheduled("store", "unbound immediate PersistentVolumeClaims"),
        code="STORAGE_CLASS_MISSING",
        said=("golden", "store"),
        follows=(("VOLUME_UNBOUND", "store"),),
    ),
    Row(
        place="pods",
        name="cache-data",
        kind="PersistentVolumeClaim",
        makes=(_claim("cache-data"), _mounts_claim("cache", "cache-data")),
        ripe=unscheduled("cache", "unbound immediate PersistentVolumeClaims"),
        code="NO_DEFAULT_STORAGE_CLASS",
        said=("no storage class", "cache"),
        follows=(("VOLUME_UNBOUND", "cache"),),
        needs="no default storage class",
    ),
    Row(
        place="pods",
        name="shelf-data",
        kind="PersistentVolumeClaim",
        makes=(_claim("shelf-data", storageClassName=""), _mounts_claim("shelf", "shelf-data")),
        ripe=both(unscheduled("shelf", "unbound immediate PersistentVolumeClaims"), aged("shelf", 62)),
        code="NO_MATCHING_VOLUME",
        said=("1 Gi", "none fits"),
        follows=(("VOLUME_UNBOUND", "shelf"),),
    ),
    _row(
        "ledger",
        _mounts_claim("ledger", "ledger-data"),
        ripe=unscheduled("ledger", "not found"),
        code="CLAIM_MISSING",
        said=("ledger-data",),
    ),
    _row(
        "sealed",
        _mounts("sealed", {"secret": {"secretName": "sealed-keys"}}),
        ripe=both(told("sealed", "FailedMount", "sealed-keys"), aged("sealed", 25)),
        code="MOUNT_FAILED",
        said=("sealed-keys",),
        shown=('secret "sealed-keys" not found',),
    ),
)

ROWS = (*PLACEMENT, *VOLUMES)
