"""What the database itself refuses of requests for changes, whoever tries it; and how long it keeps them."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import DictRow

from bot.domain import transitions as states
from bot.domain.operations import Resolution, State
from bot.errors import StoreRefused
from bot.store.store import PostgresStore
from tests.support.operations import (
    add,
    approved,
    change,
    claimed,
    denied,
    found,
    lost,
    operation,
    run_to,
    succeeded,
    tokens,
    written,
)

Admin = psycopg.Connection[DictRow]

UPDATE = sql.SQL("UPDATE operations SET {}")
FINAL = [state for state in State if state.final]


@pytest.mark.parametrize("state", FINAL)
async def test_no_final_state_is_left(store: PostgresStore, admin: Admin, state: State) -> None:
    """By nobody, for none: the database itself refuses."""
    effect = {"SUCCEEDED": "applied", "FAILED": "none", "UNKNOWN": "unknown"}.get(state.value)
    await add(store, operation())
    admin.execute("ALTER TABLE operations DISABLE TRIGGER operation_keeps_its_word")
    admin.execute("UPDATE operations SET state = %s, effect = %s, ended_at = now()", (state.value, effect))
    admin.execute("ALTER TABLE operations ENABLE TRIGGER operation_keeps_its_word")
    ended = await found(store)
    for to in set(State) - {state}:
        with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="never becomes"):
            admin.execute("UPDATE operations SET state = %s", (to.value,))
        left = replace(ended, state=to, version=ended.version + 1)
        with pytest.raises(StoreRefused, match="never becomes"):
            await change(store, ended.id, lambda _, left=left: left)
    assert await found(store) == ended


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("state = 'EXECUTING', began_at = now(), fence = 1", id="to run what nobody approved"),
        pytest.param("state = 'SUCCEEDED', effect = 'applied', ended_at = now()", id="to have done what never ran"),
        pytest.param("state = 'APPROVED'", id="to approve without a time to begin"),
        pytest.param("state = 'DONE'", id="a state that there is not"),
        pytest.param("state = 'DENIED'", id="an end without its time"),
        pytest.param("ended_at = now()", id="the time of an end that is none"),
        pytest.param("effect = 'applied'", id="an effect before it ran"),
        pytest.param("resolution = 'happened'", id="a doubt resolved that there is not"),
        pytest.param("plan = replace(plan, 'api', 'web')", id="another plan"),
        pytest.param("plan = '{}', digest = encode(sha256('{}'), 'hex')", id="another plan with its digest"),
        pytest.param("name = 'web'", id="another target"),
        pytest.param("human = 'eve'", id="another requester"),
        pytest.param("expires_at = expires_at + interval '1 day'", id="a longer life"),
        pytest.param('copies = \'[{"is":"CardCopy","user_id":"U","channel":"D"}]\'', id="another's copy"),
        pytest.param("version = version - 1", id="an older version"),
        pytest.param("fence = fence - 1", id="an older fence"),
    ],
)
async def test_what_may_not_be_is_refused(store: PostgresStore, admin: Admin, statement: str) -> None:
    """Whoever tries it."""
    await add(store, replace(operation(), version=2, fence=1))
    before = admin.execute("SELECT * FROM operations").fetchall()
    with pytest.raises(psycopg.errors.IntegrityError):
        admin.execute(UPDATE.format(sql.SQL(statement)))
    assert admin.execute("SELECT * FROM operations").fetchall() == before


@pytest.mark.parametrize(
    "statement",
    ["effect = 'applied'", "ended_at = now()", "fence = fence + 1", "resolution = 'undone'", "resolution = NULL"],
)
async def test_how_it_ended_never_changes(store: PostgresStore, admin: Admin, statement: str) -> None:
    """Nor what a person found out about it."""
    await run_to(
        store,
        operation(),
        approved,
        claimed,
        lost,
        lambda of: states.resolve(of, Resolution.HAPPENED, "U-lea"),
    )
    with pytest.raises(psycopg.errors.IntegrityError):
        admin.execute(UPDATE.format(sql.SQL(statement)))


async def test_a_plan_is_kept_with_its_own_digest_alone(store: PostgresStore) -> None:
    """What people approve by its digest is what is carried out."""

    async def keep() -> None:
        async with store.transaction() as transaction:
            await transaction.add_operation(replace(operation(), digest="b" * 64), ())

    with pytest.raises(StoreRefused, match="digest"):
        await keep()


async def test_a_plan_that_was_changed_by_hand_is_not_read(store: PostgresStore, admin: Admin) -> None:
    """Even by who may switch the database's own bars off."""
    await add(store, operation())
    admin.execute("ALTER TABLE operations DISABLE TRIGGER ALL")
    admin.execute("ALTER TABLE operations DROP CONSTRAINT the_digest_is_of_the_plan")
    admin.execute("UPDATE operations SET plan = replace(plan, '\"Restart api\"', '\"Restart web\"')")
    with pytest.raises(StoreRefused, match="was changed"):
        await store.operations.find("op-7f3a9c1e")


# --- how long it is kept ----------------------------------------------------------------------------------------------


def backdate(admin: Admin, *, days: int, which: str = "op-7f3a9c1e") -> None:
    """Let time pass after an end."""
    admin.execute("ALTER TABLE operations DISABLE TRIGGER operation_keeps_its_word")
    admin.execute("UPDATE operations SET ended_at = ended_at - make_interval(days => %s) WHERE id = %s", (days, which))
    admin.execute("ALTER TABLE operations ENABLE TRIGGER operation_keeps_its_word")


async def test_requests_go_long_after_their_end(store: PostgresStore, admin: Admin) -> None:
    """With all that belongs to them; what waits, and what is in doubt, stays."""
    for name in ("old", "young"):
        await run_to(store, operation(name, name=name), approved, claimed, written, succeeded)
    await add(store, operation("waits", name="waits"))
    for name in ("doubt", "resolved"):
        await run_to(store, operation(name, name=name), approved, claimed, lost)
    await change(store, "resolved", lambda of: states.resolve(of, Resolution.UNDONE, "U-lea"))
    for name, days in (("old", 401), ("young", 399), ("doubt", 401), ("resolved", 401)):
        backdate(admin, days=days, which=name)
    purged = await store.purge()
    assert purged.operations == 2
    # Those of `old`, `young`, `doubt` and `resolved`, two each.
    assert purged.tokens == 8
    left = [row["id"] for row in admin.execute("SELECT id FROM operations ORDER BY id").fetchall()]
    assert left == ["doubt", "waits", "young"]
    votes = admin.execute("SELECT DISTINCT operation_id AS id FROM votes ORDER BY 1").fetchall()
    assert [row["id"] for row in votes] == ["doubt", "young"]
    (row,) = admin.execute("SELECT count(*) AS n FROM tokens").fetchall()
    assert row["n"] == 2


async def test_an_address_is_good_for_thirty_days_after_the_end(store: PostgresStore, admin: Admin) -> None:
    """A late click is told how it ended; one that is later still finds nothing."""
    asked = operation()
    await add(store, asked)
    for token in tokens(asked):
        assert await store.operations.token(token.hash) == token
    assert await store.operations.token("0" * 64) is None
    await change(store, asked.id, denied)
    assert await store.operations.token(tokens(asked)[0].hash) is not None
    backdate(admin, days=31)
    assert await store.operations.token(tokens(asked)[0].hash) is None
