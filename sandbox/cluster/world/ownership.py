"""Names that belong to ownership: kinds that own things, and finalizers that say what becomes of dependents."""

from __future__ import annotations

PLURALS = {
    "Deployment": "deployments",
    "ReplicaSet": "replicasets",
    "StatefulSet": "statefulsets",
    "DaemonSet": "daemonsets",
    "Job": "jobs",
    "Service": "services",
    "Node": "nodes",
    "Pod": "pods",
}
ORPHAN = "orphan"
FOREGROUND = "foregroundDeletion"
