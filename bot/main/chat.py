"""The role `chat`: people reach the bot, by sockets to Slack or by Slack's requests over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from bot.health import Check, slack_check
from bot.main.parts import Parts
from bot.main.wakeups import INBOX, Hint
from bot.once import Once
from bot.slack.inbound.app import Inbound, InboundEquipment
from bot.slack.inbound.effects import needs_certainty
from bot.slack.inbound.http import Door
from bot.slack.inbound.sockets import Sockets
from bot.slack.outbound.surfaces import SlackSurfaces

DATABASE_S = 3.0
DRAIN_S = 10.0
# How long requests are still taken over HTTP after the replica stopped being ready.
LINGER_S = 5.0


@asynccontextmanager
async def chat(parts: Parts) -> AsyncIterator[bool]:
    """Let people in; at the end take nothing new and give the answers that are being made."""
    hint = Hint(parts.hot, INBOX)
    once = Once(parts.hot, parts.store)
    tokens = _Tokens()
    parts.readiness.add(Check("slack_tokens", tokens.ask))
    inbound = Inbound(_equipment(parts, once, hint, tokens))
    await _database_tried(parts)
    async with AsyncExitStack() as stack:
        hinting = asyncio.ensure_future(hint.run())
        stack.callback(hinting.cancel)
        stack.push_async_callback(inbound.drain, DRAIN_S)
        await stack.enter_async_context(_way_in(parts, inbound, once))
        yield True


async def _database_tried(parts: Parts) -> None:
    """Give the database a moment to open: other replicas could accept meanwhile what this one would have to refuse.

    One that does not answer is not waited for: reading works without it.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DATABASE_S):
            await parts.store.tried.wait()


@asynccontextmanager
async def _way_in(parts: Parts, inbound: Inbound, once: Once) -> AsyncIterator[None]:
    slack = parts.ingredients.slack
    if slack.signing_secret is not None and slack.listen is not None:
        secret = slack.signing_secret.reveal()
        app = inbound.app(parts.client, parts.identity, signing_secret=secret)
        door = Door(
            app,
            secret,
            once=once,
            clock=parts.clock,
            meter=parts.meter,
            references=parts.references,
            certain=needs_certainty,
        )
        async with door.serve(slack.listen):
            yield
            if parts.ingredients.listen is not None:
                # Whoever balances the load learns from `/readyz` that we stop, and sends here a moment longer.
                await parts.clock.sleep(LINGER_S)
        return
    if slack.app_token is None:
        raise AssertionError("the settings see to it that there is a way to Slack")
    app = inbound.app(parts.client, parts.identity, signing_secret=None)
    sockets = Sockets(app, slack.app_token.reveal(), clock=parts.clock, chance=parts.chance)
    parts.readiness.add(slack_check(sockets.deaf))
    parts.meter.count_sockets(lambda: sockets.state().alive)
    try:
        await sockets.connect()
        yield
    finally:
        await sockets.close()


@dataclass(slots=True)
class _Tokens:
    """Whether the app still has its tokens, as far as Slack told."""

    taken: bool = False

    def take(self) -> None:
        self.taken = True

    async def ask(self) -> str:
        return "Slack took the app's tokens away: install the app again and start anew" if self.taken else ""


def _equipment(parts: Parts, once: Once, hint: Hint, tokens: _Tokens) -> InboundEquipment:
    bindings = parts.ingredients.configuration.policy.bindings
    return InboundEquipment(
        service=parts.service,
        notifier=parts.notifier,
        surfaces=SlackSurfaces(parts.client),
        directory=parts.directory,
        references=parts.references,
        once=once,
        meter=parts.meter,
        clock=parts.clock,
        wake=hint.give,
        bound_groups=frozenset(group for binding in bindings for group in binding.groups),
        on_revoked=tokens.take,
    )
