from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.findings import Severity
from bot.domain.watch.probes import Health, Probed, ProbeKind
from bot.probes.asking import Asking
from bot.probes.redis_figures import Change, Info, tell
from tests.bot.probes.worlds import Authority, ask, codes, names_at, saying, served, silence, stages, target
from tests.support.addresses import own_host, own_port
from tests.support.clocks import WallClock
from tests.support.waiting import until

PASSWORD = "planted-pw-7Qx"


@dataclass(frozen=True)
class Redis:
    """A redis-server on a port of loopback."""

    port: int

    async def say(self, *lines: str) -> list[bytes]:
        """Say lines on one connection and return the first line of each answer."""
        reader, writer = await asyncio.open_connection(own_host(), self.port)
        answers = []
        for line in lines:
            writer.write(line.encode() + b"\r\n")
            answers.append((await reader.readline()).strip())
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        return answers

    async def asked(self, secret: str = "", **more: Any) -> Probed:
        it = target(ProbeKind.REDIS, f"{own_host()}:{self.port}", **({"secret_env": "PW"} if secret else {}) | more)
        return await ask(it, {"PW": secret}, interval_s=0.05)


@asynccontextmanager
async def redis(folder: Path, *words: str, password: str = "") -> AsyncIterator[Redis]:
    program = os.environ.get("RAGOPS_TEST_REDIS_SERVER") or shutil.which("redis-server")
    if program is None:
        pytest.skip("there is no redis-server on this machine")
    port = own_port()
    options = ["--port", str(port), "--bind", own_host(), "--save", "", "--dir", str(folder), *words]
    options += ["--requirepass", password] if password else []
    process = await asyncio.create_subprocess_exec(program, *options, stdout=asyncio.subprocess.DEVNULL)
    running = Redis(port)

    async def answers() -> bool:
        try:
            return (await running.say("PING"))[0] in {b"+PONG", b"-NOAUTH Authentication required."}
        except OSError:
            return False

    try:
        await until(answers, bool, every_s=0.01)
        yield running
    finally:
        process.kill()
        await process.wait()


async def test_facts_figures_and_their_change(tmp_path: Path) -> None:
    """Two looks tell what happens now; one look tells what happened ever."""
    async with redis(tmp_path, "--maxmemory", "10mb", "--maxmemory-policy", "allkeys-lru") as server:
        await server.say("SET a 1", "GET a", "GET b")
        probed = await server.asked()
    assert (probed.health, codes(probed)) == (Health.OK, [])
    assert stages(probed) == [("TCP", True), ("protocol", True), ("query", True), ("second query", True)]
    facts, figures = dict(probed.facts), dict(probed.figures)
    assert facts["Role"] == "primary"
    assert facts["Memory"].endswith("allkeys-lru")
    assert facts["Hits"] == "50 % since it began"
    assert figures["clients_limit"] == 10000
    assert figures["evicted_change"] == 0
    assert figures["rejected_change"] == 0
    assert 0 < figures["memory_percent"] < 50


async def test_a_target_of_little_time_is_looked_at_once(tmp_path: Path) -> None:
    """It says that the change was not looked at."""
    async with redis(tmp_path) as server:
        it = target(ProbeKind.REDIS, f"{own_host()}:{server.port}", timeout_s=4.0)
        probed = await ask(it, interval_s=5.0)
    assert probed.health is Health.OK
    assert dict(probed.facts)["Change"].startswith("not looked at")
    assert probed.took_ms is not None
    assert probed.took_ms < 4000


async def test_what_happens_between_the_looks_is_no_part_of_the_response_time(tmp_path: Path) -> None:
    """Whoever waits for an answer of Redis does not wait for the second look."""
    async with redis(tmp_path) as server:
        it = target(ProbeKind.REDIS, f"{own_host()}:{server.port}", slow_s=1.4)
        probed = await ask(it, interval_s=1.5)
    assert (probed.health, codes(probed)) == (Health.OK, [])
    assert probed.took_ms is not None
    assert probed.took_ms < 1400


async def test_one_that_wants_a_password_is_alive(tmp_path: Path) -> None:
    """NOAUTH is an answer."""
    async with redis(tmp_path, password=PASSWORD) as server:
        probed = await server.asked()
        assert (probed.health, codes(probed)) == (Health.DEGRADED, ["REDIS_NEEDS_PASSWORD"])
        assert "alive" in probed.troubles[0].words
        assert (await server.asked(PASSWORD)).health is Health.OK
        assert (await server.asked(f"default:{PASSWORD}")).health is Health.OK
        assert (await server.asked(f":{PASSWORD}")).health is Health.OK


async def test_a_password_that_is_refused_is_no_outage_and_not_repeated(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Our credential is not good; nothing of it is shown or logged."""
    caplog.set_level("DEBUG")
    async with redis(tmp_path, password=PASSWORD) as server:
        for secret in ("planted-wrong", "planted-user:planted-wrong"):
            probed = await server.asked(secret)
            assert (probed.health, codes(probed)) == (Health.DEGRADED, ["REDIS_PASSWORD_REFUSED"])
            assert "planted" not in repr(probed) + caplog.text


async def test_a_password_that_is_not_wanted_is_said(tmp_path: Path) -> None:
    """Anybody may do anything there."""
    async with redis(tmp_path) as server:
        probed = await server.asked(PASSWORD)
    assert (probed.health, codes(probed)) == (Health.OK, ["REDIS_PASSWORD_NOT_WANTED"])


async def test_a_user_that_may_not_ask_is_said_and_not_down(tmp_path: Path) -> None:
    """NOPERM is an answer, and what it hides is not zero."""
    async with redis(tmp_path) as server:
        await server.say(f"ACL SETUSER probe on >{PASSWORD} -@all +ping")
        probed = await server.asked(f"probe:{PASSWORD}")
    assert (probed.health, codes(probed)) == (Health.OK, ["REDIS_NOT_SEEN"])
    assert probed.troubles[0].severity is Severity.INFO
    assert probed.figures == ()


async def test_memory_that_is_full_and_never_evicted_is_critical(tmp_path: Path) -> None:
    """It refuses to write then, and reads on."""
    async with redis(tmp_path, "--maxmemory", "100kb", "--maxmemory-policy", "noeviction") as server:
        probed = await server.asked()
    assert (probed.health, codes(probed)) == (Health.DEGRADED, ["REDIS_MEMORY_FULL"])
    assert probed.troubles[0].severity is Severity.CRITICAL


async def test_no_connection_left_is_named(tmp_path: Path) -> None:
    """It takes the connection to say so."""
    async with redis(tmp_path, "--maxclients", "2") as server:
        held = [await asyncio.open_connection(own_host(), server.port) for _ in range(2)]
        for reader, writer in held:
            writer.write(b"PING\r\n")
            await reader.readline()
        probed = await server.asked()
        for _, writer in held:
            writer.transport.abort()
    assert (probed.health, codes(probed)) == (Health.FAILED, ["REDIS_CLIENTS_EXHAUSTED"])


async def test_one_that_cannot_save_refuses_to_write(tmp_path: Path) -> None:
    """MISCONF is an answer to PING, too; INFO tells the rest."""
    place = tmp_path / "data"
    place.mkdir()
    async with redis(place) as server:
        await server.say('CONFIG SET save "3600 1"', "SET a 1")
        shutil.rmtree(place)
        await server.say("BGSAVE")

        async def status() -> Probed:
            return await server.asked()

        probed = await until(status, lambda found: "REDIS_WRITES_REFUSED" in codes(found))
    assert probed.health is Health.DEGRADED
    assert codes(probed) == ["REDIS_WRITES_REFUSED", "REDIS_SAVE_FAILED"]


async def test_a_replica_without_its_primary_is_said(tmp_path: Path) -> None:
    """It serves old data, or none."""
    words = ("--replicaof", "127.0.0.1", "1", "--replica-serve-stale-data")
    async with redis(tmp_path, *words, "yes") as server:
        probed = await server.asked()
        assert (probed.health, codes(probed)) == (Health.DEGRADED, ["REDIS_MASTER_LINK_DOWN"])
        assert dict(probed.facts)["Role"] == "replica"
        await server.say("CONFIG SET replica-serve-stale-data no")
        probed = await server.asked()
        assert (probed.health, codes(probed)) == (Health.FAILED, ["REDIS_MASTER_DOWN", "REDIS_MASTER_LINK_DOWN"])


def answering(ping: bytes) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any]:
    """Return a Redis that gives one answer to everything."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(4096):
            writer.write(ping)

    return answer


@pytest.mark.parametrize(
    ("ping", "code", "health"),
    [
        (b"-LOADING Redis is loading the dataset in memory\r\n", "REDIS_LOADING", Health.FAILED),
        (b"-BUSY Redis is busy running a script.\r\n", "REDIS_BUSY", Health.FAILED),
        (b"-DENIED Redis is running in protected mode because\r\n", "REDIS_PROTECTED_MODE", Health.FAILED),
        (b"-ERR something that nobody knows\r\n", "REDIS_REFUSED", Health.DEGRADED),
    ],
)
async def test_every_refusal_means_something(ping: bytes, code: str, health: Health) -> None:
    """The server's own words stand beside ours."""
    async with served(answering(ping)) as port:
        probed = await ask(target(ProbeKind.REDIS, f"127.0.0.1:{port}"), interval_s=0.05)
    assert (probed.health, codes(probed)) == (health, [code])
    assert ping.decode().split()[1] in probed.troubles[0].words


@pytest.mark.parametrize(
    "words",
    [
        b"",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"+HELLO\r\n",
        b"x" * 200_000,
        b"$999999999\r\n",
        b"$-5\r\n",
        b"$10\r\nhalf",
        b"*1000000\r\n",
        b"\x00\xff\r\n",
    ],
)
async def test_what_is_no_redis_is_said(words: bytes) -> None:
    """Nothing of any length makes it wait or read on."""
    async with served(saying(words, after=b"PING\r\n")) as port:
        probed = await ask(target(ProbeKind.REDIS, f"127.0.0.1:{port}"))
    assert (probed.health, codes(probed)) == (Health.FAILED, ["NOT_REDIS"])
    assert len(probed.troubles[0].words) <= 240


async def test_a_password_is_not_said_to_what_is_no_redis() -> None:
    """PING comes first."""
    heard = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(4096))
        writer.write(b"220 mail.example.com ESMTP\r\n")
        heard.append(await reader.read(4096))

    async with served(listen) as port:
        it = target(ProbeKind.REDIS, f"127.0.0.1:{port}", secret_env="PW")
        probed = await ask(it, {"PW": PASSWORD})
        assert codes(probed) == ["NOT_REDIS"]
    assert PASSWORD.encode() not in b"".join(heard)


@pytest.mark.parametrize("before", range(60, 80, 4))
async def test_what_is_cut_does_not_halve_a_password(before: int) -> None:
    """Half of it would not be known for what it is."""

    async def repeat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        writer.write(b"+PONG\r\n")
        await reader.read(4096)
        writer.write(b"x" * before + b"planted-password\r\n")
        await silence(reader, writer)

    async with served(repeat) as port:
        it = target(ProbeKind.REDIS, f"127.0.0.1:{port}", secret_env="PW")
        probed = await ask(it, {"PW": "planted-password"})
    assert codes(probed) == ["NOT_REDIS"]
    assert "pla" not in repr(probed.troubles)


@pytest.mark.parametrize("looks", [0, 2], ids=["at first", "between the looks"])
async def test_one_that_falls_silent_is_bounded_and_what_was_seen_is_told(looks: int) -> None:
    """Each look has its own time."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for words in (b"+PONG\r\n", b"$15\r\nredis_version:7\r\n")[:looks]:
            await reader.read(4096)
            writer.write(words)
        await silence(reader, writer)

    async with served(answer) as port:
        probed = await ask(target(ProbeKind.REDIS, f"127.0.0.1:{port}", timeout_s=0.3), interval_s=0.05)
    assert (probed.health, codes(probed)) == (Health.FAILED, ["PROBE_TIMEOUT"])
    assert ("Version", "7") in probed.facts or not looks


async def test_tls_is_verified_for_the_name_before_a_password_is_said(authority: Authority) -> None:
    """The connection goes to the address, the certificate is for the name."""
    heard = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while words := await reader.read(4096):
            heard.append(words)
            writer.write(b"$15\r\nredis_version:7\r\n" if b"INFO" in words else b"+PONG\r\n")

    for context, health in (
        (authority.context("localhost"), Health.OK),
        (authority.context("other.example.com"), Health.FAILED),
    ):
        heard.clear()
        async with served(answer, tls=context) as port:
            it = target(ProbeKind.REDIS, f"localhost:{port}", tls=True, ca_file=authority.file, secret_env="PW")
            probed = await ask(it, {"PW": PASSWORD}, interval_s=0.05, resolve=names_at("127.0.0.1"))
        assert probed.health is health
        assert len(probed.certificates) == 1
        assert (PASSWORD.encode() in b"".join(heard)) is (health is Health.OK)


def told(before: str, after: str) -> Probed:
    asking = Asking(target(ProbeKind.REDIS, "cache:6379"), WallClock(), names_at())
    change = Change(Info.parse(before), Info.parse(after), 5.0)
    tell(asking, change.second, change)
    return asking.probed()


def test_what_grew_between_two_looks_is_told() -> None:
    """Evictions and connections that were turned away happen now, not some day."""
    probed = told(
        "evicted_keys:5\nrejected_connections:1\nkeyspace_hits:10\nkeyspace_misses:0\n",
        "evicted_keys:9\nrejected_connections:3\nkeyspace_hits:11\nkeyspace_misses:3\n",
    )
    assert codes(probed) == ["REDIS_CLIENTS_EXHAUSTED", "REDIS_EVICTING"]
    assert "2 connections within 5 s" in probed.troubles[0].words
    assert dict(probed.facts)["Hits"] == "25 % of 4 in 5 s"
    assert dict(probed.figures)["hit_percent"] == 25


def test_counters_that_began_anew_tell_nothing() -> None:
    """A restart is not a negative number."""
    probed = told("evicted_keys:5\n", "evicted_keys:0\n")
    assert codes(probed) == []
    assert "evicted_change" not in dict(probed.figures)


def test_clients_that_become_many_are_a_warning() -> None:
    """Ninety percent of maxclients."""
    assert codes(told("", "connected_clients:90\nmaxclients:100\n")) == ["REDIS_CLIENTS_HIGH"]
    assert codes(told("", "connected_clients:89\nmaxclients:100\n")) == []


_LINES = st.lists(
    st.tuples(
        st.sampled_from(("used_memory", "maxmemory", "connected_clients", "maxclients", "evicted_keys", "role", "x")),
        st.text(max_size=8) | st.integers().map(str) | st.sampled_from(("nan", "inf", "-1", "1e999", "slave", "")),
    )
)


@given(_LINES, _LINES)
def test_any_info_is_told_without_raising(before: list[tuple[str, str]], after: list[tuple[str, str]]) -> None:
    """A proxy in front of Redis may answer anything."""
    told(*("\n".join(f"{name}:{value}" for name, value in lines) for lines in (before, after)))
