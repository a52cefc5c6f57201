"""`digest preview`: a digest as it would be sent now, for the person who asks alone."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from datetime import datetime

from bot.closing import seen_by
from bot.digests import channel_parts, may_look, wanted_digest
from bot.domain.actions import Need, Query, Setting, argument
from bot.domain.view import Button, Buttons, Context, View, line
from bot.domain.watch.schedules import DigestPlan
from bot.ports import Sources
from bot.schedules import away_words, moment_words

VERB = "digest preview"


@dataclass(frozen=True, slots=True)
class Params:
    """Which digest."""

    name: str = argument("the digest's name, as schedule lists it; the first one unless said", default="")


@dataclass(frozen=True, slots=True)
class Seen:
    """The digest, and when it is due next."""

    plan: DigestPlan
    view: View
    due: datetime | None


async def observe(params: Params, sources: Sources) -> Seen:
    plan, digests = wanted_digest(params.name, sources, VERB)
    await may_look(plan, sources, VERB)
    due = sources.calendar.next(plan.schedule, sources.now) if sources.calendar else None
    return Seen(plan, await digests.preview(plan.name), due)


def render(params: Params, seen: Seen, setting: Setting) -> View:
    plan, view = seen.plan, seen.view
    due = f"; next {moment_words(seen.due, plan.schedule)}, {away_words(seen.due, setting.now)}" if seen.due else ""
    said = line(f"A preview of {plan.name}, which goes to ", *channel_parts(plan.channels), f"{due}{seen_by(setting)}")
    # The digest's own buttons are for those who get it; here it can be sent, or made anew.
    blocks = tuple(block for block in view.blocks if not isinstance(block, Buttons))
    buttons = Buttons(
        (
            Button("Refresh", setting.command, replaces=True),
            Button("Send it now", f"digest now {shlex.quote(plan.name)}"),
            Button("Schedules", "schedule"),
        )
    )
    return replace(view, blocks=(*blocks, Context((said,)), buttons))


ACTION = Query(
    name=VERB,
    summary="Show a digest as it would be sent now, to you alone",
    params=Params,
    needs=frozenset({Need.WATCHED, Need.DIGESTS, Need.RIGHTS}),
    observe=observe,
    render=render,
    examples=(
        ("digest preview", "what the channel would read now"),
        ("digest preview evening", "one of several digests"),
    ),
)
