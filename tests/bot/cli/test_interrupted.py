"""Ctrl-C while the program is still being imported."""

from __future__ import annotations

import subprocess
import sys

import pytest

# Python loses an exception that is raised where it calls back, as it does in the middle of imports.
_PROGRAM = """
import builtins, contextlib, os, signal, sys

plain = builtins.__import__
pressed = []

def importing(name, *rest, **more):
    if name == sys.argv[1] and not pressed:
        pressed.append(name)
        with contextlib.suppress(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    return plain(name, *rest, **more)

builtins.__import__ = importing
from bot.main import run

sys.exit(run(["--version"]))
"""


@pytest.mark.parametrize("module", ["bot.registry", "bot.cli.arguments", "handlers"])
def test_it_is_not_lost(module: str) -> None:
    """The program ends as one that was interrupted, and does nothing."""
    words = [sys.executable, "-c", _PROGRAM, module]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603  # our own text
    assert (done.returncode, done.stdout) == (130, ""), done.stderr


def test_without_it_the_program_goes_on() -> None:
    """And Ctrl-C works as usual afterwards."""
    words = [sys.executable, "-c", _PROGRAM, "nothing.of.that.name"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603  # our own text
    assert (done.returncode, done.stdout.count(".")) == (0, 2), done.stderr
