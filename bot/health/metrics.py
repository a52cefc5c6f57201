"""The meter: counts in a registry of its own, and gives all of it as text when a scrape asks.

Nothing here is global, so two bots in one process do not count for each other.
"""

from __future__ import annotations

import math
from collections import Counter as Tally
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from prometheus_client import CollectorRegistry, Counter, Gauge, GCCollector, Histogram, Metric, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from bot.diagnosis import all_codes
from bot.domain.findings import Verdict
from bot.domain.operations import State
from bot.domain.targets import Scope
from bot.health import families as the
from bot.health import vocabularies as words
from bot.health.families import Family
from bot.health.labels import Capped, Known
from bot.ports import Meter

_OPEN_METRICS = "application/openmetrics-text;version=1.0.0"
_Series = Mapping[tuple[str, ...], float]


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
        self._commands = _counter(registry, the.COMMANDS, self._verbs, words.COMMAND_RESULTS)
        self._command_s = _histogram(registry, the.COMMAND_SECONDS, self._verbs)
        self._refusals = _counter(registry, the.REFUSALS, words.PERMISSIONS, words.REFUSED_WHY)
        self._acknowledged = _counter(registry, the.ACKNOWLEDGED, words.SURFACES, words.ACKNOWLEDGE_RESULTS)
        self._acknowledge_s = _histogram(registry, the.ACKNOWLEDGE_SECONDS, words.SURFACES)
        self._outbox_attempts = _counter(registry, the.OUTBOX_ATTEMPTS, words.OUTBOX_RESULTS)
        self._throttled = _counter(registry, the.THROTTLED)
        self._changes_ended = _counter(registry, the.CHANGES_ENDED, self._changes, words.CHANGE_ENDS)
        self._change_s = _histogram(registry, the.CHANGE_SECONDS, self._changes)
        self._change_wait_s = _histogram(registry, the.CHANGE_WAIT_SECONDS)
        self._decisions = _counter(registry, the.CHANGE_DECISIONS, words.DECISIONS, words.DECISION_RESULTS)
        self._takeovers = _counter(registry, the.CHANGE_TAKEOVERS)
        self._unknown_effects = _counter(registry, the.UNKNOWN_EFFECTS)
        self._changes_open = _gauge(registry, the.CHANGES_OPEN)
        self.changes_stand(None)
        self._sample_failures = _counter(registry, the.SAMPLE_FAILURES, words.SAMPLED)
        self._degraded = _gauge(registry, the.DEGRADED)
        for what in words.DEGRADABLE.words:
            self._degraded.labels(what).set(0)
        self._outbox_depth = _gauge(registry, the.OUTBOX_DEPTH)
        self._outbox_depth.set(math.nan)
        self._watch_age = _OfScopes(registry, the.WATCH_AGE)
        self._verdict = _OfScopes(registry, the.VERDICT)
        self._findings = _OfScopes(registry, the.FINDINGS)
        self._connections = _gauge(registry, the.CONNECTIONS)
        self._ready = _gauge(registry, the.READY)
        self._replica_ready = _gauge(registry, the.REPLICA_READY)
        self._loop_lag = _gauge(registry, the.LOOP_LAG)
        _gauge(registry, the.BUILD_INFO).labels(version).set(1)
        ProcessCollector(registry=registry)
        GCCollector(registry=registry)

    # --- the port -----------------------------------------------------------------------------------------------------

    def commanded(self, verb: str, result: str, seconds: float) -> None:
        """Count a command, and the time that it took."""
        verb = self._verbs.value(verb)
        self._commands.labels(verb, words.COMMAND_RESULTS.value(result)).inc()
        self._command_s.labels(verb).observe(_duration(seconds))

    def refused(self, permission: str, why: str) -> None:
        """Count a right that was denied."""
        self._refusals.labels(words.PERMISSIONS.value(permission), words.REFUSED_WHY.value(why)).inc()

    def acknowledged(self, surface: str, result: str, seconds: float) -> None:
        """Count a delivery of Slack, and the time that it waited."""
        surface = words.SURFACES.value(surface)
        self._acknowledged.labels(surface, words.ACKNOWLEDGE_RESULTS.value(result)).inc()
        self._acknowledge_s.labels(surface).observe(_duration(seconds))

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
        self._change_wait_s.observe(_duration(seconds))

    def change_ended(self, verb: str, result: str, seconds: float | None) -> None:
        """Count the end of a request for a change, and the time that it took if it was begun."""
        verb = self._changes.value(verb)
        self._changes_ended.labels(verb, words.CHANGE_ENDS.value(result)).inc()
        if seconds is not None:
            self._change_s.labels(verb).observe(_duration(seconds))

    def change_decided(self, decision: str, result: str) -> None:
        """Count what a person said to a request."""
        self._decisions.labels(words.DECISIONS.value(decision), words.DECISION_RESULTS.value(result)).inc()

    def change_taken_over(self) -> None:
        """Count a change that was taken over."""
        self._takeovers.inc()

    def unknown_effect(self) -> None:
        """Count an effect without a request."""
        self._unknown_effects.inc()

    # --- what is looked at now and then -------------------------------------------------------------------------------

    def outbox_waits(self, depth: int | None) -> None:
        """Note how many messages wait; None when that is not known."""
        self._outbox_depth.set(math.nan if depth is None else depth)

    def changes_stand(self, counts: Mapping[State, int] | None) -> None:
        """Note how many requests for changes are in each state; None when that is not known."""
        for state, word in words.CHANGE_STATES.items():
            self._changes_open.labels(word).set(math.nan if counts is None else counts.get(state, 0))

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
        self._loop_lag.set(_duration(seconds))

    def sample_failed(self, what: str) -> None:
        """Count a look that failed."""
        self._sample_failures.labels(words.SAMPLED.value(what)).inc()

    def scope_seen(self, scope: Scope, figures: ScopeFigures) -> None:
        """Note what was seen of a configured namespace, in place of what was noted before."""
        verdicts: _Series = {(verdict,): float(verdict == figures.verdict) for verdict in words.VERDICTS.words}
        ages: _Series = {(words.PARTS.value(part),): _duration(age) for part, age in figures.ages.items()}
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
        return encode(_Plain(self._registry)), content_type

    def names(self) -> Collection[str]:
        """Return every name that a scrape shows now, those of a histogram's parts too."""
        return {sample.name for metric in _Plain(self._registry).collect() for sample in metric.samples}


def format_of(accept: str) -> str:
    """Return one of the two formats that there are, as they are asked for; versions that are asked for do not matter.

    The library would fail at a version that is none, and call its answer whatever was asked for.
    """
    return _OPEN_METRICS if _OPEN_METRICS.partition(";")[0] in accept else ""


class _OfScopes:
    """A gauge whose first two labels are a configured cluster and namespace."""

    def __init__(self, registry: CollectorRegistry, family: Family) -> None:
        self._gauge = _gauge(registry, family)
        self._kept: dict[Scope, frozenset[tuple[str, ...]]] = {}

    def replace(self, scope: Scope, values: _Series) -> None:
        """Set the series of a namespace, by their other labels, and take away those that are true no more."""
        for labels in self._kept.get(scope, frozenset()) - values.keys():
            self._gauge.remove(scope.cluster, scope.namespace, *labels)
        for labels, value in values.items():
            self._gauge.labels(scope.cluster, scope.namespace, *labels).set(value)
        self._kept[scope] = frozenset(values)


class _Plain(Collector):
    """A registry without the times at which its series began: they would double the number of series, for nobody."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        for metric in self._registry.collect():
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric


def _duration(seconds: float) -> float:
    """Return a duration that cannot spoil a sum: a clock that was set back gives 0, not less."""
    return seconds if 0 <= seconds < math.inf else 0.0


def _counter(registry: CollectorRegistry, family: Family, *values: Known) -> Counter:
    counter = Counter(family.name, family.meaning, family.labels, registry=registry)
    for labels in product(*(known.words for known in values)) if values else ():
        counter.labels(*labels)
    return counter


def _histogram(registry: CollectorRegistry, family: Family, *values: Known) -> Histogram:
    histogram = Histogram(family.name, family.meaning, family.labels, registry=registry, buckets=family.buckets)
    for labels in product(*(known.words for known in values)) if values else ():
        histogram.labels(*labels)
    return histogram


def _gauge(registry: CollectorRegistry, family: Family) -> Gauge:
    return Gauge(family.name, family.meaning, family.labels, registry=registry)
