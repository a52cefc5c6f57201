"""The tables of what keeps pods running: Deployments, ReplicaSets, StatefulSets, DaemonSets, Jobs, CronJobs, HPAs."""

from __future__ import annotations

from datetime import datetime

from sandbox.cluster.api.selectors import selector_text
from sandbox.cluster.api.tables.columns import (
    NONE,
    UNKNOWN,
    UNSET,
    Printer,
    age,
    columns,
    containers,
    human_duration,
    labels_text,
    parse_time,
    since,
)
from sandbox.cluster.store import Json

_SHOWN_METRICS = 2


def _deployment(obj: Json, now: datetime) -> list[object]:
    spec, status = obj["spec"], obj.get("status", {})
    return [
        obj["metadata"]["name"],
        f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 1)}",
        status.get("updatedReplicas", 0),
        status.get("availableReplicas", 0),
        age(obj, now),
        *containers(spec["template"]),
        selector_text(spec.get("selector")),
    ]


def _replica_set(obj: Json, now: datetime) -> list[object]:
    spec, status = obj["spec"], obj.get("status", {})
    return [
        obj["metadata"]["name"],
        spec.get("replicas", 1),
        status.get("replicas", 0),
        status.get("readyReplicas", 0),
        age(obj, now),
        *containers(spec.get("template", {})),
        selector_text(spec.get("selector")),
    ]


def _stateful_set(obj: Json, now: datetime) -> list[object]:
    spec, status = obj["spec"], obj.get("status", {})
    ready = f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 1)}"
    return [obj["metadata"]["name"], ready, age(obj, now), *containers(spec["template"])]


def _daemon_set(obj: Json, now: datetime) -> list[object]:
    spec, status = obj["spec"], obj.get("status", {})
    counted = (
        "desiredNumberScheduled",
        "currentNumberScheduled",
        "numberReady",
        "updatedNumberScheduled",
        "numberAvailable",
    )
    return [
        obj["metadata"]["name"],
        *(status.get(field, 0) for field in counted),
        labels_text(spec["template"].get("spec", {}).get("nodeSelector")),
        age(obj, now),
        *containers(spec["template"]),
        selector_text(spec.get("selector")),
    ]


def _job(obj: Json, now: datetime) -> list[object]:
    spec, status = obj["spec"], obj.get("status", {})
    return [
        obj["metadata"]["name"],
        _job_status(obj),
        _completions(spec, status),
        _run_time(status, now),
        age(obj, now),
        *containers(spec["template"]),
        selector_text(spec.get("selector")),
    ]


def _job_status(obj: Json) -> str:
    status = obj.get("status", {})
    holding = {entry["type"] for entry in status.get("conditions") or [] if entry["status"] == "True"}
    for shown in ("Complete", "Failed"):
        if shown in holding:
            return shown
    if obj["metadata"].get("deletionTimestamp"):
        return "Terminating"
    for shown in ("Suspended", "FailureTarget", "SuccessCriteriaMet"):
        if shown in holding:
            return shown
    return "Running"


def _completions(spec: Json, status: Json) -> str:
    succeeded, parallelism = status.get("succeeded", 0), spec.get("parallelism", 1)
    if spec.get("completions") is not None:
        return f"{succeeded}/{spec['completions']}"
    return f"{succeeded}/1 of {parallelism}" if parallelism > 1 else f"{succeeded}/1"


def _run_time(status: Json, now: datetime) -> str:
    started = parse_time(status.get("startTime"))
    if started is None:
        return ""
    return human_duration((parse_time(status.get("completionTime")) or now) - started)


def _cron_job(obj: Json, now: datetime) -> list[object]:
    spec, status = obj["spec"], obj.get("status", {})
    template = spec.get("jobTemplate", {}).get("spec", {})
    last = status.get("lastScheduleTime")
    return [
        obj["metadata"]["name"],
        spec["schedule"],
        spec.get("timeZone") or NONE,
        "True" if spec.get("suspend") else "False",
        len(status.get("active") or []),
        since(last, now) if last else NONE,
        age(obj, now),
        *containers(template.get("template", {})),
        selector_text(template.get("selector")) or NONE,
    ]


def _autoscaler(obj: Json, now: datetime) -> list[object]:
    spec, status = obj["spec"], obj.get("status", {})
    target = spec["scaleTargetRef"]
    return [
        obj["metadata"]["name"],
        f"{target['kind']}/{target['name']}",
        _targets(spec.get("metrics") or [], status.get("currentMetrics") or []),
        str(spec["minReplicas"]) if spec.get("minReplicas") is not None else UNSET,
        spec["maxReplicas"],
        status.get("currentReplicas", 0),
        age(obj, now),
    ]


def _targets(metrics: list[Json], currents: list[Json]) -> str:
    """Write ``cpu: 12%/80%`` for each metric, the first two in full."""
    if not metrics:
        return NONE
    shown = [
        _target(metric, currents[position] if position < len(currents) else {})
        for position, metric in enumerate(metrics)
    ]
    if len(shown) > _SHOWN_METRICS:
        return f"{', '.join(shown[:_SHOWN_METRICS])} + {len(shown) - _SHOWN_METRICS} more..."
    return ", ".join(shown)


def _target(metric: Json, current: Json) -> str:
    source = metric["type"][0].lower() + metric["type"][1:]
    wanted = metric.get(source, {})
    seen = (current.get(source) or {}).get("current") or {}
    target = wanted.get("target") or {}
    label = f"{wanted['name']}: " if source in {"resource", "containerResource"} else ""
    if target.get("averageUtilization") is not None:
        used = seen.get("averageUtilization")
        return f"{label}{UNKNOWN if used is None else f'{used}%'}/{target['averageUtilization']}%"
    if target.get("averageValue") is not None:
        suffix = " (avg)" if source in {"external", "object"} else ""
        return f"{label}{seen.get('averageValue', UNKNOWN)}/{target['averageValue']}{suffix}"
    return f"{label}{seen.get('value', UNKNOWN)}/{target.get('value', '<auto>')}"


_TEMPLATE = ("Containers", "Images", "Selector")
PRINTERS = {
    ("apps", "deployments"): Printer(
        columns("Name", "Ready", "Up-to-date", "Available", "Age", wide=_TEMPLATE),
        _deployment,
    ),
    ("apps", "replicasets"): Printer(
        columns("Name", "Desired", "Current", "Ready", "Age", wide=_TEMPLATE, numbers=("Desired", "Current", "Ready")),
        _replica_set,
    ),
    ("apps", "statefulsets"): Printer(columns("Name", "Ready", "Age", wide=("Containers", "Images")), _stateful_set),
    ("apps", "daemonsets"): Printer(
        columns(
            "Name",
            "Desired",
            "Current",
            "Ready",
            "Up-to-date",
            "Available",
            "Node Selector",
            "Age",
            wide=_TEMPLATE,
            numbers=("Desired", "Current", "Ready", "Up-to-date", "Available"),
        ),
        _daemon_set,
    ),
    ("batch", "jobs"): Printer(columns("Name", "Status", "Completions", "Duration", "Age", wide=_TEMPLATE), _job),
    ("batch", "cronjobs"): Printer(
        columns(
            "Name",
            "Schedule",
            "Timezone",
            "Suspend",
            "Active",
            "Last Schedule",
            "Age",
            wide=_TEMPLATE,
            numbers=("Active",),
            flags=("Suspend",),
        ),
        _cron_job,
    ),
    ("autoscaling", "horizontalpodautoscalers"): Printer(
        columns(
            "Name",
            "Reference",
            "Targets",
            "MinPods",
            "MaxPods",
            "Replicas",
            "Age",
        ),
        _autoscaler,
    ),
}
