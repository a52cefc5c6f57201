"""What was recorded: a row for each workload and minute, problems and how long they lasted, what happened."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from bot.domain.targets import ObjectRef, Scope
from bot.domain.watch.samples import Bucket, Note, Problem, ProblemSpan, Sample, SampleAt
from bot.store.connections import Connections, Row, Session
from bot.store.watch_rows import (
    aware,
    note_columns,
    note_of,
    place,
    problems_text,
    sample_of,
    samples_text,
    span_of,
    utc,
)

# So much of a namespace is kept of one minute; what is more is left out, and the log says so.
MOST_SAMPLES = 500
MOST_PROBLEMS = 500
# A problem that comes back so soon had never ended.
AGAIN_S = 300
# So far before a span of time the sample is looked for that its first restarts are counted from.
BEFORE_S = 600
PORTION = 5000

log = logging.getLogger(__name__)


class PostgresHistory:
    """The tables `samples`, `problem_spans` and `notes`, to be read."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def samples(self, scope: Scope, *, since: datetime, ref: ObjectRef | None = None) -> Sequence[SampleAt]:
        """Return single samples from a moment on, the oldest first."""
        async with self._connections.transaction() as session:
            rows = await session.fetch(
                "samples_since",
                **place(scope),
                since=aware(since),
                kind=None if ref is None else ref.kind,
                name=None if ref is None else ref.name,
            )
        return tuple(sample_of(row) for row in rows)

    async def buckets(self, scope: Scope, *, since: datetime, until: datetime, step_s: int) -> Sequence[Bucket]:
        """Return samples gathered by steps that begin at `since`, by workload, the oldest first; none of `until` on.

        The replicas of a step are those of the minute when most of them were missing; warnings and failures of the
        probe are summed up. A step without a sample is not there.
        """
        if step_s < 1:
            raise ValueError("a step takes a second at least")
        async with self._connections.transaction() as session:
            rows = await session.fetch(
                "samples_by_step",
                **place(scope),
                since=aware(since),
                until=aware(until),
                step_s=step_s,
                before_s=BEFORE_S,
            )
        return tuple(_bucket(row, scope, utc(since) + timedelta(seconds=row["step"] * step_s)) for row in rows)

    async def spans(self, scope: Scope, *, since: datetime) -> Sequence[ProblemSpan]:
        """Return problems that are open, or ended at or after a moment, the oldest first."""
        async with self._connections.transaction() as session:
            rows = await session.fetch("problems_since", **place(scope), since=aware(since))
        return tuple(span_of(row, scope) for row in rows)

    async def notes(self, scope: Scope, *, since: datetime) -> Sequence[Note]:
        """Return what happened at or after a moment, the oldest first."""
        async with self._connections.transaction() as session:
            rows = await session.fetch("notes_since", **place(scope), since=aware(since))
        return tuple(note_of(row, scope) for row in rows)

    async def forget(self, *, days: int) -> int:
        """Remove older samples, the oldest first, in portions of their own transactions; return how many that were."""
        if days < 1:
            raise ValueError("samples are kept for a day at least")
        gone = 0
        while True:
            async with self._connections.transaction() as session:
                portion = await session.run("samples_forget", days=days, limit=PORTION)
            gone += portion
            if portion < PORTION:
                return gone


class Recorder:
    """Writes a minute. It remembers of which namespaces it said that they are too large."""

    def __init__(self) -> None:
        self._said: set[Scope] = set()

    async def record(
        self,
        session: Session,
        scope: Scope,
        minute: datetime,
        samples: Sequence[Sample],
        problems: Sequence[Problem] | None,
        unjudged: Sequence[str] = (),
    ) -> None:
        """Keep the samples of a minute, and which problems there are; None: that is not known, so none ends.

        Nor does one whose key has one of `unjudged` in it: what it is about was not looked at.

        Of a minute that was recorded before, what is there stays. A problem that comes back within five minutes goes
        on. Of more samples or problems than are kept, those last in the order of names, or the mildest, are left out.
        """
        minute = aware(minute).astimezone(UTC).replace(second=0, microsecond=0)
        kept = self._bounded(scope, samples)
        if kept:
            await session.run("samples_add", **place(scope), minute=minute, samples=samples_text(kept))
        if problems is None:
            return
        worst = sorted(problems, key=lambda problem: (-problem.severity, problem.key))[:MOST_PROBLEMS]
        await session.run(
            "problems_see",
            **place(scope),
            minute=minute,
            problems=problems_text(worst),
            again_s=AGAIN_S,
            # What was left out may go on.
            all_seen=len(worst) == len(problems),
            unjudged=list(unjudged),
        )

    def _bounded(self, scope: Scope, samples: Sequence[Sample]) -> Sequence[Sample]:
        if len(samples) <= MOST_SAMPLES:
            return samples
        if scope not in self._said:
            self._said.add(scope)
            extra = {"event": "history_cut", "cluster": scope.cluster, "namespace": scope.namespace}
            log.warning("of %d workloads the history keeps %d a minute", len(samples), MOST_SAMPLES, extra=extra)
        return sorted(samples, key=lambda sample: (sample.ref.kind, sample.ref.name))[:MOST_SAMPLES]


async def note(session: Session, kept: Note) -> bool:
    """Keep something that happened; False when it was noted before in its namespace."""
    return await session.fetch_one("note_add", **note_columns(kept)) is not None


def _bucket(row: Row, scope: Scope, at: datetime) -> Bucket:
    return Bucket(
        at=at,
        ref=ObjectRef(row["kind"], scope.namespace, row["name"]),
        minutes=row["minutes"],
        desired=row["desired"],
        ready=row["ready"],
        restarts=row["restarts"],
        cpu_share=row["cpu_share"],
        memory_share=row["memory_share"],
        probe_ms=row["probe_ms"],
        probe_failures=row["probe_failures"],
        warnings=row["warnings"],
    )
