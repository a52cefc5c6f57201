from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.actions import NoParams
from bot.domain.people import Membership, RoleBinding, RoleName
from bot.domain.policy import Policy
from bot.domain.requests import Surface
from bot.domain.view import View
from bot.errors import DirectoryUnavailable
from bot.ports import Sources
from handlers import whoami
from tests.support.answers import buttons, data, rows
from tests.support.builders import NOW, SCOPE
from tests.support.service import POLICY, Stage, asked, stage
from tests.support.twins import TableDirectory, member


async def answer(
    scene: Stage,
    *,
    by: str = "U-ann",
    surface: Surface = Surface.COMMAND,
    local: bool = False,
    policy: Policy = POLICY,
) -> View:
    return await scene.service(policy=policy).ask(asked("whoami", by=by, surface=surface, local=local))


async def test_a_person_sees_account_groups_roles_and_rights() -> None:
    """How old the knowledge of the groups is, where it comes from, and how accounts work."""
    view = await answer(stage())
    may = "look (status and the other reading commands), share answers with a channel, read the record of what was done"
    assert rows(view) == [
        f"You may: {may}, ask for changes.",
        "You are @U-ann",
        "Account      member of this workspace",
        "User groups  @rag-oncall",
        "Roles        operator",
        "Groups were read 40 s ago; roles come from user groups of the workspace · only you see this",
        "Roles are for full members: guests, people of other workspaces and bots have none.",
        "can COMMAND tells whether you may use one.",
    ]
    assert data(view) == {
        "account": "member",
        "groups": ["S1"],
        "groups_read_at": "2026-11-24T21:59:20+00:00",
        "source": "user groups of the workspace",
        "roles": ["operator"],
        "grants": ["operator"],
        "permissions": ["read", "share", "audit", "operate"],
    }
    assert buttons(view) == {"Refresh": "whoami"}


async def test_a_limited_role_is_listed_with_its_places_and_what_it_allows_there() -> None:
    """Apart from what holds everywhere."""
    limited = RoleBinding(
        RoleName.OPERATOR,
        groups=frozenset({"S1"}),
        services=frozenset({"api"}),
        namespaces=frozenset({"rag-engine"}),
        clusters=frozenset({"prod-eu"}),
    )
    policy = Policy(bindings=(RoleBinding(RoleName.VIEWER, everyone=True), limited))
    shown = rows(await answer(stage(), policy=policy))
    look = "look (status and the other reading commands), share answers with a channel"
    assert shown[0] == f"You may: {look}."
    assert "Roles                                  viewer, operator for api in rag-engine on prod-eu" in shown
    assert f"Everywhere                             {look}" in shown
    assert (
        "Only for api in rag-engine on prod-eu "
        f" {look}, read the record of what was done, ask for changes (as operator)"
    ) in shown


async def test_whoever_has_limited_roles_alone_is_promised_nothing_elsewhere() -> None:
    """The first line says so."""
    policy = Policy(bindings=(RoleBinding(RoleName.OPERATOR, groups=frozenset({"S1"}), namespaces=frozenset({"lab"})),))
    view = await answer(stage(), policy=policy)
    assert view.summary == "Your rights hold in some places only: operator in lab."
    assert "Everywhere   nothing" in rows(view)
    assert data(view)["permissions"] == []
    assert data(view)["grants"] == ["operator in lab"]


async def test_a_person_without_a_role_learns_that() -> None:
    """It is an answer, not a refusal."""
    view = await answer(stage(), by="U-nil")
    assert (view.summary, view.exit_code) == ("You may: nothing.", 0)
    assert {"User groups  none", "Roles        none"} <= set(rows(view))


async def test_a_group_without_a_known_handle_is_shown_by_its_id() -> None:
    """Nothing is invented."""
    assert "User groups  group S0" in rows(await answer(stage(), by="U-vic"))


async def test_the_source_of_the_groups_is_told() -> None:
    """Where the workspace has no groups, that is why somebody has no role."""
    scene = stage()
    known = scene.directory.people["U-ann"]
    scene.directory.people["U-ann"] = replace(known, source="user ids (too small a plan)")
    shown = rows(await answer(scene))
    assert "Groups were read 40 s ago; roles come from user ids (too small a plan) · only you see this" in shown


async def test_what_cannot_be_known_is_said() -> None:
    """A directory that is down is no lack of roles."""
    scene = stage()
    scene.directory.problem = DirectoryUnavailable("Slack did not answer.")
    view = await answer(scene)
    assert view.summary == "I cannot tell what you may do: your groups could not be read (Slack did not answer)."
    assert view.exit_code == 2
    assert "Groups could not be read · only you see this" in rows(view)
    assert data(view)["permissions"] == []


class Forgetful(TableDirectory):
    """A directory that has an older look-up, and cannot make a new one."""

    async def membership(self, user_id: str, team_id: str, *, fresh: bool) -> Membership:
        if fresh:
            raise DirectoryUnavailable("Slack did not answer.")
        return await super().membership(user_id, team_id, fresh=fresh)


async def test_what_an_older_look_up_still_allows_is_said_apart() -> None:
    """Reading goes on by it; for all else nobody is let in on a guess."""
    scene = stage()
    scene.directory = Forgetful(member("U-ann", "S1"))
    view = await answer(scene)
    assert view.summary.startswith("I cannot tell what you may do: ")
    assert "You may still look (status and the other reading commands): your groups were read 40 s ago." in rows(view)
    assert data(view)["permissions"] == ["read"]


async def test_the_look_is_a_fresh_one() -> None:
    """Whoever was just added to a group asks this first; the age that is told is that of the newest look."""
    scene = stage()
    await answer(scene)
    assert [fresh for _, fresh in scene.directory.asked] == [False, True, True, True, True, True, False]


async def test_the_terminal_has_the_rights_of_its_kubeconfig() -> None:
    """And no others."""
    view = await answer(stage(), by="", local=True)
    assert view.summary.startswith("You are at a terminal")
    assert view.data == {"local": True, "permissions": ["read"]}


async def test_what_all_see_is_not_called_private() -> None:
    """When asked by mention."""
    assert "only you see this" not in repr(await answer(stage(), surface=Surface.MENTION))


async def test_whoami_needs_the_rights() -> None:
    """Handed out without them, it is a bug of the machine and said to be."""
    with pytest.raises(ValueError, match="needs the rights"):
        await whoami.observe(NoParams(), Sources(scope=SCOPE, request=asked("whoami"), now=NOW))
