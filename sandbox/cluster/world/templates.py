"""Objects of the world in few words: containers, workloads, services, nodes, and the pods that controllers make."""

from __future__ import annotations

from random import Random

from sandbox.cluster.admission.pods import completed_pod
from sandbox.cluster.store import Json, copied
from sandbox.cluster.world import names
from sandbox.cluster.world.clock import stamp

KUBELET_VERSION = "v1.34.4"


def env_value(name: str, value: str) -> Json:
    """Build an environment variable with a literal value."""
    return {"name": name, "value": value}


def env_secret(name: str, secret: str, key: str) -> Json:
    """Build an environment variable taken from a Secret."""
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}


def http_probe(path: str, port: int, *, period: int = 10, delay: int = 0, threshold: int = 3) -> Json:
    """Build an HTTP probe."""
    probe: Json = {"httpGet": {"path": path, "port": port}, "periodSeconds": period, "failureThreshold": threshold}
    return probe | ({"initialDelaySeconds": delay} if delay else {})


def tcp_probe(port: int, *, period: int = 10, delay: int = 0) -> Json:
    """Build a probe that only connects."""
    probe: Json = {"tcpSocket": {"port": port}, "periodSeconds": period}
    return probe | ({"initialDelaySeconds": delay} if delay else {})


def container(
    name: str,
    image: str,
    *,
    cpu: str = "50m",
    memory: str = "64Mi",
    memory_limit: str = "",
    env: tuple[Json, ...] = (),
    port: int = 0,
    **more: Json | list[Json],
) -> Json:
    """Build a container; ``more`` takes probes and other fields by their API names."""
    built: Json = {"name": name, "image": image, **more}
    if env:
        built["env"] = list(env)
    if port:
        built["ports"] = [{"containerPort": port, "protocol": "TCP"}]
    built["resources"] = {"requests": {"cpu": cpu, "memory": memory}}
    if memory_limit:
        built["resources"]["limits"] = {"memory": memory_limit}
    return built


def _workload(
    kind: str, namespace: str, name: str, spec: Json, *, containers: tuple[Json, ...], pod: Json | None
) -> Json:
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace, "labels": dict(labels)},
        "spec": {
            **spec,
            "selector": {"matchLabels": dict(labels)},
            "template": {"metadata": {"labels": dict(labels)}, "spec": {"containers": list(containers), **(pod or {})}},
        },
    }


def deployment(namespace: str, name: str, *containers: Json, replicas: int = 1, pod: Json | None = None) -> Json:
    """Build a Deployment; ``pod`` adds fields to the pod's spec."""
    return _workload("Deployment", namespace, name, {"replicas": replicas}, containers=containers, pod=pod)


def stateful_set(
    namespace: str, name: str, *containers: Json, replicas: int = 1, storage: str = "", pod: Json | None = None
) -> Json:
    """Build a StatefulSet; with ``storage`` each pod gets a claim called ``data``."""
    spec: Json = {"replicas": replicas, "serviceName": name}
    if storage:
        claim_spec = {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": storage}},
            "storageClassName": "standard",
        }
        spec["volumeClaimTemplates"] = [{"metadata": {"name": "data"}, "spec": claim_spec}]
    return _workload("StatefulSet", namespace, name, spec, containers=containers, pod=pod)


def daemon_set(namespace: str, name: str, *containers: Json, pod: Json | None = None) -> Json:
    """Build a DaemonSet."""
    return _workload("DaemonSet", namespace, name, {}, containers=containers, pod=pod)


def job(namespace: str, name: str, *containers: Json, backoff_limit: int = 6, completions: int = 1) -> Json:
    """Build a Job whose pods are never restarted."""
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": {
            "backoffLimit": backoff_limit,
            "completions": completions,
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"restartPolicy": "Never", "containers": list(containers)},
            },
        },
    }


def service(namespace: str, name: str, port: int, target: int, *, app: str = "") -> Json:
    """Build a Service that selects pods by their label ``app``."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": app or name}},
        "spec": {"selector": {"app": app or name}, "ports": [{"port": port, "targetPort": target}]},
    }


def autoscaler(namespace: str, name: str, target: str, *, least: int, most: int, cpu_percent: int = 80) -> Json:
    """Build a HorizontalPodAutoscaler on the CPU of a Deployment."""
    goal = {"type": "Utilization", "averageUtilization": cpu_percent}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target},
            "minReplicas": least,
            "maxReplicas": most,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": goal}}],
        },
    }


def plain(api_version: str, kind: str, name: str, namespace: str = "", **fields: Json | str) -> Json:
    """Build any other object from its top-level fields."""
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}


def node(name: str, number: int, *, cpu: int, memory: str, allocatable: str, random: Random, now: float) -> Json:
    """Build a ready node."""
    size = {"cpu": str(cpu), "ephemeral-storage": "98831908Ki", "hugepages-2Mi": "0", "pods": "110"}
    machine = names.hexadecimal(random, 32)
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {
                "kubernetes.io/arch": "amd64",
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "node.kubernetes.io/instance-type": "standard-4",
                "topology.kubernetes.io/zone": f"eu-1{'abc'[number % 3]}",
            },
            "annotations": {"node.alpha.kubernetes.io/ttl": "0"},
        },
        "spec": {"podCIDR": f"10.244.{number}.0/24", "podCIDRs": [f"10.244.{number}.0/24"]},
        "status": {
            "addresses": [
                {"type": "InternalIP", "address": f"10.111.0.{number + 10}"},
                {"type": "Hostname", "address": name},
            ],
            "allocatable": size | {"memory": allocatable},
            "capacity": size | {"memory": memory},
            "conditions": node_conditions(now),
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
            "images": [],
            "nodeInfo": {
                "architecture": "amd64",
                "bootID": names.uid(random),
                "containerRuntimeVersion": "containerd://1.7.27",
                "kernelVersion": "6.1.0-37-amd64",
                "kubeProxyVersion": "",
                "kubeletVersion": KUBELET_VERSION,
                "machineID": machine,
                "operatingSystem": "linux",
                "osImage": "Debian GNU/Linux 12 (bookworm)",
                "systemUUID": machine,
            },
        },
    }


def node_conditions(now: float) -> list[Json]:
    """Return the conditions of a node without a fault."""
    facts = (
        ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
    )
    at = stamp(now)
    return [
        {
            "type": kind,
            "status": status,
            "lastHeartbeatTime": at,
            "lastTransitionTime": at,
            "reason": reason,
            "message": message,
        }
        for kind, status, reason, message in facts
    ]


def pod_from_template(template: Json, *, name: str, namespace: str, owner: Json, random: Random, **labels: str) -> Json:
    """Build the pod that a controller creates: the template, plus what the server adds to every pod."""
    metadata: Json = copied(template.get("metadata") or {})
    metadata["labels"] = {**metadata.get("labels", {}), **labels}
    metadata |= {"name": name, "namespace": namespace, "ownerReferences": [owner]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
    return completed_pod(pod, random)
