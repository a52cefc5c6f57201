"""One row for each workload and minute: what the digest's picture and "since when" are made from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.domain.findings import Severity
from bot.domain.targets import ObjectRef, Scope
from bot.domain.text import Redacted


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A workload in one minute. None: not known, which is never the same as 0.

    `restarts` is the sum of the restart counts of its pods as they stand, `cpu_m` and `memory` (bytes) what its pods
    use together; `cpu_share` and `memory_share` are those of the container that is nearest to its limit (1.0: at it).
    `probe_ms` is the time of the health URL, `probe_failed` whether it failed; `warnings` are warning events of this
    minute about the workload and its pods.
    """

    ref: ObjectRef
    desired: int
    ready: int
    restarts: int
    cpu_m: int | None = None
    cpu_share: float | None = None
    memory: int | None = None
    memory_share: float | None = None
    probe_ms: float | None = None
    probe_failed: bool | None = None
    warnings: int | None = None


@dataclass(frozen=True, slots=True)
class SampleAt:
    """A sample and its minute."""

    at: datetime
    sample: Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something that needs a person, as long as it lasts. `key` tells it from others of its scope."""

    key: str
    severity: Severity
    title: str
    words: Redacted


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemSpan:
    """A problem and how long it lasted, as it was seen; `ended_at` None while it is open."""

    scope: Scope
    problem: Problem
    began_at: datetime
    seen_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something that happened and is told once: a release, a scaling, a certificate renewed. `key` makes it one."""

    key: str
    kind: str
    scope: Scope
    ref: ObjectRef
    words: Redacted
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """The samples of a workload in one step of a chart: the worst of each figure; None where none knows it.

    `restarts`, `probe_failures` and `warnings` are how many there were in this step; `minutes` of how many samples it
    is made.
    """

    at: datetime
    ref: ObjectRef
    minutes: int
    desired: int
    ready: int
    restarts: int
    cpu_share: float | None = None
    memory_share: float | None = None
    probe_ms: float | None = None
    probe_failures: int = 0
    warnings: int | None = None
