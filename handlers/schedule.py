"""`schedule`: what is sent by the clock, when next, what became of the last time, and what is paused."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.closing import seen_by
from bot.diagnosis import duration
from bot.domain.actions import Need, NoParams, Query, Setting
from bot.domain.text import count
from bot.domain.view import Block, Button, Buttons, Code, Context, Headline, Item, Line, Mark, View, bold, code, line
from bot.domain.watch.schedules import Pause, Schedule, SlotRun
from bot.ports import Calendar, Sources
from bot.schedules import away_words, moment_words, pause_words

MOST = 10
MOST_BUTTONS = 4
_BEFORE = timedelta(microseconds=1)
_EXAMPLE = """\
[digests.morning]
cron = "0 9 * * 1-5"
time_zone = "Europe/Berlin"
channels = ["C0RAGDAILY"]"""


@dataclass(frozen=True, slots=True)
class Row:
    """A schedule, when it is due and when it is next sent (None: never), its last runs, and its pause."""

    schedule: Schedule
    due: datetime | None
    sent_next: datetime | None
    runs: Sequence[SlotRun] = ()
    pause: Pause | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """Every schedule, the next one first. `kept`: there is a database, so what became of it is known."""

    rows: Sequence[Row]
    kept: bool


async def observe(params: NoParams, sources: Sources) -> Seen:
    if sources.watch is None or sources.calendar is None:
        raise ValueError("schedule needs what is watched and the calendar")
    schedules = [plan.schedule for plan in sources.watch.digests]
    runs: Mapping[str, Sequence[SlotRun]] = {}
    pauses: Mapping[str, Pause] = {}
    if sources.slots is not None and schedules:
        runs = await sources.slots.runs([schedule.name for schedule in schedules])
        pauses = await sources.slots.pauses()
    rows = [
        _row(schedule, sources.calendar, sources.now, runs.get(schedule.name, ()), pauses.get(schedule.name))
        for schedule in schedules
    ]
    rows.sort(key=lambda row: (row.sent_next is None, row.sent_next, row.schedule.name))
    return Seen(rows, kept=sources.slots is not None)


def _row(schedule: Schedule, calendar: Calendar, now: datetime, runs: Sequence[SlotRun], pause: Pause | None) -> Row:
    due = sent_next = calendar.next(schedule, now)
    if pause is not None:
        # What is due as the pause ends is sent.
        sent_next = calendar.next(schedule, pause.until - _BEFORE) if pause.until else None
    return Row(schedule, due, sent_next, runs, pause)


def render(params: NoParams, seen: Seen, setting: Setting) -> View:
    if not seen.rows:
        return _nothing()
    paused = [row for row in seen.rows if row.pause is not None]
    first = seen.rows[0]
    summary = count(len(seen.rows), "schedule")
    summary += f", {len(paused)} paused" if paused else ""
    if first.sent_next is not None:
        summary += f": {first.schedule.name} is next, {away_words(first.sent_next, setting.now)}"
    blocks: list[Block] = [Headline(summary, Mark.WARNING if paused else Mark.OK)]
    blocks += [_item(row, setting.now, kept=seen.kept) for row in seen.rows[:MOST]]
    blocks += [Context(_small_print(seen, setting)), Buttons(tuple(_buttons(seen, setting)))]
    return View(summary, tuple(blocks), data={"schedules": [_data(row) for row in seen.rows]})


def _nothing() -> View:
    summary = "Nothing is scheduled here"
    told = line("A digest is a part of ", code("ragops.toml"), "; the bot takes it up when it starts:")
    return View(
        summary,
        (Headline(summary, Mark.INFO), Context((told,)), Code(_EXAMPLE)),
        data={"schedules": []},
    )


def _item(row: Row, now: datetime, *, kept: bool) -> Item:
    schedule, lines = row.schedule, [_when(row, now)]
    if row.pause is not None:
        lines.append(pause_words(row.pause, schedule))
    lines += [line(words) for words in _last(row, now)] if kept else []
    mark = Mark.OK
    if row.pause is not None or (row.runs and row.runs[0].outcome == "failed"):
        mark = Mark.WARNING
    note = "paused" if row.pause is not None else away_words(row.due, now) if row.due is not None else "never"
    return Item(line(bold(schedule.name)), note, mark, tuple(lines))


def _when(row: Row, now: datetime) -> Line:
    """Say by which words it is due, and when that is: `0 9 * * 1-5 Europe/Berlin: next Wed 25 Nov 09:00, in 11 h`."""
    schedule = row.schedule
    if row.sent_next is None:
        said = "not while it is paused" if row.pause is not None else "never in the next five years"
    else:
        said = f"next {moment_words(row.sent_next, schedule)}, {away_words(row.sent_next, now)}"
    return line(code(schedule.cron), f" {schedule.time_zone}: {said}")


def _last(row: Row, now: datetime) -> Sequence[str]:
    """Say what became of the last due moment, and when it was last sent if that is another one."""
    # Before it was known nothing became of it.
    runs = [run for run in row.runs if run.outcome != "known"]
    if not runs:
        return ["Not sent yet"]
    told = [_became(runs[0], row.schedule, now)]
    sent = next((run for run in runs if run.outcome == "sent"), None)
    if sent is not None and sent is not runs[0]:
        told.append(_became(sent, row.schedule, now))
    return told


def _became(run: SlotRun, schedule: Schedule, now: datetime) -> str:
    moment = moment_words(run.due_at, schedule)
    if run.outcome == "sent":
        late = (run.done_at or run.due_at) - run.due_at
        how = f", {duration(late.total_seconds())} late" if late.total_seconds() > schedule.late_after_s else ""
        return f"Last sent {moment}{how}"
    if run.outcome == "skipped":
        return f"Skipped {moment}"
    if run.outcome == "failed":
        return f"Given up {moment}: it failed again and again"
    return f"Being made for {moment}, for {duration((now - run.began_at).total_seconds())} now"


def _small_print(seen: Seen, setting: Setting) -> tuple[Line, ...]:
    left_out = len(seen.rows) - MOST
    lines = [line(f"… and {left_out} more")] if left_out > 0 else []
    if not seen.kept:
        lines.append(line("There is no database here: when each was last sent, and what is paused, is told in chat."))
    else:
        lines.append(
            line(code("schedule pause NAME --for 3d WHY"), " pauses one, ", code("digest now NAME"), " sends it")
        )
    return (*lines, line(f"As of {setting.now:%H:%M:%S} UTC{seen_by(setting)}"))


def _buttons(seen: Seen, setting: Setting) -> Sequence[Button]:
    """Offer to pause or to resume each of a few; of many that is typed."""
    found = [Button("Refresh", setting.command, replaces=True)]
    for row in seen.rows if seen.kept and len(seen.rows) <= MOST_BUTTONS else ():
        name = row.schedule.name
        label, verb, asks = ("Pause", "pause", f"Why do you pause {name}?")
        if row.pause is not None:
            label, verb, asks = ("Resume", "resume", "")
        found.append(Button(f"{label} {name}", f"schedule {verb} {shlex.quote(name)}", asks=asks))
    return found


def _data(row: Row) -> dict[str, object]:
    schedule, pause = row.schedule, row.pause
    return {
        "name": schedule.name,
        "cron": schedule.cron,
        "time_zone": schedule.time_zone,
        "due": row.due.isoformat() if row.due else None,
        "sent_next": row.sent_next.isoformat() if row.sent_next else None,
        "paused_by": pause.by if pause else "",
        "paused_until": pause.until.isoformat() if pause and pause.until else None,
        "runs": [
            {"due": run.due_at.isoformat(), "outcome": run.outcome or "begun", "done": _iso(run.done_at)}
            for run in row.runs
        ],
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


ACTION = Query(
    name="schedule",
    summary="Show what is sent by the clock, when next, and what became of the last time",
    params=NoParams,
    needs=frozenset({Need.WATCHED}),
    observe=observe,
    render=render,
    examples=(("schedule", "every digest: when it comes, when it last came, who paused it"),),
)
