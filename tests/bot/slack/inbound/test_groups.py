"""Changes of user groups, and the end of the app's token."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.store.store import PostgresStore
from tests.support.surfaces import Chat, audited, chatting, events_in


@pytest.fixture
async def chat(store: PostgresStore) -> AsyncIterator[Chat]:
    async with chatting(store) as running:
        yield running


async def test_a_change_of_a_bound_group_is_put_on_record(
    chat: Chat, store: PostgresStore, caplog: pytest.LogCaptureFixture
) -> None:
    """Who may edit it can give roles away."""
    bob, vic = (chat.slack.workspace.person(name).id for name in ("bob", "vic"))
    group = chat.slack.workspace.groups["rag-leads"].id
    said = await chat.control.set_group("rag-leads", ["vic", "ann"], by="bob")
    assert said.acked
    kept = await audited(store)
    assert "action='group changed'" in kept
    assert f"subject='{group}'" in kept
    assert f"actor='{bob}'" in kept
    assert "'added': 2" in kept
    assert "'removed': 2" in kept
    assert vic in kept
    warnings = [record for record in caplog.records if getattr(record, "event", "") == "group_changed"]
    assert {getattr(record, "group", "") for record in warnings} == {group}


async def test_rights_follow_at_once(chat: Chat) -> None:
    """What was known of groups is forgotten, though it was read a moment ago."""
    assert "You can't use audit" in (await chat.said("/rag audit", user="vic", channel="general")).text
    await chat.control.set_group("rag-oncall", ["ann", "vic"])
    assert "You can't use" not in (await chat.said("/rag audit", user="vic", channel="general")).text


async def test_other_groups_are_not_put_on_record(
    chat: Chat, store: PostgresStore, caplog: pytest.LogCaptureFixture
) -> None:
    """They hold no role."""
    await chat.control.set_group("cooks", ["vic"])
    await chat.control.set_group("cooks", ["vic", "bob"])
    await chat.control.settle()
    assert await audited(store) == ""
    assert "group_changed" not in events_in(caplog)
    assert chat.meter.acks == [("group", "new")] * 3


@pytest.mark.parametrize("who", ["app", "token"])
async def test_a_lost_token_is_told(chat: Chat, caplog: pytest.LogCaptureFixture, who: str) -> None:
    """Loudly: nothing works after it."""
    await (chat.control.uninstall() if who == "app" else chat.control.revoke())
    assert chat.revoked == ["revoked"] * (2 if who == "app" else 1)
    assert "install the app again" in caplog.text


async def test_the_token_of_a_person_does_not_matter(chat: Chat) -> None:
    """The bot has none."""
    await chat.slack.people.event({"type": "tokens_revoked", "tokens": {"oauth": ["U1"], "bot": []}})
    assert chat.revoked == []
    assert chat.meter.acks == [("revoked", "new")]
