"""`schedule pause`: nothing of a schedule is sent for a while; its channels are told."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from datetime import timedelta

from bot.domain.actions import Control, Need, argument, option
from bot.domain.people import Permission
from bot.domain.requests import Outcome, Place, Post
from bot.domain.view import Button, Buttons, Context, Headline, Mark, View, code, line
from bot.domain.watch.keeps import PauseSchedule
from bot.domain.watch.schedules import DigestPlan, Pause
from bot.pausing import span_of, why_of
from bot.ports import Sources
from bot.schedules import find_digest, moment_words, pause_words

LONGEST = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Params:
    """Which schedule, for how long, and why."""

    name: str = argument("the schedule's name, as schedule lists it")
    why: str = argument("why, for those who wait for it", default="", rest=True)
    span: str = option("--for", "for how long: 8h, 3d, 1w; until it is resumed unless said", default="", metavar="SPAN")


async def act(params: Params, sources: Sources) -> Outcome:
    if sources.watch is None:
        raise ValueError("schedule pause needs what is watched")
    plan = find_digest(params.name, sources.watch, "schedule pause")
    span = span_of(params.span, LONGEST, such_as="8h, 3d or 1w, up to a year") if params.span else None
    pause = Pause(
        name=plan.name,
        by=sources.request.actor.user_id,
        at=sources.now,
        until=None if span is None else sources.now + span,
        why=why_of(params.why, usage="schedule pause NAME --for 3d WHY"),
    )
    until = f"until {moment_words(pause.until, plan.schedule)}" if pause.until else "until somebody resumes it"
    said = f"{plan.name} is paused {until}"
    hint = Context((line("What is due meanwhile is not made up for. ", code(f"schedule resume {plan.name}")),))
    return Outcome(
        view=View(said, (Headline(said, Mark.OK), hint, _resume(plan))),
        posts=tuple(Post(Place(channel), _told(plan, pause), kind="schedule") for channel in plan.channels),
        detail=f"{plan.name} {until}{f': {pause.why}' if pause.why else ''}",
        keeps=(PauseSchedule(pause),),
    )


def _told(plan: DigestPlan, pause: Pause) -> View:
    """Tell those who would wait for it in vain."""
    said = f"The digest {plan.name} is paused"
    return View(said, (Headline(said, Mark.INFO), Context((pause_words(pause, plan.schedule),)), _resume(plan)))


def _resume(plan: DigestPlan) -> Buttons:
    return Buttons((Button("Resume", f"schedule resume {shlex.quote(plan.name)}"), Button("Schedules", "schedule")))


ACTION = Control(
    name="schedule pause",
    summary="Send nothing of a schedule for a while",
    params=Params,
    permission=Permission.OPERATE,
    needs=frozenset({Need.WATCHED}),
    act=act,
    examples=(
        ("schedule pause morning --for 3d holidays", "nothing for three days; its channels are told why"),
        ("schedule pause morning", "until somebody resumes it"),
    ),
)
