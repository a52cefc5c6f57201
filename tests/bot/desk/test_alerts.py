"""Which alerts stand on a person's own page."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.desk import alerts
from bot.domain.findings import Severity
from bot.domain.people import RoleBinding, RoleName
from bot.domain.policy import Policy
from bot.domain.requests import Surface
from bot.domain.targets import Namespace, Scope
from bot.domain.view import View
from bot.domain.watch.episodes import EpisodeState
from bot.domain.watch.keeps import AddSilence
from bot.store.store import PostgresStore
from tests.support.answers import buttons, data, rows
from tests.support.builders import SCOPE
from tests.support.service import POLICY, Stage, asked, stage
from tests.support.watch_records import AT, episode, save, silence

SYSTEM = Scope(SCOPE.cluster, Namespace("kube-system"))


@pytest.fixture
def scene() -> Stage:
    return stage()


async def page(scene: Stage, store: PostgresStore, *, by: str = "U-ann", policy: Policy = POLICY) -> View:
    service = scene.service(store, policy=policy)
    return await service.ask(asked("home", by=by, surface=Surface.HOME, key="home"))


async def test_open_alerts_are_told_with_the_ways_to_them(store: PostgresStore, scene: Stage) -> None:
    """The worst first, each in a line with its place; what waits or is over is no alert."""
    await save(
        store,
        episode("e-mild", scope=SYSTEM, severity=Severity.WARNING),
        episode("e-bad", scope=SCOPE),
        replace(episode("e-waits", scope=SCOPE, cause="w"), state=EpisodeState.WAITING, fired_at=None),
    )
    view = await page(scene, store)
    shown = rows(view)
    at = shown.index("Open alerts")
    assert shown[at + 1 : at + 3] == [
        "✖ api crashes — critical, since 12:00 UTC  (shop on prod-eu)",
        "▲ api crashes — warning, since 12:00 UTC  (kube-system on prod-eu)",
    ]
    assert [each["id"] for each in data(view)["alerts"]] == ["e-bad", "e-mild"]
    assert buttons(view)["Alerts in shop"] == "alerts --cluster prod-eu -n shop"
    assert buttons(view)["Alerts in kube-system"] == "alerts --cluster prod-eu -n kube-system"


async def test_alerts_of_places_that_are_not_open_are_not_told(store: PostgresStore, scene: Stage) -> None:
    """Neither by a role that ends elsewhere, nor where `[verbs]` keeps `alerts` for others."""
    await save(store, episode("e-shop", scope=SCOPE), episode("e-system", scope=SYSTEM))
    here = Policy(bindings=(RoleBinding(RoleName.VIEWER, groups=frozenset({"S1"}), namespaces=frozenset({"shop"})),))
    assert [each["id"] for each in data(await page(scene, store, policy=here))["alerts"]] == ["e-shop"]
    kept_for_others = replace(POLICY, verbs={"alerts": frozenset({RoleName.ADMIN})})
    view = await page(scene, store, policy=kept_for_others)
    assert data(view)["alerts"] is None
    assert "api crashes" not in repr(view)
    assert "No alert is open." not in rows(view)


async def test_who_looks_and_what_is_silenced_is_said(store: PostgresStore, scene: Stage) -> None:
    """So that two people do not run after the same."""
    acked = replace(episode("e-acked", scope=SCOPE), acked_by="U-vic", acked_at=AT)
    await save(store, acked)
    async with store.transaction() as transaction:
        assert await transaction.keep(AddSilence(silence("*", scope=SCOPE)))
    shown = rows(await page(scene, store))
    at = shown.index("Open alerts")
    assert shown[at + 2 : at + 4] == ["Acknowledged by @U-vic at 12:00 UTC", "Silenced"]


async def test_no_alert_is_said_only_when_that_is_known(store: PostgresStore, scene: Stage) -> None:
    """A store that is away is said to be away."""
    assert "No alert is open." in rows(await page(scene, store))
    await store.close()
    view = await page(scene, store)
    assert any(row.startswith("Open alerts cannot be told: ") for row in rows(view))
    assert "No alert is open." not in rows(view)
    assert data(view)["alerts"] is None


async def test_more_than_a_few_are_counted(store: PostgresStore, scene: Stage) -> None:
    """The page stays short."""
    await save(store, *(episode(f"e{n}", scope=SCOPE, cause=f"c{n}") for n in range(alerts.MOST + 2)))
    shown = rows(await page(scene, store))
    assert sum("api crashes" in row for row in shown) == alerts.MOST
    assert "and 2 more" in shown
