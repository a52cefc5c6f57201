from __future__ import annotations

from dataclasses import replace

import pytest

from bot.cli.terminal import Terminal
from bot.domain.actions import Decision
from bot.domain.people import Permission, Standing
from bot.ports import Sources
from bot.registry import Registry
from handlers import help as help_
from tests.support.builders import NOW, SCOPE
from tests.support.service import ALL_VERBS, asked, stage
from tests.support.twins import member
from tests.support.verbs import verb

CHANGE, ANSWER = "Change, once others have agreed", "Answer a request for a change"
WATCH = "What is watched, and told by itself"
TITLES = ("Look", WATCH, "Tell others", CHANGE, ANSWER, "You, your rights, and the record")
NEW = {"configure": Permission.ADMINISTER, "aardvark": Permission.READ}


async def shown(text: str) -> str:
    view = await stage().service().ask(asked(text))
    assert view.exit_code == 0
    return Terminal(width=120).text(view)


@pytest.mark.parametrize("text", ["help", ""])
async def test_help_lists_every_verb_that_looks_or_acts_in_a_line(text: str) -> None:
    """Made from the registry, so none is forgotten; short enough for a phone, and it says how to learn more."""
    rows = (await shown(text)).splitlines()
    own = [action for action in ALL_VERBS.all() if action.permission in (Permission.ANYONE, Permission.AUDIT)]
    assert {action.name for action in ALL_VERBS.all() if isinstance(action, Decision)} <= {each.name for each in own}
    for action in ALL_VERBS.all():
        assert (f"{action.name}  {action.summary}" in rows) is (action not in own)
    assert len(rows) <= len(ALL_VERBS.all()) - len(own) + 5 + len(TITLES)
    assert max(map(len, rows)) < 100
    assert any(row.startswith("help logs shows how one is used") for row in rows)
    assert "can COMMAND says whether you may, audit what others did." in rows


async def test_what_people_use_most_stands_first_in_its_group() -> None:
    """Looking before everything else, status before everything."""
    rows = (await shown("help")).splitlines()
    named = [row.split("  ")[0] for row in rows if "  " in row or row.startswith(TITLES)]
    assert named == [
        *("Look", "status", "health", "deps", "logs", "describe", "pods", "history", "compare", "requests"),
        *("explain", "top", WATCH, "alerts", "ack", "silence", "unsilence"),
        *("digest preview", "digest now", "schedule", "schedule pause", "schedule resume"),
        *("Tell others", "share"),
        *(CHANGE, "rollback", "restart", "scale"),
        *("clear failed", "evict", "set cpu", "set image", "set memory", "undo"),
        f"{ANSWER}: approve · deny · cancel · resolve · withdraw",
        "You, your rights, and the record: whoami · can · home · audit · help",
    ]


async def test_a_group_of_verbs_to_come_has_its_place() -> None:
    """Each verb stands in one group, and by name after the known."""
    verbs = [replace(verb(name), permission=permission) for name, permission in NEW.items()]
    view = await stage().service(registry=Registry([*ALL_VERBS.all(), *verbs])).ask(asked("help"))
    rows = Terminal(width=120).text(view).splitlines()
    at = {name: next(i for i, row in enumerate(rows) if row.startswith(f"{name}  ")) for name in NEW}
    assert rows[at["configure"] - 1] == "Administer"
    assert rows[at["aardvark"] - 1].startswith("requests  ")


@pytest.mark.parametrize("name", [action.name for action in ALL_VERBS.all()])
@pytest.mark.parametrize("text", ["help {}", "{} --help", "help '{}'"])
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
    assert {each["usage"] for each in view.data["commands"]} == {ALL_VERBS.usage(a) for a in ALL_VERBS.all()}
    assert len(view.data["commands"]) == len(ALL_VERBS.all())
    assert view.data["commands"][0]["usage"] == "status [SERVICE]"


async def test_help_needs_the_registry() -> None:
    """Handed out without it, it is a bug of the machine and said to be."""
    with pytest.raises(ValueError, match="needs the registry"):
        await help_.observe(help_.Params(), Sources(scope=SCOPE, request=asked("help"), now=NOW))
