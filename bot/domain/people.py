"""People, roles and permissions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType


class Permission(StrEnum):
    """What a verb needs. Each verb declares exactly one."""

    ANYONE = "anyone"
    READ = "read"
    SHARE = "share"
    AUDIT = "audit"
    OPERATE = "operate"
    APPROVE = "approve"
    ADMINISTER = "administer"


class RoleName(StrEnum):
    """The roles of `ragops.toml`, weakest first."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    APPROVER = "approver"
    ADMIN = "admin"


GRANTS: Mapping[RoleName, frozenset[Permission]] = MappingProxyType(
    {
        RoleName.VIEWER: frozenset({Permission.READ, Permission.SHARE}),
        RoleName.OPERATOR: frozenset({Permission.READ, Permission.SHARE, Permission.AUDIT, Permission.OPERATE}),
        RoleName.APPROVER: frozenset({Permission.READ, Permission.SHARE, Permission.AUDIT, Permission.APPROVE}),
        RoleName.ADMIN: frozenset({Permission.READ, Permission.SHARE, Permission.AUDIT, Permission.ADMINISTER}),
    }
)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: ids of the platform, never names. `local`: at a terminal, with the kubeconfig's rights."""

    user_id: str
    team_id: str
    local: bool = False


class Standing(StrEnum):
    """What kind of account a person has in the workspace."""

    MEMBER = "member"
    GUEST = "guest"
    STRANGER = "stranger"
    BOT = "bot"
    DEACTIVATED = "deactivated"


@dataclass(frozen=True, slots=True)
class Membership:
    """What the directory knows of a person: the kind of account and the groups, by id, and when that was read.

    `source` says in words where the groups come from, and why there are none where the workspace has none.
    """

    user_id: str
    standing: Standing
    groups: frozenset[str]
    read_at: datetime
    group_handles: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    source: str = ""


@dataclass(frozen=True, slots=True)
class RoleBinding:
    """Who holds a role: user group ids, user ids, or `everyone` (each full member of the workspace); and where.

    Empty `clusters`, `namespaces` or `services` (aliases of the catalogue) mean all of them.
    """

    role: RoleName
    groups: frozenset[str] = frozenset()
    users: frozenset[str] = frozenset()
    everyone: bool = False
    clusters: frozenset[str] = frozenset()
    namespaces: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset()

    @property
    def limited(self) -> bool:
        """Say whether the role is held in some places only."""
        return bool(self.clusters or self.namespaces or self.services)
