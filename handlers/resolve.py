"""`resolve`: say what became of a change that ended in doubt. Nothing is done again."""

from __future__ import annotations

from bot.domain.actions import Decision, DecisionKind

ACTION = Decision(
    name="resolve",
    summary="Say what you found of a change that ended in doubt: happened, did not happen, undone",
    kind=DecisionKind.RESOLVE,
    examples=(
        ("resolve 3f9a12c0 happened", "the change is there"),
        ("resolve 3f9a12c0 did not happen", "it is not; ask again if it is still wanted"),
        ("resolve 3f9a12c0 undone rolled back by hand", "it was, and somebody took it back; with a word on how"),
    ),
)
