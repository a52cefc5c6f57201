"""The record of what happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One thing that happened: who, what, to what, with which result. Ids and short words; never secrets."""

    actor: str
    action: str
    subject: str
    result: str
    detail: Mapping[str, str | int | bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord(AuditEntry):
    """One row of the audit as it is read: what was said, its place in the chain, and when."""

    seq: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """What to look for. Empty means any; `operation` is a verb or a request's id, `actor` a person's id."""

    operation: str = ""
    actor: str = ""
    since: datetime | None = None
    limit: int = 20


class AuditTrail(Protocol):
    """The audit, to be read."""

    async def search(self, query: AuditQuery) -> Sequence[AuditRecord]:
        """Return the newest rows that fit, the newest first. Raises `StoreUnavailable`."""
        ...

    async def head(self) -> str:
        """Return the chain's last row as it is published: `SEQUENCE:HASH`. Raises `StoreUnavailable`."""
        ...
