"""What a family of causes is: symptoms of one pod, collected into cases, each explained once."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from bot.diagnosis import causes
from bot.diagnosis.index import Index
from bot.diagnosis.words import count, tag_of
from bot.domain.findings import Evidence, EvidenceKind, Finding, Severity
from bot.domain.objects import Container, Pod, Workload
from bot.domain.snapshot import LogExcerpt, LogKey
from bot.domain.targets import ObjectRef

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Code:
    """A stable finding code and what it means, for the reference and for those who look it up."""

    name: str
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Symptom:
    """One thing wrong with one pod or one of its containers.

    Those with equal `code`, `key`, container and revision make one case.
    """

    code: str
    pod: Pod
    container: Container | None = None
    key: str = ""
    since: datetime | None = None
    log: LogKey | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Equal symptoms of one workload, and what an explanation may look at."""

    index: Index
    symptoms: tuple[Symptom, ...]
    target: ObjectRef
    workload: Workload | None
    revision: int | None

    @property
    def code(self) -> str:
        return self.symptoms[0].code

    @property
    def pods(self) -> tuple[str, ...]:
        return tuple(symptom.pod.meta.name for symptom in self.symptoms)

    @property
    def newest(self) -> Symptom:
        """Return the symptom that began last: its log and messages are the freshest."""
        return max(self.symptoms, key=lambda symptom: symptom.since or _NEVER)

    @property
    def since(self) -> datetime | None:
        return min((s.since for s in self.symptoms if s.since), default=None)

    @property
    def container(self) -> Container | None:
        return self.newest.container

    @property
    def severity(self) -> Severity:
        """Judge by the effect: pods are lacking or the newest release cannot go on (critical), or neither (warning)."""
        workload = self.workload
        if workload is None:
            return Severity.WARNING
        blocked = self.revision is not None and self.revision == workload.revision and workload.desired > 0
        return Severity.CRITICAL if blocked or workload.ready < workload.desired else Severity.WARNING

    @property
    def subject(self) -> str:
        """Name what shows the symptom: `Revision 8 (v1.2)` where revisions exist, else the container."""
        if self.revision is None:
            return f"Container {self.container.name}" if self.container else "It"
        image = f" ({tag_of(self.container.image)})" if self.container and self.container.image else ""
        return f"Revision {self.revision}{image}"

    @property
    def contrast(self) -> str:
        """Say which other revision works and what this one lacks beside it; empty when there is none."""
        if self.workload is None or self.revision is None:
            return ""
        working = self.index.working_replica_set(self.workload, other_than=self.revision)
        if working is None:
            return ""
        container = self.container
        name = container.name if container else ""
        before = next((c for c in working.containers if c.name == name), None)
        image = f" ({tag_of(before.image)})" if before else ""
        pods = count(working.ready, "pod")
        text = f"Revision {working.revision}{image} has {working.ready} of {pods} ready."
        if working.desired != working.ready:
            text = f"Revision {working.revision}{image} has {working.ready} of {count(working.desired, 'pod')} ready."
        if before is None or container is None:
            return text
        gone = sorted(set(before.env_names) - set(container.env_names))
        if gone:
            text += f" It sets {', '.join(gone[:3])}, which revision {self.revision} does not."
        return text

    @property
    def stage(self) -> str:
        """Say how the workload as a whole stands, in a few words for the title."""
        if self.workload is None:
            return ""
        if self.contrast and self.revision == self.workload.revision:
            return "new release"
        return ""

    @property
    def log(self) -> LogExcerpt | None:
        key = self.newest.log
        return self.index.log(key) if key else None

    def log_evidence(self, label: str, lines: int = 20) -> tuple[Evidence, ...]:
        """Return the end of the log that was read for this case, or why there is none."""
        excerpt = self.log
        if excerpt is None:
            return ()
        if excerpt.problem:
            return (Evidence(EvidenceKind.LOG, f"{label}: not available, {excerpt.problem}"),)
        if not excerpt.lines:
            return (Evidence(EvidenceKind.LOG, f"{label}: it wrote nothing"),)
        return (Evidence(EvidenceKind.LOG, label, excerpt.lines[-lines:]),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One family of causes. When two families name the same container, the one of the lower `rank` is believed."""

    rank: int
    codes: tuple[Code, ...]
    observe: Callable[[Index, Pod], Iterable[Symptom]]
    explain: Callable[[Case], Finding]


@cache
def families() -> tuple[Family, ...]:
    """Return every family, best explanation first."""
    found = [
        importlib.import_module(f"{causes.__name__}.{info.name}").FAMILY
        for info in pkgutil.iter_modules(causes.__path__)
    ]
    return tuple(sorted(found, key=lambda family: family.rank))
