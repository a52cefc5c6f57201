"""What a payload must look like before a listener sees it: the fields that are read, by their types. Pure.

Fields that nobody reads may be anything, and a field may be absent unless it is needed; `null` was taken for absent
before. A rule returns what is wrong, by the field's path, and never the value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

Rule = Callable[[Any], str]
_ID: Final = re.compile(r"[A-Za-z0-9_.:\-]{1,255}")
LONGEST_TEXT: Final = 100_000


def identity(value: Any) -> str:
    """Accept an id, a timestamp or the name of a kind."""
    return "" if isinstance(value, str) and _ID.fullmatch(value) else " is no id"


def text(value: Any) -> str:
    """Accept a text."""
    return "" if isinstance(value, str) and len(value) <= LONGEST_TEXT else " is no text"


def exactly(word: str) -> Rule:
    """Accept one word."""
    return lambda value: "" if value == word else f" is not {word}"


def maybe(rule: Rule) -> Rule:
    """Accept an empty text, or what `rule` accepts."""
    return lambda value: "" if value == "" else rule(value)


def record(fields: Mapping[str, Rule], *needed: str) -> Rule:
    """Accept an object that has all `needed` fields, and whose fields are as told where it has them."""

    def judge(value: Any) -> str:
        if not isinstance(value, dict):
            return " is no object"
        missing = next((name for name in needed if name not in value), None)
        if missing is not None:
            return f".{missing} is missing"
        faults = ((name, rule(value[name])) for name, rule in fields.items() if name in value)
        return next((f".{name}{fault}" for name, fault in faults if fault), "")

    return judge


def listing(rule: Rule, *, least: int = 0) -> Rule:
    """Accept a list of at least so many things of one kind."""

    def judge(value: Any) -> str:
        if not isinstance(value, list) or len(value) < least:
            return " is no such list"
        return next((f"[]{fault}" for fault in map(rule, value) if fault), "")

    return judge


def table(rule: Rule) -> Rule:
    """Accept an object whose every field is of one kind."""

    def judge(value: Any) -> str:
        if not isinstance(value, dict):
            return " is no object"
        return next((f".*{fault}" for fault in map(rule, value.values()) if fault), "")

    return judge


def named(value: Any) -> str:
    """Accept an id, or an object that has one: the platform uses both for people, channels and teams."""
    return identity(value) if isinstance(value, str) else _NAMED(value)


_NAMED: Final = record({"id": identity}, "id")
_TEAM: Final = record({"id": identity, "enterprise_id": maybe(identity)}, "id")
_PERSON: Final = record({"id": identity, "team_id": maybe(identity)}, "id")
_CHOICE: Final = record({"value": text})
_PLACES: Final = {"channel_id": maybe(identity), "message_ts": maybe(identity), "thread_ts": maybe(identity)}
_MESSAGE: Final = record(
    {
        "ts": maybe(identity),
        "thread_ts": maybe(identity),
        "user": maybe(named),
        "channel": maybe(named),
        "text": maybe(text),
        "bot_id": maybe(identity),
        "metadata": record({"event_payload": record({})}),
        "blocks": listing(record({})),
    }
)
_INPUT: Final = record(
    {
        "type": maybe(identity),
        "value": maybe(text),
        "selected_option": _CHOICE,
        "selected_options": listing(record({"value": text})),
        "selected_user": maybe(identity),
        "selected_users": listing(identity),
        "selected_channel": maybe(identity),
        "selected_conversation": maybe(identity),
    }
)
_STATE: Final = record({"values": table(table(_INPUT))})
_VIEW_FIELDS: Final[Mapping[str, Rule]] = {
    "id": identity,
    "hash": maybe(identity),
    "type": maybe(identity),
    "callback_id": maybe(text),
    "private_metadata": maybe(text),
    "state": _STATE,
    "team_id": maybe(identity),
    "app_installed_team_id": maybe(identity),
    "blocks": listing(record({})),
}
_VIEW: Final = record(_VIEW_FIELDS, "id")
# The library reads the type of a dialog without asking whether it has one, and more of one of another type.
_DIALOG: Final = record({**_VIEW_FIELDS, "type": exactly("modal")}, "id", "type")
_ACTION: Final = record(
    {
        "type": maybe(identity),
        "action_id": text,
        "block_id": maybe(text),
        "action_ts": maybe(identity),
        "value": maybe(text),
        "text": record({"text": text}),
        "selected_option": _CHOICE,
        "selected_options": listing(record({"value": text})),
        "selected_user": maybe(identity),
    },
    "action_id",
)
_AUTHORIZATIONS: Final = listing(
    record({"team_id": maybe(identity), "enterprise_id": maybe(identity), "user_id": maybe(identity)})
)
_EVERYWHERE: Final[Mapping[str, Rule]] = {
    "api_app_id": maybe(identity),
    "enterprise_id": maybe(identity),
    "team_id": maybe(identity),
    "context_team_id": maybe(identity),
    "authorizations": _AUTHORIZATIONS,
    "trigger_id": maybe(identity),
    "response_url": maybe(text),
    "bot_access_token": maybe(text),
    "function_execution_id": maybe(identity),
    "function_data": record({}),
    "assistant_thread": record({"channel_id": maybe(identity), "thread_ts": maybe(identity)}),
    "thread_ts": maybe(identity),
    "previous_message": _MESSAGE,
    "message": _MESSAGE,
    "view": _VIEW,
    "channel": maybe(named),
}
_EVENT: Final[Mapping[str, Rule]] = {
    **_EVERYWHERE,
    "type": identity,
    "subtype": maybe(identity),
    "user": maybe(named),
    "item_user": maybe(named),
    "team": maybe(named),
    "user_team": maybe(identity),
    "text": maybe(text),
    "ts": maybe(identity),
    "event_ts": maybe(identity),
    "bot_id": maybe(identity),
    "tab": maybe(identity),
    "channel_type": maybe(identity),
    "reaction": maybe(text),
    "item": record({"channel": maybe(named), "ts": maybe(identity), "type": maybe(identity)}),
    "subteam": _NAMED,
    "subteam_id": maybe(identity),
    "workflow_step": record({}),
    "inputs": record({}),
    "tokens": record({}),
    "blocks": listing(record({})),
}
# What is delivered may carry these beside, and the library looks into them whatever it is.
_BESIDE: Final[Mapping[str, Rule]] = {**_EVERYWHERE, "event": record(_EVENT), "enterprise": maybe(named)}
_INTERACTION: Final[Mapping[str, Rule]] = {
    **_BESIDE,
    "type": identity,
    "user": _PERSON,
    "team": _TEAM,
    "channel": _NAMED,
    "container": record({**_PLACES, "type": maybe(identity), "view_id": maybe(identity)}),
    "actions": listing(_ACTION, least=1),
    "callback_id": maybe(text),
    "action_id": maybe(text),
    "block_id": maybe(text),
    "value": maybe(text),
    "action_ts": maybe(identity),
    "message_ts": maybe(identity),
    "state": _STATE,
    "response_urls": listing(record({"response_url": text, "channel_id": maybe(identity)})),
}
COMMAND: Final = record(
    {
        **_BESIDE,
        "command": text,
        "text": maybe(text),
        "team_id": identity,
        "user_id": identity,
        "channel_id": identity,
        "trigger_id": identity,
    },
    *("command", "team_id", "user_id", "channel_id", "trigger_id"),
)
EVENT: Final = record(
    {**_BESIDE, "event_id": identity, "event": record(_EVENT, "type")}, "event_id", "event", "team_id"
)
# What people do, by the payload's type. What is none of these is not ours to handle.
INTERACTIONS: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "block_actions": record({**_INTERACTION, "actions": listing(_ACTION, least=1)}, "user", "actions"),
        "block_suggestion": record({**_INTERACTION, "action_id": text, "value": text}, "user", "action_id", "value"),
        "message_action": record({**_INTERACTION, "callback_id": text, "message": _MESSAGE}, "user", "callback_id"),
        "shortcut": record({**_INTERACTION, "callback_id": text, "trigger_id": identity}, "user", "callback_id"),
        "view_closed": record({**_INTERACTION, "view": _DIALOG}, "user", "view"),
        "view_submission": record({**_INTERACTION, "view": _DIALOG}, "user", "view"),
    }
)
