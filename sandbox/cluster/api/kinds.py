"""The kinds that the API serves: their paths, their names, what they can be selected by."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

READ_VERBS = ("get", "list", "watch")
WRITE_VERBS = ("create", "delete", "deletecollection", "patch", "update")
ALL_VERBS = tuple(sorted((*READ_VERBS, *WRITE_VERBS)))
_SUBRESOURCE_VERBS = {
    "eviction": ("create",),
    "log": ("get",),
    "scale": ("get", "patch", "update"),
    "status": ("get", "patch", "update"),
}


@dataclass(frozen=True, slots=True)
class Kind:
    """One resource type; ``resource`` is the plural name, ``fields`` what fieldSelector may name beyond metadata."""

    resource: str
    kind: str
    group: str
    version: str
    namespaced: bool
    singular: str
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ALL_VERBS

    def verbs_of(self, subresource: str) -> tuple[str, ...]:
        """Return what may be done to objects, or to one of their subresources."""
        return _SUBRESOURCE_VERBS[subresource] if subresource else self.verbs

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified(self) -> str:
        """Return the name that messages use, ``deployments.apps``."""
        return f"{self.resource}.{self.group}" if self.group else self.resource

    @property
    def type_name(self) -> str:
        """Return the name that the refusals of invalid objects use, ``Deployment.apps``."""
        return f"{self.kind}.{self.group}" if self.group else self.kind

    @property
    def go_package(self) -> str:
        """Return the package that holds the server's own type, which some messages show."""
        return self.group.split(".", maxsplit=1)[0] if self.group else "core"


def _kind(
    resource: str,
    kind: str,
    *short_names: str,
    group: str = "",
    version: str = "v1",
    namespaced: bool = True,
    everywhere: bool = False,
    fields: tuple[str, ...] = (),
    subresources: tuple[str, ...] = (),
    verbs: tuple[str, ...] = ALL_VERBS,
) -> Kind:
    return Kind(
        resource=resource,
        kind=kind,
        group=group,
        version=version,
        namespaced=namespaced,
        singular=kind.lower(),
        short_names=short_names,
        categories=("all",) if everywhere else (),
        fields=fields,
        subresources=subresources,
        verbs=verbs,
    )


_POD_FIELDS = (
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "spec.hostNetwork",
    "status.phase",
    "status.podIP",
    "status.nominatedNodeName",
)
_EVENT_FIELDS = (
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "source",
    "type",
)
_SCALED = ("status", "scale")

KINDS: tuple[Kind, ...] = (
    _kind("configmaps", "ConfigMap", "cm"),
    _kind("endpoints", "Endpoints", "ep"),
    _kind("events", "Event", "ev", fields=_EVENT_FIELDS),
    _kind("limitranges", "LimitRange", "limits"),
    _kind(
        "namespaces",
        "Namespace",
        "ns",
        namespaced=False,
        fields=("status.phase",),
        subresources=("status",),
        verbs=tuple(verb for verb in ALL_VERBS if verb != "deletecollection"),
    ),
    _kind("nodes", "Node", "no", namespaced=False, fields=("spec.unschedulable",), subresources=("status",)),
    _kind("persistentvolumeclaims", "PersistentVolumeClaim", "pvc", subresources=("status",)),
    _kind("persistentvolumes", "PersistentVolume", "pv", namespaced=False, subresources=("status",)),
    _kind("pods", "Pod", "po", everywhere=True, fields=_POD_FIELDS, subresources=("eviction", "log", "status")),
    _kind("replicationcontrollers", "ReplicationController", "rc", everywhere=True, subresources=_SCALED),
    _kind("resourcequotas", "ResourceQuota", "quota", subresources=("status",)),
    _kind("secrets", "Secret", fields=("type",)),
    _kind("serviceaccounts", "ServiceAccount", "sa"),
    _kind(
        "services",
        "Service",
        "svc",
        everywhere=True,
        fields=("spec.clusterIP", "spec.type"),
        subresources=("status",),
    ),
    _kind("controllerrevisions", "ControllerRevision", group="apps"),
    _kind("daemonsets", "DaemonSet", "ds", group="apps", everywhere=True, subresources=("status",)),
    _kind("deployments", "Deployment", "deploy", group="apps", everywhere=True, subresources=_SCALED),
    _kind("replicasets", "ReplicaSet", "rs", group="apps", everywhere=True, subresources=_SCALED),
    _kind("statefulsets", "StatefulSet", "sts", group="apps", everywhere=True, subresources=_SCALED),
    _kind(
        "selfsubjectreviews",
        "SelfSubjectReview",
        group="authentication.k8s.io",
        namespaced=False,
        verbs=("create",),
    ),
    _kind(
        "selfsubjectaccessreviews",
        "SelfSubjectAccessReview",
        group="authorization.k8s.io",
        namespaced=False,
        verbs=("create",),
    ),
    _kind(
        "selfsubjectrulesreviews",
        "SelfSubjectRulesReview",
        group="authorization.k8s.io",
        namespaced=False,
        verbs=("create",),
    ),
    _kind(
        "horizontalpodautoscalers",
        "HorizontalPodAutoscaler",
        "hpa",
        group="autoscaling",
        version="v2",
        everywhere=True,
        subresources=("status",),
    ),
    _kind("cronjobs", "CronJob", "cj", group="batch", everywhere=True, subresources=("status",)),
    _kind("jobs", "Job", group="batch", everywhere=True, fields=("status.successful",), subresources=("status",)),
    _kind("leases", "Lease", group="coordination.k8s.io"),
    _kind("endpointslices", "EndpointSlice", group="discovery.k8s.io"),
    _kind(
        "nodes",
        "NodeMetrics",
        group="metrics.k8s.io",
        version="v1beta1",
        namespaced=False,
        verbs=("get", "list"),
    ),
    _kind("pods", "PodMetrics", group="metrics.k8s.io", version="v1beta1", verbs=("get", "list")),
    _kind("ingresses", "Ingress", "ing", group="networking.k8s.io", subresources=("status",)),
    _kind("networkpolicies", "NetworkPolicy", "netpol", group="networking.k8s.io"),
    _kind("poddisruptionbudgets", "PodDisruptionBudget", "pdb", group="policy", subresources=("status",)),
    _kind("storageclasses", "StorageClass", "sc", group="storage.k8s.io", namespaced=False),
    _kind("certificates", "Certificate", "cert", "certs", group="cert-manager.io", subresources=("status",)),
    _kind("backups", "Backup", group="velero.io"),
)
METRICS_GROUP = "metrics.k8s.io"
CUSTOM_GROUPS = frozenset({"cert-manager.io", "velero.io"})
"""Made by definitions of custom resources: of these the server knows nothing until they are installed."""

_BY_PATH = {(kind.group, kind.version, kind.resource): kind for kind in KINDS}
GROUP_VERSIONS: tuple[tuple[str, str], ...] = tuple(dict.fromkeys((kind.group, kind.version) for kind in KINDS))


# Served by the API server itself: of these it knows that a version is missing.
LOCAL_GROUPS = frozenset(kind.group for kind in KINDS) - {METRICS_GROUP, *CUSTOM_GROUPS}


def is_installed(group: str, installed: Collection[str]) -> bool:
    """Tell whether a group is there: a custom one once its definitions are installed."""
    return group not in CUSTOM_GROUPS or group in installed


def find_kind(group: str, version: str, resource: str) -> Kind | None:
    """Return the kind served at a path, if any."""
    return _BY_PATH.get((group, version, resource))


def find_resource(group: str, resource: str) -> Kind | None:
    """Return the kind by group and plural name, whatever its version."""
    return next((kind for kind in KINDS if kind.group == group and kind.resource == resource), None)
