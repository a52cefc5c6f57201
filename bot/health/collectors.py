"""What a metric's figures are kept in, made from its family."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import product

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric
from prometheus_client.registry import Collector

from bot.domain.targets import Scope
from bot.health.families import Family
from bot.health.labels import Known

Series = Mapping[tuple[str, ...], float]


class OfScopes:
    """A gauge whose first two labels are a configured cluster and namespace."""

    def __init__(self, registry: CollectorRegistry, family: Family) -> None:
        self._gauge = gauge(registry, family)
        self._kept: dict[Scope, frozenset[tuple[str, ...]]] = {}

    def replace(self, scope: Scope, values: Series) -> None:
        """Set the series of a namespace, by their other labels, and take away those that are true no more."""
        for labels in self._kept.get(scope, frozenset()) - values.keys():
            self._gauge.remove(scope.cluster, scope.namespace, *labels)
        for labels, value in values.items():
            self._gauge.labels(scope.cluster, scope.namespace, *labels).set(value)
        self._kept[scope] = frozenset(values)


class Plain(Collector):
    """A registry without the times at which its series began: they would double the number of series, for nobody."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        """Return what the registry has, but for those times."""
        for metric in self._registry.collect():
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric


def duration(seconds: float) -> float:
    """Return a duration that cannot spoil a sum: a clock that was set back gives 0, not less."""
    return seconds if 0 <= seconds < math.inf else 0.0


def counter(registry: CollectorRegistry, family: Family, *values: Known) -> Counter:
    """Make a counter; with `values` it stands at 0 for each of their combinations."""
    made = Counter(family.name, family.meaning, family.labels, registry=registry)
    for labels in product(*(known.words for known in values)) if values else ():
        made.labels(*labels)
    return made


def histogram(registry: CollectorRegistry, family: Family, *values: Known) -> Histogram:
    """Make a histogram; with `values` it is there for each of their combinations."""
    made = Histogram(family.name, family.meaning, family.labels, registry=registry, buckets=family.buckets)
    for labels in product(*(known.words for known in values)) if values else ():
        made.labels(*labels)
    return made


def gauge(registry: CollectorRegistry, family: Family) -> Gauge:
    """Make a gauge."""
    return Gauge(family.name, family.meaning, family.labels, registry=registry)
