"""The rooms of the house: who may import whom, and what each says of itself."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from bot.diagnosis import all_codes, causes
from bot.diagnosis.family import families, surveys

ROOT = Path(__file__).parents[2]
PACKAGES = [path.parent for top in ("bot", "handlers", "sandbox") for path in sorted((ROOT / top).rglob("__init__.py"))]
MODULES = [path for top in ("bot", "handlers", "sandbox") for path in sorted((ROOT / top).rglob("*.py"))]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_imports_keep_to_the_rooms() -> None:
    """The contracts of pyproject.toml hold; the tool's own output says which does not."""
    tool = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(  # noqa: S603  # our own tool, no input from outside
        [tool, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=250
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


@pytest.mark.parametrize("package", PACKAGES, ids=name_of)
def test_every_room_has_a_charter(package: Path) -> None:
    """Its docstring says what it knows, in a sentence at least."""
    charter = ast.get_docstring(ast.parse((package / "__init__.py").read_text()))
    assert charter
    assert charter.split("\n\n")[0].rstrip().endswith(".")
    assert len(charter) > 40


@pytest.mark.parametrize("module", [path for path in MODULES if path.name != "__init__.py"], ids=name_of)
def test_every_module_says_its_place(module: Path) -> None:
    """In a docstring at its head."""
    assert ast.get_docstring(ast.parse(module.read_text()))


def test_every_file_of_causes_is_used() -> None:
    """Adding a cause is adding a file: each declares a family or a survey, or is part of one that does."""
    folder = Path(causes.__file__).parent
    files = {path.stem: path.read_text() for path in folder.glob("*.py") if path.stem != "__init__"}
    functions = [family.observe for family in families()] + [survey.look for survey in surveys()]
    declared = {function.__module__.rpartition(".")[2] for function in functions}
    assert declared <= set(files)
    for name in set(files) - declared:
        imported = (f"bot.diagnosis.causes.{name} import", f"bot.diagnosis.causes import {name}")
        assert any(one in text for text in files.values() for one in imported), name
    assert [family.rank for family in families()] == sorted(family.rank for family in families())


def test_finding_codes_are_unique_and_explained() -> None:
    """People look them up, programs rely on them."""
    codes = [code for group in (*families(), *surveys()) for code in group.codes]
    assert [name for name, times in Counter(code.name for code in codes).items() if times > 1] == []
    for code in codes:
        assert code.name.replace("_", "").isalpha()
        assert code.name.isupper()
        assert code.meaning.endswith(".")
        assert len(code.meaning) > 20
        assert code.recognised.endswith(".")
        assert code.remedy.endswith(".")
    assert [code.name for code in all_codes()] == sorted(code.name for code in codes)
