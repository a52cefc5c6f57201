"""`home`: a person's own page: who they are here, how each place does, what waits for them, and where to go on."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.domain.actions import Need, NoParams, Query, Setting
from bot.domain.people import Permission
from bot.domain.policy import Asked, Authorization
from bot.domain.requests import Request
from bot.domain.rights_words import held_words, holders_words, read_words
from bot.domain.targets import Scope, Where
from bot.domain.text import count, first_line
from bot.domain.view import (
    Block,
    Button,
    Buttons,
    Context,
    Headline,
    Item,
    Line,
    Mark,
    Mention,
    Paragraph,
    View,
    bold,
    code,
    line,
)
from bot.errors import BotError, StoreUnavailable, UsageError
from bot.ports import Asker, Rights, Sources

MOST_PLACES = 20
MOST_WAITING = 5
# So many places are looked at side by side: one page must not take all that the clusters give.
AT_ONCE = 4
LONGEST = 120
# The inbound side opens the dialog when it sees this command; it is no verb.
BUILD = "build"
_TROUBLED = frozenset({"degraded", "down"})
_CANNOT_TELL = "I cannot tell which places are open to you"


@dataclass(frozen=True, slots=True)
class Look:
    """What is known of one place: the answer's one line and its mark, and the data for programs."""

    scope: Scope
    summary: str
    mark: Mark
    verdict: str


@dataclass(frozen=True, slots=True)
class Seen:
    """The person's standing, the places they may see, how many they may not, and what waits (None: not known)."""

    standing: Authorization
    looks: Sequence[Look]
    closed: int
    unread: int
    waiting: Sequence[Request] | None
    problem: str = ""


async def observe(params: NoParams, sources: Sources) -> Seen:
    if sources.ask is None or sources.rights is None or sources.places is None:
        raise ValueError("home needs to ask, the rights and the places")
    rights, actor = sources.rights, sources.request.actor
    if actor.local:
        raise UsageError("home is the bot's page in chat.", suggestions=["status"])
    standing = await rights.of(actor, Asked(Permission.READ))
    # A look-up that failed a moment ago is not tried again for each place: each try may take long.
    asked_about = sources.places if standing.allowed else ()
    open_places = [place for place in asked_about if await _may_look(rights, sources, place)]
    looks = await _look_at_all(sources.ask, open_places[:MOST_PLACES])
    waiting, problem = await _waiting(sources)
    closed = len(sources.places) - len(open_places)
    return Seen(standing, looks, closed, max(len(open_places) - MOST_PLACES, 0), waiting, problem)


async def _may_look(rights: Rights, sources: Sources, place: Scope) -> bool:
    return (await rights.of(sources.request.actor, Asked(Permission.READ, "status", Where(place)))).allowed


async def _look_at_all(ask: Asker, places: Sequence[Scope]) -> list[Look]:
    """Ask for the status of each place with the person's own rights, a few at once, in their order."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def look(place: Scope) -> Look:
        async with gate:
            return await _look_at(ask, place)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(look(place)) for place in places]
    return [task.result() for task in tasks]


async def _look_at(ask: Asker, place: Scope) -> Look:
    try:
        view = await ask.view(f"status {words_to(place)}")
    except BotError as error:
        return Look(place, f"I cannot tell: {first_line(error.message, LONGEST)}", Mark.UNKNOWN, "unknown")
    mark = next((block.mark for block in view.blocks if isinstance(block, Headline)), Mark.UNKNOWN)
    verdict = str(view.data.get("verdict", "unknown")) if isinstance(view.data, Mapping) else "unknown"
    return Look(place, view.summary, mark, verdict)


def words_to(place: Scope) -> str:
    """Return the words that lead a command to a place."""
    return shlex.join(["--cluster", place.cluster, "-n", place.namespace])


async def _waiting(sources: Sources) -> tuple[Sequence[Request] | None, str]:
    """Return what the person asked for and is not done yet, without this very request; None with the reason if unknown.

    Where nothing is kept (a terminal) there is no reason either.
    """
    if sources.inbox is None:
        return None, ""
    try:
        waiting = await sources.inbox.waiting(sources.request.actor)
    except StoreUnavailable as error:
        return None, error.said
    return [request for request in waiting if request.key != sources.request.key], ""


def render(params: NoParams, seen: Seen, setting: Setting) -> View:
    headline = _headline(seen)
    blocks: list[Block] = [headline, *(block for look in seen.looks for block in _place(look))]
    blocks.append(Paragraph((_greeting(seen, setting),)))
    notes = _notes(seen)
    if notes:
        blocks.append(Paragraph(tuple(line(note) for note in notes)))
    blocks += _waiting_blocks(seen)
    blocks.append(Context((_small_print(seen, setting),)))
    buttons = (Button("Status", "status"), Button("Build a command…", BUILD), Button("Who am I", "whoami"))
    blocks.append(Buttons((*buttons, Button("Refresh", setting.command, replaces=True))))
    return View(headline.text, tuple(blocks), data=_data(seen))


def _headline(seen: Seen) -> Headline:
    """Return the verdict over all places that the person may see; what is not known is no good news."""
    total = len(seen.looks)
    if not total:
        unknown = seen.standing.membership is None and not seen.standing.allowed
        return Headline(_CANNOT_TELL if unknown else "No place is open to you", Mark.UNKNOWN if unknown else Mark.INFO)
    troubled = sum(look.verdict in _TROUBLED for look in seen.looks)
    fine = sum(look.verdict == "healthy" for look in seen.looks)
    if troubled:
        worst = Mark.CRITICAL if any(look.mark is Mark.CRITICAL for look in seen.looks) else Mark.WARNING
        return Headline(f"{troubled} of {count(total, 'place')} {'needs' if troubled == 1 else 'need'} a look", worst)
    if fine < total:
        does = "does" if total - fine == 1 else "do"
        return Headline(f"I cannot tell how {total - fine} of {count(total, 'place')} {does}", Mark.UNKNOWN)
    return Headline("All is well" if total == 1 else f"All is well in {count(total, 'place')}", Mark.OK)


def _greeting(seen: Seen, setting: Setting) -> Line:
    standing = seen.standing
    if standing.membership is None:
        told = f"I cannot tell your roles: {standing.reason}." if standing.reason else "you read with your own rights."
    else:
        told = f"you have: {held_words(standing)}."
    return line("Hello ", Mention(setting.actor_id), f", {told}") if setting.actor_id else line(f"Hello, {told}")


def _place(look: Look) -> list[Block]:
    """Return a place's line, and below one that is not well the button that leads to it."""
    named = look.summary if look.summary.startswith(look.scope.namespace) else f"{look.scope.namespace}: {look.summary}"
    item = Item(line(named), f"on {look.scope.cluster}", look.mark)
    if look.verdict == "healthy":
        return [item]
    return [item, Buttons((Button(f"Look at {look.scope.namespace}", f"status {words_to(look.scope)}"),))]


def _notes(seen: Seen) -> list[str]:
    notes = []
    if seen.unread:
        notes.append(
            f"{count(seen.unread, 'more place')} {_are(seen.unread)} not shown here: ask for status -n NAMESPACE."
        )
    if seen.closed and seen.standing.membership is not None:
        who = holders_words(seen.standing) if not seen.standing.allowed else ""
        notes.append(f"{count(seen.closed, 'place')} {_are(seen.closed)} not open to you. {who}".rstrip())
    return notes


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _waiting_blocks(seen: Seen) -> list[Block]:
    if seen.problem:
        return [Paragraph((line(bold("What waits for you"), f" cannot be told: {seen.problem}"),))]
    if seen.waiting is None:
        return []
    if not seen.waiting:
        return [Paragraph((line("Nothing of yours is waiting to be done."),))]
    rows = [line(code(first_line(request.text, LONGEST))) for request in seen.waiting[:MOST_WAITING]]
    more = len(seen.waiting) - len(rows)
    rows += [line(f"and {more} more")] if more else []
    return [Paragraph((line(bold("Not done yet, asked by you")), *rows))]


def _small_print(seen: Seen, setting: Setting) -> Line:
    member = seen.standing.membership
    groups = f"Your groups {read_words(seen.standing, setting.now)}" if member else ""
    source = f"roles come from {member.source}" if member and member.source else ""
    private = "only you see this" if setting.private else ""
    return line(" · ".join(filter(None, (f"As of {setting.now:%H:%M:%S} UTC", groups, source, private))))


def _data(seen: Seen) -> dict[str, object]:
    return {
        "roles": list(dict.fromkeys(role.value for role, _ in seen.standing.grants)),
        "places": [
            {
                "cluster": look.scope.cluster,
                "namespace": look.scope.namespace,
                "verdict": look.verdict,
                "summary": look.summary,
            }
            for look in seen.looks
        ],
        "closed": seen.closed,
        "not_shown": seen.unread,
        "waiting": None if seen.waiting is None else [request.text for request in seen.waiting],
    }


ACTION = Query(
    name="home",
    summary="Show how every place does that is open to you, and what of yours is not done yet",
    params=NoParams,
    permission=Permission.ANYONE,
    needs=frozenset({Need.ASK, Need.RIGHTS, Need.PLACES, Need.INBOX}),
    observe=observe,
    render=render,
    examples=(("home", "the same as the bot's own page"),),
)
