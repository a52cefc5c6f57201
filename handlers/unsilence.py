"""`unsilence`: end a silence now; what still fires is told."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from bot.domain.actions import Control, Need, argument
from bot.domain.people import Permission
from bot.domain.requests import Outcome
from bot.domain.text import suggest
from bot.domain.view import Context, Headline, Mark, View, line
from bot.domain.watch.keeps import EndSilence
from bot.errors import UsageError
from bot.lookup import instead
from bot.ports import Sources
from bot.watching.reach import may_for_cluster


@dataclass(frozen=True, slots=True)
class Params:
    """Which silence."""

    what: str = argument("the silence's id, or what is silenced, as alerts lists it", names_service=True)


async def act(params: Params, sources: Sources) -> Outcome:
    if sources.episodes is None:
        raise UsageError("Silences are kept in the bot's database, and there is none here: ask in chat.")
    places = (sources.scope, sources.scope.whole)
    here = [each for each in await sources.episodes.silences() if each.scope in places]
    meant = [each for each in here if params.what.lower() in (each.id.lower(), each.what.lower())]
    if not meant:
        words = list(dict.fromkeys(each.what for each in here))
        near = suggest(params.what, words) or tuple(words[:3])
        raise UsageError(
            f'Nothing is silenced as "{params.what}" in {sources.scope}.'
            if here
            else f"Nothing is silenced in {sources.scope}.",
            suggestions=instead(sources.request.text, params.what, map(shlex.quote, near)),
        )
    if any(each.scope != sources.scope for each in meant) and not await may_for_cluster(sources, "unsilence"):
        raise UsageError(f"It is about {sources.scope.whole} as a whole: whoever operates all of it may end that.")
    named = "Everything here" if meant[0].what == "*" else meant[0].what
    said = f"{named} is silent no more"
    return Outcome(
        view=View(
            said, (Headline(said, Mark.OK), Context((line(f"{sources.scope} · What still fires is told now."),)))
        ),
        detail=", ".join(f"{each.what} ({each.id})" for each in meant),
        keeps=tuple(EndSilence(each.id) for each in meant),
    )


ACTION = Control(
    name="unsilence",
    summary="End a silence now",
    params=Params,
    permission=Permission.OPERATE,
    needs=frozenset({Need.CLUSTER, Need.WATCHED, Need.RIGHTS, Need.PLACES}),
    act=act,
    examples=(("unsilence api", "the silence of a service"), ("unsilence '*'", "that of everything here")),
)
