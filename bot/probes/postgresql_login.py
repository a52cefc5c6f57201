"""The way into PostgreSQL: what a DSN gives, and what a refused login means. Pure.

A DSN gives a credential and not the way: host and port are the target's own, so that nobody is asked who was not named
in the configuration. The client library keeps no SQLSTATE of a refused login, so refusals are known by their text; one
in another language is shown as it is.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from bot.domain.findings import Severity
from bot.domain.watch.probes import Health, ProbeTarget
from bot.probes.asking import Stopped, misconfigured

_TAKEN: Final = frozenset(
    {"user", "password", "dbname", "sslmode", "sslrootcert", "sslcert", "sslkey", "channel_binding", "require_auth"}
)
_WITH_TLS: Final = frozenset({"require", "verify-ca", "verify-full"})
_SYSTEM: Final = "system"


@dataclass(frozen=True, slots=True)
class Credential:
    """What of a DSN is used. `wants_tls` and `verifies` are what it and the target ask for together.

    `ca_file` holds the authorities to trust, empty for the system's.
    """

    options: Mapping[str, str]
    wants_tls: bool = False
    verifies: bool = False
    ca_file: str = ""


def credential(target: ProbeTarget, dsn: str) -> Credential:
    """Read a DSN, or an empty text for none. Raises `Stopped`, without a word of it."""
    try:
        given = conninfo_to_dict(dsn) if dsn else {}
    except ProgrammingError:
        raise misconfigured(f"The variable {target.secret_env} holds no DSN of PostgreSQL.") from None
    options = {name: str(value) for name, value in given.items() if name in _TAKEN and value is not None}
    options.setdefault("dbname", "postgres")
    mode = "verify-full" if target.tls else options.get("sslmode", "")
    ca_file = target.ca_file or options.get("sslrootcert", "").removeprefix(_SYSTEM)
    if mode == "verify-full":
        # The client library's own idea of the system's authorities may be that of the machine where it was built.
        found = ca_file or ssl.get_default_verify_paths().cafile or _SYSTEM
        options |= {"sslmode": mode, "sslrootcert": found}
    return Credential(MappingProxyType(options), mode in _WITH_TLS, mode == "verify-full", ca_file)


@dataclass(frozen=True, slots=True)
class _Refusal:
    """A login that the server refuses: how it is known, and what it means."""

    said: re.Pattern[str]
    code: str
    words: str
    advice: str
    severity: Severity = Severity.WARNING
    health: Health = Health.DEGRADED


def _refusal(said: str, code: str, words: str, advice: str, **more: Any) -> _Refusal:
    return _Refusal(re.compile(said, re.IGNORECASE), code, words, advice, **more)


_DOWN: Final = MappingProxyType({"severity": Severity.CRITICAL, "health": Health.FAILED})
_REFUSALS: Final = (
    _refusal(  # 53300
        r"too many clients already|remaining connection slots|too many connections for|no more connections allowed",
        "POSTGRESQL_CONNECTIONS_EXHAUSTED",
        "It has no connection left",
        "See who holds them (pg_stat_activity), and size the pools: pods times workers times pool. A "
        "superuser may still get in: a few connections are kept.",
        **_DOWN,
    ),
    _refusal(  # 57P03
        r"database system is (?:starting up|shutting down|in recovery mode|not yet accepting|not accepting)",
        "POSTGRESQL_STARTING",
        "It does not take connections yet, or no longer",
        "Wait; where it lasts, read its log: a recovery after a crash may take long.",
        **_DOWN,
    ),
    _refusal(  # 3D000
        r'database "[^"]*" does not exist',
        "POSTGRESQL_NO_DATABASE",
        "It is up, but has no database of that name",
        "Correct the database in the DSN.",
    ),
    _refusal(  # 28P01, 28000, 42501
        r"password authentication failed|authentication failed|no password supplied|pg_hba\.conf|permission denied for"
        r'|role "[^"]*" does not exist|not permitted to log in|no such user',
        "POSTGRESQL_LOGIN_REFUSED",
        "It is up, but does not let us in",
        "Correct the DSN, or let the role in; it needs no more than LOGIN and pg_monitor.",
    ),
    _refusal(
        r"does not support SSL|SSL is not enabled on the server",
        "POSTGRESQL_NO_TLS",
        "It does not offer TLS, which is wanted",
        "Turn TLS on in the server, or do not ask for it.",
        **_DOWN,
    ),
    _refusal(
        r"certificate verify failed|server certificate for|root certificate file",
        "CERTIFICATE_UNTRUSTED",
        "Its certificate is not trusted",
        "Name the authority's file (ca_file).",
        **_DOWN,
    ),
)


def refused(said: str) -> Stopped:
    """Return what a refused login means; `said` is the text of the client library."""
    words = said.rsplit("failed: ", 1)[-1].removeprefix("FATAL:").strip()
    for known in _REFUSALS:
        if known.said.search(said):
            return Stopped(
                known.code,
                f"{known.words}: {words}",
                advice=known.advice,
                severity=known.severity,
                health=known.health,
            )
    return Stopped("POSTGRESQL_LOGIN_FAILED", f"The login failed: {words}", advice="Read its log.")
