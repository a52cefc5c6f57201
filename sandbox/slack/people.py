"""What people do in the workspace: type, press, react, open the Home tab; and what they see when the app fails.

Slack's own rules for people are kept here: commands not in threads, nothing in channels one is not in, nothing by
somebody deactivated. What the app is told goes by the courier.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandbox.slack.delivery import Courier, Delivery, Retry
from sandbox.slack.elements import all_options, check_suggestions
from sandbox.slack.errors import Impossible, SlackError
from sandbox.slack.interactions import (
    Target,
    action_for,
    click_payload,
    direct_event,
    event_payload,
    frame,
    slash_payload,
    suggestion_payload,
    view_click_payload,
)
from sandbox.slack.payloads import group_json, message_json, view_json
from sandbox.slack.presses import find_spot
from sandbox.slack.records import Channel, Content, Json, Message, User, View
from sandbox.slack.respond import answer_in
from sandbox.slack.show import confirm_text
from sandbox.slack.subscriptions import is_heard
from sandbox.slack.typed import typed_command, typed_message
from sandbox.slack.world import Workspace


@dataclass(slots=True)
class People:
    """Act as one of the people; ``origin`` is where response_url answers go."""

    world: Workspace
    courier: Courier
    origin: str = ""

    def actor(self, name: str) -> User:
        """Return a person who can act at all."""
        user = self.world.person(name)
        if user.deleted or user.is_bot:
            raise Impossible(f"{user.name} cannot act: {'deactivated' if user.deleted else 'a bot'}")
        return user

    async def say(self, text: str, *, user: str, channel: str, thread: str | None) -> Json:
        """Type a command, a mention, or a plain message."""
        actor, place = self.actor(user), self._place(channel, user)
        if actor.id not in place.members:
            return refused(f"You are not in #{place.name}")
        if place.is_archived:
            return refused(f"#{place.name} is archived")
        if text.startswith("/"):
            return await self._command(actor, place, text, thread)
        if thread is not None and (place.find(thread) is None or _is_reply(place, thread)):
            raise Impossible(f"{thread} is no thread in #{place.name}")
        content = Content(typed_message(self.world, text))
        message = self.world.post(place, actor, content, thread_ts=thread)
        if place.is_im:
            return {"ok": True, "ts": message.ts, **(await self.event(direct_event(self.world, place, message)))}
        mentioned = f"<@{self.world.bot.id}>" in content.text
        if not mentioned or self.world.bot.id not in place.members:
            return {"ok": True, "ts": message.ts}
        event = {"type": "app_mention", "user": actor.id, "text": content.text, "ts": message.ts, "team": actor.team_id}
        event |= {"channel": place.id, "event_ts": message.ts, "client_msg_id": self.world.ids.secret()}
        if thread is not None:
            event["thread_ts"] = thread
        return {"ok": True, "ts": message.ts, **(await self.event(event))}

    def bot_said(self, place: Channel, message: Message) -> None:
        """Tell the app what it said itself, and what was edited, in a direct message."""
        if message.bot_id or len(message.revisions) > 1:
            self.courier.soon(self._told(direct_event(self.world, place, message)))

    async def _told(self, event: Json) -> None:
        await self.event(event)

    async def edit(self, text: str, *, user: str, message: str, channel: str = "@rag") -> Json:
        """Edit one's own message."""
        actor, place = self.actor(user), self._place(channel, user)
        found = place.find(message)
        if found is None or found.user_id != actor.id:
            raise Impossible(f"{actor.name} has no message {message} there")
        self.world.edit(found, Content(typed_message(self.world, text)))
        return {"ok": True, "ts": found.ts}

    def _place(self, channel: str, user: str) -> Channel:
        return self.world.direct_channel(self.world.person(user)) if channel == "@rag" else self.world.place(channel)

    async def _command(self, actor: User, place: Channel, text: str, thread: str | None) -> Json:
        name, _, rest = text.partition(" ")
        if name != self.world.command:
            return refused(f"{name} is not a valid command.")
        if thread is not None:
            return refused(f"{name} is not supported in threads. Sorry!")
        payload = slash_payload(self.world, actor, place, typed_command(self.world, rest.strip()), self.origin)
        delivery = await self.courier.deliver("slash_commands", payload)
        result: Json = {"ok": True, "trigger_id": payload["trigger_id"], **_acked(delivery)}
        if not delivery.acked:
            return result | {"ok": False, "seen": f'{name} failed with the error "{_failure(delivery)}"'}
        if not delivery.payload:
            return result
        try:
            answer = answer_in(self.world, place, actor, _message_of(delivery.payload))
        except SlackError as error:
            seen = f'{name} failed with the error "invalid_command_response"'
            return result | {"ok": False, "seen": seen, "reason": error.as_json()}
        return result | {"answer": message_json(self.world, answer)}

    async def event(self, event: Json) -> Json:
        """Tell the app what happened, if it subscribed to that."""
        if not is_heard(self.world, event):
            return {}
        payload = event_payload(self.world, event)
        delivery = await self.courier.deliver_event(payload)
        return _acked(delivery) | {"event": payload}

    async def redeliver(self, payload: Json, *, attempt: int = 1) -> Json:
        """Deliver an event once more, as Slack does when it missed the ack."""
        return _acked(await self.courier.deliver("events_api", payload, retry=Retry(attempt, "timeout")))

    async def press(self, label: str, **where: Any) -> Json:
        """Press a button or choose a value (``where`` as for ``aim``); what the client asks first is answered yes."""
        aimed = await self.aim(label, **where)
        return await self._interact(aimed["payload"]) | {"action": aimed["payload"]["actions"][0]}

    async def aim(
        self,
        label: str,
        *,
        user: str,
        channel: str | None = None,
        message: str | None = None,
        revision: int | None = None,
        value: str | list[str] | None = None,
    ) -> Json:
        """Return what a press would send, and what the client asks before.

        An older revision is what a client that missed the edit still shows.
        """
        actor = self.actor(user)
        place = self._place(channel, user) if channel else None
        spot = find_spot(self.world, actor, label, channel=place, message=message, revision=revision)
        if spot is None:
            raise Impossible(f"{actor.name} sees nothing to press with the label {label!r}")
        where, target = spot
        chosen = self._as_ids(value)
        element = target.element
        if "external" in str(element["type"]) and isinstance(chosen, str):
            options = await self.suggest(actor, where, target, chosen)
            element = element | {"options": options}
        action = action_for(element, label, chosen)
        if isinstance(where, View):
            payload = view_click_payload(self.world, actor, where, target, action)
        else:
            payload = click_payload(self.world, actor, where, target, action, origin=self.origin, revision=revision)
        return {"payload": payload, "asks": confirm_text(element)}

    async def forge(self, payload: Json, *, kind: str = "interactive") -> Json:
        """Deliver whatever is given as Slack's own word: what no client would send, and what waited for its moment."""
        delivery = await self.courier.deliver(kind, payload)
        return {"ok": delivery.acked, **_acked(delivery), "payload": payload, "answer": _answered(delivery)}

    async def delete(self, message: str, *, user: str, channel: str) -> Json:
        """Delete a message, one's own or (as an owner of the workspace may) the bot's; no app hears of it."""
        actor, place = self.actor(user), self._place(channel, user)
        found = place.find(message)
        if found is None or actor.id not in place.members or found.user_id not in {actor.id, self.world.bot.id}:
            raise Impossible(f"{actor.name} has no message {message} there to delete")
        self.world.delete(found)
        return {"ok": True, "ts": found.ts}

    async def suggest(self, actor: User, where: View | Message, target: Target, typed: str) -> list[Json]:
        """Ask the app for the options of an external select, as the client does while somebody types."""
        payload = suggestion_payload(self.world, actor, where, target, typed)
        delivery = await self.courier.deliver("interactive", payload)
        answer = delivery.payload if isinstance(delivery.payload, dict) else {}
        problems = check_suggestions(answer)
        if not delivery.acked or problems:
            raise Impossible(f"the select shows no options: {problems[0] if problems else delivery.reason}")
        return [dict(option) for option in all_options(answer)]

    async def _interact(self, payload: Json) -> Json:
        """Deliver an interaction whose ack carries nothing."""
        delivery = await self.courier.deliver("interactive", payload)
        result: Json = {"ok": delivery.acked, "trigger_id": payload.get("trigger_id"), **_acked(delivery)}
        seen = "" if delivery.acked else f"⚠ {self.world.bot.name} did not respond ({_failure(delivery)})"
        return result | {"seen": seen, "payload": payload}

    def _as_ids(self, value: str | list[str] | None) -> str | list[str] | None:
        """Turn names of people and channels into ids; leave everything else alone."""
        if isinstance(value, list):
            return [str(self._as_ids(item)) for item in value]
        if value and value[0] == "@" and value[1:] in self.world.users:
            return self.world.users[value[1:]].id
        if value and value[0] == "#" and value[1:] in self.world.channels:
            return self.world.channels[value[1:]].id
        return value

    async def shortcut(self, callback_id: str, *, user: str, message: str | None, channel: str) -> Json:
        """Use a global shortcut, or a message's one where a message is named."""
        actor = self.actor(user)
        payload = frame(self.world, "message_action" if message else "shortcut", actor)
        here = self.world.place(channel) if message else None
        payload |= {"callback_id": callback_id, "trigger_id": self.world.issue_trigger(actor, channel=here)}
        payload["action_ts"] = self.world.ids.stamp(self.world.clock())
        if message:
            place = self.world.place(channel)
            found = place.find(message)
            if found is None or actor.id not in place.members:
                raise Impossible(f"{actor.name} sees no message {message} in #{place.name}")
            hook = self.world.issue_hook(place, actor, found)
            payload |= {"channel": {"id": place.id, "name": place.name}, "message_ts": found.ts}
            payload |= {"message": message_json(self.world, found)}
            payload |= {"response_url": f"{self.origin}/response/{hook.secret}"}
        return await self._interact(payload)

    async def open_home(self, user: str, *, tab: str = "home") -> Json:
        """Open the app's Home tab."""
        actor = self.actor(user)
        event: Json = {"type": "app_home_opened", "user": actor.id, "tab": tab}
        event |= {"channel": self.world.direct_channel(actor).id, "event_ts": self.world.ids.stamp(self.world.clock())}
        if actor.id in self.world.homes:
            event["view"] = view_json(self.world, self.world.homes[actor.id])
        return {"ok": True, **(await self.event(event))}

    async def react(self, emoji: str, *, user: str, channel: str, message: str) -> Json:
        """Add a reaction to a message."""
        actor, place = self.actor(user), self.world.place(channel)
        found = place.find(message)
        if found is None or actor.id not in place.members:
            raise Impossible(f"{actor.name} sees no message {message} in #{place.name}")
        found.reactions.setdefault(emoji, []).append(actor.id)
        self.world.touch()
        item = {"type": "message", "channel": place.id, "ts": found.ts}
        event: Json = {"type": "reaction_added", "user": actor.id, "reaction": emoji, "item": item}
        event |= {"item_user": found.user_id, "event_ts": self.world.ids.stamp(self.world.clock())}
        return {"ok": True, **(await self.event(event) if self.world.bot.id in place.members else {})}

    async def set_group(
        self, handle: str, members: list[str], *, disabled: bool = False, by: str | None = None
    ) -> Json:
        """Create a user group or change who is in it, and tell the app."""
        old = self.world.groups.get(handle)
        group = self.world.set_group(handle, members, disabled=disabled)
        editor = self.world.person(by).id if by else ""
        now = int(self.world.clock())
        shown = group_json(self.world, group, users=True) | {"updated_by": editor, "created_by": editor}
        if old is None:
            return {"ok": True, **(await self.event({"type": "subteam_created", "subteam": shown}))}
        await self.event({"type": "subteam_updated", "subteam": shown})
        event: Json = {"type": "subteam_members_changed", "subteam_id": group.id, "team_id": self.world.team_id}
        event |= {"added_users": sorted(set(group.users) - set(old.users)), "date_update": now}
        event |= {"removed_users": sorted(set(old.users) - set(group.users)), "date_previous_update": now}
        event |= {"added_users_count": len(event["added_users"]), "removed_users_count": len(event["removed_users"])}
        return {"ok": True, **(await self.event(event))}


def refused(seen: str) -> Json:
    """Return what Slack itself answers a person; the app hears nothing of it."""
    return {"ok": False, "seen": seen}


def _is_reply(place: Channel, ts: str) -> bool:
    found = place.find(ts)
    return found is not None and found.in_thread


def _acked(delivery: Delivery) -> Json:
    latency = round(delivery.latency_s * 1000, 2)
    return {"acked": delivery.acked, "ack_ms": latency if delivery.acked else None}


def _answered(delivery: Delivery) -> Json:
    return delivery.payload if isinstance(delivery.payload, dict) else {}


def _failure(delivery: Delivery) -> str:
    return "operation_timeout" if "timeout" in delivery.reason else "dispatch_failed"


def _message_of(payload: Any) -> Json:
    return payload if isinstance(payload, dict) else {"text": str(payload)}
