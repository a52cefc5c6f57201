"""ControllerRevisions: how StatefulSets and DaemonSets remember their templates."""

from __future__ import annotations

from sandbox.cluster.store import Json
from sandbox.cluster.world import names
from sandbox.cluster.world.machinery import Machinery, owner_reference

LABEL = "controller-revision-hash"


def current_revision(machinery: Machinery, workload: Json, kind: str) -> Json:
    """Return the ControllerRevision of a workload's template, made or renumbered to be the newest."""
    metadata, template = workload["metadata"], workload["spec"]["template"]
    known = machinery.owned("controllerrevisions", workload)
    newest = max((entry["revision"] for entry in known), default=0)
    data = {"spec": {"template": {"$patch": "replace", **template}}}
    for entry in known:
        if entry["data"] == data:
            if entry["revision"] == newest:
                return entry
            return machinery.update("controllerrevisions", {**entry, "revision": newest + 1})
    label = names.template_hash(template)
    return machinery.create(
        "controllerrevisions",
        {
            "apiVersion": "apps/v1",
            "kind": "ControllerRevision",
            "metadata": {
                "name": f"{metadata['name']}-{label}",
                "namespace": metadata["namespace"],
                "labels": {**(template["metadata"].get("labels") or {}), LABEL: label},
                "ownerReferences": [owner_reference(workload, "apps/v1", kind)],
            },
            "data": data,
            "revision": newest + 1,
        },
    )
