"""The message of an episode: verdict first, four alerts, what to do; and what `alerts` lists."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.domain.findings import Severity
from bot.domain.text import Redacted
from bot.domain.view import Buttons, Headline, Mark, View
from bot.domain.watch.episodes import Alert, AlertState, Ending, Episode, EpisodeState, Signal, Silence
from bot.domain.watch.policy import AlertChannels, WatchPolicy
from bot.watching.card import episode_card, note_view
from bot.watching.happenings import RELEASE
from bot.watching.list_card import list_view
from bot.watching.quiet import is_quiet, is_silenced
from tests.support.answers import buttons, data, rows
from tests.support.builders import NOW, SCOPE
from tests.support.fixed_probes import database, health_url
from tests.support.watch_records import note

PLACE = "--cluster prod-eu -n shop"
FIRED = NOW - timedelta(minutes=6)


def alert(title: str = "search is down", state: AlertState = AlertState.FIRING, **other: Any) -> Alert:
    given: dict[str, Any] = {
        "key": title,
        "rule": "down",
        "severity": Severity.CRITICAL,
        "cause": "deployment/api",
        "title": title,
        "words": Redacted("Service front has no ready endpoint."),
        "service": "search",
    }
    return Alert(signal=Signal(**(given | other)), state=state, began_at=FIRED, changed_at=FIRED, seen_at=NOW)


def episode(*alerts: Alert, **other: Any) -> Episode:
    given: dict[str, Any] = {
        "id": "3f9a12c0b7e1",
        "scope": SCOPE,
        "cause": "deployment/api",
        "state": EpisodeState.FIRING,
        "severity": Severity.CRITICAL,
        "alerts": alerts or (alert(),),
        "began_at": FIRED,
        "fired_at": FIRED,
        "channel": "C1",
        "version": 1,
    }
    return Episode(**(given | other))


def over(found: Episode, at: datetime = NOW) -> Episode:
    ended = tuple(replace(each, state=AlertState.RESOLVED) for each in found.alerts)
    return replace(found, state=EpisodeState.RESOLVED, resolved_at=at, alerts=ended)


def mark(view: View) -> Mark:
    return next(block.mark for block in view.blocks if isinstance(block, Headline))


def test_the_verdict_comes_first() -> None:
    """Then why, then where it is from, then what to do, in the place that it is about."""
    view = episode_card(episode(), place=PLACE)
    assert rows(view)[:4] == [
        "✖ search is down — critical, since 21:54 UTC",
        "Service front has no ready endpoint.",
        "shop on prod-eu · down",
        "2026-11-24 21:54:00 UTC · alert 3f9a12c0b7e1",
    ]
    assert buttons(view) == {
        "Status search": f"status search {PLACE}",
        "Logs": f"logs search {PLACE}",
        "Acknowledge": f"ack 3f9a12c0b7e1 {PLACE}",
        "Silence 1 h": f"silence 3f9a12c0b7e1 --for 1h {PLACE}",
    }


@pytest.mark.parametrize(
    ("severity", "mark_", "word"),
    [
        (Severity.CRITICAL, Mark.CRITICAL, "critical"),
        (Severity.WARNING, Mark.WARNING, "warning"),
        (Severity.INFO, Mark.INFO, "info"),
    ],
)
def test_a_mark_never_stands_alone(severity: Severity, mark_: Mark, word: str) -> None:
    """The word carries the meaning."""
    view = episode_card(episode(severity=severity), place=PLACE)
    assert mark(view) is mark_
    assert word in view.summary


def test_several_alerts_are_a_line_each_the_worst_first() -> None:
    """Four of them; what is over is said to be, what waits is not told."""
    alerts = [
        alert("cpu", severity=Severity.WARNING, words=Redacted("91 %")),
        alert("search is down"),
        alert("slow", AlertState.RESOLVED),
        alert("soon", AlertState.PENDING),
        *(alert(f"pod {number}", words=Redacted("")) for number in range(4)),
    ]
    told = rows(episode_card(episode(*alerts), place=PLACE))
    assert told[1:6] == ["pod 0", "pod 1", "pod 2", "pod 3", "+ 3 more"]
    told = rows(episode_card(episode(*alerts[:4]), place=PLACE))
    assert told[1:4] == [
        "search is down: Service front has no ready endpoint.",
        "cpu: 91 %",
        "slow (over): Service front has no ready endpoint.",
    ]


def test_who_looks_at_it_is_told_and_nobody_is_asked_again() -> None:
    """By name, with the time."""
    view = episode_card(episode(acked_by="U-ann", acked_at=NOW), place=PLACE)
    assert "Acknowledged by @U-ann at 22:00 UTC" in rows(view)
    assert "Acknowledge" not in buttons(view)


def test_what_is_over_says_how_long_it_lasted_and_asks_nothing() -> None:
    """No button stays on it."""
    view = episode_card(over(episode(alert(), alert("slow"))), place=PLACE)
    assert (mark(view), view.summary) == (Mark.OK, "Over: search is down (lasted 6 min)")
    assert not [block for block in view.blocks if isinstance(block, Buttons)]


def test_another_day_is_named() -> None:
    """Nobody should take it for today."""
    old = replace(alert(), began_at=NOW - timedelta(days=3))
    assert "since 21 Nov 22:00 UTC" in episode_card(episode(old), place=PLACE).summary


def test_hostile_words_stay_text() -> None:
    """On one line each, without what steers; a link is shown as it is, and says who says so."""
    hostile = alert(
        "<!channel> *x*\n\x1b[31mred",
        words=Redacted("<https://evil|click>\r\nsecond"),
        source="alertmanager",
        unsafe_link="https://prometheus.example/graph?x=<@U1>",
    )
    view = episode_card(episode(hostile), place=PLACE)
    told = rows(view)
    assert view.summary.startswith("<!channel> *x* red — critical")
    assert "<https://evil|click> second" in told
    assert "Where it comes from: https://prometheus.example/graph?x=<@U1>" in told
    assert "shop on prod-eu · down · from alertmanager" in told


def test_what_is_no_service_has_no_logs() -> None:
    """There is still something to look at."""
    assert list(buttons(episode_card(episode(alert(service="")), place="")))[:2] == ["Status", "Acknowledge"]


def test_a_happening_is_one_line() -> None:
    """With where and when."""
    told = rows(note_view(replace(note(), kind=RELEASE)))
    assert told[0].endswith("api is at v7.")
    assert told[1:] == ["payments on prod · release · 2030-01-01 12:00:00 UTC"]


# --- silences ---------------------------------------------------------------------------------------------------------


def silence(what: str, **other: Any) -> Silence:
    given: dict[str, Any] = {
        "id": "s1",
        "what": what,
        "scope": SCOPE,
        "by": "U-ann",
        "at": NOW,
        "until": NOW + timedelta(hours=2),
        "why": "we move it",
    }
    return Silence(**(given | other))


@pytest.mark.parametrize(
    ("what", "quiet"), [("*", True), ("3f9a12c0b7e1", True), ("down", True), ("search", True), ("cpu", False)]
)
def test_a_silence_names_an_alert_a_rule_a_service_or_all(what: str, *, quiet: bool) -> None:
    """Of its own place alone."""
    assert is_silenced(episode(), [silence(what)]) is quiet
    assert not is_silenced(episode(), [silence(what, scope=replace(SCOPE, namespace="other"))])
    assert not is_silenced(episode(), [])


def test_one_silent_rule_does_not_silence_another() -> None:
    """Each of the alerts that are not over has to be silenced, by whichever silence."""
    both = episode(alert(), alert("cpu", rule="cpu", service=""))
    assert not is_silenced(both, [silence("cpu")])
    assert is_silenced(both, [silence("cpu"), silence("search")])
    gone = episode(alert(state=AlertState.RESOLVED), alert("cpu", rule="cpu"))
    assert is_silenced(gone, [silence("cpu")])


def test_a_service_or_its_place_may_be_quiet() -> None:
    """For what happens there."""
    assert is_quiet(SCOPE, "search", [silence("search")])
    assert is_quiet(SCOPE, "", [silence("*")])
    assert not is_quiet(SCOPE, "", [silence("search")])


# --- the list ---------------------------------------------------------------------------------------------------------

WATCHED = WatchPolicy(targets=(health_url(), database()), channels=AlertChannels(info="C1"))


def test_nothing_is_one_line() -> None:
    """And what nobody watches is said."""
    view = list_view(SCOPE, (), (), WATCHED, NOW)
    assert rows(view) == ["✔ No alert is open"]
    bare = rows(list_view(SCOPE, (), (), WatchPolicy(), NOW))
    assert bare == [
        "✔ No alert is open",
        "Not watched: no health URL is configured, no dependency is configured and no channel is told",
    ]


def test_the_list_says_what_is_open_and_what_is_silent() -> None:
    """Who looks at it, who silenced it, until when and why; what waits is not told."""
    open_ = [
        episode(alert(), alert("slow"), acked_by="U-bob", acked_at=NOW),
        episode(id="e2", severity=Severity.WARNING),
        episode(id="e3", state=EpisodeState.WAITING, fired_at=None),
    ]
    view = list_view(SCOPE, open_, [silence("e2"), silence("*", scope=replace(SCOPE, namespace="x"))], WATCHED, NOW)
    told = "\n".join(rows(view))
    assert view.summary == "2 alerts open (1 critical), 1 silence"
    for words in (
        "Acknowledged by @U-bob",
        "(+ 1 more)",
        "Silenced",
        "by @U-ann",
        "until 25 Nov 00:00 UTC",
        "we move it",
    ):
        assert words in told, words
    assert "e3" not in told
    assert buttons(view) == {"Acknowledge the first": "ack e2"}
    assert [each["id"] for each in data(view)["alerts"]] == ["3f9a12c0b7e1", "e2"]


def test_a_long_list_is_cut() -> None:
    """The worst come first."""
    view = list_view(SCOPE, [episode(id=f"e{number}") for number in range(13)], (), WATCHED, NOW)
    assert "+ 3 more" in rows(view)


# --- what nobody knows ------------------------------------------------------------------------------------------------

UNSEEN_SINCE = NOW - timedelta(hours=2)


def blind(title: str = "search is down", why: str = "stateful sets: no right to list them.", **other: Any) -> Alert:
    made = replace(alert(title, **other), seen_at=UNSEEN_SINCE, changed_at=UNSEEN_SINCE, began_at=UNSEEN_SINCE)
    return replace(made, blind_at=NOW - timedelta(hours=1), blind=why)


def gone(found: Episode, ending: Ending) -> Episode:
    made = over(found)
    return replace(made, alerts=tuple(replace(each, ending=ending, seen_at=UNSEEN_SINCE) for each in made.alerts))


def test_what_could_not_be_looked_at_says_since_when_and_why() -> None:
    """It still fires: nobody knows better."""
    view = episode_card(episode(blind()), place=PLACE)
    assert rows(view)[:3] == [
        "✖ search is down — critical, since 20:00 UTC",
        "Service front has no ready endpoint.",
        "Not to be looked at since 20:00 UTC: stateful sets: no right to list them. It may be over or not.",
    ]


def test_what_was_not_heard_of_says_since_when() -> None:
    """Beside others that are known it is named."""
    theirs = blind("Errors", "", source="alertmanager", rule="HighErrorRate")
    assert "Not heard of since 20:00 UTC. It may be over or not." in rows(episode_card(episode(theirs), place=PLACE))
    both = rows(episode_card(episode(alert(), theirs), place=PLACE))
    assert "Errors: not heard of since 20:00 UTC. It may be over or not." in both


def test_of_many_that_are_not_known_each_reason_is_told_once() -> None:
    """With the earliest moment; four of them at most."""
    same = [blind(f"pod {number}") for number in range(9)]
    told = [row for row in rows(episode_card(episode(*same), place=PLACE)) if "may be over" in row]
    assert len(told) == 1
    other = [blind(f"pod {number}", f"reason {{number}} {number}") for number in range(9)]
    assert len([row for row in rows(episode_card(episode(*other), place=PLACE)) if "may be over" in row]) == 4


@pytest.mark.parametrize(
    ("ending", "source", "headline", "words"),
    [
        (
            Ending.UNWATCHED,
            "ragops",
            "? No longer watched: search is down",
            "The configuration leaves it out by now; last seen 24 Nov 20:00 UTC. Whether it is over is not known.",
        ),
        (
            Ending.UNHEARD,
            "alertmanager",
            "? Unknown: search is down — Alertmanager does not speak of it any more",
            "Not heard of since 24 Nov 20:00 UTC. Whether it is over is not known.",
        ),
    ],
)
def test_only_what_is_over_is_called_over(ending: Ending, source: str, headline: str, words: str) -> None:
    """The other ends have words of their own, and no green mark; nothing is offered any more."""
    view = episode_card(gone(episode(alert(source=source)), ending), place=PLACE)
    told = rows(view)
    assert told[0] == headline
    assert words in told
    assert (mark(view), buttons(view)) == (Mark.UNKNOWN, {})
    assert "Over" not in view.summary


def test_an_episode_is_called_by_what_is_not_known() -> None:
    """Though what is over was worse: it is not over as a whole."""
    known = replace(alert("search is down"), state=AlertState.RESOLVED)
    lost = replace(
        alert("Errors", AlertState.RESOLVED, severity=Severity.WARNING, source="alertmanager"), ending=Ending.UNHEARD
    )
    found = episode(known, lost, state=EpisodeState.RESOLVED, resolved_at=NOW)
    assert episode_card(found, place=PLACE).summary.startswith("Unknown: Errors")


def test_what_is_watched_no_more_among_what_fires_is_said_so() -> None:
    """It is not called over there either."""
    left = replace(alert("cache fails", AlertState.RESOLVED), ending=Ending.UNWATCHED)
    silent = replace(alert("Errors", AlertState.RESOLVED), ending=Ending.UNHEARD)
    told = "\n".join(rows(episode_card(episode(alert(), left, silent), place=PLACE)))
    assert "cache fails (no longer watched)" in told
    assert "Errors (not heard of any more)" in told


def test_the_list_tells_apart_what_is_open_what_is_not_known_and_what_ended_how() -> None:
    """Programs get the same."""
    policy = WatchPolicy(targets=(health_url(), database()), channels=AlertChannels(info="C1"))
    left = gone(replace(episode(), id="e2"), Ending.UNWATCHED)
    done = replace(over(episode()), id="e3")
    view = list_view(SCOPE, [episode(blind())], [], policy, NOW, ended=[left, done])
    told = "\n".join(rows(view))
    assert "Not to be looked at since 20:00 UTC: stateful sets: no right to list them." in told
    assert "Ended, not known to be over\nNo longer watched: search is down" in told
    assert "Over:" not in told
    [listed] = data(view)["alerts"]
    assert listed["alerts"][0]["not_known_since"] == "2026-11-24T20:00:00+00:00"
    assert listed["alerts"][0]["not_known_why"] == "stateful sets: no right to list them."
    assert [(each["id"], each["ending"]) for each in data(view)["not_known_to_be_over"]] == [("e2", "unwatched")]
