"""ControllerRevisions: how StatefulSets and DaemonSets remember their templates."""

from __future__ import annotations

from sandbox.cluster.store import Json, copied
from sandbox.cluster.world import names
from sandbox.cluster.world.machinery import Machinery, owner_reference

LABEL = "controller-revision-hash"
# What the revision itself is labelled with; its pods carry LABEL in any case.
_HASH_LABELS = {"DaemonSet": LABEL, "StatefulSet": "controller.kubernetes.io/hash"}


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
                "labels": {**(template["metadata"].get("labels") or {}), _HASH_LABELS[kind]: label},
                "ownerReferences": [owner_reference(workload, "apps/v1", kind)],
            },
            "data": data,
            "revision": newest + 1,
        },
    )


def template_of(revision: Json) -> Json:
    """Return a copy of the template that a ControllerRevision remembers."""
    template: Json = copied(revision["data"]["spec"]["template"])
    template.pop("$patch", None)
    return template


def forget_revisions(machinery: Machinery, workload: Json, live: set[str]) -> None:
    """Delete the oldest ControllerRevisions beyond the history limit that no pod is of."""
    limit = workload["spec"].get("revisionHistoryLimit", 10)
    known = machinery.owned("controllerrevisions", workload)
    if len(known) <= limit:
        return
    used = {(pod["metadata"].get("labels") or {}).get(LABEL) for pod in machinery.owned("pods", workload)}
    idle = [
        entry
        for entry in sorted(known, key=lambda entry: int(entry["revision"]))
        if not {entry["metadata"]["name"], entry["metadata"]["labels"].get(LABEL)} & (live | used)
    ]
    for entry in idle[: max(0, len(idle) - limit)]:
        machinery.delete("controllerrevisions", entry)
