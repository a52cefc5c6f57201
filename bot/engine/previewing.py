"""A change as it would be asked for, shown where nothing is kept: a terminal with a kubeconfig's rights."""

from __future__ import annotations

import uuid
from dataclasses import replace

from bot.domain.change_policy import ChangePolicy
from bot.domain.plans import Draft, Refusal
from bot.domain.steps import Stamp
from bot.domain.view import Context, View, line
from bot.engine.cards import plan_view, refusal_view
from bot.engine.drafting import drafted, rehearse, server_refusal
from bot.errors import WriteRefused, WriteThrottled
from bot.ports import ChangeAsked, Clock, ClusterWriter

_NO_RIGHT = frozenset({401, 403})
_TRIED = "Checked by the server's dry run."
_NOT_TRIED = (
    "Not checked by the server's dry run: this kubeconfig may not make the change itself. ragops tries it again."
)


class EnginePreviews:
    """Implements `Previews`. The writer is used for dry runs alone."""

    def __init__(self, writer: ClusterWriter, policy: ChangePolicy, clock: Clock, *, timeout_s: float) -> None:
        self._writer = writer
        self._policy = policy
        self._clock = clock
        self._timeout_s = timeout_s

    async def preview(self, asked: ChangeAsked) -> View:
        """Plan a change and have the server try it, as far as it lets us; return the plan, or why there is none."""
        draft = await drafted(asked, self._policy)
        if isinstance(draft, Refusal):
            return refusal_view(draft, asked.command, place=asked.place)
        try:
            said = await self._rehearsed(draft)
        except (WriteRefused, WriteThrottled) as error:
            return refusal_view(server_refusal(error), asked.command)
        rule = self._policy.rule_for(draft.verb, draft.risk, draft.where)
        view = plan_view(draft, rule=rule, command=asked.command)
        return replace(view, blocks=(*view.blocks, Context((line(said),))))

    async def _rehearsed(self, draft: Draft) -> str:
        stamp = Stamp(operation_id=str(uuid.uuid4()), at=f"{self._clock.now():%Y-%m-%dT%H:%M:%SZ}", cause="ragops")
        try:
            await rehearse(self._writer, draft, stamp, timeout_s=self._timeout_s)
        except WriteRefused as error:
            if error.status in _NO_RIGHT:
                return _NOT_TRIED
            raise
        return _TRIED
