"""Near misses: the pods that would fit a selector but for one label, and the name that was meant by another."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bot.diagnosis.index import Index
from bot.domain.text import suggest

# Values less alike than this are other words, not a slip of the pen.
_ALIKE = 0.6
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class Near:
    """What nearly fits: `key` was asked to be `asked`; `owner`'s pods have `found` there, or under `found_key`."""

    owner: str
    key: str
    asked: str
    found_key: str
    found: str
    labels: str


def nearest(index: Index, selector: Mapping[str, str]) -> Near | None:
    """Return the labels that fail a selector in one key only, the most alike first; None when none are near."""
    best, highest = None, 0.0
    alone = len(selector) == 1
    scored: set[tuple[str, str]] = set()
    for owner, labels in _candidates(index):
        failing = [key for key, value in selector.items() if labels.get(key) != value]
        if len(failing) != 1:
            continue
        key = failing[0]
        found_key, found = _instead(labels, key, selector[key])
        # Thousands of pods have a few labels between them, and what was seen before scores no higher than it did.
        if not found_key or (found_key, found) in scored:
            continue
        scored.add((found_key, found))
        score = 1.0 if found_key != key else _score(selector[key], found, alone=alone, above=highest)
        if score > highest:
            best, highest = Near(owner, key, selector[key], found_key, found, _in_words(labels)), score
    return best


def meant(word: str, known: Iterable[str]) -> str:
    """Return the known word that is nearest to `word`; empty when none is near."""
    lowered = word.lower()
    near = [each for each in known if each.startswith(lowered) or _can_be_alike(lowered, each, _ALIKE)]
    return next(iter(suggest(word, near, most=1)), "")


def _instead(labels: Mapping[str, str], key: str, asked: str) -> tuple[str, str]:
    """Return the label that stands where another was asked for: of the same key, or the same value under another."""
    if key in labels:
        return key, labels[key]
    return next(((k, v) for k, v in sorted(labels.items()) if v == asked), ("", ""))


def _score(asked: str, found: str, *, alone: bool, above: float) -> float:
    """Score a value that is not the one asked for; 0 where it cannot score `above` that.

    When nothing else fits (`alone`), only one that is alike counts.
    """
    if not _can_be_alike(asked, found, max(_ALIKE if alone else 0.0, above - 1)):
        return 0.0
    alike = difflib.SequenceMatcher(None, asked, found).ratio()
    return 0.0 if alone and alike < _ALIKE else 1 + alike


def _can_be_alike(asked: str, found: str, least: float) -> bool:
    """Tell whether the likeness of two texts can reach `least`; that costs a small part of the likeness itself."""
    common = least * (len(asked) + len(found)) / 2 - _ROUNDING
    if common > len(found):
        return False
    spare = len(asked) - common
    for character in set(asked):
        spare -= max(asked.count(character) - found.count(character), 0)
        if spare < 0:
            return False
    return True


def _in_words(labels: Mapping[str, str]) -> str:
    return ", ".join(f"{k}={v}" for k, v in sorted(labels.items()) if not k.endswith("-hash"))


def _candidates(index: Index) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Give the labels of each workload's pods, once, and of the pods that stand alone."""
    for workload in index.snapshot.workloads:
        yield workload.meta.name, workload.template_labels
    before: Mapping[str, str] | None = None
    for pod in index.snapshot.pods:
        labels = pod.meta.labels
        if labels == before or pod.meta.deleted_at is not None or pod.is_finished:
            continue  # pods of one kind stand together, and what is equal is no nearer
        before = labels
        yield index.target_of(pod).name, labels
