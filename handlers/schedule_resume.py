"""`schedule resume`: end a schedule's pause; its channels are told when it comes next."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.actions import Control, Need, argument
from bot.domain.people import Permission
from bot.domain.requests import Outcome, Place, Post
from bot.domain.view import Button, Buttons, Context, Headline, Mark, Mention, View, line
from bot.domain.watch.keeps import ResumeSchedule
from bot.errors import UsageError
from bot.ports import Sources
from bot.schedules import away_words, find_digest, moment_words


@dataclass(frozen=True, slots=True)
class Params:
    """Which schedule."""

    name: str = argument("the schedule's name, as schedule lists it")


async def act(params: Params, sources: Sources) -> Outcome:
    if sources.watch is None or sources.calendar is None or sources.slots is None:
        raise ValueError("schedule resume needs what is watched, the calendar and the slots")
    plan = find_digest(params.name, sources.watch, "schedule resume")
    if plan.name not in await sources.slots.pauses():
        raise UsageError(f"{plan.name} is not paused.", suggestions=["schedule"])
    due = sources.calendar.next(plan.schedule, sources.now)
    comes = "it is never due" if due is None else f"it comes {moment_words(due, plan.schedule)}"
    comes += "" if due is None else f", {away_words(due, sources.now)}"
    said = f"{plan.name} goes on: {comes}"
    by = Context((line("Resumed by ", Mention(sources.request.actor.user_id)),))
    told = View(f"The digest {said}", (Headline(f"The digest {said}", Mark.INFO), by))
    return Outcome(
        view=View(said, (Headline(said, Mark.OK), Buttons((Button("Schedules", "schedule"),)))),
        posts=tuple(Post(Place(channel), told, kind="schedule") for channel in plan.channels),
        detail=plan.name,
        keeps=(ResumeSchedule(plan.name),),
    )


ACTION = Control(
    name="schedule resume",
    summary="End the pause of a schedule",
    params=Params,
    permission=Permission.OPERATE,
    needs=frozenset({Need.WATCHED}),
    act=act,
    examples=(("schedule resume morning", "from its next due moment on it is sent again"),),
)
