"""The pages for machines, over real sockets."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

import bot.health.server
from bot.errors import SettingsError
from bot.health import Check, Heartbeat, PrometheusMeter, Readiness, cluster_checks, database_check, health_server
from bot.ports import Clock
from bot.settings import Listen
from bot.store.store import PostgresStore
from sandbox.cluster.faults import Fault, FaultKind
from tests.bot.cluster.test_simulated import SCOPE, simulated, watching
from tests.bot.health.scrapes import make_meter
from tests.support.clocks import SteppedClock, WallClock, leaping_loop
from tests.support.databases import Database, database
from tests.support.waiting import in_background, until

LOOPBACK = Listen("127.0.0.1", 0)


@dataclass(slots=True)
class Served:
    """A running server and a client of it."""

    client: aiohttp.ClientSession
    meter: PrometheusMeter
    readiness: Readiness
    listen: Listen

    async def get(self, path: str, *, accept: str = "", method: str = "GET") -> tuple[int, str, aiohttp.ClientResponse]:
        async with self.client.request(method, path, headers={"Accept": accept} if accept else {}) as response:
            return response.status, await response.text(), response

    async def ready(self) -> tuple[int, dict[str, str]]:
        """Return the status of the page and each check's words."""
        status, text, _ = await self.get("/readyz")
        return status, {check["name"]: check["words"] for check in json.loads(text)["checks"]}

    async def raw(self, sent: bytes) -> bytes:
        """Send bytes and return everything that comes until the server ends the connection."""
        reader, writer = await asyncio.open_connection(self.listen.host, self.listen.port)
        try:
            writer.write(sent)
            async with asyncio.timeout(60):
                return await reader.read()
        finally:
            writer.close()
            await writer.wait_closed()


@asynccontextmanager
async def serving(
    checks: Sequence[Check] = (),
    *,
    heartbeat: Heartbeat | None = None,
    clock: Clock | None = None,
    limit_s: float = 2.0,
) -> AsyncIterator[Served]:
    meter = make_meter()
    readiness = Readiness(clock or WallClock(), checks, limit_s=limit_s)
    async with (
        health_server(LOOPBACK, readiness, meter, heartbeat=heartbeat) as listen,
        aiohttp.ClientSession(f"http://{listen}", connector=aiohttp.TCPConnector(limit=0)) as client,
    ):
        yield Served(client, meter, readiness, listen)


@asynccontextmanager
async def watched_database(folder: Path) -> AsyncIterator[tuple[Database, Served]]:
    """A PostgreSQL of its own, and a server whose readiness depends on it."""
    async with (
        database(folder) as postgres,
        await PostgresStore.open(postgres.url) as store,
        serving([database_check(store)]) as served,
    ):
        yield postgres, served


async def test_a_replica_is_alive_before_it_is_ready() -> None:
    async with serving() as served:
        assert (await served.get("/livez"))[:2] == (200, "alive\n")
        status, text, response = await served.get("/readyz")
        assert status == 503
        assert json.loads(text) == {"ready": False, "phase": "starting", "checks": []}
        assert response.headers["Cache-Control"] == "no-store"
        served.readiness.started()
        assert (await served.get("/readyz"))[0] == 200
        served.readiness.stopping()
        assert (await served.get("/readyz"))[0] == 503
        assert (await served.get("/livez"))[0] == 200


async def test_what_was_counted_is_scraped() -> None:
    """In the text format, and as OpenMetrics for who asks for it as Prometheus does."""
    async with serving() as served:
        served.meter.commanded("status", "ok", 0.02)
        status, text, response = await served.get("/metrics")
        assert status == 200
        assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        assert 'ragops_commands_total{result="ok",verb="status"} 1.0' in text
        accept = "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.1"
        _, text, response = await served.get("/metrics", accept=accept)
        assert response.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
        assert text.endswith("# EOF\n")


@pytest.mark.parametrize(
    "accept", ["application/openmetrics-text;version=one", "text/plain;version=x", "text/plain;version=9.9.9+local"]
)
async def test_whatever_is_asked_for_is_answered_in_one_of_two_formats(
    accept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No header is an error, and none makes the figures be gathered anew while they count."""
    monkeypatch.setattr(bot.health.server, "_FIGURES_COUNT_FOR_S", 3600.0)
    async with serving() as served:
        await served.get("/metrics", accept=accept)
        served.meter.commanded("status", "ok", 0.02)
        for number in range(20):
            status, text, response = await served.get("/metrics", accept=f"{accept}.{number}")
            assert status == 200
            assert response.headers["Content-Type"].partition(";")[0] == accept.partition(";")[0]
            assert 'ragops_commands_total{result="ok",verb="status"} 0.0' in text


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
async def test_head_gives_the_head_of_get(path: str) -> None:
    """The same status, kind and length, and no body."""
    async with serving() as served:
        served.readiness.started()
        full = await served.get(path)
        status, text, response = await served.get(path, method="HEAD")
        assert (status, text) == (200, "")
        assert response.headers["Content-Type"] == full[2].headers["Content-Type"]
        assert response.headers["Content-Length"] == str(len(full[1].encode()))


async def test_nothing_else_is_served() -> None:
    """Other pages are 404, other methods 405; neither tells what we are made of."""
    async with serving() as served:
        for path in ("/", "/livez/", "/metrics/x", "/debug/pprof", "/..%2flivez", "/readyz%00"):
            assert (await served.get(path))[0] == 404, path
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"):
            for path in ("/livez", "/readyz", "/metrics"):
                status, _, response = await served.get(path, method=method)
                assert status == 405
                assert "Server" not in response.headers
        assert "Server" not in (await served.get("/livez"))[2].headers


async def test_a_body_is_not_waited_for() -> None:
    """Who announces a gigabyte and sends none gets the answer, and the connection ends."""
    async with serving() as served:
        head = b"GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n"
        said = await served.raw(head)
        assert said.startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize(
    "sent", [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"GET  HTTP/1.1 /livez\r\n\r\n"]
)
async def test_what_is_no_request_ends_there(sent: bytes) -> None:
    """Such as TLS at the wrong port; the next request is answered as ever."""
    async with serving() as served:
        assert b" 200 " not in (await served.raw(sent)).split(b"\r\n")[0]
        assert (await served.get("/livez"))[0] == 200


async def test_two_hundred_scrapes_at_once_cost_as_much_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """All are answered alike, and readiness is asked once."""
    monkeypatch.setattr(bot.health.server, "_FIGURES_COUNT_FOR_S", 3600.0)
    asked = 0

    async def ask() -> str:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.05)
        return ""

    async with serving([Check("database", ask)], clock=SteppedClock(), limit_s=60) as served:
        served.readiness.started()
        pages = await asyncio.gather(
            *(served.get(path) for path in ("/metrics", "/readyz") for _ in range(100)),
            *(served.get("/metrics") for _ in range(100)),
        )
        assert {status for status, _, _ in pages} == {200}
        assert len({text for _, text, _ in pages}) == 2
        assert asked == 1


async def test_more_requests_than_can_be_served_are_turned_away_and_life_is_still_told() -> None:
    """Beyond 256 at once the answer is to come again; then all is as before."""
    held = asyncio.Event()

    async def ask() -> str:
        await held.wait()
        return ""

    async with serving([Check("slack", ask)], clock=SteppedClock(), limit_s=60) as served:
        served.readiness.started()
        waiting = [asyncio.create_task(served.get("/readyz")) for _ in range(256)]

        async def metrics() -> tuple[int, str, aiohttp.ClientResponse]:
            return await served.get("/metrics")

        _, _, response = await until(metrics, lambda page: page[0] == 503, within_s=50, every_s=0.01)
        assert response.headers["Retry-After"] == "1"
        assert (await served.get("/livez"))[0] == 200
        held.set()
        assert {status for status, _, _ in await asyncio.gather(*waiting)} == {200}
        assert (await served.get("/metrics"))[0] == 200


async def test_a_loop_that_stood_still_is_told_to_who_asks() -> None:
    """With its length; and life comes back by itself."""
    meter = make_meter()
    heartbeat = Heartbeat(meter, every_s=0.01, limit_s=20, forgiven_s=30)
    with leaping_loop() as leap:
        async with serving(heartbeat=heartbeat) as served:
            assert (await served.get("/livez"))[0] == 200
            leap(30)
            status, text, _ = await served.get("/livez")
            assert status == 503
            assert text.startswith("the event loop stood still for 3")
            for _ in range(5):
                leap(7)
                await asyncio.sleep(0.02)
            assert (await served.get("/livez"))[0] == 200


async def test_readiness_follows_the_database(tmp_path: Path) -> None:
    """A PostgreSQL that is stopped, and started again."""
    async with watched_database(tmp_path) as (postgres, served):
        served.readiness.started()
        assert await served.ready() == (200, {"database": ""})
        await postgres.stop()
        _, words = await until(served.ready, lambda seen: seen[0] == 503)
        assert words["database"].startswith(("The database at", "no answer within 2 s"))
        await postgres.start()
        await until(served.ready, lambda seen: seen[0] == 200)


async def test_readiness_follows_a_database_that_hangs(tmp_path: Path) -> None:
    """It takes connections and says nothing: the probe is answered all the same, within its time."""
    async with watched_database(tmp_path) as (postgres, served):
        served.readiness.started()
        assert (await served.ready())[0] == 200
        postgres.freeze()
        _, words = await until(served.ready, lambda seen: seen[0] == 503)
        assert words["database"]
        postgres.thaw()
        await until(served.ready, lambda seen: seen[0] == 200)


async def test_readiness_follows_the_cluster(tmp_path: Path) -> None:
    """An API server that goes away while it is watched makes the replica blind, with the reason."""
    async with simulated(tmp_path, "bad-release") as (_, server, http):
        clusters = watching(http)
        async with in_background(clusters.run()), serving(cluster_checks(clusters, [SCOPE])) as served:
            served.readiness.started()
            await until(served.ready, lambda seen: seen == (200, {"cluster:sandbox": ""}))
            server.faults.add(Fault(FaultKind.UNREACHABLE))
            _, words = await until(served.ready, lambda seen: seen[0] == 503)
            assert words["cluster:sandbox"].startswith("rag-engine on sandbox cannot be seen: ")
            server.faults.clear()
            await until(served.ready, lambda seen: seen[0] == 200)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_a_port_that_is_taken_is_a_fault_of_the_settings(host: str) -> None:
    """Named by its key and address; nothing is left running."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with ExitStack() as stack:
        try:
            taken = stack.enter_context(socket.socket(family))
            taken.bind((host, 0))
        except OSError:
            pytest.skip(f"this machine has no {host}")
        taken.listen()
        listen = Listen(host, taken.getsockname()[1])
        readiness = Readiness(WallClock())
        before = asyncio.all_tasks()
        with pytest.raises(SettingsError) as caught:
            async with health_server(listen, readiness, make_meter()):
                raise AssertionError("the port was taken")
        [fault] = caught.value.faults
        assert fault.where == "RAGOPS_LISTEN"
        assert fault.what.startswith(f"cannot listen at {listen} (")
        assert asyncio.all_tasks() == before


async def test_an_address_that_is_not_ours_is_a_fault_of_the_settings() -> None:
    readiness = Readiness(WallClock())
    with pytest.raises(SettingsError, match=r"RAGOPS_LISTEN: cannot listen at 192\.0\.2\.1:8080"):
        async with health_server(Listen("192.0.2.1", 8080), readiness, make_meter()):
            raise AssertionError("it is not ours")


async def test_the_end_does_not_wait_for_idle_connections() -> None:
    """A scraper keeps its connection open; the bot stops all the same."""
    async with aiohttp.ClientSession() as client:
        began = 0.0
        async with serving() as served:
            async with client.get(f"http://{served.listen}/livez") as response:
                assert response.status == 200
            began = time.perf_counter()
        assert time.perf_counter() - began < 30  # aiohttp would wait for a minute
