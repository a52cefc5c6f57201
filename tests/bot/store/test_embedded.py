from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from urllib.parse import unquote

import psycopg
import pytest

from bot.errors import StoreRefused, StoreUnavailable
from bot.store import embedded as starting
from bot.store import keeper
from bot.store.audit import GENESIS
from bot.store.embedded import EmbeddedServer, embedded
from bot.store.store import PostgresStore
from tests.support.waiting import until

FAST = {"fsync": "off"}
ROOT = Path(__file__).parents[3]

# A process that holds the server of a data folder until its input ends.
HOLDER = """
import asyncio, sys
from pathlib import Path
from bot.store.audit import GENESIS
from bot.store.embedded import EmbeddedServer

async def main():
    server = await EmbeddedServer.start(Path(sys.argv[1]), settings={"fsync": "off"})
    print(server.url, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await server.stop()

asyncio.run(main())
"""

Hold = Callable[[Path], "subprocess.Popen[str]"]


@pytest.fixture
def hold() -> Iterator[Hold]:
    """Start another process that holds the server, and wait until it does."""
    started: list[subprocess.Popen[str]] = []

    def start(folder: Path, *prefix: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(  # noqa: S603  # our own interpreter and script
            [*prefix, sys.executable, "-c", HOLDER, str(folder)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline().startswith("postgresql://")
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
async def folder(tmp_path: Path) -> AsyncIterator[Path]:
    """A data folder whose server is gone after the test."""
    yield tmp_path / "data"
    await _until(lambda: is_gone(tmp_path / "data"))


def postmaster(folder: Path) -> int:
    """The process id of the server."""
    return int((folder / keeper.DATABASE / "postmaster.pid").read_text().split("\n", 1)[0])


def left_alone(folder: Path, hold: Hold) -> int:
    """Kill whoever held the server, and its keeper; return the process id of the server that they leave behind."""
    process = hold(folder)
    leftover = postmaster(folder)
    os.kill(ps("ppid", leftover), signal.SIGKILL)
    process.kill()
    process.wait()
    return leftover


def ps(field: str, pid: int) -> int:
    """What the system says of a process."""
    command = ["ps", "-o", f"{field}=", "-p", str(pid)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)  # noqa: S603  # fixed words


def is_link(path: str) -> bool:
    return Path(path).is_symlink()


def is_gone(folder: Path) -> bool:
    """Neither a server nor a keeper is left."""
    if not (folder / keeper.KEEPER).exists():
        return True
    with (folder / keeper.KEEPER).open("rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return not (folder / keeper.DATABASE / "postmaster.pid").exists()


async def _until(holds: Callable[[], bool], within_s: float = 60.0) -> None:
    async with asyncio.timeout(within_s):
        while not holds():  # noqa: ASYNC110  # other processes set no event of ours
            await asyncio.sleep(0.02)


def ask(url: str, question: str) -> str:
    with psycopg.connect(url) as connection:
        row = connection.execute(question.encode()).fetchone()
    assert row is not None
    return str(row[0])


async def test_a_server_starts_keeps_its_data_and_stops(folder: Path) -> None:
    """What was written is there at the next start; in between nothing runs."""
    server = await EmbeddedServer.start(folder, settings=FAST)
    with psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    await server.stop()
    assert is_gone(folder)
    async with embedded(folder) as url:
        assert ask(url, "SELECT answer FROM kept") == "42"
    assert is_gone(folder)


async def test_stopping_twice_is_stopping_once(folder: Path) -> None:
    """A second stop does nothing."""
    server = await EmbeddedServer.start(folder, settings=FAST)
    await server.stop()
    await server.stop()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A server with its default settings, to look at."""
    folder = tmp_path_factory.mktemp("running") / "data"
    server = asyncio.run(EmbeddedServer.start(folder))
    yield server.url, folder
    asyncio.run(server.stop())


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        pytest.param("SHOW listen_addresses", "", id="no network"),
        pytest.param("SHOW unix_socket_permissions", "0700", id="a private socket"),
        pytest.param("SHOW server_encoding", "UTF8", id="any text"),
        pytest.param("SELECT datcollate FROM pg_database WHERE datname = 'postgres'", "C", id="ordered by bytes"),
        pytest.param("SHOW fsync", "on", id="a commit is on disk"),
        pytest.param("SHOW synchronous_commit", "on", id="and is waited for"),
    ],
)
def test_the_server_is_set_up_for_us(running: tuple[str, Path], question: str, answer: str) -> None:
    """Whatever the machine's language and network."""
    assert ask(running[0], question) == answer


def test_only_the_owner_gets_to_the_files(running: tuple[str, Path]) -> None:
    """The data folder is private; the folders above it stay as they were."""
    folder = running[1]
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / keeper.DATABASE, folder / keeper.LOG)]
    assert modes == [0o700, 0o700, 0o600]
    assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_root_runs_it_as_another_user(running: tuple[str, Path]) -> None:
    """PostgreSQL refuses root; it gets a user that exists already, and a folder it could not walk to."""
    folder = running[1]
    owner = ps("uid", postmaster(folder))
    assert owner != 0
    assert (folder / keeper.DATABASE).stat().st_uid == owner


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("setpriv") is None, reason="needs root and setpriv")
async def test_an_ordinary_user_runs_it_as_themselves(
    tmp_path: Path, hold: Callable[..., subprocess.Popen[str]]
) -> None:
    """Everything belongs to the one who started it."""
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, 65534, 65534)
    folder = home / "data"
    # The one capability lets the user reach an interpreter and a temporary folder that may lie in root's own folders.
    ordinary = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    reaching = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
    process = hold(folder, *ordinary, *reaching)
    assert process.poll() is None
    assert folder.stat().st_uid == 65534
    assert (folder / keeper.DATABASE).stat().st_uid == 65534
    assert stat.S_IMODE((folder / keeper.DATABASE).stat().st_mode) == 0o700
    process.communicate()
    await _until(lambda: is_gone(folder))


async def test_starts_at_once_share_one_server(folder: Path) -> None:
    """Whoever comes second joins, also during the very first start."""
    servers = await asyncio.gather(*(EmbeddedServer.start(folder, settings=FAST) for _ in range(4)))
    started = {ask(server.url, "SELECT pg_postmaster_start_time()") for server in servers}
    assert len(started) == 1
    for server in servers[:-1]:
        await server.stop()
    assert ask(servers[-1].url, "SELECT 1") == "1"
    await servers[-1].stop()
    assert is_gone(folder)


async def test_the_last_process_to_leave_stops_it(folder: Path, hold: Hold) -> None:
    """The one that started it may leave first."""
    first = hold(folder)
    async with embedded(folder) as url:
        first.communicate()
        assert first.returncode == 0
        assert ask(url, "SELECT 1") == "1"
    assert is_gone(folder)


async def test_a_killed_owner_leaves_no_server(folder: Path, hold: Hold) -> None:
    """Even a death that leaves no time for anything."""
    process = hold(folder)
    pid = postmaster(folder)
    process.send_signal(signal.SIGKILL)
    process.wait()
    await _until(lambda: is_gone(folder))
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_an_interrupt_at_the_terminal_does_not_reach_the_server(folder: Path, hold: Hold) -> None:
    """Ctrl-C goes to the whole foreground group; who shares the server goes on."""
    process = hold(folder)
    async with embedded(folder) as url:
        assert os.getsid(postmaster(folder)) not in {os.getsid(process.pid), os.getsid(0)}
        os.killpg(process.pid, signal.SIGINT)
        process.communicate()
        assert ask(url, "SELECT 1") == "1"


async def test_a_server_whose_keeper_was_killed_too_is_replaced(folder: Path, hold: Hold) -> None:
    """The next start stops the leftover, keeps its data, and is in charge again."""
    leftover = left_alone(folder, hold)
    async with embedded(folder) as url:
        assert ask(url, "SELECT 1") == "1"
        assert postmaster(folder) != leftover
    assert is_gone(folder)


async def test_a_leftover_server_is_not_taken_for_the_new_one(
    folder: Path, hold: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It answers until the new keeper stops it: who joins meanwhile waits."""
    leftover = left_alone(folder, hold)
    launch = starting._launch

    def late(order: keeper.Order, lock: int) -> None:
        time.sleep(0.5)
        launch(order, lock)
        os.close(lock)

    def later(order: keeper.Order, lock: int) -> None:
        threading.Thread(target=late, args=(order, os.dup(lock))).start()

    monkeypatch.setattr(starting, "_launch", later)
    async with embedded(folder) as url:
        assert postmaster(folder) != leftover
        assert ask(url, "SELECT 1") == "1"


async def test_a_stale_pid_file_does_not_stop_a_start(folder: Path) -> None:
    """As after a power failure, when its number belongs to somebody else by now."""
    await (await EmbeddedServer.start(folder, settings=FAST)).stop()
    database = folder / keeper.DATABASE
    (database / "postmaster.pid").write_text(f"{os.getpid()}\n{database}\n1\n5432\n.\n\n  1  1\nready\n")
    async with embedded(folder) as url:
        assert ask(url, "SELECT 1") == "1"


async def test_a_half_made_database_is_made_anew(folder: Path) -> None:
    """As after a crash in the middle of the first start."""
    (folder / f"{keeper.DATABASE}.new" / "base").mkdir(parents=True)
    async with embedded(folder) as url:
        assert ask(url, "SELECT 1") == "1"
    assert not (folder / f"{keeper.DATABASE}.new").exists()


async def test_a_store_survives_the_death_of_its_server(folder: Path) -> None:
    """The keeper starts it again, and the pool connects again."""
    async with embedded(folder) as url, await PostgresStore.open(url) as store:
        await store.ping()
        killed = postmaster(folder)
        os.kill(killed, signal.SIGKILL)

        async def head() -> str:
            # The killed one's children answer for a moment more.
            with contextlib.suppress(StoreUnavailable, OSError, ValueError):
                return await store.audit_trail.head() if postmaster(folder) != killed else ""
            return ""

        assert await until(head, bool) == f"0:{GENESIS.hex()}"


async def test_a_server_that_does_not_start_tells_why(folder: Path) -> None:
    """The error holds the end of the log and the next step."""
    with pytest.raises(StoreUnavailable, match="max_connections") as caught:
        await EmbeddedServer.start(folder, settings={"max_connections": "many"})
    assert keeper.LOG in caught.value.advice
    async with embedded(folder) as url:
        assert ask(url, "SELECT 1") == "1"


async def test_a_data_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    """The folder is named, and what can be done."""
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match="cannot be used"):
        await EmbeddedServer.start(tmp_path / "file" / "data")


async def test_a_database_of_another_version_is_refused(folder: Path) -> None:
    """It is neither converted nor thrown away."""
    (folder / keeper.DATABASE).mkdir(parents=True)
    (folder / keeper.DATABASE / "PG_VERSION").write_text("9\n")
    with pytest.raises(StoreRefused, match="made by PostgreSQL 9"):
        await EmbeddedServer.start(folder)


async def test_a_long_path_gets_a_short_name(tmp_path: Path) -> None:
    """A socket's address holds about 100 bytes; the name is gone when the server is."""
    folder = tmp_path / ("long-" * 20) / "data"
    async with embedded(folder) as url:
        assert ask(url, "SELECT 1") == "1"
        (link,) = [part.split("=")[1] for part in url.split("?")[1].split("&") if part.startswith("host=")]
        assert len(link) < 100
        assert is_link(unquote(link))
    assert not is_link(unquote(link))


SYSTEM = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))


@pytest.mark.skipif(not SYSTEM, reason="no other PostgreSQL is installed")
async def test_another_postgresql_can_be_used(folder: Path) -> None:
    """An older server takes the migrations and serves the store."""
    async with embedded(folder, pg_bin=SYSTEM[0].parent) as url, await PostgresStore.open(url) as store:
        await store.ping()
        assert await store.inbox.claim(lease_s=1) is None
        assert await store.outbox.claim(lease_s=1) is None
        await store.purge()


async def test_starting_takes_well_under_a_second_once_made(folder: Path) -> None:
    """Measured loosely, and several times: the machine may be busy."""
    await (await EmbeddedServer.start(folder, settings=FAST)).stop()

    async def is_quick() -> bool:
        started = time.monotonic()
        server = await EmbeddedServer.start(folder, settings=FAST)
        took = time.monotonic() - started
        await server.stop()
        return took < 3

    for _ in range(4):
        if await is_quick():
            return
    assert await is_quick()
