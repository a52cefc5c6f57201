"""What tells the pods of a StatefulSet apart: their ordinal, and the revision that each was made from."""

from __future__ import annotations

from bot.domain.objects import Pod

REVISION_LABEL = "controller-revision-hash"


def ordinal(pod: Pod) -> int:
    """Return the number at the end of the pod's name; -1 where there is none."""
    _, _, number = pod.meta.name.rpartition("-")
    return int(number) if number.isdecimal() and number.isascii() else -1


def revision_of(pod: Pod) -> str:
    """Return the name of the controller revision a pod was made from; empty when it carries none."""
    return pod.meta.labels.get(REVISION_LABEL, "")
