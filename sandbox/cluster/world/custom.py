"""Objects of custom resources, as those leave them who look after them: Velero and cert-manager."""

from __future__ import annotations

from datetime import datetime, timedelta

from sandbox.cluster.store import Json
from sandbox.cluster.world.clock import stamp

VELERO, CERT_MANAGER = "velero.io", "cert-manager.io"


def backup(
    name: str, started: datetime, *, phase: str = "Completed", namespaces: tuple[str, ...] = ("*",), errors: int = 0
) -> Json:
    """Build a Backup of Velero that took three minutes, made by a schedule that its name begins with."""
    ended = started + timedelta(minutes=3)
    status: Json = {
        "version": 1,
        "formatVersion": "1.1.0",
        "phase": phase,
        "startTimestamp": _stamp(started),
        "expiration": _stamp(started + timedelta(days=30)),
    }
    if phase != "InProgress":
        status["completionTimestamp"] = _stamp(ended)
    if errors:
        status["errors"] = errors
    return {
        "apiVersion": "velero.io/v1",
        "kind": "Backup",
        "metadata": {
            "name": name,
            "namespace": "velero",
            "labels": {"velero.io/schedule-name": name.rpartition("-")[0], "velero.io/storage-location": "default"},
            "creationTimestamp": _stamp(started),
        },
        "spec": {"includedNamespaces": list(namespaces), "storageLocation": "default", "ttl": "720h0m0s"},
        "status": status,
    }


def certificate(
    namespace: str, name: str, *hosts: str, not_after: datetime, revision: int = 1, failed: int = 0, trouble: str = ""
) -> Json:
    """Build a Certificate of 90 days, renewed a month before its end unless there is a trouble."""
    ready: Json = {
        "type": "Ready",
        "status": "True",
        "reason": "Ready",
        "message": "Certificate is up to date and has not expired",
        "lastTransitionTime": _stamp(not_after - timedelta(days=90)),
    }
    conditions = [ready]
    if trouble:
        at = _stamp(not_after - timedelta(days=29))
        conditions.append(
            {"type": "Issuing", "status": "False", "reason": "Failed", "message": trouble, "lastTransitionTime": at}
        )
    status: Json = {
        "conditions": conditions,
        "notBefore": _stamp(not_after - timedelta(days=90)),
        "notAfter": _stamp(not_after),
        "renewalTime": _stamp(not_after - timedelta(days=30)),
        "revision": revision,
    }
    if failed:
        status["failedIssuanceAttempts"] = failed
    issuer = {"name": "letsencrypt", "kind": "ClusterIssuer"}
    return {
        "apiVersion": "cert-manager.io/v1",
        "kind": "Certificate",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"secretName": name, "dnsNames": list(hosts), "issuerRef": issuer},
        "status": status,
    }


def _stamp(moment: datetime) -> str:
    return str(stamp(moment.timestamp()))
