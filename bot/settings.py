"""Settings: what the environment says, read once. Only the composition root hands the environment in.

Every fault is found in one pass and named by its key. The value of a secret is never shown, only its shape. What an
operator decides (clusters, services, roles) is not here but in `ragops.toml`: see `bot.configuration`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from bot.environment import EXPECTED, Listen, Reading, Secret
from bot.errors import Fault, SettingsError

__all__ = [
    "DEFAULT_SLACK_LISTEN",
    "KEYS",
    "SLACK_KEYS",
    "Listen",
    "LogFormat",
    "LogLevel",
    "Secret",
    "Settings",
    "SlackSettings",
]

SLACK_KEYS = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET")
KEYS = (
    *SLACK_KEYS,
    "SLACK_API_URL",
    "RAGOPS_SLACK_LISTEN",
    "RAGOPS_LISTEN",
    "RAGOPS_ALERTS_LISTEN",
    "RAGOPS_ALERTS_TOKEN",
    "DATABASE_URL",
    "REDIS_URL",
    "RAGOPS_CONFIG",
    "RAGOPS_DATA",
    "RAGOPS_LOG_LEVEL",
    "RAGOPS_LOG_FORMAT",
    "KUBECONFIG",
)


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


DEFAULT_SLACK_LISTEN = Listen("0.0.0.0", 3000)


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
    alerts_listen: Listen | None = None
    alerts_token: Secret | None = None

    @classmethod
    def from_env(cls, environ: Mapping[str, str], *, required: Collection[str] = ()) -> Settings:
        """Read the environment. Raises `SettingsError` naming every fault, `required` keys that are unset included."""
        reading = Reading(environ)
        for key in required:
            if not reading.value(key):
                reading.fault(key, f"not set; expected {EXPECTED[key]}")
        settings = cls(
            slack_bot_token=reading.token("SLACK_BOT_TOKEN", "xoxb-"),
            slack_app_token=reading.token("SLACK_APP_TOKEN", "xapp-"),
            slack_signing_secret=reading.signing_secret("SLACK_SIGNING_SECRET"),
            slack_listen=reading.listen("RAGOPS_SLACK_LISTEN"),
            listen=reading.listen("RAGOPS_LISTEN"),
            alerts_listen=reading.listen("RAGOPS_ALERTS_LISTEN"),
            alerts_token=reading.shared_secret("RAGOPS_ALERTS_TOKEN"),
            slack_api_url=reading.api_url("SLACK_API_URL"),
            database_url=reading.secret_url("DATABASE_URL", ("postgresql", "postgres")),
            redis_url=reading.secret_url("REDIS_URL", ("redis", "rediss", "unix")),
            config_path=reading.path("RAGOPS_CONFIG"),
            data_folder=reading.data_folder(),
            log_level=reading.choice("RAGOPS_LOG_LEVEL", LogLevel, LogLevel.INFO),
            log_format=reading.choice("RAGOPS_LOG_FORMAT", LogFormat, LogFormat.TEXT),
            kubeconfig=reading.value("KUBECONFIG") or None,
        )
        reading.together("RAGOPS_ALERTS_LISTEN", "RAGOPS_ALERTS_TOKEN")
        if reading.faults:
            raise SettingsError(reading.faults)
        return settings

    def for_slack(self, *, inbound: bool = True) -> SlackSettings:
        """Return what a connection to Slack needs; `inbound` when people are to reach us by it.

        Raises `SettingsError` naming each setting that is unset, and both ways when both are set.
        """
        faults = []
        if self.slack_bot_token is None:
            faults.append(Fault("SLACK_BOT_TOKEN", f"not set; expected {EXPECTED['SLACK_BOT_TOKEN']}"))
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
            what = f"not set; expected {EXPECTED['SLACK_APP_TOKEN']}, or a SLACK_SIGNING_SECRET for requests over HTTP"
            return [Fault("SLACK_APP_TOKEN", what)]
        if self.slack_app_token is not None and self.slack_signing_secret is not None:
            what = "set beside SLACK_APP_TOKEN; Slack comes by one way only: sockets (app token) or HTTP (this)"
            return [Fault("SLACK_SIGNING_SECRET", what)]
        return []
