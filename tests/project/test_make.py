from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted(path for path in (ROOT / "scripts").iterdir() if not path.suffix and path.is_file())
TARGETS = {
    "help",
    "setup",
    "demo",
    "test",
    "check",
    "bench",
    "crash",
    "storm",
    "mutants",
    "search",
    "reference",
    "lock",
}
TARGETS |= {"clean"}


def test_help_lists_every_target() -> None:
    """`make` alone says what there is to type, one line each."""
    make = shutil.which("make")
    assert make
    done = subprocess.run(  # noqa: S603  # our own Makefile
        [make],
        cwd=ROOT,
        env={"PATH": os.defpath},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    lines = [re.fullmatch(r"make (?P<target>[a-z]+) +\S.*", line) for line in done.stdout.splitlines()]
    assert {line["target"] for line in lines if line} == TARGETS
    assert None not in lines


@pytest.mark.parametrize("script", [ROOT / ".ci/run", *SCRIPTS], ids=lambda path: path.name)
def test_scripts_parse(script: Path) -> None:
    """The shell that the first line names can read the script, and the script may be run."""
    shell = script.read_text().splitlines()[0].removeprefix("#!")
    subprocess.run([shell, "-n", script], check=True, timeout=120)  # noqa: S603  # our own script
    assert script.stat().st_mode & 0o111


@pytest.mark.parametrize("path", [ROOT / "Makefile", ROOT / ".ci/run", *SCRIPTS], ids=lambda path: path.name)
def test_no_path_of_one_machine(path: Path) -> None:
    """Absolute paths are those that every Debian has, or examples."""
    known = ("/bin/", "/dev/null", "/path/to/", "/usr/lib/postgresql")
    absolute = re.findall(r"(?<![\w.$}\")*/:<-])/[a-z]\w*(?:/[\w.-]*)*", path.read_text())
    assert [each for each in absolute if not each.startswith(known)] == []
