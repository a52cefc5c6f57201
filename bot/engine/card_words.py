"""The words that requests for changes are told in: who, when, how many more, how far. Pure.

What people wrote is always quoted, on one line, and never stands where the state is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from bot.diagnosis import duration
from bot.domain.approval import Rule
from bot.domain.operations import Operation, Progress, Verdict, approvers
from bot.domain.plans import Draft
from bot.domain.text import count, listed
from bot.domain.view import Confirm, Line, Mark, Mention, Span, line
from bot.redaction import clean

LONGEST_REASON = 300
LONGEST_CONFIRM = 300
_BAR = 10
_QUOTES = str.maketrans(dict.fromkeys('"“”„‟«»″‶〝〞\uff02', "'"))
_ON_CALL = "on call"
_MORE_PEOPLE = "people more"


def one_line(text: str, *, limit: int = 0) -> str:
    """Return a text that steers nothing, on one line, cut to `limit` characters (0: not at all)."""
    words = " ".join(clean(text).split())
    return words if not limit or len(words) <= limit else words[: limit - 1] + "…"


def quoted(text: str) -> str:
    """Return what a person wrote in quotation marks that it cannot close: `"500s since 14:02"`."""
    return f'"{one_line(text, limit=LONGEST_REASON).translate(_QUOTES)}"'


def ended(text: str) -> str:
    """Return words on one line that end as a sentence does; empty words stay empty. They may begin with a name."""
    words = one_line(text)
    return words if not words or words[-1] in ".!?…" else f"{words}."


def sentence(text: str) -> str:
    """Return words as a sentence on one line; empty words stay empty."""
    words = ended(text)
    return words[:1].upper() + words[1:]


def inside(title: str) -> str:
    """Return a title as it stands within a sentence: `Roll back api` becomes `roll back api`."""
    words = one_line(title)
    return words[:1].lower() + words[1:] if words[1:2].islower() else words


# --- people -----------------------------------------------------------------------------------------------------------


def people(users: Iterable[str]) -> tuple[str | Mention, ...]:
    """Name people by their ids, each once: `@ann, @bob and @eve`."""
    each = list(dict.fromkeys(users))
    parts: list[str | Mention] = []
    for number, user in enumerate(each, 1):
        parts.append(Mention(user))
        parts.append("" if number == len(each) else " and " if number == len(each) - 1 else ", ")
    return tuple(part for part in parts if part)


def requester_line(operation: Operation, *more: str) -> Line:
    """Say who asked, why, and whatever `more` there is."""
    plan = operation.plan
    because = (f" · because {quoted(plan.reason)}",) if plan.reason.strip() else ()
    return line("Asked by ", Mention(plan.requester.user_id), *because, *(f" · {part}" for part in more))


def approvers_line(operation: Operation) -> Line:
    """Say who agreed; empty while nobody has."""
    if operation.plan.rule.empty:
        return line("No second person was asked for.")
    agreed = approvers(operation)
    return line("Approved by ", *people(agreed)) if agreed else ()


# --- approvals --------------------------------------------------------------------------------------------------------


def waited_for(operation: Operation) -> str:
    """Say whose approval is missing: `1 of the approvers (@rag-leads) and 1 who is on call`."""
    known = {each.name: each.known_as for each in operation.plan.rule.sets}
    return listed([_some(name, number, known.get(name, "")) for name, number in operation.quorum.missing])


def rule_words(rule: Rule) -> str:
    """Say who has to agree: `2 of the approvers (@rag-leads)`; `nobody else` for an empty rule."""
    if rule.empty:
        return "nobody else"
    sets = [_some(each.name, each.count, each.known_as) for each in rule.sets]
    more = rule.humans - sum(each.count for each in rule.sets)
    return listed([*sets, *([_some(_MORE_PEOPLE, more)] if more > 0 else [])])


def _some(name: str, number: int, known_as: str = "") -> str:
    if name == _MORE_PEOPLE:
        return count(number, "more person", "more people")
    if name == _ON_CALL:
        return f"{number} who {'is' if number == 1 else 'are'} on call"
    some = f"{number} of {name if name.startswith('@') else f'the {name}'}"
    return some if known_as in ("", name) else f"{some} ({one_line(known_as)})"


# --- times ------------------------------------------------------------------------------------------------------------


def at(moment: datetime) -> str:
    """Say a moment of today: `14:27 UTC`."""
    return f"{moment.astimezone(UTC):%H:%M} UTC"


def exactly(moment: datetime) -> str:
    """Say a moment to the second: `2026-11-24 14:27:05 UTC`."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def took(operation: Operation) -> str:
    """Say how long it ran: ` in 38 s`; empty when it did not."""
    if operation.began_at is None or operation.ended_at is None:
        return ""
    return f" in {duration((operation.ended_at - operation.began_at).total_seconds())}"


def time_left(lasted: Sequence[float], elapsed_s: float) -> str:
    """Say how long a roll-out may still take, by how long the last ones took: `about 15 s left`; empty without any.

    Both are seconds since the change was written.
    """
    if not lasted:
        return ""
    left = sorted(lasted)[len(lasted) // 2] - elapsed_s
    return f"about {duration(left)} left" if left >= 1 else "it takes longer than the last ones"


# --- how far, and whether it helped -----------------------------------------------------------------------------------


def bar(progress: Progress) -> str:
    """Draw how far a roll-out is: `▓▓▓▓▓▓▓░░░ 2 of 3 pods, about 15 s left`."""
    note = one_line(progress.note)
    if progress.wanted < 1:
        return note
    ready = max(0, min(progress.ready, progress.wanted))
    filled = _BAR * ready // progress.wanted
    drawn = f"{'▓' * filled}{'░' * (_BAR - filled)} {ready} of {count(progress.wanted, 'pod')}"
    return f"{drawn}, {note}" if note else drawn


def helped(verdict: Verdict) -> tuple[str, Mark]:
    """Say in a few words whether a change helped."""
    if verdict.stayed:
        return "the problem is still there", Mark.WARNING
    if verdict.new:
        return "something else is wrong now", Mark.WARNING
    if verdict.not_checked:
        return "whether it helped was not checked", Mark.UNKNOWN
    return ("the problem is gone" if verdict.gone else "nothing is wrong"), Mark.OK


def verdict_lines(verdict: Verdict) -> tuple[Line, ...]:
    """Say which findings are gone, which stayed, which are new, and what could not be seen."""
    groups = (("Gone", verdict.gone), ("Still there", verdict.stayed), ("New", verdict.new))
    lines = [
        line(Span(label, bold=True), f": {'; '.join(map(one_line, findings))}")
        for label, findings in groups
        if findings
    ]
    if verdict.not_checked:
        lines.append(line(Span("Not checked", bold=True), f": {one_line(verdict.not_checked)}"))
    return tuple(lines)


# --- the change -------------------------------------------------------------------------------------------------------


def differences(draft: Draft) -> tuple[tuple[str, str, str], ...]:
    """Return what changes as rows of label, from and to."""
    rows = [(each.label, each.before, each.after) for each in draft.words.differences]
    return tuple((one_line(label), one_line(was) or "nothing", one_line(to) or "nothing") for label, was, to in rows)


def confirmation(draft: Draft) -> Confirm:
    """Return the question before an approval counts: it repeats the place, and from and to."""
    changes = "; ".join(f"{label}: {was} → {to}" for label, was, to in differences(draft))
    text = f"{one_line(draft.words.title)} ({draft.target.scope})" + (f". {changes}" if changes else "")
    return Confirm("Approve this change?", one_line(text, limit=LONGEST_CONFIRM), "Approve")
