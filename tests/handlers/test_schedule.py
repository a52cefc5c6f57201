from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.actions import NoParams, Setting
from bot.domain.targets import Scope
from bot.domain.view import View
from bot.domain.watch.policy import WatchPolicy
from bot.domain.watch.schedules import DigestPlan, Pause, Schedule, SlotRun
from bot.ports import Slots, Sources
from bot.schedule.calendar import CronCalendar
from bot.slack.outbound.planner import plan_view
from bot.store.store import PostgresStore
from handlers import schedule
from tests.support.answers import buttons, data, rows
from tests.support.builders import SCOPE
from tests.support.hostile import WORDS
from tests.support.scheduled import at
from tests.support.service import asked, stage

NOW = at("2026-11-24 22:00")
MORNING = Schedule(name="morning", cron="0 9 * * 1-5", time_zone="Europe/Berlin")
WEEKLY = Schedule(name="weekly", cron="0 8 * * 1")


def plans(*schedules: Schedule) -> WatchPolicy:
    scopes: tuple[Scope, ...] = (SCOPE,)
    return WatchPolicy(digests=tuple(DigestPlan(schedule=each, channels=("C1",), scopes=scopes) for each in schedules))


@dataclass(slots=True)
class TableSlots:
    """What became of due moments, as a test says; of `Slots` it has what is read here."""

    of: Mapping[str, Sequence[SlotRun]] = field(default_factory=dict)
    paused: Mapping[str, Pause] = field(default_factory=dict)

    async def runs(self, names: Sequence[str]) -> Mapping[str, Sequence[SlotRun]]:
        return {name: self.of.get(name, ()) for name in names}

    async def pauses(self) -> Mapping[str, Pause]:
        return self.paused


def run(due: str, outcome: str, *, took_s: float = 2.0, name: str = "morning") -> SlotRun:
    due_at = at(due)
    done_at = due_at + timedelta(seconds=took_s) if outcome else None
    return SlotRun(name=name, due_at=due_at, began_at=due_at, done_at=done_at, outcome=outcome)


def pause(*, until: datetime | None = None, why: str = "", name: str = "morning") -> Pause:
    return Pause(name=name, by="U-bob", at=NOW - timedelta(hours=1), until=until, why=why)


async def answer(policy: WatchPolicy, slots: TableSlots | None = None) -> View:
    handed: Slots | None = slots  # type: ignore[assignment]  # as much of it as is asked for
    sources = Sources(
        scope=SCOPE, request=asked("schedule"), now=NOW, watch=policy, calendar=CronCalendar(), slots=handed
    )
    seen = await schedule.observe(NoParams(), sources)
    return schedule.render(NoParams(), seen, Setting(now=NOW, command="schedule"))


async def test_it_says_what_comes_next_and_what_became_of_the_last_time() -> None:
    """By the schedule's own clock, the next one first; and how to pause one."""
    slots = TableSlots({"morning": [run("2026-11-24 08:00", "sent"), run("2026-11-23 08:00", "sent")]})
    view = await answer(plans(WEEKLY, MORNING), slots)

    assert view.summary == "2 schedules: morning is next, in 10 h"
    assert rows(view) == [
        "✔ 2 schedules: morning is next, in 10 h",
        "✔ morning  (in 10 h)",
        "0 9 * * 1-5 Europe/Berlin: next Wed 25 Nov 09:00, in 10 h",
        "Last sent Tue 24 Nov 09:00",
        "✔ weekly  (in 5 days)",
        "0 8 * * 1 UTC: next Mon 30 Nov 08:00, in 5 days",
        "Not sent yet",
        "schedule pause NAME --for 3d WHY pauses one, digest now NAME sends it",
        "As of 22:00:00 UTC · only you see this",
    ]
    assert buttons(view) == {
        "Refresh": "schedule",
        "Pause morning": "schedule pause morning",
        "Pause weekly": "schedule pause weekly",
    }


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        ([run("2026-11-24 08:00", "sent", took_s=1500)], ["Last sent Tue 24 Nov 09:00, 25 min late"]),
        (
            [run("2026-11-24 08:00", "skipped"), run("2026-11-23 08:00", "sent")],
            ["Skipped Tue 24 Nov 09:00", "Last sent Mon 23 Nov 09:00"],
        ),
        (
            [run("2026-11-24 08:00", "failed"), run("2026-11-23 08:00", "failed")],
            ["Given up Tue 24 Nov 09:00: it failed again and again"],
        ),
        ([run("2026-11-24 08:00", "")], ["Being made for Tue 24 Nov 09:00, for 14 h now"]),
        ([run("2026-11-24 08:00", "known")], ["Not sent yet"]),
        ([], ["Not sent yet"]),
    ],
)
async def test_what_became_of_the_last_time_is_told_as_it_was(runs: Sequence[SlotRun], said: Sequence[str]) -> None:
    """When that was not sent, also when one was."""
    view = await answer(plans(MORNING), TableSlots({"morning": runs}))

    assert rows(view)[3 : 3 + len(said)] == said
    failed = bool(runs) and runs[0].outcome == "failed"
    assert rows(view)[1].startswith("▲" if failed else "✔")


async def test_a_pause_is_told_with_who_until_when_and_why() -> None:
    """What is due meanwhile is not promised: next is what comes after it."""
    slots = TableSlots(paused={"morning": pause(until=at("2026-11-27 22:00"), why="holidays")})
    view = await answer(plans(MORNING), slots)

    assert view.summary == "1 schedule, 1 paused: morning is next, in 5 days"
    assert rows(view)[1:5] == [
        "▲ morning  (paused)",
        "0 9 * * 1-5 Europe/Berlin: next Mon 30 Nov 09:00, in 5 days",
        "Paused by @U-bob until Fri 27 Nov 23:00: holidays",
        "Not sent yet",
    ]
    assert buttons(view) == {"Refresh": "schedule", "Resume morning": "schedule resume morning"}


async def test_a_pause_without_an_end_has_no_next_time() -> None:
    view = await answer(plans(MORNING, WEEKLY), TableSlots(paused={"weekly": pause(name="weekly")}))

    assert view.summary == "2 schedules, 1 paused: morning is next, in 10 h"
    assert "Paused by @U-bob until somebody resumes it" in rows(view)
    assert "0 8 * * 1 UTC: not while it is paused" in rows(view)


async def test_one_that_is_due_as_its_pause_ends_comes_then() -> None:
    slots = TableSlots(paused={"morning": pause(until=at("2026-11-27 08:00"))})
    view = await answer(plans(MORNING), slots)

    assert "next Fri 27 Nov 09:00" in rows(view)[2]


async def test_with_nothing_configured_it_says_how_to() -> None:
    """Instead of an empty list."""
    view = await answer(plans(), TableSlots())

    assert rows(view)[0].endswith("Nothing is scheduled here")
    assert "│ [digests.morning]" in rows(view)
    assert data(view) == {"schedules": []}


async def test_without_a_database_the_calendar_alone_is_told() -> None:
    """At a terminal nobody knows what was sent, and nothing can be paused."""
    view = await answer(plans(MORNING), None)

    assert "Not sent yet" not in rows(view)
    assert buttons(view) == {"Refresh": "schedule"}
    assert any("no database here" in row for row in rows(view))


async def test_programs_are_given_moments_in_utc() -> None:
    slots = TableSlots(
        {"morning": [run("2026-11-24 08:00", "sent"), run("2026-11-23 08:00", "")]},
        {"morning": pause(until=at("2026-11-27 22:00"))},
    )
    view = await answer(plans(MORNING), slots)

    assert data(view) == {
        "schedules": [
            {
                "name": "morning",
                "cron": "0 9 * * 1-5",
                "time_zone": "Europe/Berlin",
                "due": "2026-11-25T08:00:00+00:00",
                "sent_next": "2026-11-30T08:00:00+00:00",
                "paused_by": "U-bob",
                "paused_until": "2026-11-27T22:00:00+00:00",
                "runs": [
                    {"due": "2026-11-24T08:00:00+00:00", "outcome": "sent", "done": "2026-11-24T08:00:02+00:00"},
                    {"due": "2026-11-23T08:00:00+00:00", "outcome": "begun", "done": None},
                ],
            }
        ]
    }


async def test_many_schedules_and_hostile_reasons_fit_into_a_message() -> None:
    """Ten are shown, and how many more there are; of so many none has a button of its own."""
    many = [Schedule(name=f"digest-{number}", cron=f"{number} 9 * * *") for number in range(30)]
    paused = {each.name: pause(name=each.name, why=word) for each, word in zip(many, WORDS, strict=False)}
    view = await answer(plans(*many), TableSlots(paused=paused))

    plan_view(view, nonce="n1", files_allowed=True)
    assert "… and 20 more" in rows(view)
    assert list(buttons(view)) == ["Refresh"]


async def test_it_is_read_from_the_database(store: PostgresStore) -> None:
    """Through the service, by whoever may look."""
    scene = stage()
    scene.clock.time = datetime.now(UTC)
    service = scene.service(store, watch=plans(MORNING), calendar=CronCalendar())
    claim = await store.slots.begin("morning", at("2026-11-24 08:00"), lease_s=60)
    assert claim is not None
    async with store.transaction() as transaction:
        await transaction.finish_slot(claim, outcome="skipped")

    assert "Skipped Tue 24 Nov 09:00" in rows(await service.ask(asked("schedule", by="U-vic")))
