"""A meter, and what a scrape of it shows."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families as text_families

from bot.health.metrics import PrometheusMeter

VERBS = ("status", "pods", "share", "restart", "set image")
CHANGES = ("restart", "set image")


def make_meter() -> PrometheusMeter:
    return PrometheusMeter(verbs=VERBS, version="1.2.3", changes=CHANGES)


def samples(meter: PrometheusMeter) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return every series of a scrape with its value."""
    text = meter.exposition()[0].decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_families(text)
        for sample in family.samples
    }


def value(meter: PrometheusMeter, name: str, **labels: str) -> float | None:
    return samples(meter).get((name, frozenset(labels.items())))


def of_scope(meter: PrometheusMeter, name: str) -> dict[str, float]:
    """Return the series of one gauge by the values of their last labels."""
    return {
        " ".join(text for label, text in sorted(labels) if label not in {"cluster", "namespace"}): figure
        for (found, labels), figure in samples(meter).items()
        if found == name
    }
