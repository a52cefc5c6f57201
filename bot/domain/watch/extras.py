"""What is read besides the snapshot, where it is there and may be read: quotas, backups, certificates, disks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.domain.text import NO_TEXT, Redacted


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """One figure of a ResourceQuota, in the unit it is written in: `used` of `hard`, and the share (1.0: full)."""

    name: str
    resource: str
    used: str
    hard: str
    share: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A Backup of Velero (velero.io/v1). `phase` is as Velero says it; `namespaces` empty or `*`: all of them."""

    name: str
    phase: str
    started_at: datetime | None
    completed_at: datetime | None
    expires_at: datetime | None = None
    errors: int = 0
    warnings: int = 0
    namespaces: tuple[str, ...] = ()
    schedule: str = ""

    def covers(self, namespace: str) -> bool:
        """Tell whether a namespace is in it."""
        return not self.namespaces or "*" in self.namespaces or namespace in self.namespaces


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedCertificate:
    """A Certificate of cert-manager (cert-manager.io/v1). `revision` rises with each renewal."""

    name: str
    secret_name: str
    names: tuple[str, ...]
    ready: bool | None
    not_after: datetime | None
    renewal_at: datetime | None
    revision: int
    failed_attempts: int = 0
    words: Redacted = NO_TEXT


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskUse:
    """How full a node's disk (`kind` Node; `what` nodefs or imagefs) or a claim's volume is, in bytes."""

    kind: str
    name: str
    namespace: str
    used: int
    capacity: int
    what: str = ""

    @property
    def share(self) -> float:
        return self.used / self.capacity if self.capacity > 0 else 0.0
