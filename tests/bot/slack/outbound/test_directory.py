"""People and groups: who counts as what, how old a copy may be, and what happens when nobody answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.people import Membership, Standing
from bot.errors import DirectoryUnavailable
from bot.slack.outbound.accounts import Accounts
from bot.slack.outbound.client import make_client
from bot.slack.outbound.copies import Ages
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


async def test_the_members_of_groups_are_those_of_now(
    slack: SlackServer, directory: SlackDirectory, clock: HandClock
) -> None:
    """Of any of them, from a list of at most five seconds; a group that is off, or not there, has nobody."""
    world = slack.workspace
    ids = {name: world.person(name).id for name in ("ann", "bob", "lea")}
    leads, oncall = world.groups["rag-leads"].id, world.groups["rag-oncall"].id
    off = world.set_group("off", ["vic"], disabled=True).id
    assert await directory.members([leads]) == {ids["bob"], ids["lea"]}
    assert await directory.members([leads, oncall, off, "S0NONE"]) == set(ids.values())
    assert await directory.members([]) == frozenset()
    assert calls(slack, "usergroups.list") == 1
    world.set_group("rag-leads", ["lea"])
    clock.time += timedelta(seconds=6)
    assert await directory.members([leads]) == {ids["lea"]}


async def test_members_of_groups_that_cannot_be_read_are_nobodys_guess(
    slack: SlackServer, directory: SlackDirectory, clock: HandClock
) -> None:
    """What was read before is too old by then."""
    await directory.members([slack.workspace.groups["rag-leads"].id])
    clock.time += timedelta(seconds=6)
    slack.faults.add(Fault(Kind.SERVER_ERROR, method="usergroups.list", times=None))
    with pytest.raises(DirectoryUnavailable):
        await directory.members([slack.workspace.groups["rag-leads"].id])


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


async def test_free_plan_has_no_groups(
    slack: SlackServer, directory: SlackDirectory, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a paid plan nobody is in a group, and people are still known. It is logged once, not at each read."""
    slack.workspace.paid_plan = False
    for _ in range(3):
        found = await look(slack, directory, "ann")
        await clock.sleep(10)
    assert (found.standing, found.groups) == (Standing.MEMBER, frozenset())
    assert found.source == directory.source
    assert found.source == (
        "user ids of the configuration (this workspace has no user groups: "
        "the workspace's plan does not have user groups)"
    )
    assert [record.__dict__["event"] for record in caplog.records] == ["groups_unavailable"]
    slack.workspace.paid_plan = True
    slack.workspace.set_group("rag-oncall", ["ann"])
    found = await look(slack, directory, "ann")
    assert found.groups
    assert found.source == "user groups of the workspace"


async def test_missing_scope_for_groups_has_no_groups(slack: SlackServer, directory: SlackDirectory) -> None:
    """Without the scope nobody is in a group."""
    token = slack.workspace.tokens[slack.workspace.bot_token]
    slack.workspace.tokens[token.value] = Token(token.value, token.kind, token.scopes - {"usergroups:read"})
    found = await look(slack, directory, "ann")
    assert found.groups == frozenset()
    assert "usergroups:read" in found.source


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


# --- odd people -------------------------------------------------------------------------------------------------------


async def test_people_of_shared_channels_are_strangers(slack: SlackServer, directory: SlackDirectory) -> None:
    """Also when the delivery says that they are ours: their own team counts, and so does the flag alone."""
    slack.workspace.add_user("max", team_id="T0OTHER")
    slack.workspace.add_user("mia", is_stranger=True)
    slack.workspace.set_group("rag-oncall", ["max", "mia"])
    for name in ("max", "mia"):
        found = await look(slack, directory, name)
        assert (found.standing, found.groups) == (Standing.STRANGER, frozenset())


async def test_who_was_deactivated_or_restricted_since_is_known_for_a_decision(
    slack: SlackServer, directory: SlackDirectory, clock: HandClock
) -> None:
    """Within five seconds; a read may believe for five minutes what it saw."""
    await look(slack, directory, "ann")
    slack.workspace.change_user("ann", deleted=True)
    await clock.sleep(6)
    assert (await look(slack, directory, "ann", fresh=False)).standing is Standing.MEMBER
    assert (await look(slack, directory, "ann")).standing is Standing.DEACTIVATED
    assert (await look(slack, directory, "ann", fresh=False)).standing is Standing.DEACTIVATED
    slack.workspace.change_user("ann", deleted=False, is_ultra_restricted=True)
    await clock.sleep(301)
    assert (await look(slack, directory, "ann", fresh=False)).standing is Standing.GUEST


@asynccontextmanager
async def oddly(users: object, groups: object, *, text: bool = False) -> AsyncIterator[SlackDirectory]:
    """Run a server that answers what it is given, and a directory of the workspace T1 in front of it."""

    async def answer(request: web.Request) -> web.Response:
        body = users if request.path.endswith("users.info") else groups
        return web.Response(text=str(body)) if text else web.json_response(body)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield SlackDirectory(
            make_client("xoxb-1", f"http://127.0.0.1:{runner.addresses[0][1]}/"), "T1", clock=HandClock()
        )
    finally:
        await runner.cleanup()


ANN = {"ok": True, "user": {"id": "U1", "team_id": "T1"}}
NONE = {"ok": True, "usergroups": []}


@pytest.mark.parametrize(
    ("user", "standing"),
    [
        ({"id": "U1", "team_id": "T1"}, Standing.MEMBER),
        ({"id": "W1", "team_id": "T1", "enterprise_user": {"id": "W1"}}, Standing.MEMBER),
        ({"id": "W1", "team_id": "E1"}, Standing.STRANGER),
        ({"id": "U1"}, Standing.STRANGER),
        ({"id": "U1", "team_id": None}, Standing.STRANGER),
        ({"id": "U1", "team_id": "T1", "is_workflow_bot": True}, Standing.BOT),
        ({"id": "U1", "team_id": "T1", "is_bot": True, "deleted": True}, Standing.DEACTIVATED),
        ({"id": "U1", "team_id": "T1", "is_restricted": True, "is_ultra_restricted": True}, Standing.GUEST),
        ({"id": "U1", "team_id": "T2", "is_restricted": True}, Standing.STRANGER),
    ],
    ids=str,
)
async def test_standing_of_odd_accounts(user: dict[str, object], standing: Standing) -> None:
    """What is not said to be a full member of this workspace is none."""
    async with oddly({"ok": True, "user": user}, NONE) as directory:
        assert (await directory.membership("U1", "T1", fresh=True)).standing is standing


async def test_enterprise_ids_are_looked_up_like_others() -> None:
    """A person may be known by an id that begins with W, in groups too."""
    user = {"ok": True, "user": {"id": "W1", "team_id": "T1"}}
    groups = {"ok": True, "usergroups": [{"id": "S1", "handle": "oncall", "users": ["W1"]}]}
    async with oddly(user, groups) as directory:
        found = await directory.membership("W1", "T1", fresh=True)
    assert (found.standing, found.groups) == (Standing.MEMBER, frozenset({"S1"}))


@pytest.mark.parametrize(
    "answer",
    [
        {"ok": True},
        {"ok": True, "user": None},
        {"ok": True, "user": []},
        {"ok": True, "user": "U1"},
        {"ok": True, "user": {"team_id": "T1"}},
        {"ok": True, "user": {"id": "U2", "team_id": "T1"}},
        {},
        [],
        ["ok"],
        "ok",
        None,
        {"ok": False},
        {"ok": False, "error": "user_not_found"},
    ],
    ids=str,
)
async def test_an_answer_about_a_person_that_cannot_be_read_lets_nobody_in(answer: object) -> None:
    """Nothing is guessed, and nothing else than the one error is raised."""
    async with oddly(answer, NONE) as directory:
        with pytest.raises(DirectoryUnavailable, match="Slack"):
            await directory.membership("U1", "T1", fresh=True)


@pytest.mark.parametrize(
    "answer",
    [
        {"ok": True},
        {"ok": True, "usergroups": None},
        {"ok": True, "usergroups": {}},
        {"ok": True, "usergroups": ["S1"]},
        {"ok": True, "usergroups": [{"handle": "oncall", "users": []}]},
        {"ok": True, "usergroups": [{"id": 1, "users": []}]},
        {"ok": True, "usergroups": [{"id": "S1", "users": "U1"}]},
        {"ok": True, "usergroups": [{"id": "S1", "users": {"U1": True}}]},
        {"ok": True, "usergroups": [{"id": "S1", "users": [1]}]},
        {"ok": False, "error": "no_such_subteam"},
        {"ok": False, "error": "subteam_max_exceeded"},
        [],
        [1],
    ],
    ids=str,
)
async def test_a_list_of_groups_that_cannot_be_read_lets_nobody_in(answer: object) -> None:
    """An unreadable list is not an empty one."""
    async with oddly(ANN, answer) as directory:
        with pytest.raises(DirectoryUnavailable, match="Slack"):
            await directory.membership("U1", "T1", fresh=True)


async def test_a_proxy_that_answers_in_words_lets_nobody_in() -> None:
    """A page of text with status 200 is no answer."""
    async with oddly("Welcome", "Welcome", text=True) as directory:
        with pytest.raises(DirectoryUnavailable, match="cannot be read"):
            await directory.membership("U1", "T1", fresh=True)


async def test_groups_with_gaps(caplog: pytest.LogCaptureFixture) -> None:
    """A group without its members lets nobody in and is said; a disabled one is none, whatever it lists."""
    listed = [
        {"id": "S1", "handle": "oncall", "users": ["U1"], "date_delete": 0},
        {"id": "S2", "user_count": 3},
        {"id": "S3", "handle": None, "users": None, "user_count": 0},
        {"id": "S4", "handle": "old", "users": ["U1"], "date_delete": 1732400000},
        {"id": "S5", "handle": "odd", "users": ["U1"], "date_delete": "yes"},
    ]
    async with oddly(ANN, {"ok": True, "usergroups": listed}) as directory:
        found = await directory.membership("U1", "T1", fresh=True)
    assert found.groups == frozenset({"S1"})
    assert dict(found.group_handles) == {"S1": "oncall", "S2": "", "S3": ""}
    assert [record.__dict__.get("group") for record in caplog.records] == ["S2"]


# --- being asked to wait ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["usergroups.list", "users.info"])
async def test_slack_is_left_alone_for_as_long_as_it_asks(
    slack: SlackServer, directory: SlackDirectory, clock: HandClock, method: str
) -> None:
    """Meanwhile decisions are refused without a call, reads go by the copy while it is new enough."""
    await look(slack, directory, "ann")
    await clock.sleep(6)
    slack.faults.add(Fault(Kind.RATELIMITED, method, seconds=30))
    for _ in range(3):
        with pytest.raises(DirectoryUnavailable, match="wait"):
            await look(slack, directory, "ann")
        assert (await look(slack, directory, "ann", fresh=False)).standing is Standing.MEMBER
    assert calls(slack, method) == 2
    await clock.sleep(29)
    with pytest.raises(DirectoryUnavailable, match="1 s more"):
        await look(slack, directory, "ann")
    await clock.sleep(2)
    assert (await look(slack, directory, "ann")).standing is Standing.MEMBER


async def test_people_are_remembered_up_to_a_number() -> None:
    """The one who was not asked for the longest leaves."""
    asked: list[str] = []

    async def read(user_id: str) -> Standing:
        asked.append(user_id)
        return Standing.MEMBER

    accounts = Accounts(read, Ages(HandClock(), lambda: 0.0), most=3)
    for user in ("U1", "U2", "U3", "U1", "U4", "U1", "U2"):
        await accounts.get(user, at_most_s=300)
    assert asked == ["U1", "U2", "U3", "U4", "U2"]
    assert len(accounts) == 3
