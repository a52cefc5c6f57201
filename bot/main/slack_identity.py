"""Who the bot is in its workspace: asked at the start, for as long as Slack does not answer."""

from __future__ import annotations

import logging
import random

from aiohttp import ClientError
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.backoff import backoff
from bot.errors import Fault, SettingsError
from bot.ports import Clock
from bot.settings import SlackSettings
from bot.slack.codes import code_of
from bot.slack.inbound.app import Identity

log = logging.getLogger(__name__)

# Answers of `auth.test` that no waiting mends.
_FATAL = frozenset(
    {"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "missing_scope"}
)


async def identify(client: AsyncWebClient, slack: SlackSettings, clock: Clock, chance: random.Random) -> Identity:
    """Ask Slack who we are, for as long as it does not answer. Raises `SettingsError` when it refuses the token."""
    attempts = 0
    while True:
        try:
            told = await client.auth_test()
        except SlackApiError as error:
            code = code_of(error) or "unreadable answer"
            if code in _FATAL:
                what = f"Slack refuses it ({code}); check the token on the app's page"
                raise SettingsError([Fault("SLACK_BOT_TOKEN", what)]) from error
            problem = code
        except (OSError, TimeoutError, ClientError, SlackClientError, AttributeError) as error:
            problem = type(error).__name__
        else:
            return Identity(
                team_id=str(told["team_id"]),
                bot_user_id=str(told["user_id"]),
                bot_id=str(told.get("bot_id", "")),
                token=slack.bot_token.reveal(),
                enterprise_id=told.get("enterprise_id"),
            )
        attempts += 1
        log.warning("Slack does not answer: %s", problem, extra={"event": "slack_unavailable", "attempts": attempts})
        await clock.sleep(backoff(attempts, chance, longest_s=30.0))
