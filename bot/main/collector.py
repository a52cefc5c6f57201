"""The garbage collector of a process that keeps thousands of records and must not stop for them.

A full collection looks at every record that may be part of a cycle; with 5,000 pods in memory it takes tens of
milliseconds, in which nobody is answered. What was imported lives as long as the process, and the records of the
cluster hold no cycles: they go when nothing refers to them any more.
"""

from __future__ import annotations

import gc

YOUNG, MIDDLE, OLD = 5_000, 5, 100


def calm() -> None:
    """Never look at what is loaded by now again, and at old objects seldom. Call once, when all is imported."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
