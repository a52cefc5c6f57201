"""The codes of failing probes: how each is known, and what to do."""

from __future__ import annotations

from bot.diagnosis.family import Code

READINESS_FAILING = "READINESS_FAILING"
LIVENESS_FAILING = "LIVENESS_FAILING"
STARTUP_FAILING = "STARTUP_FAILING"

CODES = (
    Code(
        READINESS_FAILING,
        "A container runs but its readiness probe fails, so it gets no traffic.",
        "The container runs and is not ready; an event Unhealthy says what the probe got, or the probe should have"
        " passed long ago.",
        "Read what the probe got: a refusal (nothing listens on that port), no answer in time (a probe has one second"
        " unless told otherwise), or the program's own word that it is not well. Then read the log.",
        "34-39",
    ),
    Code(
        LIVENESS_FAILING,
        "The kubelet restarts a container because its liveness probe fails.",
        "The container restarted, and an event Killing less than 30 minutes old says that it failed its liveness"
        " probe. The exit code says nothing: it is what the program returned when it was asked to stop.",
        "Give the probe more time if the program is only slow, or a startup probe if it is slow to start; else read"
        " the log of the run that was killed.",
        "34-39, 48",
    ),
    Code(
        STARTUP_FAILING,
        "A container does not pass its startup probe in time.",
        "The container has a startup probe and has not started, or an event Killing says that it failed that probe.",
        "See whether it only needs longer (periodSeconds times failureThreshold is what it gets), else read the log.",
        "34-39, 48",
    ),
)
