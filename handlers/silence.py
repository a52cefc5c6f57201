"""`silence`: no messages about an alert, a rule, a service or everything here for a while. It is watched on."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta

from bot.domain.actions import Control, Need, argument, option
from bot.domain.catalogue import Catalogue
from bot.domain.people import Permission
from bot.domain.policy import Asked
from bot.domain.requests import Outcome
from bot.domain.targets import Scope, Where
from bot.domain.text import count, suggest
from bot.domain.view import Button, Buttons, Context, Headline, Mark, View, line
from bot.domain.watch.episodes import Episode, Silence
from bot.domain.watch.keeps import AddSilence
from bot.errors import UsageError
from bot.lookup import instead
from bot.pausing import span_of, why_of
from bot.ports import Sources
from bot.watching.meant import MOST_NAMED, firing, meant_by, named, open_words, several_words
from bot.watching.quiet import EVERYTHING, is_silenced
from bot.watching.reach import may_for_cluster, open_at
from bot.watching.room import new_id
from bot.watching.rule import all_rules

LONGEST = timedelta(days=7)
_ALL = frozenset({"all", "everything"})


@dataclass(frozen=True, slots=True)
class Params:
    """What to silence, for how long, and why."""

    what: str = argument(
        "an alert's id, a rule, a service, a workload with one open alert, or * (everything) for all of this place",
        names_service=True,
    )
    why: str = argument("why, for those who wonder", default="", rest=True)
    span: str = option("--for", "for how long: 30m, 2h, 3d, at most 7d", default="1h", metavar="SPAN")


async def act(params: Params, sources: Sources) -> Outcome:
    if sources.episodes is None or sources.catalogue is None:
        raise UsageError("Silences are kept in the bot's database, and there is none here: ask in chat.")
    open_ = await open_at(sources.episodes, sources.scope)
    what = _what(params.what, open_, sources)
    scope = _scope(what, open_, sources.scope, sources.catalogue)
    await _check_reach(what, open_, sources)
    if scope != sources.scope and not await may_for_cluster(sources, "silence"):
        raise UsageError(f"{what} is about {scope} as a whole: whoever operates all of it may silence that.")
    silence = Silence(
        id=new_id(),
        what=what,
        scope=scope,
        by=sources.request.actor.user_id,
        at=sources.now,
        until=sources.now + span_of(params.span, LONGEST, such_as="30m, 2h or 3d, up to 7d"),
        why=why_of(params.why, usage="silence WHAT --for 2h WHY"),
    )
    until = f"{silence.until.astimezone(UTC):%d %b %H:%M} UTC"
    said = f"{_called(what, open_)} is silent until {until}"
    quiet = sum(is_silenced(each, [silence]) for each in firing(open_))
    told = f"{count(quiet, 'open alert is', 'open alerts are')} concerned. What still fires then is told then."
    return Outcome(
        view=View(
            said,
            (
                Headline(said, Mark.OK),
                Context((line(f"{silence.scope} · {told}"),)),
                Buttons((Button("End it now", _unsilence(silence, sources.scope)),)),
            ),
        ),
        detail=f"{silence.what} until {until}{f': {silence.why}' if silence.why else ''}",
        keeps=(AddSilence(silence),),
    )


def _called(what: str, open_: Sequence[Episode]) -> str:
    alerts = [each for each in open_ if each.id == what]
    return f"The alert {named(alerts)}" if alerts else "Everything here" if what == EVERYTHING else what


def _unsilence(silence: Silence, there: Scope) -> str:
    return f"unsilence {silence.id} -n {there.namespace} --cluster {there.cluster}"


def _scope(what: str, open_: Sequence[Episode], there: Scope, catalogue: Catalogue) -> Scope:
    """Return where a silence holds: an alert's own place; the cluster for a rule about what its namespaces share.

    Others say of no rule what it is about: one is about that if all open alerts of it are.
    """
    own = next((each.scope for each in open_ if each.id == what), None)
    if own is not None:
        return own
    if what == EVERYTHING or what in catalogue.entries:
        return there
    ours = next((rule for rule in all_rules() if rule.name == what), None)
    if ours is not None:
        return there.whole if ours.of_cluster else there
    told = {each.scope for each in open_ if any(alert.signal.rule == what for alert in each.alerts)}
    return there.whole if told == {there.whole} else there


def _what(word: str, open_: Sequence[Episode], sources: Sources) -> str:
    """Return what is meant: an open alert, a rule (ours, or one of an open alert), a service, everything."""
    catalogue = sources.catalogue
    services = tuple(catalogue.entries) if catalogue is not None else ()
    known = [EVERYTHING, *(each.id for each in open_), *sorted(_rules(open_)), *services]
    found = next((each for each in known if each.lower() == word.lower()), "")
    if not found and catalogue is not None:
        found = catalogue.service_of(word)
    if found:
        return found
    if word.lower() in _ALL:
        return EVERYTHING
    meant = meant_by(word, open_, catalogue) if catalogue is not None else []
    if len(meant) == 1:
        return meant[0].id
    raise _not_known(word, open_, meant, suggest(word, known), sources)


def _not_known(
    word: str, open_: Sequence[Episode], meant: Sequence[Episode], near: Sequence[str], sources: Sources
) -> UsageError:
    """Say what a word may mean: several alerts, a name near to it, what is open, everything."""
    said = f'There is no alert, rule or service "{word}" in {sources.scope}. {open_words(open_)} * is everything here.'
    ids = [each.id for each in meant or firing(open_)][:MOST_NAMED]
    shown = ids if meant else near or [*ids, EVERYTHING]
    return UsageError(
        several_words(word, meant) if meant else said,
        suggestions=instead(sources.request.text, word, map(shlex.quote, shown)),
    )


def _rules(open_: Sequence[Episode]) -> frozenset[str]:
    return frozenset({rule.name for rule in all_rules()} | {a.signal.rule for each in open_ for a in each.alerts})


async def _check_reach(what: str, open_: Sequence[Episode], sources: Sources) -> None:
    """Refuse what reaches beyond the service by which it was let in: a rule may be called as a service is."""
    if sources.where is None or sources.rights is None:
        raise ValueError("silence needs its place and the rights")
    if not sources.where.service or (what == sources.where.service and what not in _rules(open_)):
        return
    asked = Asked(Permission.OPERATE, "silence", Where(sources.scope))
    if not (await sources.rights.of(sources.request.actor, asked)).allowed:
        raise UsageError(f"{what} is a rule, too: its silence would be for all of {sources.scope}, where you may not.")


ACTION = Control(
    name="silence",
    summary="Send no messages about an alert, a rule, a service or everything for a while",
    params=Params,
    permission=Permission.OPERATE,
    needs=frozenset({Need.CLUSTER, Need.WATCHED, Need.CATALOGUE, Need.RIGHTS, Need.PLACES}),
    act=act,
    examples=(
        ("silence 3f9a12c0b7e1 --for 2h", "one alert, until it is mended"),
        ("silence api --for 30m we move the database", "a service, and why"),
        ("silence cpu", "a rule, for an hour"),
        ("silence '*' --for 15m", "everything of this namespace"),
        ("silence everything --for 15m", "the same"),
    ),
)
