from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import psycopg
import pytest
from psycopg.rows import DictRow

from bot.domain.people import Actor
from bot.domain.requests import Request
from bot.errors import StoreUnavailable
from bot.store.inbox import ACCEPT_S
from bot.store.store import PostgresStore

LeasesEnd = Callable[[str], int]
MakeRequest = Callable[[str], Request]
Admin = psycopg.Connection[DictRow]


async def test_a_request_is_claimed_as_it_was_accepted(store: PostgresStore, make_request: MakeRequest) -> None:
    """Every field comes back, the reply address too."""
    await store.inbox.accept(make_request("k1"))
    claimed = await store.inbox.claim(lease_s=600)
    assert claimed is not None
    assert claimed.request == make_request("k1")


async def test_one_of_many_deliveries_of_a_request_is_kept(store: PostgresStore, make_request: MakeRequest) -> None:
    """A repeat is recognised by its key, also when both come at once."""
    kept = await asyncio.gather(*(store.inbox.accept(make_request("k1")) for _ in range(20)))
    assert sorted(kept) == [False] * 19 + [True]


async def test_a_request_that_is_done_is_still_recognised(store: PostgresStore, make_request: MakeRequest) -> None:
    """A repeat that comes late is none the less a repeat."""
    await store.inbox.accept(make_request("k1"))
    claimed = await store.inbox.claim(lease_s=600)
    assert claimed is not None
    async with store.transaction() as transaction:
        assert await transaction.finish(claimed)
    assert not await store.inbox.accept(make_request("k1"))
    assert await store.inbox.claim(lease_s=600) is None


async def test_the_oldest_is_claimed_first(store: PostgresStore, make_request: MakeRequest) -> None:
    """Requests are worked on in the order they came."""
    for key in ("k1", "k2", "k3"):
        await store.inbox.accept(make_request(key))
    claims = [await store.inbox.claim(lease_s=600) for _ in range(4)]
    assert [claim and claim.request.key for claim in claims] == ["k1", "k2", "k3", None]


async def test_a_request_can_be_claimed_by_its_key(store: PostgresStore, make_request: MakeRequest) -> None:
    """Whoever accepted it may work on it at once."""
    for key in ("k1", "k2"):
        await store.inbox.accept(make_request(key))
    claimed = await store.inbox.claim(lease_s=10, key="k2")
    assert claimed is not None
    assert claimed.request.key == "k2"
    assert await store.inbox.claim(lease_s=10, key="k2") is None
    assert await store.inbox.claim(lease_s=10, key="k9") is None


async def test_eight_claimers_never_get_the_same_request(store_url: str, make_request: MakeRequest) -> None:
    """A request is worked on by one."""
    async with await PostgresStore.open(store_url, largest_pool=8, accept_s=60) as store:
        for number in range(40):
            await store.inbox.accept(make_request(f"k{number}"))

        async def claim_all() -> list[str]:
            keys = []
            while (claimed := await store.inbox.claim(lease_s=60)) is not None:
                keys.append(claimed.request.key)
            return keys

        taken = [key for keys in await asyncio.gather(*(claim_all() for _ in range(8))) for key in keys]
    assert sorted(taken) == sorted(f"k{number}" for number in range(40))


async def test_a_lease_that_ran_out_is_taken_over_with_a_higher_fence(
    store: PostgresStore, make_request: MakeRequest, leases_end: LeasesEnd
) -> None:
    """Who lost the lease cannot finish; who took over can."""
    await store.inbox.accept(make_request("k1"))
    first = await store.inbox.claim(lease_s=600)
    leases_end("inbox")
    second = await store.inbox.claim(lease_s=600)
    assert first is not None
    assert second is not None
    assert second.fence > first.fence
    async with store.transaction() as transaction:
        assert not await transaction.finish(first)
    async with store.transaction() as transaction:
        assert await transaction.finish(second)


async def test_a_request_is_finished_once(store: PostgresStore, make_request: MakeRequest) -> None:
    """The second finish is refused, even with the right fence."""
    await store.inbox.accept(make_request("k1"))
    claimed = await store.inbox.claim(lease_s=600)
    assert claimed is not None
    async with store.transaction() as transaction:
        assert await transaction.finish(claimed)
    async with store.transaction() as transaction:
        assert not await transaction.finish(claimed)


async def test_the_reply_address_is_wiped_when_done(
    store: PostgresStore, make_request: MakeRequest, admin: Admin
) -> None:
    """It is a secret of the chat platform; it stands nowhere in the row afterwards."""
    await store.inbox.accept(make_request("k1"))
    claimed = await store.inbox.claim(lease_s=600)
    assert claimed is not None
    async with store.transaction() as transaction:
        await transaction.finish(claimed)
    (row,) = admin.execute("SELECT * FROM inbox").fetchall()
    assert row["state"] == "done"
    assert "secret" not in str(row)


async def test_a_poisonous_request_is_set_aside(
    store: PostgresStore, make_request: MakeRequest, admin: Admin, leases_end: LeasesEnd
) -> None:
    """After five tries it is not handed out again; it stays visible and the audit tells; others are handed out."""
    await store.inbox.accept(make_request("poison"))
    for _ in range(5):
        assert await store.inbox.claim(lease_s=600) is not None
        leases_end("inbox")
    await store.inbox.accept(make_request("good"))
    claimed = await store.inbox.claim(lease_s=600)
    assert claimed is not None
    assert claimed.request.key == "good"
    (row,) = admin.execute("SELECT state, attempts, reply_to FROM inbox WHERE key = 'poison'").fetchall()
    assert row == {"state": "dead", "attempts": 5, "reply_to": ""}
    (entry,) = admin.execute("SELECT actor, action, subject, result, detail FROM audit").fetchall()
    assert entry == {
        "actor": "ragops",
        "action": "request",
        "subject": "poison",
        "result": "set aside",
        "detail": '{"attempts":5}',
    }


async def test_accepting_fails_within_its_limit_when_the_table_is_locked(
    store_url: str, make_request: MakeRequest, admin: Admin
) -> None:
    """Whoever must acknowledge in time learns in time, and nothing is kept."""
    assert ACCEPT_S <= 0.5
    async with await PostgresStore.open(store_url, wait_s=100, statement_limit_s=100) as store:
        with admin.transaction():
            admin.execute("LOCK TABLE inbox IN ACCESS EXCLUSIVE MODE")
            async with asyncio.timeout(50):  # of a hundred; the limit is half a second
                with pytest.raises(StoreUnavailable):
                    await store.inbox.accept(make_request("k1"))
        assert await store.inbox.claim(lease_s=600) is None


async def test_accepting_fails_within_its_limit_when_no_connection_is_free(
    store_url: str, make_request: MakeRequest
) -> None:
    """The wait for a connection counts too."""
    async with await PostgresStore.open(store_url, largest_pool=1, wait_s=100) as store, store.transaction():
        async with asyncio.timeout(50):
            with pytest.raises(StoreUnavailable, match="no connection"):
                await store.inbox.accept(make_request("k1"))


async def test_what_waits_of_a_person_is_told_the_oldest_first(store: PostgresStore, make_request: MakeRequest) -> None:
    """Of that person alone, also what somebody works on, and nothing of what is done; without the reply address."""
    other = Actor("U2", "T1")
    for request in (make_request("k1"), make_request("k2"), make_request("k3")):
        await store.inbox.accept(request)
    await store.inbox.accept(replace(make_request("k4"), actor=other))
    await store.inbox.accept(replace(make_request("k5"), actor=Actor("U1", "T2")))
    done = await store.inbox.claim(lease_s=600)
    await store.inbox.claim(lease_s=600)
    assert done is not None
    async with store.transaction() as transaction:
        await transaction.finish(done)
    waiting = await store.inbox.waiting(Actor("U1", "T1"))
    assert waiting == tuple(replace(make_request(key), reply_to="") for key in ("k2", "k3"))
    assert [request.key for request in await store.inbox.waiting(other)] == ["k4"]
    assert await store.inbox.waiting(Actor("U9", "T1")) == ()


async def test_what_an_older_version_accepted_is_found_too(
    store: PostgresStore, make_request: MakeRequest, admin: Admin
) -> None:
    """It may still run beside this one, and does not fill the columns for the person."""
    await store.inbox.accept(make_request("k1"))
    await store.inbox.accept(replace(make_request("k2"), actor=Actor("U2", "T1")))
    admin.execute("UPDATE inbox SET user_id = NULL, team_id = NULL")
    assert [request.key for request in await store.inbox.waiting(Actor("U1", "T1"))] == ["k1"]


async def test_what_waits_of_a_person_is_found_by_an_index(
    store: PostgresStore, make_request: MakeRequest, admin: Admin
) -> None:
    """However much waits of others."""
    await store.inbox.accept(make_request("k1"))
    admin.execute(
        "INSERT INTO inbox (key, request, user_id, team_id)"
        " SELECT 'x' || n, request, 'U' || n, 'T1' FROM inbox, generate_series(2, 5000) n"
    )
    admin.execute("ANALYZE inbox")
    plan = admin.execute(
        "EXPLAIN SELECT id FROM inbox"
        " WHERE state = 'received' AND (user_id = 'U1' AND team_id = 'T1' OR user_id IS NULL) ORDER BY id"
    ).fetchall()
    assert "inbox_asked_by" in str(plan)


UNREADABLE = "UPDATE inbox SET request = replace(request, '\"command\"', '\"hologram\"') WHERE key = 'strange'"


async def test_a_request_of_a_newer_version_does_not_hold_up_the_others(
    store: PostgresStore, make_request: MakeRequest, admin: Admin, caplog: pytest.LogCaptureFixture
) -> None:
    """It is left for a minute to a version that can read it, and the log tells; the next one is handed out at once."""
    for key in ("strange", "good"):
        await store.inbox.accept(make_request(key))
    admin.execute(UNREADABLE)
    assert [request.key for request in await store.inbox.waiting(Actor("U1", "T1"))] == ["good"]
    claimed = await store.inbox.claim(lease_s=600)
    assert claimed is not None
    assert claimed.request.key == "good"
    assert await store.inbox.claim(lease_s=10, key="strange") is None
    (row,) = admin.execute(
        "SELECT state, attempts, reply_to, extract(epoch FROM lease_until - clock_timestamp()) AS wait_s"
        " FROM inbox WHERE key = 'strange'"
    ).fetchall()
    assert (row["state"], row["attempts"], row["reply_to"]) == ("received", 1, make_request("k").reply_to)
    assert 30 < row["wait_s"] <= 60
    ours = [record for record in caplog.records if record.name.startswith("bot.")]
    assert [getattr(record, "event", "") for record in ours] == ["request_unreadable"]


async def test_a_request_of_a_newer_version_is_set_aside_in_the_end(
    store: PostgresStore, make_request: MakeRequest, admin: Admin
) -> None:
    """After five tries, with its reply address wiped, and the audit tells."""
    await store.inbox.accept(make_request("strange"))
    admin.execute(UNREADABLE)
    for _ in range(5):
        assert await store.inbox.claim(lease_s=600) is None
        admin.execute("UPDATE inbox SET lease_until = now() - interval '1 second'")
    assert await store.inbox.claim(lease_s=600) is None
    (row,) = admin.execute("SELECT state, attempts, reply_to FROM inbox").fetchall()
    assert row == {"state": "dead", "attempts": 5, "reply_to": ""}
    (entry,) = admin.execute("SELECT action, subject, result FROM audit").fetchall()
    assert entry == {"action": "request", "subject": "strange", "result": "set aside"}
