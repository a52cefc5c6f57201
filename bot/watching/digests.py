"""What a digest says, as records, and what is new, what stays and what is over since the one before. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from bot.checkup import target_in
from bot.domain.catalogue import Catalogue
from bot.domain.findings import NextStep, Severity, Verdict
from bot.domain.operations import Operation, State
from bot.domain.targets import Scope
from bot.domain.watch.checkups import Checkup
from bot.domain.watch.episodes import Alert, Episode
from bot.domain.watch.policy import Thresholds
from bot.domain.watch.samples import Bucket, Note, ProblemSpan
from bot.domain.watch.schedules import DigestPlan, SlotRun
from bot.domain.watch.world import Looked
from bot.watching.card import began
from bot.watching.digest_chart import Span

DAY = timedelta(days=1)
# A digest tells of no more than this much of the past, however long the last one is ago.
LONGEST = timedelta(days=8)
# What ragops changed itself is told by its request. What was seen to happen to the same object from just before the
# write (clocks differ) until a while after its end is that change.
JUST_BEFORE, A_WHILE = timedelta(minutes=1), timedelta(minutes=15)
# Whoever asked for nothing to happen has nothing to tell.
_TOLD = frozenset({State.SUCCEEDED, State.FAILED, State.UNKNOWN, State.DENIED, State.EXPIRED})
# Of these it is known that they changed nothing.
UNDONE = (State.DENIED, State.EXPIRED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """One place, as everything that was read about it; each part seen, or why not.

    `buckets` are the last day in the picture's steps, `before` the day before that in one step; `spans`, `episodes`,
    `notes` and `operations` reach back to the last digest. `span` is what the buckets cover when that is no day.
    `targets` are the names of what is probed by the configuration; None: not known.
    """

    scope: Scope
    place: str
    catalogue: Catalogue
    checkup: Looked[Checkup]
    buckets: Looked[Sequence[Bucket]]
    before: Looked[Sequence[Bucket]]
    spans: Looked[Sequence[ProblemSpan]]
    episodes: Looked[Sequence[Episode]]
    notes: Looked[Sequence[Note]]
    operations: Looked[Sequence[Operation]]
    span: Span | None = None
    targets: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """All of it. `due` is the moment of the schedule, None for one that somebody asked for; `since` the last digest's.

    `first`: there was none before it, so that `since` is a day ago.
    """

    plan: DigestPlan
    now: datetime
    since: datetime
    places: tuple[Ground, ...]
    thresholds: Thresholds
    due: datetime | None = None
    late: timedelta = timedelta()
    first: bool = False

    @property
    def clock(self) -> tzinfo:
        """The clock of the schedule's zone."""
        return ZoneInfo(self.plan.schedule.time_zone)

    @property
    def is_late(self) -> bool:
        return self.late.total_seconds() > self.plan.schedule.late_after_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something that needs a person now. `since` None: not known; `new`: it was not there at the last digest."""

    severity: Severity
    service: str
    title: str
    words: str
    new: bool
    since: datetime | None = None
    next: NextStep | None = None
    acked_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Over:
    """Something that needed a person since the last digest and is over."""

    title: str
    began_at: datetime
    ended_at: datetime
    severity: Severity


def last_digest(runs: Iterable[SlotRun], now: datetime, due: datetime | None) -> tuple[datetime, bool]:
    """Return since when to tell, and whether that is only a day because there was no digest before."""
    before = due or now
    sent = [run.done_at or run.due_at for run in runs if run.outcome == "sent" and run.due_at < before]
    if not sent:
        return now - DAY, True
    return max(*sent, now - LONGEST), False


def troubles(ground: Ground, since: datetime) -> tuple[Trouble, ...]:
    """Return what needs a person now: what the check found, and what other sources say that it cannot see."""
    found = [*_found(ground, since), *_told_by_others(ground, since)]
    return tuple(sorted(found, key=lambda each: (-each.severity, each.new, each.service)))


def _found(ground: Ground, since: datetime) -> Iterator[Trouble]:
    checkup = ground.checkup.seen
    spans = {span.problem.key: span for span in ground.spans.seen or () if span.ended_at is None}
    for attention in checkup.attentions if checkup else ():
        span = spans.get(attention.key)
        at = attention.since if span is None else min(filter(None, (attention.since, span.began_at)))
        yield Trouble(
            severity=attention.severity,
            service=attention.service,
            title=attention.title,
            words=attention.words,
            new=at is None or at > since,
            since=at,
            next=attention.next,
        )


def _told_by_others(ground: Ground, since: datetime) -> Iterator[Trouble]:
    """Return episodes that fire by what Alertmanager says: our own rules see what the check sees."""
    for episode in ground.episodes.seen or ():
        alerts = [each for each in episode.alerts if each.fires and each.signal.source != "ragops"]
        if episode.fires and alerts:
            alert = _worst(alerts)
            yield Trouble(
                severity=alert.signal.severity,
                service=alert.signal.service,
                title=alert.signal.title,
                words=f"{_not_heard(alert)}{alert.signal.words}",
                new=(episode.fired_at or episode.began_at) > since,
                since=began(episode),
                acked_by=episode.acked_by,
            )


def _not_heard(alert: Alert) -> str:
    """Say of an alert that its source is silent about, since when it is."""
    return f"Not heard of since {alert.known_at.astimezone(UTC):%d %b %H:%M} UTC. " if alert.is_blind else ""


def overs(ground: Ground, since: datetime) -> tuple[Over, ...]:
    """Return what is over since the last digest, the worst and then the oldest first, each thing once."""
    found = [*_ended_spans(ground, since), *_ended_episodes(ground, since)]
    still = {_same(f"{each.service} {each.title}") for each in troubles(ground, since)}
    once: dict[str, Over] = {}
    for over in sorted(found, key=lambda each: each.ended_at, reverse=True):
        if _same(over.title) not in still:
            once.setdefault(_same(over.title), over)
    return tuple(sorted(once.values(), key=lambda each: (-each.severity, each.began_at)))


def _ended_spans(ground: Ground, since: datetime) -> Iterator[Over]:
    for span in ground.spans.seen or ():
        if span.ended_at is not None and span.ended_at >= since and _is_looked_at(ground, span.problem.key):
            problem = span.problem
            yield Over(title=problem.title, began_at=span.began_at, ended_at=span.ended_at, severity=problem.severity)


def _is_looked_at(ground: Ground, key: str) -> bool:
    """Tell whether who told of a problem still is asked: that of a target which the configuration leaves out is not."""
    target = target_in(key)
    return not target or ground.targets is None or target in ground.targets


def _ended_episodes(ground: Ground, since: datetime) -> Iterator[Over]:
    for episode in _ended(ground, since):
        if not episode.ended_in_doubt and episode.resolved_at is not None:
            title, at = episode_title(episode), began(episode)
            yield Over(title=title, began_at=at, ended_at=episode.resolved_at, severity=episode.severity)


def lost(ground: Ground, since: datetime) -> tuple[Episode, ...]:
    """Return what ended since the last digest and is not known to be over, the worst and then the oldest first."""
    found = [episode for episode in _ended(ground, since) if episode.ended_in_doubt]
    return tuple(sorted(found, key=lambda each: (-each.severity, each.began_at)))


def _ended(ground: Ground, since: datetime) -> Iterator[Episode]:
    for episode in ground.episodes.seen or ():
        if episode.resolved_at is not None and episode.resolved_at >= since and episode.alerts:
            yield episode


def episode_title(episode: Episode) -> str:
    """Return what an episode is about, by the worst of its alerts."""
    signal = _worst(episode.alerts).signal
    known = not signal.service or signal.service.lower() in signal.title.lower()
    return signal.title if known else f"{signal.service}: {signal.title}"


def _worst(alerts: Sequence[Alert]) -> Alert:
    return max(alerts, key=lambda each: each.signal.severity)


def _same(title: str) -> str:
    return "".join(filter(str.isalnum, title.lower()))


def requests(ground: Ground, since: datetime) -> tuple[Operation, ...]:
    """Return the requests for changes that ended, or run, since the last digest; the oldest first."""
    found = [
        each
        for each in ground.operations.seen or ()
        if (each.state in _TOLD and each.ended_at is not None and each.ended_at >= since)
        or each.state is State.EXECUTING
    ]
    return tuple(sorted(found, key=told_at))


def told_at(operation: Operation) -> datetime:
    """Return the moment by which a request is told: when it was written, else when it ended, else when it was made."""
    return operation.written_at or operation.ended_at or operation.created_at


def happened(ground: Ground, since: datetime) -> tuple[Note, ...]:
    """Return what was seen to happen and no request tells, the oldest first."""
    asked = requests(ground, since)
    return tuple(
        note
        for note in ground.notes.seen or ()
        if note.at >= since and not any(_is_told_by(note, operation) for operation in asked)
    )


def _is_told_by(note: Note, operation: Operation) -> bool:
    target, at = operation.plan.draft.target, operation.written_at
    if at is None or (target.kind, target.name) != (note.ref.kind, note.ref.name):
        return False
    return at - JUST_BEFORE <= note.at <= (operation.ended_at or at) + A_WHILE


def standing(ground: Ground, since: datetime) -> Verdict:
    """Return the verdict of a place: never healthy where it could not be looked at, or something needs a person."""
    checkup = ground.checkup.seen
    if checkup is None:
        return Verdict.UNKNOWN
    if checkup.verdict is Verdict.HEALTHY and troubles(ground, since):
        return Verdict.DEGRADED
    return checkup.verdict


def at_words(moment: datetime, now: datetime, zone: tzinfo) -> str:
    """Say a moment by the digest's clock: `14:02` within the last 20 hours, else with its day."""
    local = moment.astimezone(zone)
    if timedelta() <= now - moment < timedelta(hours=20):
        return f"{local:%H:%M}"
    if timedelta() <= now - moment < timedelta(days=6):
        return f"{local:%a %H:%M}"
    return f"{local.day} {local:%b %H:%M}"


def warnings(buckets: Looked[Sequence[Bucket]]) -> int | None:
    """Return how many warning events there were; None when that is not known."""
    counts = [bucket.warnings for bucket in buckets.seen or () if bucket.warnings is not None]
    return sum(counts) if counts else None


def unseen(ground: Ground) -> Iterator[tuple[str, str]]:
    """Return what could not be looked at, and why; what is missing of the digest itself first."""
    kept = {
        "history": (ground.buckets, ground.before, ground.spans),
        "alerts": (ground.episodes,),
        "what happened": (ground.notes,),
        "requests": (ground.operations,),
    }
    for name, parts in kept.items():
        problem = next((part.problem for part in parts if part.problem), "")
        if problem:
            yield name, problem
    if ground.checkup.seen is not None:
        yield from ((each.name, each.problem) for each in ground.checkup.seen.sections if each.problem)
