"""The examples of the how-to pages are programs: each is run as it stands on its page."""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import handlers
from bot.diagnosis import all_codes, causes, family
from bot.diagnosis.family import families, surveys
from bot.domain.actions import Change
from bot.domain.people import Permission
from bot.parser import parse
from bot.registry import discover

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"
CAUSES = {"long_inits": "INIT_RUNS_LONG", "moved_tags": "TAG_MOVED"}
VERBS = ("restarts", "wake")
BLOCK = re.compile(r"^```python file=(?P<path>\S+)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)


def examples(page: str) -> dict[str, str]:
    """Return the files that a page shows, by path."""
    return {block["path"]: block["code"] for block in BLOCK.finditer((HOW_TO / page).read_text(encoding="utf-8"))}


def written(folder: Path, code: str, path: str) -> Path:
    """Write a file of a page and return where."""
    file = folder / Path(path).name
    file.write_text(code, encoding="utf-8")
    return file


def loaded(file: Path) -> ModuleType:
    """Run a file as a module of its own."""
    spec = importlib.util.spec_from_file_location(f"example_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_tests_of(module: ModuleType) -> int:
    """Run every test function of a module and return how many there were."""
    tests = [value for name, value in vars(module).items() if name.startswith("test_")]
    for test in tests:
        test()
    return len(tests)


def forget_causes() -> None:
    """Let the folder of causes be read anew."""
    family._modules.cache_clear()  # what a process reads once, each test reads anew
    families.cache_clear()
    surveys.cache_clear()


@pytest.fixture
def verb_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder whose files are verbs."""
    monkeypatch.setattr(handlers, "__path__", [*handlers.__path__, str(tmp_path)])
    yield tmp_path
    for name in VERBS:
        sys.modules.pop(f"handlers.{name}", None)


@pytest.fixture
def cause_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder whose files are causes."""
    monkeypatch.setattr(causes, "__path__", [*causes.__path__, str(tmp_path)])
    yield tmp_path
    forget_causes()
    for name in CAUSES:
        sys.modules.pop(f"bot.diagnosis.causes.{name}", None)


def test_the_verb_is_found_by_being_there(verb_folder: Path) -> None:
    """One file is enough: it is registered, parsed, listed, and passes the test beside it."""
    files = examples("add-a-verb.md")
    written(verb_folder, files["handlers/restarts.py"], "restarts.py")

    registry = discover(handlers)
    parsed = parse("restarts --most 3 -n kube-system", registry)

    assert registry.usage(parsed.action) == "restarts [--most N]"
    assert parsed.params.most == 3
    test_file = verb_folder / "tests"
    test_file.mkdir()
    assert run_tests_of(loaded(written(test_file, files["tests/handlers/test_restarts.py"], "test_restarts.py"))) == 2


def test_the_verb_that_changes_something_is_found_by_being_there(verb_folder: Path) -> None:
    """It takes what every change takes, asks for the right to, and passes the test beside it."""
    files = examples("add-a-verb.md")
    written(verb_folder, files["handlers/wake.py"], "wake.py")

    registry = discover(handlers)
    parsed = parse('wake api --reason "for the demo"', registry)

    assert registry.usage(parsed.action) == "wake WORKLOAD [--reason TEXT] [--replace]"
    assert (parsed.params.workload, parsed.reason) == ("api", "for the demo")
    assert isinstance(parsed.action, Change)
    assert parsed.action.permission is Permission.OPERATE
    test_file = verb_folder / "tests"
    test_file.mkdir()
    assert run_tests_of(loaded(written(test_file, files["tests/handlers/test_wake.py"], "test_wake.py"))) == 3


@pytest.mark.parametrize(("name", "code"), CAUSES.items(), ids=CAUSES)
def test_the_cause_is_found_by_being_there(cause_folder: Path, name: str, code: str) -> None:
    """One file is enough: its code is listed, new, and it passes the test beside it."""
    taken = {each.name for each in all_codes()}
    files = examples("add-a-cause.md")
    forget_causes()
    written(cause_folder, files[f"bot/diagnosis/causes/{name}.py"], f"{name}.py")

    assert {each.name for each in all_codes()} - taken == {code}
    tests = cause_folder / "tests"
    tests.mkdir()
    path = f"tests/bot/diagnosis/causes/test_{name}.py"
    assert run_tests_of(loaded(written(tests, files[path], path))) == 2


@pytest.mark.parametrize("page", sorted(HOW_TO.glob("*.md")), ids=lambda page: page.name)
def test_every_python_block_names_its_file(page: Path) -> None:
    """No example escapes the tests above by being an anonymous fragment."""
    text = page.read_text(encoding="utf-8")
    assert len(re.findall(r"^```python", text, re.MULTILINE)) == len(BLOCK.findall(text))
