"""What every object has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from bot.domain.text import NO_TEXT, Redacted

EMPTY: Mapping[str, str] = MappingProxyType({})
REVISION = "deployment.kubernetes.io/revision"
CHANGE_CAUSE = "kubernetes.io/change-cause"
RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"


def no_labels() -> Mapping[str, str]:
    """Return the empty map that all objects without labels share."""
    return EMPTY


@dataclass(frozen=True, slots=True)
class Owner:
    """The controller that owns an object (`ownerReferences` with `controller: true`)."""

    kind: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Meta:
    """What every object has. `annotations` holds only the few that are read (revision, change cause)."""

    name: str
    namespace: str
    uid: str
    created_at: datetime | None = None
    deleted_at: datetime | None = None
    labels: Mapping[str, str] = field(default_factory=no_labels)
    annotations: Mapping[str, str] = field(default_factory=no_labels)
    generation: int = 0
    owner: Owner | None = None
    finalizers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """One entry of `status.conditions`; `status` is "True", "False" or "Unknown"."""

    type: str
    status: str
    reason: str = ""
    message: Redacted = NO_TEXT
    changed_at: datetime | None = None
