"""How much is used and by whom it is scaled, and jobs that do not get done."""

from __future__ import annotations

from typing import Any

from tests.cluster.catalogue import (
    ALIVE,
    Manifest,
    Ripe,
    Row,
    Seen,
    Step,
    autoscaler,
    both,
    deployment,
    is_condition,
    job_spec,
    thing,
    told,
)


def _row(name: str, *makes: Manifest, **expected: Any) -> Row:
    return Row(place="workloads", name=name, makes=makes, **expected)


def _using(name: str, resource: str, least: int) -> Ripe:
    """The metrics API says that its container uses so much (thousandths of a CPU, or MiB)."""
    units = {"n": 1e-6, "u": 1e-3, "m": 1, "Ki": 1 / 1024, "Mi": 1, "": 1}

    def used(text: str) -> float:
        number = text.rstrip("numKi")
        number = number.rstrip("M")
        return float(number) * units.get(text[len(number) :], 1)

    def ripe(seen: Seen) -> bool:
        found = seen.pods(name)
        metrics = [seen.one("PodMetrics", pod["metadata"]["name"]) for pod in found]
        return any(used(each["usage"][resource]) >= least for one in metrics for each in one.get("containers") or ())

    return ripe


def _small(cpu: str, memory: str) -> dict[str, Any]:
    return {"requests": {"cpu": "5m", "memory": "8Mi"}, "limits": {"cpu": cpu, "memory": memory}}


USAGE = (
    _row(
        "heater",
        deployment("heater", "while :; do :; done", resources=_small("60m", "16Mi")),
        ripe=_using("heater", "cpu", 56),
        code="CPU_AT_LIMIT",
        severity="warning",
        said=("60m CPU", "throttled"),
        needs="metrics",
    ),
    _row(
        "lopsided",
        deployment(
            "lopsided",
            "hostname | grep -q 0$ && while :; do :; done; " + ALIVE,
            kind="StatefulSet",
            resources=_small("60m", "16Mi"),
            spec={"replicas": 2, "podManagementPolicy": "Parallel"},
        ),
        kind="StatefulSet",
        ripe=both(_using("lopsided", "cpu", 56), lambda seen: bool(seen.one("PodMetrics", "lopsided-1"))),
        code="CPU_SKEWED",
        severity="warning",
        said=("lopsided-0",),
        needs="metrics",
    ),
    _row(
        "hoarder",
        deployment(
            "hoarder", "dd if=/dev/zero of=/dev/shm/cache bs=1k count=15000; " + ALIVE, resources=_small("100m", "16Mi")
        ),
        ripe=_using("hoarder", "memory", 15),
        code="MEMORY_HIGH",
        severity="warning",
        said=("of 16 Mi", "kills"),
        needs="metrics",
    ),
)


def _scales(name: str, *made: Manifest, **expected: Any) -> Row:
    return _row(name, *made, kind="HorizontalPodAutoscaler", **expected)


def _blind(name: str, target: str) -> Manifest:
    """Return an autoscaler that looks at a metric of the pods which nobody has."""
    made = autoscaler(name, target)
    queue = {"metric": {"name": "queue_length"}, "target": {"type": "AverageValue", "averageValue": "10"}}
    made["spec"]["metrics"] = [{"type": "Pods", "pods": queue}]
    return made


AUTOSCALERS = (
    _scales(
        "unasking",
        deployment("unasking", resources={}),
        autoscaler("unasking", "unasking"),
        ripe=is_condition("HorizontalPodAutoscaler", "unasking", "ScalingActive", "FailedGetResourceMetric"),
        code="AUTOSCALER_REQUEST_MISSING",
        severity="warning",
        said=("cpu", "main"),
        needs="metrics",
    ),
    _scales(
        "astray",
        autoscaler("astray", "nowhere"),
        ripe=is_condition("HorizontalPodAutoscaler", "astray", "AbleToScale", "FailedGetScale"),
        code="AUTOSCALER_TARGET_MISSING",
        severity="warning",
        said=("nowhere",),
    ),
    _row(
        "twice",
        deployment("twice"),
        autoscaler("twice-a", "twice"),
        autoscaler("twice-b", "twice"),
        ripe=lambda seen: bool(seen.status("HorizontalPodAutoscaler", "twice-b").get("conditions")),
        code="AUTOSCALERS_COLLIDE",
        severity="warning",
        said=("twice-a", "twice-b"),
        needs="metrics",
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
        said=("the 2 pods", "autoscaler burner", "cpu is at"),
        needs="metrics",
    ),
    _scales(
        "blind",
        _blind("blind", "storefront"),
        ripe=is_condition("HorizontalPodAutoscaler", "blind", "ScalingActive", "FailedGetPodsMetric"),
        code="AUTOSCALER_METRIC_MISSING",
        severity="warning",
        said=("queue_length",),
    ),
    _scales(
        "tuned",
        deployment("tuned"),
        autoscaler("tuned", "tuned", most=2),
        steps=(
            Step(
                is_condition("HorizontalPodAutoscaler", "tuned", "ScalingActive", "ValidMetricFound"),
                "PATCH",
                "Deployment",
                "tuned",
                {"spec": {"replicas": 4}},
            ),
        ),
        ripe=told("tuned", "SuccessfulRescale"),
        code="AUTOSCALER_OVERRIDES",
        severity="info",
        said=("tuned was scaled from 1 to 4 by hand",),
        needs="metrics",
    ),
    _scales(
        "pinned",
        deployment("pinned"),
        autoscaler("pinned", "pinned", least=1, most=1),
        ripe=is_condition("HorizontalPodAutoscaler", "pinned", "ScalingActive", "ValidMetricFound"),
        code="AUTOSCALER_PINNED",
        severity="info",
        said=("holds pinned at 1 pod",),
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
        "resize",
        thing("Job", "resize", spec=job_spec("echo 'ERROR: picture 7 is broken'; exit 1", backoffLimit=6)),
        kind="Job",
        ripe=lambda seen: seen.status("Job", "resize").get("failed", 0) >= 1,
        code="JOB_RETRYING",
        severity="warning",
        said=("given up after 7", "picture 7 is broken"),
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

ROWS = (*USAGE, *AUTOSCALERS, *JOBS)
