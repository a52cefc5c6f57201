"""The control door: scripts and tests act as people, look, and make things fail, over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace
from typing import Any

from aiohttp import ClientSession, web

from sandbox.slack.errors import Impossible, SlackError
from sandbox.slack.faults import Fault, Kind
from sandbox.slack.modals import Modals
from sandbox.slack.people import People
from sandbox.slack.rates import RateLimits
from sandbox.slack.records import Json
from sandbox.slack.sight import read, shown_view, state
from sandbox.slack.signed import SignedHttp
from sandbox.slack.socket import SocketHub
from sandbox.slack.webapi import WebApi
from sandbox.slack.wire import read_json


class ControlDoor:
    """Answer ``POST /control/<act>`` with what came of the act."""

    def __init__(self, people: People, hub: SocketHub, api: WebApi, rates: RateLimits) -> None:
        self._people = people
        self._modals = Modals(people)
        self._world = people.world
        self._courier = people.courier
        self._hub = hub
        self._api = api
        self._rates = rates
        self._session: ClientSession | None = None
        self._acts: dict[str, Callable[..., Awaitable[Any]]] = {
            "say": people.say,
            "press": people.press,
            "aim": people.aim,
            "forge": people.forge,
            "delete": people.delete,
            "archive": self._archive,
            "shortcut": people.shortcut,
            "open_home": people.open_home,
            "react": people.react,
            "set_group": people.set_group,
            "redeliver": people.redeliver,
            "view_submit": self._modals.submit,
            "view_fill": self._modals.fill,
            "view_close": self._modals.close,
            "edit": people.edit,
            "read": self._read,
            "view": self._view,
            "home": self._home,
            "state": self._state,
            "settle": self._settle,
            "connected": self._connected,
            "file": self._file,
            "set_fault": self._set_fault,
            "clear_faults": self._clear_faults,
            "set_plan": self._set_plan,
            "set_home": self._set_home,
            "set_rates": self._set_rates,
            "set_user": self._set_user,
            "set_scopes": self._set_scopes,
            "revoke": self._revoke,
            "uninstall": self._uninstall,
            "reload": self._reload,
            "disconnect": self._disconnect,
            "use_http": self._use_http,
            "replay": self._replay,
            "check_tls": self._check_tls,
        }

    def routes(self) -> list[web.RouteDef]:
        """Return the one route of the door."""
        return [web.post("/control/{act}", self._handle)]

    async def _handle(self, request: web.Request) -> web.Response:
        act = self._acts.get(request.match_info["act"])
        if act is None:
            return web.json_response({"error": f"no such act; there are {', '.join(self._acts)}"}, status=404)
        try:
            arguments = await read_json(request)
            return web.json_response({"result": await act(**arguments)})
        except (Impossible, SlackError, TypeError) as error:
            return web.json_response({"error": str(error)}, status=409)

    # Looking

    async def _read(self, *, channel: str, user: str | None = None, thread: str | None = None) -> list[Json]:
        return read(self._world, channel, user, thread)

    async def _view(self, *, user: str) -> Json | None:
        return shown_view(self._world, self._world.modal_of(self._world.person(user)))

    async def _home(self, *, user: str) -> Json | None:
        return shown_view(self._world, self._world.homes.get(self._world.person(user).id))

    async def _file(self, *, name: str) -> Json:
        for file in reversed(self._world.files.values()):
            if name in {file.id, file.name} and file.body is not None:
                return {"name": file.name, "text": file.body.decode(errors="replace"), "hex": file.body.hex()}
        raise Impossible(f"no file {name!r} was uploaded")

    async def _state(self) -> Json:
        latencies = [round(seconds * 1000, 2) for seconds in self._courier.latencies_s]
        return state(self._world) | {
            "connections": len(self._hub.connections),
            "acks_ms": latencies,
            "unacked": self._courier.unacked,
            "lost_events": self._courier.lost_events,
            "repeats": self._courier.repeats,
            "calls": dict(self._api.calls),
            "ratelimited": self._rates.refused,
            "retry_after_violations": self._rates.violations,
        }

    async def _settle(self, *, timeout: float = 10.0, quiet: float = 0.3) -> bool:
        """Wait until nothing is on its way and nothing changed for a while; False when that did not come in time."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        seen, since = self._marks(), loop.time()
        while loop.time() < deadline:
            await asyncio.sleep(min(0.02, quiet))
            now = self._marks()
            if now != seen or self._courier.on_the_way or self._api.in_flight:
                seen, since = now, loop.time()
            elif loop.time() - since >= quiet:
                return True
        return False

    async def _connected(self, *, at_least: int = 1, timeout: float = 10.0) -> bool:
        return await self._hub.connected(at_least, timeout)

    def _marks(self) -> tuple[int, int]:
        return self._world.changes, sum(self._api.calls.values())

    # Making things different

    async def _set_fault(self, *, kind: str, **rule: Any) -> bool:
        if kind not in set(Kind):
            raise Impossible(f"no such fault; there are {', '.join(Kind)}")
        self._courier.faults.add(Fault(Kind(kind), **rule))
        return True

    async def _clear_faults(self) -> bool:
        self._courier.faults.clear()
        return True

    async def _set_plan(self, *, paid: bool) -> bool:
        self._world.paid_plan = paid
        return paid

    async def _set_home(self, *, enabled: bool) -> bool:
        self._world.home_enabled = enabled
        return enabled

    async def _set_rates(self, *, enabled: bool) -> bool:
        self._rates.enabled = enabled
        return enabled

    async def _archive(self, *, channel: str, archived: bool = True) -> bool:
        place = self._world.place(channel)
        place.is_archived = archived
        self._world.touch()
        return archived

    async def _set_user(self, *, name: str, **flags: bool) -> str:
        return self._world.change_user(name, **flags).id

    async def _set_scopes(self, *, add: list[str] | None = None, remove: list[str] | None = None) -> list[str]:
        token = self._world.tokens[self._world.bot_token]
        scopes = (token.scopes | set(add or ())) - set(remove or ())
        self._world.tokens[token.value] = replace(token, scopes=frozenset(scopes))
        return sorted(scopes)

    async def _revoke(self, *, revoked: bool = True) -> bool:
        token = self._world.tokens[self._world.bot_token]
        self._world.tokens[token.value] = replace(token, revoked=revoked)
        if revoked:
            tokens = {"oauth": [], "bot": [self._world.bot.id]}
            await self._people.event({"type": "tokens_revoked", "tokens": tokens})
        return revoked

    async def _uninstall(self) -> bool:
        """Take the app out of the workspace: its tokens are void, and it is told so once."""
        await self._revoke()
        await self._people.event({"type": "app_uninstalled"})
        return True

    async def _reload(self, *, user: str) -> int:
        """Reload a person's client: what only they saw is gone."""
        user_id = self._world.person(user).id
        everything = [message for place in self._world.channels.values() for message in place.messages]
        gone = [message for message in everything if message.only_for == user_id and not message.deleted]
        for message in gone:
            self._world.delete(message)
        return len(gone)

    async def _use_http(self, *, url: str, signing_secret: str) -> bool:
        """Deliver to a request URL from now on, once it has answered the challenge."""
        await self.close()
        courier = self._courier
        self._session = ClientSession()
        signed = SignedHttp(self._world, courier.faults, courier.timing, self._session, url, signing_secret)
        await signed.verify_url()
        courier.transport = signed
        return True

    def _signed(self) -> SignedHttp:
        if not isinstance(self._courier.transport, SignedHttp):
            raise Impossible("the app has no request URL; it uses Socket Mode")
        return self._courier.transport

    async def _replay(self) -> Json:
        return asdict(await self._signed().replay())

    async def _check_tls(self) -> Json:
        return asdict(await self._signed().check_tls())

    async def close(self) -> None:
        """Close the way to the request URL, where there was one."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _disconnect(self, *, reason: str = "refresh_requested") -> bool:
        if reason not in {"warning", "refresh_requested", "link_disabled", "drop"}:
            raise Impossible(f"no such reason: {reason}")
        await self._hub.disconnect(reason)
        return True
