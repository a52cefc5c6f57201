from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
RUNTIME = "requirements.lock"
DEV = "requirements-dev.lock"
both_locks = pytest.mark.parametrize("lock", [RUNTIME, DEV])

PIN = re.compile(r"(?P<name>[a-z0-9][a-z0-9-]*)==(?P<version>[^ ;\\]+)(?: ; (?P<marker>[^\\]+))?")
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Pin:
    name: str
    version: str
    marker: str
    hashes: int


def entries(lock: str) -> list[str]:
    """Return the logical lines of a lock: comments dropped, continuations joined."""
    text = (ROOT / lock).read_text()
    kept = [line for line in text.splitlines() if not line.startswith("#")]
    return [line for line in "\n".join(kept).replace("\\\n", " ").splitlines() if line.strip()]


def pins(lock: str) -> dict[str, Pin]:
    found = {}
    for entry in entries(lock):
        requirement, *hashes = re.split(r"\s+(?=--hash)", entry.strip())
        match = PIN.fullmatch(requirement.strip())
        assert match, f"{lock}: not a pin: {requirement}"
        assert all(HASH.fullmatch(each) for each in hashes), f"{lock}: an odd hash of {match['name']}"
        found[match["name"]] = Pin(match["name"], match["version"], match["marker"] or "", len(hashes))
    return found


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def name_of(requirement: str) -> str:
    """Return the normalized name of a requirement such as `psycopg[binary]>=3.2`."""
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert match
    return re.sub(r"[-_.]+", "-", match[0]).lower()


def lower_bound(requirement: str) -> tuple[int, ...]:
    match = re.search(r">=\s*([0-9.]+)", requirement)
    return release(match[1]) if match else ()


def release(version: str) -> tuple[int, ...]:
    match = re.match(r"[0-9]+(?:\.[0-9]+)*", version)
    assert match
    return tuple(int(part) for part in match[0].split("."))


def wanted(lock: str) -> list[str]:
    table = project()
    groups = ["build"] if lock == RUNTIME else ["build", "dev"]
    return [
        *table["project"]["dependencies"],
        *(each for group in groups for each in table["dependency-groups"][group]),
    ]


@both_locks
def test_every_direct_dependency_is_pinned(lock: str) -> None:
    """What pyproject.toml asks for is in the lock, else an install with --no-deps would lack it."""
    missing = {name_of(each) for each in wanted(lock)} - set(pins(lock))
    assert not missing, f"run `make lock`: {sorted(missing)}"


@both_locks
def test_pins_are_not_older_than_asked_for(lock: str) -> None:
    """A raised lower bound in pyproject.toml is carried into the lock."""
    locked = pins(lock)
    older = [each for each in wanted(lock) if release(locked[name_of(each)].version) < lower_bound(each)]
    assert not older, f"run `make lock`: {older}"


@both_locks
def test_every_pin_has_a_hash(lock: str) -> None:
    """Nothing can be installed that is not the file that was locked."""
    assert [pin.name for pin in pins(lock).values() if not pin.hashes] == []


@both_locks
def test_no_index_is_named(lock: str) -> None:
    """Whoever installs decides where from."""
    text = (ROOT / lock).read_text()
    assert "://" not in text
    assert not re.search(r"^\s*(--(extra-)?index-url|--find-links|--trusted-host|-i |-f )", text, re.MULTILINE)


@both_locks
def test_pins_hold_on_linux_and_macos(lock: str) -> None:
    """No marker leaves one of the two out."""
    narrowed = [pin for pin in pins(lock).values() if re.search(r"linux|darwin|Linux|Darwin", pin.marker)]
    assert narrowed == []


def test_both_locks_pin_the_same_versions() -> None:
    """The tests run with the very versions that the bot runs with."""
    runtime, dev = pins(RUNTIME), pins(DEV)
    assert {name: pin.version for name, pin in runtime.items()} == {name: dev[name].version for name in runtime}
