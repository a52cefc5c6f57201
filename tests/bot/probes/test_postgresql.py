from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, LiteralString

import psycopg
import pytest

from bot.domain.findings import Severity
from bot.domain.watch.probes import Health, Probed, ProbeKind
from bot.probes.sql import QUERIES
from tests.bot.probes.databases import PASSWORD, USABLE, Postgres, postgres, relay
from tests.bot.probes.worlds import ask, codes, saying, served, silence, stages, target
from tests.support.waiting import in_background, until

SSL_REQUEST = bytes.fromhex("0000000804d2162f")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    with postgres(tmp_path_factory.mktemp("postgres"), reserved_connections="2") as server:
        yield server


@pytest.fixture
async def server(running: Postgres) -> Postgres:
    """The server when nobody of the test before is connected any more."""
    await running.quiet()
    return running


async def _stuck(connection: psycopg.AsyncConnection[Any], statement: LiteralString) -> None:
    """Run a statement that waits until it is cancelled."""
    with suppress(psycopg.errors.QueryCanceled):
        await connection.execute(statement)


async def asked(server: Postgres, dsn: str = "", **more: object) -> Probed:
    return await ask(server.target(**more), {"DSN": dsn or server.dsn()})


async def test_each_stage_of_the_way_has_its_time(server: Postgres) -> None:
    """From the name to the query."""
    probed = await asked(server)
    assert (probed.health, codes(probed)) == (Health.OK, [])
    names = [name for name, ok in stages(probed) if ok]
    assert list(dict.fromkeys(names)) == ["DNS", "TCP", "protocol", "login", "query"]


async def test_facts_and_figures_of_a_healthy_server(server: Postgres) -> None:
    """What people ask first: version, role, connections against what ordinary roles can have."""
    async with server.crowd(3):
        probed = await asked(server)
    facts, figures = dict(probed.facts), dict(probed.figures)
    assert facts["Version"].startswith("18")
    assert facts["Role"] == "primary"
    assert facts["TLS"] == "not offered"
    assert facts["Connections"].startswith(f"4 of {USABLE} ")
    assert "api 3" in facts["Held by"]
    assert "ragops-probe 1" in facts["Held by"]
    assert figures["connections"] == 4
    assert figures["connections_limit"] == USABLE
    assert figures["blocked"] == 0
    assert figures["longest_transaction_s"] == 0
    assert figures["database_bytes"] > 1_000_000
    assert probed.lines == ()


async def test_connections_that_become_few_are_a_warning(server: Postgres) -> None:
    """Ninety percent of what ordinary roles can have."""
    async with server.crowd(15):
        probed = await asked(server)
    assert (probed.health, codes(probed)) == (Health.DEGRADED, ["POSTGRESQL_CONNECTIONS_HIGH"])
    assert "api 15" in probed.troubles[0].words


async def test_no_connection_left_is_named_before_a_superuser_would_see_it(server: Postgres) -> None:
    """An ordinary role is refused (53300) while slots are still kept for superusers."""
    async with server.crowd(USABLE):
        probed = await asked(server)
    assert (probed.health, codes(probed)) == (Health.FAILED, ["POSTGRESQL_CONNECTIONS_EXHAUSTED"])
    assert probed.troubles[0].severity is Severity.CRITICAL
    assert stages(probed)[-1] == ("login", False)
    with psycopg.connect(server.url) as administrator:
        assert administrator.execute("SELECT 1").fetchone() == (1,)


async def test_a_superuser_that_gets_in_still_sees_that_others_do_not(server: Postgres) -> None:
    """Its own login is no proof for the application's."""
    with psycopg.connect(server.url, autocommit=True) as administrator:
        administrator.execute(f"CREATE ROLE boss SUPERUSER LOGIN PASSWORD '{PASSWORD}'")
        async with server.crowd(USABLE - 1):  # and the administrator
            probed = await asked(server, server.dsn("boss"))
        administrator.execute("DROP ROLE boss")
    assert (probed.health, codes(probed)) == (Health.DEGRADED, ["POSTGRESQL_CONNECTIONS_EXHAUSTED"])
    assert f"api {USABLE - 1}" in probed.troubles[0].words


@pytest.mark.parametrize(
    ("role", "password", "database", "code"),
    [
        ("watcher", "planted-wrong", "postgres", "POSTGRESQL_LOGIN_REFUSED"),
        ("nobody", "planted-wrong", "postgres", "POSTGRESQL_LOGIN_REFUSED"),
        ("watcher", "", "postgres", "POSTGRESQL_LOGIN_REFUSED"),
        ("watcher", PASSWORD, "missing", "POSTGRESQL_NO_DATABASE"),
    ],
)
async def test_a_login_that_is_refused_is_no_outage(
    server: Postgres, role: str, password: str, database: str, code: str
) -> None:
    """It is up: our credential is not good."""
    probed = await asked(server, server.dsn(role, password, database))
    assert (probed.health, codes(probed)) == (Health.DEGRADED, [code])
    assert "planted" not in repr(probed)


async def test_without_a_credential_it_goes_as_far_as_anybody_can(server: Postgres) -> None:
    """It says so; a login that was not tried is not a login that failed."""
    probed = await ask(server.target(secret_env=""))
    assert (probed.health, codes(probed)) == (Health.OK, [])
    assert [name for name, _ in stages(probed)][-1] == "protocol"
    assert dict(probed.facts)["Login"] == "not tried: no credential configured"


async def test_a_role_that_may_see_less_says_what_it_does_not_see(server: Postgres) -> None:
    """What cannot be seen is not zero."""
    async with server.crowd(3), await server.connected(application_name="api") as busy:
        await busy.execute("SELECT 1")
        probed = await asked(server, server.dsn("plain"))
    assert probed.health is Health.OK
    assert codes(probed) == ["POSTGRESQL_NOT_SEEN", "POSTGRESQL_NOT_SEEN"]
    assert {trouble.severity for trouble in probed.troubles} == {Severity.INFO}
    assert any("pg_monitor" in trouble.words for trouble in probed.troubles)
    assert any("size (42501" in trouble.words for trouble in probed.troubles)
    figures = dict(probed.figures)
    assert figures["connections"] == 5
    assert not {"blocked", "longest_transaction_s", "idle_in_transaction", "database_bytes"} & set(figures)


async def test_the_blocking_tree_has_its_root_first_and_no_literal(server: Postgres) -> None:
    """Who must end so that all others go on; what they are at, without what they write."""
    async with (
        await server.connected(application_name="migration") as root,
        await server.connected(application_name="api") as first,
        await server.connected(application_name="worker") as second,
    ):
        await root.execute("UPDATE public.items SET note = 'planted literal' WHERE id = 1")
        await second.execute("SELECT 1")
        async with (
            in_background(_stuck(first, "UPDATE public.items SET note = 'planted two' WHERE id = 1")),
            in_background(_stuck(second, "LOCK TABLE public.items")),
        ):
            await asyncio.sleep(1.05)
            await until(lambda: asked(server), lambda found: dict(found.figures)["blocked"] == 2)
            probed = await asked(server)
            await first.cancel_safe()
            await second.cancel_safe()
        pid = root.info.backend_pid
    assert (probed.health, codes(probed)) == (Health.DEGRADED, ["POSTGRESQL_BLOCKED"])
    assert f"pid {pid}" in probed.troubles[0].words
    assert probed.lines[0].startswith(f"pid {pid} (migration) idle in transaction: ")
    assert probed.lines[0].endswith(": UPDATE public.items SET note = ? WHERE id = ?")
    assert {line.split()[0] for line in probed.lines[1:]} == {"·"}
    assert any("(worker) waits" in line for line in probed.lines)
    assert "planted" not in repr(probed)
    assert dict(probed.figures)["blocked"] == 2
    assert dict(probed.figures)["idle_in_transaction"] == 1


async def test_nothing_can_be_written(server: Postgres) -> None:
    """The transaction is read only by the server's own word, and every statement has its limit."""
    with psycopg.connect(server.url) as connection:
        connection.read_only = True
        connection.execute(QUERIES["limit"])
        settings = ("transaction_read_only", "default_transaction_read_only", "statement_timeout")
        found = [connection.execute(f"SHOW {name}").fetchone() for name in settings]
        assert found == [("on",), ("on",), ("3s",)]
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            connection.execute("DELETE FROM public.items")


def test_the_catalogue_only_selects() -> None:
    """One statement each, no parameter, nothing that changes anything."""
    assert set(QUERIES) == {"limit", "server", "holders", "transactions", "locks", "totals", "size"}
    for text in QUERIES.values():
        assert text.startswith((b"SELECT ", b"WITH "))
        assert text.count(b";") == 1
        assert b"%" not in text


@pytest.mark.parametrize("at", [b"pg_stat_database", b"SCRAM-SHA-256"], ids=["query", "login"])
async def test_a_server_that_falls_silent_costs_the_targets_own_time(server: Postgres, at: bytes) -> None:
    """The client library would wait ten seconds more for its leave to go."""
    async with relay(server.port, lambda words: at in words) as port:
        it = target(ProbeKind.POSTGRESQL, f"127.0.0.1:{port}", secret_env="DSN", timeout_s=0.6)
        probed = await ask(it, {"DSN": server.dsn()})
    assert (probed.health, codes(probed)) == (Health.FAILED, ["PROBE_TIMEOUT"])
    assert probed.took_ms is not None
    assert probed.took_ms < 8_000


async def test_being_cancelled_is_not_held_up_by_a_server(server: Postgres) -> None:
    """Whoever stops the bot does not wait for targets."""
    silenced = asyncio.Event()

    def stalls(words: bytes) -> bool:
        if b"pg_stat_database" in words:
            silenced.set()
        return silenced.is_set()

    async with relay(server.port, stalls) as port:
        it = target(ProbeKind.POSTGRESQL, f"127.0.0.1:{port}", secret_env="DSN", timeout_s=30.0)
        work = asyncio.create_task(ask(it, {"DSN": server.dsn()}))
        await silenced.wait()
        work.cancel()
        async with asyncio.timeout(8):
            with pytest.raises(asyncio.CancelledError):
                await work


@pytest.mark.parametrize(
    "words", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"-ERR unknown command\r\n", b"E\x00\x00\x00\x08oh"]
)
async def test_what_is_no_postgresql_is_said(words: bytes) -> None:
    """Nothing but PostgreSQL answers an SSLRequest with S or N."""
    async with served(saying(words)) as port:
        it = target(ProbeKind.POSTGRESQL, f"127.0.0.1:{port}", secret_env="DSN")
        probed = await ask(it, {"DSN": "postgresql://watcher:planted@x/y"})
    assert (probed.health, codes(probed)) == (Health.FAILED, ["NOT_POSTGRESQL"])


async def test_a_server_that_hangs_before_a_word_is_bounded() -> None:
    """The stage at which it hangs is named."""
    async with served(silence) as port:
        probed = await ask(target(ProbeKind.POSTGRESQL, f"127.0.0.1:{port}", timeout_s=0.3))
    assert (probed.health, codes(probed)) == (Health.FAILED, ["PROBE_TIMEOUT"])
    assert stages(probed) == [("TCP", True), ("protocol", False)]


def refusing(code: str, words: str) -> bytes:
    """Return an ErrorResponse of PostgreSQL."""
    fields = f"SFATAL\0VFATAL\0C{code}\0M{words}\0\0".encode()
    return b"E" + struct.pack("!i", len(fields) + 4) + fields


@pytest.mark.parametrize(
    ("code", "words", "trouble", "health"),
    [
        ("57P03", "the database system is starting up", "POSTGRESQL_STARTING", Health.FAILED),
        ("57P03", "the database system is in recovery mode", "POSTGRESQL_STARTING", Health.FAILED),
        ("53300", "sorry, too many clients already", "POSTGRESQL_CONNECTIONS_EXHAUSTED", Health.FAILED),
        ("28000", 'no pg_hba.conf entry for host "10.0.0.1"', "POSTGRESQL_LOGIN_REFUSED", Health.DEGRADED),
        ("XX000", "something that nobody knows", "POSTGRESQL_LOGIN_FAILED", Health.FAILED),
    ],
)
async def test_every_refusal_means_something(code: str, words: str, trouble: str, health: Health) -> None:
    """The server's own words stand beside ours."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (asked := await reader.read(4096)) == SSL_REQUEST:
            writer.write(b"N")
        if asked:
            writer.write(refusing(code, words))
            await writer.drain()
            await reader.read()

    async with served(refuse) as port:
        it = target(ProbeKind.POSTGRESQL, f"127.0.0.1:{port}", secret_env="DSN")
        probed = await ask(it, {"DSN": "postgresql://watcher:planted-pw@x/y"})
    assert (probed.health, codes(probed)) == (health, [trouble])
    assert words.partition('"')[0].strip() in probed.troubles[0].words
    assert "planted" not in repr(probed)


@pytest.mark.parametrize("dsn", ["planted-nonsense", "host=x password='planted", "postgresql://a:planted@[/x"])
async def test_a_dsn_that_is_none_is_a_fault_of_the_configuration(dsn: str, caplog: pytest.LogCaptureFixture) -> None:
    """Not a word of it is repeated."""
    probed = await ask(target(ProbeKind.POSTGRESQL, "127.0.0.1:1", secret_env="DSN"), {"DSN": dsn})
    assert (probed.health, codes(probed)) == (Health.UNKNOWN, ["PROBE_MISCONFIGURED"])
    assert "planted" not in repr(probed) + caplog.text


async def test_credentials_stay_out_of_the_log(server: Postgres, caplog: pytest.LogCaptureFixture) -> None:
    """At the finest level, too."""
    caplog.set_level("DEBUG")
    for dsn in (server.dsn(), server.dsn(password="planted-wrong")):
        probed = await asked(server, dsn)
        assert "planted" not in repr(probed.troubles) + repr(probed.facts)
    assert "planted" not in caplog.text


async def test_the_environment_gives_no_credential(server: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what was handed in counts; the bot's own database may be elsewhere."""
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    probed = await asked(server, "postgresql://watcher@x/postgres")
    assert codes(probed) == ["POSTGRESQL_LOGIN_REFUSED"]
