"""What the API server says of one object now, as it says it: a change is judged by this, never by a copy.

Objects are the server's own JSON, because a write sends back what it does not mean to change. Nothing of them is shown
to people or kept: plans hold digests and the few values they are about.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.domain.targets import ObjectRef, Scope

Json = Mapping[str, Any]

PREFIX = "ragops.dev"
MARKER = f"{PREFIX}/operation-id"
VOID = f"{PREFIX}/void-operation-id"
HASH_LABEL = "pod-template-hash"
RESTARTED = "kubectl.kubernetes.io/restartedAt"


class Reads(StrEnum):
    """What a step wants to see besides its target."""

    REVISIONS = "revisions"
    FAILED_PODS = "failed pods"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One object of one cluster, by its uid: another of the same name is another object."""

    scope: Scope
    kind: str
    name: str
    uid: str

    @property
    def ref(self) -> ObjectRef:
        return ObjectRef(self.kind, self.scope.namespace, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """A target as it is now; `object` is None when there is none of that name.

    `revisions` are the ReplicaSets or ControllerRevisions that the target controls, `pods` the failed pods of the
    namespace; both are empty unless they were asked for.
    """

    read_at: datetime
    object: Json | None
    revisions: tuple[Json, ...] = ()
    pods: tuple[Json, ...] = ()

    @property
    def uid(self) -> str:
        return str(metadata_of(self.object).get("uid", ""))

    @property
    def resource_version(self) -> str:
        return str(metadata_of(self.object).get("resourceVersion", ""))

    @property
    def generation(self) -> int:
        return int(metadata_of(self.object).get("generation", 0))

    @property
    def marker(self) -> str:
        """Return the id of the operation that changed the object last, as far as it carries one."""
        return str(annotations_of(self.object).get(MARKER, ""))


def metadata_of(of: Json | None) -> Json:
    """Return an object's metadata; empty without one."""
    found: Json = (of or {}).get("metadata") or {}
    return found


def annotations_of(of: Json | None) -> dict[str, str]:
    """Return a copy of an object's annotations."""
    return dict(metadata_of(of).get("annotations") or {})


def template_of(of: Json | None) -> Json:
    """Return a workload's pod template as the server tells it; empty without one."""
    found: Json = ((of or {}).get("spec") or {}).get("template") or {}
    return found


def bare(template: Json) -> Json:
    """Return a template without the label that a Deployment's controller adds to it."""
    meta = template.get("metadata") or {}
    labels = meta.get("labels") or {}
    if HASH_LABEL not in labels:
        return template
    rest = {name: value for name, value in labels.items() if name != HASH_LABEL}
    return {**template, "metadata": {**meta, "labels": rest}}


def template_digest(template: Json) -> str:
    """Return the SHA-256 of a template as the server returns it, without the label `pod-template-hash`; hexadecimal.

    What is null counts as absent: a ControllerRevision says so where the workload says nothing.
    """
    text = json.dumps(without_nulls(bare(template)), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def revision_template(revision: Json) -> Json:
    """Return the template that a ReplicaSet or a ControllerRevision holds, as a workload would carry it."""
    source = revision.get("data") if "data" in revision else revision
    template = template_of(source)
    found: Json = without_nulls(bare({name: value for name, value in template.items() if name != "$patch"}))
    return found


def without_nulls(value: Any) -> Any:
    """Return JSON without members that are null, at every depth."""
    if isinstance(value, Mapping):
        return {name: without_nulls(each) for name, each in value.items() if each is not None}
    if isinstance(value, (list, tuple)):
        return [without_nulls(each) for each in value]
    return value
