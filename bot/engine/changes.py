"""The engine as the service sees it: changes are asked for, and decided on."""

from __future__ import annotations

from bot.domain.actions import Decision, DecisionParams
from bot.domain.view import View
from bot.engine.deciding import Deciding
from bot.engine.requesting import Requesting
from bot.engine.workshop import Workshop
from bot.ports import ChangeAsked, Claimed


class EngineChanges:
    """Implements `Changes` in one workshop."""

    def __init__(self, workshop: Workshop) -> None:
        self._requesting = Requesting(workshop)
        self._deciding = Deciding(workshop)

    async def request(self, claimed: Claimed, asked: ChangeAsked) -> View:
        """Plan a change and keep it with its card, or refuse it; return what the requester alone sees."""
        return await self._requesting.request(claimed, asked)

    async def decide(self, claimed: Claimed, decision: Decision, params: DecisionParams) -> View:
        """Carry out what a person says to a request; return what this person alone sees."""
        return await self._deciding.decide(claimed, decision, params)
