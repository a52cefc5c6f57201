"""The reference pages, made from the code: verbs from the registry, finding codes from the diagnosis. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING

from bot.cli.shapes import SHAPES
from bot.diagnosis import Code, all_codes
from bot.domain.actions import Action, Change, Control, Decision, declared_by
from bot.domain.people import GRANTS, Permission, RoleName
from bot.registry import Registry

_MADE = "<!-- Made by `make reference` from the code. Do not edit: the next run writes it anew. -->\n"


def commands_page(registry: Registry) -> str:
    """Return the page of every verb: usage, parameters, examples, the permission it needs."""
    parts = [
        _MADE,
        "# Commands\n",
        _INTRODUCTION,
        *(_command(registry, action) for action in registry.all()),
        _JSON,
        "## Who may what\n",
        _roles(registry.all()),
    ]
    return "\n".join(parts)


_KINDS: tuple[tuple[type, str], ...] = (
    (Control, "Writes only the bot's own store, audited."),
    (Change, "Plans a change, and asks for it."),
    (
        Decision,
        "Says something to a request; whether that counts is judged by the request's own rule, when it is said.",
    ),
)


def _command(registry: Registry, action: Action) -> str:
    kind = next((words for of, words in _KINDS if isinstance(action, of)), "Reads; changes nothing.")
    rows = [f"## {action.name}\n", f"{action.summary}. {kind} Needs: *{action.permission.value}*.\n"]
    rows.append(f"```\n{registry.usage(action)}\n```\n")
    for declared, parameter in declared_by(action):
        name = f"{parameter.option} {parameter.metavar}".strip() or parameter.metavar or declared.name.upper()
        need = " (required)" if declared.default is MISSING else ""
        rows.append(f"- `{name}`: {parameter.help}{need}")
    if action.examples:
        rows += ["", *(f"- `{command}`: {meaning}" for command, meaning in action.examples)]
    if action.name in SHAPES:
        rows.append(f"\nFor programs (`--output json`):\n\n```json\n{SHAPES[action.name]}\n```")
    return "\n".join(rows) + "\n"


def _roles(actions: Sequence[Action]) -> str:
    head = "| command | permission | " + " | ".join(role.value for role in RoleName) + " |"
    rows = [head, "|" + "---|" * (2 + len(RoleName))]
    for action in actions:
        marks = [
            "yes" if action.permission is Permission.ANYONE or action.permission in GRANTS[role] else "no"
            for role in RoleName
        ]
        rows.append(f"| {action.name} | {action.permission.value} | " + " | ".join(marks) + " |")
    return "\n".join(rows) + "\n"


def findings_page() -> str:
    """Return the page of every finding code: what it means, how it is recognised, what to do."""
    codes = all_codes()
    rows = [f"| [`{code.name}`](#{code.name.lower()}) | {_cell(code.meaning)} |" for code in codes]
    return "\n".join(
        [_MADE, "# Findings\n", _FINDINGS, "| code | meaning |", "|---|---|", *rows, "", *map(_finding, codes)]
    )


def _finding(code: Code) -> str:
    parts = [
        f"## {code.name}\n",
        f"{code.meaning}\n",
        f"- Recognised: {code.recognised}" if code.recognised else "",
        f"- What to do: {code.remedy}" if code.remedy else "",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


_INTRODUCTION = """\
In Slack as `/rag COMMAND`, in a thread as `@rag COMMAND`, at a terminal as `ragops COMMAND`. Every command takes
`-n NAMESPACE` and `--cluster CLUSTER`; at a terminal also `--kubeconfig FILE`, `--context NAME` and
`--output text|json`.
"""
_FINDINGS = """\
Each finding has a code that stays the same from version to version, a severity (`critical`: pods are lacking or the
newest release cannot go on; `warning`; `info`), the evidence beside it, and a next step.
"""
_JSON = """\
## For programs

`--output json` gives one object, by the examples above. Times are ISO 8601 in UTC, CPU is in thousandths of a core,
memory in bytes; what is not known is `null`. New keys may be added; those shown stay.

- `verdict` of `status` is `healthy`, `degraded`, `down` or `unknown`; `severity` is `critical`, `warning` or `info`;
  `problem` is false for what is merely a remark; the `kind` of evidence is `state`, `event` or `log`, that of a next
  step `command` (one of ours) or `manual`.
- An answer that could not be made is `{"error": "…"}` with `suggestions` and `usage`, or with `advice` and
  `reference`.
- The exit code is 0; 1 when `status` or `describe` has a problem to tell; 2 when the bot could not look (the cluster,
  the part that was asked for, or every log), or did not understand.
"""
