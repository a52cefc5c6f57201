"""Tells reading that goes over a text once from reading that never ends, on any machine."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

# Of this process's own time, so that other programs do not count. What reads a hostile text once takes a fraction of a
# second; what goes back and forth in it takes minutes.
ENDLESS_S = 20.0


@contextmanager
def ends() -> Iterator[None]:
    """Fail when the block takes so long that what it reads must have been read again and again."""
    began = time.process_time()
    yield
    took_s = time.process_time() - began
    assert took_s < ENDLESS_S, f"it took {took_s:.1f} s of the processor"
