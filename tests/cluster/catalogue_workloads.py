"""Workloads whose pods could run: roll-outs, ordered sets and services; and what is well."""

from __future__ import annotations

from typing import Any

from tests.cluster.catalogue import (
    Manifest,
    Row,
    Seen,
    Step,
    aged,
    autoscaler,
    both,
    deployment,
    ingress,
    is_condition,
    job_spec,
    looping,
    ready,
    service,
    thing,
    told,
)

_FAILS = "echo 'FATAL: bad shard map'; exit 1"


def _row(name: str, *makes: Manifest, **expected: Any) -> Row:
    return Row(place="workloads", name=name, makes=makes, **expected)


def _env(value: str) -> list[dict[str, str]]:
    return [{"name": "RELEASE", "value": value}]


def _cold(path: str) -> dict[str, Any]:
    return {"periodSeconds": 1, "exec": {"command": ["test", "-e", path]}}


def _paused(name: str, env: list[dict[str, str]], said: str) -> Row:
    """A Deployment that was paused together with a change."""
    then = deployment(name, env=env, spec={"paused": True})
    return _row(
        name,
        deployment(name, env=_env("1")),
        steps=(Step(ready(name), "PATCH", "Deployment", name, then),),
        ripe=is_condition("Deployment", name, "Progressing", "DeploymentPaused"),
        code="ROLLOUT_PAUSED",
        severity="info",
        said=("is paused", said),
    )


ROLLOUTS = (
    _row(
        "shop",
        deployment("shop", env=_env("1"), readinessProbe=_cold("/bin/sh")),
        steps=(
            Step(
                ready("shop"),
                "PATCH",
                "Deployment",
                "shop",
                deployment(
                    "shop", env=_env("2"), readinessProbe=_cold("/no/such/file"), spec={"progressDeadlineSeconds": 5}
                ),
            ),
        ),
        ripe=is_condition("Deployment", "shop", "Progressing", "ProgressDeadlineExceeded"),
        code="READINESS_FAILING",
        said=("shop (revision 2)", "readiness probe", "Revision 1", "1 of 1"),
        follows=(("ROLLOUT_STUCK", "shop"),),
    ),
    _paused("halted", [*_env("1"), {"name": "FEATURE_X", "value": "on"}], "FEATURE_X"),
    # The values of variables are not read, so that only what the status says is known.
    _paused("hushed", _env("2"), "A change waits"),
)


def _is_undone(seen: Seen) -> bool:
    status = seen.status("StatefulSet", "undone")
    revisions = {pod["metadata"]["labels"]["controller-revision-hash"] for pod in seen.pods("undone")}
    current, update = status.get("currentRevision"), status.get("updateRevision")
    return current == update and update not in revisions and looping("undone")(seen) is True


# Probes that pass and fail for sure: without one, a crashing pod counts as ready for the moment that it lives, and the
# controller may replace it just then. It asks for no resources and ends in its own time: a kubelet without cgroups for
# the quality of service stumbles over a pod of resources that is taken away at once and comes again by the same name.
_ANY: dict[str, Any] = {"resources": {}, "pod": {"terminationGracePeriodSeconds": 1}, "kind": "StatefulSet"}
_UNDONE = deployment("undone", env=_env("1"), readinessProbe=_cold("/bin/sh"), **_ANY)
_UNDOABLE = deployment("undone", _FAILS, env=_env("2"), readinessProbe=_cold("/no/such/file"), **_ANY)


def _stateful(name: str, code: str, said: tuple[str, ...], strategy: dict[str, Any], severity: str = "info") -> Row:
    """A set that has a change which its strategy keeps from its pod."""
    spec = {"updateStrategy": strategy}
    first = deployment(name, kind="StatefulSet", env=_env("1"), spec=spec)
    then = deployment(name, kind="StatefulSet", env=_env("2"), spec=spec)

    def is_behind(seen: Seen) -> bool:
        status = seen.status("StatefulSet", name)
        return bool(status) and status.get("currentRevision") != status.get("updateRevision")

    step = Step(ready(name), "PATCH", "StatefulSet", name, then)
    return _row(name, first, kind="StatefulSet", steps=(step,), ripe=is_behind, code=code, severity=severity, said=said)


_ONLY_FIRST = {"periodSeconds": 1, "exec": {"command": ["/bin/sh", "-c", "hostname | grep -q 0$ || ! echo not loaded"]}}

STATEFUL = (
    _row(
        "half",
        deployment(
            "half",
            kind="StatefulSet",
            readinessProbe=_ONLY_FIRST,
            spec={"replicas": 2, "podManagementPolicy": "Parallel"},
        ),
        service("half", "half"),
        kind="StatefulSet",
        ripe=both(ready("half"), told("half", "Unhealthy", "not loaded"), aged("half", 62)),
        code="READINESS_FAILING",
        severity="warning",
        said=("1 pod of half", "not loaded"),
        follows=(("SERVICE_PARTLY_READY", "half"),),
    ),
    _row(
        "shards",
        # Its probe never passes: without one, a pod counts as ready for the moment that it lives, and the set goes on.
        deployment("shards", _FAILS, kind="StatefulSet", readinessProbe=_cold("/no/such/file"), spec={"replicas": 2}),
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
                "PATCH",
                "StatefulSet",
                "undone",
                _UNDOABLE,
            ),
            Step(looping("undone"), "PATCH", "StatefulSet", "undone", _UNDONE),
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
        "storefront-admin",
        service("storefront-admin", "storefront", 9999),
        kind="Service",
        ripe=_NOW,
        code="SERVICE_PORT_UNDECLARED",
        severity="info",
        said=("9999", "web (8080)"),
    ),
    _row(
        "front",
        ingress("front", "storefrunt", 80),
        kind="Ingress",
        ripe=_NOW,
        code="INGRESS_SERVICE_MISSING",
        said=("front.example.com", "storefrunt"),
    ),
    _row(
        "side",
        service("side", "storefront", 8080),
        ingress("side", "side", 8080),
        kind="Ingress",
        ripe=_NOW,
        code="INGRESS_PORT_MISSING",
        said=("8080", "80"),
    ),
)


ROWS = (*ROLLOUTS, *STATEFUL, *SERVICES)

# What is well, or rests on purpose, and must not be accused; one of each sort.
WELL = (
    deployment("well", ports=_PORT, readinessProbe=_cold("/bin/sh")),
    service("well", "well", "web"),
    ingress("well", "well", 80),
    # Its target is out of reach: the probes of a busy machine would make it scale just when it is looked at.
    autoscaler("well", "well", percent=100_000),
    deployment("well-set", kind="StatefulSet"),
    deployment("well-agent", kind="DaemonSet"),
    deployment("well-off", spec={"replicas": 0}),
    service("well-off", "well-off"),
    thing("Job", "well-done", spec=job_spec("echo done")),
    thing(
        "CronJob",
        "well-rested",
        spec={"schedule": "* * * * *", "suspend": True, "jobTemplate": {"spec": job_spec("exit 1")}},
    ),
)
WELL_NAMES = frozenset(made["metadata"]["name"] for made in WELL)


def well(*, measured: bool) -> tuple[Manifest, ...]:
    """Return what is well; an autoscaler is so only where there are metrics."""
    return tuple(made for made in WELL if measured or made["kind"] != "HorizontalPodAutoscaler")


def is_well(seen: Seen, *, measured: bool) -> bool:
    """All that is well has got so far, and the autoscaler knows what it measures."""
    names = ("well", "well-set", "well-agent")
    done = seen.condition("Job", "well-done", "Complete").get("status") == "True"
    active = seen.condition("HorizontalPodAutoscaler", "well", "ScalingActive").get("status") == "True"
    return all(ready(name)(seen) for name in names) and done and (active or not measured)
