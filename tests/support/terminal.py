"""The program as a person starts it at a terminal: a process of its own, with a kubeconfig and nothing else."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROGRAM = Path(sys.executable).with_name("ragops")


@dataclass(frozen=True, slots=True)
class Printed:
    """What a command left behind."""

    exit_code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """What `--output json` printed. Raises `AssertionError` with the words of an error when it is none."""
        assert self.out.startswith("{"), self
        return json.loads(self.out)


async def ragops(folder: Path, *words: str, kubeconfig: str, within_s: float = 100.0) -> Printed:
    """Run a command in a folder without configuration. Raises `TimeoutError`."""
    program = await asyncio.create_subprocess_exec(
        PROGRAM,
        *words,
        "--kubeconfig",
        kubeconfig,
        cwd=folder,
        env={"PATH": os.environ.get("PATH", ""), "HOME": str(folder), "LANG": "C.UTF-8"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(within_s):
            out, err = await program.communicate()
    finally:
        if program.returncode is None:
            program.kill()
            await program.wait()
    return Printed(program.returncode or 0, out.decode(), err.decode())
