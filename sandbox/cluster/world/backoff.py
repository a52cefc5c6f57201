"""How long the kubelet waits before it starts a crashed container, or pulls an image, again."""

from __future__ import annotations

FIRST_SECONDS = 10.0
LIMIT_SECONDS = 300.0
RESET_AFTER_SECONDS = 600.0  # a run of more than twice the limit starts the count anew
SYNC_SECONDS = 12.0  # the kubelet looks at a pod about this often: restarts come that much late, messages repeat so


def delay(crashes: int) -> float:
    """Return the wait after the n-th crash in a row: none after the first, then 10 s doubled up to 5 min."""
    if crashes <= 1:
        return 0.0
    return pull_delay(crashes - 1)


def pull_delay(failures: int) -> float:
    """Return the wait after the n-th failed pull in a row."""
    return min(LIMIT_SECONDS, FIRST_SECONDS * 2.0 ** min(failures - 1, 10))


def duration(seconds: float) -> str:
    """Write a duration as Go does: 10s, 1m20s, 5m0s."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
