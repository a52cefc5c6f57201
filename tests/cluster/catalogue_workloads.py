"""Workloads whose pods could run: roll-outs, ordered sets, services, autoscalers and jobs."""

from __future__ import annotations

from typing import Any

from tests.cluster.catalogue import (
    ALIVE,
    Manifest,
    Row,
    Seen,
    Step,
    aged,
    autoscaler,
    both,
    deployment,
    is_condition,
    job_spec,
    looping,
    ready,
    service,
    thing,
)

_FAILS = "echo 'FATAL: bad shard map'; exit 1"


def _row(name: str, *makes: Manifest, **expected: Any) -> Row:
    return Row(place="workloads", name=name, makes=makes, **expected)


def _env(value: str) -> list[dict[str, str]]:
    return [{"name": "RELEASE", "value": value}]


def _cold(path: str) -> dict[str, Any]:
    return {"periodSeconds": 1, "exec": {"command": ["test", "-e", path]}}


ROLLOUTS = (
    _row(
        "shop",
        deployment("shop", env=_env("1"), readinessProbe=_cold("/bin/sh")),
        steps=(
            Step(
                ready("shop"),
                "PUT",
                "Deployment",
                "shop",
                deployment(
                    "shop", env=_env("2"), readinessProbe=_cold("/no/such/file"), spec={"progressDeadlineSeconds": 5}
                ),
            ),
        ),
        ripe=is_condition("Deployment", "shop", "Progressing", "ProgressDeadlineExceeded"),
        code="READINESS_FAILING",
        severity="warning",
        said=("Revision 2", "Revision 1", "1 of 1"),
        follows=(("ROLLOUT_STUCK", "shop"),),
    ),
    _row(
        "halted",
        deployment("halted", env=_env("1")),
        steps=(
            Step(
                ready("halted"),
                "PUT",
                "Deployment",
                "halted",
                deployment("halted", env=_env("2"), spec={"paused": True}),
            ),
        ),
        ripe=is_condition("Deployment", "halted", "Progressing", "DeploymentPaused"),
        code="ROLLOUT_PAUSED",
        severity="info",
        said=("is paused", "RELEASE"),
    ),
)


def _is_undone(seen: Seen) -> bool:
    status = seen.status("StatefulSet", "undone")
    revisions = {pod["metadata"]["labels"]["controller-revision-hash"] for pod in seen.pods("undone")}
    current, update = status.get("currentRevision"), status.get("updateRevision")
    return current == update and update not in revisions and looping("undone")(seen) is True


_UNDONE = deployment("undone", kind="StatefulSet", env=_env("1"))


def _stateful(name: str, code: str, said: tuple[str, ...], strategy: dict[str, Any], severity: str = "info") -> Row:
    """A set that has a change which its strategy keeps from its pod."""
    spec = {"updateStrategy": strategy}
    first = deployment(name, kind="StatefulSet", env=_env("1"), spec=spec)
    then = deployment(name, kind="StatefulSet", env=_env("2"), spec=spec)

    def is_behind(seen: Seen) -> bool:
        status = seen.status("StatefulSet", name)
        return bool(status) and status.get("currentRevision") != status.get("updateRevision")

    step = Step(ready(name), "PUT", "StatefulSet", name, then)
    return _row(name, first, kind="StatefulSet", steps=(step,), ripe=is_behind, code=code, severity=severity, said=said)


STATEFUL = (
    _row(
        "shards",
        deployment("shards", _FAILS, kind="StatefulSet", spec={"replicas": 2}),
        kind="StatefulSet",
        ripe=both(looping("shards"), aged("shards", 61)),
        code="CRASH_LOOP",
        said=("bad shard map",),
        follows=(("ORDERED_ROLLOUT_BLOCKED", "shards"),),
    ),
    _row(
        "undone",
        _UNDONE,
        kind="StatefulSet",
        steps=(
            Step(
                ready("undone"),
                "PUT",
                "StatefulSet",
                "undone",
                deployment("undone", _FAILS, kind="StatefulSet", env=_env("2")),
            ),
            Step(looping("undone"), "PUT", "StatefulSet", "undone", _UNDONE),
        ),
        ripe=both(_is_undone, aged("undone", 45)),
        code="ORDERED_POD_STUCK",
        said=("undone-0", "delete the pod"),
    ),
    _stateful("ondelete", "ON_DELETE_WAITING", ("OnDelete", "ondelete-0"), {"type": "OnDelete"}),
    _stateful(
        "canary",
        "PARTITION_HOLDS",
        ("partition is 1", "canary-0"),
        {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}},
    ),
)


def _ingress(name: str, backend: str, port: int) -> Manifest:
    to = {"service": {"name": backend, "port": {"number": port}}}
    rule = {"host": f"{name}.example.com", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": to}]}}
    return thing("Ingress", name, spec={"rules": [rule]})


_NOW = aged("storefront", 5)
_PORT = [{"name": "web", "containerPort": 8080}]

SERVICES = (
    _row(
        "storefront",
        deployment("storefront", ports=_PORT),
        service("storefront", "storefrnt", 8080),
        kind="Service",
        ripe=_NOW,
        code="SERVICE_SELECTS_NOTHING",
        severity="warning",
        said=("app=storefrnt", "storefront"),
    ),
    _row(
        "storefront-web",
        service("storefront-web", "storefront", "http"),
        kind="Service",
        ripe=_NOW,
        code="SERVICE_PORT_UNKNOWN",
        said=("named http", "web (8080)"),
    ),
    _row(
        "front",
        _ingress("front", "storefrunt", 80),
        kind="Ingress",
        ripe=_NOW,
        code="INGRESS_SERVICE_MISSING",
        said=("front.example.com", "storefrunt"),
    ),
    _row(
        "side",
        service("side", "storefront", 8080),
        _ingress("side", "side", 8080),
        kind="Ingress",
        ripe=_NOW,
        code="INGRESS_PORT_MISSING",
        said=("8080", "80"),
    ),
)


def _scales(name: str, *made: Manifest, **expected: Any) -> Row:
    return _row(name, *made, kind="HorizontalPodAutoscaler", **expected)


AUTOSCALERS = (
    _scales(
        "unasking",
        deployment("unasking", resources={}),
        autoscaler("unasking", "unasking"),
        ripe=is_condition("HorizontalPodAutoscaler", "unasking", "ScalingActive", "FailedGetResourceMetric"),
        code="AUTOSCALER_REQUEST_MISSING",
        severity="warning",
        said=("cpu", "main"),
    ),
    _scales(
        "astray",
        autoscaler("astray", "nowhere"),
        ripe=is_condition("HorizontalPodAutoscaler", "astray", "AbleToScale", "FailedGetScale"),
        code="AUTOSCALER_TARGET_MISSING",
        severity="warning",
        said=("nowhere",),
    ),
    _scales(
        "twice-a",
        deployment("twice"),
        autoscaler("twice-a", "twice"),
        autoscaler("twice-b", "twice"),
        ripe=lambda seen: bool(seen.status("HorizontalPodAutoscaler", "twice-b").get("conditions")),
        code="AUTOSCALERS_COLLIDE",
        severity="warning",
        said=("twice-a", "twice-b"),
    ),
    _scales(
        "burner",
        deployment(
            "burner",
            "while :; do :; done",
            resources={"requests": {"cpu": "5m", "memory": "8Mi"}, "limits": {"cpu": "40m"}},
        ),
        autoscaler("burner", "burner", most=2, percent=50),
        ripe=is_condition("HorizontalPodAutoscaler", "burner", "ScalingLimited", "TooManyReplicas"),
        code="AT_MAXIMUM",
        severity="warning",
        said=("2",),
        needs="metrics",
    ),
)


def _job(name: str, script: str, code: str, said: tuple[str, ...], reason: str, **spec: Any) -> Row:
    return _row(
        name,
        thing("Job", name, spec=job_spec(script, **spec)),
        kind="Job",
        ripe=is_condition("Job", name, "Failed", reason),
        code=code,
        severity="warning",
        said=said,
    )


_NIGHTLY = job_spec("echo 'FATAL: no backup target'; exit 1")

JOBS = (
    _job(
        "migrate",
        "echo 'FATAL: table is locked'; exit 3",
        "JOB_FAILED",
        ("2 failed tries", "exit code 3", "table is locked"),
        "BackoffLimitExceeded",
        backoffLimit=1,
    ),
    _job("crawl", ALIVE, "JOB_DEADLINE_EXCEEDED", ("deadline of 5 s",), "DeadlineExceeded", activeDeadlineSeconds=5),
    _job(
        "import",
        "echo 'bad header'; exit 7",
        "JOB_POLICY_FAILED",
        ("policy", "exit code 7", "bad header"),
        "PodFailurePolicy",
        podFailurePolicy={"rules": [{"action": "FailJob", "onExitCodes": {"operator": "In", "values": [7]}}]},
        backoffLimit=3,
    ),
    _row(
        "nightly",
        thing("CronJob", "nightly", spec={"schedule": "* * * * *", "jobTemplate": {"spec": _NIGHTLY}}),
        kind="CronJob",
        ripe=lambda seen: any(
            condition["type"] == "Failed"
            for job in seen.objects["Job"]
            if job["metadata"]["name"].startswith("nightly-")
            for condition in job["status"].get("conditions") or ()
        ),
        code="JOB_FAILED",
        severity="warning",
        said=("exit code 1", "no backup target"),
    ),
)

ROWS = (*ROLLOUTS, *STATEFUL, *SERVICES, *AUTOSCALERS, *JOBS)

# What is well, or rests on purpose, and must not be accused; one of each sort.
WELL = (
    deployment("well", ports=_PORT, readinessProbe=_cold("/bin/sh")),
    service("well", "well", "web"),
    _ingress("well", "well", 80),
    autoscaler("well", "well"),
    deployment("well-set", kind="StatefulSet"),
    deployment("well-agent", kind="DaemonSet"),
    deployment("well-off", spec={"replicas": 0}),
    service("well-off", "well-off"),
    thing("Job", "well-done", spec=job_spec("echo done")),
    thing("CronJob", "well-rested", spec={"schedule": "* * * * *", "suspend": True, "jobTemplate": {"spec": _NIGHTLY}}),
)
WELL_NAMES = frozenset(made["metadata"]["name"] for made in WELL)


def is_well(seen: Seen) -> bool:
    """All that is well has got so far, and one autoscaler knows what it measures (where there is something to)."""
    names = ("well", "well-set", "well-agent")
    done = seen.condition("Job", "well-done", "Complete").get("status") == "True"
    measured = seen.condition("HorizontalPodAutoscaler", "well", "ScalingActive").get("status") == "True"
    return all(ready(name)(seen) for name in names) and done and measured
