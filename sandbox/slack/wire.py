"""The wire forms in which apps send arguments: JSON body, query string, form, or nothing but a header."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from sandbox.slack.errors import SlackError


async def read_arguments(request: web.Request) -> dict[str, Any]:
    """Return the arguments of a call; raise SlackError for a body that is not what its type says."""
    found: dict[str, Any] = dict(request.query)
    if request.method == "GET" or not request.can_read_body:
        return found
    if request.content_type == "application/json":
        return found | await read_json(request)
    if request.content_type in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        form = await request.post()
        return found | {key: value for key, value in form.items() if isinstance(value, str)}
    if await request.read():
        raise SlackError("invalid_post_type")
    return found


async def read_json(request: web.Request) -> dict[str, Any]:
    """Return a JSON object from the body; raise SlackError for anything else."""
    try:
        body = json.loads(await request.read() or b"{}")
    except ValueError as error:
        raise SlackError("invalid_json") from error
    if not isinstance(body, dict):
        raise SlackError("json_not_object")
    return body


def bearer(request: web.Request) -> str:
    """Return the token in the Authorization header, or nothing."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
