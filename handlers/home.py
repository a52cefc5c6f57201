"""`home`: a person's own page: what waits for them, how each place does, which alerts are open, and where to go on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from bot.closing import seen_by
from bot.desk.alerts import Alerts, alert_blocks, alerts_data, read_alerts
from bot.desk.places import MOST_PLACES, Look, look_at_all, place_blocks, places_data, verdict_of
from bot.desk.waiting import Waiting, read_waiting, waiting_blocks, waiting_data, waits_words
from bot.domain.actions import Need, NoParams, Query, Setting
from bot.domain.people import Permission
from bot.domain.policy import Asked, Authorization
from bot.domain.rights_words import held_words, holders_words, read_words
from bot.domain.text import count
from bot.domain.view import Block, Button, Buttons, Context, Headline, Line, Mention, Paragraph, View, line
from bot.errors import UsageError
from bot.ports import Sources

# All that the page shows is looked up within so many seconds; what has no answer then is told as unknown.
LIMIT_S = 8.0
# The inbound side opens the dialog when it sees this command; it is no verb.
BUILD = "build"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The person's standing, the places they may see, how many they may not and how many are not shown; what waits."""

    standing: Authorization
    looks: Sequence[Look]
    closed: int
    unread: int
    waiting: Waiting
    alerts: Alerts


async def observe(params: NoParams, sources: Sources) -> Seen:
    if sources.ask is None or sources.rights is None or sources.places is None:
        raise ValueError("home needs to ask, the rights and the places")
    rights, actor = sources.rights, sources.request.actor
    if actor.local:
        raise UsageError("home is the bot's page in chat.", suggestions=["status"])
    until = asyncio.get_running_loop().time() + LIMIT_S
    standing = await rights.of(actor, Asked(Permission.READ))
    # A look-up that failed a moment ago is not tried again for each place: each try may take long.
    asked_about = sources.places if standing.allowed else ()
    open_places = await sources.open_places(asked_about, verb="status")
    async with asyncio.TaskGroup() as group:
        looks = group.create_task(look_at_all(sources.ask, open_places[:MOST_PLACES], until=until))
        waiting = group.create_task(read_waiting(sources, standing, until=until))
        alerts = group.create_task(read_alerts(sources, open_places, until=until))
    return Seen(
        standing=standing,
        looks=looks.result(),
        closed=len(sources.places) - len(open_places),
        unread=max(len(open_places) - MOST_PLACES, 0),
        waiting=waiting.result(),
        alerts=alerts.result(),
    )


def render(params: NoParams, seen: Seen, setting: Setting) -> View:
    verdict, mark = verdict_of(seen.standing, seen.looks)
    headline = Headline(" · ".join(filter(None, (verdict, waits_words(seen.waiting)))), mark)
    blocks: list[Block] = [headline, *waiting_blocks(seen.waiting), *place_blocks(seen.looks)]
    blocks += alert_blocks(seen.alerts)
    blocks.append(Paragraph((_greeting(seen, setting),)))
    notes = _notes(seen)
    if notes:
        blocks.append(Paragraph(tuple(line(note) for note in notes)))
    blocks.append(Context((_small_print(seen, setting),)))
    buttons = (Button("Status", "status"), Button("Build a command…", BUILD), Button("Who am I", "whoami"))
    blocks.append(Buttons((*buttons, Button("Refresh", setting.command, replaces=True))))
    return View(headline.text, tuple(blocks), data=_data(seen))


def _greeting(seen: Seen, setting: Setting) -> Line:
    standing = seen.standing
    if standing.membership is None:
        told = f"I cannot tell your roles: {standing.reason}." if standing.reason else "you read with your own rights."
    else:
        told = f"you have: {held_words(standing)}."
    return line("Hello ", Mention(setting.actor_id), f", {told}") if setting.actor_id else line(f"Hello, {told}")


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


def _small_print(seen: Seen, setting: Setting) -> Line:
    member = seen.standing.membership
    groups = f"Your groups {read_words(seen.standing, setting.now)}" if member else ""
    source = f"roles come from {member.source}" if member and member.source else ""
    told = (f"As of {setting.now:%H:%M:%S} UTC", groups, source, seen_by(setting, after=""))
    return line(" · ".join(filter(None, told)))


def _data(seen: Seen) -> dict[str, object]:
    return {
        "roles": list(dict.fromkeys(role.value for role, _ in seen.standing.grants)),
        "places": places_data(seen.looks),
        "closed": seen.closed,
        "not_shown": seen.unread,
        **waiting_data(seen.waiting),
        "alerts": alerts_data(seen.alerts),
    }


ACTION = Query(
    name="home",
    summary="Show what waits for you, and how every place does that is open to you",
    params=NoParams,
    permission=Permission.ANYONE,
    needs=frozenset({Need.ASK, Need.RIGHTS, Need.PLACES, Need.INBOX, Need.RECORD, Need.CHANGES, Need.WATCHED}),
    observe=observe,
    render=render,
    examples=(("home", "the same as the bot's own page"),),
)
