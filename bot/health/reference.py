"""The reference page of the metrics, made from the code. Pure."""

from __future__ import annotations

from bot.health import vocabularies as words
from bot.health.families import FAMILIES, PROCESS, Family
from bot.health.labels import Known

_MADE = "<!-- Made by `make reference` from the code. Do not edit: the next run writes it anew. -->\n"
_INTRODUCTION = """\
Served in the Prometheus text format, or as OpenMetrics for those who ask for it, at the path `metrics` of the address
in `RAGOPS_LISTEN`. Names and labels are stable; new ones may be added.
[Alerts and a dashboard](../../manifests/kubernetes/monitoring) use them.

Counters are of one replica since its start: add them up over replicas. Gauges about the outbox, changes, alerts, looks,
schedules and the clusters are seen alike by every replica: take the maximum. They are set every 15 seconds. What is not
known is absent or NaN, never 0 and never an old value.
"""
_LABELS: tuple[tuple[str, str, Known | str], ...] = (
    ("verb", "of commands", f"each verb, or `{words.UNKNOWN_VERB}` for words that were not understood"),
    ("verb", "of changes", "each verb that changes something; what undoes counts as what it does, such as `scale`"),
    ("result", "of commands", words.COMMAND_RESULTS),
    ("permission", "", words.PERMISSIONS),
    ("why", "", words.REFUSED_WHY),
    ("surface", "", words.SURFACES),
    ("result", "of deliveries that were acknowledged", words.ACKNOWLEDGE_RESULTS),
    ("result", "of tries to deliver", words.OUTBOX_RESULTS),
    ("result", "of changes that ended", words.CHANGE_ENDS),
    ("result", "of decisions on changes", words.DECISION_RESULTS),
    ("result", "of looks of the watcher", words.LOOK_RESULTS),
    ("result", "of webhooks of Alertmanager", words.WEBHOOK_RESULTS),
    ("decision", "", words.DECISIONS),
    ("state", "", Known(words.CHANGE_STATES.values())),
    ("method", "", f"a method of Slack's Web API; {words.MOST_METHODS} at most, the rest are `other`"),
    ("what", "of what is degraded", words.DEGRADABLE),
    ("what", "of looks that failed", words.SAMPLED),
    ("cluster", "", "the cluster's name in `ragops.toml`"),
    ("namespace", "", "a namespace that is watched there"),
    ("part", "", words.PARTS),
    ("verdict", "", words.VERDICTS),
    ("severity", "", words.SEVERITIES),
    ("kind", "of targets", words.PROBE_KINDS),
    ("health", "", words.HEALTHS),
    ("outcome", "", words.SCHEDULE_OUTCOMES),
    ("schedule", "", "the name of a digest in `ragops.toml`"),
    ("code", "", "a code of [the findings](findings.md)"),
    ("check", "", "`slack`, `database`, and `cluster:` with a cluster's name; those that the replica's role has"),
    ("version", "", "of ragops"),
    ("generation", "", "of Python's garbage collector"),
)
_NOTES = """\
No label carries a person, a channel, a message or a name out of a cluster, and none is without bound: any other value
is counted as `other`. Refusals by `look_up` are not about the person: the groups could not be read, so everybody is
refused. A delivery that was `not_accepted` could not be written down; one that was `invalid` had no good signature.

Of changes that ended, `failed_none` has changed nothing and `failed_applied` has; `expired` had nobody to approve it in
time, `expired_approved` was approved and could not be begun in time. What a person says to a request is `superseded`
when the object was found not to be as the card shows it. A request that ended as `unknown` counts as open until
somebody has said what they found.

A look that is `lost` took so long that another replica began it anew; a tick that another replica has from the start is
no look of this one. A target's health is `unknown` when it could not be asked. A due moment that is `known` was due
before its schedule was known, `skipped` when it was paused or too late for one that skips, `failed` when it was given
up. Of webhooks, `refused` had no good token, `malformed` were none of Alertmanager's, and `unavailable` were not put on
record: Alertmanager sends those again.
"""


def metrics_page() -> str:
    """Return the page of every metric: what it means, its labels and what they may say."""
    return "\n".join(
        [
            _MADE,
            "# Metrics\n",
            _INTRODUCTION,
            *_table(FAMILIES),
            "",
            "## Labels\n",
            "| label | values |",
            "|---|---|",
            *(_label(*each) for each in _LABELS),
            "",
            _NOTES,
            "## Bounds of the histograms\n",
            *(f"- `{family.name}`: {_bounds(family)} s" for family in FAMILIES if family.buckets),
            "",
            "## Of the process\n",
            "Those that begin with `process_` are there on Linux only.\n",
            *_table(PROCESS),
            "",
        ]
    )


def _table(families: tuple[Family, ...]) -> list[str]:
    rows = [
        f"| `{family.name}` | {family.kind.value} | {', '.join(f'`{label}`' for label in family.labels)} | "
        f"{family.meaning} |"
        for family in families
    ]
    return ["| metric | type | labels | meaning |", "|---|---|---|---|", *rows]


def _label(name: str, which: str, values: Known | str) -> str:
    told = values if isinstance(values, str) else ", ".join(f"`{word}`" for word in values.words)
    return f"| `{name}`{' ' + which if which else ''} | {told} |"


def _bounds(family: Family) -> str:
    return ", ".join(f"{bound:g}" for bound in family.buckets)
