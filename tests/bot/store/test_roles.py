"""The two roles of `manifests/postgres/roles.sql`: one migrates, the other runs the bot but cannot forge the audit."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import DictRow, dict_row

from bot.domain.people import Actor
from bot.domain.requests import Post, Request
from bot.domain.watch.keeps import Acknowledge, AddSilence, EndSilence, PauseSchedule, ResumeSchedule
from bot.domain.watch.schedules import Pause
from bot.errors import StoreRefused
from bot.ports import Attempt, AuditEntry, AuditQuery, OperationQuery, RevisionSeen
from bot.store.audit import verify_audit
from bot.store.connections import Address, connected
from bot.store.embedded import EmbeddedServer
from bot.store.migrate import bring_up_to_date, migrate, shipped
from bot.store.rights import NEEDED
from bot.store.store import PostgresStore
from tests.support.operations import (
    API,
    SCOPE,
    approved,
    change,
    claimed,
    operation,
    run_to,
    succeeded,
    tokens,
    written,
)
from tests.support.watch_records import AT, episode, note, problem, record, sample, save, silence

MakeRequest = Callable[[str], Request]
MakePost = Callable[..., Post]

ROLES = (Path(__file__).parents[3] / "manifests" / "postgres" / "roles.sql").read_bytes()
OWNER, BOT = "ragops_owner", "ragops_bot"
ENTRY = AuditEntry(actor="U1", action="share", subject="C1", result="done", detail={"request": "k1"})
WORKED = RevisionSeen(ref=API, workload_uid="w1", revision_uid="r1", number=1, version="v1", pods=1)
_numbers = itertools.count()


class Server:
    """A fresh database of a server whose roles are ours alone."""

    def __init__(self, url: str, database: str) -> None:
        self._parts = urlsplit(url)._replace(path=f"/{database}")

    def url(self, role: str = "") -> str:
        """Return the database's address for a role; for the superuser without one."""
        return self._parts._replace(netloc=f"{role}@").geturl() if role else self._parts.geturl()

    def open(self, role: str = "") -> psycopg.Connection[DictRow]:
        """Connect as a role."""
        return psycopg.connect(self.url(role), autocommit=True, row_factory=dict_row)

    def grant_roles(self, role: str = "") -> None:
        """Run the file, as it is, as a role."""
        with self.open(role) as connection:
            connection.execute(ROLES)

    async def migrate(self) -> tuple[str, ...]:
        """Do what `ragops migrate` does with the owner's address."""
        return tuple(await bring_up_to_date(self.url(OWNER), dry_run=False))

    def rights(self) -> dict[str, set[str]]:
        """Return what the bot's role was granted, by table."""
        statement = "SELECT table_name, privilege_type FROM information_schema.role_table_grants WHERE grantee = %s"
        found: dict[str, set[str]] = {}
        with self.open() as connection:
            for row in connection.execute(statement, (BOT,)).fetchall():
                found.setdefault(row["table_name"], set()).add(row["privilege_type"])
        return found


@pytest.fixture(scope="module")
def own_server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of this module's own: roles belong to a server, not to a database."""
    server = asyncio.run(EmbeddedServer.start(tmp_path_factory.mktemp("roles") / "postgres", settings={"fsync": "off"}))
    yield server.url
    asyncio.run(server.stop())


@pytest.fixture
def server(own_server_url: str) -> Iterator[Server]:
    """A fresh database, and none of our roles."""
    name = f"ragops_{next(_numbers)}"
    with psycopg.connect(own_server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield Server(own_server_url, name)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
        for role in (BOT, OWNER, "admin"):
            connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))


@pytest.fixture
async def ready(server: Server) -> Server:
    """Set up as the file says."""
    server.grant_roles()
    assert await server.migrate() == tuple(migration.name for migration in shipped())
    server.grant_roles()
    return server


async def test_the_bot_works_under_the_lesser_role(
    ready: Server, make_request: MakeRequest, make_post: MakePost
) -> None:
    """All that a store can do, and `ragops audit verify`."""
    async with await PostgresStore.open(ready.url(BOT)) as store:
        await store.ping()
        await _work(store, make_request, make_post)
        assert await store.seen.first("k", keep_s=0)
        assert await store.seen.first("k", keep_s=0)
        with ready.open() as admin:
            admin.execute("UPDATE inbox SET done_at = done_at - interval '3 days'")
            admin.execute("UPDATE outbox SET closed_at = closed_at - interval '31 days'")
            admin.execute("UPDATE slots SET claimed_at = claimed_at - interval '91 days'")
        purged = await store.purge()
        assert (purged.inbox, purged.outbox, purged.seen, purged.slots) == (1, 2, 1, 1)
        assert [record.action for record in await store.audit_trail.search(AuditQuery())] == ["delivery", "share"]
        head = await store.audit_trail.head()
    found = await verify_audit(ready.url(BOT), head)
    assert (found.ok, found.checked) == (True, 2)


async def _work(store: PostgresStore, make_request: MakeRequest, make_post: MakePost) -> None:
    assert await store.inbox.accept(make_request("k1"))
    assert len(await store.inbox.waiting(Actor("U1", "T1"))) == 1
    claimed = await store.inbox.claim(lease_s=10)
    assert claimed is not None
    async with store.transaction() as transaction:
        assert await transaction.claim_slot("digest", datetime(2030, 1, 1, tzinfo=UTC))
        assert await transaction.finish(claimed)
        for channel in ("C1", "C2"):
            await transaction.put(make_post("hello", channel))
        await transaction.audit(ENTRY)
    first = await store.outbox.claim(lease_s=10)
    assert first is not None
    await store.outbox.postpone(first, delay_s=0, reason="later", unsure=False)
    for deliver in (True, False):
        outgoing = await store.outbox.claim(lease_s=10)
        assert outgoing is not None
        if deliver:
            assert await store.outbox.sending(outgoing)
            assert await store.outbox.delivered(outgoing, message_id="1.1")
        else:
            await store.outbox.give_up(outgoing, reason="refused")
    assert await store.outbox.depth() == 0


async def test_changes_work_under_the_lesser_role(ready: Server, make_post: MakePost) -> None:
    """All that a store can do about them, and their end after their time."""
    async with await PostgresStore.open(ready.url(BOT)) as store:
        running = await run_to(store, operation(), approved, claimed)
        taken = await store.operations.take(lease_s=10, worker="w1")
        assert taken is not None
        attempt = Attempt(operation_id=running.id, fence=taken.fence, number=1, resource_version="1", generation=1)
        for _ in range(2):
            assert await store.operations.begin_attempt(attempt)
            await store.operations.end_attempt(attempt, "conflict")
        assert await store.operations.renew(taken, lease_s=10)
        await change(store, running.id, written)
        await store.operations.release(taken)
        await change(store, running.id, succeeded)
        assert (await store.operations.find(running.id[:6])) == await store.operations.find(running.id)
        assert len(await store.operations.search(OperationQuery())) == 1
        assert await store.operations.token(tokens(running)[0].hash) is not None
        for version in (2, 1, 3, 4):
            async with store.transaction() as transaction:
                await transaction.put(replace(make_post(), subject="operation:1", version=version))
            if version == 3:
                continue
            outgoing = await store.outbox.claim(lease_s=10)
            assert outgoing is not None
            assert await store.outbox.delivered(outgoing, message_id="1.1")
        for _ in range(2):
            await store.record.note(SCOPE, [WORKED])
        with ready.open() as admin:
            admin.execute("ALTER TABLE operations DISABLE TRIGGER operation_keeps_its_word")
            admin.execute("UPDATE operations SET ended_at = ended_at - interval '401 days'")
            admin.execute("ALTER TABLE operations ENABLE TRIGGER operation_keeps_its_word")
            admin.execute("UPDATE message_refs SET shown_at = shown_at - interval '401 days'")
            admin.execute("UPDATE worked_revisions SET last_at = last_at - interval '91 days'")
        purged = await store.purge()
        assert (purged.operations, purged.tokens, purged.messages, purged.revisions) == (1, 2, 1, 1)


async def test_watching_works_under_the_lesser_role(ready: Server) -> None:
    """All that a store can do about it, and its end after its time."""
    async with await PostgresStore.open(ready.url(BOT)) as store:
        held = await store.slots.begin("digest", AT, lease_s=0.001)
        assert held is not None
        await store.slots.release(held)
        again = await store.slots.begin("digest", AT, lease_s=10)
        assert again is not None
        kept = (
            PauseSchedule(Pause(name="digest", by="U1", at=AT)),
            ResumeSchedule("digest"),
            Acknowledge("e1", "U1"),
            AddSilence(silence()),
            EndSilence("s1"),
        )
        for number in range(2):
            await record(store, number, samples=[sample()], problems=[problem()] if number == 0 else [])
            await save(store, replace(episode(), version=number + 1))
        async with store.transaction() as transaction:
            assert await transaction.note(note())
            assert [await transaction.keep(each) for each in kept] == [True] * len(kept)
            assert await transaction.finish_slot(again, outcome="sent")
        assert len(await store.history.samples(SCOPE, since=AT)) == 2
        assert len(await store.history.spans(SCOPE, since=AT)) == len(await store.history.notes(SCOPE, since=AT)) == 1
        assert await store.episodes.unannounced(limit=9) == ("e1",)
        with ready.open() as admin:
            admin.execute("UPDATE episodes SET state = 'resolved', resolved_at = '2020-01-01Z'")
            admin.execute("UPDATE samples SET minute = minute - interval '20 years'")
            admin.execute("UPDATE notes SET at = '2020-01-01Z'")
            admin.execute("UPDATE silences SET ended_at = '2020-01-01Z'")
            admin.execute(
                "UPDATE problem_spans SET began_at = '2020-01-01Z', seen_at = '2020-01-01Z', ended_at = '2020-01-01Z'"
            )
        purged = await store.purge()
        assert (purged.samples, purged.spans, purged.notes, purged.episodes, purged.silences) == (2, 1, 1, 1, 1)


async def test_the_bot_is_granted_what_it_needs_and_nothing_more(ready: Server) -> None:
    """The file and the check at the start know the same."""
    assert ready.rights() == {table: set(privileges) for table, privileges in NEEDED.items()}


TAMPERING = [
    "UPDATE audit SET actor = 'U2'",
    "DELETE FROM audit",
    "TRUNCATE audit",
    "DROP TABLE audit",
    "ALTER TABLE audit DISABLE TRIGGER ALL",
    "DROP TRIGGER audit_append_only ON audit",
    "ALTER TABLE audit RENAME TO forgotten",
    "ALTER TABLE audit OWNER TO ragops_bot",
    "CREATE RULE quiet AS ON INSERT TO audit DO INSTEAD NOTHING",
    "CREATE OR REPLACE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE sql AS 'SELECT 1'",
    "DROP FUNCTION audit_is_append_only() CASCADE",
    "CREATE OR REPLACE FUNCTION audit_ids(detail text, subject text) RETURNS text[] LANGUAGE sql AS 'SELECT NULL'",
    "SET session_replication_role = replica",
    "SET ROLE ragops_owner",
    "SET SESSION AUTHORIZATION ragops_owner",
    "ALTER ROLE ragops_bot SUPERUSER",
    "GRANT ragops_owner TO ragops_bot",
    "INSERT INTO schema_migrations (version, name, checksum) VALUES (9999, 'x', 'x')",
    "DELETE FROM schema_migrations",
    "CREATE TABLE more (a integer)",
    "CREATE FUNCTION more() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "DROP SCHEMA public CASCADE",
    "UPDATE samples SET ready = 0",
    "UPDATE notes SET words = ''",
    "DROP INDEX episodes_one_for_a_cause",
    "TRUNCATE inbox",
    "DELETE FROM votes",
    "DELETE FROM attempts",
    "UPDATE tokens SET purpose = 'approve'",
    "ALTER TABLE operations DISABLE TRIGGER ALL",
    "DROP TRIGGER operation_keeps_its_word ON operations",
    "ALTER TABLE operations DROP CONSTRAINT the_digest_is_of_the_plan",
    "DROP INDEX operations_one_for_a_target",
    "DROP INDEX votes_one_of_each",
    "CREATE OR REPLACE FUNCTION operation_keeps_its_word() RETURNS trigger LANGUAGE sql AS 'SELECT 1'",
]


async def test_t36_tampering_is_refused_for_the_lesser_role(ready: Server) -> None:
    """For want of the right, before any trigger: nothing is changed."""
    async with await PostgresStore.open(ready.url(BOT)) as store:
        async with store.transaction() as transaction:
            await transaction.audit(ENTRY)
        head = await store.audit_trail.head()
    _refused(ready)
    found = await verify_audit(ready.url(BOT), head)
    assert (found.ok, found.checked) == (True, 1)


def _refused(server: Server) -> None:
    went_through = []
    with server.open(BOT) as bot:
        for statement in TAMPERING:
            try:
                bot.execute(statement.encode())
            except psycopg.errors.InsufficientPrivilege:
                continue
            went_through.append(statement)
    assert went_through == []


async def test_the_bot_cannot_grant_itself_more(ready: Server) -> None:
    """PostgreSQL only warns about it."""
    before = ready.rights()
    with ready.open(BOT) as bot:
        bot.execute("GRANT ALL ON audit TO ragops_bot")
    assert ready.rights() == before


@pytest.mark.parametrize("role", ["", OWNER])
async def test_running_it_again_changes_nothing(ready: Server, role: str) -> None:
    """Whoever runs it: the administrator, or the owner after each migration."""
    before = ready.rights()
    ready.grant_roles(role)
    assert ready.rights() == before
    async with await PostgresStore.open(ready.url(BOT)) as store:
        await store.ping()


async def test_a_right_that_is_missing_is_named_at_the_start(ready: Server) -> None:
    """Not when a message is to be kept; the file mends it."""
    with ready.open() as admin:
        admin.execute("REVOKE INSERT ON slots FROM ragops_bot")
        admin.execute("REVOKE ALL ON seen FROM ragops_bot")
    with pytest.raises(StoreRefused, match=r"lacks SELECT on seen, .*, INSERT on slots") as caught:
        await PostgresStore.open(ready.url(BOT))
    assert "manifests/postgres/roles.sql" in caught.value.advice
    ready.grant_roles(OWNER)
    async with await PostgresStore.open(ready.url(BOT)) as store:
        await store.ping()


async def test_the_bot_waits_for_the_owner_to_migrate(server: Server) -> None:
    """With the lesser role a new version cannot bring the tables to its own; it says who can."""
    server.grant_roles()
    address = Address.parse(server.url(OWNER))
    async with connected(address) as connection:
        await migrate(connection, address, known=shipped()[:1])
    server.grant_roles(OWNER)
    with pytest.raises(StoreRefused, match=f"lacks {shipped()[1].name}") as caught:
        await PostgresStore.open(server.url(BOT))
    assert "ragops migrate" in caught.value.advice
    assert await bring_up_to_date(server.url(BOT), dry_run=True) == tuple(m.name for m in shipped()[1:])
    await server.migrate()
    server.grant_roles(OWNER)
    async with await PostgresStore.open(server.url(BOT)) as store:
        await store.ping()


async def test_tables_that_the_bots_role_made_are_taken_from_it(server: Server) -> None:
    """A database with one role becomes one with two, the trigger's function too; the audit goes on."""
    with server.open() as admin:
        admin.execute("CREATE ROLE ragops_bot LOGIN")
        admin.execute("GRANT CREATE ON SCHEMA public TO ragops_bot")
    address = Address.parse(server.url(BOT))
    async with connected(address) as connection:
        await migrate(connection, address, known=shipped()[:1])
    with server.open(BOT) as bot:
        bot.execute("INSERT INTO inbox (key, request, state) VALUES ('k1', '', 'done')")
    server.grant_roles()
    await server.migrate()
    server.grant_roles(OWNER)
    async with await PostgresStore.open(server.url(BOT)) as store, store.transaction() as transaction:
        await transaction.audit(ENTRY)
    with server.open(BOT) as bot:
        assert bot.execute("SELECT key FROM inbox").fetchall() == [{"key": "k1"}]
    _refused(server)


async def test_an_administrator_need_not_be_a_superuser(server: Server) -> None:
    """Hosted databases give none: the database's owner with CREATEROLE will do."""
    with server.open() as superuser:
        superuser.execute("CREATE ROLE admin LOGIN CREATEROLE")
        name = sql.Identifier(superuser.info.dbname)
        superuser.execute(sql.SQL("ALTER DATABASE {} OWNER TO admin").format(name))
    server.grant_roles("admin")
    await server.migrate()
    server.grant_roles("admin")
    assert server.rights() == {table: set(privileges) for table, privileges in NEEDED.items()}
    async with await PostgresStore.open(server.url(BOT)) as store:
        await store.ping()
