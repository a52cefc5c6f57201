"""Runs a PostgreSQL of our own in a data folder, for when no database is given.

Several processes may start it at once: they share one server, and the last to leave stops it. Ending in any way counts
as leaving (see `bot.store.keeper`). It listens on a Unix socket inside a folder of mode 0700 and trusts whoever gets
there; no other machine can reach it.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg

from bot.errors import StoreRefused, StoreUnavailable
from bot.redaction import redact
from bot.store import binaries, keeper

START_S = 30.0
STOP_S = 30.0
POLL_S = 0.02
LONGEST_SOCKET_PATH = 100
LOG_LINES = 8


class EmbeddedServer:
    """A share in the server of one data folder."""

    def __init__(self, data_folder: Path, link: Path, holder: int) -> None:
        self._folder = data_folder
        self._holder: int | None = holder
        self.url = f"postgresql://{keeper.SUPERUSER}@/postgres?host={quote(str(link), safe='')}&port=5432"

    @classmethod
    async def start(
        cls, data_folder: Path, *, pg_bin: Path | None = None, settings: Mapping[str, str] | None = None
    ) -> EmbeddedServer:
        """Start the server of `data_folder`, or join the one that runs.

        `pg_bin` is a folder with `initdb` and `postgres` to use instead of the installed package; `settings` are server
        settings, used by whoever starts it. Raises `StoreUnavailable` with the end of the server's log.
        """
        order = await asyncio.to_thread(_prepare, data_folder, pg_bin, dict(settings or {}))
        folder = Path(order.folder)
        log_size = _size(folder / keeper.LOG)
        deadline = time.monotonic() + START_S
        holder = await _join(folder, deadline)
        server = cls(folder, Path(order.link or folder / keeper.DATABASE), holder)
        try:
            await server._until_ready(order, deadline, log_size)
        except BaseException:
            await server.stop()
            raise
        return server

    async def stop(self) -> None:
        """Leave. The last one to leave waits until the server has stopped. Does nothing the second time."""
        if self._holder is None:
            return
        holder, self._holder = self._holder, None
        os.close(holder)
        deadline = time.monotonic() + STOP_S
        while time.monotonic() < deadline:
            await asyncio.sleep(POLL_S)
            if self._is_shared() or self._keeper_is_gone():
                return

    def _is_shared(self) -> bool:
        """Tell whether others hold on to the server: neither free for us alone nor taken by the keeper."""
        with _opened(self._folder / keeper.HOLDERS) as descriptor:
            if not _locked(descriptor, fcntl.LOCK_SH):
                return False
            return not _locked(descriptor, fcntl.LOCK_EX)

    def _keeper_is_gone(self) -> bool:
        with _opened(self._folder / keeper.KEEPER) as descriptor:
            return _locked(descriptor, fcntl.LOCK_EX)

    def _is_served(self) -> bool:
        """Tell whether what answers is a keeper's own: not a leftover that it is about to stop."""
        with _opened(self._folder / keeper.SERVING) as descriptor:
            return not _locked(descriptor, fcntl.LOCK_SH)

    async def _until_ready(self, order: keeper.Order, deadline: float, log_size: int) -> None:
        launched = False
        problem = "no answer"
        while time.monotonic() < deadline:
            with _opened(self._folder / keeper.KEEPER) as descriptor:
                if _locked(descriptor, fcntl.LOCK_EX):
                    if launched:
                        break
                    await asyncio.to_thread(_launch, order, descriptor)
                    launched = True
            if self._is_served():
                try:
                    async with await psycopg.AsyncConnection.connect(self.url, connect_timeout=5):
                        return
                except psycopg.OperationalError as error:
                    problem = str(error).strip()
            await asyncio.sleep(POLL_S)
        log = _tail(self._folder / keeper.LOG, log_size)
        raise StoreUnavailable(
            f"The embedded PostgreSQL in {self._folder} did not start ({order.binaries}).\n{log or redact(problem)}",
            advice=f"Mend what the log {self._folder / keeper.LOG} names, or set DATABASE_URL.",
        )


@asynccontextmanager
async def embedded(data_folder: Path, *, pg_bin: Path | None = None) -> AsyncIterator[str]:
    """Hold the server of `data_folder` and yield its URL."""
    server = await EmbeddedServer.start(data_folder, pg_bin=pg_bin)
    try:
        yield server.url
    finally:
        await server.stop()


def _prepare(data_folder: Path, pg_bin: Path | None, settings: dict[str, str]) -> keeper.Order:
    """Make the data folder and decide what to run, and as whom."""
    folder = data_folder.absolute()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / keeper.HOLDERS).touch(mode=0o600)
    except OSError as error:
        raise StoreUnavailable(
            f"The data folder {folder} cannot be used ({error.strerror}).",
            advice="Name a data folder that this user can write, or set DATABASE_URL.",
        ) from error
    programs = binaries.find(pg_bin)
    database = folder / keeper.DATABASE
    _check_version(database, programs)
    account = binaries.choose_account(folder, database)
    if account is not None and not binaries.reachable(programs):
        programs = binaries.copied(programs)
    link = _short_name(database) if len(os.fsencode(database / keeper.SOCKET)) > LONGEST_SOCKET_PATH else ""
    return keeper.Order(str(programs), str(folder), account, settings, link)


def _check_version(database: Path, programs: Path) -> None:
    try:
        made_by = int((database / "PG_VERSION").read_text(encoding="ascii"))
    except FileNotFoundError:
        return
    major = binaries.major_version(programs)
    if made_by != major:
        raise StoreRefused(
            f"The database in {database} was made by PostgreSQL {made_by}, and {programs} is PostgreSQL {major}.",
            advice="Move it with pg_dump and psql, or name the programs of the version that made it.",
        )


def _short_name(database: Path) -> str:
    """Return a symbolic link to `database` that fits into a socket's address. Only its owner can have made it."""
    digest = hashlib.sha256(os.fsencode(database)).hexdigest()[:12]
    links = [Path(place) / f"ragops-{os.geteuid()}-{digest}" for place in (tempfile.gettempdir(), "/tmp")]  # noqa: S108  # checked to be ours below
    link = next((it for it in links if len(os.fsencode(it / keeper.SOCKET)) <= LONGEST_SOCKET_PATH), links[-1])
    with contextlib.suppress(FileExistsError):
        link.symlink_to(database)
    if link.lstat().st_uid != os.geteuid() or link.readlink() != database:
        raise StoreUnavailable(f"{link} belongs to somebody else.", advice="Name a data folder with a shorter path.")
    return str(link)


async def _join(folder: Path, deadline: float) -> int:
    """Take a share of the holders' lock; wait while a keeper is stopping the server."""
    descriptor = os.open(folder / keeper.HOLDERS, os.O_RDWR | os.O_CREAT, 0o600)
    while not _locked(descriptor, fcntl.LOCK_SH):
        if time.monotonic() > deadline:
            os.close(descriptor)
            raise StoreUnavailable(f"The embedded PostgreSQL in {folder} is still stopping.")
        await asyncio.sleep(POLL_S)
    return descriptor


def _launch(order: keeper.Order, lock: int) -> None:
    """Start a keeper; it inherits the lock that says that it is there."""
    log = Path(order.folder) / keeper.LOG
    if _size(log) > keeper.LOG_LIMIT:
        log.replace(log.with_suffix(".log.1"))
    log.touch(mode=0o600)
    with log.open("ab") as output:
        subprocess.run(  # noqa: S603  # our own interpreter, our own file
            [sys.executable, "-I", "-S", str(Path(keeper.__file__)), order.as_json()],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=(lock,),
            start_new_session=True,
            timeout=START_S,
            check=True,
        )


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _locked(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _tail(log: Path, since: int) -> str:
    """Return the last lines that were written after the first `since` bytes."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(min(since, _size(log)) if _size(log) >= since else 0)
        lines = file.read().decode(errors="replace").splitlines()
    return redact("\n".join(lines[-LOG_LINES:]))
