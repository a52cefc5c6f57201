"""What kind of account a person has."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from bot.domain.people import Standing
from bot.errors import DirectoryUnavailable
from bot.slack.outbound.copies import Ages, Copy, Shared

MOST_USERS: Final = 10_000


class Accounts:
    """Keeps the newest copy of each person's account; of very many, those that were asked for last."""

    def __init__(self, read: Callable[[str], Awaitable[Standing]], ages: Ages, *, most: int = MOST_USERS) -> None:
        self._read = read
        self._ages = ages
        self._most = most
        self._known: dict[str, Shared[Standing]] = {}

    def __len__(self) -> int:
        return len(self._known)

    async def get(self, user_id: str, *, at_most_s: float) -> Copy[Standing]:
        """Return a copy that is at most so old. Raises `DirectoryUnavailable`."""
        found = self._known.pop(user_id, None) or Shared(lambda: self._read(user_id), self._ages)
        while len(self._known) >= self._most:
            del self._known[next(iter(self._known))]
        self._known[user_id] = found
        return await found.get(at_most_s=at_most_s)


def read_account(user: Any, user_id: str, team_id: str) -> Standing:
    """Return the standing that an answer tells. Raises `DirectoryUnavailable` when it is not about this person.

    In an enterprise the answer may name the person by the enterprise's id, which begins with W.
    """
    if not isinstance(user, dict) or not isinstance(user.get("id"), str):
        raise DirectoryUnavailable("Slack's answer about this person cannot be read.")
    if user["id"] != user_id and not user["id"].startswith("W"):
        raise DirectoryUnavailable("Slack's answer is about another person.")
    return standing(user, team_id)


def standing(user: Mapping[str, Any], team_id: str) -> Standing:
    """Return the kind of account. What is not known to be a full member of this workspace is not one."""
    if user.get("deleted"):
        return Standing.DEACTIVATED
    if user.get("is_bot") or user.get("is_workflow_bot") or user.get("id") == "USLACKBOT":
        return Standing.BOT
    if user.get("is_stranger") or user.get("team_id") != team_id:
        return Standing.STRANGER
    if user.get("is_restricted") or user.get("is_ultra_restricted"):
        return Standing.GUEST
    return Standing.MEMBER
