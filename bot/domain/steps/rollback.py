"""Give a workload the pod template of one of its revisions again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from bot.domain.live import (
    Json,
    Live,
    Reads,
    annotations_of,
    metadata_of,
    revision_template,
    template_digest,
    template_of,
)
from bot.domain.objects.meta import REVISION
from bot.domain.steps.base import Compared, Stamp, Standing, Write, is_paused, marked_revision, patch

# What kubectl keeps of the workload's own annotations; all others come from the revision
# (kubectl, pkg/polymorphichelpers/rollback.go).
_KEPT = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration",
        REVISION,
        "deployment.kubernetes.io/revision-history",
        "deployment.kubernetes.io/desired-replicas",
        "deployment.kubernetes.io/max-replicas",
        "deprecated.deployment.rollback.to",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollback:
    """From the template with the digest `template` to that of the revision object with this uid.

    The number is for people: it changes when the revision is used again, and may then belong to another.
    `revision_name` is the ReplicaSet's or ControllerRevision's.
    """

    reads: ClassVar[frozenset[Reads]] = frozenset({Reads.REVISIONS})
    marked: ClassVar[bool] = True

    kind: str
    template: str
    revision: int
    revision_name: str
    revision_uid: str
    to_template: str

    def compare(self, live: Live, stamp: Stamp) -> Compared:
        """Compare the template; the revision must still be there with the same content."""
        del stamp
        now = template_digest(template_of(live.object))
        if now == self.to_template:
            return Compared(Standing.TO)
        if now != self.template:
            return Compared(Standing.OTHER, "its pod template was changed")
        source = self._source(live)
        if source is None:
            return Compared(Standing.OTHER, f"revision {self.revision} is gone")
        if template_digest(revision_template(source)) != self.to_template:
            return Compared(Standing.OTHER, f"revision {self.revision} has other content now")
        if is_paused(live.object):
            return Compared(Standing.OTHER, "it is paused now")
        return Compared(Standing.FROM)

    def writes(self, live: Live, stamp: Stamp) -> tuple[Write, ...]:
        """Replace the template whole, with the annotations that kubectl would set and ours over them."""
        source = self._source(live)
        if source is None:
            raise ValueError("the revision is gone, which compare would have told")
        change = {"op": "replace", "path": "/spec/template", "value": revision_template(source)}
        return patch(self.kind, live, stamp, change, over=self._annotations(live, source))

    def trace(self, live: Live, stamp: Stamp, *, generation: int) -> str:
        """Look for a revision that carries the mark, or for the target under another number: it was used again."""
        del generation
        source = self._source(live)
        if source is not None and number_of(source) != self.revision:
            return f"revision {self.revision} is numbered {number_of(source)} now: it was used again"
        return marked_revision(live, stamp)

    def _source(self, live: Live) -> Json | None:
        return next((r for r in live.revisions if metadata_of(r).get("uid") == self.revision_uid), None)

    def _annotations(self, live: Live, source: Json) -> Mapping[str, str]:
        own = annotations_of(live.object)
        if self.kind != "Deployment":
            return own
        theirs = {name: value for name, value in annotations_of(source).items() if name not in _KEPT}
        return {**{name: value for name, value in own.items() if name in _KEPT}, **theirs}


def number_of(revision: Json) -> int:
    """Return the number of a ReplicaSet or a ControllerRevision; 0 where it has none."""
    if "revision" in revision:
        return int(revision["revision"])
    text = annotations_of(revision).get(REVISION, "")
    return int(text) if text.isdecimal() else 0
