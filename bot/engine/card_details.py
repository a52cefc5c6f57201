"""All there is to know of one request: the whole plan, what its words stand for, and by what it was judged. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator

from bot.domain.operations import Operation, Vote
from bot.domain.plans import RECORDS
from bot.domain.records import TAG
from bot.domain.view import Block, Code, Fields, Line, Mention, Paragraph, View, bold, line
from bot.engine.card_plans import change_blocks
from bot.engine.card_states import face_of
from bot.engine.card_words import exactly, one_line, rule_words
from bot.redaction import redact


def details_view(operation: Operation) -> View:
    """Show a request with all that its plan holds and all that was looked at; the seal is shown to nobody.

    What stands on the card leads; below it is what an approver may want to compare by hand.
    """
    face = face_of(operation)
    votes = tuple(_vote_line(vote) for vote in operation.votes)
    blocks: list[Block] = [face.headline, Paragraph((*face.lines, *face.who)), *change_blocks(operation.plan.draft)]
    blocks.append(Fields(tuple((label, one_line(text)) for label, text in _facts(operation))))
    if votes:
        blocks.append(Paragraph((line(bold("Approvals, and what they were judged by")), *votes)))
    blocks.append(Code(_step_text(operation), "step.json"))
    return View(face.headline.text, tuple(blocks))


def _facts(operation: Operation) -> Iterator[tuple[str, str]]:
    plan, draft = operation.plan, operation.plan.draft
    target = draft.target
    yield "object", f"{target.ref} in {target.scope}" + (f", uid {target.uid}" if target.uid else "")
    yield "command", plan.command
    yield "risk", draft.risk.value
    yield "wrong before", "; ".join(symptom.title for symptom in draft.symptoms) or "nothing that was seen"
    yield "dry run", f"the API server took the change for a try, after {exactly(operation.created_at)}"
    yield "approved by", rule_words(plan.rule)
    yield "policy", plan.policy_version
    yield "waits until", exactly(operation.expires_at)
    if operation.execute_by is not None:
        yield "begins before", exactly(operation.execute_by)
    if draft.inverse:
        yield "undone by", draft.inverse
    yield "fingerprint", operation.digest
    yield "request", operation.id


def _vote_line(vote: Vote) -> Line:
    read = f", groups read at {exactly(vote.groups_read_at)}" if vote.groups_read_at is not None else ""
    groups = f" ({', '.join(vote.groups)})" if vote.groups else ""
    void = f" · no longer counted: {one_line(vote.void)}" if vote.void else ""
    words = f" as {', '.join(map(one_line, vote.sets))}{groups}, at {exactly(vote.cast_at)}{read}{void}"
    return line(Mention(vote.user_id), words)


def _step_text(operation: Operation) -> str:
    """Return the step as the fingerprint binds it: the values that are compared, and those that are set."""
    return redact(json.dumps(_untagged(RECORDS.encoded(operation.plan.draft.step)), indent=2, sort_keys=True))


def _untagged(value: object) -> object:
    if isinstance(value, dict):
        kind = {"step": value[TAG]} if TAG in value else {}
        return kind | {key: _untagged(each) for key, each in value.items() if key != TAG}
    return [_untagged(each) for each in value] if isinstance(value, list) else value
