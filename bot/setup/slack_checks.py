"""What Slack says to the tokens and ids of a configuration: who the bot is, what it may, whom the ids mean."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from bot.domain.people import Standing
from bot.setup.results import Result, fault, ok, warning
from bot.setup.written import Mention, MentionKind

MOST_USERS = 60
_AT_ONCE = 6
_APP_PAGE = "on the app's page at https://api.slack.com/apps"

# Without these nobody can use the bot at all.
_ESSENTIAL = frozenset({"commands", "chat:write", "app_mentions:read", "users:read"})
_STANDINGS = {
    Standing.GUEST: "is a guest of the workspace",
    Standing.STRANGER: "belongs to another workspace",
    Standing.BOT: "is a bot",
    Standing.DEACTIVATED: "is deactivated",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackAnswer:
    """What a method answered. `error` is Slack's own word; `trouble` says in ours why there is no answer at all."""

    error: str = ""
    trouble: str = ""
    body: Mapping[str, Any] = field(default_factory=dict)
    scopes: frozenset[str] = frozenset()
    needed: str = ""

    @property
    def well(self) -> bool:
        """Tell whether the method did what it was asked."""
        return not (self.error or self.trouble)

    @property
    def problem(self) -> str:
        """Return why not, in few words."""
        if self.error == "missing_scope":
            return f"the bot's token lacks the scope {self.needed or 'that this needs'}"
        return self.trouble or f"Slack refuses it ({self.error})"


class SlackDoor(Protocol):
    """The Web API with one token."""

    async def call(self, method: str, **arguments: str) -> SlackAnswer:
        """Call a method that reads. Never raises for what Slack or the network does, and answers within seconds."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackQuestion:
    """What is to be asked.

    `standing` is how the product judges an account; `scopes` are those of the app's manifest, each with its reason. A
    door is None when its token is not set, or is none.
    """

    bot: SlackDoor | None
    app: SlackDoor | None
    mentions: Sequence[Mention]
    scopes: Mapping[str, str]
    standing: Callable[[Mapping[str, Any], str], Standing]


async def check_slack(question: SlackQuestion) -> list[Result]:
    """Ask about both tokens and about every id, side by side."""
    app, bot = await asyncio.gather(_app_token(question.app), _bot(question))
    return [*bot, *app]


async def _app_token(door: SlackDoor | None) -> list[Result]:
    if door is None:
        return []
    tried = "Slack app token, apps.connections.open"
    answer = await door.call("apps.connections.open")
    if answer.well:
        return [ok(tried, "a socket may be opened (none was)", where="SLACK_APP_TOKEN")]
    if answer.error in {"ratelimited", "rate_limited"}:
        found = "Slack asks to wait: it was asked a moment ago"
        return [warning(tried, found, "Check again in a minute.", where="SLACK_APP_TOKEN")]
    todo = f"Make an app-level token with connections:write {_APP_PAGE}." if answer.error else _REACH
    return [fault(tried, answer.problem, todo, where="SLACK_APP_TOKEN")]


_REACH = "Check that this machine reaches Slack (SLACK_API_URL, HTTPS_PROXY)."


async def _bot(question: SlackQuestion) -> list[Result]:
    door, tried = question.bot, "Slack bot token, auth.test"
    if door is None:
        return _unasked(question.mentions, "there is no bot token to ask with")
    answer = await door.call("auth.test")
    if not answer.well:
        todo = f"Take the bot token anew {_APP_PAGE} (OAuth & Permissions)." if answer.error else _REACH
        refused = fault(tried, answer.problem, todo, where="SLACK_BOT_TOKEN")
        return [refused, *_unasked(question.mentions, "Slack refuses the bot")]
    team, team_id = str(answer.body.get("team", "")), str(answer.body.get("team_id", ""))
    found = f"the bot is {answer.body.get('user', '?')} of {team} ({team_id})"
    asked = await asyncio.gather(
        _groups(door, question.mentions, team),
        _users(door, question, team_id),
        *(_channel(door, each) for each in question.mentions if each.kind is MentionKind.CHANNEL),
    )
    scopes = _scopes(answer.scopes, question)
    return [ok(tried, found, where="SLACK_BOT_TOKEN"), *scopes, *(one for results in asked for one in results)]


def _unasked(mentions: Sequence[Mention], why: str) -> list[Result]:
    if not mentions:
        return []
    ids = ", ".join(dict.fromkeys(each.id for each in mentions))
    return [warning("ids of people, groups and channels", f"not looked up ({why}): {ids}", where=mentions[0].where)]


def _scopes(granted: frozenset[str], question: SlackQuestion) -> list[Result]:
    tried = "Slack bot token, scopes"
    if not granted:
        return [warning(tried, "Slack did not say which scopes it has", where="SLACK_BOT_TOKEN")]
    bound = any(each.kind is MentionKind.GROUP for each in question.mentions)
    essential = _ESSENTIAL | ({"usergroups:read"} if bound else frozenset())
    results = []
    for scope in sorted(question.scopes.keys() - granted):
        tell = fault if scope in essential else warning
        found = f"{scope} is missing, which is for this: {question.scopes[scope]}"
        todo = "Add it under OAuth & Permissions, or take the app manifest anew, and install the app again."
        results.append(tell(tried, found, todo, where="SLACK_BOT_TOKEN"))
    told = f"all {len(question.scopes)} that are needed: {', '.join(sorted(question.scopes))}"
    return results or [ok(tried, told, where="SLACK_BOT_TOKEN")]


async def _groups(door: SlackDoor, mentions: Sequence[Mention], team: str) -> list[Result]:
    mine = [each for each in mentions if each.kind is MentionKind.GROUP]
    if not mine:
        return []
    answer = await door.call("usergroups.list", include_users="true", include_disabled="true")
    if answer.error in {"plan_upgrade_required", "paid_teams_only"}:
        found = "the workspace's plan has no user groups, so nobody holds it by this one"
        return [warning(_named(each), found, "Bind people by id (users = [...]).", where=each.where) for each in mine]
    if not answer.well:
        return [fault(_named(each), f"usergroups.list: {answer.problem}", where=each.where) for each in mine]
    listed = answer.body.get("usergroups")
    groups = {str(group.get("id")): group for group in listed if isinstance(group, dict)} if listed else {}
    return [_group(each, groups.get(each.id), groups, team) for each in mine]


def _group(
    mention: Mention, group: Mapping[str, Any] | None, groups: Mapping[str, Mapping[str, Any]], team: str
) -> Result:
    tried = _named(mention)
    if group is None:
        known = ", ".join(sorted(f"{id_} (@{each.get('handle', '')})" for id_, each in groups.items())[:10]) or "none"
        found = f"there is no such group in {team}; there are: {known}"
        return fault(tried, found, "Mend the id (People, User groups, Copy group ID).", where=mention.where)
    handle = f"@{group.get('handle', '')}"
    if group.get("date_delete"):
        todo = "Enable it again in Slack, or name another one."
        return fault(tried, f"{handle} is disabled, so nobody holds {mention.purpose}", todo, where=mention.where)
    members = group.get("users") or ()
    if not members:
        todo = "Add somebody to it in Slack."
        return warning(tried, f"nobody is in {handle}", todo, where=mention.where)
    return ok(tried, f"{handle}, {len(members)} {'member' if len(members) == 1 else 'members'}", where=mention.where)


async def _users(door: SlackDoor, question: SlackQuestion, team_id: str) -> list[Result]:
    mine = [each for each in question.mentions if each.kind is MentionKind.USER]
    wanted = list(dict.fromkeys(each.id for each in mine))[:MOST_USERS]
    at_once = asyncio.Semaphore(_AT_ONCE)

    async def look_up(user_id: str) -> SlackAnswer:
        async with at_once:
            return await door.call("users.info", user=user_id)

    answers = dict(zip(wanted, await asyncio.gather(*map(look_up, wanted)), strict=True))
    return [_user(each, answers.get(each.id), question, team_id) for each in mine]


def _user(mention: Mention, answer: SlackAnswer | None, question: SlackQuestion, team_id: str) -> Result:
    tried = _named(mention)
    if answer is None:
        return warning(tried, f"not looked up: only the first {MOST_USERS} people are", where=mention.where)
    if answer.error in {"user_not_found", "user_not_visible"}:
        return fault(tried, "there is no such person", "Mend the id (profile, Copy member ID).", where=mention.where)
    if not answer.well:
        return fault(tried, f"users.info: {answer.problem}", where=mention.where)
    user = answer.body.get("user") or {}
    name = f"@{user.get('name', mention.id)}"
    standing = question.standing(user, team_id)
    if standing is not Standing.MEMBER:
        found = f"{name} {_STANDINGS[standing]} and so holds no role; only full members do"
        return fault(tried, found, "Name somebody else, or make them a full member.", where=mention.where)
    return ok(tried, f"{name}, a full member", where=mention.where)


async def _channel(door: SlackDoor, mention: Mention) -> list[Result]:
    tried, where = _named(mention), mention.where
    answer = await door.call("conversations.info", channel=mention.id)
    if answer.error == "missing_scope":
        # The app need not have the right to look at channels; that to read back its own messages tells as much.
        answer = await door.call("conversations.history", channel=mention.id, limit="1")
        if answer.well:
            return [ok(tried, "the bot is in it", where=where)]
    if answer.error == "not_in_channel":
        return [fault(tried, "the bot is not in it", "Invite it: /invite @rag.", where=where)]
    if answer.error == "channel_not_found":
        found = "there is no such channel, or it is private and the bot is not in it"
        return [fault(tried, found, "Mend the id, or invite the bot: /invite @rag.", where=where)]
    if not answer.well:
        return [warning(tried, f"cannot be told: {answer.problem}", where=where)]
    channel = answer.body.get("channel") or {}
    name = f"#{channel.get('name', '')}"
    if channel.get("is_archived"):
        return [fault(tried, f"{name} is archived", "Name another one.", where=where)]
    if not channel.get("is_member"):
        return [fault(tried, f"the bot is not in {name}", f"Invite it in {name}: /invite @rag.", where=where)]
    return [ok(tried, f"{name}, the bot is in it", where=where)]


def _named(mention: Mention) -> str:
    return f"{mention.kind} {mention.id} of {mention.purpose}"
