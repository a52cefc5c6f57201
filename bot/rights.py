"""What a person may do: the directory's word, weighed by the policy. A failed look-up denies and says why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.people import Actor, Membership, Permission, RoleBinding, RoleName
from bot.domain.policy import Authorization, authorize
from bot.errors import DirectoryUnavailable
from bot.ports import Directory

# A cached membership is good enough for these; everything else asks for a fresh one.
_CACHE_SUFFICES = frozenset({Permission.ANYONE, Permission.READ})


@dataclass(frozen=True, slots=True)
class DirectoryRights:
    """Decides by the directory and the configured roles; without a directory only the local terminal may anything."""

    directory: Directory | None
    bindings: Sequence[RoleBinding]

    async def of(self, actor: Actor, permission: Permission) -> Authorization:
        """Decide. A failed look-up is a refusal with its reason, never an exception."""
        membership, problem = None, "no directory of people is connected"
        if self.directory is not None and not actor.local:
            fresh = permission not in _CACHE_SUFFICES
            try:
                membership = await self.directory.membership(actor.user_id, actor.team_id, fresh=fresh)
            except DirectoryUnavailable as error:
                problem = error.message
        return authorize(
            actor, permission, membership=membership, bindings=self.bindings, lookup_problem=problem.rstrip(".")
        )

    def holders(self, membership: Membership | None) -> dict[RoleName, tuple[str, ...]]:
        """Name who holds each role, for people: group handles where known, and how many more by name."""
        handles = membership.group_handles if membership else {}
        holders: dict[RoleName, tuple[str, ...]] = {}
        for binding in self.bindings:
            words = [f"@{handles[group]}" if group in handles else f"group {group}" for group in sorted(binding.groups)]
            if binding.users:
                words.append(f"{len(binding.users)} person{'s' if len(binding.users) != 1 else ''} by name")
            if binding.everyone:
                words.append("every full member")
            holders[binding.role] = tuple(words)
        return holders
