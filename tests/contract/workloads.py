"""The same small workloads for both clusters: manifests for a real one, and what they do for the simulated one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.cluster.world.behaviours import REFUSED, Behaviour, Crashes, Exits, PullFails, Serves, never_ready

Manifest = dict[str, Any]

UNPULLABLE = "127.0.0.1:1/nothing:1"
PATHS: Mapping[str, str] = {
    "configmaps": "/api/v1",
    "persistentvolumeclaims": "/api/v1",
    "pods": "/api/v1",
    "services": "/api/v1",
    "daemonsets": "/apis/apps/v1",
    "deployments": "/apis/apps/v1",
    "statefulsets": "/apis/apps/v1",
    "jobs": "/apis/batch/v1",
    "horizontalpodautoscalers": "/apis/autoscaling/v2",
}
"""Where each resource lies, in the order in which objects are made."""

GREETING = ("one", "two", "three", "four", "five")
LAST_WORDS = ("starting", "FATAL: no database")
FOLLOWED = ("begin", "end")
_GREET = "; ".join(f"echo {word}" for word in GREETING)

BEHAVIOURS: Mapping[str, Behaviour] = {
    "quiet": Serves(voice="silent", opening=GREETING),
    "agent": Serves(voice="silent"),
    "ordered": Serves(voice="silent"),
    "pair/c0": Serves(voice="silent"),
    "pair/c1": Serves(voice="silent"),
    "crash": Crashes(voice="silent", closing=LAST_WORDS, after=2.0),
    "once": Exits(voice="silent", closing=("done",), after=0.5),
    "unready": never_ready(REFUSED, voice="silent"),
    UNPULLABLE: PullFails(failure="refused"),
    "followed": Exits(voice="silent", opening=FOLLOWED[:1], closing=FOLLOWED[1:], after=6.0),
}
WORKLOADS = ("quiet", "agent", "ordered", "pair", "crash", "once", "unready", "unpullable", "misconfigured", "homeless")
"""Those that stand from the beginning, each with one pod that has the label `app`."""


def manifests(image: str) -> list[tuple[str, Manifest]]:
    """Return what stands from the beginning, as (resource, object)."""
    greeting = _container(image, f"{_GREET}; exec sleep 100000")
    crash = _container(image, "sleep 2; echo starting; echo FATAL: no database; exit 1")
    unready = _container(
        image,
        "exec sleep 100000",
        readinessProbe={"httpGet": {"path": "/ready", "port": 9}, "periodSeconds": 2, "failureThreshold": 1},
    )
    lacking = _container(image, "exec sleep 100000", envFrom=[{"configMapRef": {"name": "not-there"}}])
    homeless = _container(image, "exec sleep 100000")
    homeless["resources"]["requests"]["memory"] = "900Gi"
    pair = [_container(image, "exec sleep 100000", name=name) for name in ("c0", "c1")]
    ordered = _workload("StatefulSet", "ordered", _container(image, "exec sleep 100000"), serviceName="ordered")
    ordered["spec"]["updateStrategy"] = {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}
    agent = _workload("DaemonSet", "agent", _container(image, "exec sleep 100000"))
    del agent["spec"]["replicas"]
    return [
        *(("configmaps", config_map(f"page-{number}", set="pages")) for number in range(1, 6)),
        ("services", _service("quiet")),
        ("persistentvolumeclaims", _claim("stuck")),
        ("deployments", _workload("Deployment", "quiet", greeting)),
        ("deployments", _workload("Deployment", "pair", *pair)),
        ("deployments", _workload("Deployment", "crash", crash)),
        ("deployments", _workload("Deployment", "unready", unready)),
        ("deployments", _workload("Deployment", "misconfigured", lacking)),
        ("deployments", _workload("Deployment", "homeless", homeless)),
        ("deployments", _workload("Deployment", "unpullable", _container(UNPULLABLE, "true"))),
        ("daemonsets", agent),
        ("statefulsets", ordered),
        ("jobs", job("once", image, "sleep 0.5; echo done")),
        ("horizontalpodautoscalers", _autoscaler("quiet")),
    ]


def config_map(name: str, *, value: str = "1", **labels: str) -> Manifest:
    """Return a ConfigMap with labels."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, **({"labels": labels} if labels else {})},
        "data": {"value": value},
    }


def job(name: str, image: str, script: str) -> Manifest:
    """Return a Job of one pod that is tried once."""
    container = _container(image, script)
    template = {
        "metadata": {"labels": {"app": name}},
        "spec": {"containers": [container], "restartPolicy": "Never", "terminationGracePeriodSeconds": 0},
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"backoffLimit": 0, "template": template},
    }


def followed(image: str) -> Manifest:
    """Return a Job that says a word, waits, says another, and ends."""
    return job("followed", image, f"echo {FOLLOWED[0]}; sleep 6; echo {FOLLOWED[1]}")


def _container(image: str, script: str, *, name: str = "main", **fields: Any) -> Manifest:
    return {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["/bin/sh", "-c", script],
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}},
        **fields,
    }


def _workload(kind: str, name: str, *containers: Manifest, **spec: Any) -> Manifest:
    labels = {"app": name}
    pod = {"containers": list(containers), "terminationGracePeriodSeconds": 0}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "labels": dict(labels)},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": dict(labels)},
            "template": {"metadata": {"labels": dict(labels)}, "spec": pod},
            **spec,
        },
    }


def _service(name: str) -> Manifest:
    spec = {"selector": {"app": name}, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def _claim(name: str) -> Manifest:
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
        "storageClassName": "not-there",
    }
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec}


def _autoscaler(name: str) -> Manifest:
    goal = {"type": "Utilization", "averageUtilization": 80}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "minReplicas": 1,
            "maxReplicas": 2,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": goal}}],
        },
    }
