"""The meter: counts in a registry of its own, and gives all of it as text when a scrape asks.

Nothing here is global, so two bots in one process do not count for each other.
"""

from __future__ import annotations

import math
from collections import Counter as Tally
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector
from prometheus_client.exposition import choose_encoder

from bot.diagnosis import all_codes
from bot.domain.findings import Verdict
from bot.domain.operations import State
from bot.domain.targets import Scope
from bot.health import families as the
from bot.health import vocabularies as words
from bot.health.collectors import OfScopes, Plain, Series, counter, duration, gauge, histogram
from bot.health.labels import Capped, Known
from bot.ports import Meter

_OPEN_METRICS = "application/openmetrics-text;version=1.0.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeFigures:
    """What was seen of one namespace: the verdict, findings by (severity, code), and the ages of parts in seconds."""

    verdict: Verdict
    findings: Mapping[tuple[str, str], int]
    ages: Mapping[str, float]


class PrometheusMeter(Meter):
    """A `Meter` whose figures can be scraped. `verbs` are those that there are, `changes` those that change something.

    Counters start at 0 with every value that their labels may have, so that the first count is seen as an increase.
    """

    def __init__(self, *, verbs: Iterable[str], version: str, changes: Iterable[str] = ()) -> None:
        self._registry = registry = CollectorRegistry()
        self._verbs = Known((*verbs, words.UNKNOWN_VERB), other=words.UNKNOWN_VERB)
        self._changes = Known((*changes, words.UNKNOWN_VERB), other=words.UNKNOWN_VERB)
        self._codes = Known(code.name for code in all_codes())
        self._methods = Capped(words.METHOD_SHAPE, most=words.MOST_METHODS)
        self._commands = counter(registry, the.COMMANDS, self._verbs, words.COMMAND_RESULTS)
        self._command_s = histogram(registry, the.COMMAND_SECONDS, self._verbs)
        self._refusals = counter(registry, the.REFUSALS, words.PERMISSIONS, words.REFUSED_WHY)
        self._acknowledged = counter(registry, the.ACKNOWLEDGED, words.SURFACES, words.ACKNOWLEDGE_RESULTS)
        self._acknowledge_s = histogram(registry, the.ACKNOWLEDGE_SECONDS, words.SURFACES)
        self._outbox_attempts = counter(registry, the.OUTBOX_ATTEMPTS, words.OUTBOX_RESULTS)
        self._throttled = counter(registry, the.THROTTLED)
        self._changes_ended = counter(registry, the.CHANGES_ENDED, self._changes, words.CHANGE_ENDS)
        self._change_s = histogram(registry, the.CHANGE_SECONDS, self._changes)
        self._change_wait_s = histogram(registry, the.CHANGE_WAIT_SECONDS)
        self._decisions = counter(registry, the.CHANGE_DECISIONS, words.DECISIONS, words.DECISION_RESULTS)
        self._takeovers = counter(registry, the.CHANGE_TAKEOVERS)
        self._unknown_effects = counter(registry, the.UNKNOWN_EFFECTS)
        self._changes_open = gauge(registry, the.CHANGES_OPEN)
        self.changes_stand(None)
        self._looks = counter(registry, the.LOOKS, words.LOOK_RESULTS)
        self._look_s = histogram(registry, the.LOOK_SECONDS)
        self._look_age = OfScopes(registry, the.LOOK_AGE)
        self._probes = counter(registry, the.PROBES, words.PROBE_KINDS, words.HEALTHS)
        self._episodes_open = gauge(registry, the.EPISODES_OPEN)
        self.episodes_stand(None)
        self._episodes_told = counter(registry, the.EPISODES_TOLD, words.SEVERITIES)
        self._episodes_resolved = counter(registry, the.EPISODES_RESOLVED, words.SEVERITIES)
        self._schedule_ends = counter(registry, the.SCHEDULE_ENDS, words.SCHEDULE_OUTCOMES)
        self._schedule_late_s = histogram(registry, the.SCHEDULE_LATE_SECONDS)
        self._schedule_overdue = gauge(registry, the.SCHEDULE_OVERDUE)
        self._webhooks = counter(registry, the.WEBHOOKS, words.WEBHOOK_RESULTS)
        self._sample_failures = counter(registry, the.SAMPLE_FAILURES, words.SAMPLED)
        self._degraded = gauge(registry, the.DEGRADED)
        for what in words.DEGRADABLE.words:
            self._degraded.labels(what).set(0)
        self._outbox_depth = gauge(registry, the.OUTBOX_DEPTH)
        self._outbox_depth.set(math.nan)
        self._watch_age = OfScopes(registry, the.WATCH_AGE)
        self._verdict = OfScopes(registry, the.VERDICT)
        self._findings = OfScopes(registry, the.FINDINGS)
        self._connections = gauge(registry, the.CONNECTIONS)
        self._ready = gauge(registry, the.READY)
        self._replica_ready = gauge(registry, the.REPLICA_READY)
        self._loop_lag = gauge(registry, the.LOOP_LAG)
        gauge(registry, the.BUILD_INFO).labels(version).set(1)
        ProcessCollector(registry=registry)
        GCCollector(registry=registry)

    # --- the port -----------------------------------------------------------------------------------------------------

    def commanded(self, verb: str, result: str, seconds: float) -> None:
        """Count a command, and the time that it took."""
        verb = self._verbs.value(verb)
        self._commands.labels(verb, words.COMMAND_RESULTS.value(result)).inc()
        self._command_s.labels(verb).observe(duration(seconds))

    def refused(self, permission: str, why: str) -> None:
        """Count a right that was denied."""
        self._refusals.labels(words.PERMISSIONS.value(permission), words.REFUSED_WHY.value(why)).inc()

    def acknowledged(self, surface: str, result: str, seconds: float) -> None:
        """Count a delivery of Slack, and the time that it waited."""
        surface = words.SURFACES.value(surface)
        self._acknowledged.labels(surface, words.ACKNOWLEDGE_RESULTS.value(result)).inc()
        self._acknowledge_s.labels(surface).observe(duration(seconds))

    def delivered(self, result: str) -> None:
        """Count a try to deliver a message."""
        self._outbox_attempts.labels(words.OUTBOX_RESULTS.value(result)).inc()

    def throttled(self, method: str) -> None:
        """Count a 429 of Slack."""
        self._throttled.labels(self._methods.value(method)).inc()

    def degraded(self, what: str, *, yes: bool) -> None:
        """Note that something went away or came back."""
        self._degraded.labels(words.DEGRADABLE.value(what)).set(int(yes))

    def change_approved(self, seconds: float) -> None:
        """Count an approval by the time that people took."""
        self._change_wait_s.observe(duration(seconds))

    def change_ended(self, verb: str, result: str, seconds: float | None) -> None:
        """Count the end of a request for a change, and the time that it took if it was begun."""
        verb = self._changes.value(verb)
        self._changes_ended.labels(verb, words.CHANGE_ENDS.value(result)).inc()
        if seconds is not None:
            self._change_s.labels(verb).observe(duration(seconds))

    def change_decided(self, decision: str, result: str) -> None:
        """Count what a person said to a request."""
        self._decisions.labels(words.DECISIONS.value(decision), words.DECISION_RESULTS.value(result)).inc()

    def change_taken_over(self) -> None:
        """Count a change that was taken over."""
        self._takeovers.inc()

    def unknown_effect(self) -> None:
        """Count an effect without a request."""
        self._unknown_effects.inc()

    def looked(self, result: str, seconds: float) -> None:
        """Count a look of the watcher, and the time that it took."""
        self._looks.labels(words.LOOK_RESULTS.value(result)).inc()
        self._look_s.observe(duration(seconds))

    def probed(self, kind: str, health: str) -> None:
        """Count what a target said."""
        self._probes.labels(words.PROBE_KINDS.value(kind), words.HEALTHS.value(health)).inc()

    def episode_told(self, severity: str) -> None:
        """Count an episode that people were told of."""
        self._episodes_told.labels(words.SEVERITIES.value(severity)).inc()

    def episode_resolved(self, severity: str) -> None:
        """Count an episode that is over."""
        self._episodes_resolved.labels(words.SEVERITIES.value(severity)).inc()

    def schedule_ended(self, outcome: str, late_s: float) -> None:
        """Count a due moment that ended, and how late it was if something was sent."""
        self._schedule_ends.labels(words.SCHEDULE_OUTCOMES.value(outcome)).inc()
        if outcome == "sent":
            self._schedule_late_s.observe(duration(late_s))

    def webhook_answered(self, result: str) -> None:
        """Count a webhook of Alertmanager."""
        self._webhooks.labels(words.WEBHOOK_RESULTS.value(result)).inc()

    # --- what is looked at now and then -------------------------------------------------------------------------------

    def outbox_waits(self, depth: int | None) -> None:
        """Note how many messages wait; None when that is not known."""
        self._outbox_depth.set(math.nan if depth is None else depth)

    def changes_stand(self, counts: Mapping[State, int] | None) -> None:
        """Note how many requests for changes are in each state; None when that is not known."""
        for state, word in words.CHANGE_STATES.items():
            self._changes_open.labels(word).set(math.nan if counts is None else counts.get(state, 0))

    def episodes_stand(self, counts: Mapping[str, int] | None) -> None:
        """Note how many episodes of each severity fire; None when that is not known."""
        for severity in words.SEVERITIES.words:
            self._episodes_open.labels(severity).set(math.nan if counts is None else counts.get(severity, 0))

    def look_ended(self, scope: Scope, ago_s: float | None) -> None:
        """Note how long ago a look at a configured namespace ended; None when that is not known."""
        self._look_age.replace(scope, {} if ago_s is None else {(): duration(ago_s)})

    def schedules_wait(self, overdue_s: Mapping[str, float]) -> None:
        """Note how long each configured schedule has waited; those that are not named are not known."""
        self._schedule_overdue.clear()
        for name, seconds in overdue_s.items():
            self._schedule_overdue.labels(name).set(duration(seconds))

    def count_sockets(self, alive: Callable[[], int]) -> None:
        """Ask `alive` at each scrape how many sockets to Slack are open; without it there are none."""
        self._connections.set_function(alive)

    def is_ready(self, *, replica: bool, checks: Mapping[str, bool]) -> None:
        """Note whether this replica is ready, and each check well."""
        self._replica_ready.set(int(replica))
        self._ready.clear()
        for name, well in checks.items():
            self._ready.labels(name).set(int(well))

    def lagged(self, seconds: float) -> None:
        """Note the longest stall of the event loop."""
        self._loop_lag.set(duration(seconds))

    def sample_failed(self, what: str) -> None:
        """Count a look that failed."""
        self._sample_failures.labels(words.SAMPLED.value(what)).inc()

    def scope_seen(self, scope: Scope, figures: ScopeFigures) -> None:
        """Note what was seen of a configured namespace, in place of what was noted before."""
        verdicts: Series = {(verdict,): float(verdict == figures.verdict) for verdict in words.VERDICTS.words}
        ages: Series = {(words.PARTS.value(part),): duration(age) for part, age in figures.ages.items()}
        found: Tally[tuple[str, ...]] = Tally()
        for (severity, code), number in figures.findings.items():
            found[words.SEVERITIES.value(severity), self._codes.value(code)] += number
        self._verdict.replace(scope, verdicts)
        self._watch_age.replace(scope, ages)
        self._findings.replace(scope, found)

    # --- the scrape ---------------------------------------------------------------------------------------------------

    def exposition(self, accept: str = "") -> tuple[bytes, str]:
        """Return all figures as text and its content type: OpenMetrics where `accept` asks for it."""
        encode, content_type = choose_encoder(format_of(accept))
        return encode(Plain(self._registry)), content_type

    def names(self) -> Collection[str]:
        """Return every name that a scrape shows now, those of a histogram's parts too."""
        return {sample.name for metric in Plain(self._registry).collect() for sample in metric.samples}


def format_of(accept: str) -> str:
    """Return one of the two formats that there are, as they are asked for; versions that are asked for do not matter.

    The library would fail at a version that is none, and call its answer whatever was asked for.
    """
    return _OPEN_METRICS if _OPEN_METRICS.partition(";")[0] in accept else ""
