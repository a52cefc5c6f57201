"""Samples, problems, alerts and episodes as the watcher makes them, to be kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from bot.domain.findings import Severity
from bot.domain.targets import ClusterName, Namespace, ObjectRef, Scope
from bot.domain.watch.episodes import Alert, AlertState, Episode, EpisodeState, Signal, Silence
from bot.domain.watch.samples import Note, Problem, Sample
from bot.ports import Store
from bot.redaction import redact

SCOPE = Scope(ClusterName("prod"), Namespace("payments"))
WEB = Scope(ClusterName("prod"), Namespace("web"))
API = ObjectRef("Deployment", "payments", "api")
WORKER = ObjectRef("Deployment", "payments", "worker")
AT = datetime(2030, 1, 1, 12, tzinfo=UTC)


def minute(number: int) -> datetime:
    """Return a minute of the story that a test tells."""
    return AT + timedelta(minutes=number)


def sample(ref: ObjectRef = API, *, desired: int = 2, ready: int = 2, restarts: int = 0) -> Sample:
    """Return a workload's minute of which only the counts are known."""
    return Sample(ref=ref, desired=desired, ready=ready, restarts=restarts)


def problem(key: str = "crash:api", *, severity: Severity = Severity.CRITICAL, words: str = "It crashes.") -> Problem:
    """Return something that needs a person."""
    return Problem(key=key, severity=severity, title=key, words=redact(words))


def note(key: str = "release:api:7", *, scope: Scope = SCOPE, at: datetime = AT) -> Note:
    """Return something that happened."""
    return Note(key=key, kind="release", scope=scope, ref=API, words=redact("api is at v7."), at=at)


def signal(
    key: str = "crash-loop:api", *, cause: str = "api", rule: str = "crash-loop", service: str = "api"
) -> Signal:
    """Return what a rule says of something."""
    return Signal(
        key=key,
        rule=rule,
        severity=Severity.CRITICAL,
        cause=cause,
        title="api crashes",
        words=redact("It exits with 1."),
        service=service,
    )


def alert(of: Signal, state: AlertState = AlertState.FIRING) -> Alert:
    """Return its life, which began at `AT`."""
    return Alert(signal=of, state=state, began_at=AT, changed_at=AT, seen_at=AT)


def episode(
    episode_id: str = "e1",
    *signals: Signal,
    scope: Scope = SCOPE,
    cause: str = "api",
    severity: Severity = Severity.CRITICAL,
    began_at: datetime = AT,
    version: int = 1,
) -> Episode:
    """Return one that fires and that nobody has been told of yet."""
    return Episode(
        id=episode_id,
        scope=scope,
        cause=cause,
        state=EpisodeState.FIRING,
        severity=severity,
        alerts=tuple(alert(each) for each in signals or (signal(cause=cause),)),
        began_at=began_at,
        fired_at=began_at,
        channel="C1",
        version=version,
    )


def silence(what: str = "api", *, for_s: float = 600, scope: Scope = SCOPE, silence_id: str = "s1") -> Silence:
    """Return one that begins now; the store judges by the database's clock."""
    now = datetime.now(UTC)
    until = now + timedelta(seconds=for_s)
    return Silence(id=silence_id, what=what, scope=scope, by="U-ann", at=now, until=until, why="We know.")


async def save(store: Store, *episodes: Episode) -> None:
    """Keep episodes, each in a transaction as the watcher makes it."""
    for each in episodes:
        async with store.transaction() as transaction:
            await transaction.episodes(each.scope)
            await transaction.save_episode(each)


async def record(
    store: Store, number: int, *, samples: Sequence[Sample] = (), problems: Sequence[Problem] | None = None
) -> None:
    """Keep a minute of the story."""
    async with store.transaction() as transaction:
        await transaction.record(SCOPE, minute(number), samples, problems)
