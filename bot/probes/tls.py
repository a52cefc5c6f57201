"""TLS on the way: a handshake that verifies, and where that fails, a second one to see what is served all the same."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from bot.domain.findings import Severity
from bot.domain.watch.probes import Health, ServedCertificate
from bot.probes.asking import Asking, Stopped, misconfigured
from bot.probes.certificates import (
    TRUSTED,
    Flaw,
    Mistrust,
    Unreadable,
    days_left,
    flaws,
    read_certificate,
    summary,
    untrusted,
)
from bot.probes.way import Door, connected, reason_of


@dataclass(frozen=True, slots=True)
class _Shaken:
    """What came of one address: a certificate and what speaks against it, or why there is none."""

    address: str
    took_ms: float
    served: ServedCertificate | None = None
    mistrust: Mistrust = TRUSTED
    problem: str = ""


def trusting(ca_file: str) -> ssl.SSLContext:
    """Return a context that verifies everything, by the system's authorities or by those of a file."""
    try:
        changed = Path(ca_file).stat().st_mtime_ns if ca_file else 0
        return _trusting(ca_file, changed)
    except OSError as error:  # also ssl.SSLError, for a file that holds no certificate
        raise misconfigured("The file with the authorities to trust (ca_file) cannot be read.") from error


async def shake(
    asking: Asking,
    doors: Sequence[Door],
    host: str,
    *,
    ca_file: str,
    verify: bool = True,
    reopened: Callable[[str, int], Awaitable[Door]] = connected,
) -> Sequence[str]:
    """Speak TLS through every door, which ends its connection; return the addresses whose certificate can be trusted.

    What is wrong is said. Without `verify` the certificate is read and only its end is judged. `reopened` makes a
    second connection that is ready for TLS. Raises `Stopped` where no TLS is spoken at all.
    """
    context = trusting(ca_file) if verify else _seeing()
    asking.waiting_at, began = "TLS", time.monotonic()
    try:
        async with asyncio.TaskGroup() as group:
            shakes = [group.create_task(_shake(door, host, context, reopened)) for door in doors]
    except BaseException:
        asking.passed("TLS", began, ok=False, words="no answer")
        raise
    return _tell(asking, [each.result() for each in shakes], host)


@lru_cache(maxsize=64)
def _trusting(ca_file: str, _changed: int) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca_file or None)


@lru_cache(maxsize=1)
def _seeing() -> ssl.SSLContext:
    """Return a context to look at a certificate with. Nothing is ever sent through what it opens."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def _shake(
    door: Door, host: str, context: ssl.SSLContext, reopened: Callable[[str, int], Awaitable[Door]]
) -> _Shaken:
    began = time.monotonic()
    der, mistrust, problem = b"", TRUSTED, ""
    try:
        der = await _leaf(door, host, context)
    except ssl.SSLCertVerificationError as error:
        mistrust = Mistrust(error.verify_code or -1, error.verify_message or "verification failed")
    except ssl.SSLError as error:
        problem = f"no TLS is spoken ({(error.reason or 'unknown').replace('_', ' ').lower()})"
    except OSError as error:
        problem = reason_of(error)
    took_ms = (time.monotonic() - began) * 1000
    try:
        if mistrust.code:
            der = await _leaf(await reopened(door.address, door.port), host, _seeing())
        served = read_certificate(der, address=door.address, problem=mistrust.words) if der else None
    except (Unreadable, OSError):
        served = None
    return _Shaken(door.address, took_ms, served, mistrust, problem)


async def _leaf(door: Door, host: str, context: ssl.SSLContext) -> bytes:
    """Return the certificate that is served, as DER. Raises OSError; `ssl.SSLError` is one."""
    try:
        _, writer = await asyncio.open_connection(sock=door.socket, ssl=context, server_hostname=host)
    except BaseException:
        door.close()
        raise
    try:
        return writer.get_extra_info("ssl_object").getpeercert(binary_form=True) or b""
    finally:
        writer.transport.abort()


def _tell(asking: Asking, shaken: Sequence[_Shaken], host: str) -> Sequence[str]:
    now = asking.clock.now()
    trusted = [each.address for each in shaken if not each.problem and not each.mistrust.code]
    found: dict[tuple[str, str], Flaw] = {}
    for each in shaken:
        words = each.problem or each.mistrust.words
        told = f"{each.address}: {words}" if words and len(shaken) > 1 else words
        asking.note_stage("TLS", each.took_ms, ok=not words, words=told)
        wrong: Sequence[Flaw] = (untrusted(host, each.mistrust),) if each.mistrust.code else ()
        if each.served is not None:
            asking.certificate(each.served)
            wrong = flaws(each.served, host, each.mistrust, now)
        found |= {(flaw.code, flaw.words): flaw for flaw in wrong}
    for flaw in found.values():
        asking.trouble(
            flaw.code, flaw.severity, flaw.words, advice=flaw.advice, health=None if trusted else Health.FAILED
        )
    _say_the_first_to_end(asking, shaken, now)
    _tell_silent(asking, shaken, host)
    return trusted


def _say_the_first_to_end(asking: Asking, shaken: Sequence[_Shaken], now: datetime) -> None:
    served = [each.served for each in shaken if each.served is not None]
    if served:
        first = min(served, key=lambda one: one.not_after)
        asking.fact("Certificate", summary(first, now))
        asking.figure("certificate_days", days_left(first, now))


def _tell_silent(asking: Asking, shaken: Sequence[_Shaken], host: str) -> None:
    """Say where no TLS is spoken; raise where that is so at every address."""
    silent = [each for each in shaken if each.problem]
    reasons = "; ".join(dict.fromkeys(each.problem for each in silent))
    if len(silent) == len(shaken):
        raise Stopped(
            "PROBE_TLS",
            f"No TLS with {host} ({reasons}).",
            advice="Check the port, and whether TLS is served there at all.",
        )
    if silent:
        where = ", ".join(each.address for each in silent)
        asking.trouble("PROBE_TLS", Severity.WARNING, f"No TLS with {where} ({reasons}).")
