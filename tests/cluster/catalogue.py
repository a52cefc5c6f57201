"""The words in which the failures of the catalogue are written: objects, what is seen of them, and a row for each.

A row makes objects, changes them when they are so far, says when it is ripe to be looked at, and what must be said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

from tests.support.hands import IMAGE

Manifest: TypeAlias = dict[str, Any]
ALIVE = "trap 'exit 0' TERM; while :; do sleep 1000 & wait $!; done"

_GROUPS = {
    "Deployment": ("apis/apps/v1", "deployments"),
    "StatefulSet": ("apis/apps/v1", "statefulsets"),
    "DaemonSet": ("apis/apps/v1", "daemonsets"),
    "ReplicaSet": ("apis/apps/v1", "replicasets"),
    "ControllerRevision": ("apis/apps/v1", "controllerrevisions"),
    "Job": ("apis/batch/v1", "jobs"),
    "CronJob": ("apis/batch/v1", "cronjobs"),
    "Pod": ("api/v1", "pods"),
    "Service": ("api/v1", "services"),
    "Event": ("api/v1", "events"),
    "PodMetrics": ("apis/metrics.k8s.io/v1beta1", "pods"),
    "PersistentVolumeClaim": ("api/v1", "persistentvolumeclaims"),
    "ConfigMap": ("api/v1", "configmaps"),
    "ResourceQuota": ("api/v1", "resourcequotas"),
    "LimitRange": ("api/v1", "limitranges"),
    "Ingress": ("apis/networking.k8s.io/v1", "ingresses"),
    "HorizontalPodAutoscaler": ("apis/autoscaling/v2", "horizontalpodautoscalers"),
    "PodDisruptionBudget": ("apis/policy/v1", "poddisruptionbudgets"),
    "ValidatingAdmissionPolicy": ("apis/admissionregistration.k8s.io/v1", "validatingadmissionpolicies"),
    "ValidatingAdmissionPolicyBinding": ("apis/admissionregistration.k8s.io/v1", "validatingadmissionpolicybindings"),
    "ValidatingWebhookConfiguration": ("apis/admissionregistration.k8s.io/v1", "validatingwebhookconfigurations"),
}
# What is read again and again while the failures ripen.
WATCHED = ("Pod", "Event", "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "HorizontalPodAutoscaler")


def path(kind: str, namespace: str = "", name: str = "") -> str:
    """Return where objects of a kind live."""
    group, plural = _GROUPS[kind]
    inside = f"/namespaces/{namespace}" if namespace else ""
    return f"/{group}{inside}/{plural}{'/' + name if name else ''}"


def thing(kind: str, name: str, **fields: Any) -> Manifest:
    """Return an object; its labels are for what looks for it."""
    group, _ = _GROUPS[kind]
    version = group.removeprefix("apis/").removeprefix("api/")
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "labels": {"app": name}}, **fields}


def container(script: str = ALIVE, **changes: Any) -> dict[str, Any]:
    """Return a small container that runs a shell script."""
    return {
        "name": "main",
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["/bin/sh", "-c", script],
        "resources": {"requests": {"cpu": "5m", "memory": "8Mi"}},
        **changes,
    }


def pod_spec(script: str = ALIVE, *, pod: Mapping[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """Return the specification of a pod of one container; `pod` are fields of the pod, the others the container's."""
    return {"containers": [container(script, **changes)], "terminationGracePeriodSeconds": 0, **(pod or {})}


def deployment(
    name: str,
    script: str = ALIVE,
    *,
    pod: Mapping[str, Any] | None = None,
    spec: Mapping[str, Any] | None = None,
    kind: str = "Deployment",
    **changes: Any,
) -> Manifest:
    """Return a Deployment (or another workload of long life) of one pod."""
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": pod_spec(script, pod=pod, **changes)}
    one = {} if kind == "DaemonSet" else {"replicas": 1}
    return thing(kind, name, spec={**one, "selector": {"matchLabels": labels}, "template": template, **(spec or {})})


def job_spec(script: str, *, pod: Mapping[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    template = pod_spec(script, pod={"restartPolicy": "Never", **(pod or {})})
    return {"backoffLimit": 0, "template": {"spec": template}, **spec}


def service(name: str, selector: str, port: object = 80) -> Manifest:
    return thing("Service", name, spec={"selector": {"app": selector}, "ports": [{"port": 80, "targetPort": port}]})


def ingress(name: str, backend: str, port: int) -> Manifest:
    to = {"service": {"name": backend, "port": {"number": port}}}
    rule = {"host": f"{name}.example.com", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": to}]}}
    return thing("Ingress", name, spec={"rules": [rule]})


def autoscaler(name: str, target: str, *, most: int = 3, percent: int = 80, least: int = 1) -> Manifest:
    cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": percent}}
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target},
        "minReplicas": least,
        "maxReplicas": most,
        "metrics": [{"type": "Resource", "resource": cpu}],
    }
    return thing("HorizontalPodAutoscaler", name, spec=spec)


@dataclass(frozen=True, slots=True)
class Seen:
    """What the API server says of one namespace, by kind."""

    objects: Mapping[str, list[dict[str, Any]]]

    def one(self, kind: str, name: str) -> dict[str, Any]:
        """Return an object's newest state; empty while there is none."""
        return next((each for each in self.objects[kind] if each["metadata"]["name"] == name), {})

    def status(self, kind: str, name: str) -> dict[str, Any]:
        found = self.one(kind, name)
        return dict(found.get("status") or {})

    def pods(self, name: str) -> list[dict[str, Any]]:
        """Return the pods of what is called so: by label, by name, or by the job they are of."""
        return [pod for pod in self.objects["Pod"] if _belongs(pod["metadata"], name)]

    def containers(self, name: str) -> list[dict[str, Any]]:
        statuses = ("initContainerStatuses", "containerStatuses")
        return [each for pod in self.pods(name) for key in statuses for each in pod["status"].get(key) or ()]

    def events(self, name: str, reason: str) -> list[dict[str, Any]]:
        """Return the events about an object and what is made of it."""
        return [
            event
            for event in self.objects["Event"]
            if event["reason"] == reason and event["involvedObject"].get("name", "").startswith(name)
        ]

    def condition(self, kind: str, name: str, which: str) -> dict[str, Any]:
        conditions = self.status(kind, name).get("conditions") or ()
        return next((dict(each) for each in conditions if each["type"] == which), {})


def _belongs(metadata: Mapping[str, Any], name: str) -> bool:
    labels = metadata.get("labels") or {}
    return name in (labels.get("app"), metadata["name"], labels.get("batch.kubernetes.io/job-name"))


Ripe: TypeAlias = Callable[[Seen], object]


@dataclass(frozen=True, slots=True)
class Step:
    """A later change: when it is time, what is sent."""

    when: Ripe
    verb: str
    kind: str
    name: str
    body: Manifest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One failure: what makes it, when it is there, and what must be said of it."""

    place: str
    name: str
    kind: str = "Deployment"
    makes: tuple[Manifest, ...]
    steps: tuple[Step, ...] = ()
    ripe: Ripe
    code: str
    severity: str = "critical"
    # Words of the summary, words of the evidence, and what is told as a consequence: (code, name).
    said: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    follows: tuple[tuple[str, str], ...] = ()
    needs: str = ""


def looping(name: str) -> Ripe:
    """A container of it ended twice and more, so that the log of a whole run is there."""
    return lambda seen: any(
        each["restartCount"] >= 2 and "terminated" in each["lastState"] for each in seen.containers(name)
    )


def waiting(name: str, *reasons: str) -> Ripe:
    """A container of it waits, and the kubelet says why."""
    return lambda seen: any(
        (each["state"].get("waiting") or {}).get("reason") in reasons for each in seen.containers(name)
    )


def unscheduled(name: str, words: str) -> Ripe:
    """The scheduler says of a pod why it waits."""

    def ripe(seen: Seen) -> bool:
        conditions = [c for pod in seen.pods(name) for c in pod["status"].get("conditions") or ()]
        return any(
            c["type"] == "PodScheduled" and c["status"] == "False" and words in c.get("message", "") for c in conditions
        )

    return ripe


def told(name: str, reason: str, words: str = "") -> Ripe:
    """An event about it was written."""
    return lambda seen: any(words in event["message"] for event in seen.events(name, reason))


def refused(name: str) -> Ripe:
    """Its pods cannot be created, and its Deployment says so."""
    return lambda seen: seen.condition("Deployment", name, "ReplicaFailure").get("status") == "True"


def ready(name: str, number: int = 1) -> Ripe:
    return lambda seen: sum(bool(each["ready"]) for each in seen.containers(name)) >= number


def is_condition(kind: str, name: str, which: str, reason: str) -> Ripe:
    return lambda seen: seen.condition(kind, name, which).get("reason") == reason


def older_than(pod: Mapping[str, Any], key: str, seconds: float) -> bool:
    """Tell whether a time of a pod's metadata is that long past."""
    text = pod["metadata"].get(key)
    return bool(text) and (datetime.now(UTC) - datetime.fromisoformat(text)).total_seconds() > seconds


def aged(name: str, seconds: float) -> Ripe:
    """A pod of it has existed for a while: what just starts is not accused yet."""
    return lambda seen: any(older_than(pod, "creationTimestamp", seconds) for pod in seen.pods(name))


def both(*conditions: Ripe) -> Ripe:
    return lambda seen: all(condition(seen) for condition in conditions)
