"""`approve`: agree to a request for a change, as one of those who are asked."""

from __future__ import annotations

from bot.domain.actions import Decision, DecisionKind

ACTION = Decision(
    name="approve",
    summary="Agree to a request; with enough approvals it is carried out",
    kind=DecisionKind.APPROVE,
    examples=(("approve 3f9a12c0", "the request of that id, if you are one of those who are asked"),),
)
