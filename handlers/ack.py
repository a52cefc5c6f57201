"""`ack`: say that you look at an alert, so that all who see it know."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.actions import Control, Need, argument
from bot.domain.people import Permission
from bot.domain.requests import Outcome
from bot.domain.text import suggest
from bot.domain.view import Context, Headline, Mark, View, line
from bot.domain.watch.episodes import Ending, Episode, EpisodeState
from bot.domain.watch.keeps import Acknowledge
from bot.errors import UsageError
from bot.lookup import instead
from bot.ports import Sources
from bot.watching.card import leading, one_line
from bot.watching.reach import concerns, open_at


@dataclass(frozen=True, slots=True)
class Params:
    """Which alert."""

    alert: str = argument("the alert's id, as its message shows it", metavar="ALERT")


async def act(params: Params, sources: Sources) -> Outcome:
    episode = await _episode(params.alert, sources)
    person = sources.request.actor.user_id
    if episode.acked_by and episode.acked_by != person:
        raise UsageError("Somebody looks at it already; its message says who.", suggestions=["alerts"])
    title = one_line(leading(episode).signal.title)
    said = f"You look at it: {title}"
    hint = Context((line("Its message says so to everybody."),))
    return Outcome(
        view=View(said, (Headline(said, Mark.OK), hint)),
        detail=f"{episode.id}: {title}",
        keeps=(Acknowledge(episode.id, person),),
    )


async def _episode(word: str, sources: Sources) -> Episode:
    """Return the open alert that is meant. Raises `UsageError`."""
    if sources.episodes is None:
        raise UsageError("Alerts are kept in the bot's database, and there is none here: ask in chat.")
    found = await sources.episodes.find(word.lower())
    if found is None or not concerns(found, sources.scope):
        open_ = await open_at(sources.episodes, sources.scope)
        known = [each.id for each in open_ if each.state is EpisodeState.FIRING]
        near = suggest(word.lower(), known) or tuple(known[:3])
        raise UsageError(
            f'There is no open alert "{word}" in {sources.scope}.',
            suggestions=[*instead(sources.request.text, word, near), "alerts"],
        )
    if found.state is not EpisodeState.FIRING:
        ended = "It is over already." if found.ending is Ending.OVER else "It has ended already."
        raise UsageError(ended if found.fired_at else "It does not fire yet.", suggestions=["alerts"])
    return found


ACTION = Control(
    name="ack",
    summary="Say that you look at an alert; its message tells everybody",
    params=Params,
    permission=Permission.OPERATE,
    needs=frozenset({Need.CLUSTER, Need.WATCHED}),
    act=act,
    examples=(("ack 3f9a12c0b7e1", "the alert of that id"),),
)
