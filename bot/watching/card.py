"""The message of an episode, and that of something that happened, each made of the record alone. Pure.

Words of the cluster and of other sources are plain text: no markup, no links, one line each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from bot.diagnosis import duration
from bot.domain.marks import MARKS
from bot.domain.view import (
    Block,
    Button,
    Buttons,
    Context,
    Headline,
    Line,
    Mark,
    Mention,
    Paragraph,
    View,
    bold,
    code,
    line,
)
from bot.domain.watch.episodes import Alert, AlertState, Ending, Episode
from bot.domain.watch.samples import Note
from bot.domain.watch.transitions import OURS
from bot.redaction import clean

MOST_LINES = 4
MOST_RULES = 4
_LONGEST = 300
_ENDED = {
    Ending.OVER: "over",
    Ending.UNWATCHED: "no longer watched",
    Ending.UNHEARD: "not heard of any more",
}


def episode_card(episode: Episode, *, place: str) -> View:
    """Return the message of an episode. `place` is the words (`-n NAMESPACE`) that lead commands to its scope."""
    over = episode.has_ended
    summary = headline_of(episode)
    ended = Mark.UNKNOWN if episode.ended_in_doubt else Mark.OK
    blocks: list[Block] = [Headline(summary, ended if over else MARKS[episode.severity])]
    lines = [*_alert_lines(episode), *doubt_lines(episode), *acked_lines(episode)]
    if lines:
        blocks.append(Paragraph(tuple(lines)))
    blocks.append(Context(_small_print(episode)))
    if not over:
        blocks.append(Buttons(tuple(_buttons(episode, place))))
    return View(summary, tuple(blocks))


def headline_of(episode: Episode) -> str:
    """Return the verdict: what it is, how bad, since when; or how it ended, and how long it lasted when it is over."""
    title = one_line(leading(episode).signal.title) if episode.alerts else one_line(episode.cause)
    if episode.has_ended:
        match episode.ending:
            case Ending.OVER:
                return f"Over: {title} (lasted {duration(_lasted_s(episode))})"
            case Ending.UNWATCHED:
                return f"No longer watched: {title}"
            case Ending.UNHEARD:
                return f"Unknown: {title} — {_source(leading(episode))} does not speak of it any more"
    return f"{title} — {episode.severity.word}, since {moment(began(episode), episode.fired_at)}"


def leading(episode: Episode) -> Alert:
    """Return the alert by which an episode is called: one that fires, the worst, and of these the first.

    Of an episode that ended otherwise than by being over, one of which nobody knows whether it is.
    """
    return shown(episode)[0]


def shown(episode: Episode) -> Sequence[Alert]:
    """Return the alerts that people are told of, in the order in which they matter.

    Of an episode that is over those are all that ever fired, of one that fires also those that are over by now.
    """
    told = [alert for alert in episode.alerts if alert.state is not AlertState.PENDING] or list(episode.alerts)
    return sorted(told, key=lambda alert: _rank(episode, alert))


def _rank(episode: Episode, alert: Alert) -> tuple[bool, bool, int, datetime, str]:
    """Return what goes first: what fires; of an end, what is called by how it ended; the worst; the first."""
    how = episode.has_ended and alert.ending is not episode.ending
    return not alert.fires, how, -alert.signal.severity, alert.began_at, alert.signal.key


def began(episode: Episode) -> datetime:
    """Return since when it is, as far as anybody knows."""
    return min([episode.began_at, *(alert.began_at for alert in episode.alerts)])


def moment(at: datetime, beside: datetime | None = None) -> str:
    """Say a moment: `14:02 UTC`, with its day when that is another one than that of the moment `beside` it."""
    other_day = beside is not None and at.astimezone(UTC).date() != beside.astimezone(UTC).date()
    return f"{at.astimezone(UTC):{'%d %b %H:%M' if other_day else '%H:%M'}} UTC"


def one_line(text: str, limit: int = _LONGEST) -> str:
    """Return a text that steers nothing, on one line, cut to `limit` characters."""
    words = " ".join(clean(text).split())
    return words if len(words) <= limit else words[: limit - 1] + "…"


def acked_lines(episode: Episode) -> tuple[Line, ...]:
    """Say who looks at it; nothing while nobody does."""
    if not episode.acked_by:
        return ()
    at = f" at {moment(episode.acked_at, episode.fired_at)}" if episode.acked_at else ""
    return (line("Acknowledged by ", Mention(episode.acked_by), at),)


def doubt_lines(episode: Episode) -> Iterator[Line]:
    """Say of what nobody knows whether it is still true, since when, and why; equal words once."""
    if episode.has_ended:
        yield from _end_lines(episode)
        return
    blind = [alert for alert in shown(episode) if alert.is_blind]
    named = len(blind) < sum(alert.fires for alert in episode.alerts)
    since: dict[tuple[str, str], datetime] = {}
    for alert in blind:
        said = (one_line(alert.signal.title) if named else "", one_line(alert.blind).rstrip("."))
        since[said] = min(alert.known_at, since.get(said, alert.known_at))
    for (title, why), at in [*since.items()][:MOST_LINES]:
        when = moment(at, episode.fired_at)
        words = f"not to be looked at since {when}: {why}" if why else f"not heard of since {when}"
        yield line(f"{title}: {words}" if title else f"{words[0].upper()}{words[1:]}", ". It may be over or not.")


def _end_lines(episode: Episode) -> Iterator[Line]:
    seen_at = max((alert.seen_at for alert in episode.alerts), default=episode.began_at)
    last = f"{seen_at.astimezone(UTC):%d %b %H:%M} UTC. Whether it is over is not known."
    match episode.ending:
        case Ending.OVER:
            return
        case Ending.UNWATCHED:
            yield line(f"The configuration leaves it out by now; last seen {last}")
        case Ending.UNHEARD:
            yield line(f"Not heard of since {last}")


def _source(alert: Alert) -> str:
    source = one_line(alert.signal.source, 60)
    return f"{source[:1].upper()}{source[1:]}"


def _lasted_s(episode: Episode) -> float:
    ended = episode.resolved_at or episode.began_at
    return (ended - began(episode)).total_seconds()


def _alert_lines(episode: Episode) -> Iterator[Line]:
    """Say each alert in a line: what only one of them says, the headline has said already."""
    alerts = shown(episode)
    if episode.has_ended:
        alerts = alerts[:1]
    for alert in alerts[:MOST_LINES]:
        title, words = one_line(alert.signal.title), one_line(alert.signal.words)
        over = "" if alert.fires or episode.has_ended else f" ({_ENDED[alert.ending]})"
        if len(alerts) == 1 and not over:
            yield line(words) if words else ()
        else:
            yield line(bold(title), f"{over}: {words}" if words else over)
    if len(alerts) > MOST_LINES:
        yield line(f"+ {len(alerts) - MOST_LINES} more")
    link = leading(episode).signal.unsafe_link if episode.alerts else ""
    if link:
        yield line("Where it comes from: ", code(one_line(link)))


def _small_print(episode: Episode) -> tuple[Line, ...]:
    rules = sorted({alert.signal.rule for alert in shown(episode)})
    named = ", ".join(one_line(rule, 60) for rule in rules[:MOST_RULES])
    more = f" + {len(rules) - MOST_RULES} more" if len(rules) > MOST_RULES else ""
    sources = sorted({alert.signal.source for alert in shown(episode)} - {OURS})
    parts = [str(episode.scope), f"{named}{more}", *(f"from {one_line(source, 60)}" for source in sources)]
    return (
        line(" · ".join(part for part in parts if part)),
        line(f"{began(episode).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC · alert ", code(episode.id)),
    )


def _buttons(episode: Episode, place: str) -> Iterator[Button]:
    service = next((alert.signal.service for alert in shown(episode) if alert.signal.service), "")
    if service:
        yield Button(f"Status {service}"[:60], _at(f"status {service}", place))
        yield Button("Logs", _at(f"logs {service}", place))
    else:
        yield Button("Status", _at("status", place))
    if not episode.acked_by:
        yield Button("Acknowledge", _at(f"ack {episode.id}", place))
    yield Button("Silence 1 h", _at(f"silence {episode.id} --for 1h", place))


def _at(command: str, place: str) -> str:
    return f"{command} {place}".rstrip()


def note_view(note: Note) -> View:
    """Return the message of something that happened."""
    summary = one_line(note.words)
    said = line(f"{note.scope} · {note.kind} · {note.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC")
    return View(summary, (Headline(summary, Mark.INFO), Context((said,))))
