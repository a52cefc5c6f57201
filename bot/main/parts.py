"""What the parts of a running bot share, once Slack has said who it is."""

from __future__ import annotations

import random
from dataclasses import dataclass

from slack_sdk.web.async_client import AsyncWebClient

from bot.engine.workshop import Workshop
from bot.health import PrometheusMeter, Readiness
from bot.main.ingredients import Ingredients
from bot.main.waiting_store import WaitingStore
from bot.main.watch_parts import Watching
from bot.ports import Clock, HotState
from bot.references import References
from bot.service import Service
from bot.slack.inbound.app import Identity
from bot.slack.outbound.directory import SlackDirectory
from bot.slack.outbound.notifier import SlackNotifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The adapters and the service of one process; a `workshop` has only who carries changes out."""

    ingredients: Ingredients
    service: Service
    workshop: Workshop | None
    store: WaitingStore
    hot: HotState
    meter: PrometheusMeter
    watching: Watching
    directory: SlackDirectory
    notifier: SlackNotifier
    client: AsyncWebClient
    identity: Identity
    readiness: Readiness
    references: References
    chance: random.Random

    @property
    def clock(self) -> Clock:
        return self.ingredients.clock
