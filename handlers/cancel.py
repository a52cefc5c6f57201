"""`cancel`: take one's own request for a change back."""

from __future__ import annotations

from bot.domain.actions import Decision, DecisionKind

ACTION = Decision(
    name="cancel",
    summary="Take your own request back before it begins",
    kind=DecisionKind.CANCEL,
    examples=(("cancel 3f9a12c0", "your request of that id"),),
)
