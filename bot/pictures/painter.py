"""Runs the program that draws, one at a time: what it needs of memory and time is gone when it ends."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
import weakref
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path
from typing import Final

from bot.domain.charts import Chart
from bot.pictures.wire import encode

LIMIT_S: Final = 20.0
PROGRAM: Final = (sys.executable, "-m", "bot.pictures")
LARGEST: Final = 4 * 1024 * 1024
_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
# What the program is told of our environment: it has no need of any secret.
_HANDED: Final = ("PATH", "PYTHONPATH", "HOME", "LANG", "TMPDIR", "TZDIR", "LD_LIBRARY_PATH")


class PictureFailed(Exception):
    """A chart could not be drawn; the message says why."""


class Painter:
    """Draws charts. `limit_s` is how long one picture may take, the wait for the one before it not counted."""

    def __init__(self, *, limit_s: float = LIMIT_S, program: tuple[str, ...] = PROGRAM) -> None:
        self._limit_s = limit_s
        self._program = program
        self._alone = asyncio.Lock()
        self._folder: str | None = None

    async def __call__(self, chart: Chart) -> bytes:
        """Return a chart as PNG. Raises `PictureFailed`."""
        async with self._alone:
            try:
                async with asyncio.timeout(self._limit_s):
                    picture = await self._drawn(encode(chart))
            except TimeoutError as error:
                raise PictureFailed(f"It was not drawn within {self._limit_s:g} s.") from error
            except (OSError, ValueError, TypeError) as error:
                raise PictureFailed(f"It could not be drawn: {error}.") from error
        if not picture.startswith(_SIGNATURE) or len(picture) > LARGEST:
            raise PictureFailed("What was drawn is no picture.")
        return picture

    async def _drawn(self, chart: bytes) -> bytes:
        process = await asyncio.create_subprocess_exec(
            *self._program, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=self._environment()
        )
        try:
            picture, _ = await process.communicate(chart)
        finally:
            await _ended(process)
        if process.returncode:
            raise PictureFailed(f"The program that draws ended with {process.returncode}.")
        return picture

    def _environment(self) -> dict[str, str]:
        """Return the program's environment, with a folder in which it keeps what it learns of the fonts."""
        if self._folder is None or not Path(self._folder).is_dir():
            self._folder = tempfile.mkdtemp(prefix="ragops-pictures-")
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        handed = {name: os.environ[name] for name in _HANDED if name in os.environ}
        return {**handed, "MPLCONFIGDIR": self._folder, "MPLBACKEND": "agg", "OPENBLAS_NUM_THREADS": "1"}


async def _ended(process: Process) -> None:
    """See to it that the program is gone, however we leave it."""
    if process.returncode is None:
        process.kill()
        await process.wait()
