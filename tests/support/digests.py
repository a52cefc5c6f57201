"""Digests and what they are made of, in short calls: what a test does not say is healthy, and nothing happened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.domain.findings import NextStep, Severity, StepKind, Verdict
from bot.domain.targets import ClusterName, Namespace, ObjectRef, Scope
from bot.domain.text import Redacted
from bot.domain.watch.checkups import Attention, Checkup, Section
from bot.domain.watch.episodes import Alert, AlertState, Episode, EpisodeState, Signal
from bot.domain.watch.policy import Thresholds
from bot.domain.watch.samples import Bucket, Note, Problem, ProblemSpan
from bot.domain.watch.schedules import DigestPlan, Schedule
from bot.domain.watch.world import Looked
from bot.watching.digest_chart import STEP_S, day_span
from bot.watching.digests import Digest, Ground
from tests.support.service import CATALOGUE

# Tuesday, 09:00 in Berlin; the digest before it was on Monday at the same time.
NOW = datetime(2026, 11, 24, 8, 0, 3, tzinfo=UTC)
BEFORE = NOW - timedelta(days=1)
SCOPE = Scope(ClusterName("prod-eu"), Namespace("shop"))
LAB = Scope(ClusterName("lab"), Namespace("lab"))
API = ObjectRef("Deployment", "shop", "api")  # the catalogue calls it search
WORKER = ObjectRef("Deployment", "shop", "worker")
MORNING = Schedule(name="morning", cron="0 9 * * 1-5", time_zone="Europe/Berlin")
PLAN = DigestPlan(schedule=MORNING, channels=("C1", "C2"), scopes=(SCOPE,))


def hours_ago(hours: float) -> datetime:
    return NOW - timedelta(hours=hours)


def attention(
    title: str = "its certificate ends in 6 days",
    *,
    service: str = "rag.example.com",
    severity: Severity = Severity.WARNING,
    key: str = "CERTIFICATE_ENDS:rag.example.com",
    since: datetime | None = None,
    step: NextStep | None = None,
) -> Attention:
    words = Redacted("cert-manager cannot renew it.")
    return Attention(key=key, severity=severity, service=service, title=title, words=words, next=step, since=since)


CRASH = attention(
    "new release crashes, old one still serves",
    service="search",
    severity=Severity.CRITICAL,
    key="CRASH:deployment/api",
    step=NextStep(StepKind.COMMAND, "rollback search", "revision 7 worked", "Roll back…"),
)


def checkup(*attentions: Attention, verdict: Verdict | None = None, problems: Sequence[str] = ()) -> Checkup:
    """Make a check; its verdict is what the attentions ask for unless it is said."""
    worst = Verdict.DEGRADED if attentions else Verdict.HEALTHY
    sections = (
        Section(name="workloads", words="11 of 11 ready"),
        Section(name="services", words="all have endpoints"),
        Section(name="certificates", words="the only one ends in 61 days"),
        Section(name="backups", absent=True),
        Section(name="found", attentions=attentions, words="looked" if attentions else ""),
        *(Section(name=name, problem="no right to read them") for name in problems),
    )
    return Checkup(scope=SCOPE, at=NOW, verdict=verdict or worst, sections=sections, took_s=1.4)


def ground(*attentions: Attention, scope: Scope = SCOPE, place: str = "", **more: Any) -> Ground:
    """Make a place; `more` are other parts than the check."""
    usual = Ground(
        scope=scope,
        place=place,
        catalogue=CATALOGUE,
        checkup=Looked(checkup(*attentions)),
        buckets=Looked(()),
        before=Looked(()),
        spans=Looked(()),
        episodes=Looked(()),
        notes=Looked(()),
        operations=Looked(()),
    )
    return replace(usual, **more)


def digest(*grounds: Ground, **more: Any) -> Digest:
    """Make a digest of Tuesday morning."""
    usual = Digest(plan=PLAN, now=NOW, since=BEFORE, places=grounds or (ground(),), thresholds=Thresholds(), due=NOW)
    return replace(usual, **more)


def span(
    key: str = CRASH.key,
    title: str = "search: new release crashes",
    *,
    began: float = 30,
    ended: float | None = None,
    severity: Severity = Severity.CRITICAL,
) -> ProblemSpan:
    """Make a problem that began, and ended, so many hours ago."""
    problem = Problem(key=key, severity=severity, title=title, words=Redacted("exit code 1"))
    over = None if ended is None else hours_ago(ended)
    return ProblemSpan(scope=SCOPE, problem=problem, began_at=hours_ago(began), seen_at=NOW, ended_at=over)


def episode(
    title: str = "error rate above 5 %",
    *,
    service: str = "search",
    source: str = "alertmanager",
    fired: float = 3,
    resolved: float | None = None,
    severity: Severity = Severity.CRITICAL,
) -> Episode:
    """Make an episode that fired, and was resolved, so many hours ago."""
    signal = Signal(
        key=f"k:{title}", rule="r", severity=severity, cause=title, title=title, words=Redacted("5.2 %"),
        service=service, source=source,
    )  # fmt: skip
    at, over = hours_ago(fired), None if resolved is None else hours_ago(resolved)
    state = AlertState.FIRING if over is None else AlertState.RESOLVED
    alert = Alert(signal=signal, state=state, began_at=at, changed_at=over or at, seen_at=NOW)
    return Episode(
        id=f"e-{title}", scope=SCOPE, cause=title, severity=severity, alerts=(alert,), began_at=at, fired_at=at,
        state=EpisodeState.FIRING if over is None else EpisodeState.RESOLVED, resolved_at=over,
    )  # fmt: skip


def note(words: str = "search v1.1 → v1.2", *, at: float = 18, ref: ObjectRef = API, kind: str = "release") -> Note:
    """Make something that happened so many hours ago."""
    return Note(key=f"{kind}:{words}", kind=kind, scope=SCOPE, ref=ref, words=Redacted(words), at=hours_ago(at))


def buckets(
    ref: ObjectRef = API, *, gap: range = range(0), steps: int = 144, **changed: dict[int, Any]
) -> list[Bucket]:
    """Make a workload's day, in which all is well; `changed` are figures by step, for a field."""
    begins = day_span(NOW).since
    usual = {"desired": 3, "ready": 3, "restarts": 0, "memory_share": 0.5, "cpu_share": 0.2, "probe_ms": 80.0}
    return [
        Bucket(
            at=begins + timedelta(seconds=step * STEP_S),
            ref=ref,
            minutes=10,
            warnings=1,
            **(usual | {name: values[step] for name, values in changed.items() if step in values}),
        )
        for step in range(steps)
        if step not in gap
    ]
