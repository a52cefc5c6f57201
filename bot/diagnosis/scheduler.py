"""What the scheduler says of a pod that waits, taken apart into reasons with their numbers of nodes.

Source of the sentences: the filter plug-ins and `FitError` of Kubernetes 1.34 (pkg/scheduler/framework).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.diagnosis.placement import CONDITION_TAINTS, Hindrance

_HEAD = re.compile(r"^\d+/(\d+) nodes are available: ")
_TAIL = re.compile(r"[.,]? (?:no new claims to deallocate,|preemption:).*$", re.DOTALL)
_REASON = re.compile(r"^(\d+) (.+)$", re.DOTALL)
_TAINT = re.compile(r"\{([^}:]+): ?([^}]*)\}")
_SENTENCES = (
    ("insufficient cpu", Hindrance.CPU),
    ("insufficient memory", Hindrance.MEMORY),
    ("insufficient pods", Hindrance.PODS),
    ("too many pods", Hindrance.PODS),
    ("insufficient ephemeral-storage", Hindrance.STORAGE),
    ("insufficient ", Hindrance.EXTENDED),
    ("node affinity/selector", Hindrance.SELECTOR),
    ("didn't match node selector", Hindrance.SELECTOR),
    ("nodename", Hindrance.SELECTOR),
    ("were unschedulable", Hindrance.UNAVAILABLE),
    (CONDITION_TAINTS, Hindrance.UNAVAILABLE),
    ("taint", Hindrance.TAINT),
    ("free ports", Hindrance.PORT),
    ("volume node affinity conflict", Hindrance.VOLUME_PLACE),
    ("no available volume zone", Hindrance.VOLUME_PLACE),
    ("unbound immediate persistentvolumeclaim", Hindrance.CLAIM),
    ("available persistent volumes to bind", Hindrance.CLAIM),
    ("persistentvolumeclaim", Hindrance.CLAIM),
    ("anti-affinity", Hindrance.RULES),
    ("pod affinity", Hindrance.RULES),
    ("topology spread", Hindrance.RULES),
)


@dataclass(frozen=True, slots=True)
class Said:
    """One reason of the scheduler: how many nodes it keeps out (None: all of them), and its words."""

    kind: Hindrance
    words: str
    nodes: int | None = None


def reasons(message: str) -> tuple[Said, ...]:
    """Take the scheduler's sentence apart; what it says of preemption is left out."""
    head = _HEAD.match(message)
    if head is None:
        return (Said(_kind_of(message), message.strip()),) if message.strip() else ()
    body = _TAIL.sub("", message[head.end() :]).rstrip(" .,")
    found = []
    for part in re.split(r", (?=\d+ )", body):
        counted = _REASON.match(part)
        words = (counted[2] if counted else part).strip(" .,")
        if words:
            found.append(Said(_kind_of(words), words, int(counted[1]) if counted else None))
    return tuple(found)


def nodes_in_all(message: str) -> int | None:
    """Return how many nodes the scheduler looked at."""
    head = _HEAD.match(message)
    return int(head[1]) if head else None


def taint_in(words: str) -> str:
    """Return the taint that a reason names, as `key=value`; empty when it names none."""
    found = _TAINT.search(words)
    return f"{found[1]}{'=' + found[2] if found[2] else ''}" if found else ""


def _kind_of(words: str) -> Hindrance:
    lowered = words.lower()
    return next((kind for sentence, kind in _SENTENCES if sentence in lowered), Hindrance.OTHER)
