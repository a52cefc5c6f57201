"""`withdraw`: take one's own approval back."""

from __future__ import annotations

from bot.domain.actions import Decision, DecisionKind

ACTION = Decision(
    name="withdraw",
    summary="Take your approval back before the change begins",
    kind=DecisionKind.WITHDRAW,
    examples=(("withdraw 3f9a12c0", "the request waits for an approval again"),),
)
