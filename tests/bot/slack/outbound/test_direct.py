"""Conversations with single people, opened at the platform once each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

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


@pytest.mark.parametrize("kind", [Kind.SERVER_ERROR, Kind.RESET_BEFORE])
async def test_what_failed_is_asked_for_again(slack: SlackServer, direct: SlackDirectMessages, kind: Kind) -> None:
    """A failure is not remembered."""
    slack.faults.add(Fault(kind, method="conversations.open"))
    user = slack.workspace.person("bob").id
    with pytest.raises(DeliveryUnknown):
        await direct.open(user)
    assert (await direct.open(user)).startswith("D")


async def test_a_platform_that_wants_to_be_left_alone_is(client: AsyncWebClient, slack: SlackServer) -> None:
    """For as long as it says nobody's conversation is asked for; those that are known are there."""
    seconds = [100.0]
    direct = SlackDirectMessages(client, steady=lambda: seconds[0])
    ann, bob, lea = (slack.workspace.person(name).id for name in ("ann", "bob", "lea"))
    await direct.open(ann)
    slack.faults.add(Fault(Kind.RATELIMITED, method="conversations.open", seconds=30))
    for user, left in ((bob, 30.0), (lea, 20.0)):
        with pytest.raises(DeliveryThrottled) as raised:
            await direct.open(user)
        assert raised.value.retry_after_s == left
        assert (await direct.open(ann)).startswith("D")
        seconds[0] += 10
    assert calls(slack) == 2
    seconds[0] += 10
    assert (await direct.open(lea)).startswith("D")


async def test_an_answer_that_is_no_object_leaves_doubt(client: AsyncWebClient, slack: SlackServer) -> None:
    """The library takes such a content for a file, and then gives no field of it."""

    class Packed(AsyncWebClient):
        async def conversations_open(self, **asked: Any) -> AsyncSlackResponse:
            answer = await client.conversations_open(**asked)
            answer.data = b"packed"
            return answer

    with pytest.raises(DeliveryUnknown):
        await SlackDirectMessages(Packed()).open(slack.workspace.person("bob").id)
