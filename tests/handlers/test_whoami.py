from __future__ import annotations

import pytest

from bot.cli.terminal import Terminal
from bot.domain.actions import NoParams
from bot.domain.requests import Surface
from bot.domain.view import View
from bot.errors import DirectoryUnavailable
from bot.ports import Sources
from handlers import whoami
from tests.support.builders import NOW, SCOPE
from tests.support.service import Stage, asked, stage


async def answer(scene: Stage, *, by: str = "U-ann", surface: Surface = Surface.COMMAND, local: bool = False) -> View:
    return await scene.service().ask(asked("whoami", by=by, surface=surface, local=local))


async def test_a_person_sees_roles_groups_and_rights() -> None:
    """And how old the knowledge of the groups is."""
    view = await answer(stage())
    assert Terminal(width=120).text(view).splitlines() == [
        "You may: look (status and the other reading commands), share answers with a channel, ask for changes.",
        "You are @U-ann",
        "Roles        operator",
        "User groups  @rag-oncall",
        "Account      member",
        "You may      look (status and the other reading commands), share answers with a channel, ask for changes",
        "",
        "Groups read 40 s ago · only you see this",
    ]
    assert view.data == {"roles": ["operator"], "permissions": ["read", "share", "operate"]}


async def test_a_person_without_a_role_learns_that() -> None:
    """It is an answer, not a refusal."""
    view = await answer(stage(), by="U-nil")
    assert (view.summary, view.exit_code) == ("You may: nothing.", 0)
    assert "User groups  none" in Terminal().text(view)


async def test_what_cannot_be_known_is_said() -> None:
    """A directory that is down is no lack of roles."""
    scene = stage()
    scene.directory.problem = DirectoryUnavailable("Slack did not answer.")
    view = await answer(scene)
    assert view.summary == ("I cannot tell what you may do: your groups could not be read (Slack did not answer).")
    assert "Groups could not be read" in Terminal().text(view)


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
