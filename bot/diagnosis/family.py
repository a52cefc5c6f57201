"""What a family of causes is: symptoms of one pod, collected into cases, each explained once."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from types import ModuleType

from bot.diagnosis import causes
from bot.diagnosis.changes import in_words, likely_change
from bot.diagnosis.index import Index
from bot.diagnosis.replica_sets import replica_set_of_revision, working_replica_set
from bot.diagnosis.revisions import Difference, differences
from bot.diagnosis.words import tag_of
from bot.domain.findings import Evidence, EvidenceKind, Finding, Severity
from bot.domain.objects import Container, Pod, Workload
from bot.domain.snapshot import LogExcerpt, LogKey
from bot.domain.targets import ObjectRef
from bot.domain.text import count

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Code:
    """A stable finding code, for the reference and for those who look it up.

    `meaning` is what it means, `recognised` by what it is known, `remedy` what to do, `playbook` the line or lines of
    the written playbook that it makes executable (empty where that has none); people are not told, who have no such
    document.
    """

    name: str
    meaning: str
    recognised: str = ""
    remedy: str = ""
    playbook: str = ""


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
    wants_node_load: bool = False


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
    def wants_node_load(self) -> bool:
        return any(symptom.wants_node_load for symptom in self.symptoms)

    @property
    def pods(self) -> tuple[str, ...]:
        return tuple(symptom.pod.meta.name for symptom in self.symptoms)

    @property
    def newest(self) -> Symptom:
        """Return the symptom that began last: its log and messages are the freshest."""
        newest = self.symptoms[0]
        for symptom in self.symptoms[1:]:
            if (symptom.since or _NEVER) > (newest.since or _NEVER):
                newest = symptom
        return newest

    @property
    def since(self) -> datetime | None:
        return min((s.since for s in self.symptoms if s.since), default=None)

    @property
    def container(self) -> Container | None:
        return self.newest.container

    @property
    def severity(self) -> Severity:
        """Judge by the effect: nothing is ready, or the newest release cannot go on (critical); else a warning."""
        workload = self.workload
        if workload is None:
            return Severity.WARNING
        blocked = self.revision is not None and self.revision == workload.revision and workload.desired > 0
        return Severity.CRITICAL if blocked or effect_on(workload) is Severity.CRITICAL else Severity.WARNING

    @property
    def likely(self) -> str:
        """Say what changed just before the trouble began, or nothing."""
        since = self.since
        nodes = [self.index.node_by_name[s.pod.node] for s in self.symptoms if s.pod.node in self.index.node_by_name]
        change = likely_change(self.index, self.workload, since=since, revision=self.revision, nodes=nodes)
        return in_words(change, since) if change is not None and since is not None else ""

    @property
    def subject(self) -> str:
        """Name what shows the symptom: `Revision 8 (v1.2)`, with its container where the pod has others."""
        container = self.container
        release = "" if self.revision is None else f"revision {self.revision}"
        if container is not None and (len(self.newest.pod.containers) > 1 or not release):
            role = str(container.role)
            return f"{role[:1].upper()}{role[1:]} {container.name}" + (f" of {release}" if release else "")
        if not release:
            return "It"
        image = f" ({tag_of(container.image)})" if container is not None and container.image else ""
        return f"R{release[1:]}{image}"

    @property
    def contrast(self) -> str:
        """Say which other revision works and what this one lacks beside it; empty when there is none."""
        if self.workload is None or self.revision is None:
            return ""
        working = working_replica_set(self.index, self.workload, other_than=self.revision)
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
    def differences(self) -> tuple[Difference, ...]:
        """Return what this revision has changed against the one that works; empty when there is none to compare."""
        if self.workload is None or self.revision is None:
            return ()
        working = working_replica_set(self.index, self.workload, other_than=self.revision)
        ours = replica_set_of_revision(self.index, self.workload, self.revision)
        return differences(working, ours) if working is not None and ours is not None else ()

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
        """Return the end of the log that was read for this case, or why there is none, or not all of it."""
        excerpt = self.log
        if excerpt is None:
            return ()
        if excerpt.lines:
            told = f"{label} ({excerpt.problem})" if excerpt.problem else label
            return (Evidence(EvidenceKind.LOG, told, excerpt.lines[-lines:]),)
        said = f"not available, {excerpt.problem}" if excerpt.problem else "it wrote nothing"
        return (Evidence(EvidenceKind.LOG, f"{label}: {said}"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One family of causes. When two families name the same container, the one of the lower `rank` is believed."""

    rank: int
    codes: tuple[Code, ...]
    observe: Callable[[Index, Pod], Iterable[Symptom]]
    explain: Callable[[Case], Finding]


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """Causes that are seen on other objects than pods: workloads, services, autoscalers, jobs, nodes, claims.

    `look` returns one finding for each object in trouble. It names the objects that would explain it in `because`, so
    that what merely follows from another finding is told there.
    """

    codes: tuple[Code, ...]
    look: Callable[[Index], Iterable[Finding]]


def effect_on(workload: Workload) -> Severity:
    """Judge what a trouble of a workload means for its users: nothing ready, some ready, or none lost."""
    if workload.desired and not workload.ready:
        return Severity.CRITICAL
    return Severity.WARNING if workload.ready < workload.desired else Severity.INFO


@cache
def _modules() -> tuple[ModuleType, ...]:
    return tuple(
        importlib.import_module(f"{causes.__name__}.{info.name}") for info in pkgutil.iter_modules(causes.__path__)
    )


@cache
def families() -> tuple[Family, ...]:
    """Return every family of pod causes (`FAMILY` of a module in `causes`), best explanation first."""
    found = [module.FAMILY for module in _modules() if hasattr(module, "FAMILY")]
    return tuple(sorted(found, key=lambda family: family.rank))


@cache
def surveys() -> tuple[Survey, ...]:
    """Return every survey (`SURVEY` of a module in `causes`), by the name of its module."""
    return tuple(module.SURVEY for module in _modules() if hasattr(module, "SURVEY"))
