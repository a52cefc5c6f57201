"""What a person may do: the directory's word, weighed by the policy. A failed look-up denies and says why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bot.domain.people import Actor, Membership, Permission, RoleBinding, RoleName
from bot.domain.policy import Asked, Authorization, Policy, authorize, covers, roles_of
from bot.domain.rights_words import people_words
from bot.errors import DirectoryUnavailable
from bot.ports import Directory

# A cached membership is good enough for these; everything else asks for a fresh one.
_CACHE_SUFFICES = frozenset({Permission.ANYONE, Permission.READ})


@dataclass(frozen=True, slots=True)
class DirectoryRights:
    """Decides by the directory and the configured roles; without a directory only the local terminal may anything."""

    directory: Directory | None
    policy: Policy

    async def of(self, actor: Actor, asked: Asked) -> Authorization:
        """Decide. A failed look-up is a refusal with its reason, never an exception."""
        membership, problem = None, "no directory of people is connected"
        if self.directory is not None and not actor.local:
            fresh = asked.permission not in _CACHE_SUFFICES
            try:
                membership = await self.directory.membership(actor.user_id, actor.team_id, fresh=fresh)
            except DirectoryUnavailable as error:
                problem = error.message
        decision = authorize(
            actor, asked, membership=membership, policy=self.policy, lookup_problem=problem.rstrip(".")
        )
        grants = self.held(actor, membership)
        # Whoever holds nothing must not learn by guessing which places there are: they hear of all who could help.
        about = asked if grants else Asked(asked.permission, asked.verb)
        return replace(decision, holders=self.holders(membership, about), grants=grants)

    def held(self, actor: Actor, membership: Membership | None) -> tuple[tuple[RoleName, str], ...]:
        """Return every role of a person with the words of its places, in the order of `RoleName`; none if unknown."""
        if membership is None:
            return ()
        anywhere = Asked(Permission.ANYONE)
        held = {
            (role, _places(binding))
            for binding in self.policy.bindings
            for role in roles_of(actor, membership, Policy(bindings=(binding,)), anywhere)
        }
        return tuple(sorted(held, key=lambda grant: (list(RoleName).index(grant[0]), grant[1])))

    def holders(self, membership: Membership | None, asked: Asked) -> Mapping[RoleName, tuple[str, ...]]:
        """Name who holds each role where something is asked, for people: group handles where known, persons counted."""
        handles = membership.group_handles if membership else {}
        holders: dict[RoleName, tuple[str, ...]] = {}
        for binding in self.policy.bindings:
            if covers(binding, asked):
                known = holders.get(binding.role, ())
                holders[binding.role] = (*known, *(w for w in _words(binding, handles) if w not in known))
        return holders


def _words(binding: RoleBinding, handles: Mapping[str, str]) -> tuple[str, ...]:
    return people_words(binding.groups, len(binding.users), handles, everyone=binding.everyone)


def _places(binding: RoleBinding) -> str:
    """Say where a binding holds: `for api in shop on prod-eu`; empty for everywhere."""
    kinds = (("for", binding.services), ("in", binding.namespaces), ("on", binding.clusters))
    return " ".join(f"{word} {' or '.join(sorted(names))}" for word, names in kinds if names)
