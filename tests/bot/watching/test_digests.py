"""What is new, what stays, what is over, and what changed, since the last digest."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.domain.findings import Severity, Verdict
from bot.domain.operations import Operation, State
from bot.domain.watch.episodes import Ending, Episode
from bot.domain.watch.schedules import SlotRun
from bot.domain.watch.world import UNSEEN, Looked
from bot.watching.card import headline_of
from bot.watching.digests import (
    DAY,
    LONGEST,
    at_words,
    happened,
    last_digest,
    lost,
    overs,
    requests,
    standing,
    troubles,
    unseen,
    warnings,
)
from tests.support import digests as made
from tests.support.digests import BEFORE, CRASH, NOW, WORKER, attention, checkup, ground, hours_ago
from tests.support.operations import operation


def run(hours: float, outcome: str = "sent", *, done: float | None = None) -> SlotRun:
    ended = None if done is None else hours_ago(done)
    return SlotRun(name="morning", due_at=hours_ago(hours), began_at=hours_ago(hours), done_at=ended, outcome=outcome)


@pytest.mark.parametrize(
    ("runs", "since", "first"),
    [
        ([], NOW - DAY, True),
        ([run(0, ""), run(24, "skipped"), run(72)], NOW - timedelta(hours=72), False),
        ([run(24, done=22)], NOW - timedelta(hours=22), False),
        ([run(24, "failed"), run(25, "known")], NOW - DAY, True),
        ([run(24 * 30)], NOW - LONGEST, False),
        ([run(-1), run(0)], NOW - DAY, True),
    ],
    ids=["none", "skipped since", "sent late", "never sent", "long ago", "this one and later ones"],
)
def test_a_digest_tells_what_came_since_the_one_before(runs: list[SlotRun], since: datetime, *, first: bool) -> None:
    """Since it was made, not since it was due; a day where there was none, and never more than eight."""
    assert last_digest(runs, NOW, NOW) == (since, first)


def test_what_was_there_before_is_still_open_and_the_rest_is_new() -> None:
    """By what the history saw, or what the cluster says itself; the worst first, and of those what is old."""
    old = ground(CRASH, attention(), spans=Looked((made.span(began=30), made.span("OTHER", began=1))))
    crash, certificate = troubles(old, BEFORE)
    assert (crash.service, crash.new, crash.since) == ("search", False, hours_ago(30))
    assert (certificate.new, certificate.since) == (True, None)
    (said,) = troubles(ground(attention(since=hours_ago(50))), BEFORE)
    assert (said.new, said.since) == (False, hours_ago(50))


def test_a_problem_that_ended_and_came_again_is_new() -> None:
    """Only what is open now tells how long it lasts."""
    (crash,) = troubles(ground(CRASH, spans=Looked((made.span(began=30, ended=2),))), BEFORE)
    assert crash.new


def test_what_alertmanager_says_needs_a_person_too() -> None:
    """What our own rules say is seen by the check already; what is over needs nobody."""
    fires, ours = made.episode(), made.episode("cpu", source="ragops")
    over = made.episode("latency", resolved=1)
    seen = ground(episodes=Looked((replace(fires, acked_by="U1"), ours, over)))
    (told,) = troubles(seen, BEFORE)
    assert (told.service, told.title, told.new, told.acked_by) == ("search", "error rate above 5 %", True, "U1")
    assert standing(seen, BEFORE) is Verdict.DEGRADED


def test_what_is_over_is_told_once() -> None:
    """Of a problem and an alert about the same one is told; not what is there again, nor what ended before."""
    seen = ground(
        CRASH,
        spans=Looked(
            (
                made.span("A", "worker: out of memory", began=10, ended=9),
                made.span("B", "search: slow", began=40, ended=30),
                made.span("C", "search new release crashes, old one still serves", began=8, ended=7),
            )
        ),
        episodes=Looked((made.episode("out of memory", service="worker", source="ragops", fired=10, resolved=8.9),)),
    )
    assert [(over.title, over.severity) for over in overs(seen, BEFORE)] == [
        ("worker: out of memory", Severity.CRITICAL)
    ]


def test_an_alert_is_counted_from_its_onset_as_its_message_does() -> None:
    """Not from when it was told of; whether it is new is a matter of when people could know of it."""

    def later(**more: Any) -> Episode:
        found = made.episode(fired=2, **more)
        onset = hours_ago(26)
        return replace(found, began_at=onset, alerts=tuple(replace(each, began_at=onset) for each in found.alerts))

    [over] = overs(ground(episodes=Looked((later(resolved=1),))), BEFORE)
    assert (over.began_at, over.ended_at) == (hours_ago(26), hours_ago(1))
    assert headline_of(later(resolved=1)).endswith("(lasted 25 h)")
    [open_] = troubles(ground(episodes=Looked((later(),))), BEFORE)
    assert (open_.since, open_.new) == (hours_ago(26), True)


def ended(state: State, hours: float, *, name: str = "api", written: bool = True) -> Operation:
    at = hours_ago(hours)
    return replace(
        operation(f"op-{state}-{hours}-{name}", name=name), state=state, ended_at=at, written_at=at if written else None
    )


def test_requests_that_ended_are_told_and_what_they_did_is_not_told_again() -> None:
    """Neither what was taken back; what happened besides, and to others, is told."""
    done, cancelled = ended(State.SUCCEEDED, 3), ended(State.CANCELLED, 2)
    running = replace(operation("op-runs"), state=State.EXECUTING)
    denied = ended(State.DENIED, 5, written=False)
    seen = ground(
        operations=Looked((running, cancelled, done, denied, ended(State.SUCCEEDED, 40))),
        notes=Looked(
            (
                made.note("what was rolled back", at=3.1),
                made.note("the request", at=2.9),
                made.note("other", at=3, ref=WORKER),
                made.note("later", at=1),
            )
        ),
    )
    assert {each.id for each in requests(seen, BEFORE)} == {running.id, done.id, denied.id}
    assert [each.words for each in happened(seen, BEFORE)] == ["what was rolled back", "other", "later"]
    assert happened(ground(notes=Looked((made.note(at=30),))), BEFORE) == ()


def test_nothing_is_healthy_that_was_not_looked_at() -> None:
    """A place that could not be checked is unknown, whatever its history says."""
    assert standing(ground(checkup=UNSEEN), BEFORE) is Verdict.UNKNOWN
    assert standing(ground(), BEFORE) is Verdict.HEALTHY
    assert standing(ground(checkup=Looked(checkup(verdict=Verdict.UNKNOWN))), BEFORE) is Verdict.UNKNOWN
    assert standing(ground(CRASH, checkup=Looked(checkup(CRASH, verdict=Verdict.DOWN))), BEFORE) is Verdict.DOWN


def test_warnings_are_counted_where_they_are_known() -> None:
    """No figure is not the figure nothing."""
    assert warnings(Looked(made.buckets())) == 144
    assert warnings(Looked([replace(bucket, warnings=None) for bucket in made.buckets()])) is None
    assert warnings(UNSEEN) is None


def test_what_was_not_looked_at_is_named_with_its_reason() -> None:
    """Parts of the check and parts of what is kept, each once."""
    away: Looked[object] = Looked(problem="the database did not answer")
    seen = ground(checkup=Looked(checkup(problems=("disks",))), buckets=away, spans=away, operations=away)
    assert list(unseen(seen)) == [
        ("history", "the database did not answer"),
        ("requests", "the database did not answer"),
        ("disks", "no right to read them"),
    ]


def test_moments_are_said_by_the_digests_clock() -> None:
    """The hour today, the day of the week before, the date before that."""
    berlin = ZoneInfo("Europe/Berlin")
    said = [at_words(moment, NOW, berlin) for moment in (hours_ago(3), hours_ago(21), hours_ago(24 * 7))]
    assert said == ["06:00", "Mon 12:00", "17 Nov 09:00"]
    assert at_words(datetime(2026, 12, 1, 8, tzinfo=UTC), NOW, berlin) == "1 Dec 09:00"


def lost_episode(title: str, ending: Ending, **more: Any) -> Episode:
    found = made.episode(title, fired=5, resolved=2, **more)
    return replace(found, alerts=tuple(replace(each, ending=ending) for each in found.alerts))


def test_what_is_not_known_to_be_over_is_not_told_as_resolved() -> None:
    """It has a place of its own, the worst first, and only since the last digest."""
    there = ground(
        episodes=Looked(
            [
                lost_episode("slow", Ending.UNHEARD, severity=Severity.WARNING),
                lost_episode("cache fails", Ending.UNWATCHED, source="ragops"),
                made.episode("errors", fired=6, resolved=4),
            ]
        )
    )
    assert [each.title for each in overs(there, BEFORE)] == ["search: errors"]
    assert [each.cause for each in lost(there, BEFORE)] == ["cache fails", "slow"]
    assert lost(there, hours_ago(1)) == ()


def test_problems_of_a_target_that_was_left_out_are_not_told_as_resolved() -> None:
    """They ended because nobody asks it any more; those of objects and of others are told."""
    spans = [
        made.span("PROBE_CONNECT:cache", "cache: refuses the connection", ended=2),
        made.span("PROBE_CONNECT:queue", "queue: refuses the connection", ended=2),
        made.span("BACKUP_OLD:shop", "shop: no backup in 26 hours", ended=2),
        made.span("CRASH:deployment/api", "search: crashes", ended=2),
    ]
    there = ground(spans=Looked(spans), targets=frozenset({"queue"}))
    told = {"queue: refuses the connection", "shop: no backup in 26 hours", "search: crashes"}
    assert {each.title for each in overs(there, BEFORE)} == told
    assert len(overs(ground(spans=Looked(spans)), BEFORE)) == 4


def test_an_alert_of_which_nothing_is_heard_says_so() -> None:
    """It is still open, as far as anybody knows."""
    found = made.episode()
    silent = tuple(
        replace(each, seen_at=hours_ago(10), changed_at=hours_ago(10), blind_at=NOW) for each in found.alerts
    )
    [trouble] = troubles(ground(episodes=Looked([replace(found, alerts=silent)])), BEFORE)
    assert trouble.words == "Not heard of since 23 Nov 22:00 UTC. 5.2 %"
