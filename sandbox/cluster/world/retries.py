"""What failed is tried again, later each time."""

from __future__ import annotations

from sandbox.cluster.world.index import Key
from sandbox.cluster.world.machinery import Machinery

_FIRST_SECONDS, _MOST_SECONDS, _LEAST_SECONDS = 0.005, 1000.0, 0.02


class Retries:
    """Wake a key after a failure: at once at first, after a quarter of an hour in the end."""

    def __init__(self, machinery: Machinery) -> None:
        self._machinery = machinery
        self._failed: dict[Key, int] = {}

    def again(self, key: Key) -> None:
        """Count a failure and look at the key again."""
        number = self._failed.get(key, 0)
        self._failed[key] = number + 1
        delay = max(_LEAST_SECONDS, min(_MOST_SECONDS, _FIRST_SECONDS * 2.0 ** min(number, 20)))
        self._machinery.wake(key, self._machinery.now + delay)

    def forget(self, key: Key) -> None:
        """Begin anew: it went well."""
        self._failed.pop(key, None)
