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
    for owner, labels in _candidates(index):
        failing = [key for key, value in selector.items() if labels.get(key) != value]
        if len(failing) != 1:
            continue
        scored = _scored(owner, labels, failing[0], selector, alone=len(selector) == 1)
        if scored is not None and (best is None or scored[0] > best[0]):
            best = scored
    return best[1] if best else None


def _scored(
    owner: str, labels: Mapping[str, str], key: str, selector: Mapping[str, str], *, alone: bool
) -> tuple[float, Near] | None:
    """Score one near miss. When nothing else fits (`alone`), only a value that is alike counts."""
    asked = selector[key]
    text = ", ".join(f"{k}={v}" for k, v in sorted(labels.items()) if not k.endswith("-hash"))
    if key in labels:
        alike = difflib.SequenceMatcher(None, asked, labels[key]).ratio()
        if alone and alike < _ALIKE:
            return None
        return 1 + alike, Near(owner, key, asked, key, labels[key], text)
    same = next((k for k, v in sorted(labels.items()) if v == asked), None)
    return (1.0, Near(owner, key, asked, same, asked, text)) if same else None


def _candidates(index: Index) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Give the labels of each workload's pods, once, and of the pods that stand alone."""
    for workload in index.snapshot.workloads:
        yield workload.meta.name, workload.template_labels
    for pod in index.snapshot.pods:
        if pod.meta.deleted_at is None and not pod.is_finished:
            yield index.target_of(pod).name, pod.meta.labels
