"""The codes of what can be wrong with an autoscaler."""

from __future__ import annotations

from bot.diagnosis.family import Code

AUTOSCALER_TARGET_MISSING = "AUTOSCALER_TARGET_MISSING"
AUTOSCALER_UNABLE = "AUTOSCALER_UNABLE"
AUTOSCALER_REQUEST_MISSING = "AUTOSCALER_REQUEST_MISSING"
AUTOSCALER_METRIC_MISSING = "AUTOSCALER_METRIC_MISSING"
AT_MAXIMUM = "AT_MAXIMUM"
AUTOSCALER_PINNED = "AUTOSCALER_PINNED"
AUTOSCALERS_COLLIDE = "AUTOSCALERS_COLLIDE"
AUTOSCALER_OVERRIDES = "AUTOSCALER_OVERRIDES"

CODES = (
    Code(
        AUTOSCALER_TARGET_MISSING,
        "An autoscaler is for a workload that does not exist, or whose size it cannot read.",
        "AbleToScale is False with FailedGetScale.",
        "Correct the name in the autoscaler's scaleTargetRef, or remove the autoscaler.",
        "290-291",
    ),
    Code(
        AUTOSCALER_UNABLE,
        "An autoscaler cannot scale its target, for the reason that its condition gives.",
        "AbleToScale is False, or ScalingActive is False for a reason that is not a metric's.",
        "Read the condition's message; it names what was refused.",
        "290-291",
    ),
    Code(
        AUTOSCALER_REQUEST_MISSING,
        "An autoscaler measures use against requests, and a container has none, so it never scales.",
        "ScalingActive is False, and a container (side-cars count) has no request for the measured resource.",
        "Give every container a request for that resource, or measure a single container.",
        "297-298",
    ),
    Code(
        AUTOSCALER_METRIC_MISSING,
        "An autoscaler gets no metrics, so it does not scale.",
        "ScalingActive is False with FailedGetResourceMetric or the like, and all containers have requests.",
        "Look whether the metrics server runs; pods that crash or have only just started have no metrics.",
        "293-301",
    ),
    Code(
        AT_MAXIMUM,
        "An autoscaler has reached its maximum while the load asks for more pods.",
        "ScalingLimited is True with TooManyReplicas, and a metric is above its target.",
        "Raise the maximum if nodes, quota and databases bear it; else find out where the load comes from.",
        "21, 150, 290",
    ),
    Code(
        AUTOSCALER_PINNED,
        "An autoscaler's minimum is its maximum: it holds the number of pods and never scales.",
        "minReplicas equals maxReplicas.",
        "Raise the maximum, or remove the autoscaler if the number is meant to be fixed.",
        "290-291",
    ),
    Code(
        AUTOSCALERS_COLLIDE,
        "Two autoscalers are for one workload: they undo each other's work, or the server (since 1.27) stops both.",
        "Their scaleTargetRef names the same object.",
        "Remove all but one; one autoscaler can have several metrics.",
        "290-291",
    ),
    Code(
        AUTOSCALER_OVERRIDES,
        "Somebody scaled a workload by hand, and its autoscaler set the number back.",
        "A scaling that was not the autoscaler's is followed by one that was, within a minute.",
        "Change the autoscaler's minimum or maximum instead of the number of pods.",
        "21, 592",
    ),
)
