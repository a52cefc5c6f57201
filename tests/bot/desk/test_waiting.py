"""What of the requests for changes stands on a person's own page."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.desk import waiting
from bot.domain import transitions as states
from bot.domain.approval import Rule, RuleSet
from bot.domain.change_policy import ChangePolicy, RuleFor
from bot.domain.operations import Operation
from bot.domain.people import RoleBinding, RoleName
from bot.domain.policy import Policy
from bot.domain.requests import Surface
from bot.domain.view import View
from bot.errors import DirectoryUnavailable
from bot.store.store import PostgresStore
from tests.support import operations as kept
from tests.support.answers import buttons, data, rows
from tests.support.builders import SCOPE
from tests.support.service import POLICY, Stage, asked, stage
from tests.support.twins import member

APPROVERS = RoleBinding(RoleName.APPROVER, groups=frozenset({"S2"}))
RIGHTS = Policy(bindings=(*POLICY.bindings, APPROVERS))
TWO = Rule(sets=(RuleSet(name="approvers", count=2, roles=(RoleName.APPROVER,)),), humans=2)


@pytest.fixture
def scene() -> Stage:
    """Ann operates and asked for what there is; lea and bob approve."""
    set_up = stage()
    for name in ("U-lea", "U-bob"):
        set_up.directory.people[name] = member(name, "S0", "S2")
    return set_up


def request(
    operation_id: str = "op-7f3a9c1e", *, age_s: float = 0, rule: Rule = kept.RULE, name: str = "api"
) -> Operation:
    return kept.operation(operation_id, scope=SCOPE, age_s=age_s, rule=rule, name=name, reason="500s since 14:02")


async def page(
    scene: Stage,
    store: PostgresStore,
    *,
    by: str = "U-lea",
    rights: Policy = RIGHTS,
    policy: ChangePolicy | None = None,
) -> View:
    service = scene.service(store, policy=rights, change_policy=policy)
    return await service.ask(asked("home", by=by, surface=Surface.HOME, key="home"))


async def test_what_lacks_a_persons_approval_leads_their_page(store: PostgresStore, scene: Stage) -> None:
    """With who asked, why, until when, and the way to all of it; what runs out first is the first."""
    newer, older = request("op-newer-1", name="web"), request("op-older-1", age_s=300)
    await kept.add(store, newer, older)
    view = await page(scene, store)
    assert view.summary == "All is well in 3 places · 2 requests wait for your approval"
    shown = rows(view)
    assert shown[1:7] == [
        "Waits for your approval",
        "Restart api?  (shop on prod-eu)",
        "Waiting for 1 of the approvers",
        f'Asked by @U-ann · because "500s since 14:02" · until {older.expires_at:%H:%M} UTC',
        "Restart web?  (shop on prod-eu)",
        "Waiting for 1 of the approvers",
    ]
    assert buttons(view)["Look at op-older"] == "requests op-older --cluster prod-eu -n shop"
    assert data(view)["to_approve"] == ["op-older-1", "op-newer-1"]
    assert data(view)["own"] == []


async def test_ones_own_requests_are_told_in_their_state(store: PostgresStore, scene: Stage) -> None:
    """They wait for others; what is in doubt waits for whoever looks, and what ended for nobody."""
    doubt = await kept.run_to(store, request("op-doubt", name="a"), kept.approved, kept.claimed)
    await kept.change(store, doubt.id, lambda of: states.lose(of, "no answer", now=datetime.now(UTC)))
    await kept.run_to(store, request("op-running", name="b", age_s=60), kept.approved, kept.claimed)
    await kept.run_to(store, request("op-approved", name="c", age_s=40), kept.approved)
    await kept.add(store, request("op-waiting", name="d", age_s=20))
    over = await kept.run_to(store, request("op-denied", name="e"))
    await kept.change(store, over.id, lambda of: states.deny(of, "U-lea", "no", now=datetime.now(UTC)))
    view = await page(scene, store, by="U-ann")
    assert data(view)["to_approve"] == []
    assert [(each["id"], each["state"]) for each in data(view)["own"]] == [
        ("op-doubt", "UNKNOWN"),
        ("op-waiting", "PENDING"),
        ("op-approved", "APPROVED"),
        ("op-running", "EXECUTING"),
    ]
    told = "\n".join(rows(view))
    for words in ("Asked by you", "Unknown, look now: restart a", "Running: restart b", "Approved, not yet executed"):
        assert words in told, words
    assert "for your approval" not in told


async def test_a_request_waits_for_nobody_whose_approval_changes_nothing(store: PostgresStore, scene: Stage) -> None:
    """Who agreed already, by whatever account; who is in no set; where the policy forbids it by now."""
    await kept.run_to(
        store,
        request(rule=TWO),
        lambda of: states.approve(of, kept.vote(of), now=datetime.now(UTC), execute_within_s=60),
    )
    linked = ChangePolicy(humans={"U-bob": "lea"})
    frozen = ChangePolicy(frozen=(RuleFor(forbidden="until Monday"),))
    narrowed = replace(RIGHTS, verbs={"approve": frozenset({RoleName.ADMIN})})
    assert data(await page(scene, store, by="U-bob"))["to_approve"] == ["op-7f3a9c1e"]
    assert data(await page(scene, store, by="U-bob", policy=linked))["to_approve"] == []
    assert data(await page(scene, store, by="U-bob", policy=frozen))["to_approve"] == []
    assert data(await page(scene, store, by="U-bob", rights=narrowed))["to_approve"] == []
    assert data(await page(scene, store, by="U-vic"))["to_approve"] == []
    assert data(await page(scene, store, by="U-lea"))["to_approve"] == []


async def test_groups_that_cannot_be_read_are_no_sign_that_nothing_waits(store: PostgresStore, scene: Stage) -> None:
    """One's own requests are told all the same."""
    await kept.add(store, request())
    scene.directory.problem = DirectoryUnavailable("Slack did not answer.")
    view = await page(scene, store)
    told = "What waits for your approval cannot be told: your groups could not be read (Slack did not answer)."
    assert told in rows(view)
    assert data(view)["to_approve"] is None
    assert "Nothing waits" not in repr(view)
    assert [each["id"] for each in data(await page(scene, store, by="U-ann"))["own"]] == ["op-7f3a9c1e"]


async def test_more_than_a_few_are_counted(store: PostgresStore, scene: Stage) -> None:
    """The page stays short."""
    await kept.add(store, *(request(f"op-number-{n}", name=f"api-{n}") for n in range(waiting.MOST + 2)))
    view = await page(scene, store)
    assert rows(view).count("Waiting for 1 of the approvers") == waiting.MOST
    assert "and 2 more" in rows(view)
    assert view.summary.endswith(f"{waiting.MOST + 2} requests wait for your approval")


async def test_more_than_can_be_looked_through_is_said(
    store: PostgresStore, scene: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was not looked at is not called nothing."""
    monkeypatch.setattr(waiting, "MOST_READ", 1)
    await kept.add(store, request("op-older", age_s=60), request("op-newer", name="web"))
    view = await page(scene, store, by="U-vic")
    assert "Of the requests that are open, the newest 1 were looked at." in rows(view)
    assert "Nothing waits" not in repr(view)


async def test_who_may_not_look_there_gets_no_button_that_is_refused(store: PostgresStore, scene: Stage) -> None:
    """A person of a group that has to agree may approve without a role of the place."""
    leads = Rule(sets=(RuleSet(name="@leads", groups=("S9",)),), humans=1)
    scene.directory.people["U-eve"] = member("U-eve", "S9")
    await kept.add(store, request(rule=leads))
    policy = ChangePolicy(rules=(RuleFor(rule=leads),))
    view = await page(scene, store, by="U-eve", policy=policy)
    assert view.summary == "No place is open to you · 1 request waits for your approval"
    assert not [label for label in buttons(view) if label.startswith("Look at")]
