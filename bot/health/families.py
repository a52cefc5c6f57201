"""Every metric there is, as data: the meter makes its collectors from this list, and the reference page its tables."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a metric does over time."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Family:
    """One metric: its full name as it is exposed, what it means, its labels, and a histogram's bounds in seconds."""

    name: str
    kind: Kind
    meaning: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


_ANSWER_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
# Slack wants to hear within 3 s: the last bound tells what came too late.
_ACKNOWLEDGE_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0)
# From a click to a large roll-out; a request waits for a quarter of an hour unless it is configured otherwise.
_CHANGE_S = (1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0)
# A look has 60 s, and the next one is due after 15 s.
_LOOK_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0, 30.0, 60.0)
# From on time to a day of downtime.
_LATE_S = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0, 86400.0)

COMMANDS = Family("ragops_commands_total", Kind.COUNTER, "Commands that were answered.", ("verb", "result"))
COMMAND_SECONDS = Family(
    "ragops_command_duration_seconds",
    Kind.HISTOGRAM,
    "From the command to its answer, in seconds; what the answer takes to Slack is not in it.",
    ("verb",),
    _ANSWER_S,
)
REFUSALS = Family(
    "ragops_refusals_total", Kind.COUNTER, "Commands that a person had no right to.", ("permission", "why")
)
ACKNOWLEDGED = Family(
    "ragops_deliveries_acknowledged_total",
    Kind.COUNTER,
    "Deliveries of Slack that were acknowledged or turned away.",
    ("surface", "result"),
)
ACKNOWLEDGE_SECONDS = Family(
    "ragops_acknowledge_duration_seconds",
    Kind.HISTOGRAM,
    "From the arrival of a delivery to its acknowledgement, in seconds. Slack waits for 3 s.",
    ("surface",),
    _ACKNOWLEDGE_S,
)
OUTBOX_ATTEMPTS = Family(
    "ragops_outbox_attempts_total", Kind.COUNTER, "Tries to deliver a message of the outbox.", ("result",)
)
THROTTLED = Family(
    "ragops_slack_throttled_total", Kind.COUNTER, "Answers of Slack that asked to wait (429).", ("method",)
)
DEGRADED = Family(
    "ragops_degraded", Kind.GAUGE, "1 while something is away that only costs speed, such as Redis.", ("what",)
)
OUTBOX_DEPTH = Family(
    "ragops_outbox_depth",
    Kind.GAUGE,
    "Messages that wait for delivery, the same at every replica; NaN while the database cannot be asked.",
)
WATCH_AGE = Family(
    "ragops_watch_age_seconds",
    Kind.GAUGE,
    "How old the copy of a part of a namespace is; absent for a part that was never read.",
    ("cluster", "namespace", "part"),
)
VERDICT = Family(
    "ragops_verdict",
    Kind.GAUGE,
    "1 at the verdict of a namespace now, 0 at the others.",
    ("cluster", "namespace", "verdict"),
)
FINDINGS = Family(
    "ragops_findings",
    Kind.GAUGE,
    "Findings in a namespace now, made without reading logs; absent where there are none or where nothing is live.",
    ("cluster", "namespace", "severity", "code"),
)
CHANGES_ENDED = Family(
    "ragops_changes_ended_total", Kind.COUNTER, "Requests for changes that ended, by how.", ("verb", "result")
)
CHANGE_SECONDS = Family(
    "ragops_change_duration_seconds",
    Kind.HISTOGRAM,
    "From the approval of a change to its end, in seconds, with the roll-out; of those that were begun.",
    ("verb",),
    _CHANGE_S,
)
CHANGE_WAIT_SECONDS = Family(
    "ragops_change_approval_wait_seconds",
    Kind.HISTOGRAM,
    "From the request for a change to its approval, in seconds; of those that somebody had to approve.",
    (),
    _CHANGE_S,
)
CHANGE_DECISIONS = Family(
    "ragops_change_decisions_total",
    Kind.COUNTER,
    "What people said to requests for changes, and what came of it.",
    ("decision", "result"),
)
CHANGE_TAKEOVERS = Family(
    "ragops_change_takeovers_total", Kind.COUNTER, "Changes that this worker took over from one that did not end them."
)
UNKNOWN_EFFECTS = Family(
    "ragops_unknown_effects_total",
    Kind.COUNTER,
    "Objects that carry the mark of a request which is not known to have been carried out.",
)
CHANGES_OPEN = Family(
    "ragops_changes_open",
    Kind.GAUGE,
    "Requests for changes that hold their objects, the same at every replica; NaN while the database cannot be asked.",
    ("state",),
)
LOOKS = Family(
    "ragops_looks_total",
    Kind.COUNTER,
    "Looks of the watcher at a namespace or a cluster that this replica began.",
    ("result",),
)
LOOK_SECONDS = Family(
    "ragops_look_duration_seconds",
    Kind.HISTOGRAM,
    "What a look of the watcher at a namespace takes, in seconds, however it ends.",
    (),
    _LOOK_S,
)
LOOK_AGE = Family(
    "ragops_look_age_seconds",
    Kind.GAUGE,
    "How long ago any replica finished a look at a namespace; at least so long where none is known to have. Absent "
    "while the database cannot be asked.",
    ("cluster", "namespace"),
)
PROBES = Family(
    "ragops_probes_total",
    Kind.COUNTER,
    "What health URLs and dependencies said when the watcher asked them.",
    ("kind", "health"),
)
EPISODES_OPEN = Family(
    "ragops_episodes_open",
    Kind.GAUGE,
    "Alerts that fire, those of one cause as one, the same at every replica; NaN while the database cannot be asked.",
    ("severity",),
)
EPISODES_TOLD = Family(
    "ragops_episodes_told_total", Kind.COUNTER, "Alerts that people were told of, each cause once.", ("severity",)
)
EPISODES_RESOLVED = Family(
    "ragops_episodes_resolved_total", Kind.COUNTER, "Alerts that fired and have ended, told or not.", ("severity",)
)
SCHEDULE_ENDS = Family(
    "ragops_schedule_ends_total",
    Kind.COUNTER,
    "Due moments of schedules that are done with, by what became of them.",
    ("outcome",),
)
SCHEDULE_LATE_SECONDS = Family(
    "ragops_schedule_lateness_seconds",
    Kind.HISTOGRAM,
    "From the moment at which a schedule was due until its messages were put into the outbox, in seconds.",
    (),
    _LATE_S,
)
SCHEDULE_OVERDUE = Family(
    "ragops_schedule_overdue_seconds",
    Kind.GAUGE,
    "How long a due moment of a schedule has waited to be done with; 0 while none does. Absent while the database "
    "cannot be asked.",
    ("schedule",),
)
WEBHOOKS = Family("ragops_webhooks_total", Kind.COUNTER, "Webhooks of Alertmanager that were answered.", ("result",))
CONNECTIONS = Family("ragops_slack_connections", Kind.GAUGE, "Open sockets to Slack of this replica.")
READY = Family("ragops_ready", Kind.GAUGE, "1 while a check of readiness is well.", ("check",))
REPLICA_READY = Family("ragops_replica_ready", Kind.GAUGE, "1 while this replica as a whole is ready.")
LOOP_LAG = Family(
    "ragops_event_loop_lag_seconds",
    Kind.GAUGE,
    "The longest that the event loop did nothing else for one piece of work, in the last minute.",
)
SAMPLE_FAILURES = Family(
    "ragops_sample_failures_total", Kind.COUNTER, "Looks for these metrics that failed.", ("what",)
)
BUILD_INFO = Family("ragops_build_info", Kind.GAUGE, "Always 1; its label names the version.", ("version",))

FAMILIES = (
    COMMANDS,
    COMMAND_SECONDS,
    REFUSALS,
    ACKNOWLEDGED,
    ACKNOWLEDGE_SECONDS,
    OUTBOX_ATTEMPTS,
    THROTTLED,
    DEGRADED,
    OUTBOX_DEPTH,
    WATCH_AGE,
    VERDICT,
    FINDINGS,
    CHANGES_ENDED,
    CHANGE_SECONDS,
    CHANGE_WAIT_SECONDS,
    CHANGE_DECISIONS,
    CHANGE_TAKEOVERS,
    UNKNOWN_EFFECTS,
    CHANGES_OPEN,
    LOOKS,
    LOOK_SECONDS,
    LOOK_AGE,
    PROBES,
    EPISODES_OPEN,
    EPISODES_TOLD,
    EPISODES_RESOLVED,
    SCHEDULE_ENDS,
    SCHEDULE_LATE_SECONDS,
    SCHEDULE_OVERDUE,
    WEBHOOKS,
    CONNECTIONS,
    READY,
    REPLICA_READY,
    LOOP_LAG,
    SAMPLE_FAILURES,
    BUILD_INFO,
)

# The client library's own, of every process in Python. Those of the process come from the kernel: Linux only.
PROCESS = (
    Family("process_virtual_memory_bytes", Kind.GAUGE, "Memory that the process has mapped."),
    Family("process_resident_memory_bytes", Kind.GAUGE, "Memory that the process holds."),
    Family("process_start_time_seconds", Kind.GAUGE, "When the process began, in seconds since 1970."),
    Family("process_cpu_seconds_total", Kind.COUNTER, "Processor time spent, of user and system."),
    Family("process_open_fds", Kind.GAUGE, "Open files and sockets."),
    Family("process_max_fds", Kind.GAUGE, "How many files and sockets may be open."),
    Family("python_gc_objects_collected_total", Kind.COUNTER, "Objects that were collected.", ("generation",)),
    Family("python_gc_objects_uncollectable_total", Kind.COUNTER, "Objects that could not be.", ("generation",)),
    Family("python_gc_collections_total", Kind.COUNTER, "Collections.", ("generation",)),
)
