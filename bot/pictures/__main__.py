"""The program that draws: a chart as JSON on standard input, a picture on standard output.

Exit code 2: what came in is no chart.
"""

from __future__ import annotations

import contextlib
import resource
import sys
from typing import Final

from bot.pictures.wire import decode

LARGEST_INPUT: Final = 8 * 1024 * 1024
MEMORY: Final = 1024 * 1024 * 1024  # address space, of which about a quarter is ever used
SECONDS: Final = 30


def main() -> int:
    """Draw one chart."""
    # A program that runs wild ends itself, also where nobody waits for it any more.
    for limit, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, SECONDS)):
        # Not every system has both, and whoever runs us may have set a lower one.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(limit, (most, most))
    try:
        chart = decode(sys.stdin.buffer.read(LARGEST_INPUT))
    except (ValueError, TypeError) as error:
        sys.stderr.write(f"This is no chart: {error}\n")
        return 2
    # matplotlib takes a second and a hundred megabytes to import; whoever sends no chart need not pay for it.
    from bot.pictures.drawing import draw  # noqa: PLC0415  # see above

    sys.stdout.buffer.write(draw(chart))
    return 0


if __name__ == "__main__":
    sys.exit(main())
