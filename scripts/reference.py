"""Write docs/reference/ from the code; with --check only say whether it is up to date (exit code 1 when it is not)."""

from __future__ import annotations

import sys
from pathlib import Path

import handlers
from bot.cli.reference import commands_page, findings_page
from bot.health import metrics_page
from bot.registry import discover
from bot.setup.pages import configuration_page

FOLDER = Path(__file__).parent.parent / "docs" / "reference"


def main() -> int:
    pages = {
        "commands.md": commands_page(discover(handlers)),
        "configuration.md": configuration_page(),
        "findings.md": findings_page(),
        "metrics.md": metrics_page(),
    }
    stale = [
        name for name, text in pages.items() if not (FOLDER / name).exists() or (FOLDER / name).read_text() != text
    ]
    if "--check" in sys.argv[1:]:
        if stale:
            print(f"out of date: {', '.join(stale)}; run `make reference`")
        return 1 if stale else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in stale:
        (FOLDER / name).write_text(pages[name])
    return 0


if __name__ == "__main__":
    sys.exit(main())
