"""Targets that are asked whether they are well, and what they answered. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.findings import Severity
from bot.domain.targets import Scope
from bot.domain.text import Redacted


class ProbeKind(StrEnum):
    """What is spoken with a target."""

    HTTP = "http"
    POSTGRESQL = "postgresql"
    REDIS = "redis"
    QDRANT = "qdrant"
    TCP = "tcp"
    TLS = "tls"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeTarget:
    """One target of the configuration; nobody can ask for another one.

    `address` is a URL for `http` and `qdrant`, else `host:port`. `service` is the alias of the catalogue to which it
    belongs: the service itself for its health URL, for a dependency the service that runs it; empty where nothing of it
    runs in the cluster. `used_by` are aliases of those that depend on it. `secret_env` names the variable of the
    environment with the credential: a DSN for `postgresql`, a password (or `user:password`) for `redis`, an API key for
    `qdrant`, a bearer token for `http`. `tls`: a TLS handshake is part of the way (a URL's scheme decides for itself).
    `expect_status` 0: any 2xx. `expect_body` is a text that has to occur, `expect_json` pairs of a dotted path and the
    text of its value. `ca_file` holds the authorities to trust instead of the system's. Times are seconds.
    """

    name: str
    kind: ProbeKind
    address: str
    scope: Scope
    service: str = ""
    used_by: tuple[str, ...] = ()
    secret_env: str = ""
    tls: bool = False
    ca_file: str = ""
    server_name: str = ""
    timeout_s: float = 5.0
    slow_s: float = 2.0
    expect_status: int = 0
    expect_body: str = ""
    expect_json: tuple[tuple[str, str], ...] = ()

    @property
    def is_dependency(self) -> bool:
        """Tell a dependency from a service's own health URL."""
        return self.kind is not ProbeKind.HTTP or bool(self.used_by)

    @property
    def identity(self) -> str:
        """What tells it from others, also from what bore its name and was another thing: `redis:cache`."""
        return f"{self.kind.value}:{self.name}"


class Health(StrEnum):
    """The verdict of one probe. `DEGRADED`: it serves, but something about it needs care; `UNKNOWN`: could not look."""

    OK = "ok"
    SLOW = "slow"
    DEGRADED = "degraded"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of the way (`DNS`, `TCP`, `TLS`, `HTTP`, `protocol`, `login`, `query`), its time, what came of it."""

    name: str
    took_ms: float | None
    ok: bool = True
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedCertificate:
    """The certificate that a target served, of one address. `problem` is why it would not be trusted; else empty."""

    names: tuple[str, ...]
    issuer: str
    serial: str
    not_after: datetime
    address: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One thing that is wrong with a target.

    `code` is stable (`PROBE_TIMEOUT`, `POSTGRESQL_CONNECTIONS_EXHAUSTED`, `REDIS_NEEDS_PASSWORD`, …); `words` is a
    sentence, `advice` what to do.
    """

    code: str
    severity: Severity
    words: str
    advice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """What one target said at one moment. `facts` are label and value, for people; `figures` the same for programs.

    `lines` are words of the target that are evidence (a blocking tree, a slow query), redacted.
    """

    target: ProbeTarget
    at: datetime
    health: Health
    took_ms: float | None = None
    stages: tuple[Stage, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    figures: tuple[tuple[str, float], ...] = ()
    lines: tuple[Redacted, ...] = ()
    certificates: tuple[ServedCertificate, ...] = ()
