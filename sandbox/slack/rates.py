"""Rate limits: one bucket for each method, one for each channel posted to, and a count of who does not wait."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

from sandbox.slack.methods.base import Method, Tier

_POST_BURST: Final = 5
_POSTS_A_MINUTE: Final = 300
_SOCKETS_BURST: Final = 10


@dataclass(slots=True)
class Bucket:
    """So many calls at once, refilled at a steady pace (calls a second)."""

    capacity: float
    refill_s: float
    level: float
    at: float

    def take(self, now: float) -> float:
        """Take one call; return 0, or the seconds until there is one."""
        self.level = min(self.capacity, self.level + (now - self.at) * self.refill_s)
        self.at = now
        if self.level >= 1:
            self.level -= 1
            return 0.0
        return (1 - self.level) / self.refill_s


@dataclass(slots=True)
class RateLimits:
    """What is left of every limit; ``enabled=False`` is for tests that restart a bot many times a minute."""

    enabled: bool = True
    violations: int = 0
    refused: int = 0
    _buckets: dict[str, Bucket] = field(default_factory=dict)
    _closed_until: dict[str, float] = field(default_factory=dict)

    def take(self, method: Method, channel: str, now: float) -> int:
        """Return 0, or the seconds for ``Retry-After``."""
        if not self.enabled:
            return 0
        key = f"{method.name}:{channel}" if method.tier is Tier.POST else method.name
        wait = self._closed_until.get(key, 0.0) - now
        if wait > 0:
            self.violations += 1
            return math.ceil(wait)
        wait = max(bucket.take(now) for bucket in self._for(method, key, now))
        return self.close(key, wait, now) if wait > 0 else 0

    def close(self, key: str, wait: float, now: float) -> int:
        """Refuse this key for so many whole seconds, and return them."""
        seconds = math.ceil(wait)
        self.refused += 1
        self._closed_until[key] = now + seconds
        return seconds

    def _for(self, method: Method, key: str, now: float) -> list[Bucket]:
        if method.tier is Tier.POST:
            return [self._bucket(key, _POST_BURST, 60, now), self._bucket(method.name, _POSTS_A_MINUTE, 300, now)]
        burst = _SOCKETS_BURST if method.tier is Tier.T1 else method.tier.value
        return [self._bucket(key, burst, method.tier.value, now)]

    def _bucket(self, key: str, capacity: int, per_minute: int, now: float) -> Bucket:
        return self._buckets.setdefault(key, Bucket(capacity, per_minute / 60, capacity, now))
