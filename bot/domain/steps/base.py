"""What every step can say, purely: how the target stands to it, what to write, and which traces it leaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Protocol

from bot.domain.live import MARKER, VOID, Json, Live, Reads, annotations_of, metadata_of
from bot.domain.objects.meta import CHANGE_CAUSE


class Standing(StrEnum):
    """How a target stands to a step: as it was planned for, as the step would leave it, or neither."""

    FROM = "from"
    TO = "to"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Compared:
    """A comparison; `difference` says for people what is not as planned (empty unless OTHER)."""

    standing: Standing
    difference: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What a write carries besides its change; all of it comes from the stored operation, so a repeat is the same.

    `at` is the plan's time, UTC to the second (`2026-11-24T14:12:05Z`); `cause` is the change-cause for people.
    """

    operation_id: str
    at: str
    cause: str


@dataclass(frozen=True, slots=True)
class Patch:
    """A JSON Patch of one object. It begins by replacing the resourceVersion with the one that was read; else 409."""

    kind: str
    name: str
    operations: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Eviction:
    """An eviction of the pod with this uid and resourceVersion, which respects disruption budgets."""

    name: str
    uid: str
    resource_version: str


@dataclass(frozen=True, slots=True)
class Deletion:
    """The deletion of the finished pod with this uid and resourceVersion."""

    name: str
    uid: str
    resource_version: str


Write = Patch | Eviction | Deletion


class Step(Protocol):
    """One change of one target. Closed: `bot.domain.steps.AnyStep` names all there are.

    `marked`: the write leaves the operation's id at the target. Without it, what is gone tells that it happened.
    """

    reads: ClassVar[frozenset[Reads]]
    marked: ClassVar[bool]

    def compare(self, live: Live, stamp: Stamp) -> Compared:
        """Say how the target (which exists, with the planned uid) stands to this step."""
        ...

    def writes(self, live: Live, stamp: Stamp) -> tuple[Write, ...]:
        """Return what to send; called only when `compare` said FROM of the same `live`."""
        ...

    def trace(self, live: Live, stamp: Stamp, *, generation: int) -> str:
        """Say by what it shows that the step happened although the marker is not there; empty if nothing shows it.

        `generation` is the target's when the attempt began.
        """
        ...


def patch(
    kind: str, live: Live, stamp: Stamp, *changes: Mapping[str, Any], over: Mapping[str, str] | None = None
) -> tuple[Write, ...]:
    """Make the patch of a marked step: the precondition, the changes, and all annotations with our marks set last.

    `over` are the annotations to start from, where it is not the object's own.
    """
    marks = {MARKER: stamp.operation_id, CHANGE_CAUSE: stamp.cause}
    wanted = {**(annotations_of(live.object) if over is None else over), **marks}
    return (
        Patch(
            kind,
            str(metadata_of(live.object).get("name", "")),
            (
                {"op": "replace", "path": "/metadata/resourceVersion", "value": live.resource_version},
                *changes,
                {"op": "add", "path": "/metadata/annotations", "value": wanted},
            ),
        ),
    )


def void_patch(kind: str, live: Live, mark: str) -> Patch:
    """Make the patch that changes nothing but the void mark: no write made for an earlier version can pass after it."""
    return Patch(
        kind,
        str(metadata_of(live.object).get("name", "")),
        (
            {"op": "replace", "path": "/metadata/resourceVersion", "value": live.resource_version},
            {"op": "add", "path": "/metadata/annotations", "value": {**annotations_of(live.object), VOID: mark}},
        ),
    )


def marked_revision(live: Live, stamp: Stamp) -> str:
    """Say that a revision carries this operation's id: its controller copied it there, so it had been applied."""
    for revision in live.revisions:
        if annotations_of(revision).get(MARKER) == stamp.operation_id:
            return f"revision {metadata_of(revision).get('name', '')} carries this request's mark"
    return ""


def spec_of(of: Json | None) -> Json:
    """Return an object's spec; empty without one."""
    found: Json = (of or {}).get("spec") or {}
    return found


def is_paused(of: Json | None) -> bool:
    """Tell whether a Deployment is paused: the API takes a new template then, but no pod moves."""
    return bool(spec_of(of).get("paused"))
