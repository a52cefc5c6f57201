"""The codes of pods that no node takes: how each is known, and what to do."""

from __future__ import annotations

from bot.diagnosis.family import Code

UNSCHEDULABLE = "UNSCHEDULABLE"
INSUFFICIENT_RESOURCES = "INSUFFICIENT_RESOURCES"
NODE_SELECTOR_MISMATCH = "NODE_SELECTOR_MISMATCH"
TAINT_NOT_TOLERATED = "TAINT_NOT_TOLERATED"
NODES_UNAVAILABLE = "NODES_UNAVAILABLE"
HOST_PORT_TAKEN = "HOST_PORT_TAKEN"
PLACEMENT_RULES_UNMET = "PLACEMENT_RULES_UNMET"
VOLUME_UNBOUND = "VOLUME_UNBOUND"
VOLUME_ELSEWHERE = "VOLUME_ELSEWHERE"
CLAIM_MISSING = "CLAIM_MISSING"
SCHEDULING_GATED = "SCHEDULING_GATED"

TITLES = {
    UNSCHEDULABLE: "no node can take it",
    INSUFFICIENT_RESOURCES: "no node has room for it",
    NODE_SELECTOR_MISMATCH: "no node matches its node selector",
    TAINT_NOT_TOLERATED: "it does not tolerate the taints of the nodes",
    NODES_UNAVAILABLE: "the nodes that could take it are out of service",
    HOST_PORT_TAKEN: "the port it wants on a node is taken",
    PLACEMENT_RULES_UNMET: "its rules about other pods or spreading leave no node",
    VOLUME_UNBOUND: "waits for its volume",
    VOLUME_ELSEWHERE: "its volume is where it cannot run",
    CLAIM_MISSING: "its volume claim does not exist",
    SCHEDULING_GATED: "held back by a scheduling gate",
}

CODES = (
    Code(
        UNSCHEDULABLE,
        "A pod waits because no node takes it, for a reason that has no code of its own.",
        "The pod's condition PodScheduled is False with reason Unschedulable.",
        "Read the scheduler's reason; lower the request, loosen the rule, or add or free a node.",
        "50, 56-61",
    ),
    Code(
        INSUFFICIENT_RESOURCES,
        "A pod waits because no node has enough CPU, memory, room for pods, or another resource free.",
        "The scheduler names `Insufficient …` or `Too many pods`; requests count, not what is used.",
        "Lower the request, scale something down, or add a node. A request above the largest node never fits.",
        "50, 56-61",
    ),
    Code(
        NODE_SELECTOR_MISMATCH,
        "A pod waits because no node has the labels that its node selector or required node affinity asks for.",
        "The scheduler names node affinity or selector; the labels of the nodes are compared.",
        "Correct the selector, or label the nodes that are meant.",
        "50, 56-61",
    ),
    Code(
        TAINT_NOT_TOLERATED,
        "A pod waits because the nodes it may use are tainted and it does not tolerate that.",
        "The scheduler names an untolerated taint; taints are compared with the pod's tolerations.",
        "Remove the taint, or add the toleration if the pod is meant to run there.",
        "50, 56-61",
    ),
    Code(
        NODES_UNAVAILABLE,
        "A pod waits because the nodes that could take it are cordoned, not ready, or under pressure.",
        "The scheduler names unschedulable nodes or taints of `node.kubernetes.io/`.",
        "Uncordon the node when its work is done, or repair it.",
        "50, 316",
    ),
    Code(
        HOST_PORT_TAKEN,
        "A pod waits because it wants a port of the node itself, and another pod holds it on every node.",
        "The scheduler names free ports.",
        "Use a Service instead of a host port, or run fewer of these pods than there are nodes.",
        "93-94",
    ),
    Code(
        PLACEMENT_RULES_UNMET,
        "A pod waits because its (anti-)affinity to other pods or its topology spread leaves no node.",
        "The scheduler names pod affinity, anti-affinity, or topology spread constraints.",
        "Loosen the rule to a preferred one, add nodes, or run fewer replicas.",
        "50, 56-61",
    ),
    Code(
        VOLUME_UNBOUND,
        "A pod waits because a volume claim of it is not bound.",
        "The scheduler names unbound claims.",
        "See to the claim; the pod starts by itself once it is bound.",
        "50, 330-334",
    ),
    Code(
        VOLUME_ELSEWHERE,
        "A pod waits because its volume can only be used on nodes or in a zone where it may not run.",
        "The scheduler names a volume node affinity conflict.",
        "Free a node in the volume's zone; a volume does not move.",
        "50, 330-334",
    ),
    Code(
        CLAIM_MISSING,
        "A pod names a volume claim that does not exist.",
        "The scheduler names claims, and no claim of that name is in the namespace.",
        "Create the claim, or correct its name in the pod template.",
        "50, 330-334",
    ),
    Code(
        SCHEDULING_GATED,
        "A pod waits for a scheduling gate to be removed.",
        "The pod's condition PodScheduled has the reason SchedulingGated.",
        "Ask whoever set the gate (often a queueing controller); the scheduler does not try before.",
        "50",
    ),
)
