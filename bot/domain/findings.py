"""What a diagnosis says: findings with a stable code, the evidence beside each, and the next step."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum

from bot.domain.snapshot import PartStatus, Snapshot
from bot.domain.targets import ObjectRef
from bot.domain.text import Redacted


class Severity(IntEnum):
    """How bad it is for those who use the service; higher is worse."""

    INFO = 1
    WARNING = 2
    CRITICAL = 3

    @property
    def word(self) -> str:
        return self.name.lower()


class EvidenceKind(StrEnum):
    """Where a piece of evidence was read."""

    STATE = "state"
    EVENT = "event"
    LOG = "log"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One proof: words of ours (`label`) beside words of the cluster (`lines`). `at` is when it happened."""

    kind: EvidenceKind
    label: str
    lines: tuple[Redacted, ...] = ()
    at: datetime | None = None


class StepKind(StrEnum):
    """Who carries a next step out: a verb of ours, or the reader by hand."""

    COMMAND = "command"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class NextStep:
    """What to do now. `text` is a command line (`status api`) or a sentence; `reason` says what it is good for.

    A command with a `label` is offered as a button, too.
    """

    kind: StepKind
    text: str
    reason: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class Consequence:
    """What follows from a finding: it is told below its cause, not as a trouble of its own."""

    code: str
    target: ObjectRef
    title: str
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One cause, said once, however many pods show it.

    `code` is stable and documented; `title` is the few words beside the workload's name; `summary` is one or two
    sentences. `likely` says what changed just before, as likely and not as certain, and `changed` how
    this revision differs from the one that works. `because` names objects that would
    explain it; `general` marks one that gives way to any named cause of the same object, `passing` a state
    that is no fault but must pass before all is well.
    """

    code: str
    severity: Severity
    target: ObjectRef
    title: str
    summary: str
    evidence: tuple[Evidence, ...] = ()
    next: tuple[NextStep, ...] = ()
    pods: tuple[str, ...] = ()
    container: str = ""
    revision: int | None = None
    since: datetime | None = None
    likely: str = ""
    changed: tuple[str, ...] = ()
    because: tuple[ObjectRef, ...] = ()
    general: bool = False
    passing: bool = False
    consequences: tuple[Consequence, ...] = ()

    @property
    def is_problem(self) -> bool:
        """Tell a problem from a remark: what is merely informative does not make anything unhealthy."""
        return self.severity is not Severity.INFO or self.passing


@dataclass(frozen=True, slots=True)
class WorkloadLine:
    """One workload's own count: what is ready of what is wanted. `troubled` when a finding is about it."""

    target: ObjectRef
    ready: int
    desired: int
    troubled: bool
    revision: int | None = None


@dataclass(frozen=True, slots=True)
class NotChecked:
    """Something that could not be looked at, or only an old picture of it, and why."""

    what: str
    reason: str
    status: PartStatus | None = None


class Verdict(StrEnum):
    """The one word of an answer."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    DOWN = "down"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Report:
    """The whole answer of a diagnosis over one snapshot, worst finding first."""

    verdict: Verdict
    snapshot: Snapshot
    findings: tuple[Finding, ...]
    workloads: tuple[WorkloadLine, ...]
    not_checked: tuple[NotChecked, ...]
