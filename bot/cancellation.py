"""Whether the present task was cancelled, also when a library below swallowed that. For every room that has a loop."""

from __future__ import annotations

import asyncio


def was_cancelled() -> bool:
    """Tell whether this task was cancelled.

    `asyncio.wait_for` of Python 3.11 swallows it when its result and the cancellation come together
    (python/cpython#86296), and the clients of the database and of Redis wait by it. A loop that does not ask would then
    go on for ever.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
