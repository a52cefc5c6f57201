"""Settings: what the environment says, read once. Only the composition root hands the environment in.

Every fault is found in one pass and named by its key. The value of a secret is never shown, only its shape. What an
operator decides (clusters, services, roles) is not here but in `ragops.toml`: see `bot.configuration`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from bot.errors import Fault, SettingsError

SLACK_KEYS = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET")
KEYS = (
    *SLACK_KEYS,
    "SLACK_API_URL",
    "RAGOPS_SLACK_LISTEN",
    "RAGOPS_LISTEN",
    "DATABASE_URL",
    "REDIS_URL",
    "RAGOPS_CONFIG",
    "RAGOPS_DATA",
    "RAGOPS_LOG_LEVEL",
    "RAGOPS_LOG_FORMAT",
    "KUBECONFIG",
)

_KNOWN_PREFIXES = ("xoxb-", "xoxp-", "xoxa-", "xoxe-", "xoxr-", "xoxs-", "xapp-")
_TOKEN = re.compile(r"xoxb-[0-9A-Za-z-]+|xapp-[0-9A-Za-z-]+")
_SIGNING_SECRET = re.compile(r"[0-9a-f]{16,128}")
_LISTEN = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[^\s:\[\]]+)):(?P<port>[0-9]{1,5})")
_Choice = TypeVar("_Choice", bound=StrEnum)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,20}):")


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that shows itself only when asked to, so that it cannot slip into a log or a traceback."""

    _value: str = field(repr=False)

    def reveal(self) -> str:
        """Return the secret itself. Hand it straight to the client that needs it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret('**********')"

    __str__ = __repr__


class LogLevel(StrEnum):
    """How much is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How a log line looks: for people, or for programs."""

    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Listen:
    """An address to serve at. Port 0 takes a free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackSettings:
    """What a connection to the workspace needs. `api_url` is None for Slack itself and ends in a slash otherwise.

    With an app token the bot opens sockets to Slack; with a signing secret Slack sends requests to `listen`. Who only
    writes to Slack (the role `worker`) has neither.
    """

    bot_token: Secret
    app_token: Secret | None = None
    signing_secret: Secret | None = None
    listen: Listen | None = None
    api_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the environment says; None where it says nothing and somebody else knows the default."""

    slack_bot_token: Secret | None = None
    slack_app_token: Secret | None = None
    slack_signing_secret: Secret | None = None
    slack_listen: Listen | None = None
    slack_api_url: str | None = None
    database_url: Secret | None = None
    redis_url: Secret | None = None
    config_path: Path | None = None
    data_folder: Path
    log_level: LogLevel = LogLevel.INFO
    log_format: LogFormat = LogFormat.TEXT
    kubeconfig: str | None = None
    listen: Listen | None = None

    @classmethod
    def from_env(cls, environ: Mapping[str, str], *, required: Collection[str] = ()) -> Settings:
        """Read the environment. Raises `SettingsError` naming every fault, `required` keys that are unset included."""
        reading = _Reading(environ)
        for key in required:
            if not reading.value(key):
                reading.fault(key, f"not set; expected {_EXPECTED[key]}")
        settings = cls(
            slack_bot_token=reading.token("SLACK_BOT_TOKEN", "xoxb-"),
            slack_app_token=reading.token("SLACK_APP_TOKEN", "xapp-"),
            slack_signing_secret=reading.signing_secret("SLACK_SIGNING_SECRET"),
            slack_listen=reading.listen("RAGOPS_SLACK_LISTEN"),
            listen=reading.listen("RAGOPS_LISTEN"),
            slack_api_url=reading.api_url("SLACK_API_URL"),
            database_url=reading.secret_url("DATABASE_URL", ("postgresql", "postgres")),
            redis_url=reading.secret_url("REDIS_URL", ("redis", "rediss", "unix")),
            config_path=reading.path("RAGOPS_CONFIG"),
            data_folder=reading.data_folder(),
            log_level=reading.choice("RAGOPS_LOG_LEVEL", LogLevel, LogLevel.INFO),
            log_format=reading.choice("RAGOPS_LOG_FORMAT", LogFormat, LogFormat.TEXT),
            kubeconfig=reading.value("KUBECONFIG") or None,
        )
        if reading.faults:
            raise SettingsError(reading.faults)
        return settings

    def for_slack(self, *, inbound: bool = True) -> SlackSettings:
        """Return what a connection to Slack needs; `inbound` when people are to reach us by it.

        Raises `SettingsError` naming each setting that is unset, and both ways when both are set.
        """
        faults = []
        if self.slack_bot_token is None:
            faults.append(Fault("SLACK_BOT_TOKEN", f"not set; expected {_EXPECTED['SLACK_BOT_TOKEN']}"))
        if inbound:
            faults += self._inbound_faults()
        if faults or self.slack_bot_token is None:
            raise SettingsError(faults)
        return SlackSettings(
            bot_token=self.slack_bot_token,
            app_token=self.slack_app_token if inbound else None,
            signing_secret=self.slack_signing_secret if inbound else None,
            listen=self.slack_listen or DEFAULT_SLACK_LISTEN,
            api_url=self.slack_api_url,
        )

    def _inbound_faults(self) -> list[Fault]:
        if self.slack_app_token is None and self.slack_signing_secret is None:
            what = f"not set; expected {_EXPECTED['SLACK_APP_TOKEN']}, or a SLACK_SIGNING_SECRET for requests over HTTP"
            return [Fault("SLACK_APP_TOKEN", what)]
        if self.slack_app_token is not None and self.slack_signing_secret is not None:
            what = "set beside SLACK_APP_TOKEN; Slack comes by one way only: sockets (app token) or HTTP (this)"
            return [Fault("SLACK_SIGNING_SECRET", what)]
        return []


DEFAULT_SLACK_LISTEN = Listen("0.0.0.0", 3000)
_EXPECTED: Mapping[str, str] = {
    "SLACK_BOT_TOKEN": "the app's bot token (xoxb-…)",
    "SLACK_APP_TOKEN": "an app-level token with connections:write (xapp-…)",
    "SLACK_SIGNING_SECRET": "the app's signing secret (hexadecimal digits, from Basic Information)",
    "DATABASE_URL": "the address of PostgreSQL (postgresql://…)",
    "REDIS_URL": "the address of Redis (redis://…)",
    "RAGOPS_CONFIG": "the path of ragops.toml",
}


class _Reading:
    """One pass over the environment: typed values out, faults collected."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.faults: list[Fault] = []

    def fault(self, key: str, what: str) -> None:
        self.faults.append(Fault(key, what))

    def value(self, key: str) -> str:
        """Return the value without surrounding space (secrets in files end with a newline); empty means unset."""
        return self._environ.get(key, "").strip()

    def token(self, key: str, prefix: str) -> Secret | None:
        value = self.value(key)
        if not value:
            return None
        if not (value.startswith(prefix) and _TOKEN.fullmatch(value)):
            self.fault(key, f"expected {_EXPECTED[key]}, got {_shape(value)}")
        return Secret(value)

    def signing_secret(self, key: str) -> Secret | None:
        value = self.value(key)
        if not value:
            return None
        if not _SIGNING_SECRET.fullmatch(value):
            self.fault(key, f"expected {_EXPECTED[key]}, got {_shape(value)}")
        return Secret(value)

    def listen(self, key: str) -> Listen | None:
        """Read `HOST:PORT`, with the host in brackets when it is an IPv6 address."""
        value = self.value(key)
        if not value:
            return None
        found = _LISTEN.fullmatch(value)
        if found is None or int(found["port"]) > 65535:
            self.fault(key, f"expected an address such as 0.0.0.0:8080, got {value!r}")
            return None
        return Listen(found["v6"] or found["host"], int(found["port"]))

    def secret_url(self, key: str, schemes: tuple[str, ...]) -> Secret | None:
        """Check an address that may hold a password: only its scheme is ever told."""
        value = self.value(key)
        if not value:
            return None
        scheme = _SCHEME.match(value)
        if any(character.isspace() for character in value):
            self.fault(key, f"expected {_EXPECTED[key]}, got {_shape(value)}")
        elif scheme is None or not value.startswith(f"{scheme[1]}://") or scheme[1].lower() not in schemes:
            told = f"the scheme {scheme[1]}" if scheme and "://" in value else "no scheme"
            self.fault(key, f"expected {_EXPECTED[key]}, got an address with {told}")
        return Secret(value)

    def api_url(self, key: str) -> str | None:
        value = self.value(key)
        if not value:
            return None
        try:
            parts = urlsplit(value)
            usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if not usable or any(character.isspace() for character in value):
            self.fault(key, f"expected an address such as https://proxy.example/api/, got {_without_userinfo(value)!r}")
        return value.rstrip("/") + "/"

    def choice(self, key: str, choices: type[_Choice], default: _Choice) -> _Choice:
        value = self.value(key).lower()
        if not value:
            return default
        if value in list(choices):
            return choices(value)
        near = get_close_matches(value, list(choices), n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        self.fault(key, f"expected one of {', '.join(choices)}, got {self.value(key)!r}{hint}")
        return default

    def path(self, key: str) -> Path | None:
        """Return a path, with a leading `~` read as the home folder of this environment."""
        value = self.value(key)
        home = self.value("HOME")
        if value == "~" or value.startswith("~/"):
            if not home:
                self.fault(key, f"{value!r} needs HOME, which is not set")
            return Path(home) / value[2:]
        return Path(value) if value else None

    def data_folder(self) -> Path:
        """Return where state is kept: RAGOPS_DATA, else a folder of the person's own."""
        named = self.path("RAGOPS_DATA")
        if named is not None:
            return named
        # The base directory specification asks to ignore a value that is no absolute path.
        shared = Path(self.value("XDG_DATA_HOME"))
        if shared.is_absolute():
            return shared / "ragops"
        if not self.value("HOME"):
            self.fault("RAGOPS_DATA", "not set, and neither XDG_DATA_HOME nor HOME says where data may be kept")
        return Path(self.value("HOME")) / ".local" / "share" / "ragops"


def _shape(secret: str) -> str:
    """Describe a secret by what gives nothing away: its length, a public prefix, stray quotes and spaces."""
    prefix = next((known for known in _KNOWN_PREFIXES if secret.startswith(known)), "")
    parts = [f"{len(secret)} characters", f"that begin with {prefix}" if prefix else "of another form"]
    if secret[0] in "\"'" or secret[-1] in "\"'":
        parts.append("in quotes (leave them out)")
    if any(character.isspace() for character in secret):
        parts.append("with a space inside")
    return " ".join(parts)


def _without_userinfo(url: str) -> str:
    return re.sub(r"//[^/]*@", "//…@", url)
