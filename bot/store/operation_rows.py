"""Operations <-> rows. Pure. What a newer version wrote, or somebody changed by hand, is refused, never guessed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from bot.domain.operations import CardCopy, Effect, Operation, Progress, Resolution, State, Verdict, Vote
from bot.domain.plans import canonical, digest_of, plan_of
from bot.domain.records import Records
from bot.domain.requests import Place
from bot.errors import StoreRefused
from bot.redaction import redact
from bot.store.connections import Row

RECORDS = Records((Progress, Verdict, CardCopy))

T = TypeVar("T", Progress, Verdict)


def asked(operation: Operation) -> Mapping[str, object]:
    """Return the columns that never change: what was asked for, by whom, where it is shown, and to whom besides."""
    plan, target = operation.plan, operation.plan.draft.target
    return {
        "id": operation.id,
        "plan": canonical(plan),
        "digest": operation.digest,
        "step": type(plan.draft.step).__name__,
        "requester_user": plan.requester.user_id,
        "requester_team": plan.requester.team_id,
        "human": plan.human,
        "cluster": target.scope.cluster,
        "namespace": target.scope.namespace,
        "kind": target.kind,
        "name": target.name,
        "uid": target.uid,
        "policy_version": plan.policy_version,
        "channel": operation.place.channel,
        "thread": operation.place.thread,
        "created_at": operation.created_at,
        "expires_at": operation.expires_at,
        "copies": json.dumps([RECORDS.encoded(each) for each in operation.copies], separators=(",", ":")),
    }


def standing(operation: Operation) -> Mapping[str, object]:
    """Return the columns that change. What people and clusters said is cleaned and masked."""
    progress = operation.progress
    if progress is not None:
        progress = replace(progress, note=redact(progress.note))
    return {
        "state": operation.state.value,
        "effect": None if operation.effect is None else operation.effect.value,
        "approved_at": operation.approved_at,
        "execute_by": operation.execute_by,
        "began_at": operation.began_at,
        "written_at": operation.written_at,
        "ended_at": operation.ended_at,
        "version": operation.version,
        "generation": operation.generation,
        "outcome": redact(operation.outcome),
        "closed_by": operation.closed_by,
        "resolution": None if operation.resolution is None else operation.resolution.value,
        "progress": _text(progress),
        "verdict": _text(operation.verdict),
        "verdict_due": operation.verdict_due,
        "reminded": operation.reminded,
        "fence": operation.fence,
    }


def votes_text(operation: Operation) -> str:
    """Return the votes as the JSON that `votes_save` takes, numbered in the order of the clicks."""
    votes = [
        {
            "number": number,
            "human": vote.human,
            "user_id": vote.user_id,
            "team_id": vote.team_id,
            "sets": vote.sets,
            "digest": vote.digest,
            "cast_at": vote.cast_at.isoformat(),
            "groups": vote.groups,
            "groups_read_at": None if vote.groups_read_at is None else vote.groups_read_at.isoformat(),
            "void": redact(vote.void),
        }
        for number, vote in enumerate(operation.votes, 1)
    ]
    return json.dumps(votes)


def operation_of(row: Row) -> Operation:
    """Read a row of `operations_read`. Raises `StoreRefused`; so does a plan that is not the one its digest is of."""
    try:
        if digest_of(row["plan"]) != row["digest"]:
            raise StoreRefused(f"The plan of the request {row['id']} was changed: it has another digest than its row.")
        return Operation(
            id=row["id"],
            plan=plan_of(row["plan"]),
            digest=row["digest"],
            state=State(row["state"]),
            place=Place(row["channel"], row["thread"]),
            created_at=row["created_at"].astimezone(UTC),
            expires_at=row["expires_at"].astimezone(UTC),
            effect=None if row["effect"] is None else Effect(row["effect"]),
            votes=tuple(_vote(vote) for vote in row["votes"] or ()),
            approved_at=_utc(row["approved_at"]),
            execute_by=_utc(row["execute_by"]),
            began_at=_utc(row["began_at"]),
            written_at=_utc(row["written_at"]),
            ended_at=_utc(row["ended_at"]),
            fence=row["fence"],
            version=row["version"],
            generation=row["generation"],
            outcome=row["outcome"],
            closed_by=row["closed_by"],
            resolution=None if row["resolution"] is None else Resolution(row["resolution"]),
            progress=_record(row["progress"], Progress),
            verdict=_record(row["verdict"], Verdict),
            verdict_due=_utc(row["verdict_due"]),
            reminded=row["reminded"],
            copies=tuple(_copy(each) for each in json.loads(row["copies"])),
        )
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise StoreRefused(
            f"The request {row['id']} cannot be read ({error}).",
            advice="A newer version of ragops wrote it: let that version finish its work.",
        ) from error


def _vote(vote: Mapping[str, Any]) -> Vote:
    read_at = vote["groups_read_at"]
    return Vote(
        human=vote["human"],
        user_id=vote["user_id"],
        team_id=vote["team_id"],
        sets=tuple(vote["sets"]),
        digest=vote["digest"],
        cast_at=datetime.fromisoformat(vote["cast_at"]).astimezone(UTC),
        groups=tuple(vote["groups"]),
        groups_read_at=None if read_at is None else datetime.fromisoformat(read_at).astimezone(UTC),
        void=vote["void"],
    )


def _copy(content: object) -> CardCopy:
    record = RECORDS.decoded(content, CardCopy)
    if not isinstance(record, CardCopy):
        raise TypeError(f"{type(record).__name__} where a copy of a card belongs")
    return record


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC)


def _text(record: Progress | Verdict | None) -> str | None:
    return None if record is None else json.dumps(RECORDS.encoded(record), separators=(",", ":"))


def _record(text: str | None, kind: type[T]) -> T | None:
    if text is None:
        return None
    record = RECORDS.decoded(json.loads(text), kind)
    if not isinstance(record, kind):
        raise TypeError(f"{type(record).__name__} where {kind.__name__} belongs")
    return record
