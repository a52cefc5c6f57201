"""Who is let in, from the person's keyboard: accounts, groups that change, and a directory that fails."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sandbox.slack.ids import named_id
from tests.support.clocks import ShiftedClock
from tests.support.sandboxed import NAMESPACE, NO_LIMIT, Stage, Staging, sandboxed
from tests.support.waiting import until

# Only operators may read logs and share; everybody may look.
NARROWED = '[verbs]\nlogs = ["operator"]\nshare = ["operator"]\n'
NAMES = ("rag-engine", "kube-system", "demo", "DATABASE_URL", "worker", "postgres")


async def audit(store_url: str) -> list[tuple[str, str, str, dict[str, Any]]]:
    """Return every row: who, what, result, details."""
    async with await psycopg.AsyncConnection.connect(store_url) as connection:
        cursor = await connection.execute("SELECT actor, action, result, detail FROM audit ORDER BY seq")
        return [(who, what, result, json.loads(detail)) for who, what, result, detail in await cursor.fetchall()]


# --- accounts ---------------------------------------------------------------------------------------------------------

ACCOUNTS = {
    "eve": "guests of the workspace may not use this bot",
    "sam": "guests of the workspace may not use this bot",
    "kim": "people of other workspaces may not use this bot",
}


@pytest.mark.parametrize("user", ACCOUNTS)
async def test_whoever_is_no_full_member_learns_nothing_in_any_way(stage: Stage, store_url: str, user: str) -> None:
    """By command and by mention, of the cluster, of services, of places, of help; each try is on record."""
    stage.slack.workspace.set_group("rag-oncall", ["ann", user])
    texts = (
        "status",
        "status api",
        "status -n nowhere",
        "logs api",
        "can status api",
        "whoami",
        "help",
        "home",
        "audit",
    )
    for text in texts:
        answer = await stage.answer(f"/rag {text}", user=user)
        assert answer.ephemeral
        assert ACCOUNTS[user] in answer.text, text
        assert [name for name in (*NAMES, "rag-oncall") if name in answer.text] == []
        assert answer.buttons == []

    mentioned = await stage.after(lambda: _mention(stage, user), user=user)
    assert mentioned.ephemeral
    assert ACCOUNTS[user] in mentioned.text
    assert await stage.public() == []

    rows = await audit(store_url)
    who = stage.slack.workspace.person(user).id
    assert [(actor, result) for actor, _, result, _ in rows] == [(who, "refused")] * (len(texts) + 1)
    assert [verb for _, verb, _, _ in rows] == [*(text.split(" ")[0] for text in texts), "status"]


async def _mention(stage: Stage, user: str) -> None:
    assert (await stage.control.say("@rag status", user=user)).ok


async def test_an_account_that_is_restricted_between_two_clicks_is_let_in_no_more(stage: Stage, store_url: str) -> None:
    """The old answer's buttons stay on the screen; what they did a moment ago they do no more."""
    await stage.answer("/rag status api", user="ann")
    await stage.press("Share", user="ann")
    await stage.posted(1)

    stage.slack.workspace.change_user("ann", is_restricted=True)
    refused = "guests of the workspace"
    await until(lambda: _pressed(stage, "Share"), lambda text: refused in text, every_s=1)

    rows = await audit(store_url)
    assert rows[-1][1:3] == ("share", "refused")
    assert rows[-1][3]["said"] == "guests of the workspace may not use this bot"


async def _pressed(stage: Stage, label: str) -> str:
    return (await stage.press(label, user="ann")).text


# --- groups -----------------------------------------------------------------------------------------------------------


async def test_leaving_a_group_between_two_clicks_takes_the_right_at_once(tmp_path: Path, store_url: str) -> None:
    """Slack tells of the change, and the very next click is refused, said why, and on record; joining gives it back."""
    async with sandboxed(tmp_path, store_url, Staging(settings=NARROWED)) as stage:
        await stage.answer("/rag status api", user="ann")
        await stage.press("Share", user="ann")
        await stage.posted(1)

        await stage.control.set_group("rag-oncall", ["vic"])
        await stage.control.settle()
        refused = await stage.press("Share", user="ann")

        assert "You can't use share: that needs the role operator (you have: viewer)." in refused.text
        assert "Operators are @rag-oncall." in refused.text
        assert "Your groups were read " in refused.text
        assert len(await stage.public()) == 1
        ann = stage.slack.workspace.person("ann").id
        rows = [row[:3] for row in await audit(store_url) if row[1] == "share"]
        assert rows == [(ann, "share", "done"), (ann, "share", "refused")]

        await stage.answer("/rag status worker", user="vic")
        await stage.press("Share", user="vic")
        assert len(await stage.posted(2)) == 2


async def test_without_a_word_of_slack_a_change_counts_after_seconds(tmp_path: Path, store_url: str) -> None:
    """The event may be lost: what has an effect is decided from a look that is at most 5 s old."""
    clock = ShiftedClock()
    async with sandboxed(tmp_path, store_url, Staging(settings=NARROWED, clock=clock)) as stage:
        await stage.answer("/rag status api", user="ann")
        await stage.press("Share", user="ann")
        await stage.posted(1)

        stage.slack.workspace.set_group("rag-oncall", [])
        clock.shift(6)
        refused = await stage.press("Share", user="ann")

        assert "You can't use share: that needs the role operator" in refused.text
        assert len(await stage.public()) == 1


async def test_a_disabled_group_gives_nothing(tmp_path: Path, store_url: str) -> None:
    """Though its members are still listed."""
    async with sandboxed(tmp_path, store_url, Staging(settings=NARROWED)) as stage:
        assert "of 4 logs" in (await stage.answer("/rag logs api", user="ann")).text
        await stage.control.set_group("rag-oncall", ["ann"], disabled=True)
        await stage.control.settle()

        answer = await stage.answer("/rag logs api", user="ann")
        assert "You can't use logs: that needs the role operator" in answer.text
        assert "You may: look" in (await stage.answer("/rag whoami", user="ann")).text


# --- a directory that fails -------------------------------------------------------------------------------------------


def _rate_limited(stage: Stage) -> Awaitable[Any]:
    return stage.control.set_fault("ratelimited", method="usergroups.list", times=None, seconds=1)


def _failing(stage: Stage) -> Awaitable[Any]:
    return stage.control.set_fault("server_error", method="usergroups.list", times=None)


@pytest.mark.parametrize("break_it", [_rate_limited, _failing], ids=["ratelimited", "server error"])
async def test_groups_that_cannot_be_read_let_nobody_in(
    tmp_path: Path, store_url: str, break_it: Callable[[Stage], Awaitable[Any]]
) -> None:
    """Not by an older look either where something has an effect; it is said, on record, and mends by itself."""
    clock = ShiftedClock()
    async with sandboxed(tmp_path, store_url, Staging(settings=NO_LIMIT, clock=clock)) as stage:
        await stage.answer("/rag status api", user="ann")
        await break_it(stage)
        clock.shift(6)
        refused = await stage.press("Share", user="ann")
        assert "You can't use share: your groups could not be read (" in refused.text
        assert "Nobody is let in on a guess" in refused.text
        assert await stage.public() == []
        [row] = await audit(store_url)
        assert row[1:3] == ("share", "refused")
        assert row[3]["said"].startswith("your groups could not be read (")

        # Who is known from a moment ago may still look; what they may do is said not to be known.
        assert "api is degraded" in (await stage.answer("/rag status api", user="ann")).text
        unknown = await stage.answer("/rag whoami", user="ann")
        assert "I cannot tell what you may do" in unknown.text
        assert "You may still look" in unknown.text

        await stage.control.clear_faults()

        async def known() -> str:
            clock.shift(6)
            return (await stage.answer("/rag whoami", user="ann")).text

        await until(known, lambda text: "You may: look" in text)


def _free_plan(stage: Stage) -> Awaitable[Any]:
    return stage.control.set_plan(paid=False)


def _no_scope(stage: Stage) -> Awaitable[Any]:
    return stage.control.set_scopes(remove=["usergroups:read"])


BY_ID = f"""{NARROWED}[[grants]]
role = "operator"
users = ["{named_id("U", "bob")}"]
namespaces = ["{NAMESPACE}"]
"""


@pytest.mark.parametrize("lose_groups", [_free_plan, _no_scope], ids=["plan_upgrade_required", "missing_scope"])
async def test_without_groups_the_ids_of_the_configuration_hold_and_nobody_else_is_let_in(
    tmp_path: Path, store_url: str, lose_groups: Callable[[Stage], Awaitable[Any]]
) -> None:
    """A lack of groups is no failure, and never read as "everybody"; whoami and the bot's page say the source."""
    clock = ShiftedClock()
    async with sandboxed(tmp_path, store_url, Staging(settings=BY_ID, clock=clock)) as stage:
        assert "of 4 logs" in (await stage.answer("/rag logs api", user="ann")).text
        await lose_groups(stage)
        clock.shift(61)

        refused = await stage.answer("/rag logs api", user="ann")
        assert "You can't use logs: that needs the role operator for api in rag-engine on demo" in refused.text
        assert "Operators are group SRAGONCALL0 and 1 person by name." in refused.text

        assert "of 4 logs" in (await stage.answer("/rag logs api", user="bob")).text
        elsewhere = await stage.answer("/rag logs coredns -n kube-system", user="bob")
        assert "that needs the role operator for kube-system on demo" in elsewhere.text

        told = (await stage.answer("/rag whoami", user="bob")).text
        assert "roles come from user ids of the configuration (this workspace has no user groups" in told
        assert "operator in rag-engine" in told
        assert "roles come from user ids" in (await stage.answer("/rag home", user="bob")).text


# --- what the bot says about rights -----------------------------------------------------------------------------------


async def test_can_says_what_then_happens(tmp_path: Path, store_url: str) -> None:
    """Yes by which role, no and who could; and the record shows what was refused, to those who may read it."""
    async with sandboxed(tmp_path, store_url, Staging(settings=NARROWED)) as stage:
        no = (await stage.answer("/rag can logs api", user="vic")).text
        assert "No, you may not use logs for api in rag-engine on demo: needs the role operator." in no
        assert "Operators are @rag-oncall." in no
        assert "You can't use logs" in (await stage.answer("/rag logs api", user="vic")).text

        yes = (await stage.answer("/rag can logs api", user="ann")).text
        assert "Yes, you may use logs for api in rag-engine on demo (as operator)." in yes
        assert "of 4 logs" in (await stage.answer("/rag logs api", user="ann")).text

        assert "You can't use audit" in (await stage.answer("/rag audit", user="vic")).text
        record = await stage.answer("/rag audit --who @vic --since 1h", user="ann")
        assert "Audit since 1h by one person: 2 rows" in record.text
        assert "@vic · audit · refused: needs the role operator, approver or admin" in record.text
        assert "@vic · logs api · refused: needs the role operator for api in rag-engine on demo" in record.text
        assert re.search(r"ragops audit verify --head 2:[0-9a-f]{64}", record.text)


async def test_home_shows_each_place_and_nothing_of_those_that_are_closed(tmp_path: Path, store_url: str) -> None:
    """The same rights as everywhere: a page is no way around them."""
    limited = f'[verbs]\nstatus = ["operator"]\n[[grants]]\nrole = "operator"\nusers = ["{named_id("U", "vic")}"]\n'
    settings = limited + 'namespaces = ["kube-system"]\n'
    async with sandboxed(tmp_path, store_url, Staging(settings=settings)) as stage:

        async def page_of_ann() -> str:
            return (await stage.answer("/rag home", user="ann")).text

        both = await until(page_of_ann, lambda page: "worker: out of memory" in page)
        assert "rag-engine is degraded: 2 problems" in both
        assert "kube-system" in both

        one = (await stage.answer("/rag home", user="vic")).text
        assert "rag-engine" not in one
        assert "kube-system" in one
        assert "1 place is not open to you." in one

        none = (await stage.answer("/rag home", user="bob")).text
        assert "No place is open to you" in none
        assert await audit(store_url) == []
