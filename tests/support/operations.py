"""Requests for changes as the engine makes them, to be kept, approved and carried out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.domain import transitions as states
from bot.domain.approval import Rule, RuleSet
from bot.domain.live import Target
from bot.domain.operations import Operation, State, Vote
from bot.domain.people import Actor, RoleName
from bot.domain.plans import FORMAT, Draft, Plan, PlanWords, Risk, canonical, digest_of
from bot.domain.requests import Place
from bot.domain.steps import AnyStep, Restart
from bot.domain.targets import ClusterName, Namespace, ObjectRef, Scope
from bot.ports import Store, Token

Change = Callable[[Operation], Operation]

SCOPE = Scope(ClusterName("prod"), Namespace("payments"))
API = ObjectRef("Deployment", "payments", "api")
RULE = Rule(sets=(RuleSet(name="approvers", roles=(RoleName.APPROVER,)),), humans=1)
RESTART = Restart(kind="Deployment", template="a" * 64)
CHANNEL = Place("C1")
# Real time: the store judges all deadlines by the database's clock.
LIVES_S = 900
EXECUTE_S = 120


def operation(
    operation_id: str = "op-7f3a9c1e",
    *,
    name: str = "api",
    kind: str = "Deployment",
    scope: Scope = SCOPE,
    step: AnyStep = RESTART,
    rule: Rule = RULE,
    age_s: float = 0,
    place: Place = CHANNEL,
    reason: str = "",
) -> Operation:
    """Return a new one that waits for its approval, or, when nobody is asked, is approved."""
    created = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=age_s)
    plan = Plan(
        v=FORMAT,
        draft=Draft(
            verb="restart",
            target=Target(scope=scope, kind=kind, name=name, uid=f"uid-{name}"),
            step=step,
            risk=Risk.MEDIUM,
            words=PlanWords(title=f"Restart {name}", done=f"{name} was restarted"),
        ),
        rule=rule,
        policy_version="p1",
        requester=Actor("U-ann", "T1"),
        human="ann",
        command=f"restart {name}",
        created_at=created,
        expires_at=created + timedelta(seconds=LIVES_S),
        reason=reason,
    )
    waiting = Operation(
        id=operation_id,
        plan=plan,
        digest=digest_of(canonical(plan)),
        state=State.PENDING,
        place=place,
        created_at=created,
        expires_at=plan.expires_at,
    )
    if not rule.empty:
        return waiting
    within = created + timedelta(seconds=EXECUTE_S)
    return replace(waiting, state=State.APPROVED, approved_at=created, execute_by=within)


def vote(on: Operation, human: str = "lea", *, void: str = "") -> Vote:
    """Return a person's approval of a request, cast now."""
    now = datetime.now(UTC)
    return Vote(
        human=human,
        user_id=f"U-{human}",
        team_id="T1",
        sets=("approvers",),
        digest=on.digest,
        cast_at=now,
        groups=("S-leads", "S-oncall"),
        groups_read_at=now - timedelta(seconds=1),
        void=void,
    )


def tokens(of: Operation) -> list[Token]:
    """Return an address for each of two buttons."""
    seal = digest_of(of.id)[1:]
    return [
        Token(hash=f"{number}{seal}", operation_id=of.id, digest=of.digest, purpose=purpose, channel="C1")
        for number, purpose in enumerate(("approve", "deny"))
    ]


async def add(store: Store, *operations: Operation) -> None:
    """Keep new requests."""
    for each in operations:
        async with store.transaction() as transaction:
            assert await transaction.add_operation(each, tokens(each))


async def change(store: Store, operation_id: str, step: Change) -> Operation:
    """Apply a step under the lock, as the engine does."""
    async with store.transaction() as transaction:
        found = await transaction.operation(operation_id)
        assert found is not None
        changed = step(found)
        assert await transaction.save(changed)
    return changed


async def run_to(store: Store, of: Operation, *steps: Change) -> Operation:
    """Keep a request and take it through its steps, each in a transaction of its own."""
    await add(store, of)
    for step in steps:
        of = await change(store, of.id, step)
    return of


async def found(store: Store, operation_id: str = "op-7f3a9c1e") -> Operation:
    """Return a request that is there."""
    kept = await store.operations.find(operation_id)
    assert kept is not None
    return kept


def approved(of: Operation) -> Operation:
    """Approve it as lea, now."""
    return states.approve(of, vote(of), now=datetime.now(UTC), execute_within_s=EXECUTE_S)


def claimed(of: Operation) -> Operation:
    """Begin it now."""
    return states.claim(of, now=datetime.now(UTC))


def written(of: Operation) -> Operation:
    """Note that the cluster took it, now."""
    return states.written(of, now=datetime.now(UTC), generation=8)


def succeeded(of: Operation) -> Operation:
    """End it well, now."""
    return states.succeed(of, now=datetime.now(UTC))


def failed(of: Operation) -> Operation:
    """End it without success, now."""
    return states.fail(of, "it went wrong", now=datetime.now(UTC))


def lost(of: Operation) -> Operation:
    """End it in doubt, now."""
    return states.lose(of, "no answer", now=datetime.now(UTC))


def denied(of: Operation) -> Operation:
    """Deny it as lea, now."""
    return states.deny(of, "U-lea", "not now", now=datetime.now(UTC))
