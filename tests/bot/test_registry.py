from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import handlers
from bot.errors import UsageError
from bot.registry import Registry, discover
from tests.support.verbs import CHANGING, VERBS, verb


def test_verbs_are_listed_by_name() -> None:
    """Whatever the order in which they were found."""
    assert [action.name for action in VERBS.all()] == ["help", "scale", "send", "status", "whoami"]


@pytest.mark.parametrize("name", ["status", "STATUS", "Status"])
def test_a_verb_is_found_in_any_case(name: str) -> None:
    """Phones begin sentences with a capital."""
    assert VERBS.find(name).name == "status"


def test_an_unknown_verb_names_its_neighbours() -> None:
    """And where to look for all of them."""
    with pytest.raises(UsageError) as raised:
        VERBS.find("statsu")
    assert raised.value.message == 'There is no command "statsu".'
    assert raised.value.suggestions == ("status",)
    assert raised.value.usage == "help lists what there is"


@pytest.mark.parametrize(
    ("name", "usage"),
    [
        ("scale", "scale WORKLOAD [REPLICAS] [-r TEXT] [--limit N] [-f]"),
        ("send", "send PLACE COMMAND…"),
        ("status", "status [COMMAND]"),
        ("whoami", "whoami"),
    ],
)
def test_the_usage_is_made_from_the_declaration(name: str, usage: str) -> None:
    """So it cannot be out of date."""
    assert VERBS.usage(VERBS.find(name)) == usage


def test_two_verbs_of_one_name_are_a_bug() -> None:
    """One of them would never be reached."""
    with pytest.raises(ValueError, match="two verbs are called 'status'"):
        Registry([verb("status"), verb("status")])


def test_a_verb_is_found_by_its_file() -> None:
    """Every file of the package that declares an action is registered."""
    names = {path.stem for path in Path(handlers.__file__).parent.glob("*.py")} - {"__init__"}
    assert {action.name.replace(" ", "_") for action in discover(handlers).all()} == names


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A package of verbs with a folder, and a module that is none."""
    folder = tmp_path / "some_verbs"
    (folder / "chapter").mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "chapter" / "__init__.py").touch()
    (folder / "shared.py").write_text("WORDS = 1\n")
    (folder / "chapter" / "deep.py").write_text("from tests.support.verbs import verb\nACTION = verb('deep')\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield folder.name
    for name in [name for name in sys.modules if name.startswith("some_verbs")]:
        del sys.modules[name]


def test_verbs_in_folders_are_found(package: str) -> None:
    """Once a chapter has several, it gets a folder."""
    assert [action.name for action in discover(importlib.import_module(package)).all()] == ["deep"]


@pytest.mark.parametrize(
    ("words", "name", "length"),
    [
        (["set", "image", "api"], "set image", 2),
        (["Set", "IMAGE"], "set image", 2),
        (["restart", "api"], "restart", 1),
        (["restart"], "restart", 1),
    ],
)
def test_the_first_words_name_the_verb(words: list[str], name: str, length: int) -> None:
    """One or two of them."""
    action, used = CHANGING.match(words)
    assert (action.name, used) == (name, length)
