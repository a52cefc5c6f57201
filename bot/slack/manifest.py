"""The Slack app's manifest: one text for both ways that the platform reaches us, with the reason for each scope."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bot.slack.shortcuts import BUILD_SHORTCUT, EXPLAIN_SHORTCUT

EXAMPLE_URL: Final = "https://ragops.example.com/slack/events"

SCOPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "commands": "/rag and the shortcuts",
        "chat:write": "answers, and what is shown of requests for changes, which is edited as they go on",
        "app_mentions:read": "@rag in channels and threads",
        "im:history": "what people write to the bot directly; also finds such an answer again, as below",
        "im:write": "copies of a request's card for those who may approve it, as direct messages",
        "usergroups:read": "roles come from user groups, and their changes are put on record",
        "users:read": "guests, bots and strangers are told apart from members",
        "channels:history": "finds a message again whose delivery was in doubt, instead of posting it twice",
        "groups:history": "the same in private channels",
        "files:write": "long logs",
    }
)
"""What the app asks for and why."""

EVENTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "app_mention": "@rag",
        "message.im": "direct messages",
        "app_home_opened": "the Home tab",
        "subteam_created": "who holds a role may have changed",
        "subteam_members_changed": "the same",
        "subteam_updated": "the same",
        "app_uninstalled": "the bot says why it stopped",
        "tokens_revoked": "the same",
    }
)
"""What the app wants to be told and why."""


def app_manifest(*, http_url: str | None = None) -> str:
    """Return the manifest in YAML: for sockets, or for signed requests to `http_url`.

    Raises `ValueError` for an address that Slack does not take.
    """
    if http_url is not None and (not http_url.startswith("https://") or _unsafe(http_url)):
        raise ValueError(f"Slack sends requests to an https:// address only, not to {http_url!r}")
    command_url = f"\n      url: {http_url}" if http_url else ""
    request_url = f"\n    request_url: {http_url}" if http_url else ""
    way = (
        f"Slack sends signed requests to {http_url}"
        if http_url
        else "the bot opens sockets to Slack, so no URL is public"
    )
    return f"""\
# The Slack app: paste this at "Create an app" -> "From a manifest". It asks for what the bot uses and nothing more.
# Here {way}.
_metadata:
  major_version: 2
display_information:
  name: ragops
  description: Says what is wrong with your services, why, and what to do next
features:
  app_home:
    home_tab_enabled: true
    messages_tab_enabled: true
    messages_tab_read_only_enabled: false
  bot_user:
    display_name: rag
    always_online: true
  slash_commands:
    - command: /rag{command_url}
      description: What is wrong, why, and what to do next
      usage_hint: "status [service] | rollback [service] | build | help"
      should_escape: true
  shortcuts:
    - name: Run a command
      type: global
      callback_id: {BUILD_SHORTCUT}
      description: Build a command in a dialog and run it
    - name: What does this mean?
      type: message
      callback_id: {EXPLAIN_SHORTCUT}
      description: Explain the error in this message
oauth_config:
  scopes:
    bot:
{_listed(SCOPES)}
settings:
  event_subscriptions:{request_url}
    bot_events:
{_listed(EVENTS)}
  interactivity:
    is_enabled: true{request_url}
  org_deploy_enabled: false
  socket_mode_enabled: {"false" if http_url else "true"}
  token_rotation_enabled: false
"""


def _listed(reasons: Mapping[str, str]) -> str:
    widest = max(map(len, reasons))
    return "\n".join(f"      - {name:<{widest}}  # {reason}" for name, reason in reasons.items())


def _unsafe(url: str) -> bool:
    """Tell whether an address would not stay one plain word of YAML."""
    return any(
        not character.isprintable() or character.isspace() or character in "#\"'{}[]|\\^`<>" for character in url
    )
