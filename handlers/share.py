"""`share`: run a reading command and post its answer for everybody in the channel or thread."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.domain.actions import Control, Need, argument
from bot.domain.people import Permission
from bot.domain.requests import Outcome, Post
from bot.domain.view import Context, Headline, Mark, Mention, View, code, line, posted
from bot.errors import UsageError
from bot.ports import Sources


@dataclass(frozen=True, slots=True)
class Params:
    """The command whose answer is shared."""

    command: str = argument("the reading command to run, with its options", rest=True, metavar="COMMAND")


async def act(params: Params, sources: Sources) -> Outcome:
    request = sources.request
    if sources.ask is None:
        raise ValueError("share needs to ask")
    if not request.place.channel:
        raise UsageError("There is no channel here to share with.")
    answer = await sources.ask.view(params.command)
    by = Context((line("Shared by ", Mention(request.actor.user_id)),))
    shared = posted(replace(answer, blocks=(*answer.blocks, by)))
    said = "On its way to everybody here."
    hint = Context((line("If nothing appears, invite me to the channel: ", code("/invite @rag")),))
    return Outcome(
        view=View(said, (Headline(said, Mark.OK), hint)),
        posts=(Post(request.place, shared, kind="share", asked_by=request.actor.user_id),),
        detail=params.command,
    )


ACTION = Control(
    name="share",
    summary="Post the answer of a reading command for everybody here",
    params=Params,
    permission=Permission.SHARE,
    needs=frozenset({Need.ASK}),
    act=act,
    examples=(("share status", "everybody here sees the status"), ("share status api", "of one service")),
)
