"""Watching: probes, what is read besides the snapshot, history, episodes, slots and the calendar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.domain.requests import Post
from bot.domain.targets import ClusterName, ObjectRef, Scope
from bot.domain.view import View
from bot.domain.watch.episodes import Episode, Silence
from bot.domain.watch.extras import Backup, DiskUse, IssuedCertificate, Quota
from bot.domain.watch.probes import Probed, ProbeTarget
from bot.domain.watch.samples import Bucket, Note, ProblemSpan, SampleAt
from bot.domain.watch.schedules import Pause, Schedule, SlotRun


class Probes(Protocol):
    """Asks configured targets whether they are well."""

    async def probe(self, target: ProbeTarget) -> Probed:
        """Ask once, within the target's own time. Never raises: what goes wrong is the answer.

        Everything in it is fit to be shown: secrets are masked, each text is on one line, and there are not too many.
        """
        ...


class Extras(Protocol):
    """What is read when asked, where it is there.

    Raises `ClusterNotFound` where the API is not installed, `ClusterForbidden` without the right, or others.
    """

    async def quotas(self, scope: Scope) -> Sequence[Quota]:
        """Return every figure of the namespace's ResourceQuotas."""
        ...

    async def backups(self, cluster: ClusterName) -> Sequence[Backup]:
        """Return Velero's Backups of a cluster, the newest first."""
        ...

    async def certificates(self, scope: Scope) -> Sequence[IssuedCertificate]:
        """Return cert-manager's Certificates of a namespace."""
        ...

    async def disks(self, scope: Scope) -> Sequence[DiskUse]:
        """Return how full the nodes' disks and the namespace's volumes are, as the kubelets say (an opt-in).

        Raises when no kubelet can be read; of several the others are left out only if `DiskUse` of them is unknown.
        """
        ...


class History(Protocol):
    """What was recorded. Raises `StoreUnavailable`."""

    async def samples(self, scope: Scope, *, since: datetime, ref: ObjectRef | None = None) -> Sequence[SampleAt]:
        """Return single samples from a moment on, the oldest first."""
        ...

    async def buckets(self, scope: Scope, *, since: datetime, until: datetime, step_s: int) -> Sequence[Bucket]:
        """Return samples gathered by steps that begin at `since`, by workload, the oldest first."""
        ...

    async def spans(self, scope: Scope, *, since: datetime) -> Sequence[ProblemSpan]:
        """Return problems that are open, or ended at or after a moment, the oldest first."""
        ...

    async def notes(self, scope: Scope, *, since: datetime) -> Sequence[Note]:
        """Return what happened at or after a moment, the oldest first."""
        ...

    async def forget(self, *, days: int) -> int:
        """Remove what is older, in bounded portions; return how many samples that were."""
        ...


class Episodes(Protocol):
    """Alerts. Raises `StoreUnavailable`."""

    async def open(self, scope: Scope | None = None) -> Sequence[Episode]:
        """Return those that are not resolved, the worst and then the oldest first."""
        ...

    async def find(self, episode_id: str) -> Episode | None:
        """Return one; None when there is none of that id."""
        ...

    async def since(self, scope: Scope, moment: datetime) -> Sequence[Episode]:
        """Return those that fired, and are open or were resolved at or after a moment, the oldest first."""
        ...

    async def unannounced(self, *, limit: int) -> Sequence[str]:
        """Return ids of those whose version is above what was announced."""
        ...

    async def silences(self) -> Sequence[Silence]:
        """Return the silences that hold now, by the database's clock."""
        ...


@dataclass(frozen=True, slots=True)
class SlotClaim:
    """A due moment that we hold. `fence` proves at the end that it was still ours."""

    name: str
    due_at: datetime
    fence: int


class Slots(Protocol):
    """Due moments of schedules over all replicas. Raises `StoreUnavailable`."""

    async def begin(
        self, name: str, due_at: datetime, *, lease_s: float, again_s: float | None = None
    ) -> SlotClaim | None:
        """Take a due moment to work on; None when it is done, or somebody is at it whose lease holds.

        One that is done and was begun longer than `again_s` ago is taken again: then a clock was set back.
        """
        ...

    async def release(self, claim: SlotClaim) -> None:
        """Let it go undone, so that anybody may take it at once."""
        ...

    async def unfinished(self, name: str, *, since: datetime) -> Sequence[datetime]:
        """Return due moments that somebody began, did not end, and whose lease is over; the oldest first."""
        ...

    async def newest(self, name: str) -> datetime | None:
        """Return the newest due moment that anybody began or ended; None when there is none."""
        ...

    async def runs(self, names: Sequence[str]) -> Mapping[str, Sequence[SlotRun]]:
        """Return the last five runs of each, the newest first."""
        ...

    async def pauses(self) -> Mapping[str, Pause]:
        """Return the pauses that hold now, by the database's clock."""
        ...


class Calendar(Protocol):
    """Turns a schedule into moments. Pure."""

    def latest(self, schedule: Schedule, now: datetime) -> datetime | None:
        """Return the newest due moment not after `now`, in UTC; None when there is none in the last five years."""
        ...

    def next(self, schedule: Schedule, now: datetime) -> datetime | None:
        """Return the first due moment after `now`, in UTC; None when there is none in the next five years."""
        ...

    def within(self, schedule: Schedule, after: datetime, until: datetime) -> Sequence[datetime]:
        """Return the due moments after one moment up to another one, at most the newest hundred."""
        ...


class Digests(Protocol):
    """The digests of the configuration."""

    async def preview(self, name: str) -> View:
        """Return a digest as it would be sent now. Raises `UsageError` for a name that is none."""
        ...

    async def posts(self, name: str, *, asked_by: str = "") -> Sequence[Post]:
        """Return a digest as of now as messages for its channels, which say who asked. Raises as `preview` does."""
        ...
