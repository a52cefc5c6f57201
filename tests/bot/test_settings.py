"""What the environment may say, and how its faults are told."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest

from bot.errors import SettingsError
from bot.settings import DEFAULT_SLACK_LISTEN, KEYS, Listen, LogFormat, LogLevel, Secret, Settings

ROOT = Path(__file__).parents[2]
HOME = {"HOME": "/home/ann"}
GOOD = "at least 16 characters without spaces"
HEXADECIMAL = "0123456789abcdef0123456789abcdef"
FULL = {
    **HOME,
    "SLACK_BOT_TOKEN": "xoxb-1234-abcDEF",
    "SLACK_APP_TOKEN": "xapp-1-A1-22-beef",
    "RAGOPS_SLACK_LISTEN": "127.0.0.1:3001",
    "RAGOPS_LISTEN": "[::1]:8081",
    "RAGOPS_ALERTS_LISTEN": "0.0.0.0:8082",
    "RAGOPS_ALERTS_TOKEN": "hunter2-hunter2-hunter2",
    "SLACK_API_URL": "http://127.0.0.1:8080/api",
    "DATABASE_URL": "postgresql://rag:hunter2@db.example/ragops",
    "REDIS_URL": "redis://:hunter2@redis.example:6379/0",
    "RAGOPS_CONFIG": "~/ragops.toml",
    "RAGOPS_DATA": "/var/lib/ragops",
    "RAGOPS_LOG_LEVEL": "Warning",
    "RAGOPS_LOG_FORMAT": "json",
    "KUBECONFIG": "/a:/b",
}


def faults_of(environ: dict[str, str], required: tuple[str, ...] = ()) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        Settings.from_env(environ, required=required)
    return [str(fault) for fault in raised.value.faults]


def test_nothing_is_needed_to_look_at_a_cluster() -> None:
    """An empty environment with a home gives the defaults."""
    settings = Settings.from_env(HOME)

    assert settings == Settings(data_folder=Path("/home/ann/.local/share/ragops"))
    assert (settings.log_level, settings.log_format) == (LogLevel.INFO, LogFormat.TEXT)


def test_every_key_is_read() -> None:
    """Each variable arrives, typed."""
    settings = Settings.from_env(FULL)

    assert settings.config_path == Path("/home/ann/ragops.toml")
    assert settings.data_folder == Path("/var/lib/ragops")
    assert settings.slack_api_url == "http://127.0.0.1:8080/api/"
    assert (settings.log_level, settings.log_format) == (LogLevel.WARNING, LogFormat.JSON)
    assert settings.kubeconfig == "/a:/b"
    assert settings.database_url == Secret(FULL["DATABASE_URL"])
    assert settings.redis_url == Secret(FULL["REDIS_URL"])
    assert settings.slack_bot_token == Secret("xoxb-1234-abcDEF")
    assert settings.slack_app_token == Secret("xapp-1-A1-22-beef")
    assert settings.slack_listen == Listen("127.0.0.1", 3001)
    assert settings.listen == Listen("::1", 8081)
    assert str(settings.listen) == "[::1]:8081"
    assert settings.alerts_listen == Listen("0.0.0.0", 8082)
    assert settings.alerts_token == Secret("hunter2-hunter2-hunter2")


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        (
            {"RAGOPS_ALERTS_LISTEN": "0.0.0.0:8082"},
            f"RAGOPS_ALERTS_TOKEN: not set beside RAGOPS_ALERTS_LISTEN; expected {GOOD}",
        ),
        (
            {"RAGOPS_ALERTS_TOKEN": "x" * 16},
            "RAGOPS_ALERTS_LISTEN: not set beside RAGOPS_ALERTS_TOKEN; expected an address such as 0.0.0.0:8081",
        ),
        (
            {"RAGOPS_ALERTS_LISTEN": "0.0.0.0:8082", "RAGOPS_ALERTS_TOKEN": "hunter2"},
            f"RAGOPS_ALERTS_TOKEN: expected {GOOD}, got 7 characters of another form",
        ),
    ],
)
def test_alerts_are_received_with_an_address_and_a_good_token_or_not_at_all(said: dict[str, str], fault: str) -> None:
    """The fault names the key and never the secret."""
    assert faults_of({**HOME, **said}) == [fault]


def test_slack_by_sockets_has_an_app_token_and_no_signing_secret() -> None:
    """What a connection needs arrives together."""
    slack = Settings.from_env(FULL).for_slack()

    assert slack.bot_token.reveal() == "xoxb-1234-abcDEF"
    assert slack.app_token == Secret("xapp-1-A1-22-beef")
    assert slack.signing_secret is None
    assert slack.listen == Listen("127.0.0.1", 3001)


def test_slack_over_http_has_a_signing_secret_and_a_place_to_listen() -> None:
    """The place is the usual one unless another is named."""
    settings = Settings.from_env({**HOME, "SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": HEXADECIMAL})
    slack = settings.for_slack()

    assert slack.signing_secret == Secret(HEXADECIMAL)
    assert slack.app_token is None
    assert slack.listen == DEFAULT_SLACK_LISTEN == Listen("0.0.0.0", 3000)


def test_who_only_writes_to_slack_needs_the_bot_token_alone() -> None:
    """And is not handed what would let people in."""
    alone = Settings.from_env({**HOME, "SLACK_BOT_TOKEN": "xoxb-1"}).for_slack(inbound=False)
    beside = Settings.from_env(FULL).for_slack(inbound=False)

    assert (alone.app_token, alone.signing_secret) == (None, None)
    assert (beside.app_token, beside.signing_secret) == (None, None)


def test_two_ways_in_are_one_too_many() -> None:
    """Slack comes by sockets or by HTTP; both at once would be answered twice, or by nobody."""
    settings = Settings.from_env({**FULL, "SLACK_SIGNING_SECRET": HEXADECIMAL})
    with pytest.raises(SettingsError) as raised:
        settings.for_slack()

    assert [fault.where for fault in raised.value.faults] == ["SLACK_SIGNING_SECRET"]
    assert settings.for_slack(inbound=False).bot_token == Secret("xoxb-1234-abcDEF")


def test_slack_without_tokens_names_the_bot_token_and_both_ways_in() -> None:
    """What Slack needs is asked for when Slack is needed, all at once."""
    with pytest.raises(SettingsError) as raised:
        Settings.from_env(HOME).for_slack()

    assert [fault.where for fault in raised.value.faults] == ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"]
    assert "SLACK_SIGNING_SECRET" in raised.value.faults[1].what


def test_required_keys_are_told_beside_all_other_faults() -> None:
    """One run tells everything that is wrong."""
    told = faults_of({"SLACK_APP_TOKEN": "xoxb-1-2", "RAGOPS_LOG_LEVEL": "inof"}, ("SLACK_BOT_TOKEN",))

    assert told == [
        "SLACK_BOT_TOKEN: not set; expected the app's bot token (xoxb-…)",
        (
            "SLACK_APP_TOKEN: expected an app-level token with connections:write (xapp-…), "
            "got 8 characters that begin with xoxb-"
        ),
        "RAGOPS_DATA: not set, and neither XDG_DATA_HOME nor HOME says where data may be kept",
        "RAGOPS_LOG_LEVEL: expected one of debug, info, warning, error, got 'inof'; did you mean info?",
    ]


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        pytest.param("SLACK_BOT_TOKEN", '"xoxb-1-a"', "10 characters of another form in quotes", id="quotes"),
        pytest.param("SLACK_BOT_TOKEN", "xoxb-1 2", "begin with xoxb- with a space inside", id="space"),
        pytest.param("SLACK_BOT_TOKEN", "xapp-1-2", "begin with xapp-", id="swapped"),
        pytest.param("DATABASE_URL", "mysql://root:hunter2@db/x", "with the scheme mysql", id="database scheme"),
        pytest.param("DATABASE_URL", "hunter2@db/x", "with no scheme", id="no scheme"),
        pytest.param("DATABASE_URL", "hunter2:x", "with no scheme", id="password as scheme"),
        pytest.param("DATABASE_URL", "host=db password=hunter2", "24 characters", id="keyword string"),
        pytest.param("REDIS_URL", "http://:hunter2@redis", "with the scheme http", id="redis scheme"),
        pytest.param("SLACK_SIGNING_SECRET", "hunter2" * 3, "21 characters of another form", id="not hexadecimal"),
        pytest.param("SLACK_SIGNING_SECRET", "xoxb-hunter2-abc", "that begin with xoxb-", id="a token"),
        pytest.param("SLACK_SIGNING_SECRET", "abc123", "6 characters", id="short secret"),
        pytest.param("RAGOPS_LISTEN", "8080", "such as 0.0.0.0:8080, got '8080'", id="port alone"),
        pytest.param("RAGOPS_LISTEN", "0.0.0.0:65536", "got '0.0.0.0:65536'", id="port too high"),
        pytest.param("RAGOPS_SLACK_LISTEN", "::1:3000", "got '::1:3000'", id="address without brackets"),
        pytest.param("RAGOPS_SLACK_LISTEN", "http://0.0.0.0:3000", "got 'http://0.0.0.0:3000'", id="URL"),
        pytest.param("SLACK_API_URL", "slack.example", "got 'slack.example'", id="no address"),
        pytest.param("SLACK_API_URL", "https://a:hunter2@x:port/", "got 'https://…@x:port/'", id="bad port"),
        pytest.param("RAGOPS_LOG_FORMAT", "yaml", "expected one of text, json, got 'yaml'", id="format"),
    ],
)
def test_a_bad_value_is_told_by_key_without_the_secret(key: str, value: str, told: str) -> None:
    """The key and what is wrong are named; a secret's value is not."""
    (fault,) = faults_of({**HOME, key: value})

    assert fault.startswith(f"{key}: ")
    assert told in fault
    assert "hunter2" not in fault


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        pytest.param({"XDG_DATA_HOME": "/x"}, "/x/ragops", id="shared data folder"),
        pytest.param({"XDG_DATA_HOME": "x", **HOME}, "/home/ann/.local/share/ragops", id="relative is ignored"),
        pytest.param({"RAGOPS_DATA": "~/d", **HOME}, "/home/ann/d", id="tilde"),
        pytest.param({"RAGOPS_DATA": "here"}, "here", id="relative to the working folder"),
        pytest.param({"RAGOPS_DATA": " ", **HOME}, "/home/ann/.local/share/ragops", id="blank is unset"),
    ],
)
def test_data_folder(environ: dict[str, str], folder: str) -> None:
    """The data folder is named, or the person's own."""
    assert Settings.from_env(environ).data_folder == Path(folder)


def test_tilde_without_home_is_a_fault() -> None:
    """A path in a home that is not known cannot be used."""
    assert faults_of({"RAGOPS_CONFIG": "~/x", "RAGOPS_DATA": "/d"}) == [
        "RAGOPS_CONFIG: '~/x' needs HOME, which is not set"
    ]


def test_a_token_from_a_file_may_end_with_a_newline() -> None:
    """Surrounding space is no part of a value."""
    settings = Settings.from_env({**HOME, "SLACK_BOT_TOKEN": " xoxb-1-2\n"})

    assert settings.slack_bot_token == Secret("xoxb-1-2")


def test_a_secret_does_not_show_itself(caplog: pytest.LogCaptureFixture) -> None:
    """Neither str, repr, formatting, the settings' own repr, nor a log line shows the value."""
    settings = Settings.from_env({**FULL, "SLACK_SIGNING_SECRET": HEXADECIMAL})
    secret = Secret("xoxb-hunter2")
    logging.getLogger("x").warning("%s %r", secret, settings)

    shown = f"{secret} {secret!r} {secret!s} {[secret]} {settings} {settings.for_slack(inbound=False)} {caplog.text}"

    assert not re.search(r"hunter2|xoxb|xapp|0123456789", shown)


def test_example_environment_lists_every_setting() -> None:
    """`.env.example` holds each key that is read, once, and nothing else."""
    text = (ROOT / ".env.example").read_text()

    assert sorted(re.findall(r"^([A-Z_]+)=", text, re.MULTILINE)) == sorted(KEYS)


def test_every_setting_is_a_key() -> None:
    """KEYS is complete: nothing else changes what is read, but where a home is."""

    class Watching(dict[str, str]):
        asked: set[str] = set()  # noqa: RUF012  # one instance only

        def get(self, key: str, default: str = "") -> str:  # type: ignore[override]  # only text is kept here
            self.asked.add(key)
            return super().get(key, default)

    Settings.from_env(Watching(HOME))

    assert Watching.asked == {*KEYS, "HOME", "XDG_DATA_HOME"}
