"""Take pods away: one by an eviction that respects budgets, failed ones by deleting what has ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bot.domain.live import Live, Reads, metadata_of
from bot.domain.steps.base import Compared, Deletion, Eviction, Stamp, Standing, Write


@dataclass(frozen=True, slots=True, kw_only=True)
class Evict:
    """Evict the target, a pod, which the controller `owner` (`ReplicaSet/api-5d4`) makes anew."""

    reads: ClassVar[frozenset[Reads]] = frozenset()
    marked: ClassVar[bool] = False

    owner: str

    def compare(self, live: Live, stamp: Stamp) -> Compared:
        """Tell whether the pod is on its way out; its uid was compared before."""
        del stamp
        if live.object is None or metadata_of(live.object).get("deletionTimestamp"):
            return Compared(Standing.TO)
        return Compared(Standing.FROM)

    def writes(self, live: Live, stamp: Stamp) -> tuple[Write, ...]:
        """Ask for the eviction."""
        del stamp
        name = str(metadata_of(live.object).get("name", ""))
        return (Eviction(name, live.uid, live.resource_version),)

    def trace(self, live: Live, stamp: Stamp, *, generation: int) -> str:
        """Return nothing: a pod that is still there was not evicted."""
        del live, stamp, generation
        return ""


@dataclass(frozen=True, slots=True)
class FailedPod:
    """A pod that ended in failure, by name and uid."""

    name: str
    uid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearFailed:
    """Delete exactly these failed pods. The target is the namespace, which is not read."""

    reads: ClassVar[frozenset[Reads]] = frozenset({Reads.FAILED_PODS})
    marked: ClassVar[bool] = False

    pods: tuple[FailedPod, ...]

    def compare(self, live: Live, stamp: Stamp) -> Compared:
        """Tell whether any of them is left. What is gone already, or failed since, does not matter."""
        del stamp
        return Compared(Standing.FROM if self._left(live) else Standing.TO)

    def writes(self, live: Live, stamp: Stamp) -> tuple[Write, ...]:
        """Delete each that is left."""
        del stamp
        return self._left(live)

    def trace(self, live: Live, stamp: Stamp, *, generation: int) -> str:
        """Return nothing: a pod that is still there was not deleted."""
        del live, stamp, generation
        return ""

    def _left(self, live: Live) -> tuple[Deletion, ...]:
        wanted = {pod.uid for pod in self.pods}
        return tuple(
            Deletion(str(meta["name"]), str(meta["uid"]), str(meta["resourceVersion"]))
            for meta in map(metadata_of, live.pods)
            if meta.get("uid") in wanted
        )
