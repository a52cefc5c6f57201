"""Conversations with single people, opened at the platform once each."""

from __future__ import annotations

from dataclasses import replace

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import DeliveryRefused, DeliveryThrottled, DeliveryUnknown
from bot.slack.outbound.direct import SlackDirectMessages
from sandbox.slack.faults import Fault, Kind
from sandbox.slack.server import SlackServer


def calls(slack: SlackServer) -> int:
    return slack._api.calls.get("conversations.open", 0)


@pytest.fixture
def direct(client: AsyncWebClient) -> SlackDirectMessages:
    return SlackDirectMessages(client)


async def test_a_conversation_is_opened_once(slack: SlackServer, direct: SlackDirectMessages) -> None:
    """Each person has their own, and it stays the same."""
    ids = [slack.workspace.person(name).id for name in ("bob", "lea", "bob")]
    opened = [await direct.open(user) for user in ids]
    assert opened[0] == opened[2] == slack.workspace.direct_channel(slack.workspace.person("bob")).id
    assert opened[1] != opened[0]
    assert calls(slack) == 2


async def test_of_very_many_conversations_the_oldest_is_asked_for_again(
    client: AsyncWebClient, slack: SlackServer
) -> None:
    """What is known does not grow for ever."""
    direct = SlackDirectMessages(client, most=1)
    for name in ("bob", "lea", "bob"):
        await direct.open(slack.workspace.person(name).id)
    assert calls(slack) == 3


@pytest.mark.parametrize(("name", "code"), [("dora", "user_disabled"), ("rag", "cannot_dm_bot")])
async def test_who_has_no_conversation_is_refused(
    slack: SlackServer, direct: SlackDirectMessages, name: str, code: str
) -> None:
    """Somebody deactivated, or a bot."""
    with pytest.raises(DeliveryRefused) as raised:
        await direct.open(slack.workspace.person(name).id)
    assert code in raised.value.message


async def test_without_the_scope_it_says_which(slack: SlackServer, direct: SlackDirectMessages) -> None:
    """An app that was installed before it was asked for."""
    token = slack.workspace.tokens[slack.workspace.bot_token]
    slack.workspace.tokens[token.value] = replace(token, scopes=token.scopes - {"im:write"})
    with pytest.raises(DeliveryRefused) as raised:
        await direct.open(slack.workspace.person("bob").id)
    assert "im:write" in raised.value.message


@pytest.mark.parametrize(
    ("kind", "error"), [(Kind.RATELIMITED, DeliveryThrottled), (Kind.SERVER_ERROR, DeliveryUnknown)]
)
async def test_what_failed_is_asked_for_again(
    slack: SlackServer, direct: SlackDirectMessages, kind: Kind, error: type[Exception]
) -> None:
    """A failure is not remembered."""
    slack.faults.add(Fault(kind, method="conversations.open"))
    user = slack.workspace.person("bob").id
    with pytest.raises(error):
        await direct.open(user)
    assert (await direct.open(user)).startswith("D")
