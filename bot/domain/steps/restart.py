"""Replace the pods of a workload, a few at a time, by the same ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bot.domain.live import (
    RESTARTED,
    Live,
    Reads,
    annotations_of,
    metadata_of,
    revision_template,
    template_digest,
    template_of,
)
from bot.domain.steps.base import Compared, Stamp, Standing, Write, is_paused, marked_revision, patch


@dataclass(frozen=True, slots=True, kw_only=True)
class Restart:
    """Set the time of the restart, which is the plan's own time, into the pod template with the digest `template`."""

    reads: ClassVar[frozenset[Reads]] = frozenset({Reads.REVISIONS})
    marked: ClassVar[bool] = True

    kind: str
    template: str

    def compare(self, live: Live, stamp: Stamp) -> Compared:
        """Compare the template, and whether it carries the time."""
        template = template_of(live.object)
        if annotations_of(template).get(RESTARTED) == stamp.at:
            return Compared(Standing.TO)
        if template_digest(template) != self.template:
            return Compared(Standing.OTHER, "its pod template was changed")
        if is_paused(live.object):
            return Compared(Standing.OTHER, "it is paused now")
        return Compared(Standing.FROM)

    def writes(self, live: Live, stamp: Stamp) -> tuple[Write, ...]:
        """Set the time, beside the template's other annotations."""
        template = template_of(live.object)
        wanted = {**annotations_of(template), RESTARTED: stamp.at}
        if not metadata_of(template):
            change = {"op": "add", "path": "/spec/template/metadata", "value": {"annotations": wanted}}
        else:
            change = {"op": "add", "path": "/spec/template/metadata/annotations", "value": wanted}
        return patch(self.kind, live, stamp, change)

    def trace(self, live: Live, stamp: Stamp, *, generation: int) -> str:
        """Look for a revision that carries the mark, or whose template carries the time."""
        del generation
        for revision in live.revisions:
            if annotations_of(revision_template(revision)).get(RESTARTED) == stamp.at:
                return f"revision {metadata_of(revision).get('name', '')} was made by this restart"
        return marked_revision(live, stamp)
