"""The app's manifest: both files come from one text, and it asks for what the code uses and nothing more."""

from __future__ import annotations

import ast
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from bot.slack.inbound.app import COMMAND, EVENTS_HEARD, SHORTCUTS_HEARD
from bot.slack.manifest import EVENTS, EXAMPLE_URL, SCOPES, app_manifest
from bot.store.store import PostgresStore
from sandbox.slack.methods.table import METHODS
from sandbox.slack.subscriptions import EVENT_SCOPES
from tests.support.surfaces import Chat, Setup, chatting

ROOT = Path(__file__).parents[3]
FILES = {"app-manifest.yaml": None, "app-manifest-http.yaml": EXAMPLE_URL}
# The direct messages that the bot posts into are looked back in like channels.
HISTORY = {"channels:history", "groups:history", "im:history"}
APP_LEVEL = {"connections:write"}
# A method of the SDK that makes several calls.
UPLOAD = {"files_upload_v2": {"files.getUploadURLExternal", "files.completeUploadExternal"}}


def methods_called() -> set[str]:
    """Return every Web API method that the chat side calls on a client."""
    named = {name.replace(".", "_"): {name} for name in METHODS} | UPLOAD
    called: set[str] = set()
    for path in (ROOT / "bot").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                called |= named.get(node.func.attr, set())
    return called


@pytest.mark.parametrize("name", FILES)
def test_the_files_are_what_the_function_makes(name: str) -> None:
    """Edit the function, not the files."""
    assert (ROOT / "manifests" / "slack" / name).read_text() == app_manifest(http_url=FILES[name])


def test_scopes_are_those_of_the_methods_that_are_called() -> None:
    """Each method needs one of its scopes; the look back needs those of every kind of conversation it posts into."""
    called = methods_called()
    assert {"chat.postMessage", "views.open", "views.publish", "usergroups.list"} <= called
    needed = {scope for name in called for scope in METHODS[name].scopes} - APP_LEVEL
    assert needed <= SCOPES.keys() | {"chat:write.public"}
    for_events = {EVENT_SCOPES[event] for event in EVENTS if event in EVENT_SCOPES}
    assert SCOPES.keys() == needed | for_events | {"commands"} | HISTORY


def test_events_are_those_that_the_code_hears() -> None:
    """A message is subscribed to by its kind of conversation."""
    assert {name.partition(".")[0] for name in EVENTS} == set(EVENTS_HEARD)
    assert [name for name in EVENTS if name.startswith("message")] == ["message.im"]


@pytest.mark.parametrize("url", FILES.values())
def test_what_it_declares(url: str | None) -> None:
    """The command, the shortcuts, the page and direct messages; one of the two ways in."""
    manifest = yaml.safe_load(app_manifest(http_url=url))
    features, settings = manifest["features"], manifest["settings"]
    [command] = features["slash_commands"]
    assert (command["command"], command["should_escape"], command.get("url")) == (COMMAND, True, url)
    assert [shortcut["callback_id"] for shortcut in features["shortcuts"]] == list(SHORTCUTS_HEARD)
    assert all(len(shortcut["name"]) <= 24 for shortcut in features["shortcuts"])
    assert features["app_home"] == {
        "home_tab_enabled": True,
        "messages_tab_enabled": True,
        "messages_tab_read_only_enabled": False,
    }
    assert manifest["oauth_config"]["scopes"]["bot"] == list(SCOPES)
    assert settings["event_subscriptions"]["bot_events"] == list(EVENTS)
    assert settings["event_subscriptions"].get("request_url") == url
    assert settings["interactivity"].get("request_url") == url
    assert settings["socket_mode_enabled"] is (url is None)


@pytest.mark.parametrize(
    "url", ["http://ragops.example.com", "ragops.example.com", "", "https://a b", "https://a\nb: c", "https://a #x"]
)
def test_an_address_that_slack_does_not_take_is_refused(url: str) -> None:
    """Before it is written anywhere."""
    with pytest.raises(ValueError, match="https://"):
        app_manifest(http_url=url)


@pytest.fixture
async def chat(store: PostgresStore) -> AsyncIterator[Chat]:
    """The bot with exactly the rights that its manifest asks for."""
    async with chatting(store, Setup(scopes=frozenset(SCOPES), events=frozenset(EVENTS))) as running:
        yield running


async def test_everything_works_with_these_rights(chat: Chat, caplog: pytest.LogCaptureFixture) -> None:
    """Commands, mentions, direct messages, pages, dialogs, shortcuts, posts with a look back."""
    assert "shop is healthy" in (await chat.said("/rag status", channel="general")).text
    assert "shop is healthy" in (await chat.said("@rag status", channel="general")).text
    assert "shop is healthy" in (await chat.said("status", channel="@rag")).text
    await chat.control.open_home("ann")
    assert "Hello @ann" in await chat.page("ann", bool)
    await chat.control.shortcut("rag_build")
    await chat.dialog("ann", lambda text: "What do you want to do?" in text)
    await chat.control.set_group("rag-leads", ["vic"])
    assert ("group", "new") in chat.meter.acks
    assert "missing_scope" not in caplog.text
    assert "lacks the scope" not in caplog.text
