"""`rollback`: give a workload the version again that was last seen to work, or a revision that is named."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.actions import Change, argument, option
from bot.domain.plans import Draft, Refusal
from bot.planning.going_back import plan_rollback
from bot.planning.ground import NEEDS, Ground, ground
from bot.ports import Sources


@dataclass(frozen=True, slots=True)
class Params:
    """What to roll back, and to which revision; to the last that was seen to work when none is named."""

    workload: str = argument("a service of the catalogue or a workload's name", names_service=True)
    to: int | None = option(
        "--to", "exactly this revision, as history shows it", default=None, metavar="REVISION", minimum=1
    )


async def observe(params: Params, sources: Sources) -> Ground:
    return await ground(sources.request.text, params.workload, sources)


def plan(params: Params, seen: Ground) -> Draft | Refusal:
    return plan_rollback(seen, params.to)


ACTION = Change(
    name="rollback",
    summary="Go back to the last version of a workload that was seen to work, or to a revision",
    params=Params,
    needs=NEEDS,
    observe=observe,
    plan=plan,
    examples=(
        ("rollback api", "the last version that worked; the card says how that is known"),
        ("rollback api --to 7", "exactly revision 7"),
    ),
)
