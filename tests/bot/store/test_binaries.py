from __future__ import annotations

import os
from pathlib import Path

import pytest

from bot.errors import StoreUnavailable
from bot.store import binaries

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def test_the_programs_of_the_package_are_found() -> None:
    """Without importing the package."""
    assert binaries.major_version(binaries.find(None)) == binaries.MAJOR


def test_a_folder_without_programs_is_refused(tmp_path: Path) -> None:
    """What is missing is named."""
    with pytest.raises(StoreUnavailable, match="no initdb and no postgres"):
        binaries.find(tmp_path)


def test_a_program_that_is_no_postgresql_is_refused(tmp_path: Path) -> None:
    """Its answer is shown."""
    (tmp_path / "postgres").write_text("#!/bin/sh\necho hello\n")
    (tmp_path / "postgres").chmod(0o755)
    with pytest.raises(StoreUnavailable, match="hello"):
        binaries.major_version(tmp_path)


def test_a_copy_is_complete_private_to_write_and_used_again(tmp_path: Path) -> None:
    """Everybody may run it, only its owner may change it; the second time nothing is copied."""
    made = binaries.copied(binaries.find(None), copies=tmp_path)
    (top,) = tmp_path.iterdir()
    before = (made / "postgres").stat().st_ino
    assert binaries.copied(binaries.find(None), copies=tmp_path) == made
    assert (made / "postgres").stat().st_ino == before
    assert all(not path.stat().st_mode & 0o022 for path in (top, *top.rglob("*")))
    assert binaries.major_version(made) == binaries.MAJOR


def test_a_copy_that_lost_a_file_is_made_anew(tmp_path: Path) -> None:
    """Cleaners of temporary folders take single files."""
    made = binaries.copied(binaries.find(None), copies=tmp_path)
    (made / "initdb").unlink()
    assert (binaries.copied(binaries.find(None), copies=tmp_path) / "initdb").exists()


def test_a_folder_that_others_can_write_is_not_used(tmp_path: Path) -> None:
    """Somebody may have prepared it."""
    made = binaries.copied(binaries.find(None), copies=tmp_path)
    (top,) = tmp_path.iterdir()
    (made / "postgres").write_text("evil")
    top.chmod(0o777)
    assert binaries.copied(binaries.find(None), copies=tmp_path) == made
    assert (made / "postgres").stat().st_size > 1000


@root_only
def test_a_folder_of_somebody_else_is_not_used(tmp_path: Path) -> None:
    """It is left alone, and the start is refused."""
    made = binaries.copied(binaries.find(None), copies=tmp_path)
    (top,) = tmp_path.iterdir()
    os.chown(top, 65534, 65534)
    with pytest.raises(StoreUnavailable, match="could not be copied"):
        binaries.copied(binaries.find(None), copies=tmp_path)
    assert made.exists()


def test_reach_is_judged_for_everybody(tmp_path: Path) -> None:
    """One closed folder above is enough to be out of reach."""
    programs = tmp_path / "closed" / "bin"
    programs.mkdir(parents=True)
    for name in ("initdb", "postgres"):
        (programs / name).touch(mode=0o755)
    (tmp_path / "closed").chmod(0o700)
    assert not binaries.reachable(programs)


@root_only
def test_the_account_is_the_owner_of_what_is_there(tmp_path: Path) -> None:
    """A folder that was given to an account stays with it; else one that exists is chosen, never root."""
    database = tmp_path / "database"
    account = binaries.choose_account(tmp_path, database)
    assert account is not None
    assert account[0] != 0
    database.mkdir()
    os.chown(database, 65534, 65534)
    assert binaries.choose_account(tmp_path, database) == (65534, 65534)
