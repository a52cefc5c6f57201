"""`audit`: what was done and what was refused, by whom, from the record that nobody can change unseen."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.closing import seen_by
from bot.diagnosis import ago
from bot.domain.actions import Need, Query, Setting, option
from bot.domain.durations import parse_span
from bot.domain.people import Permission
from bot.domain.text import count, first_line
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
    Span,
    View,
    code,
    line,
)
from bot.errors import UsageError
from bot.ports import AuditQuery, AuditRecord, Sources

MOST = 20
LONGEST = 100
LONGEST_SPAN = timedelta(days=3650)
_ID = re.compile(r"[UW][A-Z0-9]{2,20}")
_PERSON = re.compile(r"<@(?P<mentioned>[UW][A-Z0-9]{2,20})(?:\|[^>]*)?>|@?(?P<id>[UW][A-Z0-9]{2,20})")
# Results in words for people where the record has a name of the program's own.
_RESULTS = {"UsageError": "not possible"}
# What became of a request for a change, step by step; {} stands for how it ended.
_STEPS = {
    "requested": "asked for",
    "vote": "approved",
    "vote_refused": "not counted",
    "vote_lost": "approval lost",
    "withdrawn": "approval withdrawn",
    "denied": "denied",
    "cancelled": "cancelled",
    "expired": "expired",
    "superseded": "ended, not carried out",
    "claimed": "begun",
    "takeover": "taken over",
    "attempt": "sent to the cluster",
    "patched": "written in the cluster",
    "voided": "made sure that nothing arrives late",
    "result": "ended: {}",
    "verdict": "looked at afterwards",
    "resolution": "resolved by hand: {}",
}
_ENDS = {"SUCCEEDED": "done", "FAILED": "failed", "UNKNOWN": "unknown"}
_OPERATION = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9]{2}:[0-9]{2})?")


@dataclass(frozen=True, slots=True)
class Params:
    """What to look for; everything when empty."""

    op: str = option("--op", "only this command, or the request with this id", default="", metavar="COMMAND")
    who: str = option("--who", "only this person: @name as Slack completes it, or U…", default="", metavar="@PERSON")
    since: str = option("--since", "only since then: 30m, 2h, 3d, 1w, or a day in UTC", default="", metavar="TIME")


@dataclass(frozen=True, slots=True)
class Seen:
    """The rows, the newest first; whether there are more; and the chain's last row as it is published."""

    rows: Sequence[AuditRecord]
    more: bool
    head: str


async def observe(params: Params, sources: Sources) -> Seen:
    if sources.audit is None:
        raise UsageError(
            "There is no database here, so there is no record to read. Where the bot runs, `ragops audit verify` "
            "checks the record; its rows are read here in chat."
        )
    query = AuditQuery(
        operation=params.op, actor=person(params.who), since=since(params.since, sources.now), limit=MOST + 1
    )
    rows = await sources.audit.search(query)
    return Seen(rows[:MOST], len(rows) > MOST, await sources.audit.head())


def person(text: str) -> str:
    """Return the id in a mention or an id; empty for nothing. Raises `UsageError`."""
    found = _PERSON.fullmatch(text)
    if text and found is None:
        raise UsageError(
            f'--who takes a person as Slack completes @name, or an id such as U012AB3CD, not "{text}".',
            suggestions=["whoami"],
        )
    return (found["mentioned"] or found["id"]) if found else ""


def since(text: str, now: datetime) -> datetime | None:
    """Return the moment that is meant, in UTC; None for nothing. Raises `UsageError`."""
    if not text:
        return None
    length = parse_span(text)
    if length is not None:
        if not timedelta() < length <= LONGEST_SPAN:
            raise UsageError(f'--since reaches back from 1m to 10 years, not "{text}".')
        return now - length
    try:
        at = datetime.fromisoformat(text).replace(tzinfo=UTC) if _DAY.fullmatch(text) else None
    except ValueError:
        raise UsageError(f'--since: there is no day "{text}" in the calendar.') from None
    if at is None:
        raise UsageError(f'--since takes a span (30m, 2h, 3d, 1w) or a day in UTC (2026-11-01), not "{text}".')
    if at > now:
        raise UsageError(f'--since "{text}" is yet to come; it is {now:%Y-%m-%dT%H:%M} UTC now.')
    return at


def render(params: Params, seen: Seen, setting: Setting) -> View:
    number = f"the newest {len(seen.rows)} rows" if seen.more else count(len(seen.rows), "row")
    asked_for = _asked_for(params)
    summary = f"Audit{asked_for}: {number}" if seen.rows else f"Audit{asked_for}: nothing was recorded"
    blocks: list[Block] = [Headline(summary, Mark.INFO)]
    if seen.rows:
        blocks.append(Paragraph(tuple(_row(row, setting.now) for row in seen.rows)))
    if seen.more:
        blocks.append(Paragraph((line(f"There are more; {MOST} are shown at most. Narrow it: ", *_narrower(params)),)))
    blocks.append(Context(_small_print(seen, setting)))
    blocks.append(Buttons((Button("Refresh", setting.command, replaces=True),)))
    return View(summary, tuple(blocks), data=_data(seen))


def _asked_for(params: Params) -> str:
    parts = (f" of {params.op}" if params.op else "", f" since {params.since}" if params.since else "")
    return f"{''.join(parts)}{' by one person' if params.who else ''}"


def _narrower(params: Params) -> list[str | Span]:
    missing = [
        words
        for words, given in (("--since 2h", params.since), ("--op share", params.op), ("--who @person", params.who))
        if not given
    ]
    parts: list[str | Span] = []
    for words in missing or ["a later --since"]:
        parts += [*([", "] if parts else []), code(words)]
    return parts


def _row(row: AuditRecord, now: datetime) -> Line:
    """Say a row in one line: when, who, what was typed, what came of it; why only where it did not just happen."""
    step = _STEPS.get(row.action, "") if _OPERATION.fullmatch(row.subject) else ""
    what = _request(row) if step else f"{row.action} {row.subject}".strip()
    command = first_line(str(row.detail.get("command", "")), LONGEST) or what
    why = first_line(str(row.detail.get("said") or row.detail.get("why") or row.detail.get("reason", "")), LONGEST)
    who = Mention(row.actor) if _ID.fullmatch(row.actor) else Span(row.actor or "unknown")
    ended = first_line(_RESULTS.get(row.result, row.result), LONGEST)
    result = step.format(_ENDS.get(ended, ended)) if step else ended
    because = f": {why}" if why and row.result != "done" else ""
    request = f" · request {row.subject[:8]}" if step else ""
    return line(f"{ago(row.at, now)} · ", who, " · ", code(command), f" · {result}{because}{request}")


def _request(row: AuditRecord) -> str:
    """Name what a request is about: `rollback deployment/rag-engine-api in rag-engine on demo`."""
    return first_line(f"{row.detail.get('verb', 'a change')} {row.detail.get('target', '')}".strip(), LONGEST)


def _small_print(seen: Seen, setting: Setting) -> tuple[Line, ...]:
    return (
        line(f"As of {setting.now:%H:%M:%S} UTC{seen_by(setting)}"),
        line("To check that nothing was changed or cut off: ", code(f"ragops audit verify --head {seen.head}")),
    )


def _data(seen: Seen) -> dict[str, object]:
    return {
        "rows": [
            {
                "seq": row.seq,
                "at": row.at.astimezone(UTC).isoformat(timespec="seconds"),
                "actor": row.actor,
                "action": row.action,
                "subject": row.subject,
                "result": row.result,
                "detail": dict(row.detail),
            }
            for row in seen.rows
        ],
        "more": seen.more,
        "head": seen.head,
    }


ACTION = Query(
    name="audit",
    summary="Read what was done and what was refused, the newest first",
    params=Params,
    permission=Permission.AUDIT,
    needs=frozenset({Need.AUDIT}),
    observe=observe,
    render=render,
    examples=(
        ("audit", "the newest rows"),
        ("audit --op share --since 2h", "who shared what lately"),
        ("audit --who @ann --since 2026-11-01", "what one person did since a day"),
    ),
)
