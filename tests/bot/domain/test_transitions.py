"""Episodes: when an alert fires and ends, what one message is about, and what holds after any looks in any order."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bot.domain.findings import Severity
from bot.domain.text import Redacted
from bot.domain.watch import transitions
from bot.domain.watch.episodes import Alert, AlertState, Ending, Episode, EpisodeState, Signal
from bot.domain.watch.policy import AlertChannels
from bot.domain.watch.transitions import COUNT_EVERY, MOST_OVER
from bot.domain.watch.world import Judged, Unknown
from tests.support.builders import NOW, SCOPE

CHANNELS = AlertChannels(critical="C-pager", warning="C-ops")
THEIRS = "alertmanager"


def signal(key: str = "down:api", **other: Any) -> Signal:
    given: dict[str, Any] = {
        "rule": key.partition(":")[0],
        "severity": Severity.CRITICAL,
        "cause": "deployment/api",
        "title": f"{key} is true",
        "words": Redacted("0 of 3 pods ready"),
        "hold_s": 120.0,
        "clear_s": 120.0,
    }
    return Signal(key=key, **(given | other))


@dataclass
class Scene:
    """A store of episodes, and the time."""

    now: datetime = NOW
    kept: dict[str, Episode] | None = None

    def __post_init__(self) -> None:
        self.kept = {}
        self._numbers = itertools.count(1)

    def look(
        self,
        *signals: Signal,
        unknown: Iterable[str] = (),
        stays: Iterable[str] = (),
        fine: Iterable[str] = (),
        unwatched: Iterable[str] = (),
        after: float = 15,
    ) -> tuple[Episode, ...]:
        """Let time pass, judge, and keep what changed."""
        self.now += timedelta(seconds=after)
        blind = tuple(Unknown(beginning, "no answer") for beginning in unknown)
        gone = frozenset(unwatched)
        return self._keep(
            transitions.step(
                self.open,
                [Judged(signals, blind, tuple(stays), tuple(fine))],
                self.now,
                scope=SCOPE,
                channels=CHANNELS,
                new_id=self._new_id,
                is_watched=lambda each: each.key not in gone,
            )
        )

    def leave(self, *, after: float = 60) -> tuple[Episode, ...]:
        """Let time pass, and have a replica that does not watch this place say so."""
        self.now += timedelta(seconds=after)
        return self._keep(transitions.leave(self.open, self.now, scope=SCOPE, channels=CHANNELS, new_id=self._new_id))

    def hear(self, *firing: Signal, over: Iterable[str] = (), after: float = 15) -> tuple[Episode, ...]:
        """Let time pass, and hear of another source."""
        self.now += timedelta(seconds=after)
        return self._keep(
            transitions.hear(
                self.open, firing, tuple(over), self.now, scope=SCOPE, channels=CHANNELS, new_id=self._new_id
            )
        )

    @property
    def all(self) -> dict[str, Episode]:
        assert self.kept is not None
        return self.kept

    @property
    def open(self) -> tuple[Episode, ...]:
        return tuple(each for each in self.all.values() if each.state is not EpisodeState.RESOLVED)

    @property
    def only(self) -> Episode:
        [episode] = self.open
        return episode

    def _keep(self, changed: tuple[Episode, ...]) -> tuple[Episode, ...]:
        self.all.update({each.id: each for each in changed})
        return changed

    def _new_id(self) -> str:
        return f"e{next(self._numbers)}"


@pytest.fixture
def scene() -> Scene:
    return Scene()


def states(episode: Episode) -> dict[str, AlertState]:
    return {alert.signal.key: alert.state for alert in episode.alerts}


def fired(scene: Scene, *signals: Signal) -> Episode:
    """Return the episode of signals that fire by now."""
    scene.look(*signals)
    scene.look(*signals, after=120)
    assert scene.only.state is EpisodeState.FIRING
    return scene.only


# --- one alert --------------------------------------------------------------------------------------------------------


def test_nobody_is_told_before_it_was_true_for_long_enough(scene: Scene) -> None:
    """Then the message has its channel, and the time since when it is known."""
    scene.look(signal())
    scene.look(signal(), after=119)
    assert (scene.only.state, scene.only.version, scene.only.channel) == (EpisodeState.WAITING, 0, "")
    scene.look(signal(), after=1)
    episode = scene.only
    assert (episode.state, episode.version, episode.channel) == (EpisodeState.FIRING, 1, "C-pager")
    assert (episode.began_at, episode.fired_at) == (NOW + timedelta(seconds=15), scene.now)


def test_what_vanishes_before_it_fires_is_told_to_nobody(scene: Scene) -> None:
    """The episode is over without a version."""
    scene.look(signal())
    scene.look()
    [episode] = scene.all.values()
    assert (episode.state, episode.version, episode.announced, episode.alerts) == (EpisodeState.RESOLVED, 0, 0, ())
    scene.look(signal(), after=200)
    assert scene.only.state is EpisodeState.WAITING


def test_a_source_knows_better_since_when_it_is_true(scene: Scene) -> None:
    """But not of the future; and it is held for as long all the same."""
    early, late = signal(since=NOW - timedelta(hours=1)), signal("slow:api", since=NOW + timedelta(hours=1))
    scene.look(early, late)
    assert [alert.began_at for alert in scene.only.alerts] == [early.since, scene.now]
    assert scene.only.state is EpisodeState.WAITING


def test_what_swings_is_one_episode_and_no_news(scene: Scene) -> None:
    """Seen again before it was clear for long enough it fires on."""
    fired(scene, signal())
    scene.look()
    assert states(scene.only) == {"down:api": AlertState.CLEARING}
    scene.look(signal(), after=100)
    assert states(scene.only) == {"down:api": AlertState.FIRING}
    assert scene.only.version == 1


def test_it_is_over_when_it_was_not_seen_for_long_enough(scene: Scene) -> None:
    """That is told, and the next time is another episode."""
    first = fired(scene, signal())
    scene.look()
    scene.look(after=119)
    assert scene.only.state is EpisodeState.FIRING
    scene.look(after=1)
    ended = scene.all[first.id]
    assert (ended.state, ended.version, ended.resolved_at) == (EpisodeState.RESOLVED, 2, scene.now)
    assert fired(scene, signal()).id != first.id


def test_what_could_not_be_judged_stays_as_it_is(scene: Scene) -> None:
    """However long: neither what fires nor what waits nor what is clearing changes; that it is so is told once."""
    fired(scene, signal(), signal("slow:api"))
    scene.look(signal())
    scene.look(signal(), signal("cpu:api"))
    before = states(scene.only)
    assert set(before.values()) == {AlertState.FIRING, AlertState.CLEARING, AlertState.PENDING}
    version = scene.only.version
    [told] = scene.look(unknown=["down:", "slow:", "cpu:api"], after=3600)
    assert told.version == version + 1
    for _ in range(5):
        assert scene.look(unknown=["down:", "slow:", "cpu:api"], after=3600) == ()
    assert states(scene.only) == before
    assert all(alert.is_blind == alert.fires for alert in scene.only.alerts)
    assert {alert.blind for alert in scene.only.alerts} == {"no answer"}


def test_one_look_that_fails_is_nobodys_business(scene: Scene) -> None:
    """Only what cannot be judged for minutes is told; that it can be again is told, too."""
    fired(scene, signal())
    scene.look(signal(), after=60)
    scene.look(unknown=["down:"])
    scene.look(unknown=["down:"])
    assert (scene.only.version, scene.only.alerts[0].is_blind) == (1, False)
    scene.look(unknown=["down:"], after=90)
    assert (scene.only.version, scene.only.alerts[0].is_blind) == (2, True)
    scene.look(signal())
    assert (scene.only.version, scene.only.alerts[0].is_blind) == (3, False)


def test_what_could_not_be_judged_clears_from_its_beginning(scene: Scene) -> None:
    """Nobody knows what it was like meanwhile: two looks an hour apart are no two minutes without trouble."""
    fired(scene, signal())
    scene.look()
    scene.look(unknown=["down:"], after=3600)
    scene.look()
    assert states(scene.only) == {"down:api": AlertState.CLEARING}
    scene.look(after=120)
    assert scene.open == ()


def test_what_stands_between_was_looked_at(scene: Scene) -> None:
    """It neither ends nor is it unknown, however long."""
    fired(scene, signal())
    for _ in range(5):
        scene.look(stays=["down:api"], after=600)
    assert (scene.only.version, scene.only.alerts[0].is_blind) == (1, False)
    assert scene.only.alerts[0].seen_at == scene.now


def test_what_stands_between_is_not_about_to_clear(scene: Scene) -> None:
    """A figure that dips below twice in an hour was not well for two minutes."""
    fired(scene, signal())
    for _ in range(3):
        scene.look()
        scene.look(stays=["down:api"], after=1200)
        assert states(scene.only) == {"down:api": AlertState.FIRING}
    assert scene.only.version == 1


def test_what_was_judged_is_not_unknown(scene: Scene) -> None:
    """Though nothing is known of others whose keys begin alike."""
    fired(scene, signal(clear_s=0.0))
    scene.look(unknown=["down:"], fine=["down:api"])
    assert scene.open == ()


# --- what nobody watches, and what nobody speaks of -------------------------------------------------------------------


def test_what_the_configuration_leaves_out_ends_as_that(scene: Scene) -> None:
    """Not as over; what only waited ends without a word."""
    first = fired(scene, signal())
    scene.look(signal("slow:api"), unwatched=["down:api"])
    left = ["down:api", "slow:api"]
    scene.look(unwatched=left, after=540)
    assert scene.only.version == 1
    scene.look(unwatched=left, after=60)
    assert scene.all[first.id].state is EpisodeState.FIRING
    scene.look(unwatched=left, after=540)
    ended = scene.all[first.id]
    assert (ended.state, ended.ending, ended.version) == (EpisodeState.RESOLVED, Ending.UNWATCHED, 3)
    assert {alert.signal.key for alert in ended.alerts} == {"down:api"}


def test_a_place_that_is_left_out_ends_with_all_its_alerts(scene: Scene) -> None:
    """Those of other sources, too: nobody would ever end them."""
    fired(scene, signal())
    scene.hear(signal("alertmanager:1", hold_s=0.0, source=THEIRS))
    for _ in range(10):
        scene.leave()
    assert scene.only.version == 2
    [ended] = scene.leave()
    assert (ended.ending, {alert.ending for alert in ended.alerts}) == (Ending.UNWATCHED, {Ending.UNWATCHED})


@pytest.mark.parametrize("judged", ["true", "untrue", "unknown", "between", "heard"])
def test_who_still_watches_has_the_last_word(scene: Scene, judged: str) -> None:
    """Replicas of the old and of the new configuration work side by side, for longer than a roll-out takes."""
    fired(scene, signal(clear_s=3600.0 * 24))
    scene.hear(signal("alertmanager:1", hold_s=0.0, source=THEIRS))
    looks = {
        "true": {"signals": (signal(clear_s=3600.0 * 24),)},
        "untrue": {},
        "unknown": {"unknown": ["down:"]},
        "between": {"stays": ["down:api"]},
    }
    for _ in range(120):
        scene.leave(after=15)
        if judged == "heard":
            scene.hear(signal("alertmanager:1", hold_s=0.0, source=THEIRS))
            scene.look(signal(clear_s=3600.0 * 24))
        else:
            given = dict(looks[judged])
            scene.look(*given.pop("signals", ()), **given)  # type: ignore[arg-type]  # a table of looks
    assert {alert.state for alert in scene.only.alerts} <= {AlertState.FIRING, AlertState.CLEARING}
    assert scene.only.ending is Ending.OVER


def test_an_alert_that_its_source_repeats_is_known(scene: Scene) -> None:
    """Every four hours, as Alertmanager does."""
    theirs = signal("alertmanager:1", hold_s=0.0, source=THEIRS)
    for _ in range(20):
        scene.hear(theirs, after=4 * 3600)
        scene.look()
    assert (scene.only.version, scene.only.alerts[0].is_blind) == (1, False)


def test_a_source_that_is_silent_is_told_and_in_the_end_believed_gone(scene: Scene) -> None:
    """Never as over."""
    theirs = signal("alertmanager:1", hold_s=0.0, source=THEIRS)
    scene.hear(theirs)
    scene.look(after=8 * 3600 - 1)
    assert scene.only.version == 1
    scene.look(after=1)
    assert (scene.only.version, scene.only.alerts[0].is_blind, scene.only.alerts[0].blind) == (2, True, "")
    scene.look(after=16 * 3600 - 1)
    assert (scene.only.version, scene.only.state) == (2, EpisodeState.FIRING)
    [ended] = scene.look(after=1)
    assert (ended.state, ended.ending, ended.version) == (EpisodeState.RESOLVED, Ending.UNHEARD, 3)


def test_a_source_that_speaks_again_is_believed(scene: Scene) -> None:
    """That it still fires, or that it is over."""
    theirs = signal("alertmanager:1", hold_s=0.0, source=THEIRS)
    scene.hear(theirs)
    scene.look(after=9 * 3600)
    scene.hear(theirs)
    assert (scene.only.version, scene.only.alerts[0].is_blind) == (3, False)
    scene.look(after=9 * 3600)
    [ended] = scene.hear(over=["alertmanager:1"])
    assert ended.ending is Ending.OVER


def test_who_was_away_does_not_take_that_for_silence(scene: Scene) -> None:
    """After two days of which nobody of us heard anything the source has as long as ever to speak."""
    scene.hear(signal("alertmanager:1", hold_s=0.0, source=THEIRS))
    scene.look(after=48 * 3600)
    assert scene.only.alerts[0].is_blind
    scene.look(after=15 * 3600)
    assert scene.only.state is EpisodeState.FIRING
    scene.look(after=3600)
    assert scene.open == ()


def test_only_what_is_all_over_is_over(scene: Scene) -> None:
    """Of an episode with one alert of which nobody knows, nobody says that it is over."""
    first = fired(scene, signal())
    scene.hear(signal("alertmanager:1", hold_s=0.0, source=THEIRS))
    for _ in range(2):
        scene.look(signal(), after=25 * 3600)
    scene.look()
    scene.look(after=120)
    assert scene.all[first.id].ending is Ending.UNHEARD


def test_clocks_that_step_back_hold_no_ending_up(scene: Scene) -> None:
    """Time counts from where the clock stands."""
    fired(scene, signal())
    scene.leave()
    scene.leave(after=-7200)
    scene.leave(after=600)
    assert scene.open == ()


def test_a_clock_that_steps_back_holds_nothing_up(scene: Scene) -> None:
    """Time counts from where the clock stands."""
    scene.look(signal())
    scene.look(signal(), after=-3600)
    assert scene.only.state is EpisodeState.WAITING
    scene.look(signal(), after=120)
    assert scene.only.state is EpisodeState.FIRING
    scene.look(after=-3600)
    scene.look(after=120)
    assert scene.open == ()


def test_what_did_not_change_is_not_written(scene: Scene) -> None:
    """Its words and when it was last seen are, once a minute."""
    fired(scene, signal())
    worse = signal(words=Redacted("0 of 4 pods ready"))
    assert [len(scene.look(worse)) for _ in range(4)] == [0, 0, 0, 1]
    assert (scene.only.alerts[0].signal, scene.only.version) == (worse, 1)


# --- one message ------------------------------------------------------------------------------------------------------


def test_alerts_of_one_cause_are_one_message(scene: Scene) -> None:
    """Another rule is told at once, and so is that it ends; the message ends with the last."""
    fired(scene, signal())
    scene.look(signal(), signal("slow:api", hold_s=0.0))
    assert scene.only.version == 2
    scene.look(signal(), signal("slow:api"), signal("finding:X", cause="node/n1", hold_s=0.0))
    assert len(scene.open) == 2
    scene.look(signal(), stays=["finding:X"])
    scene.look(signal(), stays=["finding:X"], after=120)
    assert [each.version for each in scene.open] == [3, 1]
    assert states(scene.open[0])["slow:api"] is AlertState.RESOLVED


def test_it_only_gets_worse_and_stays_where_it_is(scene: Scene) -> None:
    """A message cannot move to another channel; that it is critical now is told in it."""
    fired(scene, signal(severity=Severity.WARNING))
    scene.look(signal(severity=Severity.CRITICAL))
    assert (scene.only.severity, scene.only.channel, scene.only.version) == (Severity.CRITICAL, "C-ops", 2)
    scene.look(signal(severity=Severity.INFO))
    assert (scene.only.severity, scene.only.version) == (Severity.CRITICAL, 2)


def test_another_count_alone_is_told_once_a_minute(scene: Scene) -> None:
    """One after another may join and end; the last count is told when the minute is over."""
    many = [signal(f"crash:{number}", hold_s=0.0) for number in range(20)]
    versions = []
    for number in range(1, 13):
        scene.look(*many[:number])
        versions.append(scene.only.version)
    assert versions == [1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3]
    told = {alert.signal.key for alert in scene.only.alerts if alert.told_at is not None}
    assert told == {each.key for each in many[:9]}
    scene.look(*many[:12], after=60)
    assert (scene.only.version, all(alert.told_at for alert in scene.only.alerts)) == (4, True)


def test_what_is_about_to_fire_follows_its_cause(scene: Scene) -> None:
    """While nobody was told it may turn out to belong elsewhere; what fires stays where people read it."""
    scene.look(signal())
    scene.look(signal(cause="statefulset/db"), signal("database:db", cause="statefulset/db", hold_s=0.0))
    assert states(scene.only) == {"down:api": AlertState.PENDING, "database:db": AlertState.FIRING}
    scene.look(signal(cause="statefulset/db"), signal("database:db", cause="statefulset/db"), after=105)
    scene.look(signal(), signal("database:db", cause="statefulset/db"))
    assert states(scene.only) == {"down:api": AlertState.FIRING, "database:db": AlertState.FIRING}


def test_nowhere_is_a_channel_too(scene: Scene) -> None:
    """What has no channel is kept all the same."""
    scene.look(signal(severity=Severity.INFO, hold_s=0.0))
    assert (scene.only.state, scene.only.channel, scene.only.version) == (EpisodeState.FIRING, "", 1)


def test_of_what_does_not_end_the_oldest_ends_are_forgotten(scene: Scene) -> None:
    """What fires never is."""
    for number in range(MOST_OVER + 10):
        scene.hear(signal("Lasting", hold_s=0.0), signal(f"Pod:{number}", hold_s=0.0), over=[f"Pod:{number - 1}"])
    kept = states(scene.only)
    assert len(kept) == MOST_OVER + 2
    assert (kept["Lasting"], "Pod:0" in kept) == (AlertState.FIRING, False)


# --- another source ---------------------------------------------------------------------------------------------------


def test_another_source_says_itself_when_it_is_over(scene: Scene) -> None:
    """At once; what it does not mention stays, and what our rules do not see is none of their business."""
    theirs = signal("alertmanager:1", hold_s=0.0, source=THEIRS)
    fired(scene, signal())
    scene.hear(theirs)
    assert scene.only.version == 2
    scene.look()
    scene.look(after=120)
    assert states(scene.only) == {"down:api": AlertState.RESOLVED, "alertmanager:1": AlertState.FIRING}
    scene.hear(over=["alertmanager:1", "alertmanager:unheard"])
    assert scene.open == ()


def test_what_was_over_before_it_was_heard_of_is_nothing(scene: Scene) -> None:
    """No episode is made of an end alone."""
    assert scene.hear(over=["alertmanager:1"]) == ()


# --- any looks in any order -------------------------------------------------------------------------------------------

OURS = ("down:api", "down:db", "slow:api", "cpu:api", "cpu:db")
OTHERS = ("alertmanager:1", "alertmanager:2")
CAUSES = ("deployment/api", "statefulset/db")
HOLD_S = {"down:api": 120.0, "down:db": 60.0, "slow:api": 0.0, "cpu:api": 30.0, "cpu:db": 0.0}
CLEAR_S = {"down:api": 120.0, "down:db": 0.0, "slow:api": 60.0, "cpu:api": 30.0, "cpu:db": 120.0}
SIGNALS = st.fixed_dictionaries({"cause": st.sampled_from(CAUSES), "severity": st.sampled_from(Severity)})


class Looks(RuleBasedStateMachine):
    """What is kept, beside a model that knows of each alert only its phase and since when."""

    def __init__(self) -> None:
        super().__init__()
        self.scene = Scene()
        self.model: dict[str, tuple[AlertState, datetime]] = {}
        self.before: dict[str, Episode] = {}

    @rule(
        after=st.sampled_from([0, 1, 15, 30, 60, 121]),
        true=st.dictionaries(st.sampled_from(OURS), SIGNALS),
        unknown=st.sets(st.sampled_from([*OURS, "down:", "cpu:"]), max_size=2),
    )
    def look(self, after: int, true: dict[str, dict[str, Any]], unknown: set[str]) -> None:
        self.before = dict(self.scene.all)
        signals = [signal(key, hold_s=HOLD_S[key], clear_s=CLEAR_S[key], **rest) for key, rest in true.items()]
        self.scene.look(*signals, unknown=unknown, after=after)
        self._not_later()
        for key in OURS:
            if key in true:
                self._seen(key, HOLD_S[key])
            elif key in self.model and not key.startswith(tuple(unknown)):
                self._missed(key, CLEAR_S[key])

    def _was_blind(self, key: str) -> bool:
        return any(
            alert.signal.key == key and alert.is_live and alert.blind_at is not None
            for episode in self.before.values()
            for alert in episode.alerts
        )

    @rule(true=st.dictionaries(st.sampled_from(OTHERS), SIGNALS), over=st.sets(st.sampled_from(OTHERS)))
    def hear(self, true: dict[str, dict[str, Any]], over: set[str]) -> None:
        self.before = dict(self.scene.all)
        signals = [signal(key, hold_s=0.0, source=THEIRS, **rest) for key, rest in true.items() if key not in over]
        self.scene.hear(*signals, over=over)
        self._not_later()
        for each in signals:
            self._seen(each.key, 0)
        for key in over:
            self.model.pop(key, None)

    @rule(seconds=st.sampled_from([1, 90, 7200]))
    def step_back(self, seconds: int) -> None:
        self.scene.now -= timedelta(seconds=seconds)

    def _not_later(self) -> None:
        self.model = {key: (state, min(since, self.scene.now)) for key, (state, since) in self.model.items()}

    def _seen(self, key: str, hold_s: float) -> None:
        now = self.scene.now
        state, since = self.model.get(key, (AlertState.PENDING, now))
        if state is AlertState.CLEARING or (now - since).total_seconds() >= hold_s:
            state = AlertState.FIRING
        self.model[key] = (state, since)

    def _missed(self, key: str, clear_s: float) -> None:
        now = self.scene.now
        state, since = self.model[key]
        if state is AlertState.FIRING or (state is AlertState.CLEARING and self._was_blind(key)):
            state, since = AlertState.CLEARING, now
        self.model[key] = (state, since)
        if state is AlertState.PENDING or (now - since).total_seconds() >= clear_s:
            del self.model[key]

    @invariant()
    def each_alert_is_where_the_model_has_it(self) -> None:
        """None is lost, none fires before its time, none that is unknown ends, and none is told twice."""
        live = [alert for episode in self.scene.open for alert in episode.alerts if alert.is_live]
        assert len(live) == len({alert.signal.key for alert in live})
        assert {alert.signal.key: alert.state for alert in live} == {key: at for key, (at, _) in self.model.items()}

    @invariant()
    def one_cause_is_one_open_episode(self) -> None:
        causes = [episode.cause for episode in self.scene.open]
        assert len(causes) == len(set(causes))

    @invariant()
    def an_episode_is_what_its_alerts_are(self) -> None:
        """It fires once one of them has fired, and is over when, and only when, all are."""
        for episode in self.scene.all.values():
            over = episode.state is EpisodeState.RESOLVED
            assert over == (not any(alert.is_live for alert in episode.alerts))
            assert over == (episode.resolved_at is not None)
            told = episode.fired_at is not None
            assert told == (episode.version > 0)
            assert told or not any(alert.fires for alert in episode.alerts)
            assert episode.severity >= max((a.signal.severity for a in episode.alerts if a.fires), default=0)

    @invariant()
    def what_people_see_only_goes_forward(self) -> None:
        for episode_id, was in self.before.items():
            now_is = self.scene.all[episode_id]
            assert now_is.version >= was.version
            assert (now_is.cause, now_is.began_at) == (was.cause, was.began_at)
            if was.fired_at is not None:
                assert (now_is.fired_at, now_is.channel) == (was.fired_at, was.channel)
                assert now_is.severity >= was.severity
            if was.state is EpisodeState.RESOLVED:
                assert now_is == was
            if _shown(now_is) != _shown(was) or now_is.state is EpisodeState.RESOLVED is not was.state:
                assert now_is.version > was.version or was.version == 0

    @invariant()
    def what_fires_is_shown_within_a_minute(self) -> None:
        for episode in self.scene.open:
            firing = {alert.signal.key for alert in episode.alerts if alert.fires}
            if _shown(episode) != firing:
                last = max((a.told_at for a in episode.alerts if a.told_at), default=self.scene.now - COUNT_EVERY)
                assert self.scene.now - last <= COUNT_EVERY + timedelta(seconds=121)


def _shown(episode: Episode) -> set[str]:
    return {alert.signal.key for alert in episode.alerts if alert.told_at is not None}


TestLooks = Looks.TestCase
TestLooks.settings = settings(max_examples=80, stateful_step_count=30, deadline=None)


def test_two_sources_may_say_the_same_of_one_thing() -> None:
    """Of several signals with one key the worst counts."""
    scene = Scene()
    scene.look(signal(severity=Severity.WARNING, hold_s=0.0), signal(hold_s=0.0), signal(severity=Severity.INFO))
    assert (scene.only.severity, len(scene.only.alerts)) == (Severity.CRITICAL, 1)


def test_what_an_older_version_kept_is_told_anew(scene: Scene) -> None:
    """Alerts that do not say when they were told are told with the next look."""
    episode = fired(scene, signal())
    forgetful: list[Alert] = [replace(alert, told_at=None) for alert in episode.alerts]
    scene.all[episode.id] = replace(episode, alerts=tuple(forgetful))
    scene.look(signal())
    assert scene.only.version == 2
