"""The client of the control door: how scripts and tests act as people and look at what they see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from aiohttp import ClientSession, ClientTimeout

Json = dict[str, Any]
_LONGEST_ACT_S = 120.0


class ControlError(Exception):
    """The act is not possible: no such button, person, channel, or message."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an act; ``seen`` is what Slack shows the person where it failed."""

    ok: bool = True
    seen: str = ""
    acked: bool | None = None
    ack_ms: float | None = None
    trigger_id: str | None = None
    reason: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Said(Outcome):
    """What came of typing: the message's ts, the answer inside the ack, the event that was sent."""

    ts: str | None = None
    answer: Json = field(default_factory=dict)
    event: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pressed(Outcome):
    """What came of a press or a shortcut, what the app was sent, and (where it may) what it answered."""

    action: Json = field(default_factory=dict)
    payload: Json = field(default_factory=dict)
    answer: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Aimed:
    """What a press would send, and what the client asks before: empty where it asks nothing."""

    payload: Json
    asks: str = ""


@dataclass(frozen=True, slots=True)
class Submitted(Outcome):
    """What came of a modal: closed, or errors by block_id."""

    closed: bool = False
    errors: Mapping[str, str] = field(default_factory=dict)
    payload: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shown:
    """A message as one person sees it; ``raw`` is its JSON."""

    ts: str
    channel: str
    author: str
    text: str
    buttons: list[str]
    thread_ts: str | None
    ephemeral: bool
    edits: int
    pings: list[str]
    links: list[str]
    files: list[Json]
    raw: Json


@dataclass(frozen=True, slots=True)
class ShownView:
    """A modal or Home tab as its owner sees it; ``raw`` is its JSON."""

    id: str
    text: str
    buttons: list[str]
    raw: Json


class SlackControl:
    """Act in a workspace that a server runs; ``async with`` opens the connection."""

    def __init__(self, control_url: str) -> None:
        self._url = control_url.rstrip("/")
        self._session: ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = ClientSession(timeout=ClientTimeout(total=_LONGEST_ACT_S))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def _act(self, act: str, **arguments: Any) -> Any:
        if self._session is None:
            raise ControlError("open the control with `async with` first")
        async with self._session.post(f"{self._url}/{act}", json=arguments) as response:
            body = await response.json()
        if "error" in body:
            raise ControlError(body["error"])
        return body["result"]

    async def say(self, text: str, *, user: str = "ann", channel: str = "ops", thread: str | None = None) -> Said:
        """Type a command, a mention (``@rag …``) or a plain message; ``channel="@rag"`` is the bot's direct message."""
        return Said(**await self._act("say", text=text, user=user, channel=channel, thread=thread))

    async def press(
        self,
        label: str,
        *,
        user: str,
        channel: str | None = None,
        message: str | None = None,
        revision: int | None = None,
        value: str | list[str] | None = None,
    ) -> Pressed:
        """Press the newest button with that label that the person sees, or choose a value in a select.

        ``revision`` presses what a client still shows that missed later edits (0 is the first revision). What the
        client asks before (``confirm``) is answered yes.
        """
        place = {"channel": channel, "message": message, "revision": revision}
        return Pressed(**await self._act("press", label=label, user=user, value=value, **place))

    async def aim(
        self,
        label: str,
        *,
        user: str,
        channel: str | None = None,
        message: str | None = None,
        revision: int | None = None,
    ) -> Aimed:
        """Return what such a press would send, without sending it: to be changed, or held back, and forged."""
        place = {"channel": channel, "message": message, "revision": revision}
        return Aimed(**await self._act("aim", label=label, user=user, **place))

    async def forge(self, payload: Mapping[str, Any], *, kind: str = "interactive") -> Pressed:
        """Deliver any payload as Slack's own; presses that were aimed before and are forged at once come together."""
        return Pressed(**await self._act("forge", payload=dict(payload), kind=kind))

    async def delete(self, message: str, *, user: str = "ann", channel: str = "ops") -> None:
        """Delete a message, one's own or the bot's."""
        await self._act("delete", message=message, user=user, channel=channel)

    async def read(self, *, channel: str = "ops", user: str | None = None, thread: str | None = None) -> list[Shown]:
        """Return the channel, one thread, or (``thread="all"``) everything, as that person sees it."""
        return [Shown(**item) for item in await self._act("read", channel=channel, user=user, thread=thread)]

    async def settle(self, timeout: float = 60.0, *, quiet: float = 0.3) -> bool:
        """Wait until nothing is on its way and nothing changed for a while; say whether that came in time."""
        return bool(await self._act("settle", timeout=timeout, quiet=quiet))

    async def connected(self, at_least: int = 1, *, timeout: float = 60.0) -> bool:
        """Wait until the app holds so many sockets; say whether that came in time."""
        return bool(await self._act("connected", at_least=at_least, timeout=timeout))

    async def state(self) -> Json:
        """Return the workspace and the counts: acks, pings, calls, violations of Retry-After."""
        return dict(await self._act("state"))

    async def view(self, user: str) -> ShownView | None:
        """Return the modal on top of a person's stack."""
        found = await self._act("view", user=user)
        return ShownView(**found) if found else None

    async def home(self, user: str) -> ShownView | None:
        """Return a person's Home tab as published last."""
        found = await self._act("home", user=user)
        return ShownView(**found) if found else None

    async def file(self, name: str) -> bytes:
        """Return an uploaded file by name or id."""
        return bytes.fromhex((await self._act("file", name=name))["hex"])

    async def view_submit(self, values: Mapping[str, Any] | None = None, *, user: str) -> Submitted:
        """Fill in the top modal (keys: block_id, action_id or label) and submit it."""
        return Submitted(**await self._act("view_submit", values=dict(values or {}), user=user))

    async def view_fill(self, values: Mapping[str, Any], *, user: str) -> Pressed:
        """Type and choose in the top modal without sending it (keys as in ``view_submit``)."""
        return Pressed(**await self._act("view_fill", values=dict(values), user=user))

    async def view_close(self, *, user: str, clear: bool = False) -> Outcome:
        """Close the top modal, or all of them."""
        return Outcome(**await self._act("view_close", user=user, clear=clear))

    async def shortcut(
        self, callback_id: str, *, user: str = "ann", message: str | None = None, channel: str = "ops"
    ) -> Pressed:
        """Use a global shortcut, or the shortcut of a message."""
        place = {"message": message, "channel": channel}
        return Pressed(**await self._act("shortcut", callback_id=callback_id, user=user, **place))

    async def open_home(self, user: str, *, tab: str = "home") -> Said:
        """Open the app's Home tab, or another of its tabs (``messages``)."""
        return Said(**await self._act("open_home", user=user, tab=tab))

    async def edit(self, text: str, *, message: str, user: str = "ann", channel: str = "@rag") -> Said:
        """Edit one's own message."""
        return Said(**await self._act("edit", text=text, message=message, user=user, channel=channel))

    async def react(self, emoji: str, *, message: str, user: str = "ann", channel: str = "ops") -> Said:
        """Add a reaction to a message."""
        return Said(**await self._act("react", emoji=emoji, message=message, user=user, channel=channel))

    async def redeliver(self, event: Mapping[str, Any], *, attempt: int = 1) -> Outcome:
        """Deliver an event once more (the ``event`` of what was said), in a new envelope."""
        return Outcome(**await self._act("redeliver", payload=dict(event), attempt=attempt))

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        """Disconnect every socket: warning, refresh_requested, link_disabled, or drop (no good-bye)."""
        await self._act("disconnect", reason=reason)

    async def use_http(self, url: str, signing_secret: str) -> None:
        """Deliver by signed HTTP to a request URL instead of Socket Mode; the URL must answer the challenge."""
        await self._act("use_http", url=url, signing_secret=signing_secret)

    async def replay(self) -> Json:
        """Send the last signed request again, byte for byte; return what became of it."""
        return dict(await self._act("replay"))

    async def check_tls(self) -> Json:
        """Send an ``ssl_check``; return what became of it."""
        return dict(await self._act("check_tls"))

    async def reload(self, user: str) -> int:
        """Reload a person's client; return how many messages only they saw are gone."""
        return int(await self._act("reload", user=user))

    # The workspace's administrator

    async def set_group(
        self, handle: str, members: list[str], *, disabled: bool = False, by: str | None = None
    ) -> Said:
        """Create a user group or replace its members; ``by`` is the person who does so."""
        return Said(**await self._act("set_group", handle=handle, members=members, disabled=disabled, by=by))

    async def set_user(self, name: str, **flags: bool) -> None:
        """Change a person: deleted, is_restricted, is_ultra_restricted, is_stranger."""
        await self._act("set_user", name=name, **flags)

    async def archive(self, channel: str, *, archived: bool = True) -> None:
        """Archive a channel, or bring it back."""
        await self._act("archive", channel=channel, archived=archived)

    async def set_plan(self, *, paid: bool) -> None:
        """Switch between a paid plan and the free one, which has no user groups."""
        await self._act("set_plan", paid=paid)

    async def set_home(self, *, enabled: bool) -> None:
        """Switch the app's Home tab on or off."""
        await self._act("set_home", enabled=enabled)

    async def set_scopes(self, *, add: list[str] | None = None, remove: list[str] | None = None) -> list[str]:
        """Change what the bot's token may do; return what it may do now."""
        return list(await self._act("set_scopes", add=add, remove=remove))

    async def revoke(self, *, revoked: bool = True) -> None:
        """Revoke the bot's token, or give it back."""
        await self._act("revoke", revoked=revoked)

    async def uninstall(self) -> None:
        """Take the app out of the workspace."""
        await self._act("uninstall")

    # Faults

    async def set_fault(self, kind: str, **rule: Any) -> None:
        """Put a fault in force: kind, and method, times (None: until cleared), seconds, status, error, skip, share.

        ``method`` is a Web API method with wildcards, ``upload``, ``response_url``, or for deliveries an envelope type.
        """
        await self._act("set_fault", kind=kind, **rule)

    async def clear_faults(self) -> None:
        """Let everything work again."""
        await self._act("clear_faults")

    async def set_rates(self, *, enabled: bool) -> None:
        """Switch rate limits on or off."""
        await self._act("set_rates", enabled=enabled)
