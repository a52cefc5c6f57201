from __future__ import annotations

import pytest

from bot.cli.terminal import Terminal
from bot.domain.people import Standing
from bot.ports import Sources
from handlers import help as help_
from tests.support.builders import NOW, SCOPE
from tests.support.service import ALL_VERBS, asked, stage
from tests.support.twins import member


async def shown(text: str) -> str:
    view = await stage().service().ask(asked(text))
    assert view.exit_code == 0
    return Terminal(width=120).text(view)


@pytest.mark.parametrize("text", ["help", ""])
async def test_help_lists_every_verb_in_a_line(text: str) -> None:
    """Made from the registry, so none is forgotten; short enough for a phone, and it says how to learn more."""
    rows = (await shown(text)).splitlines()
    for action in ALL_VERBS.all():
        assert f"{action.name}  {action.summary}" in rows
    assert len(rows) <= len(ALL_VERBS.all()) + 4
    assert max(map(len, rows)) < 100
    assert any(row.startswith("help logs shows how one is used") for row in rows)


@pytest.mark.parametrize("name", [action.name for action in ALL_VERBS.all()])
@pytest.mark.parametrize("text", ["help {}", "{} --help"])
async def test_help_explains_one_verb(name: str, text: str) -> None:
    """Its usage, its examples and the permission it needs."""
    words = await shown(text.format(name))
    action = ALL_VERBS.find(name)
    assert f"Usage {ALL_VERBS.usage(action)}" in words
    assert f"Needs the permission: {action.permission.value}" in words
    for command, meaning in action.examples:
        assert f"{command}  {meaning}" in words


async def test_the_parameters_of_a_verb_are_explained() -> None:
    """By the words of their declaration."""
    assert "SERVICE  a service of the catalogue or a workload's name" in await shown("help status")


async def test_help_of_an_unknown_verb_suggests_the_nearest() -> None:
    """Like the verb itself would."""
    view = await stage().service().ask(asked("help stauts"))
    assert (view.summary, view.exit_code) == ('There is no command "stauts".', 2)
    assert "status" in repr(view.blocks)


async def test_whoever_has_no_role_may_ask_for_help() -> None:
    """It shows nothing of the cluster; guests are still refused."""
    scene = stage()
    assert (await scene.service().ask(asked("help", by="U-nil"))).exit_code == 0
    scene.directory.people["U-nil"] = member("U-nil", standing=Standing.BOT)
    assert (await scene.service().ask(asked("help", by="U-nil"))).exit_code == 2


async def test_the_data_names_every_verb() -> None:
    """For programs."""
    view = await stage().service().ask(asked("help"))
    assert isinstance(view.data, dict)
    assert [each["usage"] for each in view.data["commands"]] == [ALL_VERBS.usage(a) for a in ALL_VERBS.all()]


async def test_help_needs_the_registry() -> None:
    """Handed out without it, it is a bug of the machine and said to be."""
    with pytest.raises(ValueError, match="needs the registry"):
        await help_.observe(help_.Params(), Sources(scope=SCOPE, request=asked("help"), now=NOW))
