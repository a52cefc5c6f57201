"""What must hold for each kind of object: the fields that are read, those of the same form, and those that vary."""

from __future__ import annotations

from tests.contract.compare import Rules

EXACT = Rules(equal=("",))
"""The whole answer, once names are masked: for refusals."""

_META = Rules(
    equal=("metadata",),
    alike=("metadata.uid", "metadata.resourceVersion", "metadata.creationTimestamp", "metadata.ownerReferences[].uid"),
    # Who wrote what is not simulated.
    free=("metadata.managedFields",),
)
JOB_LABELS = ('"batch.kubernetes.io/controller-uid"', "controller-uid")
_CONDITION_TIMES = Rules(
    alike=(
        "status.conditions[].lastTransitionTime",
        "status.conditions[].lastUpdateTime",
        "status.conditions[].lastHeartbeatTime",
    )
)


def item(*equal: str, alike: tuple[str, ...] = (), free: tuple[str, ...] = ()) -> Rules:
    """Return the rules of one object: its metadata, and what is listed."""
    return _META + Rules(equal=equal, alike=alike, free=free)


def one(rules: Rules) -> Rules:
    """Return the rules of an answer that is one object."""
    return HEAD + rules.under("body")


def many(rules: Rules) -> Rules:
    """Return the rules of an answer that is a list."""
    body = Rules(equal=("kind", "apiVersion", "metadata", "items"), alike=("metadata.resourceVersion",))
    return HEAD + body.under("body") + rules.under("body.items[]")


HEAD = Rules(equal=("status", "content_type", "body.kind", "body.apiVersion"))

_RUN = ("startedAt", "finishedAt", "containerID")
_CONTAINER_STATUS = "status.containerStatuses[]"
POD = (
    item(
        "spec.containers",
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.terminationGracePeriodSeconds",
        "spec.dnsPolicy",
        "spec.serviceAccountName",
        "spec.serviceAccount",
        "spec.schedulerName",
        "spec.securityContext",
        "spec.priority",
        "spec.preemptionPolicy",
        "spec.enableServiceLinks",
        "status",
        "status.conditions",
        "status.containerStatuses",
        free=(
            # Chosen anew for each pod, or by the machine.
            "spec.volumes",
            "spec.containers[].volumeMounts",
            "status.containerStatuses[].volumeMounts",
            "status.containerStatuses[].imageID",
            "metadata.labels.controller-revision-hash",
            # How a daemon's pod is tied to its node.
            "spec.affinity",
            "spec.nodeSelector",
            "spec.tolerations",
            "spec.hostname",
            "spec.subdomain",
        ),
        alike=(
            *(f"metadata.labels.{label}" for label in JOB_LABELS),
            "status.hostIP",
            "status.hostIPs[].ip",
            "status.podIP",
            "status.podIPs[].ip",
            "status.startTime",
            f"{_CONTAINER_STATUS}.containerID",
            *(f"{_CONTAINER_STATUS}.{state}.terminated.{name}" for state in ("state", "lastState") for name in _RUN),
            f"{_CONTAINER_STATUS}.state.running.startedAt",
        ),
    )
    + _CONDITION_TIMES
)
# The messages of these name the uid, or count nodes.
UNSTEADY_POD = POD + Rules(
    alike=(f"{_CONTAINER_STATUS}.restartCount", "status.conditions[].message"),
    free=(f"{_CONTAINER_STATUS}.state.waiting.message",),
)
_TEMPLATE = ("spec", "status", "status.conditions")
WORKLOAD = item(*_TEMPLATE, free=("status.currentRevision", "status.updateRevision")) + _CONDITION_TIMES
DEPLOYMENT = item(*_TEMPLATE) + _CONDITION_TIMES
REPLICA_SET = item(*_TEMPLATE) + _CONDITION_TIMES
DAEMON_SET = item(*_TEMPLATE) + _CONDITION_TIMES
JOB = (
    item(
        *_TEMPLATE,
        alike=(
            "status.startTime",
            "status.completionTime",
            "status.conditions[].lastProbeTime",
            *(
                f"spec.{place}.{label}"
                for place in ("selector.matchLabels", "template.metadata.labels")
                for label in JOB_LABELS
            ),
        ),
    )
    + _CONDITION_TIMES
)
SERVICE = item("spec", "status", alike=("spec.clusterIP", "spec.clusterIPs"))
ENDPOINT_SLICE = item(
    "addressType",
    "endpoints",
    "ports",
    alike=(
        "metadata.name",
        "endpoints[].addresses",
        "endpoints[].targetRef.uid",
        "metadata.generation",
    ),
    # The time of the change that led to this version; a version that no change of a pod or a Service led to has none.
    free=("metadata.annotations",),
)
AUTOSCALER = item("spec", free=("status",))
CLAIM = item("spec", "status")
CONFIG_MAP = item("data")
NAMESPACE = item("spec", "status")
NODE = (
    item(
        "status.conditions[].type",
        "status.conditions[].status",
        "status.conditions[].reason",
        alike=(
            *(f"status.{size}.{what}" for size in ("allocatable", "capacity") for what in ("cpu", "memory", "pods")),
            "status.nodeInfo",
            "status.conditions[].message",
        ),
        free=(
            # What else a machine has.
            "status.allocatable",
            "status.capacity",
            "metadata.labels",
            "metadata.annotations",
            "metadata.generation",
            "spec",
            "status.addresses",
            "status.daemonEndpoints",
            "status.images",
            "status.features",
            "status.runtimeHandlers",
            "status.nodeInfo.swap",
        ),
    )
    + _CONDITION_TIMES
)
EVENT = item(
    "involvedObject",
    "reason",
    "type",
    "action",
    "source",
    "reportingComponent",
    "message",
    alike=(
        "count",
        "reportingInstance",
        "metadata.name",
        "involvedObject.uid",
        "involvedObject.resourceVersion",
        "firstTimestamp",
        "lastTimestamp",
        "eventTime",
    ),
    # Whether it was repeated by now.
    free=("series",),
)
USAGE = Rules(
    equal=("metadata.name", "metadata.namespace", "metadata.labels", "containers", "containers[].name"),
    alike=("metadata.creationTimestamp", "timestamp", "window", "containers[].usage", "usage"),
    free=("metadata.labels.controller-revision-hash",),
)
NODE_USAGE = USAGE + Rules(free=("metadata.labels.*",))
TABLE = HEAD + Rules(
    equal=("body.columnDefinitions[]", "body.rows", "body.rows[].object"),
    alike=("body.metadata.resourceVersion",),
    # The words of help are long and for `kubectl explain`.
    free=("body.columnDefinitions[].description",),
)
