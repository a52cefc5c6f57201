"""The lines that a digest is made of: what needs a person, what is over, what changed, what was not looked at. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from bot.diagnosis import duration
from bot.domain.actions import IN_CHAT
from bot.domain.charts import Chart, Moment
from bot.domain.findings import Severity, StepKind, Verdict
from bot.domain.marks import MARKS
from bot.domain.operations import Operation, State, approvers
from bot.domain.targets import ObjectRef
from bot.domain.text import count, first_line, listed
from bot.domain.view import Item, Line, Mark, Mention, Span, bold, code, line
from bot.domain.watch.samples import Note
from bot.watching.card import headline_of
from bot.watching.digest_chart import day_chart, day_of, day_span
from bot.watching.digests import (
    UNDONE,
    Digest,
    Ground,
    Over,
    Trouble,
    at_words,
    episode_title,
    happened,
    lost,
    overs,
    requests,
    standing,
    told_at,
    troubles,
    unseen,
    warnings,
)

# So many of a kind stand in the message; the rest is in the thread.
FEW = 3
# What may be read in one line on a phone.
_SHORT, _LONG = 140, 400
_MOST_MOMENTS = 12
_LABEL = 40
# The sentences of happenings, and what of them stands in a picture.
_SHORTER = (
    (re.compile(r"(.+?) was released as revision \d+: .* as before, "), r"\1 restarted or set"),
    (re.compile(r"(.+?) was released as revision \d+: (.+?)\.(?: |$)"), r"\1 \2"),
    (re.compile(r"(.+?) was released: "), r"\1 released"),
    (re.compile(r"(.+?) was scaled from (\d+) to (\d+) pods"), r"\1 \2 → \3 pods"),
    (re.compile(r"Certificate of (.+?) was renewed"), r"certificate renewed: \1"),
    (re.compile(r"(.+?) serves a new certificate"), r"\1: new certificate"),
)
_WORDS = {
    State.EXECUTING: "running",
    State.FAILED: "failed",
    State.UNKNOWN: "ended in doubt",
    State.DENIED: "denied",
    State.EXPIRED: "expired, nobody answered",
}


def verdict_words(digest: Digest, ground: Ground) -> tuple[str, Mark]:
    """Say how a place is: `is healthy`, `needs you: 2 things`; that it could not be looked at is never healthy."""
    found, verdict = troubles(ground, digest.since), standing(ground, digest.since)
    if ground.checkup.seen is None:
        return f"could not be looked at: {first_line(ground.checkup.problem)}", Mark.UNKNOWN
    if found:
        worst = max(each.severity for each in found)
        mark = Mark.CRITICAL if verdict is Verdict.DOWN or worst is Severity.CRITICAL else Mark.WARNING
        return f"{'is down and ' if verdict is Verdict.DOWN else ''}needs you: {count(len(found), 'thing')}", mark
    match verdict:
        case Verdict.HEALTHY:
            return "is healthy", Mark.OK
        case Verdict.DOWN:
            return "is down", Mark.CRITICAL
        case Verdict.DEGRADED:
            return "is degraded", Mark.WARNING
        case Verdict.UNKNOWN:
            parts = [name for name, _ in unseen(ground)]
            what = f": {listed(parts[:3])} could not be looked at" if parts else ""
            return f"may be healthy or not{what}", Mark.UNKNOWN


def trouble_item(digest: Digest, trouble: Trouble) -> Item:
    """Return what needs a person, with a line of why."""
    words = _brief(trouble.words)
    return Item(_title(trouble), _note(digest, trouble), MARKS[trouble.severity], (line(words),) if words else ())


def _brief(words: str) -> str:
    """Return the sentences that fit into a line; a part of the first one when not even that does."""
    whole = first_line(words, _LONG)
    if len(whole) <= _SHORT:
        return whole
    end = whole.rfind(". ", _SHORT // 3, _SHORT)
    return whole[: end + 1] if end > 0 else first_line(whole, _SHORT)


def trouble_line(digest: Digest, trouble: Trouble) -> Line:
    """Return the same as one line, for where several places share a message."""
    return line(*_title(trouble), f" ({_note(digest, trouble)})")


def whole_trouble(digest: Digest, ground: Ground, trouble: Trouble) -> Item:
    """Return all that is known of it: why, since when exactly, and what to do."""
    lines = [line(first_line(trouble.words, _LONG))] if trouble.words else []
    if trouble.since is not None:
        lines.append(line(f"Since {trouble.since:%Y-%m-%d %H:%M:%S} UTC"))
    step = trouble.next
    if step is not None:
        command = step.kind is StepKind.COMMAND
        text = (
            code(f"{IN_CHAT}{ground.catalogue.typed(step.text)} {ground.place}".rstrip())
            if command
            else Span(step.text)
        )
        lines.append(line("Next: ", text, f": {step.reason}" if step.reason else ""))
    return Item(_title(trouble), _note(digest, trouble), MARKS[trouble.severity], tuple(lines))


def _title(trouble: Trouble) -> Line:
    title = first_line(trouble.title, _SHORT)
    return line(bold(trouble.service), f": {title}") if trouble.service else line(bold(title))


def _note(digest: Digest, trouble: Trouble) -> str:
    since = trouble.since
    how_long = "" if since is None else f" since {at_words(since, digest.now, digest.clock)}"
    seen = ", somebody looks at it" if trouble.acked_by else ""
    return f"{trouble.severity.word}, {'new' if trouble.new else 'still open'}{how_long}{seen}"


def over_words(digest: Digest, over: Over) -> str:
    """Say what is over: `api: crash loop (14:02, for 7 min)`."""
    lasted = duration((over.ended_at - over.began_at).total_seconds())
    return f"{first_line(over.title, _SHORT)} ({at_words(over.began_at, digest.now, digest.clock)}, for {lasted})"


def lost_words(ground: Ground, since: datetime) -> list[str]:
    """Say what ended and is not known to be over, each with how: `No longer watched: cache fails`."""
    return [first_line(headline_of(episode), _SHORT) for episode in lost(ground, since)]


def request_line(digest: Digest, operation: Operation) -> Line:
    """Say a request: what was done, who asked, who approved."""
    words = operation.plan.draft.words
    done = operation.state is State.SUCCEEDED
    said = words.done if done else f"{words.title}: {_WORDS.get(operation.state, operation.state.lower())}"
    agreed = [part for user in approvers(operation) for part in (", approved by ", Mention(user))]
    when = at_words(told_at(operation), digest.now, digest.clock)
    return line(f"{when} {first_line(said, _SHORT)}, asked by ", Mention(operation.plan.requester.user_id), *agreed)


def changed_lines(digest: Digest, ground: Ground, *, short: bool = False) -> list[Line]:
    """Return what changed, the newest last: what was seen to happen in whole sentences, and requests of all kinds.

    `short`: in a few words, and without the requests that changed nothing.
    """

    def seen_words(note: Note) -> str:
        words = label_of(note) if short else first_line(note.words, _SHORT)
        return f"{at_words(note.at, digest.now, digest.clock)} {words}"

    told = [each for each in requests(ground, digest.since) if not (short and each.state in UNDONE)]
    asked = [(told_at(each), request_line(digest, each)) for each in told]
    seen = [(each.at, line(seen_words(each))) for each in happened(ground, digest.since)]
    return [words for _, words in sorted([*asked, *seen], key=lambda each: each[0])]


def undone_words(digest: Digest, ground: Ground) -> str:
    """Count the requests that changed nothing: `2 requests denied · 1 expired`."""
    states = Counter(each.state for each in requests(ground, digest.since))
    counted = [(states[state], state.lower()) for state in UNDONE if states[state]]
    return " · ".join(
        f"{number} {word}" if at else f"{count(number, 'request')} {word}" for at, (number, word) in enumerate(counted)
    )


def care_words(ground: Ground) -> list[str]:
    """Say how certificates and backups stand where that is worth a word."""
    checkup = ground.checkup.seen
    wanted = [each for each in (checkup.sections if checkup else ()) if each.name in ("certificates", "backups")]
    return [f"{each.name}: {each.words}" for each in wanted if each.noted and each.words and not each.attentions]


def looked_words(ground: Ground) -> str:
    """Say in one line what was looked at and is well."""
    checkup = ground.checkup.seen
    fine = [each for each in (checkup.sections if checkup else ()) if each.is_fine]
    told = {"workloads", "certificates", "backups"}
    return listed([f"{each.name} ({each.words})" if each.name in told else each.name for each in fine])


def warning_words(ground: Ground) -> str:
    """Compare a day's warning events with those of the day before; empty where neither is known or both are none.

    `144 events in 24 hours, most about search (90); 3 the day before`.
    """
    today, before = warnings(ground.buckets), warnings(ground.before)
    if today is None or not (today or before):
        return ""
    compared = f"; {before:,} the day before" if before is not None else ""
    said = f"{today:,} {'event' if today == 1 else 'events'}" if today else "none"
    return f"{said} in 24 hours{_most_words(ground, today)}{compared}"


def _most_words(ground: Ground, total: int) -> str:
    """Say which workload most of the events were about."""
    if not total:
        return ""
    counts: Counter[ObjectRef] = Counter()
    for bucket in ground.buckets.seen or ():
        counts[bucket.ref] += bucket.warnings or 0
    ref, number = min(counts.items(), key=lambda each: (-each[1], str(each[0])))
    name = ground.catalogue.alias_of(ref.kind, ref.name)
    if number == total:
        return f", {'all ' if total > 1 else ''}about {name}"
    return f", most about {name} ({number:,})"


def unseen_words(ground: Ground) -> list[str]:
    """Say what was not looked at, each with why."""
    return [f"{name} ({first_line(problem, _SHORT)})" for name, problem in unseen(ground)]


def has_details(digest: Digest, ground: Ground) -> bool:
    """Tell whether there is more to say than that all is well."""
    since = digest.since
    said = (troubles(ground, since), overs(ground, since), lost(ground, since), changed_lines(digest, ground))
    return any(said) or len(unseen_words(ground)) > FEW


def chart_of(digest: Digest, ground: Ground) -> Chart | None:
    """Return the last day of a place; None where the history could not be read."""
    if ground.buckets.seen is None:
        return None
    span = ground.span or day_span(digest.now)
    day = day_of(ground.buckets.seen, ground.catalogue, span)
    moments = [moment for moment in _moments(ground) if moment.at >= span.since][-_MOST_MOMENTS:]
    return day_chart(day, digest.thresholds, moments, time_zone=digest.plan.schedule.time_zone)


def label_of(note: Note) -> str:
    """Return what happened in as few words as stand beside a line: `api v1.1 → v1.2`, `worker 4 → 6 pods`."""
    for told, short in _SHORTER:
        found = told.match(note.words)
        if found is not None:
            return first_line(found.expand(short), _LABEL)
    return first_line(note.words, _LABEL)


def _moments(ground: Ground) -> Iterator[Moment]:
    notes = [Moment(note.at, label_of(note)) for note in ground.notes.seen or ()]
    alerts = [
        Moment(episode.fired_at, f"alert: {first_line(episode_title(episode), _LABEL)}")
        for episode in ground.episodes.seen or ()
        if episode.fired_at is not None and episode.alerts
    ]
    yield from sorted((*notes, *alerts), key=lambda moment: moment.at)
