"""The meter: what it counts is shown, bounded, and under the names that the page explains."""

from __future__ import annotations

import math
import random
import string

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_families
from prometheus_client.parser import text_string_to_metric_families as text_families

import handlers
from bot.diagnosis import all_codes
from bot.domain.findings import Verdict
from bot.domain.operations import State
from bot.health import vocabularies as words
from bot.health.families import FAMILIES, PROCESS, Kind
from bot.health.metrics import PrometheusMeter, ScopeFigures
from bot.health.reference import metrics_page
from bot.health.vocabularies import MOST_METHODS
from bot.registry import discover
from bot.slack.inbound.bodies import SURFACES as INTERACTION_SURFACES
from bot.slack.inbound.kinds import Kind as DeliveryKind
from bot.watching.scheduling import FAILED, KNOWN, SENT, SKIPPED
from tests.bot.health.scrapes import make_meter, of_scope, samples, value
from tests.support.builders import SCOPE


def test_a_command_is_counted_with_its_time() -> None:
    """Once each, by verb; the time falls into the bounds that hold it."""
    meter = make_meter()
    meter.commanded("status", "ok", 0.03)
    meter.commanded("status", "refused", 0.3)
    assert value(meter, "ragops_commands_total", verb="status", result="ok") == 1
    assert value(meter, "ragops_commands_total", verb="status", result="refused") == 1
    assert value(meter, "ragops_command_duration_seconds_count", verb="status") == 2
    assert value(meter, "ragops_command_duration_seconds_sum", verb="status") == pytest.approx(0.33)
    assert value(meter, "ragops_command_duration_seconds_bucket", verb="status", le="0.025") == 0
    assert value(meter, "ragops_command_duration_seconds_bucket", verb="status", le="0.05") == 1


def test_the_other_counts_of_the_port_are_shown() -> None:
    meter = make_meter()
    meter.refused("read", "no_role")
    meter.acknowledged("mention", "repeat", 0.012)
    meter.delivered("unknown")
    meter.throttled("chat.postMessage")
    meter.degraded("redis", yes=True)
    assert value(meter, "ragops_refusals_total", permission="read", why="no_role") == 1
    assert value(meter, "ragops_deliveries_acknowledged_total", surface="mention", result="repeat") == 1
    assert value(meter, "ragops_acknowledge_duration_seconds_bucket", surface="mention", le="0.025") == 1
    assert value(meter, "ragops_outbox_attempts_total", result="unknown") == 1
    assert value(meter, "ragops_slack_throttled_total", method="chat.postMessage") == 1
    assert value(meter, "ragops_degraded", what="redis") == 1
    meter.degraded("redis", yes=False)
    assert value(meter, "ragops_degraded", what="redis") == 0


def test_changes_are_counted_by_their_end() -> None:
    """Each end once; the time from the approval only of those that were begun."""
    meter = make_meter()
    meter.change_approved(70)
    meter.change_ended("set image", "succeeded", 42.0)
    meter.change_ended("set image", "denied", None)
    meter.change_decided("approve", "recorded")
    meter.change_decided("approve", "refused")
    meter.change_taken_over()
    meter.unknown_effect()
    assert value(meter, "ragops_changes_ended_total", verb="set image", result="succeeded") == 1
    assert value(meter, "ragops_changes_ended_total", verb="set image", result="denied") == 1
    assert value(meter, "ragops_change_duration_seconds_count", verb="set image") == 1
    assert value(meter, "ragops_change_duration_seconds_bucket", verb="set image", le="60.0") == 1
    assert value(meter, "ragops_change_approval_wait_seconds_bucket", le="60.0") == 0
    assert value(meter, "ragops_change_approval_wait_seconds_bucket", le="120.0") == 1
    assert value(meter, "ragops_change_decisions_total", decision="approve", result="refused") == 1
    assert value(meter, "ragops_change_takeovers_total") == 1
    assert value(meter, "ragops_unknown_effects_total") == 1


def test_what_is_open_is_shown_by_state() -> None:
    """A state without a request is 0; nothing is shown of the ones that ended, and no number of what is not known."""
    meter = make_meter()
    assert math.isnan(value(meter, "ragops_changes_open", state="unknown") or 0)
    meter.changes_stand({State.PENDING: 2, State.UNKNOWN: 1})
    states = ("waiting", "approved", "running", "unknown")
    assert [value(meter, "ragops_changes_open", state=state) for state in states] == [2, 0, 0, 1]
    meter.changes_stand(None)
    assert math.isnan(value(meter, "ragops_changes_open", state="waiting") or 0)


def test_watching_is_counted() -> None:
    """Looks with their time, probes, alerts, due moments and webhooks; only what was sent was late."""
    meter = make_meter()
    meter.looked("done", 0.3)
    meter.looked("failed", 7)
    meter.probed("redis", "slow")
    meter.episode_told("critical")
    meter.episode_resolved("warning")
    meter.schedule_ended("sent", 70)
    meter.schedule_ended("failed", 86_400)
    meter.webhook_answered("unavailable")
    assert value(meter, "ragops_looks_total", result="done") == 1
    assert value(meter, "ragops_looks_total", result="lost") == 0
    assert value(meter, "ragops_look_duration_seconds_count") == 2
    assert value(meter, "ragops_look_duration_seconds_bucket", le="0.5") == 1
    assert value(meter, "ragops_probes_total", kind="redis", health="slow") == 1
    assert value(meter, "ragops_episodes_told_total", severity="critical") == 1
    assert value(meter, "ragops_episodes_resolved_total", severity="warning") == 1
    assert value(meter, "ragops_schedule_ends_total", outcome="failed") == 1
    assert value(meter, "ragops_schedule_lateness_seconds_count") == 1
    assert value(meter, "ragops_schedule_lateness_seconds_bucket", le="300.0") == 1
    assert value(meter, "ragops_webhooks_total", result="unavailable") == 1


def test_alerts_that_fire_are_shown_by_severity() -> None:
    """A severity without any is 0; what is not known is no number."""
    meter = make_meter()
    severities = ("critical", "warning", "info")
    assert all(math.isnan(value(meter, "ragops_episodes_open", severity=each) or 0) for each in severities)
    meter.episodes_stand({"critical": 2})
    assert [value(meter, "ragops_episodes_open", severity=each) for each in severities] == [2, 0, 0]
    meter.episodes_stand(None)
    assert all(math.isnan(value(meter, "ragops_episodes_open", severity=each) or 0) for each in severities)


def test_looks_and_schedules_that_are_not_known_are_absent() -> None:
    """An old age would be a lie, and so would one of a schedule that is configured no more."""
    meter = make_meter()
    meter.look_ended(SCOPE, 12)
    meter.schedules_wait({"morning": 0, "weekly": 400})
    assert of_scope(meter, "ragops_look_age_seconds") == {"": 12}
    assert value(meter, "ragops_schedule_overdue_seconds", schedule="weekly") == 400
    meter.look_ended(SCOPE, None)
    meter.schedules_wait({"morning": 0})
    assert of_scope(meter, "ragops_look_age_seconds") == {}
    assert of_scope(meter, "ragops_schedule_overdue_seconds") == {"morning": 0}


def test_every_outcome_of_a_due_moment_has_its_word() -> None:
    """What the schedules' runner writes down is counted by the same name."""
    assert set(words.SCHEDULE_OUTCOMES.words) == {SENT, SKIPPED, FAILED, KNOWN}


def test_every_end_and_open_state_has_its_word() -> None:
    """A state that is added is counted under a name of its own, not as another."""
    assert {state for state in State if not state.final} | {State.UNKNOWN} == set(words.CHANGE_STATES)
    ends = {state.value.lower() for state in State if state.final} - {"failed"}
    assert ends | {"failed_none", "failed_applied", "expired_approved", "refused"} == set(words.CHANGE_ENDS.words)


def test_counters_begin_at_zero() -> None:
    """So the first refusal of a process is an increase to Prometheus and not a series that came from nowhere."""
    meter = make_meter()
    assert value(meter, "ragops_refusals_total", permission="operate", why="look_up") == 0
    assert value(meter, "ragops_commands_total", verb="unknown", result="misunderstood") == 0
    assert value(meter, "ragops_acknowledge_duration_seconds_bucket", surface="command", le="3.0") == 0
    assert value(meter, "ragops_changes_ended_total", verb="restart", result="expired_approved") == 0
    assert value(meter, "ragops_change_decisions_total", decision="approve", result="refused") == 0
    assert value(meter, "ragops_unknown_effects_total") == 0
    assert value(meter, "ragops_probes_total", kind="qdrant", health="failed") == 0
    assert value(meter, "ragops_schedule_ends_total", outcome="failed") == 0
    assert value(meter, "ragops_webhooks_total", result="unavailable") == 0


def test_hostile_words_do_not_make_series() -> None:
    """Ten thousand verbs, results, methods and the rest: the scrape stays as long as a few words make it."""
    meter, chance = make_meter(), random.Random(5)
    before = len(samples(meter))
    for number in range(10_000):
        word = "".join(chance.choices(string.printable + "\u202eé\x00", k=12)) + str(number)
        meter.commanded(word, word, 0.1)
        meter.refused(word, word)
        meter.acknowledged(word, word, 0.1)
        meter.delivered(word)
        meter.throttled(f"chat.{''.join(chance.choices(string.ascii_letters, k=9))}")
        meter.degraded(word, yes=True)
        meter.sample_failed(word)
        meter.change_ended(word, word, 0.1)
        meter.change_decided(word, word)
        meter.looked(word, 0.1)
        meter.probed(word, word)
        meter.episode_told(word)
        meter.episode_resolved(word)
        meter.schedule_ended(word, 0.1)
        meter.webhook_answered(word)
    grown = len(samples(meter)) - before
    assert MOST_METHODS < grown < MOST_METHODS + 60
    assert value(meter, "ragops_commands_total", verb="unknown", result="other") == 10_000
    assert value(meter, "ragops_slack_throttled_total", method="other") == 10_000 - MOST_METHODS
    assert value(meter, "ragops_refusals_total", permission="other", why="other") == 10_000


@pytest.mark.parametrize("seconds", [-3.0, math.nan, math.inf, -math.inf])
def test_a_clock_that_jumps_does_not_spoil_the_sum(seconds: float) -> None:
    meter = make_meter()
    meter.commanded("status", "ok", 0.5)
    meter.commanded("status", "ok", seconds)
    assert value(meter, "ragops_command_duration_seconds_sum", verb="status") == 0.5
    assert value(meter, "ragops_command_duration_seconds_count", verb="status") == 2


def test_what_is_not_true_any_more_is_taken_away() -> None:
    """A finding that is gone leaves no series behind, nor does the age of a part that is missing now."""
    meter = make_meter()
    first = ScopeFigures(
        verdict=Verdict.DOWN,
        findings={("critical", "CRASH_LOOP"): 2, ("warning", "OOM_KILLED"): 1},
        ages={"pods": 3.0, "nodes": 70.0},
    )
    meter.scope_seen(SCOPE, first)
    assert of_scope(meter, "ragops_findings") == {"CRASH_LOOP critical": 2, "OOM_KILLED warning": 1}
    assert of_scope(meter, "ragops_verdict") == {"healthy": 0, "degraded": 0, "down": 1, "unknown": 0}
    meter.scope_seen(SCOPE, ScopeFigures(verdict=Verdict.UNKNOWN, findings={}, ages={"pods": 18.0}))
    assert of_scope(meter, "ragops_findings") == {}
    assert of_scope(meter, "ragops_watch_age_seconds") == {"pods": 18.0}
    assert of_scope(meter, "ragops_verdict")["unknown"] == 1


def test_a_depth_that_is_not_known_is_no_number() -> None:
    """At the start, and when the database does not answer: 0 would be a lie."""
    meter = make_meter()
    assert math.isnan(value(meter, "ragops_outbox_depth") or 0)
    meter.outbox_waits(7)
    assert value(meter, "ragops_outbox_depth") == 7
    meter.outbox_waits(None)
    assert math.isnan(value(meter, "ragops_outbox_depth") or 0)


def test_sockets_are_counted_when_somebody_looks() -> None:
    """None without a way in by sockets."""
    meter, alive = make_meter(), [2]
    assert value(meter, "ragops_slack_connections") == 0
    meter.count_sockets(lambda: alive[0])
    assert value(meter, "ragops_slack_connections") == 2
    alive[0] = 1
    assert value(meter, "ragops_slack_connections") == 1


def test_every_kind_of_delivery_is_counted_by_its_name() -> None:
    """What comes in from Slack is named in one room and counted in another: the words must agree."""
    named = {kind.value for kind in DeliveryKind} | set(INTERACTION_SURFACES.values()) | {"command", "event", "unknown"}
    assert named <= {*words.SURFACES.words, "other"}


def test_two_meters_do_not_count_for_each_other() -> None:
    one, other = make_meter(), make_meter()
    one.delivered("delivered")
    assert value(other, "ragops_outbox_attempts_total", result="delivered") == 0


def test_both_formats_say_the_same_and_neither_says_when_a_series_began() -> None:
    meter = make_meter()
    meter.throttled("chat.postMessage")
    text, plain = meter.exposition("text/plain;version=0.0.4")
    opened, kind = meter.exposition("application/openmetrics-text; version=1.0.0, text/plain;q=0.5")
    assert plain.startswith("text/plain; version=0.0.4")
    assert kind.startswith("application/openmetrics-text; version=1.0.0")
    assert opened.endswith(b"# EOF\n")
    assert b"_created" not in text + opened
    in_text = {(s.name, tuple(sorted(s.labels.items()))) for f in text_families(text.decode()) for s in f.samples}
    in_open = {(s.name, tuple(sorted(s.labels.items()))) for f in open_families(opened.decode()) for s in f.samples}
    assert in_text == in_open


def test_everything_that_is_explained_is_shown_and_the_other_way_round() -> None:
    """With every gauge set once, the names of a scrape are the names of the page."""
    meter = make_meter()
    meter.throttled("chat.postMessage")
    meter.is_ready(replica=True, checks={"slack": True})
    meter.look_ended(SCOPE, 1)
    meter.schedules_wait({"morning": 0})
    meter.scope_seen(
        SCOPE, ScopeFigures(verdict=Verdict.DOWN, findings={("critical", "CRASH_LOOP"): 1}, ages={"pods": 1})
    )
    parts = {Kind.HISTOGRAM: ("_bucket", "_count", "_sum"), Kind.COUNTER: ("",), Kind.GAUGE: ("",)}
    explained = {family.name + part for family in (*FAMILIES, *PROCESS) for part in parts[family.kind]}
    assert meter.names() == explained
    page = metrics_page()
    assert all(f"| `{family.name}` | {family.kind.value} |" in page for family in (*FAMILIES, *PROCESS))


def test_names_follow_the_conventions() -> None:
    """Counters end in _total, times are in seconds, help texts are sentences."""
    for family in FAMILIES:
        assert family.name.startswith("ragops_")
        assert family.name.endswith("_total") == (family.kind is Kind.COUNTER)
        assert bool(family.buckets) == (family.kind is Kind.HISTOGRAM)
        assert family.buckets == tuple(sorted(set(family.buckets)))
        assert not family.buckets or family.name.endswith("_seconds")
        assert family.meaning.endswith(".")


def test_a_scrape_of_a_large_bot_is_no_endless_text() -> None:
    """All verbs, forty namespaces with every finding in each: it is made on the event loop, and has to stay small."""
    codes = [code.name for code in all_codes()]
    meter = PrometheusMeter(verbs=[action.name for action in discover(handlers).all()], version="1")
    figures = ScopeFigures(
        verdict=Verdict.DOWN, findings={("critical", code): 1 for code in codes}, ages={"pods": 1.0, "nodes": 2.0}
    )
    for number in range(40):
        meter.scope_seen(type(SCOPE)(SCOPE.cluster, type(SCOPE.namespace)(f"team-{number}")), figures)
    text = meter.exposition()[0]
    assert text.count(b"ragops_findings{") == 40 * len(codes)
    assert len(text) < 1_000_000
