from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.diagnosis import diagnose
from bot.diagnosis.diagnose import wanted
from bot.diagnosis.placement import untolerated
from bot.domain.findings import Finding
from bot.domain.objects import NodeLoad, NodeRequirement, Pod, Port, Role, Taint, Toleration, Volume
from bot.domain.snapshot import Part
from tests.support.builders import (
    GI,
    MI,
    claim,
    container,
    deployment,
    happened,
    missing,
    node,
    pod,
    replica_set,
    running,
    snapshot,
    stateful_set,
    template,
    unscheduled,
)

WORKLOAD = deployment(desired=3, ready=0)
REPLICAS = replica_set(WORKLOAD)
MEMORY = (
    "0/{} nodes are available: {} Insufficient memory. no new claims to deallocate,"
    " preemption: 0/{} nodes are available: {} Preemption is not helpful for scheduling."
)


def found(*objects: object, load: dict[str, NodeLoad] | None = None) -> Finding:
    """Diagnose one workload with these objects; one finding is expected."""
    [finding] = diagnose(snapshot(WORKLOAD, REPLICAS, *objects, load=load)).findings
    return finding


def test_the_schedulers_words_are_the_evidence() -> None:
    """The summary says what is lacking, in words of ours."""
    message = MEMORY.format(1, 1, 1, 1)
    finding = found(unscheduled(REPLICAS, message))
    assert (finding.code, finding.title) == ("INSUFFICIENT_RESOURCES", "no node has room for it")
    assert finding.summary == "1 pod waits: no node has enough memory."
    assert finding.evidence[0].lines == (message,)
    assert finding.evidence[1].label == "1 of 1 node: Insufficient memory"
    assert finding.since is not None


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("4 Insufficient cpu, 2 node(s) had untolerated taint {gpu: true}", "INSUFFICIENT_RESOURCES"),
        ("6 Insufficient nvidia.com/gpu", "INSUFFICIENT_RESOURCES"),
        ("6 Insufficient ephemeral-storage", "INSUFFICIENT_RESOURCES"),
        ("6 Too many pods", "INSUFFICIENT_RESOURCES"),
        ("6 node(s) didn't match Pod's node affinity/selector", "NODE_SELECTOR_MISMATCH"),
        ("6 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }", "TAINT_NOT_TOLERATED"),
        ("6 node(s) had untolerated taint {node.kubernetes.io/unreachable: }", "NODES_UNAVAILABLE"),
        ("2 node(s) were unschedulable, 4 node(s) had untolerated taint {gpu: true}", "NODES_UNAVAILABLE"),
        ("6 node(s) didn't have free ports for the requested pod ports", "HOST_PORT_TAKEN"),
        ("6 node(s) didn't match pod anti-affinity rules", "PLACEMENT_RULES_UNMET"),
        ("6 node(s) didn't match pod topology spread constraints", "PLACEMENT_RULES_UNMET"),
        ("6 node(s) had volume node affinity conflict", "VOLUME_ELSEWHERE"),
        ("pod has unbound immediate PersistentVolumeClaims. not found", "VOLUME_UNBOUND"),
        ("6 node(s) didn't find available persistent volumes to bind", "VOLUME_UNBOUND"),
        ("6 node(s) exceed max volume count", "UNSCHEDULABLE"),
    ],
)
def test_each_remedy_has_its_code(said: str, code: str) -> None:
    """What a person would treat differently is told apart."""
    message = f"0/6 nodes are available: {said}. preemption: 0/6 nodes are available: 6 No preemption victims found."
    finding = found(unscheduled(REPLICAS, message))
    assert finding.code == code
    assert finding.evidence[0].lines == (message,)
    assert "preemption" not in finding.summary


def test_what_has_no_code_is_told_in_the_schedulers_words() -> None:
    """Nothing is lost."""
    finding = found(unscheduled(REPLICAS, "0/6 nodes are available: 6 node(s) exceed max volume count."))
    assert finding.summary == "1 pod waits: node(s) exceed max volume count."


def test_pods_with_other_numbers_are_one_finding() -> None:
    """Three pods that lack memory have one cause, however the scheduler counts nodes."""
    pods = [unscheduled(REPLICAS, MEMORY.format(n, n, n, n)) for n in (1, 2, 3)]
    finding = found(*pods)
    assert len(finding.pods) == 3
    assert finding.summary.startswith("3 pods wait: ")


def test_a_scheduling_gate_is_no_lack_of_nodes() -> None:
    """Whoever set the gate must remove it."""
    [finding] = diagnose(snapshot(WORKLOAD, REPLICAS, unscheduled(REPLICAS, reason="SchedulingGated"))).findings
    assert (finding.code, finding.title) == ("SCHEDULING_GATED", "held back by a scheduling gate")


def test_a_scheduler_without_words_is_said_to_be_so() -> None:
    """Nothing is made up."""
    [finding] = diagnose(snapshot(WORKLOAD, REPLICAS, unscheduled(REPLICAS))).findings
    assert "the scheduler gives no reason" in finding.summary


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (container(memory=640 * GI), "It asks for 640 Gi memory; the largest node has 16 Gi memory in all."),
        (container(cpu_m=64_000), "It asks for 64 CPUs; the largest node has 8 CPUs in all."),
        (container(cpu_m=8_500), "It asks for 8500m CPU; the largest node has 8 CPUs in all."),
    ],
    ids=["memory", "cpu", "cpu in parts"],
)
def test_waiting_in_vain_is_said(asked: object, words: str) -> None:
    """What exceeds the largest node will never fit."""
    assert isinstance(asked, type(container()))
    lack = "memory" if asked.memory_request else "cpu"
    waits = unscheduled(REPLICAS, f"0/2 nodes are available: 2 Insufficient {lack}.", asked)
    finding = found(waits, node("small", memory=4 * GI, cpu_m=4000), node())
    assert finding.summary.endswith(words)


@pytest.mark.parametrize(("before", "steps"), [(1, ["rollback api", "top nodes"]), (640, ["top nodes"])])
def test_a_release_that_asks_for_more_than_the_one_that_serves_is_gone_back_from(before: int, steps: list[str]) -> None:
    """The way back stands first; where both ask for the same, the nodes are what is short."""
    served = replace(template(), memory_request=before * GI)
    old, new = replica_set(WORKLOAD, 1, ready=1, containers=(served,)), replica_set(WORKLOAD, 2)
    waits = unscheduled(new, "0/1 nodes are available: 1 Insufficient memory.", container(memory=640 * GI))
    report = diagnose(snapshot(WORKLOAD, old, new, waits, pod(old, name="api-1"), node()))
    [finding] = [each for each in report.findings if each.code == "INSUFFICIENT_RESOURCES"]
    assert finding.summary.endswith(" Revision 1 has 1 of 1 pod ready.")
    assert [step.text for step in finding.next if not step.text.startswith("describe")] == steps


def test_what_is_free_is_compared_with_what_is_asked() -> None:
    """Requests count, not what is used; the nodes that would not take the pod anyway are left out."""
    message = "0/3 nodes are available: 2 Insufficient cpu, 1 node(s) had untolerated taint {gpu: true}."
    waits = unscheduled(REPLICAS, message, container(cpu_m=2000, memory=GI))
    nodes = [node("a"), node("b"), node("g", taints=(Taint("gpu", "NoSchedule", "true"),))]
    load = {"a": NodeLoad(7000, GI, 10), "b": NodeLoad(6600, GI, 10), "g": NodeLoad()}
    finding = found(waits, *nodes, load=load)
    assert finding.summary == (
        "1 pod waits: no node has enough CPU. It asks for 2 CPUs; the most that is free on a node is 1400m CPU (b)."
    )
    assert [evidence.label for evidence in finding.evidence[1:]] == [
        "2 of 3 nodes: Insufficient cpu (a, b)",
        "1 of 3 nodes: node(s) had untolerated taint {gpu: true} (g)",
    ]


def test_what_is_free_is_not_made_up() -> None:
    """Where the load of the nodes was not read, it is said to be so."""
    waits = unscheduled(REPLICAS, "0/1 nodes are available: 1 Insufficient cpu.", container(cpu_m=2000))
    assert found(waits, node()).summary.endswith("the largest node has 8 CPUs in all, what is free was not read.")


@pytest.mark.parametrize(
    ("said", "asks"), [("1 Insufficient cpu", True), ("1 Too many pods", True), ("1 node(s) were unschedulable", False)]
)
def test_the_load_of_the_nodes_is_asked_for_where_room_matters(said: str, asks: bool) -> None:
    """It costs a look at all pods of the cluster."""
    waits = unscheduled(REPLICAS, f"0/1 nodes are available: {said}.")
    assert wanted(snapshot(WORKLOAD, REPLICAS, waits)).node_load is asks


def test_a_resource_that_no_node_offers_is_said_to_be_possible() -> None:
    """Which of the two it is cannot be seen from here."""
    finding = found(unscheduled(REPLICAS, "0/2 nodes are available: 2 Insufficient nvidia.com/gpu."), node())
    assert finding.summary.startswith("1 pod waits: no node has enough nvidia.com/gpu. Either no node offers it")


SELECTOR = "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector."


@pytest.mark.parametrize(
    ("asks", "words"),
    [
        ({"node_selector": {"disk": "nvme", "zone": "a"}}, "Nearest is near: disk is ssd, not nvme."),
        ({"node_selector": {"gpu": "yes"}}, "Nearest is far: no label gpu=yes."),
        ({"node_terms": ((NodeRequirement("zone", "NotIn", ("a", "b")),),)}, "far: zone is b, which is ruled out."),
        ({"node_terms": ((NodeRequirement("cores", "Gt", ("8",)),),)}, "Nearest is far: no label cores, not Gt 8."),
        ({"node_terms": ((),)}, "Nearest is far: an empty affinity term, which matches no node."),
    ],
    ids=["value", "label", "ruled out", "number", "empty"],
)
def test_the_nearest_node_is_named(asks: dict[str, Any], words: str) -> None:
    """With what it lacks."""
    far = node("far", labels={"disk": "hdd", "zone": "b"})
    near = node("near", labels={"disk": "ssd", "zone": "a"})
    finding = found(replace(unscheduled(REPLICAS, SELECTOR), **asks), far, near)
    assert finding.code == "NODE_SELECTOR_MISMATCH"
    assert words in finding.summary


@pytest.mark.parametrize(
    ("toleration", "blocked"),
    [
        (Toleration("gpu", "Equal", "true", "NoSchedule"), False),
        (Toleration("gpu", "Exists"), False),
        (Toleration(operator="Exists"), False),
        (Toleration("gpu", "Equal", "false"), True),
        (Toleration("gpu", "Equal", "true", "NoExecute"), True),
        (Toleration("cpu", "Exists"), True),
        (Toleration(), True),
    ],
)
def test_tolerations_are_matched_as_the_scheduler_does(toleration: Toleration, blocked: bool) -> None:
    """Key, operator, value and effect."""
    waits = replace(unscheduled(REPLICAS, ""), tolerations=(toleration,))
    tainted = node(taints=(Taint("gpu", "NoSchedule", "true"), Taint("soft", "PreferNoSchedule")))
    assert bool(untolerated(waits, tainted)) is blocked


def test_a_taint_is_named_with_its_nodes() -> None:
    """As kubectl writes it."""
    message = "0/2 nodes are available: 2 node(s) had untolerated taint {gpu: true}."
    tainted = [node(name, taints=(Taint("gpu", "NoSchedule", "true"),)) for name in ("a", "b")]
    finding = found(unscheduled(REPLICAS, message), *tainted)
    assert finding.summary == "1 pod waits: it does not tolerate the taint gpu=true:NoSchedule of a, b."


def test_the_taint_counts_where_it_is_all_that_stands_against_a_selected_node() -> None:
    """The other nodes are not meant: they lack the label."""
    message = (
        "0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector,"
        " 1 node(s) had untolerated taint {gpu: true}."
    )
    waits = replace(unscheduled(REPLICAS, message), node_selector={"gpu": "yes"})
    tainted = node("g", labels={"gpu": "yes"}, taints=(Taint("gpu", "NoSchedule", "true"),))
    assert found(waits, node("plain"), tainted).code == "TAINT_NOT_TOLERATED"
    assert found(waits, node("plain"), replace(tainted, taints=())).code == "NODE_SELECTOR_MISMATCH"


def test_who_holds_the_host_port_is_said() -> None:
    """With the node."""
    taken = container(running())
    taken = replace(taken, ports=(Port(8080, host_port=9000),))
    other = deployment("other")
    holder = pod(replica_set(other, ready=1), taken, name="other-1")
    waits = unscheduled(REPLICAS, "0/1 nodes are available: 1 node(s) didn't have free ports.", taken)
    finding = found(other, replica_set(other, ready=1), holder, waits, node())
    assert finding.summary == "1 pod waits: host port 9000/TCP is held by other-1 on node-1."


def test_waiting_for_a_cordoned_node_follows_from_the_node() -> None:
    """The node's finding is the root, as bad as what it does."""
    finding = found(
        unscheduled(REPLICAS, "0/1 nodes are available: 1 node(s) were unschedulable."), node(cordoned=True)
    )
    assert (finding.code, finding.target.name, finding.severity.word) == ("NODE_CORDONED", "node-1", "critical")
    assert [felt.code for felt in finding.consequences] == ["NODES_UNAVAILABLE"]


def with_claim(pod_: Pod, name: str = "data") -> Pod:
    return replace(pod_, volumes=(Volume("v", "PersistentVolumeClaim", name),))


UNBOUND = "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found"


def test_an_unbound_claim_is_the_cause() -> None:
    """The pod hangs under its claim."""
    finding = found(with_claim(unscheduled(REPLICAS, UNBOUND)), claim(storage_class="nope"))
    assert (finding.code, finding.target.kind) == ("STORAGE_CLASS_MISSING", "PersistentVolumeClaim")
    [felt] = finding.consequences
    assert (felt.code, felt.summary) == (
        "VOLUME_UNBOUND",
        "1 pod waits: its volume claim data is not bound to a volume.",
    )


def test_a_claim_that_does_not_exist_is_said_so() -> None:
    """It must be made, not mended."""
    message = '0/1 nodes are available: persistentvolumeclaim "data" not found.'
    finding = found(with_claim(unscheduled(REPLICAS, message)))
    assert (finding.code, finding.summary) == ("CLAIM_MISSING", "1 pod waits: the volume claim data does not exist.")


def test_claims_that_could_not_be_read_are_not_called_missing() -> None:
    """Could not look is not: is not there."""
    waits = with_claim(unscheduled(REPLICAS, UNBOUND))
    [finding] = diagnose(snapshot(WORKLOAD, REPLICAS, waits, parts={Part.CLAIMS: missing("no right")})).findings
    assert finding.code == "VOLUME_UNBOUND"


def test_the_node_that_is_being_cleared_is_named() -> None:
    """The pod will start there soon."""
    waits = replace(unscheduled(REPLICAS, MEMORY.format(1, 1, 1, 1)), nominated_node="node-2")
    assert "making room for it on node node-2" in found(waits).summary


def test_preempted_pods_are_told_beside_what_their_successors_wait_for() -> None:
    """They are gone: the name of their revision tells whose they were."""
    gone = pod(REPLICAS, name=f"{REPLICAS.meta.name}-abcde")
    event = happened(gone.meta, "Pod", "Preempted", "Preempted by pod 1234 on node node-1", ago_s=300)
    finding = found(unscheduled(REPLICAS, MEMORY.format(1, 1, 1, 1)), event)
    assert finding.code == "INSUFFICIENT_RESOURCES"
    assert finding.summary.endswith("1 pod of it was preempted in the last hour, by pods of higher priority.")


@pytest.mark.parametrize(("ago_s", "codes"), [(300, {"PREEMPTED", "NOT_READY"}), (4000, {"NOT_READY"})])
def test_a_preemption_is_told_where_nothing_waits(ago_s: float, codes: set[str]) -> None:
    """While it is recent."""
    gone = pod(REPLICAS, name=f"{REPLICAS.meta.name}-abcde")
    event = happened(gone.meta, "Pod", "Preempted", "Preempted by pod 1234 on node node-1", ago_s=ago_s)
    assert {f.code for f in diagnose(snapshot(WORKLOAD, REPLICAS, event)).findings} == codes


def test_what_would_fit_an_empty_node_is_not_called_in_vain() -> None:
    """It may get its place when others leave."""
    waits = unscheduled(REPLICAS, MEMORY.format(1, 1, 1, 1), container(memory=8 * GI))
    [finding] = diagnose(snapshot(WORKLOAD, REPLICAS, waits, node())).findings
    assert "in all, what is free was not read" in finding.summary


def test_init_containers_do_not_add_up() -> None:
    """They run one after the other, before the others: the largest of them counts, not their sum."""
    inits = [container(name=f"init-{n}", role=Role.INIT, memory=10 * GI, cpu_m=500) for n in range(3)]
    waits = unscheduled(REPLICAS, MEMORY.format(1, 1, 1, 1), *inits, container(memory=2 * GI, cpu_m=250))
    [finding] = diagnose(snapshot(WORKLOAD, REPLICAS, waits, node())).findings
    assert finding.evidence[0].label == "asks for 500m CPU and 10 Gi memory"


def test_what_is_asked_for_is_the_sum_of_those_that_run_together() -> None:
    """Sidecars count beside the main containers."""
    both = (container(name="proxy", role=Role.SIDECAR, memory=64 * MI, cpu_m=750), container(memory=GI, cpu_m=250))
    [finding] = diagnose(snapshot(WORKLOAD, REPLICAS, unscheduled(REPLICAS, "", *both))).findings
    assert finding.evidence[0].label == "asks for 1 CPU and 1.062 Gi memory"


def test_a_stateful_set_waits_like_any_other() -> None:
    """Pods that belong to their workload without a replica set between."""
    workload = stateful_set(ready=0)
    [finding] = diagnose(snapshot(workload, unscheduled(workload, MEMORY.format(1, 1, 1, 1)))).findings
    assert (finding.code, finding.target.kind, finding.revision) == ("INSUFFICIENT_RESOURCES", "StatefulSet", None)


def test_scheduled_and_finished_pods_are_not_accused() -> None:
    """Only a pod that waits does wait."""
    waits = unscheduled(REPLICAS, MEMORY.format(1, 1, 1, 1))
    over = replace(waits, phase="Failed")
    healthy = deployment(ready=1)
    report = diagnose(snapshot(healthy, replica_set(healthy), over, pod(replica_set(healthy), container(running()))))
    assert report.findings == ()
