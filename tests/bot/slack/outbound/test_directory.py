"""People and groups: who counts as what, how old a copy may be, and what happens when nobody answers."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.people import Membership, Standing
from bot.errors import DirectoryUnavailable
from bot.slack.outbound.directory import SlackDirectory
from sandbox.slack.faults import Fault, Kind
from sandbox.slack.records import Token
from sandbox.slack.server import SlackServer


class HandClock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.time = datetime(2025, 11, 24, 14, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def directory(slack: SlackServer, client: AsyncWebClient, clock: HandClock) -> SlackDirectory:
    return SlackDirectory(client, slack.workspace.team_id, clock=clock)


async def look(slack: SlackServer, directory: SlackDirectory, name: str, *, fresh: bool = True) -> Membership:
    user = slack.workspace.person(name)
    return await directory.membership(user.id, slack.workspace.team_id, fresh=fresh)


def calls(slack: SlackServer, method: str) -> int:
    return slack._api.calls.get(method, 0)


@pytest.mark.parametrize(
    ("name", "standing"),
    [
        ("ann", Standing.MEMBER),
        ("eve", Standing.GUEST),
        ("sam", Standing.GUEST),
        ("dora", Standing.DEACTIVATED),
        ("kim", Standing.STRANGER),
        ("rag", Standing.BOT),
    ],
)
async def test_standing(slack: SlackServer, directory: SlackDirectory, name: str, standing: Standing) -> None:
    """Each kind of account is recognised."""
    assert (await look(slack, directory, name)).standing is standing


async def test_groups_come_with_their_handles(slack: SlackServer, directory: SlackDirectory, clock: HandClock) -> None:
    """A member has the ids of the enabled groups; the handles of all of them come along for the words."""
    world = slack.workspace
    oncall = world.set_group("rag-oncall", ["ann"])
    gone = world.set_group("old", ["ann"], disabled=True)
    mine = await look(slack, directory, "ann")
    assert mine.groups >= {oncall.id}
    assert gone.id not in mine.groups
    assert mine.group_handles[oncall.id] == "rag-oncall"
    assert mine.read_at == clock.now()


async def test_bots_and_strangers_are_in_no_group(slack: SlackServer, directory: SlackDirectory) -> None:
    """A group that lists them does not widen what they are."""
    slack.workspace.set_group("rag-oncall", ["rag", "kim", "dora"])
    for name in ("rag", "kim", "dora"):
        assert (await look(slack, directory, name)).groups == frozenset()


@pytest.mark.parametrize("team", ["T0OTHER", ""])
async def test_other_workspaces_are_not_even_asked_about(
    slack: SlackServer, directory: SlackDirectory, team: str
) -> None:
    """Somebody of another workspace is a stranger, whatever id they bring."""
    found = await directory.membership(slack.workspace.person("ann").id, team, fresh=True)
    assert (found.standing, found.groups) == (Standing.STRANGER, frozenset())
    assert calls(slack, "users.info") == 0


@pytest.mark.parametrize(
    ("age_s", "fresh", "read_again"),
    [(4, True, False), (6, True, True), (50, False, False), (61, False, True)],
    ids=["fresh-4s", "fresh-6s", "cached-50s", "cached-61s"],
)
async def test_age_of_copies(
    slack: SlackServer, directory: SlackDirectory, clock: HandClock, age_s: int, *, fresh: bool, read_again: bool
) -> None:
    """A decision takes a copy of at most five seconds, a read one of at most a minute."""
    before = await look(slack, directory, "ann")
    slack.workspace.set_group("rag-oncall", [])
    await clock.sleep(age_s)
    after = await look(slack, directory, "ann", fresh=fresh)
    assert (after.groups != before.groups) is read_again
    assert (clock.now() - after.read_at).total_seconds() == (0 if read_again and fresh else age_s)


async def test_many_questions_are_one_call(slack: SlackServer, directory: SlackDirectory) -> None:
    """Fifty at once read the groups once and each person once."""
    await asyncio.gather(*(look(slack, directory, name) for name in ("ann", "bob") for _ in range(25)))
    assert (calls(slack, "usergroups.list"), calls(slack, "users.info")) == (1, 2)


async def test_many_questions_share_one_failure(slack: SlackServer, directory: SlackDirectory) -> None:
    """A failure is told to all who waited for it, and the next question tries again."""
    slack.faults.add(Fault(Kind.SERVER_ERROR, "usergroups.list"))
    results = await asyncio.gather(*(look(slack, directory, "ann") for _ in range(10)), return_exceptions=True)
    assert {type(result) for result in results} == {DirectoryUnavailable}
    assert calls(slack, "usergroups.list") == 1
    assert (await look(slack, directory, "ann")).standing is Standing.MEMBER


@pytest.mark.parametrize("method", ["usergroups.list", "users.info"])
@pytest.mark.parametrize("fault", [Kind.SERVER_ERROR, Kind.RATELIMITED, Kind.RESET_BEFORE, Kind.ERROR], ids=str)
async def test_no_answer_lets_nobody_in(
    slack: SlackServer, directory: SlackDirectory, method: str, fault: Kind
) -> None:
    """Whatever goes wrong is an error, never an empty or an old answer."""
    slack.faults.add(Fault(fault, method, times=None))
    with pytest.raises(DirectoryUnavailable, match="Slack did not tell me"):
        await look(slack, directory, "ann")


async def test_old_copy_is_not_used_when_the_lookup_fails(
    slack: SlackServer, directory: SlackDirectory, clock: HandClock
) -> None:
    """A decision does not fall back to what was known before."""
    await look(slack, directory, "ann")
    await clock.sleep(6)
    slack.faults.add(Fault(Kind.SERVER_ERROR, "usergroups.list"))
    with pytest.raises(DirectoryUnavailable):
        await look(slack, directory, "ann")


async def test_free_plan_has_no_groups(slack: SlackServer, directory: SlackDirectory) -> None:
    """Without a paid plan nobody is in a group, and people are still known."""
    slack.workspace.paid_plan = False
    found = await look(slack, directory, "ann")
    assert (found.standing, found.groups) == (Standing.MEMBER, frozenset())


async def test_missing_scope_for_groups_has_no_groups(slack: SlackServer, directory: SlackDirectory) -> None:
    """Without the scope nobody is in a group."""
    token = slack.workspace.tokens[slack.workspace.bot_token]
    slack.workspace.tokens[token.value] = Token(token.value, token.kind, token.scopes - {"usergroups:read"})
    assert (await look(slack, directory, "ann")).groups == frozenset()


async def test_missing_scope_for_people_is_an_error(slack: SlackServer, directory: SlackDirectory) -> None:
    """Without the scope for people nobody can be judged."""
    token = slack.workspace.tokens[slack.workspace.bot_token]
    slack.workspace.tokens[token.value] = Token(token.value, token.kind, token.scopes - {"users:read"})
    with pytest.raises(DirectoryUnavailable, match="users:read"):
        await look(slack, directory, "ann")


async def test_unknown_person_is_an_error(slack: SlackServer, directory: SlackDirectory) -> None:
    """An id that the workspace does not know is nobody."""
    with pytest.raises(DirectoryUnavailable, match="does not know"):
        await directory.membership("U0NOBODY", slack.workspace.team_id, fresh=True)
