"""People and groups, read from the platform and kept for moments. What cannot be read lets nobody in."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, Generic, TypeVar

from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.people import Membership, Standing
from bot.errors import DeliveryError, DirectoryUnavailable
from bot.ports import Clock
from bot.slack.outbound.faults import PlanTooSmall, ScopeMissing, delivery_errors

log = logging.getLogger(__name__)

FRESH_S: Final = 5.0
GROUPS_S: Final = 60.0
USERS_S: Final = 300.0
_LOOK_UP_S: Final = 10.0
_MOST_USERS: Final = 10_000

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Groups:
    """Every enabled group: members and handle by the group's id."""

    members: Mapping[str, frozenset[str]]
    handles: Mapping[str, str]


NO_GROUPS: Final = Groups(MappingProxyType({}), MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Copy(Generic[Value]):
    """A value and when it was asked for; that moment, not the answer's, is how old it is."""

    value: Value
    read_at: datetime


class Shared(Generic[Value]):
    """One value that many want: one reads it, the others wait and get the same copy, or the same failure."""

    def __init__(self, read: Callable[[], Awaitable[Value]], clock: Clock) -> None:
        self._read = read
        self._clock = clock
        self._lock = asyncio.Lock()
        self._copy: Copy[Value] | None = None
        self._reads = 0
        self._failure = (0, "")

    async def get(self, *, at_most_s: float) -> Copy[Value]:
        """Return a copy that is at most so old. Raises `DirectoryUnavailable`."""
        reads_before = self._reads
        async with self._lock:
            copy = self._copy
            if copy is not None and (self._clock.now() - copy.read_at).total_seconds() <= at_most_s:
                return copy
            failed_read, words = self._failure
            if failed_read > reads_before:
                raise DirectoryUnavailable(words)
            return await self._renew()

    async def _renew(self) -> Copy[Value]:
        started_at = self._clock.now()
        try:
            value = await self._read()
        except DirectoryUnavailable as error:
            self._reads += 1
            self._failure = (self._reads, error.message)
            raise
        self._reads += 1
        self._copy = Copy(value, started_at)
        return self._copy


class SlackDirectory:
    """Implements `Directory` for one workspace.

    Without a paid plan or the scope for groups nobody is in any group; roles bound to user ids go on working.
    """

    def __init__(self, client: AsyncWebClient, team_id: str, *, clock: Clock) -> None:
        self._client = client
        self._team_id = team_id
        self._clock = clock
        self._groups = Shared(self._read_groups, clock)
        self._users: dict[str, Shared[Standing]] = {}

    async def membership(self, user_id: str, team_id: str, *, fresh: bool) -> Membership:
        """Return what is known of a person. Somebody of another workspace is a stranger without being looked up."""
        if not team_id or team_id != self._team_id:
            return Membership(user_id, Standing.STRANGER, frozenset(), self._clock.now())
        try:
            async with asyncio.timeout(_LOOK_UP_S):
                user = await self._user(user_id).get(at_most_s=FRESH_S if fresh else USERS_S)
                groups = await self._groups.get(at_most_s=FRESH_S if fresh else GROUPS_S)
        except TimeoutError as error:
            raise DirectoryUnavailable("Slack did not tell me in time who is in which group.") from error
        mine = frozenset(group for group, users in groups.value.members.items() if user_id in users)
        return Membership(
            user_id,
            user.value,
            mine if user.value in {Standing.MEMBER, Standing.GUEST} else frozenset(),
            min(user.read_at, groups.read_at),
            groups.value.handles,
        )

    def _user(self, user_id: str) -> Shared[Standing]:
        """Return the shared look-up of one person; the oldest are forgotten when there are very many."""
        found = self._users.get(user_id)
        if found is None:
            while len(self._users) >= _MOST_USERS:
                del self._users[next(iter(self._users))]
            found = self._users[user_id] = Shared(lambda: self._read_user(user_id), self._clock)
        return found

    async def _read_user(self, user_id: str) -> Standing:
        try:
            with delivery_errors():
                answer = await self._client.users_info(user=user_id)
        except DeliveryError as error:
            raise DirectoryUnavailable(f"Slack did not tell me who this person is. {error.message}") from error
        return standing(answer.get("user") or {}, self._team_id)

    async def _read_groups(self) -> Groups:
        try:
            with delivery_errors():
                answer = await self._client.usergroups_list(include_users=True)
        except (PlanTooSmall, ScopeMissing) as error:
            log.warning("no user groups", extra={"event": "groups_unavailable", "reason": error.message})
            return NO_GROUPS
        except DeliveryError as error:
            raise DirectoryUnavailable(f"Slack did not tell me who is in which group. {error.message}") from error
        return read_groups(answer.get("usergroups"))


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


def read_groups(listed: Any) -> Groups:
    """Return the enabled groups of an answer. Raises `DirectoryUnavailable` when it cannot be read."""
    if not isinstance(listed, list):
        raise DirectoryUnavailable("Slack's list of groups cannot be read.")
    enabled = [group for group in listed if group.get("id") and not group.get("date_delete")]
    return Groups(
        MappingProxyType({str(group["id"]): frozenset(map(str, group.get("users") or ())) for group in enabled}),
        MappingProxyType({str(group["id"]): str(group.get("handle") or "") for group in enabled}),
    )
