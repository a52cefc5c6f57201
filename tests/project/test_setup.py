"""What a person reads when something that `make` needs is missing."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ("sh", "make", "dirname", "cat", "date", "grep", "id", "touch", "rm")
REAL = shlex.quote(sys.executable)

# Each stands for a python3 on PATH. `$2` is the program text of `python3 -c`.
WORKS = f'exec {REAL} "$@"'
OLD = f"""exec {REAL} -c 'import sys; sys.version_info = (3, 9, 18, "final", 0); exec(sys.argv[1])' "$2" """
WITHOUT_VENV = f"""exec {REAL} -c 'import sys; sys.modules["ensurepip"] = None; exec(sys.argv[1])' "$2" """
VENV_FAILS = f"""
case $1 in
-c) exec {REAL} -c 'import sys; sys.executable = sys.argv[2]; exec(sys.argv[1])' "$2" "$0" ;;
esac
echo "The virtual environment was not created successfully because ensurepip is not available."
exit 1
"""
BROKEN_SHIM = "echo 'shim: command not found' >&2; exit 127"


@dataclass(frozen=True, slots=True)
class Checkout:
    """A bare checkout, and a PATH that holds no Python but those that a test puts there."""

    folder: Path
    path: Path

    def put(self, name: str, body: str) -> Path:
        script = self.path / name
        script.write_text(f"#!/bin/sh\n{body}\n")
        script.chmod(0o755)
        return script

    def make(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        make = str(self.path / "make")
        return subprocess.run(  # noqa: S603  # our own Makefile
            [make, *words],
            cwd=self.folder,
            env={"PATH": str(self.path), **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    folder, path = tmp_path / "check out", tmp_path / "bin"
    folder.mkdir()
    path.mkdir()
    for name in ("Makefile", "pyproject.toml", "requirements.lock", "requirements-dev.lock"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "scripts", folder / "scripts")
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found, tool
        (path / tool).symlink_to(found)
    return Checkout(folder, path)


@pytest.mark.parametrize(
    ("pythons", "said"),
    [
        pytest.param({}, ["No Python found", "python3.13 python3.12 python3.11 python3"], id="no python"),
        pytest.param({"python3": BROKEN_SHIM}, ["No Python found"], id="a shim that does not work"),
        pytest.param({"python3": OLD}, ["3.11 or newer", "python3 is Python 3.9", "PYTHON=/path/to/"], id="too old"),
        pytest.param({"python3": WITHOUT_VENV}, ["cannot make virtual", "apt install python3."], id="no ensurepip"),
        pytest.param({"python3": VENV_FAILS}, ["not created", "apt install python3."], id="venv fails"),
        pytest.param({"python3.12": WITHOUT_VENV, "python3": OLD}, ["apt install python3."], id="new one lacks venv"),
    ],
)
def test_missing_python_is_said_in_words(checkout: Checkout, pythons: dict[str, str], said: list[str]) -> None:
    """Whichever way Python is missing, the message names what was found and what to do."""
    for name, body in pythons.items():
        checkout.put(name, body)
    done = checkout.make("setup")
    assert done.returncode != 0
    for words in said:
        assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_newest_working_python_is_taken(checkout: Checkout) -> None:
    """A name on PATH counts only if it runs; of those that run, the newest is taken."""
    checkout.put("python3.13", BROKEN_SHIM)
    for name in ("python3", "python3.11", "python3.12"):
        checkout.put(name, VENV_FAILS)
    done = checkout.make("setup")
    assert f"({checkout.path}/python3.12)" in done.stdout


def test_named_python_that_does_not_run(checkout: Checkout) -> None:
    """PYTHON=... is taken at its word: no other one is tried in its place."""
    checkout.put("python3", WORKS)
    done = checkout.make("setup", PYTHON="/nowhere/python3")
    assert done.returncode != 0
    assert "PYTHON=/nowhere/python3 was asked for" in done.stderr
    assert not (checkout.folder / ".venv").exists()


def test_named_python_that_is_too_old(checkout: Checkout) -> None:
    """PYTHON=... is held to the same age as any other."""
    old = checkout.put("old", OLD)
    done = checkout.make("setup", f"PYTHON={old}")
    assert done.returncode != 0
    assert f"{old} is Python 3.9" in done.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_folder_that_may_not_be_written(checkout: Checkout) -> None:
    """Who may not write in the checkout reads so, before anything is tried."""
    checkout.put("python3", WORKS)
    checkout.folder.chmod(0o555)
    done = checkout.make("setup")
    checkout.folder.chmod(0o755)
    assert done.returncode != 0
    assert "No permission to write" in done.stderr


def built(checkout: Checkout, pip: str) -> None:
    """Lay a .venv whose Python is the one of this test, but whose pip is a line of shell."""
    environment = checkout.folder / ".venv" / "bin"
    environment.mkdir(parents=True)
    (environment / "pip").write_text(f"#!{environment}/python\n")
    python = environment / "python"
    python.write_text(f'#!/bin/sh\n[ "$2" = pip ] || exec {REAL} "$@"\n{pip}\n')
    python.chmod(0o755)


def test_pip_that_fails(checkout: Checkout) -> None:
    """Without a network, what was tried is said, and the two ways to go on."""
    built(checkout, "echo 'no route to host' >&2; exit 1")
    done = checkout.make("setup")
    assert done.returncode != 0
    for words in ("no route to host", "-r requirements.lock", "PIP_INDEX_URL=", "PIP_FIND_LINKS="):
        assert words in done.stderr
    assert not (checkout.folder / ".venv" / ".ready-runtime").exists()


@pytest.fixture
def ready(checkout: Checkout) -> Callable[[], bool]:
    """Make ready once, and return whether another `make setup` finds nothing to do."""
    built(checkout, ":")
    assert checkout.make("setup").returncode == 0

    def again() -> bool:
        done = checkout.make("setup")
        assert done.returncode == 0, done.stderr
        return done.stdout == ""

    return again


def test_ready_is_left_alone(ready: Callable[[], bool]) -> None:
    """A second run does nothing and says nothing."""
    assert ready()


@pytest.mark.parametrize("changed", ["requirements.lock", "pyproject.toml"])
def test_change_makes_ready_anew(checkout: Checkout, ready: Callable[[], bool], changed: str) -> None:
    """A changed lock or pyproject.toml is installed by the next run, which is then ready again."""
    stamp = (checkout.folder / ".venv" / ".ready-runtime").stat()
    os.utime(checkout.folder / changed, (stamp.st_mtime + 1, stamp.st_mtime + 1))
    assert not ready()


def test_moved_checkout_is_not_ready(checkout: Checkout, ready: Callable[[], bool]) -> None:
    """An environment that came along with a moved checkout still names the old place, and is built anew."""
    assert ready()
    moved = checkout.folder.rename(checkout.folder.with_name("moved"))
    done = Checkout(moved, checkout.path).make("setup")
    assert "No Python found" in done.stderr
