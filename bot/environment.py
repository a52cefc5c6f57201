"""Reading an environment: typed values out, each fault named by its key. The value of a secret is never shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from bot.errors import Fault

_KNOWN_PREFIXES = ("xoxb-", "xoxp-", "xoxa-", "xoxe-", "xoxr-", "xoxs-", "xapp-")
_TOKEN = re.compile(r"xoxb-[0-9A-Za-z-]+|xapp-[0-9A-Za-z-]+")
_SHARED_SECRET = re.compile(r"[!-~]{16,512}")
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


@dataclass(frozen=True, slots=True)
class Listen:
    """An address to serve at. Port 0 takes a free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


EXPECTED: Mapping[str, str] = {
    "SLACK_BOT_TOKEN": "the app's bot token (xoxb-…)",
    "SLACK_APP_TOKEN": "an app-level token with connections:write (xapp-…)",
    "SLACK_SIGNING_SECRET": "the app's signing secret (hexadecimal digits, from Basic Information)",
    "DATABASE_URL": "the address of PostgreSQL (postgresql://…)",
    "REDIS_URL": "the address of Redis (redis://…)",
    "RAGOPS_CONFIG": "the path of ragops.toml",
    "RAGOPS_ALERTS_LISTEN": "an address such as 0.0.0.0:8081",
    "RAGOPS_ALERTS_TOKEN": "at least 16 characters without spaces",
}


class Reading:
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
            self.fault(key, f"expected {EXPECTED[key]}, got {_shape(value)}")
        return Secret(value)

    def signing_secret(self, key: str) -> Secret | None:
        value = self.value(key)
        if not value:
            return None
        if not _SIGNING_SECRET.fullmatch(value):
            self.fault(key, f"expected {EXPECTED[key]}, got {_shape(value)}")
        return Secret(value)

    def shared_secret(self, key: str) -> Secret | None:
        """Read a secret that an operator made up for this."""
        value = self.value(key)
        if not value:
            return None
        if not _SHARED_SECRET.fullmatch(value):
            self.fault(key, f"expected {EXPECTED[key]}, got {_shape(value)}")
        return Secret(value)

    def together(self, *keys: str) -> None:
        """Fault each of these keys that is unset while another one is set."""
        unset = [key for key in keys if not self.value(key)]
        if len(unset) < len(keys):
            others = " and ".join(key for key in keys if key not in unset)
            for key in unset:
                self.fault(key, f"not set beside {others}; expected {EXPECTED[key]}")

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
            self.fault(key, f"expected {EXPECTED[key]}, got {_shape(value)}")
        elif scheme is None or not value.startswith(f"{scheme[1]}://") or scheme[1].lower() not in schemes:
            told = f"the scheme {scheme[1]}" if scheme and "://" in value else "no scheme"
            self.fault(key, f"expected {EXPECTED[key]}, got an address with {told}")
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
