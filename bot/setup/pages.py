"""The reference page of everything that may be configured. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from bot.setup.environment import variables
from bot.setup.reference import TABLES, Key, Table

_MADE = "<!-- Made by `make reference` from the code. Do not edit: the next run writes it anew. -->\n"
_OPENING = """\
# Configuration

Secrets and addresses come from the environment; what an operator decides comes from one file, `ragops.toml`. Both are
read once, at the start. Every fault is told at once, with file and line, and then nothing is started (exit code 2).
`ragops check` reads both without starting anything and reaches out to everything that they name (with `--offline`: to
nothing); `ragops init` writes a first `ragops.toml` from what a cluster has.

## Environment

[`.env.example`](../../.env.example) lists the same keys. ragops does not read a file `.env` by itself.
"""
_AFTER_ENVIRONMENT = """\
Credentials of probes have the names that `secret_env` and `health_token_env` of `ragops.toml` give them, such as
`PROBE_POSTGRES_DSN`; names of the table above are refused for them.

The terminal also respects `NO_COLOR`. `HTTPS_PROXY` is respected on the way to API servers: name them in `NO_PROXY`
where a proxy is set for the rest of the world.

## `ragops.toml`

An example of everything: [`docs/ragops.example.toml`](../ragops.example.toml). Unknown keys are faults, with the
nearest known key as a hint. Without a file, the kubeconfig's current context and its namespace are looked at, and
nobody has a role.
"""


def configuration_page() -> str:
    """Return the page: each variable of the environment, each key of each table of `ragops.toml`."""
    rows = ((f"`{each.name}`", each.meaning, each.when_empty) for each in variables())
    parts = [_MADE, _OPENING, _grid(("key", "meaning", "when empty"), rows), _AFTER_ENVIRONMENT]
    return "\n".join([*parts, *map(_table, TABLES)])


def _table(table: Table) -> str:
    rows = [_row(key, table.free or key.name) for key in table.keys]
    example = table.example(*(key.name for key in table.keys if key.name not in table.apart))
    parts = [
        f"### `{table.heading}`\n",
        f"{table.text}\n",
        _grid(("key", "type", "meaning", "default"), rows),
        f"```toml\n{example}```\n",
        f"{table.after}\n" if table.after else "",
    ]
    return "\n".join(part for part in parts if part)


def _row(key: Key, name: str) -> tuple[str, str, str, str]:
    return f"`{name}`", key.type, f"**required**; {key.meaning}" if key.required else key.meaning, key.default


def _grid(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [_line(head), "|" + "---|" * len(head), *map(_line, rows)]
    return "\n".join(lines) + "\n"


def _line(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
