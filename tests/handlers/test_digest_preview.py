"""`digest preview`: what the channel would read, for one person; and who may see it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from bot.cli.shapes import SHAPES
from bot.domain.actions import Setting
from bot.domain.people import RoleBinding, RoleName
from bot.domain.policy import Policy
from bot.domain.view import View
from bot.domain.watch.policy import WatchPolicy
from bot.domain.watch.world import Looked
from bot.schedule.calendar import CronCalendar
from bot.watching.digest_view import digest_view
from handlers import digest_preview
from tests.support import digests as made
from tests.support.answers import buttons, rows
from tests.support.builders import SCOPE
from tests.support.digests import CRASH, LAB, NOW, PLAN, digest, ground
from tests.support.fixed_digests import FixedDigests
from tests.support.service import POLICY as RIGHTS
from tests.support.service import asked, stage

EVENING = replace(PLAN, schedule=replace(PLAN.schedule, name="evening", cron="0 18 * * *"))
TWO = WatchPolicy(digests=(PLAN, EVENING))


async def preview(
    text: str = "digest preview", *, by: str = "U-vic", watch: WatchPolicy = TWO, rights: Policy = RIGHTS
) -> View:
    digests = FixedDigests(watch, CRASH)
    service = stage().service(watch=watch, calendar=CronCalendar(), digests=digests, policy=rights)
    return await service.ask(asked(text, by=by))


async def test_it_is_what_would_be_sent_now() -> None:
    """With when it comes next, and that nobody else sees this; it can be sent from here."""
    view = await preview()
    shown = "\n".join(rows(view))
    assert view.summary == "Tue 24 Nov, 09:00 — shop needs you: 1 thing"
    assert "A preview of morning, which goes to #C1 and #C2; next Wed 25 Nov 09:00" in shown
    assert "only you see this" in shown
    assert buttons(view) == {
        "Refresh": "digest preview",
        "Send it now": "digest now morning",
        "Schedules": "schedule",
    }


async def test_another_one_is_named() -> None:
    """The first one is meant unless one is."""
    assert "A preview of evening" in "\n".join(rows(await preview("digest preview evening")))
    assert "There is no schedule" in "\n".join(rows(await preview("digest preview noon")))


async def test_the_documented_data_is_what_programs_get() -> None:
    """The same keys in the same order; requests among the changes tell who asked besides."""
    seen = ground(
        CRASH,
        buckets=Looked(made.buckets()),
        spans=Looked((made.span("X", "search: slow", began=10, ended=9),)),
        notes=Looked((made.note(),)),
    )
    plan_seen = digest_preview.Seen(PLAN, digest_view(digest(seen)), None)
    setting = Setting(now=NOW, command="digest preview")
    given: Any = digest_preview.render(digest_preview.Params(), plan_seen, setting).data
    documented = json.loads(SHAPES["digest preview"])
    assert list(given) == list(documented)
    (place,), (said,) = given["places"], documented["places"]
    assert list(place) == list(said)
    for name in ("needs_you", "resolved", "changed"):
        assert list(place[name][0]) == list(said[name][0])
    assert list(place["warnings"]) == list(said["warnings"])
    assert list(place["chart"]) == list(said["chart"])
    assert list(place["chart"]["panels"][0]) == list(said["chart"]["panels"][0])


async def test_where_none_is_configured_it_is_said_how() -> None:
    """With the way to an example."""
    view = await preview(watch=WatchPolicy())
    assert "No digest is configured" in "\n".join(rows(view))
    assert "schedule" in buttons(view).values()


async def test_at_a_terminal_there_is_none() -> None:
    """What it compares with is kept where the bot runs."""
    view = await stage().service(watch=TWO, calendar=CronCalendar()).ask(asked("digest preview"))
    assert "ask in chat" in "\n".join(rows(view))


@pytest.mark.parametrize("scopes", [(LAB,), (SCOPE, LAB)])
async def test_whoever_may_not_look_at_all_of_it_sees_none_of_it(scopes: tuple[object, ...]) -> None:
    """Rights of one place do not show another one."""
    plan = replace(PLAN, scopes=scopes)
    here = RoleBinding(RoleName.VIEWER, groups=frozenset({"S0"}), namespaces=frozenset({SCOPE.namespace}))
    view = await preview(watch=WatchPolicy(digests=(plan,)), rights=Policy(bindings=(here,)))
    assert "tells of lab on lab, where you may not look" in "\n".join(rows(view))


async def test_whoever_has_no_role_is_refused() -> None:
    """As for any look at a cluster."""
    assert (await preview(by="U-nil")).exit_code != 0
