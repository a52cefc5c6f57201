"""The breaker: whether Redis is asked at all, and who is told that it went away or came back."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Final

from bot.ports import Clock, Meter

_LOG = logging.getLogger(__name__)

LOOK_AGAIN_S: Final = 5.0
"""How long Redis is left alone after a failure, so that an outage does not slow every command."""


class Outage:
    """Remembers that Redis is away. Going away and coming back are logged and metered once each."""

    def __init__(self, clock: Clock, meter: Meter) -> None:
        self._clock = clock
        self._meter = meter
        self._until: datetime | None = None

    def may_ask(self) -> bool:
        """Say whether Redis is to be asked now. In an outage one use in five seconds is let through to find out."""
        if self._until is None:
            return True
        now = self._clock.now()
        if now < self._until <= now + timedelta(seconds=LOOK_AGAIN_S):
            return False
        self._until = now + timedelta(seconds=LOOK_AGAIN_S)
        return True

    def began(self, error: Exception) -> None:
        """Note a failure. Only its kind is logged: its words may hold the address."""
        if self._until is None:
            extra = {"event": "hot_state_degraded", "reason": type(error).__name__}
            _LOG.warning("Redis is away; this process works alone until it is back", extra=extra)
            self._meter.degraded("redis", yes=True)
        self._until = self._clock.now() + timedelta(seconds=LOOK_AGAIN_S)

    def ended(self) -> None:
        """Note an answer."""
        if self._until is not None:
            _LOG.info("Redis is back; the replicas share again", extra={"event": "hot_state_recovered"})
            self._meter.degraded("redis", yes=False)
        self._until = None
