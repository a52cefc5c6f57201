"""People and groups, read from the platform and kept for moments. What cannot be read lets nobody in."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Final

from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.people import Membership, Standing
from bot.errors import DeliveryError, DeliveryThrottled, DirectoryUnavailable
from bot.ports import Clock, HotState
from bot.slack.outbound.accounts import Accounts, read_account, standing
from bot.slack.outbound.copies import Ages, Brake
from bot.slack.outbound.faults import PlanTooSmall, ScopeMissing, delivery_errors
from bot.slack.outbound.groups import Groups, no_groups, read_groups
from bot.slack.outbound.kept_groups import FRESH_S, LOOK_UP_S, KeptGroups

__all__ = ["SlackDirectory", "standing"]

log = logging.getLogger(__name__)

USERS_S: Final = 300.0
_TRIES: Final = 3
_WHO: Final = "who this person is"
_WHICH: Final = "who is in which group"


class SlackDirectory:
    """Implements `Directory` for one workspace.

    A decision rests on copies that this process read at most 5 s ago; a read takes groups of at most 60 s and accounts
    of at most 300 s. Without a paid plan or the scope for groups nobody is in any group; roles bound to user ids go on
    working, and `source` says so. With `hot` the replicas share the list of groups and hear of its changes.
    """

    def __init__(
        self,
        client: AsyncWebClient,
        team_id: str,
        *,
        clock: Clock,
        hot: HotState | None = None,
        steady: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._client = client
        self._team_id = team_id
        self._ages = Ages(clock, steady)
        self._groups = KeptGroups(self._read_groups, self._ages, team_id=team_id, clock=clock, hot=hot, chance=chance)
        self._accounts = Accounts(self._read_account, self._ages)
        self._group_brake = Brake(self._ages)
        self._account_brake = Brake(self._ages)
        self._no_groups = ""

    @property
    def source(self) -> str:
        """Where roles come from, for people; empty while it is not known."""
        return self._groups.source

    async def membership(self, user_id: str, team_id: str, *, fresh: bool) -> Membership:
        """Return what is known of a person. Somebody of another workspace is a stranger without being looked up."""
        if not team_id or team_id != self._team_id:
            return Membership(user_id, Standing.STRANGER, frozenset(), self._ages.now().at)
        try:
            async with asyncio.timeout(LOOK_UP_S):
                for _ in range(_TRIES):
                    known = await self._look_up(user_id, fresh=fresh)
                    if known is not None:
                        return known
        except TimeoutError as error:
            raise DirectoryUnavailable(f"Slack did not tell me in time {_WHICH}.") from error
        raise DirectoryUnavailable(f"Slack answers too slowly to tell me {_WHICH}.")

    async def members(self, groups: Collection[str]) -> frozenset[str]:
        """Return who is in one of these groups, as Slack itself said at most 5 s ago. Raises `DirectoryUnavailable`."""
        if not groups:
            return frozenset()
        try:
            async with asyncio.timeout(LOOK_UP_S):
                known = (await self._groups.get(fresh=True)).value.members
        except TimeoutError as error:
            raise DirectoryUnavailable(f"Slack did not tell me in time {_WHICH}.") from error
        return frozenset(user for group in groups for user in known.get(group, ()))

    async def changed(self) -> None:
        """Forget what is known of groups, here and in the other replicas: the platform said that they changed."""
        await self._groups.changed()

    async def run(self) -> None:
        """Keep the groups at hand while they are asked for, and hear of changes from other replicas."""
        await self._groups.run()

    async def _look_up(self, user_id: str, *, fresh: bool) -> Membership | None:
        """Put a person and the groups together; None when the first grew too old while the second was read."""
        at_most_s = FRESH_S if fresh else USERS_S
        account = await self._accounts.get(user_id, at_most_s=at_most_s)
        groups = await self._groups.get(fresh=fresh)
        if self._ages.of(account.read) > at_most_s:
            return None
        counts = account.value in {Standing.MEMBER, Standing.GUEST}
        return Membership(
            user_id,
            account.value,
            groups.value.of(user_id) if counts else frozenset(),
            min(account.read.at, groups.read.at),
            groups.value.handles,
            groups.value.source,
        )

    async def _read_account(self, user_id: str) -> Standing:
        with _asking(_WHO, self._account_brake):
            answer = await self._client.users_info(user=user_id)
        return read_account(answer.get("user"), user_id, self._team_id)

    async def _read_groups(self) -> Groups:
        try:
            with _asking(_WHICH, self._group_brake):
                answer = await self._client.usergroups_list(include_users=True)
        except DirectoryUnavailable as error:
            if isinstance(error.__cause__, PlanTooSmall | ScopeMissing):
                return self._without_groups(error.__cause__.message)
            raise
        self._no_groups = ""
        return read_groups(answer.get("usergroups"))

    def _without_groups(self, reason: str) -> Groups:
        if reason != self._no_groups:
            log.warning("no user groups", extra={"event": "groups_unavailable", "reason": reason})
        self._no_groups = reason
        return no_groups(reason)


@contextmanager
def _asking(what: str, brake: Brake) -> Iterator[None]:
    """Turn whatever goes wrong with a question into `DirectoryUnavailable`; do not ask while we are to wait."""
    if brake.left_s > 0:
        raise DirectoryUnavailable(f"Slack did not tell me {what}. It asks me to wait {brake.left_s:.0f} s more.")
    try:
        with delivery_errors():
            yield
    except DeliveryError as error:
        if isinstance(error, DeliveryThrottled):
            brake.hold(error.retry_after_s)
        raise DirectoryUnavailable(f"Slack did not tell me {what}. {error.message}") from error
    except (AttributeError, TypeError, ValueError) as error:  # the client's, at an answer that is no object
        raise DirectoryUnavailable(f"Slack did not tell me {what}. Its answer cannot be read.") from error
