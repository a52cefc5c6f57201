"""The words that each label may carry. What is not in a list is counted as `other`, an unknown verb as `unknown`."""

from __future__ import annotations

from bot.domain.actions import DecisionKind
from bot.domain.findings import Severity, Verdict
from bot.domain.operations import State
from bot.domain.people import Permission
from bot.domain.requests import Surface
from bot.domain.snapshot import Part
from bot.domain.watch.probes import Health, ProbeKind
from bot.health.labels import Known

UNKNOWN_VERB = "unknown"

COMMAND_RESULTS = Known(("ok", "refused", "misunderstood", "failed", "broken"))
PERMISSIONS = Known(permission.value for permission in Permission)
REFUSED_WHY = Known(("no_role", "standing", "look_up"))
# Besides how people ask: what dialogs and shortcuts send, what Slack tells without anybody having asked (a `group`
# changed, tokens were `revoked`), and over HTTP what could not be read that far (`event`, `unknown`).
SURFACES = Known(
    (
        *(surface.value for surface in Surface if surface is not Surface.TERMINAL),
        *("open_form", "redraw_form", "shortcut", "group", "revoked", "quiet", "options", "event", "unknown"),
    )
)
ACKNOWLEDGE_RESULTS = Known(("new", "repeat", "not_accepted", "unhandled", "invalid"))
OUTBOX_RESULTS = Known(("delivered", "throttled", "refused", "unknown", "failed", "expired"))
DEGRADABLE = Known(("redis",))
SAMPLED = Known(("outbox", "changes", "episodes", "slots", "cluster", "readiness"))
# How requests for changes end, and where those stand that have not; what ended in doubt stands until it is resolved.
CHANGE_ENDS = Known(
    (
        *("refused", "denied", "cancelled", "superseded", "expired", "expired_approved"),
        *("succeeded", "failed_none", "failed_applied", "unknown"),
    )
)
CHANGE_STATES = {
    State.PENDING: "waiting",
    State.APPROVED: "approved",
    State.EXECUTING: "running",
    State.UNKNOWN: "unknown",
}
DECISIONS = Known(kind.value for kind in DecisionKind)
DECISION_RESULTS = Known(("recorded", "refused", "superseded"))
VERDICTS = Known(verdict.value for verdict in Verdict)
SEVERITIES = Known(severity.word for severity in Severity)
PARTS = Known(part.value for part in Part)
LOOK_RESULTS = Known(("done", "lost", "failed"))
PROBE_KINDS = Known(kind.value for kind in ProbeKind)
HEALTHS = Known(health.value for health in Health)
SCHEDULE_OUTCOMES = Known(("sent", "skipped", "failed", "known"))
WEBHOOK_RESULTS = Known(("accepted", "refused", "unavailable", "malformed"))

# Slack's methods: at most this many, and of this shape.
MOST_METHODS = 48
METHOD_SHAPE = r"[a-z]{2,20}(?:\.[A-Za-z]{2,30}){1,3}"
