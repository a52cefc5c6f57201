"""How long to wait after what failed: longer each time, and not all at once."""

from __future__ import annotations

import random

LONGEST_DELAY_S = 300.0


def backoff(attempts: int, source: random.Random, *, base_s: float = 1.0, longest_s: float = LONGEST_DELAY_S) -> float:
    """Return how long to wait before the next try: exponential with full jitter, at least a tenth of a second."""
    return max(0.1, source.uniform(0, min(longest_s, base_s * 2 ** min(attempts, 16))))
