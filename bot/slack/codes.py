"""What Slack said when its client raised: both sides of the adapter, and whoever starts it, need its word."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_slack_response import AsyncSlackResponse


def answer_of(error: SlackApiError) -> Mapping[str, Any]:
    """Return the answer; empty when what answered does not speak as Slack does (a failing proxy sends a page)."""
    response = error.response
    said = response.data if isinstance(response, AsyncSlackResponse) else response
    return said if isinstance(said, dict) else {}


def code_of(error: SlackApiError) -> str:
    """Return Slack's word for what went wrong; empty when there is none."""
    return str(answer_of(error).get("error") or "")
