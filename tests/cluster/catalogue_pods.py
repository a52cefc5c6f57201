"""Pods that never run (images, placement, volumes, configuration), that fail their probes, or that will not leave."""

from __future__ import annotations

from typing import Any

from tests.cluster.catalogue import (
    ALIVE,
    Manifest,
    Row,
    Step,
    aged,
    both,
    deployment,
    looping,
    older_than,
    pod_spec,
    ready,
    thing,
    told,
    unscheduled,
    waiting,
)

FINALIZER = "example.com/hold"
_PULLS = ("ErrImagePull", "ImagePullBackOff")


def _row(name: str, made: Manifest, **expected: Any) -> Row:
    return Row(place="pods", name=name, makes=(made,), **expected)


def _image(name: str, image: str, *said: str, ripe: tuple[str, ...] = _PULLS, **more: Any) -> Row:
    policy = more.pop("policy", "IfNotPresent")
    made = deployment(name, image=image, imagePullPolicy=policy)
    return _row(name, made, ripe=waiting(name, *ripe), code="IMAGE_PULL_FAILED", said=(image, *said), **more)


IMAGES = (
    _image("unreachable", "127.0.0.1:1/nothing:1", "the registry cannot be reached", shown=("connection refused",)),
    _image("misspelt", "Registry/App:1", "invalid", ripe=("InvalidImageName",)),
    _image("absent", "docker.io/test/not-loaded:1", "Never", policy="Never", ripe=("ErrImageNeverPull",)),
)


def with_registry(registry: str) -> tuple[Row, ...]:
    """Return the failures that need a registry which answers."""
    return (_image("untagged", f"{registry}/nothing:no-such-tag", "does not exist", shown=("not found",)),)


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

_CONFIGURATION = "CreateContainerConfigError"


def _misconfigured(name: str, said: tuple[str, ...], code: str = "CONFIGURATION_MISSING", **more: Any) -> Row:
    return _row(name, deployment(name, **more), ripe=waiting(name, _CONFIGURATION), code=code, said=said)


def _taken_from(kind: str, name: str) -> list[dict[str, Any]]:
    return [{"name": "MODE", "valueFrom": {kind: {"name": name, "key": "mode"}}}]


CONFIGURATION = (
    _misconfigured("search", ("search-settings", "not found"), env=_taken_from("configMapKeyRef", "search-settings")),
    _misconfigured("mailer", ("mailer-login", "not found"), env=_taken_from("secretKeyRef", "mailer-login")),
    Row(
        place="pods",
        name="reports",
        makes=(
            thing("ConfigMap", "reports-settings", data={"colour": "blue"}),
            deployment("reports", env=_taken_from("configMapKeyRef", "reports-settings")),
        ),
        ripe=waiting("reports", _CONFIGURATION),
        code="CONFIGURATION_MISSING",
        said=("mode", "reports-settings"),
    ),
    _misconfigured("rooted", ("root",), "RUNS_AS_ROOT", securityContext={"runAsNonRoot": True}),
)


def _probe(**probe: Any) -> dict[str, Any]:
    return {"periodSeconds": 1, "failureThreshold": 1, **probe}


_GRUMBLE = {"exec": {"command": ["/bin/sh", "-c", "echo index is still cold; exit 1"]}}
_OBEYS = "trap 'exit 0' TERM; echo serving; while :; do sleep 1 & wait $!; done"

PROBES = (
    _row(
        "unready",
        deployment("unready", readinessProbe=_probe(httpGet={"path": "/ready", "port": 9})),
        ripe=told("unready", "Unhealthy", "connection refused"),
        code="READINESS_FAILING",
        said=("readiness probe", "connection refused"),
        shown=("Readiness probe failed",),
    ),
    _row(
        "cold",
        deployment("cold", readinessProbe=_probe(**_GRUMBLE)),
        ripe=told("cold", "Unhealthy", "still cold"),
        code="READINESS_FAILING",
        said=("index is still cold",),
        shown=("index is still cold",),
    ),
    _row(
        "lifeless",
        deployment("lifeless", _OBEYS, livenessProbe=_probe(tcpSocket={"port": 9}, initialDelaySeconds=1)),
        ripe=both(looping("lifeless"), told("lifeless", "Killing", "liveness")),
        code="LIVENESS_FAILING",
        said=("liveness probe", "connection refused"),
        shown=("Liveness probe failed",),
    ),
    _row(
        "sluggish",
        deployment("sluggish", _OBEYS, startupProbe=_probe(tcpSocket={"port": 9}, failureThreshold=2)),
        ripe=both(looping("sluggish"), told("sluggish", "Killing", "startup")),
        code="STARTUP_FAILING",
        said=("startup probe", "connection refused"),
        shown=("Startup probe failed",),
    ),
    _row(
        "gatekept",
        deployment("gatekept", pod={"readinessGates": [{"conditionType": "example.com/balanced"}]}),
        ripe=both(ready("gatekept"), aged("gatekept", 75)),
        code="READINESS_GATE",
        said=("example.com/balanced",),
    ),
)


def _held(name: str) -> Manifest:
    """Return a set whose pods somebody has a hand on."""
    made = deployment(name, kind="StatefulSet")
    made["spec"]["template"]["metadata"]["finalizers"] = [FINALIZER]
    return made


LEAVING = (
    Row(
        place="pods",
        name="sprint",
        kind="Pod",
        makes=(thing("Pod", "sprint", spec=pod_spec(pod={"activeDeadlineSeconds": 3, "restartPolicy": "Never"})),),
        ripe=lambda seen: seen.status("Pod", "sprint").get("reason") == "DeadlineExceeded",
        code="FAILED_LEFTOVER",
        severity="warning",
        said=("deadline",),
        shown=("DeadlineExceeded",),
    ),
    Row(
        place="pods",
        name="clinging",
        kind="StatefulSet",
        makes=(_held("clinging"),),
        steps=(Step(ready("clinging"), "DELETE", "Pod", "clinging-0"),),
        ripe=lambda seen: any(older_than(pod, "deletionTimestamp", 62) for pod in seen.pods("clinging")),
        code="STUCK_TERMINATING",
        said=(FINALIZER,),
        shown=(FINALIZER,),
    ),
)

ROWS = (*IMAGES, *PLACEMENT, *VOLUMES, *CONFIGURATION, *PROBES, *LEAVING)
