"""`schedule pause` and `schedule resume`, from the words to what is kept and told."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from bot.domain.people import RoleBinding, RoleName
from bot.domain.policy import Policy
from bot.domain.view import View
from bot.domain.watch.policy import WatchPolicy
from bot.domain.watch.schedules import DigestPlan, Pause, Schedule
from bot.ports import Sources
from bot.schedule.calendar import CronCalendar
from bot.store.store import PostgresStore
from handlers import schedule_pause, schedule_resume
from tests.support.answers import buttons, rows
from tests.support.builders import NOW, SCOPE
from tests.support.scheduled import told
from tests.support.service import Stage, asked, stage

MORNING = Schedule(name="morning", cron="0 9 * * 1-5", time_zone="Europe/Berlin")
POLICY = WatchPolicy(digests=(DigestPlan(schedule=MORNING, channels=("C1", "C2"), scopes=(SCOPE,)),))


async def say(store: PostgresStore, text: str, *, by: str = "U-ann", scene: Stage | None = None) -> View:
    """Have a request carried out, and return what only its person sees."""
    service = (scene or stage()).service(store, watch=POLICY, calendar=CronCalendar())
    assert await service.accept(asked(text, by=by, key=text))
    claimed = await store.inbox.claim(lease_s=30)
    assert claimed is not None
    view = await service.control(claimed)
    assert view is not None
    return view


async def paused(store: PostgresStore) -> Pause | None:
    return (await store.slots.pauses()).get("morning")


async def test_a_pause_is_kept_and_its_channels_are_told(store: PostgresStore, store_url: str) -> None:
    """By whom, until when and why; the way back is a button."""
    scene = stage()
    scene.clock.time = NOW.replace(year=2096)
    view = await say(store, "schedule pause morning --for 3d it's the holidays", scene=scene)

    assert view.summary == "morning is paused until Tue 27 Nov 23:00"
    assert buttons(view) == {"Resume": "schedule resume morning", "Schedules": "schedule"}
    kept = await paused(store)
    assert kept is not None
    assert (kept.by, kept.why, kept.until) == ("U-ann", "it's the holidays", scene.clock.time + timedelta(days=3))
    assert await told(store_url) == ["The digest morning is paused"] * 2


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("", ""),
        (" too loud", "too loud"),
        (' "too loud"', "too loud"),
        (" \u201ctoo loud\u201d", "too loud"),
        (" we -- move", "we -- move"),
        (f" {'x' * 500}", f"{'x' * 199}…"),
        (" password=hunter2hunter2", None),
    ],
)
async def test_without_a_span_it_holds_until_it_is_resumed(words: str, why: str | None, store: PostgresStore) -> None:
    """The reason is kept as it was typed, cut where it is long; a secret in it is masked."""
    view = await say(store, f"schedule pause morning{words}")

    assert "is paused until somebody resumes it" in view.summary
    kept = await paused(store)
    assert kept is not None
    assert kept.until is None
    assert kept.why == why if why is not None else "hunter2" not in kept.why


async def test_the_newer_pause_holds(store: PostgresStore) -> None:
    await say(store, "schedule pause morning")
    scene = stage()
    scene.clock.time = NOW.replace(year=2096)
    await say(store, "schedule pause morning --for 366d", scene=scene)

    kept = await paused(store)
    assert kept is not None
    assert kept.until is not None


async def test_a_resume_ends_it_and_its_channels_are_told(store: PostgresStore, store_url: str) -> None:
    """And when it comes next."""
    await say(store, "schedule pause morning")
    view = await say(store, "schedule resume morning")

    assert view.summary == "morning goes on: it comes Wed 25 Nov 09:00, in 10 h"
    assert await paused(store) is None
    assert (await told(store_url))[2:] == ["The digest morning goes on: it comes Wed 25 Nov 09:00, in 10 h"] * 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("schedule pause", "needs NAME"),
        ("schedule pause mornin", 'There is no schedule "mornin". There is: morning.'),
        ("schedule pause morning --for", "needs a value"),
        ("schedule pause morning --for soon", '--for takes a span such as 8h, 3d or 1w, up to a year, not "soon"'),
        ("schedule pause morning --for 0h", "--for takes a span"),
        ("schedule pause morning --for 367d", "--for takes a span"),
        ("schedule pause morning holidays --for 3d", "--for stands before the reason"),
        ("schedule pause morning holidays --for=3d", "--for stands before the reason"),
        ("schedule resume morning", "morning is not paused."),
        ("schedule resume", "needs NAME"),
        ("schedule stop morning", "does not know what to do"),
    ],
)
async def test_what_cannot_be_done_is_said_and_changes_nothing(
    text: str, said: str, store: PostgresStore, store_url: str
) -> None:
    service = stage().service(store, watch=POLICY, calendar=CronCalendar())
    if service.must_keep(asked(text)):
        view = await say(store, text)
    else:
        view = await service.ask(asked(text))

    assert re.search(re.escape(said), "\n".join(rows(view)))
    assert await paused(store) is None
    assert await told(store_url) == []


async def test_what_is_near_is_offered(store: PostgresStore) -> None:
    view = await say(store, "schedule pause mornin")

    assert "schedule pause morning" in buttons(view).values()


@pytest.mark.parametrize("text", ["schedule pause morning", "schedule resume morning"])
async def test_who_only_looks_may_not(text: str, store: PostgresStore) -> None:
    """It is the operators who others are woken by."""
    view = await say(store, text, by="U-vic")

    assert "operator" in "\n".join(rows(view))
    assert await paused(store) is None


async def test_a_button_asks_why(store: PostgresStore) -> None:
    """What a person answers in the dialog is the command's last words."""
    view = await say(store, 'schedule pause morning because of "quotes" and it\'s --late')

    assert "is paused" in view.summary
    kept = await paused(store)
    assert kept is not None
    assert "--late" in kept.why


async def test_both_need_what_is_watched() -> None:
    """Handed out without it, it is a bug of the machine and said to be."""
    sources = Sources(scope=SCOPE, request=asked("schedule"), now=NOW)
    with pytest.raises(ValueError, match="needs what is watched"):
        await schedule_pause.act(schedule_pause.Params("morning"), sources)
    with pytest.raises(ValueError, match="needs what is watched"):
        await schedule_resume.act(schedule_resume.Params("morning"), sources)


async def test_a_schedule_is_of_no_place(store: PostgresStore) -> None:
    """Whoever operates one namespace does not keep the others from their digest, nor sends it again."""
    here = RoleBinding(RoleName.OPERATOR, groups=frozenset({"S1"}), namespaces=frozenset({SCOPE.namespace}))
    service = stage().service(store, watch=POLICY, calendar=CronCalendar(), policy=Policy(bindings=(here,)))
    for text in ("schedule pause morning", "schedule resume morning"):
        assert await service.accept(asked(text, key=text))
        claimed = await store.inbox.claim(lease_s=30)
        assert claimed is not None
        view = await service.control(claimed)
        assert view is not None
        assert "needs the role" in "\n".join(rows(view))
    assert await paused(store) is None
