"""Pods before they are stored: what every pod is given, and who refuses it."""

from __future__ import annotations

from random import Random

from sandbox.cluster.admission.denied import forbidden
from sandbox.cluster.admission.limits import limit_faults, with_limit_range
from sandbox.cluster.admission.quotas import quota_fault
from sandbox.cluster.store import Json, ObjectStore
from sandbox.cluster.world import names
from sandbox.cluster.world.defaults import defaulted_pod_spec, quality_of_service

_TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105  # a path
_BUILT_IN_CLASSES = {"system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000}


def completed_pod(pod: Json, random: Random) -> Json:
    """Return a pod with what the server adds to every pod: defaults, a token, tolerations, its quality of service."""
    spec = defaulted_pod_spec(pod["spec"])
    if spec.get("automountServiceAccountToken", True):
        _mount_token(spec, random)
    spec.setdefault("serviceAccountName", "default")
    spec["serviceAccount"] = spec["serviceAccountName"]
    spec.setdefault("priority", _BUILT_IN_CLASSES.get(spec.get("priorityClassName", ""), 0))
    spec.setdefault("preemptionPolicy", "PreemptLowerPriority")
    present = {entry.get("key") for entry in spec.get("tolerations", ())}
    tolerations = [
        {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
        for key in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
        if key not in present
    ]
    spec["tolerations"] = [*spec.get("tolerations", ()), *tolerations]
    return {**pod, "spec": spec, "status": {"phase": "Pending", "qosClass": quality_of_service(spec)}}


def admitted_pod(store: ObjectStore, pod: Json) -> Json:
    """Return a pod as admission lets it in before it is validated. Raises Denied."""
    metadata, spec = pod["metadata"], pod["spec"]
    account, namespace = spec.get("serviceAccountName", "default"), metadata["namespace"]
    if account != "default" and store.get("serviceaccounts", namespace, account) is None:
        missing = f'error looking up service account {namespace}/{account}: serviceaccount "{account}" not found'
        raise forbidden("pods", metadata["name"], missing)
    priority = spec.get("priorityClassName", "")
    if priority and priority not in _BUILT_IN_CLASSES:
        raise forbidden("pods", metadata["name"], f"no PriorityClass with name {priority} was found")
    pod = with_limit_range(store, pod)
    return {**pod, "status": {**pod["status"], "qosClass": quality_of_service(pod["spec"])}}


def check_pod(store: ObjectStore, pod: Json) -> None:
    """Refuse a pod that limit ranges or quotas do not allow. Raises Denied."""
    text = limit_faults(store, pod) or quota_fault(store, "pods", pod)
    if text:
        raise forbidden("pods", pod["metadata"]["name"], text)


def _mount_token(spec: Json, random: Random) -> None:
    """Mount the token of the service account into every container."""
    volume = f"kube-api-access-{names.suffix(random)}"
    mount = {"name": volume, "readOnly": True, "mountPath": _TOKEN_PATH}
    for entry in [*spec.get("initContainers", ()), *spec["containers"]]:
        entry["volumeMounts"] = [*entry.get("volumeMounts", ()), mount]
    spec["volumes"] = [*spec.get("volumes", ()), _token_volume(volume)]


def _token_volume(name: str) -> Json:
    field = {"apiVersion": "v1", "fieldPath": "metadata.namespace"}
    return {
        "name": name,
        "projected": {
            "defaultMode": 420,
            "sources": [
                {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
                {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
                {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": field}]}},
            ],
        },
    }
