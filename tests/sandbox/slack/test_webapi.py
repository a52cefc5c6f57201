"""The Web API as the real SDK calls it: wire forms, tokens, scopes, membership, and the rules of each family."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack.control import ControlError, SlackControl
from sandbox.slack.methods.table import METHODS
from sandbox.slack.server import SlackServer
from sandbox.slack.world import Workspace

SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "hello"}}
HOME = {"type": "home", "blocks": [SECTION]}


def channel(world: Workspace, name: str) -> str:
    return world.channels[name].id


async def refusal(call: Any) -> str:
    """Return the error code of a call that Slack refuses."""
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])


def as_json(body: dict[str, Any]) -> dict[str, Any]:
    return {"json": body}


def as_form(body: dict[str, Any]) -> dict[str, Any]:
    return {"data": {key: json.dumps(v) if isinstance(v, list) else v for key, v in body.items()}}


def as_query(body: dict[str, Any]) -> dict[str, Any]:
    return {"params": {key: json.dumps(v) if isinstance(v, list) else v for key, v in body.items()}}


@pytest.mark.parametrize("form", [as_json, as_form, as_query], ids=["json", "form", "query and empty body"])
async def test_every_wire_form_of_a_post_is_read(form: Any, server: SlackServer, world: Workspace) -> None:
    """JSON body, form, and query string with an empty body mean the same."""
    body = {"channel": channel(world, "ops"), "text": "hi", "blocks": [SECTION]}
    headers = {"Authorization": f"Bearer {world.bot_token}"}
    url = f"{server.base_url}chat.postMessage"
    async with aiohttp.ClientSession() as session, session.post(url, headers=headers, **form(body)) as response:
        answer = await response.json()
    assert answer["ok"], answer
    assert answer["message"]["blocks"][0]["text"]["text"] == "hello"


async def test_the_sdk_reads_by_get_and_by_empty_posts(client: AsyncWebClient, world: Workspace) -> None:
    """The forms that the SDK chooses by itself all arrive."""
    ops = channel(world, "ops")
    assert (await client.auth_test())["user_id"] == world.bot.id
    assert (await client.users_info(user=world.users["eve"].id))["user"]["is_restricted"]
    assert (await client.users_info(user=world.users["kim"].id))["user"]["is_stranger"]
    assert (await client.conversations_info(channel=ops))["channel"]["name"] == "ops"
    listed = await client.usergroups_list(include_users=True)
    assert {group["handle"]: group["users"] for group in listed["usergroups"]} == {
        "rag-oncall": [world.users["ann"].id],
        "rag-leads": [world.users[name].id for name in ("bob", "lea")],
    }
    posted = await client.chat_postMessage(channel=ops, text="x")
    link = (await client.chat_getPermalink(channel=ops, message_ts=posted["ts"]))["permalink"]
    assert link.endswith(posted["ts"].replace(".", ""))
    assert (await client.chat_delete(channel=ops, ts=posted["ts"]))["ok"]


@pytest.mark.parametrize(
    ("token", "error"),
    [("", "not_authed"), ("xoxb-unknown", "invalid_auth")],
    ids=["no token", "unknown token"],
)
async def test_a_wrong_token_is_refused(token: str, error: str, server: SlackServer) -> None:
    """Who does not say who they are gets nothing."""
    stranger = AsyncWebClient(token=token, base_url=server.base_url, retry_handlers=[])
    assert await refusal(stranger.auth_test()) == error


async def test_token_kinds_are_kept_apart(client: AsyncWebClient, world: Workspace) -> None:
    """A bot token opens no socket, an app token posts nothing."""
    assert await refusal(client.apps_connections_open(app_token=world.bot_token)) == "not_allowed_token_type"
    call = client.chat_postMessage(channel="ops", text="x", token=world.app_token)
    assert await refusal(call) == "not_allowed_token_type"


async def test_a_missing_scope_is_named(client: AsyncWebClient, world: Workspace) -> None:
    """The answer says what is needed and what was provided."""
    with pytest.raises(SlackApiError) as caught:
        await client.reactions_add(channel=channel(world, "ops"), timestamp="1.0", name="eyes")
    answer = caught.value.response
    assert (answer["error"], answer["needed"]) == ("missing_scope", "reactions:write")
    assert "chat:write" in answer["provided"].split(",")


async def test_a_private_channel_needs_its_own_scope(client: AsyncWebClient, world: Workspace) -> None:
    """channels:history does not open a private channel."""
    token = world.tokens[world.bot_token]
    world.tokens[token.value] = replace(token, scopes=token.scopes - {"groups:history"})
    assert await refusal(client.conversations_history(channel=channel(world, "leads"))) == "missing_scope"
    assert (await client.conversations_history(channel=channel(world, "ops")))["ok"]


async def test_a_revoked_token_is_dead(client: AsyncWebClient, control: SlackControl) -> None:
    """After a revocation every call says so."""
    await control.revoke()
    assert await refusal(client.auth_test()) == "token_revoked"
    await control.revoke(revoked=False)
    assert (await client.auth_test())["ok"]


async def test_an_unknown_method_is_named_unknown(client: AsyncWebClient) -> None:
    """Nothing is accepted that was not built."""
    assert await refusal(client.api_call("chat.whisper")) == "unknown_method"


def test_every_method_of_the_platform_document_exists() -> None:
    """The table holds what a chat-ops bot needs."""
    assert {"auth.test", "apps.connections.open", "chat.update", "views.push", "files.completeUploadExternal"} <= set(
        METHODS
    )
    assert all(method.name == name for name, method in METHODS.items())


async def test_membership_decides_where_the_bot_may_write(client: AsyncWebClient, world: Workspace) -> None:
    """Public: not_in_channel; private: channel_not_found; archived: is_archived."""
    world.channels["general"].members.remove(world.bot.id)
    world.channels["leads"].members.remove(world.bot.id)
    assert await refusal(client.chat_postMessage(channel="#general", text="x")) == "not_in_channel"
    assert await refusal(client.chat_postMessage(channel=channel(world, "leads"), text="x")) == "channel_not_found"
    assert await refusal(client.chat_postMessage(channel="old", text="x")) == "is_archived"
    assert await refusal(client.chat_postMessage(channel="C0NOWHERE0", text="x")) == "channel_not_found"


async def test_ephemerals_reach_members_of_the_channel_only(client: AsyncWebClient, world: Workspace) -> None:
    """eve is in ops and not in general."""
    eve = world.users["eve"].id
    ops, general = channel(world, "ops"), channel(world, "general")
    assert (await client.chat_postEphemeral(channel=ops, user=eve, text="x"))["message_ts"]
    assert await refusal(client.chat_postEphemeral(channel=general, user=eve, text="x")) == "user_not_in_channel"


async def test_an_ephemeral_cannot_be_updated(client: AsyncWebClient, world: Workspace) -> None:
    """A naive bot that edits an ephemeral message by its ts fails."""
    ops = channel(world, "ops")
    shown = await client.chat_postEphemeral(channel=ops, user=world.users["ann"].id, text="x")
    assert await refusal(client.chat_update(channel=ops, ts=shown["message_ts"], text="y")) == "message_not_found"


async def test_an_ephemeral_in_a_quiet_thread_is_seen_by_nobody(
    client: AsyncWebClient, world: Workspace, control: SlackControl
) -> None:
    """It is shown only once the thread has a reply."""
    ops, ann = channel(world, "ops"), world.users["ann"].id
    parent = (await client.chat_postMessage(channel=ops, text="parent"))["ts"]
    await client.chat_postEphemeral(channel=ops, user=ann, text="lost", thread_ts=parent)
    await client.chat_postMessage(channel=ops, text="reply", thread_ts=parent)
    await client.chat_postEphemeral(channel=ops, user=ann, text="seen", thread_ts=parent)
    assert [m.text for m in await control.read(user="ann", thread=parent)] == ["parent", "reply", "seen"]


async def test_a_reload_loses_ephemerals(client: AsyncWebClient, world: Workspace, control: SlackControl) -> None:
    """An ephemeral message is never the only record of anything."""
    await client.chat_postEphemeral(channel=channel(world, "ops"), user=world.users["ann"].id, text="x")
    assert await control.reload("ann") == 1
    assert await control.read(user="ann") == []


async def test_fifty_one_blocks_are_refused_with_the_place(client: AsyncWebClient, world: Workspace) -> None:
    """A naive bot that sends 51 blocks gets invalid_blocks and a pointer."""
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel=channel(world, "ops"), text="x", blocks=[SECTION] * 51)
    answer = caught.value.response
    assert answer["error"] == "invalid_blocks"
    assert answer["response_metadata"]["messages"] == ["[ERROR] no more than 50 items allowed [json-pointer:/blocks]"]


@pytest.mark.parametrize(("text", "error"), [("", "no_text"), ("  \n", "no_text")], ids=["empty", "only spaces"])
async def test_a_message_needs_something_to_say(text: str, error: str, client: AsyncWebClient) -> None:
    """Neither text nor blocks is no message."""
    assert await refusal(client.api_call("chat.postMessage", json={"channel": "ops", "text": text})) == error


async def test_texts_are_truncated_in_posts_and_refused_in_updates(client: AsyncWebClient, world: Workspace) -> None:
    """40,000 characters are cut, 4,001 cannot be updated to."""
    ops = channel(world, "ops")
    posted = await client.chat_postMessage(channel=ops, text="x" * 40_001)
    assert len(posted["message"]["text"]) == 40_000
    assert (await client.chat_update(channel=ops, ts=posted["ts"], text="y" * 4000))["ok"]
    assert await refusal(client.chat_update(channel=ops, ts=posted["ts"], text="y" * 4001)) == "msg_too_long"


async def test_an_update_is_for_own_messages_only(
    client: AsyncWebClient, world: Workspace, control: SlackControl
) -> None:
    """A person's message stays as it was."""
    said = await control.say("hello")
    assert await refusal(client.chat_update(channel=channel(world, "ops"), ts=said.ts or "", text="x")) == (
        "cant_update_message"
    )


async def test_an_update_keeps_what_it_leaves_out(client: AsyncWebClient, world: Workspace) -> None:
    """Blocks and metadata; an empty list and an empty object remove them."""
    ops = channel(world, "ops")
    metadata = {"event_type": "ragops_post", "event_payload": {"op": "1"}}
    ts = (await client.chat_postMessage(channel=ops, text="x", blocks=[SECTION], metadata=metadata))["ts"]
    await client.chat_update(channel=ops, ts=ts, text="y", parse="none")
    seen = await client.conversations_history(channel=ops, include_all_metadata=True)
    assert (seen["messages"][0]["text"], len(seen["messages"][0]["blocks"])) == ("y", 1)
    assert seen["messages"][0]["metadata"] == metadata
    assert "metadata" not in (await client.conversations_history(channel=ops))["messages"][0]
    await client.chat_update(channel=ops, ts=ts, text="z", metadata={}, blocks=[])
    seen = await client.conversations_history(channel=ops, include_all_metadata=True)
    assert not {"metadata", "blocks"} & seen["messages"][0].keys()
    assert await refusal(client.api_call("chat.update", json={"channel": ops, "ts": ts})) == "no_text"


async def test_what_is_deleted_or_archived_cannot_be_updated(
    client: AsyncWebClient, world: Workspace, control: SlackControl
) -> None:
    """An owner deletes the bot's messages; a channel is archived in the middle, and comes back."""
    ops = channel(world, "ops")
    ts = (await client.chat_postMessage(channel=ops, text="x", blocks=[SECTION]))["ts"]
    await control.archive("ops")
    assert await refusal(client.chat_update(channel=ops, ts=ts, text="y")) == "is_inactive"
    assert await refusal(client.chat_postMessage(channel=ops, text="y")) == "is_archived"
    await control.archive("ops", archived=False)
    assert (await client.chat_update(channel=ops, ts=ts, text="y"))["ok"]
    said = await control.say("hello", user="bob")
    with pytest.raises(ControlError, match="no message"):
        await control.delete(said.ts or "")
    await control.delete(ts)
    assert await refusal(client.chat_update(channel=ops, ts=ts, text="y")) == "message_not_found"
    assert await refusal(client.chat_postMessage(channel=ops, text="y", thread_ts=ts)) == "thread_not_found"
    assert [message.text for message in await control.read()] == ["hello"]


async def test_an_update_without_parse_none_pings(
    client: AsyncWebClient, world: Workspace, control: SlackControl
) -> None:
    """Escaped text that was silent in the post pings after the first careless edit."""
    ops = channel(world, "ops")
    ts = (await client.chat_postMessage(channel=ops, text="&lt;!channel&gt;"))["ts"]
    assert (await control.state())["pings"] == 0
    await client.chat_update(channel=ops, ts=ts, text="&lt;!channel&gt;", parse="none")
    assert (await control.state())["pings"] == 0
    await client.chat_update(channel=ops, ts=ts, text="&lt;!channel&gt;")
    assert (await control.read())[0].pings == ["channel"]


@pytest.mark.parametrize(
    ("metadata", "error"),
    [
        ({"event_type": "with space", "event_payload": {}}, "invalid_metadata_format"),
        ({"event_type": "ok"}, "invalid_metadata_format"),
        ({"event_type": "ok", "event_payload": {"a": {"b": {"c": {"d": 1}}}}}, "invalid_metadata_schema"),
        ({"event_type": "ok", "event_payload": {"a": "x" * 8000}}, "metadata_too_large"),
    ],
    ids=["name", "no payload", "too deep", "too large"],
)
async def test_metadata_is_flat_and_small(metadata: dict[str, Any], error: str, client: AsyncWebClient) -> None:
    """What Slack does not take is refused by name."""
    assert await refusal(client.chat_postMessage(channel="ops", text="x", metadata=metadata)) == error


async def test_threads_hang_on_parents(client: AsyncWebClient, world: Workspace) -> None:
    """A reply's ts makes no thread; history leaves replies out, replies brings them."""
    ops = channel(world, "ops")
    parent = (await client.chat_postMessage(channel=ops, text="parent"))["ts"]
    reply = (await client.chat_postMessage(channel=ops, text="reply", thread_ts=parent))["ts"]
    assert await refusal(client.chat_postMessage(channel=ops, text="x", thread_ts=reply)) == "thread_not_found"
    history = (await client.conversations_history(channel=ops))["messages"]
    assert [(m["text"], m["reply_count"]) for m in history] == [("parent", 1)]
    replies = (await client.conversations_replies(channel=ops, ts=parent))["messages"]
    assert [m["text"] for m in replies] == ["parent", "reply"]


async def test_lists_come_in_pages(client: AsyncWebClient, world: Workspace) -> None:
    """A cursor leads from page to page until it is empty."""
    first = await client.users_conversations(limit=3)
    assert len(first["channels"]) == 3
    rest = await client.users_conversations(limit=3, cursor=first["response_metadata"]["next_cursor"])
    names = [c["name"] for c in [*first["channels"], *rest["channels"]]]
    assert names == ["ops", "general", "incidents", "old"]
    assert rest["response_metadata"]["next_cursor"] == ""
    private = await client.users_conversations(types="private_channel")
    assert [c["name"] for c in private["channels"]] == ["leads"]
    assert world.bot.id in (await client.conversations_members(channel=channel(world, "ops")))["members"]


async def test_groups_need_a_paid_plan(client: AsyncWebClient, control: SlackControl, world: Workspace) -> None:
    """On the free plan there are no groups to read."""
    group = world.groups["rag-leads"].id
    assert (await client.usergroups_users_list(usergroup=group))["users"] == list(world.groups["rag-leads"].users)
    assert await refusal(client.usergroups_users_list(usergroup="S0NONE000")) == "no_such_subteam"
    await control.set_plan(paid=False)
    assert await refusal(client.usergroups_list()) == "plan_upgrade_required"


async def test_a_disabled_group_is_listed_on_demand(client: AsyncWebClient, control: SlackControl) -> None:
    """include_disabled shows it with date_delete."""
    await control.set_group("rag-leads", ["bob"], disabled=True)
    assert [g["handle"] for g in (await client.usergroups_list())["usergroups"]] == ["rag-oncall"]
    everything = (await client.usergroups_list(include_disabled=True))["usergroups"]
    assert [bool(g["date_delete"]) for g in everything] == [False, True]


async def test_a_file_goes_up_in_three_steps(client: AsyncWebClient, world: Workspace, control: SlackControl) -> None:
    """files_upload_v2 shares the bytes in the thread."""
    ops = channel(world, "ops")
    parent = (await client.chat_postMessage(channel=ops, text="parent"))["ts"]
    answer = await client.files_upload_v2(
        channel=ops, thread_ts=parent, filename="api.log", content="line 1\nline 2\n", initial_comment="logs"
    )
    assert "shares" not in answer["files"][0]
    shared = (await control.read(thread=parent))[1]
    assert (shared.text, shared.files[0]["name"]) == ("logs\n[file: api.log]", "api.log")
    assert await control.file("api.log") == b"line 1\nline 2\n"


async def test_an_empty_file_or_a_foreign_channel_is_refused(client: AsyncWebClient, world: Workspace) -> None:
    """Length 0 is a missing argument; the bot must be in the channel."""
    assert await refusal(client.files_getUploadURLExternal(filename="x", length=0)) == "missing_argument"
    long = client.files_getUploadURLExternal(filename="x", length=2_000_000, snippet_type="text")
    assert await refusal(long) == "snippet_too_large"
    assert await refusal(client.files_completeUploadExternal(files=[{"id": "F1", "title": "x"}])) == "file_not_found"
    world.channels["general"].members.remove(world.bot.id)
    upload = client.files_upload_v2(channel=channel(world, "general"), filename="x", content="x")
    assert await refusal(upload) == "not_in_channel"


async def test_extra_scopes_open_reactions_pins_and_bookmarks(
    client: AsyncWebClient, world: Workspace, control: SlackControl
) -> None:
    """Each needs its own scope, and does a thing once."""
    ops = channel(world, "ops")
    ts = (await client.chat_postMessage(channel=ops, text="x"))["ts"]
    await control.set_scopes(add=["reactions:write", "pins:write", "bookmarks:write"])
    assert (await client.reactions_add(channel=ops, timestamp=ts, name="eyes"))["ok"]
    assert await refusal(client.reactions_add(channel=ops, timestamp=ts, name="eyes")) == "already_reacted"
    assert (await client.pins_add(channel=ops, timestamp=ts))["ok"]
    assert (await client.bookmarks_add(channel_id=ops, title="t", type="link", link="https://x.example"))["ok"]
    assert (await control.state())["channels"]["ops"]["pins"] == [ts]


async def test_the_home_tab_is_published_by_hash(
    client: AsyncWebClient, world: Workspace, control: SlackControl
) -> None:
    """A stale hash conflicts; a tab that is off is not_enabled."""
    ann = world.users["ann"].id
    first = (await client.views_publish(user_id=ann, view=HOME))["view"]
    assert (await client.views_publish(user_id=ann, view=HOME, hash=first["hash"]))["ok"]
    assert await refusal(client.views_publish(user_id=ann, view=HOME, hash=first["hash"])) == "hash_conflict"
    shown = await control.home("ann")
    assert shown is not None
    assert shown.text == "hello"
    await control.set_home(enabled=False)
    assert await refusal(client.views_publish(user_id=ann, view=HOME)) == "not_enabled"


async def test_a_direct_message_is_opened_and_read_by_its_owner(
    client: AsyncWebClient, world: Workspace, control: SlackControl
) -> None:
    """Escalation goes to a person."""
    opened = (await client.conversations_open(users=world.users["ann"].id))["channel"]["id"]
    await client.chat_postMessage(channel=opened, text="psst")
    assert [m.text for m in await control.read(channel="@rag", user="ann")] == ["psst"]
