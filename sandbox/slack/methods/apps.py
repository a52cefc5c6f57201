"""auth.test and apps.connections.open: who the token is, and the way into Socket Mode."""

from __future__ import annotations

from sandbox.slack.methods.base import Call, Method, Tier
from sandbox.slack.records import Json


def auth_test(call: Call) -> Json:
    """Say whose token this is."""
    world = call.world
    body: Json = {"url": f"https://{world.domain}.slack.com/", "team": world.domain, "team_id": world.team_id}
    body |= {"user": world.bot.name, "user_id": world.bot.id, "bot_id": world.bot.bot_id}
    return body | {"is_enterprise_install": False}


def connections_open(call: Call) -> Json:
    """Hand out a WebSocket address that is good for one connection."""
    ticket = call.world.ids.secret()
    call.world.socket_tickets.add(ticket)
    origin = call.origin.replace("http", "ws", 1)
    return {"url": f"{origin}/link/?ticket={ticket}&app_id={call.world.app_id}"}


METHODS = (
    Method("auth.test", auth_test, Tier.SPECIAL),
    Method("apps.connections.open", connections_open, Tier.T1, ("connections:write",), kind="app"),
)
