"""What the server makes of an object before it looks whether it is valid: defaults, and what it alone may say."""

from __future__ import annotations

import base64
import zlib
from random import Random

from sandbox.cluster.admission.pods import completed_pod
from sandbox.cluster.api.kinds import Kind
from sandbox.cluster.schema.decode import decode
from sandbox.cluster.schema.types import struct_of
from sandbox.cluster.store import Json, copied
from sandbox.cluster.world.defaults import defaulted

_FIRST_STATUS: dict[str, Json] = {
    "daemonsets": {
        "currentNumberScheduled": 0,
        "numberMisscheduled": 0,
        "desiredNumberScheduled": 0,
        "numberReady": 0,
    },
    "horizontalpodautoscalers": {"desiredReplicas": 0, "currentMetrics": None},
    "namespaces": {"phase": "Active"},
    "persistentvolumeclaims": {"phase": "Pending"},
    "poddisruptionbudgets": {"disruptionsAllowed": 0, "currentHealthy": 0, "desiredHealthy": 0, "expectedPods": 0},
    "replicasets": {"replicas": 0},
    "services": {"loadBalancer": {}},
    "statefulsets": {"replicas": 0, "availableReplicas": 0},
}
_WITHOUT_STATUS = frozenset(
    {
        "configmaps",
        "controllerrevisions",
        "endpoints",
        "endpointslices",
        "events",
        "leases",
        "limitranges",
        "networkpolicies",
        "secrets",
        "serviceaccounts",
        "storageclasses",
    }
)
_SYSTEM = frozenset(
    {
        "uid",
        "creationTimestamp",
        "resourceVersion",
        "generation",
        "selfLink",
        "managedFields",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
    }
)


def normalized(kind: Kind, obj: Json) -> Json:
    """Return an object as the server would store it: canonical, with defaults."""
    read = decode(struct_of(kind.api_version, kind.kind), obj).obj
    return with_defaults(kind, read)


def with_defaults(kind: Kind, obj: Json) -> Json:
    """Return a canonical object with its defaults, an invalid one too."""
    obj = defaulted(kind.resource, obj)
    return {**obj, "kind": kind.kind, "apiVersion": kind.api_version}


def for_creation(kind: Kind, obj: Json, random: Random) -> Json:
    """Return a canonical object as it will be created, not yet admitted."""
    obj = {**obj, "metadata": {name: value for name, value in obj["metadata"].items() if name not in _SYSTEM}}
    obj.pop("status", None)
    obj = with_defaults(kind, obj)
    match kind.resource:
        case "pods" if obj["spec"].get("containers"):
            obj = completed_pod(obj, random)
        case "services":
            obj = _with_address(obj)
        case "secrets":
            obj = _with_data(obj)
        case _:
            pass
    if kind.resource in _WITHOUT_STATUS:
        return obj
    return {**obj, "status": obj.get("status") if kind.resource == "pods" else first_status(kind)}


def first_status(kind: Kind) -> Json:
    """Return the status that an object of a kind begins with."""
    status: Json = copied(_FIRST_STATUS.get(kind.resource, {}))
    return status


def _with_address(service: Json) -> Json:
    spec = service["spec"]
    if spec.get("clusterIP") or spec.get("type") == "ExternalName":
        return service
    number = zlib.crc32(f"{service['metadata'].get('namespace')}/{service['metadata'].get('name')}".encode())
    address = f"10.96.{1 + number % 249}.{1 + number // 249 % 249}"
    return {**service, "spec": {**spec, "clusterIP": address, "clusterIPs": [address]}}


def _with_data(secret: Json) -> Json:
    """Turn a Secret's plain text into its data, where the server keeps it."""
    plain = secret.pop("stringData", None) or {}
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in plain.items()}
    return {**secret, "data": {**(secret.get("data") or {}), **encoded}} if encoded else secret
