"""People: their groups, and what they may do."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from bot.domain.people import Actor, Membership
from bot.domain.policy import Asked, Authorization


class Directory(Protocol):
    """People and their groups."""

    async def membership(self, user_id: str, team_id: str, *, fresh: bool) -> Membership:
        """Return what is known of a person. `fresh` asks for a copy at most 5 s old. Raises `DirectoryUnavailable`."""
        ...

    async def members(self, groups: Collection[str]) -> frozenset[str]:
        """Return the user ids of who is in one of these groups, from a copy at most 5 s old.

        A group that is not there, or is switched off, has nobody in it. Raises `DirectoryUnavailable`.
        """
        ...

    async def changed(self) -> None:
        """Forget what is known of groups, here and in the other replicas: the platform said that they changed."""
        ...


class Rights(Protocol):
    """Decides what a person may do, from fresh enough knowledge."""

    async def of(self, actor: Actor, asked: Asked) -> Authorization:
        """Decide. A failed look-up is a refusal with its reason, never an exception."""
        ...
