"""Move the bounds of an autoscaler: how a workload that one owns is scaled without a fight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bot.domain.live import Live, Reads
from bot.domain.steps.base import Compared, Stamp, Standing, Write, patch, spec_of


@dataclass(frozen=True, slots=True, kw_only=True)
class SetBounds:
    """From the bounds `minimum_was`..`maximum_was` of a HorizontalPodAutoscaler to `minimum`..`maximum`."""

    reads: ClassVar[frozenset[Reads]] = frozenset()
    marked: ClassVar[bool] = True

    minimum_was: int
    maximum_was: int
    minimum: int
    maximum: int

    def compare(self, live: Live, stamp: Stamp) -> Compared:
        """Compare the bounds."""
        del stamp
        spec = spec_of(live.object)
        now = (int(spec.get("minReplicas", 1)), int(spec.get("maxReplicas", 0)))
        if now == (self.minimum_was, self.maximum_was):
            return Compared(Standing.FROM)
        if now == (self.minimum, self.maximum):
            return Compared(Standing.TO)
        return Compared(Standing.OTHER, f"its bounds are {now[0]} to {now[1]} now")

    def writes(self, live: Live, stamp: Stamp) -> tuple[Write, ...]:
        """Set both bounds."""
        return patch(
            "HorizontalPodAutoscaler",
            live,
            stamp,
            {"op": "add", "path": "/spec/minReplicas", "value": self.minimum},
            {"op": "replace", "path": "/spec/maxReplicas", "value": self.maximum},
        )

    def trace(self, live: Live, stamp: Stamp, *, generation: int) -> str:
        """Return nothing: there is no generation to go by, and nothing copies an autoscaler's annotations."""
        del live, stamp, generation
        return ""
