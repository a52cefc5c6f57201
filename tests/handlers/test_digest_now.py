"""`digest now`: into the channels of the digest, with the name of who asked; and who may do that."""

from __future__ import annotations

from dataclasses import replace

from bot.domain.people import RoleBinding, RoleName
from bot.domain.policy import Policy
from bot.domain.view import View
from bot.domain.watch.policy import WatchPolicy
from bot.schedule.calendar import CronCalendar
from bot.store.store import PostgresStore
from tests.support.answers import rows
from tests.support.builders import SCOPE
from tests.support.digests import LAB, PLAN
from tests.support.fixed_digests import FixedDigests
from tests.support.scheduled import told
from tests.support.service import POLICY as RIGHTS
from tests.support.service import asked, stage

ONE = WatchPolicy(digests=(PLAN,))


async def now(
    store: PostgresStore,
    text: str = "digest now",
    *,
    by: str = "U-vic",
    watch: WatchPolicy = ONE,
    rights: Policy = RIGHTS,
) -> View:
    """Have it carried out, and return what only its person sees."""
    digests = FixedDigests(watch)
    service = stage().service(store, watch=watch, calendar=CronCalendar(), digests=digests, policy=rights)
    assert await service.accept(asked(text, by=by, key=text))
    claimed = await store.inbox.claim(lease_s=30)
    assert claimed is not None
    view = await service.control(claimed)
    assert view is not None
    return view


async def test_its_channels_get_it(store: PostgresStore, store_url: str) -> None:
    """Each of them once; the person hears where it went."""
    view = await now(store)
    assert view.summary == "The digest morning is on its way to 2 channels."
    assert "It goes to #C1 and #C2." in rows(view)
    assert await told(store_url) == ["Tue 24 Nov, 09:00 — shop is healthy"] * 2


async def test_it_says_who_asked(store: PostgresStore) -> None:
    """So that nobody wonders why it comes now; and that person hears of it when it cannot be delivered."""
    await now(store)
    outgoing = await store.outbox.claim(lease_s=30)
    assert outgoing is not None
    assert "Asked for by @U-vic" in "\n".join(rows(outgoing.post.view))
    assert outgoing.post.asked_by == "U-vic"


async def test_who_may_not_share_sends_nothing(store: PostgresStore, store_url: str) -> None:
    """Neither does who may not look at a place that it tells of."""
    await now(store, by="U-nil")
    here = RoleBinding(RoleName.VIEWER, groups=frozenset({"S0"}), namespaces=frozenset({SCOPE.namespace}))
    lab = WatchPolicy(digests=(replace(PLAN, scopes=(LAB,)),))
    view = await now(store, "digest now morning", watch=lab, rights=Policy(bindings=(here,)))
    assert "where you may not look" in "\n".join(rows(view))
    assert await told(store_url) == []


async def test_a_name_that_is_none_sends_nothing(store: PostgresStore, store_url: str) -> None:
    """The names that there are are told; and how to configure one where there is none."""
    assert "There is no schedule" in "\n".join(rows(await now(store, "digest now noon")))
    assert "No digest is configured" in "\n".join(rows(await now(store, "digest now", watch=WatchPolicy())))
    assert await told(store_url) == []
