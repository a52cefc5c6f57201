"""Set the number of pods of a workload that no autoscaler owns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bot.domain.live import Live, Reads
from bot.domain.steps.base import Compared, Stamp, Standing, Write, marked_revision, patch, spec_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """From `was` pods to `replicas`, both absolute."""

    reads: ClassVar[frozenset[Reads]] = frozenset({Reads.REVISIONS})
    marked: ClassVar[bool] = True

    kind: str
    was: int
    replicas: int

    def compare(self, live: Live, stamp: Stamp) -> Compared:
        """Compare the number of pods that is asked for."""
        del stamp
        now = int(spec_of(live.object).get("replicas", 1))
        if now == self.was:
            return Compared(Standing.FROM)
        if now == self.replicas:
            return Compared(Standing.TO)
        return Compared(Standing.OTHER, f"{now} pods are asked for now, not {self.was}")

    def writes(self, live: Live, stamp: Stamp) -> tuple[Write, ...]:
        """Set the number."""
        return patch(self.kind, live, stamp, {"op": "add", "path": "/spec/replicas", "value": self.replicas})

    def trace(self, live: Live, stamp: Stamp, *, generation: int) -> str:
        """Look at the generation: we do not scale what an autoscaler owns, so somebody changed the spec."""
        if live.generation != generation:
            return "the object was changed since the change was sent"
        return marked_revision(live, stamp)
