"""The composition root: the only place that knows everything, and the console script.

It reads the environment, chooses adapters, wires them to the service and hands them to whoever drives: the terminal,
Slack, or the demo. Adapters are imported where they are used, so that `ragops status` does not wait for Slack or
PostgreSQL to load.
"""

from __future__ import annotations

import signal
from collections.abc import Sequence

__all__ = ["run"]

_INTERRUPTED = 130


def run(words: Sequence[str] | None = None) -> int:
    """Carry out a command line and return its exit code, as `bot.main.program` does.

    While the program is imported, Ctrl-C is only noted: the exception that it raises otherwise is lost where Python
    calls back in the middle of an import ("Exception ignored in …"), and the program would start all the same.
    """
    pressed: list[bool] = []
    handler = signal.getsignal(signal.SIGINT)
    if handler is signal.default_int_handler:  # else whoever started us wants it ignored
        signal.signal(signal.SIGINT, lambda *_: pressed.append(True))
    from bot.main.program import run as carry_out  # noqa: PLC0415  # see above

    signal.signal(signal.SIGINT, handler)
    return _INTERRUPTED if pressed else carry_out(words)
