"""`--apply` at a terminal: a change is asked for as in chat, by the person whom the kubeconfig's user stands for."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot import answers
from bot.cluster.connection import Connection
from bot.cluster.identity import user_of
from bot.domain.change_policy import ChangePolicy
from bot.domain.view import View
from bot.errors import StoreRefused, UsageError
from bot.ports import Inbox
from bot.settings import Settings
from bot.store.migrate import bring_up_to_date
from bot.store.store import PostgresStore
from bot.terminals import person_at, terminal_request

_IDENTITY_S = 5.0


@asynccontextmanager
async def bots_store(settings: Settings) -> AsyncIterator[PostgresStore]:
    """Open the bot's database as it is: a terminal brings no table up to date.

    Raises `UsageError` where none is named, and `StoreUnavailable`.
    """
    if settings.database_url is None:
        raise UsageError("To ask for a change from a terminal takes the bot's own database: set DATABASE_URL.")
    url = settings.database_url.reveal()
    if await bring_up_to_date(url, dry_run=True):
        raise StoreRefused(
            "The database is older than this program.",
            advice="Use the version of ragops that the bot runs, or run ragops migrate first.",
        )
    async with await PostgresStore.open(url) as store:
        yield store


async def known_person(connection: Connection, policy: ChangePolicy) -> tuple[str, str]:
    """Return the kubeconfig's user and the person behind it, who may ask from here. Raises `UsageError` if not."""
    if not policy.channel:
        raise UsageError(
            "What is asked for at a terminal is shown in a channel, and none is named for that: an administrator has to"
            ' set channel under [changes] in ragops.toml ("C…").'
        )
    user = await user_of(connection, timeout_s=_IDENTITY_S)
    return user, person_at(policy, user)


async def ask_for(inbox: Inbox, policy: ChangePolicy, user: str, text: str) -> View:
    """Write the request down for the bot to carry out; it judges everything once more. Raises `StoreUnavailable`."""
    request = terminal_request(policy, user, text, nonce=secrets.token_hex(8))
    await inbox.accept(request)
    return answers.asked_from_terminal(text, person=request.actor.user_id, channel=policy.channel)
