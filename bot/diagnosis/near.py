"""Near misses: the pods that would fit a selector but for one label."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bot.diagnosis.index import Index

# Values less alike than this are other words, not a slip of the pen.
_ALIKE = 0.6


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
    best: tuple[float, Near] | None = None
    alone = len(selector) == 1
    scored: dict[tuple[str, str], float] = {}
    for owner, labels in _candidates(index):
        failing = [key for key, value in selector.items() if labels.get(key) != value]
        if len(failing) != 1:
            continue
        key = failing[0]
        found_key, found = _instead(labels, key, selector[key])
        if not found_key:
            continue
        if (found_key, found) not in scored:  # thousands of pods have a few labels between them
            scored[found_key, found] = 1.0 if found_key != key else _score(selector[key], found, alone=alone)
        score = scored[found_key, found]
        if score and (best is None or score > best[0]):
            best = score, Near(owner, key, selector[key], found_key, found, _in_words(labels))
    return best[1] if best else None


def _instead(labels: Mapping[str, str], key: str, asked: str) -> tuple[str, str]:
    """Return the label that stands where another was asked for: of the same key, or the same value under another."""
    if key in labels:
        return key, labels[key]
    return next(((k, v) for k, v in sorted(labels.items()) if v == asked), ("", ""))


def _score(asked: str, found: str, *, alone: bool) -> float:
    """Score a value that is not the one asked for. When nothing else fits (`alone`), only one that is alike counts."""
    if alone and _at_most(asked, found) < _ALIKE:
        return 0.0
    alike = difflib.SequenceMatcher(None, asked, found).ratio()
    return 0.0 if alone and alike < _ALIKE else 1 + alike


def _at_most(asked: str, found: str) -> float:
    """Return what the likeness of two texts cannot exceed; it costs a small part of the likeness itself."""
    common = sum(min(asked.count(character), found.count(character)) for character in set(asked))
    return 2 * common / ((len(asked) + len(found)) or 1)


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
