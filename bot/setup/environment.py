"""The environment's variables, described once: for the reference page, and for the `.env` that people fill in."""

from __future__ import annotations

from dataclasses import dataclass

from bot.settings import DEFAULT_SLACK_LISTEN, LogFormat, LogLevel, Settings

_DEFAULTS = Settings.__dataclass_fields__


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One variable. `note` is its comment in `.env`; without one it shares the comment of the variable before it."""

    name: str
    meaning: str
    when_empty: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """Variables that belong together in `.env`; `note` is about those whose names the operator chooses."""

    title: str
    variables: tuple[Variable, ...]
    note: str = ""


_LEVELS = ", ".join(f"`{level}`" for level in list(LogLevel)[:-1]) + f" or `{list(LogLevel)[-1]}`"

SECTIONS = (
    Section(
        "Slack",
        (
            Variable(
                name="SLACK_BOT_TOKEN",
                meaning="the app's bot token, `xoxb-…`",
                when_empty="`ragops run` refuses to start",
                note="The app's bot token (OAuth & Permissions).",
            ),
            Variable(
                name="SLACK_APP_TOKEN",
                meaning="an app-level token with `connections:write`, `xapp-…`: people reach the bot by sockets",
                when_empty="Slack must come over HTTP, by `SLACK_SIGNING_SECRET`",
                note=(
                    "Slack reaches the bot by one of two ways. Sockets need an app-level token with the scope"
                    " connections:write (Basic\n"
                    "Information) and no open port; HTTP needs the signing secret (Basic Information) and an address"
                    " that Slack can call."
                ),
            ),
            Variable(
                name="SLACK_SIGNING_SECRET",
                meaning="the app's signing secret, hexadecimal digits: Slack sends requests over HTTP. "
                "Not together with `SLACK_APP_TOKEN`",
                when_empty="sockets, by `SLACK_APP_TOKEN`",
            ),
            Variable(
                name="RAGOPS_SLACK_LISTEN",
                meaning="`HOST:PORT` at which Slack's requests are received when there is a signing secret",
                when_empty=f"`{DEFAULT_SLACK_LISTEN}`",
                note=(
                    f"Where Slack's requests are received when there is a signing secret."
                    f" Empty: {DEFAULT_SLACK_LISTEN}."
                ),
            ),
            Variable(
                name="SLACK_API_URL",
                meaning="address of the Web API, for a proxy or a test workspace",
                when_empty="Slack",
                note="The address of the Web API, for a proxy or a test workspace. Empty: Slack.",
            ),
        ),
    ),
    Section(
        "State",
        (
            Variable(
                name="DATABASE_URL",
                meaning="PostgreSQL 13 or newer, `postgresql://user:password@host:5432/database`, special characters"
                " as `%XX`",
                when_empty="an embedded PostgreSQL in the data folder",
                note=(
                    "PostgreSQL, such as postgresql://ragops:password@db.example:5432/ragops."
                    " Empty: an embedded one in the data folder."
                ),
            ),
            Variable(
                name="REDIS_URL",
                meaning="`redis://…`, `rediss://…` or `unix://…`: what several replicas share for speed",
                when_empty="kept in the process, right for one replica",
                note=(
                    "Redis, shared by several replicas, such as redis://redis.example:6379/0."
                    " Empty: counts are kept in the process,\n"
                    "which is right for one replica."
                ),
            ),
        ),
    ),
    Section(
        "ragops itself",
        (
            Variable(
                name="RAGOPS_CONFIG",
                meaning="the path of `ragops.toml`",
                when_empty="`./ragops.toml` if it exists",
                note="The path of ragops.toml. Empty: ./ragops.toml if it exists.",
            ),
            Variable(
                name="RAGOPS_DATA",
                meaning="where data is kept",
                when_empty="`$XDG_DATA_HOME/ragops`, else `~/.local/share/ragops`",
                note="Where data is kept. Empty: $XDG_DATA_HOME/ragops or ~/.local/share/ragops.",
            ),
            Variable(
                name="RAGOPS_LISTEN",
                meaning="`HOST:PORT` at which `/livez`, `/readyz` and `/metrics` are served",
                when_empty="nowhere",
                note="Where /livez, /readyz and /metrics are served, such as 0.0.0.0:8080. Empty: nowhere.",
            ),
            Variable(
                name="RAGOPS_LOG_LEVEL",
                meaning=_LEVELS,
                when_empty=f"`{_DEFAULTS['log_level'].default}`",
                note=f"debug, info, warning or error. Empty: {_DEFAULTS['log_level'].default}.",
            ),
            Variable(
                name="RAGOPS_LOG_FORMAT",
                meaning=f"`{LogFormat.TEXT}` for people, `{LogFormat.JSON}` for programs",
                when_empty=f"`{_DEFAULTS['log_format'].default}`",
                note=f"text for people, json for programs. Empty: {_DEFAULTS['log_format'].default}.",
            ),
        ),
    ),
    Section(
        "Alertmanager",
        (
            Variable(
                name="RAGOPS_ALERTS_LISTEN",
                meaning="`HOST:PORT` at which Alertmanager's webhook is received; needs `RAGOPS_ALERTS_TOKEN`",
                when_empty="nowhere",
                note=(
                    "Where Alertmanager's webhook is received, such as 0.0.0.0:8081, and the bearer token that it has"
                    " to send, at least\n16 characters. Both or neither. Empty: nowhere."
                ),
            ),
            Variable(
                name="RAGOPS_ALERTS_TOKEN",
                meaning="the bearer token that Alertmanager has to send, at least 16 characters without spaces",
                when_empty="no webhook",
            ),
        ),
    ),
    Section(
        "Credentials of probes",
        (),
        note=(
            "ragops.toml names the variable of each credential (secret_env, health_token_env), so the names are yours."
            " Add one line\n"
            "for each, such as PROBE_POSTGRES_DSN=postgresql://probe:password@postgres.example.com:5432/rag. Names of"
            " ragops' own\n"
            "settings are refused: a probe has a credential of its own, which can only read."
        ),
    ),
    Section(
        "Kubernetes",
        (
            Variable(
                name="KUBECONFIG",
                meaning="kubeconfig files, as kubectl reads them",
                when_empty="`~/.kube/config`",
                note=(
                    "Kubeconfig files, as kubectl reads them. Empty: ~/.kube/config."
                    " A cluster of ragops.toml may name its own."
                ),
            ),
        ),
    ),
)

_OPENING = """\
# Every setting that ragops reads from its environment. Copy this file to .env and fill in what you need: `ragops run`
# needs the two Slack tokens; reading a cluster from the terminal needs none of these.
"""


def variables() -> tuple[Variable, ...]:
    """Return every variable, in the order of `.env`."""
    return tuple(variable for section in SECTIONS for variable in section.variables)


def environment_file() -> str:
    """Return the text of an `.env` in which nothing is filled in."""
    parts = [_OPENING]
    for section in SECTIONS:
        lines = [f"# --- {section.title} ---", *(f"# {line}" for line in section.note.splitlines())]
        for variable in section.variables:
            lines += [*(f"# {line}" for line in variable.note.splitlines()), f"{variable.name}="]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)
