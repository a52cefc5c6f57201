"""The reference pages, made from the code: verbs from the registry, finding codes from the diagnosis. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING

from bot.diagnosis import all_codes
from bot.domain.actions import Action, Control, parameters_of
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
        "## Who may what\n",
        _roles(registry.all()),
    ]
    return "\n".join(parts)


def _command(registry: Registry, action: Action) -> str:
    kind = "Writes only the bot's own store, audited." if isinstance(action, Control) else "Reads; changes nothing."
    rows = [f"## {action.name}\n", f"{action.summary}. {kind} Needs: *{action.permission.value}*.\n"]
    rows.append(f"```\n{registry.usage(action)}\n```\n")
    for declared, parameter in parameters_of(action.params):
        name = f"{parameter.option} {parameter.metavar}".strip() or parameter.metavar or declared.name.upper()
        need = " (required)" if declared.default is MISSING else ""
        rows.append(f"- `{name}`: {parameter.help}{need}")
    if action.examples:
        rows += ["", *(f"- `{command}`: {meaning}" for command, meaning in action.examples)]
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
    """Return the page of every finding code, and the form of `--output json`."""
    rows = [f"| `{code.name}` | {code.meaning} |" for code in all_codes()]
    return "\n".join(
        [
            _MADE,
            "# Findings\n",
            _FINDINGS,
            "| code | meaning |",
            "|---|---|",
            *rows,
            "",
            _JSON,
        ]
    )


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
## `ragops status --output json`

```json
{
  "verdict": "healthy | degraded | down | unknown",
  "cluster": "prod-eu", "namespace": "rag-engine",
  "observed_at": "when the answer was made", "as_of": "the age of its oldest part",
  "findings": [{
    "code": "CRASH_LOOP", "severity": "critical",
    "target": {"kind": "Deployment", "namespace": "rag-engine", "name": "rag-engine-api"},
    "title": "a few words", "summary": "one or two sentences",
    "revision": 8, "container": "api", "since": "or null", "pods": ["…"],
    "evidence": [{"kind": "state | event | log", "label": "…", "lines": ["…"], "at": "or null"}],
    "next": [{"kind": "command | manual", "text": "…", "reason": "…"}]
  }],
  "workloads": [{"kind": "Deployment", "name": "…", "ready": 3, "desired": 3, "ok": true}],
  "not_checked": [{"what": "nodes", "reason": "…"}]
}
```

Times are ISO 8601 in UTC. New keys may be added; those above stay. An answer that could not be made is
`{"error": …}`. The exit code is 0 when all is healthy, 1 when there are findings, 2 when the bot could not look (the
verdict is then `unknown`, or there is an error).
"""
