"""`ragops init` and `ragops check` as a person types them: processes of their own."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.bot.setup.stage import Stage
from tests.support.terminal import PROGRAM, Printed

BROKEN = Path(__file__).parents[2] / "fixtures" / "configurations" / "offline" / "everything-wrong.toml"


async def ragops(folder: Path, *words: str, environ: Mapping[str, str]) -> Printed:
    """Run the program in a folder with nothing but this environment."""
    program = await asyncio.create_subprocess_exec(
        PROGRAM,
        *words,
        cwd=folder,
        env={"PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8", **environ},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await program.communicate()
    return Printed(program.returncode or 0, out.decode(), err.decode())


async def test_a_broken_file_beside_a_broken_environment_is_told_whole(tmp_path: Path) -> None:
    """All faults of both in one run, with exit code 2."""
    shutil.copy(BROKEN, tmp_path / "ragops.toml")

    printed = await ragops(
        tmp_path, "check", "--offline", environ={"HOME": str(tmp_path), "SLACK_BOT_TOKEN": "xoxp-hunter2"}
    )

    assert printed.exit_code == 2
    assert printed.err == ""
    assert "\nfault    SLACK_BOT_TOKEN: expected the app's bot token" in printed.out
    assert sum(line.startswith("fault    ragops.toml:") for line in printed.out.splitlines()) == 12
    assert "hunter2" not in printed.out


async def test_a_first_file_is_written_and_looked_at(stage: Stage) -> None:
    """Two commands from nothing to a look at everything."""
    made = await ragops(stage.folder, "init", "-n", "rag-engine", environ=stage.environ)
    looked = await ragops(stage.folder, "check", "--output", "json", environ=stage.environ)

    assert (made.exit_code, made.err) == (0, "")
    assert "Wrote ragops.toml: cluster sandbox, 1 namespace, 11 workloads." in made.out
    assert (looked.exit_code, looked.err) == (0, "")
    assert looked.data["faults"] == 0


async def test_a_second_init_says_what_is_in_the_way(stage: Stage) -> None:
    """In words, with what to do, and exit code 2."""
    (stage.folder / "ragops.toml").write_text("")

    again = await ragops(stage.folder, "init", environ=stage.environ)

    assert (again.exit_code, again.out) == (2, "")
    assert "There is ragops.toml already." in again.err
    assert "--force" in again.err
