"""How each place does that is open to a person: a line with its verdict, and the way to what is wrong there."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.policy import Authorization
from bot.domain.targets import Scope
from bot.domain.text import count, first_line
from bot.domain.view import Block, Button, Buttons, Headline, Item, Mark, Paragraph, View, bold, line
from bot.errors import BotError
from bot.ports import Asker

MOST_PLACES = 20
# So many places are looked at side by side: one page must not take all that the clusters give.
AT_ONCE = 4
LONGEST = 120
_TROUBLED = frozenset({"degraded", "down"})


@dataclass(frozen=True, slots=True)
class Look:
    """What is known of one place: the answer's one line and its mark, and the data for programs."""

    scope: Scope
    summary: str
    mark: Mark
    verdict: str


async def look_at_all(ask: Asker, places: Sequence[Scope], *, until: float) -> list[Look]:
    """Ask for the status of each place with the person's own rights, a few at once; return them in their order.

    `until` is when it has to end, by the event loop's time: what has no answer then is unknown.
    """
    gate = asyncio.Semaphore(AT_ONCE)

    async def look(place: Scope) -> Look:
        try:
            async with asyncio.timeout_at(until), gate:
                return _look_of(place, await ask.view(f"status {words_to(place)}"))
        except TimeoutError:
            return _unknown(place, "it took too long")
        except BotError as error:
            return _unknown(place, error.message)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(look(place)) for place in places]
    return [task.result() for task in tasks]


def _look_of(place: Scope, view: View) -> Look:
    mark = next((block.mark for block in view.blocks if isinstance(block, Headline)), Mark.UNKNOWN)
    verdict = str(view.data.get("verdict", "unknown")) if isinstance(view.data, dict) else "unknown"
    return Look(place, view.summary, mark, verdict)


def _unknown(place: Scope, why: str) -> Look:
    return Look(place, f"I cannot tell: {first_line(why, LONGEST)}", Mark.UNKNOWN, "unknown")


def words_to(place: Scope) -> str:
    """Return the words that lead a command to a place."""
    return shlex.join(["--cluster", place.cluster, "-n", place.namespace])


def verdict_of(standing: Authorization, looks: Sequence[Look]) -> tuple[str, Mark]:
    """Return the verdict over all places that a person may see; what is not known is no good news."""
    total = len(looks)
    if not total:
        if standing.membership is None and not standing.allowed:
            return "I cannot tell which places are open to you", Mark.UNKNOWN
        return "No place is open to you", Mark.INFO
    troubled = sum(look.verdict in _TROUBLED for look in looks)
    fine = sum(look.verdict == "healthy" for look in looks)
    if troubled:
        worst = Mark.CRITICAL if any(look.mark is Mark.CRITICAL for look in looks) else Mark.WARNING
        return f"{troubled} of {count(total, 'place')} {'needs' if troubled == 1 else 'need'} a look", worst
    if fine < total:
        does = "does" if total - fine == 1 else "do"
        return f"I cannot tell how {total - fine} of {count(total, 'place')} {does}", Mark.UNKNOWN
    return "All is well" if total == 1 else f"All is well in {count(total, 'place')}", Mark.OK


def place_blocks(looks: Sequence[Look]) -> list[Block]:
    """Return each place's line, and below one that is not well the button that leads to it."""
    title = [Paragraph((line(bold("Places")),))] if looks else []
    return [*title, *(block for look in looks for block in _place(look))]


def _place(look: Look) -> list[Block]:
    named = look.summary if look.summary.startswith(look.scope.namespace) else f"{look.scope.namespace}: {look.summary}"
    item = Item(line(named), f"on {look.scope.cluster}", look.mark)
    if look.verdict == "healthy":
        return [item]
    return [item, Buttons((Button(f"Look at {look.scope.namespace}", f"status {words_to(look.scope)}"),))]


def places_data(looks: Sequence[Look]) -> list[dict[str, object]]:
    """Return the places for programs."""
    return [
        {
            "cluster": look.scope.cluster,
            "namespace": look.scope.namespace,
            "verdict": look.verdict,
            "summary": look.summary,
        }
        for look in looks
    ]
