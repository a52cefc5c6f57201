"""What a decision comes to: an operation, what is said to it, what was seen, the time -> the operation from then on.

No I/O: whoever calls holds the row's lock and keeps what comes out. A `NotPossible` has the reason for the person.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.domain import transitions as states
from bot.domain.actions import DecisionKind
from bot.domain.ballots import requesters, voters
from bot.domain.operations import Operation, Resolution, State, Vote, overdue
from bot.domain.people import Standing
from bot.domain.policy import Authorization
from bot.domain.requests import Request, Surface
from bot.domain.transitions import NotPossible
from bot.domain.view import View
from bot.engine import replies
from bot.engine.addressing import Addressed
from bot.engine.card_words import waited_for
from bot.engine.cards import outcome_view
from bot.engine.evidence import FRESH_S, Evidence, policy_problem, sets_held
from bot.engine.keeping import entry, via
from bot.engine.workshop import Workshop
from bot.errors import UsageError
from bot.ports import AuditEntry

_RESOLUTIONS = {each.value.replace(" ", ""): each for each in Resolution}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a person says to a request, and by which way."""

    request: Request
    kind: DecisionKind
    words: str
    meant: Addressed


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was read for a decision, and when that began; what the kind of decision does not need is None.

    `problem` says why the target could not be read.
    """

    at: datetime
    rights: Authorization | None = None
    evidence: Evidence | None = None
    problem: str = ""

    @property
    def resource_version(self) -> str:
        return self.evidence.live.resource_version if self.evidence is not None else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """The operation as it is from now on, what the audit says of it, and who is told what."""

    operation: Operation
    written: AuditEntry
    answer: View
    told: View | None = None


class Stale(Exception):
    """What was read is too old by now, or not what is needed any more."""


def decided(workshop: Workshop, operation: Operation, said: Said, seen: Seen, now: datetime) -> Decided:
    """Decide, by the database's time. Raises `NotPossible`, `Stale`, and `UsageError` for words without a sense."""
    if said.request.surface is Surface.TERMINAL:
        raise NotPossible("A terminal may ask for changes, but decide on none: do that in chat.")
    match said.kind:
        case DecisionKind.APPROVE:
            return _approve(workshop, operation, said, seen, now)
        case DecisionKind.DENY:
            return _deny(workshop, operation, said, seen, now)
        case DecisionKind.CANCEL:
            return _cancel(workshop, operation, said, now)
        case DecisionKind.WITHDRAW:
            return _withdraw(workshop, operation, said, now)
        case DecisionKind.RESOLVE:
            return _resolve(operation, said, seen)


def _approve(workshop: Workshop, operation: Operation, said: Said, seen: Seen, now: datetime) -> Decided:
    """Count an approval. Whether anything can be decided is judged first, then the target, then the person."""
    if operation.state is State.PENDING and not overdue(operation, now):
        still_fresh(workshop, seen)
        if seen.problem:
            return Decided(
                operation=operation,
                written=refusal(operation, said, seen, seen.problem),
                answer=replies.unreadable(operation, seen.problem),
            )
        moved = (seen.evidence.problem if seen.evidence else "") or policy_problem(workshop, operation)
        if moved and said.meant.digest == operation.digest:
            return _superseded(operation, said, seen, moved, now)
    vote = _vote(workshop, operation, said, seen, now)
    approved = states.approve(operation, vote, now=now, execute_within_s=workshop.policy.execute_within_s)
    written = entry(
        approved,
        "vote",
        actor=vote.user_id,
        result="approved" if approved.state is State.APPROVED else "recorded",
        **_who(said),
        human=vote.human,
        sets=", ".join(vote.sets),
        groups=" ".join(vote.groups),
        groups_read_at=_moment(vote.groups_read_at),
        resource_version=seen.resource_version,
        reason=said.words,
    )
    return Decided(operation=approved, written=written, answer=replies.counted(approved))


def still_fresh(workshop: Workshop, seen: Seen) -> None:
    """Raise `Stale` when what was read is too old, or was not read because it seemed not to matter."""
    if seen.rights is None or (seen.evidence is None and not seen.problem):
        raise Stale
    if (workshop.clock.now() - seen.at).total_seconds() > FRESH_S:
        raise Stale


def _vote(workshop: Workshop, operation: Operation, said: Said, seen: Seen, now: datetime) -> Vote:
    """Return the person's vote, with the sets that they could fill now.

    An account is the human it is known to belong to now, or was when the request was made or another vote was cast.
    """
    policy, actor, rights = workshop.policy, said.request.actor, seen.rights
    human = policy.human_of(actor.user_id)
    if human in requesters(workshop.policy, operation):
        human = operation.plan.human
    human = next((vote.human for vote in operation.counted if human in voters(workshop.policy, (vote,))), human)
    open_to = operation.state is State.PENDING and not overdue(operation, now) and human != operation.plan.human
    if rights is not None and open_to:
        _known(rights)
    member = rights.membership if rights is not None else None
    bound = {group for binding in workshop.rights.policy.bindings for group in binding.groups}
    bound |= {group for each in operation.plan.rule.sets for group in each.groups}
    return Vote(
        human=human,
        user_id=actor.user_id,
        team_id=actor.team_id,
        sets=sets_held(workshop, operation, rights, policy.on_call(now)) if rights is not None else (),
        digest=said.meant.digest,
        cast_at=now,
        groups=tuple(sorted(bound & member.groups)) if member is not None else (),
        groups_read_at=member.read_at if member is not None else None,
    )


def _superseded(operation: Operation, said: Said, seen: Seen, why: str, now: datetime) -> Decided:
    ended = states.supersede(operation, why, now=now)
    who, version = _who(said), seen.resource_version
    return Decided(
        operation=ended,
        written=entry(ended, "superseded", actor=said.request.actor.user_id, **who, why=why, resource_version=version),
        answer=replies.drifted(ended),
        told=outcome_view(ended),
    )


def _deny(workshop: Workshop, operation: Operation, said: Said, seen: Seen, now: datetime) -> Decided:
    """Refuse it for good: whoever could approve it may, and whoever holds the permission where it would happen."""
    actor = said.request.actor
    denied = states.deny(operation, actor.user_id, said.words, now=now)
    if seen.rights is None:
        raise Stale
    _known(seen.rights)
    on_call = workshop.policy.on_call(now)
    if not seen.rights.allowed and not sets_held(workshop, operation, seen.rights, on_call, DecisionKind.DENY):
        raise NotPossible("Only who could approve it can deny it; who asked for it can cancel it.")
    return Decided(
        operation=denied,
        written=entry(denied, "denied", actor=actor.user_id, **_who(said), reason=said.words),
        answer=replies.done(denied, "Denied. It will not be carried out."),
        told=outcome_view(denied),
    )


def _cancel(workshop: Workshop, operation: Operation, said: Said, now: datetime) -> Decided:
    actor, requester = said.request.actor, operation.plan.requester
    own = workshop.policy.human_of(actor.user_id) in requesters(workshop.policy, operation)
    if actor.team_id != requester.team_id or not own:
        raise NotPossible("Only who asked for it can cancel it; an approver can deny it.")
    ended = states.cancel(operation, operation.plan.human, actor.user_id, now=now)
    return Decided(
        operation=ended,
        written=entry(ended, "cancelled", actor=actor.user_id, **_who(said), reason=said.words),
        answer=replies.done(ended, "Cancelled. It will not be carried out."),
        told=outcome_view(ended),
    )


def _withdraw(workshop: Workshop, operation: Operation, said: Said, now: datetime) -> Decided:
    actor = said.request.actor
    human = workshop.policy.human_of(actor.user_id)
    votes = (vote for vote in operation.counted if vote.team_id == actor.team_id)
    own = next((vote.human for vote in votes if human in voters(workshop.policy, (vote,))), "")
    changed = states.withdraw(operation, own, now=now)
    return Decided(
        operation=changed,
        written=entry(changed, "withdrawn", actor=actor.user_id, **_who(said), human=own),
        answer=replies.done(changed, f"Your approval is withdrawn. It waits for {waited_for(changed)}."),
    )


def _resolve(operation: Operation, said: Said, seen: Seen) -> Decided:
    if seen.rights is None:
        raise Stale
    _known(seen.rights)
    if not seen.rights.allowed:
        raise NotPossible("Only an operator or an approver of this place can say what was found.")
    resolution, why = resolution_of(said.words)
    actor = said.request.actor
    resolved = states.resolve(operation, resolution, actor.user_id)
    found = "was undone" if resolution is Resolution.UNDONE else resolution.value
    written = entry(resolved, "resolution", actor=actor.user_id, result=resolution.value, **_who(said), reason=why)
    return Decided(
        operation=resolved,
        written=written,
        answer=replies.done(resolved, f"Recorded: it {found}. The object can be changed again."),
        told=outcome_view(resolved),
    )


def resolution_of(words: str) -> tuple[Resolution, str]:
    """Return what a person found out, and what they say beside it. Raises `UsageError` for anything else."""
    said = words.split()
    for length in (3, 1):
        found = _RESOLUTIONS.get("".join(said[:length]).lower().strip(".,:;"))
        if found is not None:
            return found, " ".join(said[length:])
    choices = " or ".join(f'"{each.value}"' for each in Resolution)
    raise UsageError(f"Say what you found: {choices}.", usage="resolve REQUEST happened|did not happen|undone [WHY…]")


def _known(rights: Authorization) -> None:
    """Raise `NotPossible` when nothing is known of a person, or they are no member."""
    if rights.membership is None or rights.membership.standing is not Standing.MEMBER:
        raise NotPossible(f"Nothing of yours was counted: {rights.reason}.")


def refusal(operation: Operation, said: Said, seen: Seen, why: str) -> AuditEntry:
    """Return what the audit keeps of words that counted for nothing."""
    member = seen.rights.membership if seen.rights is not None else None
    return entry(
        operation,
        "vote_refused",
        actor=said.request.actor.user_id,
        result="refused",
        **_who(said),
        decision=said.kind.value,
        said=why,
        state=operation.state.value,
        roles=" ".join(seen.rights.roles) if seen.rights is not None else "",
        groups_read_at=_moment(member.read_at if member is not None else None),
    )


def _who(said: Said) -> dict[str, str]:
    return {"team": said.request.actor.team_id, "via": via(said.request), "request": said.request.key}


def _moment(at: datetime | None) -> str:
    return at.isoformat(timespec="seconds") if at is not None else ""
