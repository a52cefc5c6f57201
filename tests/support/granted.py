"""The rights that the manifests grant, and the rights that ragops is known to need."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.support.requests_seen import Need

MANIFESTS = Path(__file__).parents[2] / "manifests" / "kubernetes"
READER, NODES = "components/reader/reader.yaml", "components/nodes/nodes.yaml"
BACKUPS, CERTIFICATES = "components/backups/backups.yaml", "components/certificates/certificates.yaml"
CHANGES, GUARD = "components/changes/changes.yaml", "components/guard/guard.yaml"
RECORDING = Path(__file__).parents[1] / "fixtures" / "cluster" / "requests.json"
RECORDING_OF_CHANGES = RECORDING.with_name("changes.json")
# What a cluster gives to every account: `system:public-info-viewer`, `system:basic-user`, `system:discovery`.
OPEN_TO_ALL = frozenset(
    {
        *(Need("get", path, namespaced=False) for path in ("/readyz", "/livez", "/healthz", "/version")),
        *(Need("get", f"/apis/{group}/v1", namespaced=False) for group in ("cert-manager.io", "velero.io")),
        *(
            Need("create", resource, "authorization.k8s.io", namespaced=False)
            for resource in ("selfsubjectaccessreviews", "selfsubjectrulesreviews")
        ),
        Need("create", "selfsubjectreviews", "authentication.k8s.io", namespaced=False),
    }
)


def documents(file: str) -> list[dict[str, Any]]:
    """Return the objects of one file below manifests/kubernetes."""
    return [document for document in yaml.safe_load_all((MANIFESTS / file).read_text()) if document]


def granted(file: str) -> set[Need]:
    """Return the rights that the roles of a file grant, each with its verb and resource alone."""
    return {need for document in documents(file) if document["kind"] in ROLES for need in _needs(document)}


ROLES = ("Role", "ClusterRole")


def _needs(role: dict[str, Any]) -> Iterator[Need]:
    for rule in role["rules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                for verb in rule["verbs"]:
                    yield Need(verb, resource, group, role["kind"] == "Role")


READING = (READER, CERTIFICATES, NODES, BACKUPS)
"""Everything that lets the accounts read of an API server. Kubelets are asked for the rest: see kubelet-metrics."""


def recorded() -> set[Need]:
    """Return what ragops was seen to ask for where it only looks, of a real cluster and of the simulated one."""
    return {Need(*each) for each in json.loads(RECORDING.read_text())}


def recorded_changes() -> set[Need]:
    """Return what it was seen to ask for besides, to change something: reads and writes of the worker."""
    return {Need(*each) for each in json.loads(RECORDING_OF_CHANGES.read_text())}


def write_recording(needs: set[Need], file: Path = RECORDING) -> None:
    """Write it down anew, a line each."""
    lines = [json.dumps([need.verb, need.resource, need.group, need.namespaced]) for need in sorted(needs, key=_order)]
    file.write_text("[\n  " + ",\n  ".join(lines) + "\n]\n")


def _order(need: Need) -> tuple[bool, str, str, str]:
    return (not need.namespaced, need.group, need.resource, need.verb)


def differences(seen: set[Need], known: set[Need]) -> dict[str, list[str]]:
    """Return what is too much and what is missing, in words; empty when all is as known."""
    told = {"asked for, but not known": seen - known, "known, but not asked for": known - seen}
    return {what: sorted(map(str, needs)) for what, needs in told.items() if needs}
