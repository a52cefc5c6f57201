"""`ack`: say that you look at an alert, so that all who see it know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.actions import Control, Need, argument
from bot.domain.people import Permission
from bot.domain.requests import Outcome
from bot.domain.text import suggest
from bot.domain.view import Context, Headline, Mark, View, line
from bot.domain.watch.episodes import Ending, Episode
from bot.domain.watch.keeps import Acknowledge
from bot.errors import UsageError
from bot.lookup import instead
from bot.ports import Sources
from bot.watching.card import leading, one_line
from bot.watching.meant import MOST_NAMED, firing, meant_by, open_words, several_words
from bot.watching.reach import concerns, open_at


@dataclass(frozen=True, slots=True)
class Params:
    """Which alert."""

    alert: str = argument(
        "the alert's id, or the service, workload or rule of the only one that is open", metavar="ALERT"
    )


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
        return _named(word, await open_at(sources.episodes, sources.scope), sources)
    if not found.fires:
        ended = "It is over already." if found.ending is Ending.OVER else "It has ended already."
        raise UsageError(ended if found.fired_at else "It does not fire yet.", suggestions=["alerts"])
    return found


def _named(word: str, open_: Sequence[Episode], sources: Sources) -> Episode:
    """Return the only open alert that a word means. Raises `UsageError` with those that it may mean."""
    if sources.catalogue is None:
        raise ValueError("ack needs the catalogue")
    meant = meant_by(word, open_, sources.catalogue)
    if len(meant) == 1:
        return meant[0]
    known = [each.id for each in meant or firing(open_)]
    near = () if meant else suggest(word.lower(), known)
    said = f'There is no open alert "{word}" in {sources.scope}. {open_words(open_)}'
    raise UsageError(
        several_words(word, meant) if meant else said,
        suggestions=[*instead(sources.request.text, word, near or known[:MOST_NAMED]), "alerts"],
    )


ACTION = Control(
    name="ack",
    summary="Say that you look at an alert; its message tells everybody",
    params=Params,
    permission=Permission.OPERATE,
    needs=frozenset({Need.CLUSTER, Need.WATCHED, Need.CATALOGUE}),
    act=act,
    examples=(("ack 3f9a12c0b7e1", "the alert of that id"), ("ack api", "the one that is open about a service")),
)
