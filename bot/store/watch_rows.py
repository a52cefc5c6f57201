"""What watching keeps <-> rows. Pure. Texts are cleaned and cut, figures bounded: no cluster's word stops a minute."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from bot.domain.findings import Severity
from bot.domain.targets import ClusterName, Namespace, ObjectRef, Scope
from bot.domain.text import Redacted
from bot.domain.watch.episodes import Silence
from bot.domain.watch.samples import Note, Problem, ProblemSpan, Sample, SampleAt
from bot.domain.watch.schedules import Pause, SlotRun
from bot.redaction import clean
from bot.store.connections import Row

LONGEST_KEY = 500
LONGEST_TITLE = 300
LONGEST_WORDS = 2000
LONGEST_NAME = 253
LONGEST_PERSON = 200
_MOST = 2**31 - 1
_MOST_BYTES = 2**62


def utc(moment: datetime) -> datetime:
    """Return a moment of the database in UTC."""
    return moment.astimezone(UTC)


def aware(moment: datetime) -> datetime:
    """Return a moment that says what it means. Raises ValueError for one without its time zone."""
    if moment.tzinfo is None:
        raise ValueError("a moment needs its time zone")
    return moment


def place(scope: Scope) -> dict[str, str]:
    """Return a scope's columns."""
    return {"cluster": scope.cluster, "namespace": scope.namespace}


def key_of(text: str) -> str:
    """Return what tells a text from others, and fits into an index: the text itself, unless it is long or unclean."""
    kept = clean(text)
    if kept == text and 0 < len(text) <= LONGEST_KEY:
        return text
    seal = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return f"{kept[: LONGEST_KEY - len(seal) - 1]}~{seal}"


def cut(text: str, longest: int) -> str:
    """Return a clean text of at most so many characters."""
    text = clean(text)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def samples_text(samples: Sequence[Sample]) -> str:
    """Return samples as the JSON that `samples_add` takes."""
    return json.dumps([_sample_columns(sample) for sample in samples])


def _sample_columns(sample: Sample) -> Mapping[str, object]:
    return {
        "kind": cut(sample.ref.kind, LONGEST_NAME),
        "name": cut(sample.ref.name, LONGEST_NAME),
        "desired": _count(sample.desired),
        "ready": _count(sample.ready),
        "restarts": _count(sample.restarts),
        "warnings": _count(sample.warnings),
        "cpu_m": _count(sample.cpu_m),
        "memory": _count(sample.memory, most=_MOST_BYTES),
        "cpu_share": _figure(sample.cpu_share),
        "memory_share": _figure(sample.memory_share),
        "probe_ms": _figure(sample.probe_ms),
        "probe_failed": sample.probe_failed,
    }


def _count(number: int | None, *, most: int = _MOST) -> int | None:
    return None if number is None else min(max(number, 0), most)


def _figure(number: float | None) -> float | None:
    """Return a figure with six digits, as a `real` has them; None for what is none."""
    if number is None or not math.isfinite(number):
        return None
    return float(f"{min(max(number, 0.0), 1e9):.6g}")


def sample_of(row: Row) -> SampleAt:
    """Read a row of `samples_since`."""
    sample = Sample(
        ref=ObjectRef(row["kind"], row["namespace"], row["name"]),
        desired=row["desired"],
        ready=row["ready"],
        restarts=row["restarts"],
        cpu_m=row["cpu_m"],
        cpu_share=row["cpu_share"],
        memory=row["memory"],
        memory_share=row["memory_share"],
        probe_ms=row["probe_ms"],
        probe_failed=row["probe_failed"],
        warnings=row["warnings"],
    )
    return SampleAt(utc(row["minute"]), sample)


def problems_text(problems: Sequence[Problem]) -> str:
    """Return problems as the JSON that `problems_see` takes: each key once."""
    columns = {
        key_of(problem.key): {
            "key": key_of(problem.key),
            "severity": problem.severity.value,
            "title": cut(problem.title, LONGEST_TITLE),
            "words": cut(problem.words, LONGEST_WORDS),
        }
        for problem in problems
    }
    return json.dumps(list(columns.values()))


def span_of(row: Row, scope: Scope) -> ProblemSpan:
    """Read a row of `problems_since`."""
    problem = Problem(
        key=row["key"], severity=Severity(row["severity"]), title=row["title"], words=Redacted(row["words"])
    )
    return ProblemSpan(
        scope=scope,
        problem=problem,
        began_at=utc(row["began_at"]),
        seen_at=utc(row["seen_at"]),
        ended_at=None if row["ended_at"] is None else utc(row["ended_at"]),
    )


def note_columns(note: Note) -> Mapping[str, object]:
    """Return a note's columns."""
    return {
        **place(note.scope),
        "key": key_of(note.key),
        "kind": cut(note.kind, 100),
        "object_kind": cut(note.ref.kind, LONGEST_NAME),
        "object_namespace": cut(note.ref.namespace, LONGEST_NAME),
        "object_name": cut(note.ref.name, LONGEST_NAME),
        "words": cut(note.words, LONGEST_WORDS),
        "at": aware(note.at),
    }


def note_of(row: Row, scope: Scope) -> Note:
    """Read a row of `notes_since`."""
    return Note(
        key=row["key"],
        kind=row["kind"],
        scope=scope,
        ref=ObjectRef(row["object_kind"], row["object_namespace"], row["object_name"]),
        words=Redacted(row["words"]),
        at=utc(row["at"]),
    )


def silence_of(row: Row) -> Silence:
    """Read a row of `silences_that_hold`."""
    return Silence(
        id=row["id"],
        what=row["what"],
        scope=Scope(ClusterName(row["cluster"]), Namespace(row["namespace"])),
        by=row["added_by"],
        at=utc(row["at"]),
        until=utc(row["until"]),
        why=row["why"],
    )


def pause_of(row: Row) -> Pause:
    """Read a row of `schedules_paused`."""
    until = row["until"]
    return Pause(
        name=row["name"],
        by=row["paused_by"],
        at=utc(row["at"]),
        until=None if until is None else utc(until),
        why=row["why"],
    )


def run_of(row: Row) -> SlotRun:
    """Read a row of `slots_runs`."""
    done_at = row["done_at"]
    return SlotRun(
        name=row["name"],
        due_at=utc(row["due_at"]),
        began_at=utc(row["claimed_at"]),
        done_at=None if done_at is None else utc(done_at),
        outcome=row["outcome"],
    )
