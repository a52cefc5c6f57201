"""What the platform's refusals and the network's failures mean for a delivery, in plain words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.errors import DeliveryError, DeliveryRefused, DeliveryThrottled, DeliveryUnknown

_UNREADABLE: Final = "unreadable_answer"
_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,80}")
_TOKEN_WAIT_S: Final = 60.0
_LONGEST_WAIT_S: Final = 3_600.0

_REFUSALS: Final[Mapping[str, str]] = {
    "not_in_channel": "I am not in that channel: invite me to the channel.",
    "channel_not_found": "I cannot see that channel: invite me to the channel if it is private, or mend its id.",
    "user_not_in_channel": "The person is not in that channel, so I cannot answer there privately.",
    "is_archived": "That channel is archived.",
    "is_inactive": "That channel is archived or frozen.",
    "restricted_action": "The workspace's settings do not let me post in that channel.",
    "thread_not_found": "The thread is gone.",
    "message_not_found": "The message is gone.",
    "cant_update_message": "The message cannot be changed.",
    "edit_window_closed": "The message is too old to be changed.",
    "message_limit_exceeded": "The workspace has used up its messages.",
    "used_url": "The address for private answers is used up.",
    "expired_url": "The address for private answers has expired.",
    "missing_scope": "The app lacks the scope {needed}: add it to the app and install it again.",
    "plan_upgrade_required": "The workspace's plan does not have user groups.",
    "paid_teams_only": "The workspace's plan does not have user groups.",
    "user_not_found": "Slack does not know this person.",
    "user_not_visible": "Slack does not show me this person.",
}
_TOKEN: Final = frozenset(
    {"invalid_auth", "token_revoked", "token_expired", "account_inactive", "not_authed", "team_access_not_granted"}
)
_UNKNOWN: Final = frozenset(
    {"fatal_error", "internal_error", "request_timeout", "service_unavailable", "team_added_to_org", _UNREADABLE}
)
_GONE: Final = frozenset({"used_url", "expired_url", "no_service", "invalid_token"})
_BLOCKS: Final = frozenset(
    {
        "invalid_blocks",
        "invalid_blocks_format",
        "msg_blocks_too_long",
        "invalid_attachments",
        "block_mismatch",
        "markdown_text_too_long",
    }
)


class BlocksRefused(DeliveryRefused):
    """The chat platform does not take the blocks of this message."""


class AddressGone(DeliveryRefused):
    """The address for private answers is used up or too old."""


class MessageGone(DeliveryRefused):
    """The message is gone, or cannot be changed any more."""


class PlanTooSmall(DeliveryRefused):
    """The workspace's plan does not have this."""


class ScopeMissing(DeliveryRefused):
    """The app lacks a scope."""


_KINDS: Final[Mapping[str, type[DeliveryRefused]]] = {
    "missing_scope": ScopeMissing,
    "plan_upgrade_required": PlanTooSmall,
    "paid_teams_only": PlanTooSmall,
    **dict.fromkeys(("message_not_found", "cant_update_message", "edit_window_closed"), MessageGone),
}


def from_code(code: str, answer: Mapping[str, Any], *, status: int, retry_after: str | None) -> DeliveryError:
    """Return the error for a refusal."""
    if status == 429 or code in {"ratelimited", "rate_limited", "message_rate_limited"}:
        return DeliveryThrottled("Slack asks me to wait.", retry_after_s=_seconds(retry_after))
    if code in _TOKEN:
        # Not a refusal of the message: it goes out once the token is renewed.
        return DeliveryThrottled(f"Slack does not accept the bot's token ({code}).", retry_after_s=_TOKEN_WAIT_S)
    if status >= 500 or code in _UNKNOWN:
        return DeliveryUnknown(f"Slack failed ({code}).")
    if code in _BLOCKS:
        return BlocksRefused(f"Slack does not take the blocks of this message ({code}).")
    kind = _KINDS.get(code, DeliveryRefused)
    text = _REFUSALS.get(code, "Slack refuses this ({code}).")
    return kind(text.format(code=code, needed=answer.get("needed", "it needs")))


def from_api_error(error: SlackApiError) -> DeliveryError:
    """Return the delivery error for what the client raised; an answer that cannot be read leaves doubt."""
    response = error.response
    if not isinstance(response, AsyncSlackResponse):
        return from_code(_UNREADABLE, {}, status=int(getattr(response, "status", 500)), retry_after=None)
    answer = response.data if isinstance(response.data, dict) else {}
    headers = {str(name).lower(): str(value) for name, value in dict(response.headers).items()}
    code = str(answer.get("error") or _UNREADABLE)
    return from_code(code, answer, status=response.status_code, retry_after=headers.get("retry-after"))


def from_webhook(status: int, body: str, headers: Mapping[str, str]) -> DeliveryError | None:
    """Return the error for the answer to a private reply, or None when it was taken."""
    words = body.strip()
    answer: dict[str, Any] = {"ok": words in {"ok", ""}}
    if _CODE.fullmatch(words):
        answer["error"] = words
    elif words.startswith("{"):
        answer = _parsed(words)
    if status == 200 and answer.get("ok"):
        return None
    lowered = {str(name).lower(): str(value) for name, value in headers.items()}
    code = str(answer.get("error") or _UNREADABLE)
    if code in _GONE or status in {404, 410}:
        return AddressGone(_REFUSALS["expired_url"])
    return from_code(code, answer, status=status, retry_after=lowered.get("retry-after"))


@contextmanager
def delivery_errors() -> Iterator[None]:
    """Turn what the client and the network raise into delivery errors."""
    try:
        yield
    except SlackApiError as error:
        raise from_api_error(error) from error
    except TimeoutError as error:
        raise DeliveryUnknown("Slack did not answer in time.") from error
    except (aiohttp.ClientError, SlackClientError) as error:
        raise DeliveryUnknown("The connection to Slack broke.") from error
    except AttributeError as error:
        # The library's way to say that an answer is no JSON object (a proxy's page, for one).
        raise DeliveryUnknown("What Slack answered cannot be read.") from error


def _parsed(body: str) -> dict[str, Any]:
    try:
        parsed = json.loads(body)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _seconds(retry_after: str | None) -> float:
    """Read the header, which is a number of whole seconds."""
    if retry_after is None or not retry_after.isdecimal():
        return 1.0
    return min(float(retry_after), _LONGEST_WAIT_S)
