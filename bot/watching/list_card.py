"""The answer of `alerts`: what is open, what is silenced by whom until when, and what nobody watches. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from bot.diagnosis import ago, duration
from bot.domain.findings import Severity
from bot.domain.marks import MARKS
from bot.domain.targets import Scope
from bot.domain.text import count, listed
from bot.domain.view import (
    Block,
    Button,
    Buttons,
    Headline,
    Item,
    Line,
    Mark,
    Mention,
    Paragraph,
    View,
    bold,
    code,
    line,
)
from bot.domain.watch.episodes import Episode, Silence
from bot.domain.watch.policy import WatchPolicy
from bot.watching.card import acked_lines, began, doubt_lines, headline_of, leading, one_line
from bot.watching.meant import firing
from bot.watching.quiet import is_silenced

MOST = 10


def list_view(
    scope: Scope,
    episodes: Sequence[Episode],
    silences: Sequence[Silence],
    policy: WatchPolicy,
    now: datetime,
    *,
    ended: Sequence[Episode] = (),
    place: str = "",
) -> View:
    """Return the open episodes of a scope and of its cluster, the worst first, and the silences that hold there.

    Of those that `ended` lately the ones are told of which nobody knows whether they are over. `place` is the words
    (`-n NAMESPACE`) that lead commands to it.
    """
    told = sorted(firing(episodes), key=lambda episode: (-episode.severity, episode.began_at, episode.id))
    own = [silence for silence in silences if silence.scope in (scope, scope.whole)]
    lost = [each for each in ended if each.ended_in_doubt]
    summary = _summary(told, own)
    worst = max((episode.severity for episode in told), default=None)
    blocks: list[Block] = [Headline(summary, Mark.OK if worst is None else MARKS[worst])]
    blocks += [_item(episode, own, now) for episode in told[:MOST]]
    if len(told) > MOST:
        blocks.append(Paragraph((line(f"+ {len(told) - MOST} more"),)))
    if lost:
        lines = [line(headline_of(episode)) for episode in lost[:MOST]]
        blocks.append(Paragraph((line(bold("Ended, not known to be over")), *lines)))
    if own:
        blocks.append(Paragraph((line(bold("Silenced")), *(_silence_line(silence, now) for silence in own[:MOST]))))
    if unwatched := not_watched(scope, policy):
        blocks.append(Paragraph((line(bold("Not watched"), f": {unwatched}"),)))
    if buttons := tuple(_buttons(told, place)):
        blocks.append(Buttons(buttons))
    return View(summary, tuple(blocks), data=_data(scope, told, lost, own))


def not_watched(scope: Scope, policy: WatchPolicy) -> str:
    """Say what nobody looks at, for want of configuration; empty when there is nothing to say."""
    targets = [target for target in policy.targets_of(scope) if target.scope == scope]
    missing = [
        words
        for words, there in (
            ("no health URL is configured", any(not target.is_dependency for target in targets)),
            ("no dependency is configured", any(target.is_dependency for target in targets)),
            ("no channel is told", any(policy.channels.of(severity) for severity in Severity)),
        )
        if not there
    ]
    return listed(missing)


def _summary(firing: Sequence[Episode], silences: Sequence[Silence]) -> str:
    silenced = f", {count(len(silences), 'silence')}" if silences else ""
    if not firing:
        return f"No alert is open{silenced}"
    critical = sum(episode.severity is Severity.CRITICAL for episode in firing)
    bad = f" ({critical} critical)" if critical else ""
    return f"{count(len(firing), 'alert')} open{bad}{silenced}"


def _item(episode: Episode, silences: Sequence[Silence], now: datetime) -> Item:
    alert = leading(episode)
    since = ago(began(episode), now).removesuffix(" ago")
    quiet = (line("Silenced"),) if is_silenced(episode, silences) else ()
    others = sum(each.fires for each in episode.alerts) - 1
    more = f" (+ {others} more)" if others > 0 else ""
    return Item(
        title=line(bold(one_line(alert.signal.title)), more),
        note=f"{episode.severity.word}, {since}",
        mark=MARKS[episode.severity],
        lines=(
            *((line(one_line(alert.signal.words)),) if alert.signal.words else ()),
            *doubt_lines(episode),
            *acked_lines(episode),
            *quiet,
            line("alert ", code(episode.id), "" if episode.scope.namespace else f" · of {episode.scope} as a whole"),
        ),
    )


def _silence_line(silence: Silence, now: datetime) -> Line:
    left = duration((silence.until - now).total_seconds())
    until = f"until {silence.until.astimezone(UTC):%d %b %H:%M} UTC ({left})"
    why = f": “{one_line(silence.why)}”" if silence.why else ""
    what = "everything here" if silence.what == "*" else one_line(silence.what, 100)
    return line(code(what), f" {until} by ", Mention(silence.by), f"{why} · ", code(f"unsilence {silence.id}"))


def _buttons(firing: Sequence[Episode], place: str) -> Iterator[Button]:
    """Offer to acknowledge what nobody looks at: the first of them, which is the worst."""
    first = next((episode for episode in firing if not episode.acked_by), None)
    if first is not None:
        yield Button("Acknowledge the first", f"ack {first.id} {place}".rstrip())


def _data(
    scope: Scope, firing: Sequence[Episode], lost: Sequence[Episode], silences: Sequence[Silence]
) -> dict[str, object]:
    return {
        "cluster": scope.cluster,
        "namespace": scope.namespace,
        "alerts": [_episode_data(episode) for episode in firing],
        "not_known_to_be_over": [
            {
                "id": each.id,
                "cause": each.cause,
                "ending": each.ending.value,
                "ended_at": _iso(each.resolved_at) if each.resolved_at else None,
            }
            for each in lost
        ],
        "silences": [
            {"id": each.id, "what": each.what, "by": each.by, "until": _iso(each.until), "why": each.why}
            for each in silences
        ],
    }


def _episode_data(episode: Episode) -> dict[str, object]:
    return {
        "id": episode.id,
        "cause": episode.cause,
        "severity": episode.severity.word,
        "since": _iso(began(episode)),
        "acked_by": episode.acked_by,
        "alerts": [
            {
                "rule": alert.signal.rule,
                "title": alert.signal.title,
                "words": alert.signal.words,
                "state": alert.state.value,
                "source": alert.signal.source,
                "not_known_since": _iso(alert.known_at) if alert.is_blind else None,
                "not_known_why": alert.blind if alert.is_blind else "",
            }
            for alert in episode.alerts
        ],
    }


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")
