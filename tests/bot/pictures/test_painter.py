"""The program that draws: bounded in time and memory, without our secrets, and gone afterwards."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import psutil
import pytest

from bot.pictures import Painter, PictureFailed
from bot.pictures.drawing import draw
from tests.support.charts import a_day, empty


def program(text: str) -> tuple[str, ...]:
    return (sys.executable, "-c", text)


async def test_a_chart_is_drawn_in_another_program() -> None:
    """The same picture as here; and this process needs no matplotlib for it."""
    assert await Painter()(a_day()) == draw(a_day())


async def test_the_bot_does_not_import_matplotlib() -> None:
    """Neither its memory nor its second of importing is ever ours."""
    look = "import sys, bot.pictures, bot.slack.outbound.notifier; sys.exit('matplotlib' in sys.modules)"
    process = await asyncio.create_subprocess_exec(*program(look))
    assert await process.wait() == 0


async def test_what_takes_too_long_is_ended() -> None:
    """And nothing of it is left behind."""
    painter = Painter(limit_s=0.5, program=program("import time; time.sleep(60)"))
    with pytest.raises(PictureFailed, match="not drawn within"):
        await painter(empty())
    assert not [child for child in psutil.Process().children() if "sleep(60)" in " ".join(child.cmdline())]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import sys; sys.exit(3)", "ended with 3"),
        ("print('no picture')", "no picture"),
        ("pass", "no picture"),
        ("import sys; sys.stdout.buffer.write(bytes((137, 80, 78, 71, 13, 10, 26, 10)) + bytes(5_000_000))", "no pict"),
    ],
)
async def test_what_is_no_picture_is_not_taken_for_one(text: str, words: str) -> None:
    """The reason is said."""
    with pytest.raises(PictureFailed, match=words):
        await Painter(program=program(text))(empty())


async def test_a_program_that_is_not_there_is_a_failure_like_another(tmp_path: Path) -> None:
    """It is no bug of who asked for the picture."""
    with pytest.raises(PictureFailed, match="could not be drawn"):
        await Painter(program=(str(tmp_path / "none"),))(empty())


async def test_no_secret_is_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program gets what Python needs and nothing else of our environment."""
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-made-up")
    look = "import os, sys; sys.exit('SLACK_BOT_TOKEN' in os.environ or 'MPLCONFIGDIR' not in os.environ)"
    with pytest.raises(PictureFailed, match="no picture"):
        await Painter(program=program(look))(empty())


async def test_what_is_no_chart_is_refused() -> None:
    """The program says so with its exit code, before anything is imported."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot.pictures", stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate(b'{"is": "Other"}')
    assert process.returncode == 2
    assert b"no chart" in said
