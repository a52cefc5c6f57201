"""Keeps one PostgreSQL server running for as long as somebody holds its data folder.

This file is also run as a program of its own, in its own session, so that neither a Ctrl-C at the terminal nor the
sudden death of the process that asked for it leaves a server without an owner: every holder has a shared lock on one
file, the kernel drops it when the holder ends, and the keeper stops the server once it gets that lock for itself. A
server that dies is started again. What answers may still be the server of a keeper that was killed: only while the
keeper of now holds `SERVING` it is its own. Imports the standard library only.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

HOLDERS = "holders.lock"
KEEPER = "keeper.lock"
SERVING = "serving.lock"
DATABASE = "database"
LOG = "database.log"
SOCKET = ".s.PGSQL.5432"
SUPERUSER = "ragops"

LOG_LIMIT = 5 * 1024 * 1024
RETRY_DELAYS_S = (0.1, 0.4, 1.0)
STEADY_S = 5.0
STOP_S = 10.0
RESEND_S = 0.2

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_directories": ".",
    "unix_socket_permissions": "0700",
    "port": "5432",
    "shared_buffers": "16MB",
    "max_connections": "50",
    "max_wal_size": "128MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "huge_pages": "off",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}


@dataclass(frozen=True, slots=True)
class Order:
    """What to keep running: `account` is the user and group to run as, None for our own."""

    binaries: str
    folder: str
    account: tuple[int, int] | None
    settings: dict[str, str]
    link: str = ""

    def as_json(self) -> str:
        """Return the form that goes onto the keeper's command line."""
        return json.dumps(asdict(self))

    @classmethod
    def of_json(cls, text: str) -> Order:
        """Read what `as_json` wrote."""
        fields = json.loads(text)
        account = fields.pop("account")
        return cls(**fields, account=None if account is None else (account[0], account[1]))


class Keeper:
    """Owns the server process of one data folder."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._folder = Path(order.folder)
        self._database = self._folder / DATABASE
        self._postgres: subprocess.Popen[bytes] | None = None

    def run(self) -> int:
        """Start the server, wait until the last holder has left, stop it; 1 when it would not run."""
        wanted = {signal.SIGCHLD, signal.SIGTERM, signal.SIGUSR1}
        signal.pthread_sigmask(signal.SIG_BLOCK, wanted)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # the default, "ignore", may drop it although it is blocked
        threading.Thread(target=self._announce_last_holder, daemon=True).start()
        try:
            self._stop_leftover()
            self._initialise()
            with (self._folder / SERVING).open("ab") as serving:
                fcntl.flock(serving, fcntl.LOCK_EX)
                return self._serve(wanted)
        except (OSError, subprocess.SubprocessError) as error:
            sys.stderr.write(f"keeper: {error}\n")
            return 1
        finally:
            self._stop()
            self._remove_link()

    def _announce_last_holder(self) -> None:
        with (self._folder / HOLDERS).open("rb") as holders:
            fcntl.flock(holders, fcntl.LOCK_EX)
            os.kill(os.getpid(), signal.SIGUSR1)
            threading.Event().wait()  # keeps the lock until this process ends, so that nobody joins a stopping server

    def _serve(self, wanted: set[signal.Signals]) -> int:
        failures = 0
        started = self._launch()
        while True:
            if signal.sigwait(wanted) is not signal.SIGCHLD:
                return 0
            if self._postgres is None or self._postgres.poll() is None:
                continue
            failures = 0 if time.monotonic() - started > STEADY_S else failures
            if failures == len(RETRY_DELAYS_S):
                sys.stderr.write(f"keeper: the server ended {failures + 1} times in a row; giving up\n")
                return 1
            time.sleep(RETRY_DELAYS_S[failures])
            failures += 1
            started = self._launch()

    def _launch(self) -> float:
        options = [f"--{name}={value}" for name, value in {**SETTINGS, **self._order.settings}.items()]
        with self._named(self._database) as (name, descriptors):
            self._postgres = subprocess.Popen(  # noqa: S603  # the programs were found by us, the settings are ours
                [f"{self._order.binaries}/postgres", "-D", name, *options],
                stdin=subprocess.DEVNULL,
                **self._as_account(descriptors),
            )
        return time.monotonic()

    def _initialise(self) -> None:
        """Make the database in a folder aside and rename it, so that a half-made one is never used."""
        if (self._database / "PG_VERSION").exists():
            return
        new = self._folder / f"{DATABASE}.new"
        if new.exists():
            shutil.rmtree(new)
        new.mkdir(mode=0o700)
        if self._order.account is not None:
            os.chown(new, *self._order.account)
        with self._named(new) as (name, descriptors):
            command = [f"{self._order.binaries}/initdb", "-D", name, "--no-sync"]
            command += ["--encoding=UTF8", "--locale=C", "--auth=trust", f"--username={SUPERUSER}"]
            subprocess.run(  # noqa: S603  # the programs were found by us
                command,
                check=True,
                timeout=60,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                **self._as_account(descriptors),
            )
        new.rename(self._database)

    @contextlib.contextmanager
    def _named(self, folder: Path) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Yield a name of `folder` that works for the account, and the descriptors it needs.

        The account may not be able to walk to the folder (it lies below root's home, say). Rather than opening the
        folders above it to everybody, it is handed the folder itself, open.
        """
        if self._order.account is None or not Path("/proc/self/fd").exists():
            yield str(folder), ()
            return
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            yield f"/proc/self/fd/{descriptor}", (descriptor,)
        finally:
            os.close(descriptor)

    def _as_account(self, descriptors: tuple[int, ...]) -> dict[str, Any]:
        common: dict[str, Any] = {"cwd": "/", "env": {"LC_ALL": "C", "TZ": "UTC"}, "pass_fds": descriptors}
        if self._order.account is None:
            return common
        user, group = self._order.account
        return {**common, "user": user, "group": group, "extra_groups": []}

    def _stop_leftover(self) -> None:
        """Stop a server whose keeper was killed. Its socket lies in a folder only it can write, so the pid is true."""
        deadline, answered = time.monotonic() + STOP_S, False
        while time.monotonic() < deadline:
            if self._answers():
                answered = True
                with contextlib.suppress(OSError, ValueError):
                    os.kill(self._locked_by(), signal.SIGINT)
            elif not (answered and "postgres" in self._lock_holder()):
                break  # it is gone, not only deaf: a new one would find its lock
            time.sleep(0.05)
        self._forget_stale_lock()

    def _forget_stale_lock(self) -> None:
        """Remove the lock file of a server that is no more, when its number belongs to another program by now.

        The server itself cannot tell such a program of the same user from a server, and would refuse to start. That no
        other server runs here is sure: nobody answers, and only the holder of the keeper's lock starts one.
        """
        holder = self._lock_holder()
        if holder and "postgres" not in holder and not self._answers():
            (self._database / "postmaster.pid").unlink(missing_ok=True)

    def _locked_by(self) -> int:
        return int((self._database / "postmaster.pid").read_text().split("\n", 1)[0])

    def _lock_holder(self) -> str:
        """Return the name of the program whose number stands in the lock file; empty when none is known."""
        try:
            return Path(f"/proc/{self._locked_by()}/comm").read_text()
        except (OSError, ValueError):
            return ""

    def _answers(self) -> bool:
        if not self._database.exists():
            return False
        os.chdir(self._database)  # the path may be longer than a socket's address
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(1)
            return probe.connect_ex(SOCKET) == 0

    def _stop(self) -> None:
        """Stop quickly (roll back what is open), then harder."""
        if self._postgres is None:
            return
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            deadline = time.monotonic() + STOP_S
            while time.monotonic() < deadline:
                if self._postgres.poll() is not None:
                    return
                self._postgres.send_signal(number)  # again and again: one that is only just starting does not hear it
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._postgres.wait(RESEND_S)

    def _remove_link(self) -> None:
        link = Path(self._order.link) if self._order.link else None
        if link is not None and link.is_symlink():
            link.unlink()


def main() -> None:
    """Leave the caller's session, then keep the server."""
    order = Order.of_json(sys.argv[1])
    if os.fork():
        os._exit(0)
    os.setsid()
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.exit(Keeper(order).run())


if __name__ == "__main__":
    main()
