"""A digest as people read it: the verdict first, then what needs them, what changed, and the day as a picture. Pure.

When nothing is wrong it is short: one line, one line of what was looked at, the picture. The longer lists are in the
thread (`details_view`).
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from bot.diagnosis import duration
from bot.domain.findings import StepKind
from bot.domain.text import count, listed
from bot.domain.view import (
    Block,
    Button,
    Buttons,
    ButtonStyle,
    Context,
    Headline,
    Item,
    Line,
    Mark,
    Mention,
    Paragraph,
    Picture,
    Span,
    View,
    bold,
    line,
)
from bot.watching.digest_data import EXIT_CODES, digest_data
from bot.watching.digest_lines import (
    FEW,
    care_words,
    changed_lines,
    chart_of,
    has_details,
    looked_words,
    lost_words,
    over_words,
    trouble_item,
    trouble_line,
    undone_words,
    unseen_words,
    verdict_words,
    warning_words,
    whole_trouble,
)
from bot.watching.digests import Digest, Ground, at_words, overs, troubles

MOST_TROUBLES = 5
_LONG = 40
_WORST = {Mark.CRITICAL: 0, Mark.WARNING: 1, Mark.UNKNOWN: 2, Mark.OK: 3}
# Of several places so many have their pictures in the thread.
_PICTURES = 4


def digest_view(digest: Digest, *, asked_by: str = "") -> View:
    """Return the message. `asked_by` is the person who wanted it now."""
    places = worst_first(digest)
    only = places[0] if len(places) == 1 else None
    headline = Headline(f"{_date(digest)} — {_verdict(digest, places)}", verdict_words(digest, places[0])[1])
    blocks: list[Block] = [headline]
    if digest.is_late:
        blocks.append(Paragraph((line(_late_words(digest)),)))
    if only is not None:
        blocks += _one(digest, only)
    else:
        blocks += [_among(digest, ground) for ground in places]
    chart = chart_of(digest, places[0])
    if chart is not None:
        blocks.append(Picture(chart))
    blocks.append(Context(tuple(_small_print(digest, places, asked_by))))
    blocks.append(Buttons(tuple(_buttons(digest, places))))
    exit_code = EXIT_CODES[headline.mark]
    return View(headline.text, tuple(blocks), data=digest_data(digest, places), exit_code=exit_code)


def details_view(digest: Digest) -> View | None:
    """Return what stands in the thread; None when the message says it all."""
    places = [ground for ground in worst_first(digest) if has_details(digest, ground)]
    if not places and len(digest.places) == 1:
        return None
    blocks: list[Block] = []
    for ground in places:
        blocks += _details(digest, ground)
    for ground in worst_first(digest)[1 : 1 + _PICTURES]:
        chart = chart_of(digest, ground)
        if chart is not None:
            blocks += [Paragraph((line(bold(str(ground.scope))),)), Picture(chart)]
    if not blocks:
        return None
    summary = f"Details of the digest of {_date(digest)}"
    return View(summary, tuple(blocks))


def worst_first(digest: Digest) -> list[Ground]:
    """Return the places of a digest, the worst first."""
    return sorted(digest.places, key=lambda ground: (_WORST[verdict_words(digest, ground)[1]], str(ground.scope)))


# --- the verdict ------------------------------------------------------------------------------------------------------


def _date(digest: Digest) -> str:
    local = digest.now.astimezone(digest.clock)
    return f"{local:%a} {local.day} {local:%b, %H:%M}"


def _verdict(digest: Digest, places: Sequence[Ground]) -> str:
    words = {ground.scope: verdict_words(digest, ground) for ground in places}
    if len(places) == 1:
        return f"{places[0].scope.namespace} {words[places[0].scope][0]}"
    marks = [mark for _, mark in words.values()]
    need = sum(mark in (Mark.CRITICAL, Mark.WARNING) for mark in marks)
    parts = [f"{count(need, 'place')} {'needs' if need == 1 else 'need'} you"] if need else []
    if unknown := marks.count(Mark.UNKNOWN):
        parts.append(f"{unknown} could not be looked at")
    if well := marks.count(Mark.OK):
        parts.append(f"all {well} places are healthy" if well == len(marks) else f"{well} healthy")
    return ", ".join(parts)


def _late_words(digest: Digest) -> str:
    due = digest.now - digest.late
    late = duration(digest.late.total_seconds())
    return f"Sent {late} late: it was due at {at_words(due, digest.now, digest.clock)}. It tells how things are now."


# --- one place --------------------------------------------------------------------------------------------------------


def _one(digest: Digest, ground: Ground) -> Iterator[Block]:
    found = troubles(ground, digest.since)
    yield from (trouble_item(digest, each) for each in found[:MOST_TROUBLES])
    lines = [line(f"… and {count(len(found) - MOST_TROUBLES, 'more thing')} in the thread")]
    lines = [*(lines if len(found) > MOST_TROUBLES else ()), *_lines(digest, ground)]
    looked = looked_words(ground)
    if looked and not found:
        lines.insert(0, line(f"Looked at: {looked}."))
    if lines:
        yield Paragraph(tuple(lines))


def _lines(digest: Digest, ground: Ground) -> Iterator[Line]:
    """Return what is told of every place, each kind in one line or a few."""
    over = [over_words(digest, each) for each in overs(ground, digest.since)]
    if over:
        yield line(bold("Resolved"), f"  {_some(over)}")
    if unknown := lost_words(ground, digest.since):
        yield line(bold("Not known to be over"), f"  {_some(unknown)}")
    changed, undone = changed_lines(digest, ground, short=True), undone_words(digest, ground)
    if changed or undone:
        parts = [part for words in changed[-FEW:] for part in (" · ", *words)][1:] or ["nothing"]
        more = f" · {len(changed) - FEW} earlier in the thread" if len(changed) > FEW else ""
        yield line(bold("Changed"), "  ", *parts, more, f" · {undone}" if undone else "")
    care = care_words(ground)
    if care:
        yield line(bold("Note"), f"  {' · '.join(care)}")
    warned = warning_words(ground)
    if warned:
        yield line(bold("Warnings"), f"  {warned}")


def _some(words: Sequence[str]) -> str:
    more = [f"{len(words) - FEW} more in the thread"] if len(words) > FEW else []
    return " · ".join([*words[:FEW], *more])


def _among(digest: Digest, ground: Ground) -> Item:
    """Return one place of several: its verdict, the worst things, and what changed."""
    words, mark = verdict_words(digest, ground)
    found = troubles(ground, digest.since)
    lines = [trouble_line(digest, each) for each in found[:FEW]]
    if len(found) > FEW:
        lines.append(line(f"… and {len(found) - FEW} more in the thread"))
    return Item(line(bold(str(ground.scope)), f" {words}"), "", mark, (*lines, *_lines(digest, ground)))


# --- the end ----------------------------------------------------------------------------------------------------------


def _small_print(digest: Digest, places: Sequence[Ground], asked_by: str) -> Iterator[Line]:
    if asked_by:
        yield line("Asked for by ", Mention(asked_by))
    before = at_words(digest.since, digest.now, digest.clock)
    since = "the last 24 hours" if digest.first else f"what came since the digest of {before}"
    details = " · details in the thread" if details_view(digest) is not None else ""
    yield line(f"{_places(places)} · {since} · {_freshness(digest, places)}{details}")
    for ground in places:
        missing = unseen_words(ground)
        if missing:
            where = f" in {ground.scope}" if len(places) > 1 else ""
            more = f"; {len(missing) - FEW} more in the thread" if len(missing) > FEW else ""
            yield line(f"Not looked at{where}: {listed(missing[:FEW])}{more}.")


def _places(places: Sequence[Ground]) -> str:
    return str(places[0].scope) if len(places) == 1 else count(len(places), "place")


def _freshness(digest: Digest, places: Sequence[Ground]) -> str:
    took = max((ground.checkup.seen.took_s for ground in places if ground.checkup.seen), default=0.0)
    return f"as of {digest.now.astimezone(digest.clock):%H:%M:%S %Z}, looked for {duration(took)}"


def _buttons(digest: Digest, places: Sequence[Ground]) -> Iterator[Button]:
    worst = places[0]
    step = next((each.next for each in troubles(worst, digest.since) if each.next is not None), None)
    if step is not None and step.kind is StepKind.COMMAND and step.label:
        yield Button(step.label, f"{step.text} {worst.place}".rstrip(), ButtonStyle.PRIMARY)
    yield Button("Status now", f"status {worst.place}".rstrip())
    name = digest.plan.name
    yield Button("Pause this digest", f"schedule pause {shlex.quote(name)}", asks=f"Why do you pause {name}?")


# --- the thread -------------------------------------------------------------------------------------------------------


def _details(digest: Digest, ground: Ground) -> Iterator[Block]:
    if len(digest.places) > 1:
        yield Headline(f"{ground.scope} {verdict_words(digest, ground)[0]}", verdict_words(digest, ground)[1])
    yield from (whole_trouble(digest, ground, each) for each in troubles(ground, digest.since)[:_LONG])
    over = [line(over_words(digest, each)) for each in overs(ground, digest.since)]
    yield from _list("Resolved", over)
    yield from _list("Not known to be over", [line(words) for words in lost_words(ground, digest.since)])
    yield from _list("Changed", changed_lines(digest, ground))
    checkup = ground.checkup.seen
    looked = [line(bold(each.name), f"  {each.words}") for each in (checkup.sections if checkup else ()) if each.words]
    yield from _list("Looked at", looked)
    yield from _list("Not looked at", [line(words) for words in unseen_words(ground)])


def _list(title: str, lines: Sequence[Line]) -> Iterator[Paragraph]:
    if lines:
        more: tuple[Line, ...] = (line(Span(f"… and {len(lines) - _LONG} more")),) if len(lines) > _LONG else ()
        yield Paragraph((line(bold(title)), *lines[:_LONG], *more))
