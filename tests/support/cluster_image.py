"""An image of this project for a test cluster, made without a registry from what this interpreter runs with.

It is laid out as the Containerfile lays it out, with one difference: the packages lie beside the interpreter's own
library, not in a folder of their own. Packages are those of `requirements.lock`, no others, so a package that the lock
forgets is missed here too.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import distribution
from pathlib import Path

from packaging.markers import Marker

from tests.support.containerfile import BUILD_TOOLS, USER

CHECKOUT = Path(__file__).parents[2]
PREFIX = Path("usr/local")
PACKAGES = PREFIX / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
ENTRYPOINT = (f"/{PREFIX}/bin/python", f"/{PREFIX}/bin/ragops")
_SKIPPED = shutil.ignore_patterns("site-packages", "test", "idlelib", "tkinter", "ensurepip", "turtledemo", "config-*")
_LIBRARY = re.compile(r"^\s*(?:\S+ => )?(/\S+) \(0x", re.MULTILINE)
_PINNED = re.compile(r"^([a-z0-9-]+)==[^ ;\\]+(?: ; ([^\\]+))?", re.MULTILINE)


def make_image(control: str, reference: str, folder: Path) -> None:
    """Make the image in `folder` and have the cluster's `control` command load it. Raises when that fails."""
    root = folder / "root"
    _interpreter(root)
    _packages(root)
    _project(root, folder / "source")
    _accounts(root)
    _shared_libraries(root)
    parts = [f"{path.name}={path}" for path in sorted(root.iterdir())]
    subprocess.run([control, "image", reference, *parts, "--", *ENTRYPOINT], check=True)  # noqa: S603  # the command that we are given
    shutil.rmtree(folder)


def _interpreter(root: Path) -> None:
    """Copy the interpreter and its library; it finds its library by where it lies itself."""
    binary = Path(sys.executable).resolve()
    (root / PREFIX / "bin").mkdir(parents=True)
    shutil.copy2(binary, root / PREFIX / "bin" / "python")
    library = Path(sys.base_prefix) / "lib" / PACKAGES.parent.name
    shutil.copytree(library, root / PACKAGES.parent, symlinks=True, ignore=_SKIPPED, copy_function=_link)
    (root / PACKAGES).mkdir()


def _packages(root: Path) -> None:
    for name in locked(CHECKOUT / "requirements.lock"):
        if name in BUILD_TOOLS:
            continue
        for file in distribution(name).files or ():
            source, target = Path(str(file.locate())), root / PACKAGES / str(file)
            if ".." in file.parts or not source.is_file():
                continue  # scripts, which lie elsewhere
            for each in (source, *_compiled(source)):
                place = target.parent / each.relative_to(source.parent)
                place.parent.mkdir(parents=True, exist_ok=True)
                if not place.exists():
                    _link(str(each), str(place))


def _compiled(source: Path) -> Iterator[Path]:
    """Find the bytecode that stands beside a module: without it each start would compile everything."""
    compiled = source.parent / "__pycache__" / f"{source.stem}.{sys.implementation.cache_tag}.pyc"
    if source.suffix == ".py" and compiled.is_file():
        yield compiled


def locked(lock: Path) -> list[str]:
    """Return the packages of a lock file that this interpreter needs."""
    return [
        name for name, marker in _PINNED.findall(lock.read_text()) if not marker or Marker(marker.strip()).evaluate()
    ]


def _project(root: Path, source: Path) -> None:
    """Build and install the project as the Containerfile does, from a copy: building writes into its folder."""
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy2(CHECKOUT / name, source / name)
    for name in ("bot", "handlers", "sandbox"):
        shutil.copytree(CHECKOUT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    target = root / PACKAGES
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index"]
    _run(*pip, "--no-deps", "--no-build-isolation", "--target", str(target), str(source))
    (target / "bin" / "ragops").rename(root / PREFIX / "bin" / "ragops")
    packages = [str(target / name) for name in ("bot", "handlers", "sandbox")]
    _run(sys.executable, "-m", "compileall", "-q", "-f", "-s", str(root), "-p", "/", *packages)


def _accounts(root: Path) -> None:
    """Name the account: PostgreSQL's initdb asks for a name. Certificates are those of this machine."""
    (root / "etc").mkdir()
    (root / "etc" / "passwd").write_text(
        f"root:x:0:0:root:/root:/bin/sh\nragops:x:{USER}:{USER}:ragops:/var/lib/ragops:/usr/sbin/nologin\n"
    )
    (root / "etc" / "group").write_text(f"root:x:0:\nragops:x:{USER}:\n")
    (root / "etc" / "nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files dns\n")
    certificates = Path("/etc/ssl/certs/ca-certificates.crt")
    if certificates.exists():
        (root / "etc" / "ssl" / "certs").mkdir(parents=True)
        shutil.copy2(certificates, root / "etc" / "ssl" / "certs" / certificates.name)


def _shared_libraries(root: Path) -> None:
    """Copy what the programs and modules load from outside, to where the loader looks by default."""
    for library in _needed(_elves(root)):
        if library.is_relative_to(root):
            continue
        kept = library.is_relative_to("/lib") or library.is_relative_to("/lib64") or library.is_relative_to("/usr/lib")
        place = root / (str(library).lstrip("/") if kept else f"usr/lib/{library.name}")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(library.resolve(), place)


def _elves(root: Path) -> Iterator[str]:
    for path in root.rglob("*"):
        looks = ".so" in path.name or path.parent.name == "bin"
        if looks and path.is_file():
            with path.open("rb") as file:
                if file.read(4) == b"\x7fELF":
                    yield str(path)


def _needed(elves: Iterable[str]) -> set[Path]:
    found = subprocess.run(["ldd", *elves], capture_output=True, text=True, check=False).stdout  # noqa: S603, S607  # files that we have just made
    return {Path(os.path.normpath(path)) for path in _LIBRARY.findall(found)}


def _link(source: str, target: str) -> str:
    """Link where that is possible, for there are many files; a library is never written to."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target


def _run(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603  # our own interpreter
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}\n{done.stderr}"
