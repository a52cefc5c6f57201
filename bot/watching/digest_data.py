"""A digest for programs. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from bot.domain.charts import chart_data
from bot.domain.operations import Operation, approvers
from bot.domain.view import Mark
from bot.domain.watch.samples import Note
from bot.watching.digest_lines import chart_of, unseen_words, verdict_words
from bot.watching.digests import (
    Digest,
    Ground,
    episode_title,
    happened,
    lost,
    overs,
    requests,
    standing,
    told_at,
    troubles,
    warnings,
)

# For scripts: 1 something needs a person, 2 it is not known whether something does.
EXIT_CODES: Final[Mapping[Mark, int]] = {
    Mark.OK: 0,
    Mark.INFO: 0,
    Mark.WARNING: 1,
    Mark.CRITICAL: 1,
    Mark.UNKNOWN: 2,
}


def digest_data(digest: Digest, places: Sequence[Ground]) -> dict[str, object]:
    """Return everything that a digest says, and the figures of its pictures."""
    return {
        "digest": digest.plan.name,
        "at": _exactly(digest.now),
        "due": _exactly(digest.due) if digest.due else None,
        "late_s": round(digest.late.total_seconds()) if digest.is_late else 0,
        "since": _exactly(digest.since),
        "places": [_place(digest, ground) for ground in places],
    }


def _place(digest: Digest, ground: Ground) -> dict[str, object]:
    chart = chart_of(digest, ground)
    return {
        "cluster": ground.scope.cluster,
        "namespace": ground.scope.namespace,
        "verdict": standing(ground, digest.since).value,
        "words": verdict_words(digest, ground)[0],
        "needs_you": [
            {
                "service": each.service,
                "title": each.title,
                "severity": each.severity.word,
                "words": each.words,
                "new": each.new,
                "since": _exactly(each.since) if each.since else None,
                "next": each.next.text if each.next else "",
            }
            for each in troubles(ground, digest.since)
        ],
        "resolved": [
            {"title": each.title, "began_at": _exactly(each.began_at), "ended_at": _exactly(each.ended_at)}
            for each in overs(ground, digest.since)
        ],
        "not_known_to_be_over": [
            {
                "title": episode_title(each),
                "ending": each.ending.value,
                "ended_at": _exactly(each.resolved_at) if each.resolved_at else None,
            }
            for each in lost(ground, digest.since)
        ],
        "changed": list(_changed(digest, ground)),
        "warnings": {"last_24_hours": warnings(ground.buckets), "day_before": warnings(ground.before)},
        "not_looked_at": unseen_words(ground),
        "chart": chart_data(chart) if chart else None,
    }


def _changed(digest: Digest, ground: Ground) -> Iterator[dict[str, object]]:
    notes = [(note.at, _note(note)) for note in happened(ground, digest.since)]
    asked = [(told_at(each), _request(each)) for each in requests(ground, digest.since)]
    yield from (told for _, told in sorted([*notes, *asked], key=lambda each: each[0]))


def _note(note: Note) -> dict[str, object]:
    return {"at": _exactly(note.at), "kind": note.kind, "object": str(note.ref), "words": note.words}


def _request(operation: Operation) -> dict[str, object]:
    return {
        "at": _exactly(told_at(operation)),
        "kind": "request",
        "request": operation.id,
        "state": operation.state.value,
        "words": operation.plan.draft.words.title,
        "requester": operation.plan.requester.user_id,
        "approvers": list(approvers(operation)),
    }


def _exactly(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")
