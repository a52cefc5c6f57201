"""The way to a target: its name, its addresses, a TCP connection to each. Every kind of target begins with it."""

from __future__ import annotations

import asyncio
import errno
import socket
import time
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address

from bot.domain.findings import Severity
from bot.domain.text import count
from bot.domain.watch.probes import Health
from bot.probes.asking import Asking, Stopped, misconfigured
from bot.probes.guard import refusal

MOST_ADDRESSES = 4
_NOT_FROM_HERE = frozenset({errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})
"""This machine has no way to addresses of that family: nothing that the target could mend."""


class SystemResolver:
    """Asks the system's resolver in threads of its own: one that hangs cannot be stopped, and must hold up nobody."""

    def __init__(self, threads: int = 8) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="probes-dns")

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """Return the addresses of a host, each once. Raises OSError or UnicodeError."""
        found = await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        )
        return tuple(dict.fromkeys(str(place[0]) for *_, place in found))


@dataclass(slots=True)
class Door:
    """A TCP connection to one address."""

    address: str
    port: int
    socket: socket.socket

    def close(self) -> None:
        """Let go of it; does nothing the second time, nor when a stream has taken it over and closed it."""
        self.socket.close()


@dataclass(frozen=True, slots=True)
class _Knocked:
    """What came of one address. `theirs`: it is not for this machine alone that there is no connection."""

    address: str
    took_ms: float
    problem: str = ""
    theirs: bool = True


def split_address(address: str, default_port: int = 0) -> tuple[str, int]:
    """Read `host:port`, `[v6]:port`, or a host alone where there is a usual port."""
    host, colon, digits = address.rpartition(":")
    if not colon or digits.endswith("]"):
        host, digits = address, str(default_port)
    elif ":" in host and not host.startswith("["):
        host, digits = address, str(default_port)  # a bare IPv6 address
    host = host.removeprefix("[").removesuffix("]")
    if not host or not digits.isdecimal() or not 0 < int(digits[:6]) < 65536:
        raise misconfigured("The address is not of the form host:port.")
    return host, int(digits)


async def find(asking: Asking, host: str, port: int) -> tuple[str, ...]:
    """Return the addresses of a host, every one of them checked."""
    addresses: Sequence[str] = (host,)
    if not _is_address(host):
        with asking.stage("DNS") as step:
            addresses = await _resolved(asking, host, port)
            step.words = count(len(addresses), "address", "addresses")
    for address in addresses:
        if reason := refusal(address):
            raise Stopped(
                "PROBE_ADDRESS_FORBIDDEN",
                f"{host} is at {address}: {reason}. Such addresses are never asked.",
                advice="Correct the target's address, or find out who points its name there.",
                severity=Severity.WARNING,
                health=Health.UNKNOWN,
            )
    return tuple(addresses[:MOST_ADDRESSES])


@asynccontextmanager
async def knock(asking: Asking, addresses: Sequence[str], port: int) -> AsyncIterator[Sequence[Door]]:
    """Connect to every address at once and yield the connections in the addresses' order, at least one.

    Of several addresses none is waited for longer than half of the target's time. That some do not answer is a trouble.
    """
    limit_s = asking.target.timeout_s * (1.0 if len(addresses) == 1 else 0.5)
    opened: list[Door] = []
    asking.waiting_at, began = "TCP", time.monotonic()
    try:
        try:
            async with asyncio.TaskGroup() as group:
                knocks = [group.create_task(_knock(address, port, limit_s, opened)) for address in addresses]
        except BaseException:
            asking.passed("TCP", began, ok=False, words="no answer")
            raise
        _tell(asking, port, [each.result() for each in knocks])
        yield sorted(opened, key=lambda door: addresses.index(door.address))
    finally:
        for door in opened:
            door.close()


async def connected(address: str, port: int) -> Door:
    """Connect to one address that was checked. Raises OSError."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    bare = socket.socket(family, socket.SOCK_STREAM)
    try:
        bare.setblocking(False)
        await asyncio.get_running_loop().sock_connect(bare, (address, port))
    except BaseException:
        bare.close()
        raise
    return Door(address, port, bare)


def reason_of(error: OSError) -> str:
    """Say in a few words why there is no connection; no part of it is a text of the target."""
    match error:
        case ConnectionRefusedError():
            return "refused"
        case ConnectionError():
            return "closed by the other side"
        case TimeoutError():
            return "no answer in time"
        case _:
            return (error.strerror or type(error).__name__).lower()


async def _resolved(asking: Asking, host: str, port: int) -> Sequence[str]:
    try:
        addresses = await asking.resolve(host, port)
    except (OSError, UnicodeError) as error:
        again = isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN
        words = "no name server answers" if again else "the name is not known"
        raise Stopped(
            "PROBE_DNS",
            f"{host} cannot be looked up: {words}.",
            advice="Compare the name with the Service's, and look at the cluster's DNS.",
        ) from error
    if not addresses:
        raise Stopped("PROBE_DNS", f"{host} has no address.")
    return addresses


async def _knock(address: str, port: int, limit_s: float, opened: list[Door]) -> _Knocked:
    began = time.monotonic()
    problem, theirs = "", True
    try:
        async with asyncio.timeout(limit_s):
            opened.append(await connected(address, port))
    except OSError as error:  # TimeoutError is one
        problem, theirs = reason_of(error), error.errno not in _NOT_FROM_HERE
    return _Knocked(address, (time.monotonic() - began) * 1000, problem, theirs)


def _tell(asking: Asking, port: int, knocked: Sequence[_Knocked]) -> None:
    several = len(knocked) > 1
    for each in knocked:
        words = ": ".join(filter(None, (each.address if several else "", each.problem)))
        asking.note_stage("TCP", each.took_ms, ok=not each.problem, words=words)
    silent = [each for each in knocked if each.problem]
    if len(silent) == len(knocked):
        reasons = "; ".join(dict.fromkeys(each.problem for each in silent))
        late = all(each.problem == reason_of(TimeoutError()) for each in silent)
        raise Stopped(
            "PROBE_TIMEOUT" if late else "PROBE_CONNECT",
            f"No connection to port {port} ({reasons}).",
            advice="Look at its pods and endpoints; where they are well, at network policies.",
        )
    missing = [each for each in silent if each.theirs and not ip_address(each.address).is_loopback]
    if missing:
        said = "; ".join(f"{each.address} {each.problem}" for each in missing)
        asking.trouble(
            "PROBE_ADDRESS_DOWN",
            Severity.WARNING,
            f"{len(missing)} of its {len(knocked)} addresses cannot be reached: {said}.",
            advice="Some of those who use it will fail. Take the address out, or repair what is behind it.",
        )


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
