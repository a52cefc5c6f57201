"""`alerts`: what is open now, what is silenced by whom, and what nobody watches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.closing import seen_by
from bot.domain.actions import Need, NoParams, Query, Setting
from bot.domain.targets import Scope
from bot.domain.view import Button, Buttons, Context, View, line
from bot.domain.watch.episodes import Episode, Silence
from bot.domain.watch.policy import WatchPolicy
from bot.errors import UsageError
from bot.ports import Sources
from bot.watching.list_card import list_view
from bot.watching.reach import open_at, since_at

# So long it is told of what ended otherwise than by being over.
LATELY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Seen:
    """The open episodes of a scope and its cluster, those that ended within a day, and all silences that hold."""

    scope: Scope
    episodes: Sequence[Episode]
    ended: Sequence[Episode]
    silences: Sequence[Silence]
    policy: WatchPolicy


async def observe(params: NoParams, sources: Sources) -> Seen:
    if sources.episodes is None or sources.watch is None:
        raise UsageError("Alerts are kept in the bot's database, and there is none here: ask in chat.")
    kept = sources.episodes
    return Seen(
        scope=sources.scope,
        episodes=await open_at(kept, sources.scope),
        ended=await since_at(kept, sources.scope, sources.now - LATELY),
        silences=await kept.silences(),
        policy=sources.watch,
    )


def render(params: NoParams, seen: Seen, setting: Setting) -> View:
    view = list_view(
        seen.scope, seen.episodes, seen.silences, seen.policy, setting.now, ended=seen.ended, place=setting.place
    )
    small = Context((line(f"{seen.scope} · as of {setting.now:%H:%M:%S} UTC{seen_by(setting)}"),))
    again = Buttons((Button("Refresh", setting.command, replaces=True),))
    return replace(view, blocks=(*view.blocks, small, again))


ACTION = Query(
    name="alerts",
    summary="List what is wrong now as it was told, and what is silenced",
    params=NoParams,
    needs=frozenset({Need.CLUSTER, Need.WATCHED}),
    observe=observe,
    render=render,
    examples=(("alerts", "of the default namespace"), ("alerts -n kube-system", "of another one")),
)
