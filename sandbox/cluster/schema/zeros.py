"""Which empty values an object is sent without: the server leaves them out as if they had never been said."""

from __future__ import annotations

# Only these tell "no" from "not said"; any other False is left out.
FALSE_IS_KEPT = frozenset(
    {
        "allowPrivilegeEscalation",
        "allowed",
        "allowVolumeExpansion",
        "automountServiceAccountToken",
        "blockOwnerDeletion",
        "conditions",
        "controller",
        "enableServiceLinks",
        "hostUsers",
        "immutable",
        "manualSelector",
        "optional",
        "privileged",
        "readOnlyRootFilesystem",
        "ready",
        "runAsNonRoot",
        "serving",
        "setHostnameAsFQDN",
        "shareProcessNamespace",
        "started",
        "suspend",
        "terminating",
        "allocateLoadBalancerNodePorts",
    }
)
# Only these numbers may be nothing and said; any other 0 is left out.
ZERO_IS_LEFT_OUT = frozenset(
    {
        "count",
        "generation",
        "hostPort",
        "initialDelaySeconds",
        "minReadySeconds",
        "nodePort",
        "observedGeneration",
        "periodSeconds",
        "failureThreshold",
        "successThreshold",
        "timeoutSeconds",
        "healthCheckNodePort",
        "availableReplicas",
        "readyReplicas",
        "unavailableReplicas",
        "updatedReplicas",
        "currentReplicas",
        "fullyLabeledReplicas",
        "numberAvailable",
        "numberUnavailable",
        "updatedNumberScheduled",
    }
)
# Text that may be empty and said, because nothing stands for something else.
EMPTY_IS_KEPT = frozenset(
    {"storageClassName", "name", "image", "serviceName", "message", "key", "mountPath", "path", "imageID", "lastState"}
)
