"""`digest now`: send a digest into its channels at once, beside its schedule."""

from __future__ import annotations

from dataclasses import dataclass

from bot.digests import channel_parts, may_look, wanted_digest
from bot.domain.actions import Control, Need, argument
from bot.domain.people import Permission
from bot.domain.requests import Outcome
from bot.domain.text import count
from bot.domain.view import Context, Headline, Mark, View, code, line
from bot.ports import Sources

VERB = "digest now"


@dataclass(frozen=True, slots=True)
class Params:
    """Which digest."""

    name: str = argument("the digest's name, as schedule lists it; the first one unless said", default="")


async def act(params: Params, sources: Sources) -> Outcome:
    plan, digests = wanted_digest(params.name, sources, VERB)
    await may_look(plan, sources, VERB)
    posts = await digests.posts(plan.name, asked_by=sources.request.actor.user_id)
    said = f"The digest {plan.name} is on its way to {count(len(plan.channels), 'channel')}."
    hint = Context(
        (
            line("It goes to ", *channel_parts(plan.channels), "."),
            line("It says that you asked for it. What is due by its schedule comes all the same."),
            line("If nothing appears, invite me to the channel: ", code("/invite @rag")),
        )
    )
    view = View(said, (Headline(said, Mark.OK), hint), data={"digest": plan.name, "channels": list(plan.channels)})
    return Outcome(view=view, posts=tuple(posts), detail=plan.name)


ACTION = Control(
    name=VERB,
    summary="Send a digest into its channels now",
    params=Params,
    permission=Permission.SHARE,
    needs=frozenset({Need.WATCHED, Need.DIGESTS, Need.RIGHTS}),
    act=act,
    examples=(
        ("digest now", "everybody in its channels sees how things are, and that you asked"),
        ("digest now evening", "one of several digests"),
    ),
)
