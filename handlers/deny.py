"""`deny`: refuse a request for a change for good."""

from __future__ import annotations

from bot.domain.actions import Decision, DecisionKind

ACTION = Decision(
    name="deny",
    summary="Refuse a request for good, also one that is approved but not begun",
    kind=DecisionKind.DENY,
    examples=(("deny 3f9a12c0 wait for the hotfix", "with the reason, which everybody sees"),),
)
