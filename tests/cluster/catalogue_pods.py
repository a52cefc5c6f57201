"""Pods that never run for their image or configuration, that fail their probes, or that will not leave."""

from __future__ import annotations

from typing import Any

from tests.cluster.catalogue import (
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
    _image("misspelt", "Registry/App:1", "name is not valid", ripe=("InvalidImageName",)),
    _image("absent", "docker.io/test/not-loaded:1", "forbids pulling", policy="Never", ripe=("ErrImageNeverPull",)),
)


def with_registry(registry: str) -> tuple[Row, ...]:
    """Return the failures that need a registry which answers."""
    return (_image("untagged", f"{registry}/nothing:no-such-tag", "does not exist", shown=("not found",)),)


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
    _row(
        "masked",
        deployment(
            "masked", securityContext={"seccompProfile": {"type": "Localhost", "localhostProfile": "no/such.json"}}
        ),
        ripe=waiting("masked", "CreateContainerError"),
        code="CREATION_FAILED",
        said=("no/such.json",),
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

ROWS = (*IMAGES, *CONFIGURATION, *PROBES, *LEAVING)
