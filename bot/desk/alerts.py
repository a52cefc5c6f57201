"""Which alerts are open in the places that a person may see."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from bot.desk.places import words_to
from bot.domain.marks import MARKS
from bot.domain.targets import Scope
from bot.domain.view import Block, Button, Buttons, Item, Paragraph, bold, line
from bot.domain.watch.episodes import Episode, Silence
from bot.errors import BotError
from bot.ports import Sources
from bot.watching.card import acked_lines, headline_of
from bot.watching.meant import firing
from bot.watching.quiet import is_silenced
from bot.watching.reach import concerns

# So many alerts are shown.
MOST = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerts:
    """The alerts that fire in `places`, the worst first, and the silences; `problem` says why they are not known."""

    places: Sequence[Scope] = ()
    episodes: Sequence[Episode] = ()
    silences: Sequence[Silence] = ()
    problem: str = ""


async def read_alerts(sources: Sources, places: Sequence[Scope], *, until: float) -> Alerts:
    """Read the open alerts of those places where the person may see them; `until` is by the event loop's time."""
    episodes = sources.episodes
    if episodes is None:
        return Alerts()
    try:
        async with asyncio.timeout_at(until):
            open_to = await sources.open_places(places, verb="alerts")
            if not open_to:
                return Alerts()
            found, silences = await asyncio.gather(episodes.open(), episodes.silences())
    except TimeoutError:
        return Alerts(problem="it took too long to look.")
    except BotError as error:
        return Alerts(problem=error.said)
    told = [each for each in found if any(concerns(each, place) for place in open_to)]
    return Alerts(places=open_to, episodes=firing(told), silences=silences)


def alert_blocks(alerts: Alerts) -> list[Block]:
    """Return the alerts, and below them the ways to the places where they are."""
    if alerts.problem:
        return [Paragraph((line(bold("Open alerts"), f" cannot be told: {alerts.problem}"),))]
    if not alerts.places:
        return []
    if not alerts.episodes:
        return [Paragraph((line("No alert is open."),))]
    shown = alerts.episodes[:MOST]
    blocks: list[Block] = [Paragraph((line(bold("Open alerts")),)), *(_item(each, alerts.silences) for each in shown)]
    if more := len(alerts.episodes) - len(shown):
        blocks.append(Paragraph((line(f"and {more} more"),)))
    # What a cluster shares is listed in each of its namespaces: the first one leads there.
    scopes = dict.fromkeys(next(place for place in alerts.places if concerns(each, place)) for each in alerts.episodes)
    buttons = [Button(f"Alerts in {scope.namespace}", f"alerts {words_to(scope)}") for scope in scopes][:MOST]
    return [*blocks, Buttons(tuple(buttons))]


def _item(episode: Episode, silences: Sequence[Silence]) -> Item:
    quiet = (line("Silenced"),) if is_silenced(episode, silences) else ()
    return Item(
        line(headline_of(episode)), str(episode.scope), MARKS[episode.severity], (*acked_lines(episode), *quiet)
    )


def alerts_data(alerts: Alerts) -> list[dict[str, object]] | None:
    """Return the alerts for programs; None when they are not known."""
    if alerts.problem or not alerts.places:
        return None
    return [
        {
            "id": each.id,
            "cluster": each.scope.cluster,
            "namespace": each.scope.namespace,
            "severity": each.severity.word,
            "acked_by": each.acked_by,
        }
        for each in alerts.episodes
    ]
