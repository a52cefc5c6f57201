"""Alerts of Alertmanager: which place, which cause, how bad; on record when they are answered, once however often."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.findings import Severity
from bot.domain.text import Redacted
from bot.domain.watch.episodes import AlertState, EpisodeState
from bot.domain.watch.received import ReceivedAlert, ReceivedStatus
from bot.domain.watch.transitions import step
from bot.domain.watch.world import Judged
from bot.store.store import PostgresStore
from bot.watching.intake import Intake, cause_of, owner_of, scope_of, signal_of
from bot.watching.rules.finding import judge
from tests.support.builders import NOW, SCOPE
from tests.support.watch_room import CHANNELS, TWO, Watched
from tests.support.worlds import CATALOGUE, finding, world


def received(fingerprint: str = "f1", *, over: bool = False, **labels: str) -> ReceivedAlert:
    named = {"alertname": "KubePodCrashLooping", "namespace": "shop", "severity": "critical"} | labels
    return ReceivedAlert(
        status=ReceivedStatus.RESOLVED if over else ReceivedStatus.FIRING,
        fingerprint=fingerprint,
        labels=tuple(sorted((name, Redacted(value)) for name, value in named.items() if value)),
        annotations=(("description", Redacted("It restarts.")), ("summary", Redacted("Pod is crash looping."))),
        starts_at=NOW - timedelta(minutes=10),
        ends_at=None,
        link="https://prometheus.example/graph?g0=1",
        group='{}:{alertname="X"}',
    )


# --- what it is about -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "cause"),
    [
        ({"deployment": "api"}, "deployment/api"),
        ({"statefulset": "db", "pod": "db-0"}, "statefulset/db"),
        ({"pod": "api-7c9f8d6b5c-x2k4z"}, "deployment/api"),
        ({"pod": "other-7c9f8d6b5c-x2k4z"}, "deployment/other"),
        ({"pod": "db-0"}, "statefulset/db"),
        ({"pod": "agent-x2k4z"}, "daemonset/agent"),
        ({"pod": "bare"}, "pod/bare"),
        ({"job_name": "backfill"}, "job/backfill"),
        ({"persistentvolumeclaim": "data-db-0"}, "persistentvolumeclaim/data-db-0"),
        ({"node": "n1", "service": "node-exporter"}, "node/n1"),
        ({"service": "search"}, "deployment/api"),
        ({"service": "kube-state-metrics"}, 'alert/{}:{alertname="X"}'),
        ({"deployment": "api", "ragops_cause": "statefulset/db"}, "statefulset/db"),
        ({"ragops_cause": "x" * 999}, "x" * 300),
    ],
)
def test_a_cause_is_named_as_our_own_rules_name_it(labels: dict[str, str], cause: str) -> None:
    """What says nothing of the kind is its group of Alertmanager, which is one message there, too."""
    assert cause_of(received(**labels), CATALOGUE) == cause


def test_the_exporter_is_not_what_an_alert_is_about() -> None:
    """An alert by kube-state-metrics carries that one's service and instance."""
    labels = {"pod": "api-7c9f8d6b5c-x2k4z", "service": "kube-state-metrics", "job": "kube-state-metrics"}
    assert cause_of(received(**labels), CATALOGUE) == "deployment/api"


@given(st.text(alphabet="abc-0123xyz", min_size=1, max_size=60))
def test_every_pod_belongs_to_something(pod: str) -> None:
    """Whatever it is called."""
    kind, _, name = owner_of(pod, CATALOGUE).partition("/")
    assert kind in ("deployment", "statefulset", "daemonset", "pod")
    assert pod.startswith(name)


@pytest.mark.parametrize(
    ("labels", "scope"),
    [
        ({}, "shop on prod-eu"),
        ({"namespace": "other"}, "other on prod-eu"),
        ({"namespace": "nowhere"}, "shop on prod-eu"),
        ({"namespace": ""}, "shop on prod-eu"),
        ({"cluster": "lab", "namespace": "lab"}, "lab on lab"),
        ({"cluster": "lab", "namespace": "shop"}, "lab on lab"),
        ({"cluster": "unheard", "namespace": "other"}, "shop on prod-eu"),
    ],
)
def test_an_alert_is_told_where_it_belongs(labels: dict[str, str], scope: str) -> None:
    """What is about no configured place is told in the first one: it is not lost."""
    assert str(scope_of(received(**labels), TWO)) == scope


@pytest.mark.parametrize(
    ("said", "severity"),
    [
        ("critical", Severity.CRITICAL),
        ("PAGE", Severity.CRITICAL),
        ("warning", Severity.WARNING),
        ("", Severity.WARNING),
        ("strange", Severity.WARNING),
        ("info", Severity.INFO),
    ],
)
def test_its_severity_is_one_of_ours(said: str, severity: Severity) -> None:
    """What says nothing known is a warning."""
    assert signal_of(received(severity=said), CATALOGUE).severity is severity


def test_it_is_told_in_its_own_words() -> None:
    """With the rule's name, so that it can be silenced, and since when it is."""
    signal = signal_of(received(deployment="api"), CATALOGUE)
    assert (signal.rule, signal.title, signal.words) == (
        "KubePodCrashLooping",
        "Pod is crash looping.",
        "It restarts.",
    )
    assert (signal.source, signal.service, signal.hold_s) == ("alertmanager", "search", 0.0)
    assert signal.since == NOW - timedelta(minutes=10)
    bare = signal_of(replace(received(pod="api-0"), annotations=()), CATALOGUE)
    assert (bare.title, bare.words) == ("KubePodCrashLooping: api-0", "namespace=shop pod=api-0")


# --- on record --------------------------------------------------------------------------------------------------------


@pytest.fixture
def watched(store: PostgresStore) -> Watched:
    return Watched(store)


async def test_what_fires_is_on_record_at_once_and_over_when_it_says_so(watched: Watched) -> None:
    """One episode for one cause, with its version for those who tell."""
    intake = Intake(watched.room(scopes=TWO))
    await intake.receive([received("f1", deployment="api"), received("f2", deployment="api")])
    [episode] = await watched.store.episodes.open()
    assert (episode.state, episode.version, len(episode.alerts)) == (EpisodeState.FIRING, 1, 2)
    assert (episode.cause, episode.channel, watched.woken) == ("deployment/api", "C-pager", ["changed"])
    await intake.receive([received("f1", over=True, deployment="api")])
    await intake.receive([received("f2", over=True, deployment="api")])
    assert await watched.store.episodes.open() == ()


async def test_the_same_again_changes_nothing(watched: Watched) -> None:
    """Alertmanager repeats itself, above all when it was not answered."""
    intake = Intake(watched.room())
    for _ in range(3):
        await intake.receive([received("f1", deployment="api")])
    [episode] = await watched.store.episodes.open()
    assert (episode.version, len(episode.alerts)) == (1, 1)
    for _ in range(3):
        await intake.receive([received("f1", over=True, deployment="api")])
    assert await watched.store.episodes.open() == ()


@pytest.mark.parametrize("last_over", [True, False])
async def test_of_one_alert_the_last_word_counts(watched: Watched, *, last_over: bool) -> None:
    """Within one webhook."""
    words = [received("f1", over=over, deployment="api") for over in (last_over, not last_over, last_over)]
    await Intake(watched.room()).receive(words)
    assert len(await watched.store.episodes.open()) == (0 if last_over else 1)


async def test_what_is_there_for_alertmanager_alone_is_no_alert(watched: Watched) -> None:
    """Its dead man's switch fires for ever."""
    await Intake(watched.room()).receive([received(alertname="Watchdog", severity="none")])
    assert await watched.store.episodes.open() == ()


async def test_it_joins_the_episode_of_our_own_rules(watched: Watched) -> None:
    """One cause is one message, whoever saw it first; each source says itself when it is over."""
    room = watched.room()
    async with watched.store.transaction() as transaction:
        judged = [judge(world(findings=[finding("NOT_READY")]))]
        for now in (NOW, NOW + timedelta(minutes=2)):
            known = await transaction.episodes(SCOPE)
            for episode in step(known, judged, now, scope=SCOPE, channels=CHANNELS, new_id=room.new_id):
                await transaction.save_episode(episode)
    await Intake(room).receive([received("f1", deployment="api")])
    [episode] = await watched.store.episodes.open()
    assert {alert.signal.source for alert in episode.alerts} == {"ragops", "alertmanager"}
    async with watched.store.transaction() as transaction:
        known = await transaction.episodes(SCOPE)
        nothing = [Judged()]
        later = await transaction.now()
        for changed in step(known, nothing, later, scope=SCOPE, channels=CHANNELS, new_id=room.new_id):
            await transaction.save_episode(changed)
    [episode] = await watched.store.episodes.open()
    assert {alert.signal.source: alert.state for alert in episode.alerts} == {
        "ragops": AlertState.CLEARING,
        "alertmanager": AlertState.FIRING,
    }


async def test_replicas_that_are_sent_to_at_once_lose_nothing(watched: Watched) -> None:
    """Each cause has one episode, with every alert in it."""
    intakes = [Intake(watched.room(scopes=TWO)) for _ in range(4)]
    sent = [received(f"f{number}", deployment=f"d{number % 5}") for number in range(80)]
    batches = [sent[start : start + 10] for start in range(0, 80, 10)]
    await asyncio.gather(*(intakes[number % 4].receive(batch) for number, batch in enumerate(batches)))
    open_ = await watched.store.episodes.open()
    assert sorted(each.cause for each in open_) == [f"deployment/d{number}" for number in range(5)]
    assert sorted(a.signal.key for each in open_ for a in each.alerts) == sorted(
        f"alertmanager:f{number}" for number in range(80)
    )
