"""What is read besides the snapshot, where it is there and may be read: quotas, backups, certificates, disks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase

from bot.domain.text import NO_TEXT, Redacted


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """One figure of a ResourceQuota, in the unit it is written in: `used` of `hard`, and the share (1.0: full).

    There is no share where nothing is allowed (`hard` is 0), nor before the figure was first counted (`used` is empty).
    """

    name: str
    resource: str
    used: str
    hard: str
    share: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A Backup of Velero (velero.io/v1). `phase` is as Velero says it.

    `namespaces` empty or `*`: all of them, without the `excluded` ones. Either may hold patterns such as `shop-*`.
    """

    name: str
    phase: str
    started_at: datetime | None
    completed_at: datetime | None
    expires_at: datetime | None = None
    errors: int = 0
    warnings: int = 0
    namespaces: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    schedule: str = ""

    def covers(self, namespace: str) -> bool:
        """Tell whether a namespace is in it."""
        return _names(self.namespaces or ("*",), namespace) and not _names(self.excluded, namespace)


def _names(patterns: tuple[str, ...], namespace: str) -> bool:
    return any(fnmatchcase(namespace, pattern) for pattern in patterns)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedCertificate:
    """A Certificate of cert-manager (cert-manager.io/v1). `revision` rises with each renewal.

    `words`: why it is not ready, or why its renewal fails.
    """

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
    """How full a node's disk or a claim's volume is, in bytes. What nobody can write any more counts as used.

    `kind` is `Node` (and `what` nodefs or imagefs) or `PersistentVolumeClaim`.
    """

    kind: str
    name: str
    namespace: str
    used: int
    capacity: int
    what: str = ""

    @property
    def share(self) -> float:
        return self.used / self.capacity if self.capacity > 0 else 0.0
