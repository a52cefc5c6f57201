"""How this program is typed here, for the commands that it tells people to type next."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

NAME = "ragops"


def called() -> str:
    """Return `ragops` where the shell finds it, else the path by which it was called: `.venv/bin/ragops`."""
    typed = sys.argv[0]
    return typed if Path(typed).name == NAME and shutil.which(NAME) is None else NAME
