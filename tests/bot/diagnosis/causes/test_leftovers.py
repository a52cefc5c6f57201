from __future__ import annotations

from dataclasses import replace

import pytest

from bot.diagnosis.causes import leftovers, terminating
from bot.diagnosis.diagnose import diagnose
from bot.diagnosis.eviction_words import eviction_of
from bot.diagnosis.index import Index
from bot.domain.findings import Finding, Severity
from bot.domain.objects import Owner, Pod, Workload
from bot.domain.snapshot import Part
from bot.domain.text import Redacted
from tests.support.builders import (
    ago,
    condition,
    container,
    deployment,
    ended,
    happened,
    missing,
    node,
    pod,
    ref,
    replica_set,
    snapshot,
    stateful_set,
)

API = deployment(desired=2)
SET = replica_set(API, desired=2, ready=2)
LOW = (
    "The node was low on resource: memory. Threshold quantity: 100Mi, available: 52Mi. Container api was using 900Mi,"
    " request is 256Mi, has larger consumption of memory. "
)

DISK = (
    "The node was low on resource: ephemeral-storage. Container api was using 9Gi, request is 0, has larger"
    " consumption of ephemeral-storage. "
)


def failed(reason: str, message: str = "", *, ago_s: float = 600, of: Workload = API, on: str = "node-1") -> Pod:
    made = pod(replica_set(of), container(ended(137, ago_s=ago_s)), phase="Failed")
    return replace(made, reason=reason, message=Redacted(message), node=on)


def look(*objects: object, of: Workload = API) -> list[Finding]:
    return list(leftovers.SURVEY.look(Index(snapshot(of, SET, *objects))))


# --- evicted ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "resource", "own", "words"),
    [
        (
            LOW,
            "memory",
            False,
            "the node was low on memory (52Mi left, it wants 100Mi); api used 900Mi and had asked for 256Mi",
        ),
        (
            DISK,
            "ephemeral-storage",
            False,
            "the node was low on ephemeral-storage; api used 9Gi and had asked for 0",
        ),
        ("The node had condition: [DiskPressure]. ", "DiskPressure", False, "the node had DiskPressure"),
        (
            'Usage of EmptyDir volume "cache" exceeds the limit "1Gi". ',
            "ephemeral storage",
            True,
            'Usage of EmptyDir volume "cache" exceeds the limit "1Gi"',
        ),
        (
            "Pod ephemeral local storage usage exceeds the total limit of containers 1Gi. ",
            "ephemeral storage",
            True,
            "Pod ephemeral local storage usage exceeds the total limit of containers 1Gi",
        ),
        ("something new", "", False, "something new"),
    ],
)
def test_the_kubelets_words_are_read(message: str, resource: str, own: bool, words: str) -> None:
    """Who used what against its request."""
    eviction = eviction_of(message)
    assert (eviction.resource, eviction.own_limit, eviction.summary) == (resource, own, words)


def test_evicted_pods_are_told_once_for_each_node() -> None:
    """A workload's, by what the node was low on."""
    pods = [failed("Evicted", LOW), failed("Evicted", LOW, ago_s=300), failed("Evicted", LOW, on="node-2")]
    found = look(*pods)
    assert [(f.code, f.target, len(f.pods)) for f in found] == [("EVICTED", ref(API), 2), ("EVICTED", ref(API), 1)]
    assert found[0].summary == (
        "2 pods on node node-1, the newest 5 min ago: the node was low on memory (52Mi left, it wants 100Mi);"
        " api used 900Mi and had asked for 256Mi."
    )
    assert found[0].since == ago(600)


@pytest.mark.parametrize(("ago_s", "severity"), [(3000, Severity.WARNING), (4000, Severity.INFO)])
def test_an_old_eviction_is_only_litter(ago_s: float, severity: Severity) -> None:
    """The last hour matters."""
    assert [f.severity for f in look(failed("Evicted", LOW, ago_s=ago_s))] == [severity]


def test_a_limit_of_its_own_has_its_own_code() -> None:
    """The node is not to be blamed."""
    [finding] = look(failed("Evicted", 'Usage of EmptyDir volume "cache" exceeds the limit "1Gi". '))
    assert finding.code == "STORAGE_LIMIT_EXCEEDED"


@pytest.mark.parametrize(("ago_s", "codes"), [(600, ["EVICTED"]), (9000, ["NOT_READY", "EVICTED"])])
def test_only_a_recent_eviction_explains_what_is_missing(ago_s: float, codes: list[str]) -> None:
    """Yesterday's litter has nothing to do with it."""
    short = replace(API, ready=1)
    report = diagnose(snapshot(short, SET, failed("Evicted", LOW, ago_s=ago_s)))
    assert sorted(f.code for f in report.findings) == sorted(codes)


def test_an_eviction_follows_from_the_node_that_is_still_short() -> None:
    """And stands for itself when the node has recovered."""
    pressed = node(conditions=(condition("MemoryPressure", "True"),))
    evicted, here = failed("Evicted", LOW), pod(SET)
    [root] = diagnose(snapshot(API, SET, evicted, here, pressed)).findings
    assert (root.code, [felt.code for felt in root.consequences]) == ("NODE_MEMORY_PRESSURE", ["EVICTED"])
    [finding] = diagnose(snapshot(API, SET, evicted, here, node(cordoned=False))).findings
    assert finding.code == "EVICTED"


@pytest.mark.parametrize(
    ("reason", "code"),
    [("EvictionByEvictionAPI", "EVICTED_BY_REQUEST"), ("DeletionByTaintManager", "EVICTED_BY_TAINT")],
)
def test_who_took_a_pod_away_is_told_while_it_is_missed(reason: str, code: str) -> None:
    """A drain that costs nothing is no news."""
    leaving = pod(SET, conditions=(condition("DisruptionTarget", "True", reason, ago_s=20),), deleted=True)
    assert [f.code for f in look(leaving, of=replace(API, ready=1))] == [code]
    assert look(leaving) == []


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("OutOfcpu", "its node had no cpu left when it arrived"),
        ("UnexpectedAdmissionError", "the kubelet could not give it what it asks for"),
        ("NodeLost", "its node was lost"),
        ("Unheard", "its own words"),
    ],
)
def test_what_failed_before_it_ran_is_told(reason: str, words: str) -> None:
    """The reason of the pod, in words."""
    [finding] = look(failed(reason, "its own words."))
    assert finding.code == "FAILED_LEFTOVER"
    assert words in finding.summary
    assert (finding.next[-1].text, finding.next[-1].label) == ("clear failed", "Clear failed…")


def test_pods_of_jobs_are_left_to_their_jobs() -> None:
    """A job counts its failures itself."""
    made = replace(failed("Evicted", LOW), meta=replace(failed("Evicted").meta, owner=Owner("Job", "j", "uid-j")))
    assert look(made) == []
    assert look(failed("")) == []


# --- terminating ------------------------------------------------------------------------------------------------------


def overdue(
    of: Workload = API, *, by_s: float = 300, finalizers: tuple[str, ...] = (), on: str = "node-1", name: str = ""
) -> Pod:
    made = pod(replica_set(of) if of.kind == "Deployment" else of, name=name)
    return replace(made, node=on, meta=replace(made.meta, deleted_at=ago(by_s), finalizers=finalizers))


def stuck(*objects: object, without: Part | None = None) -> list[Finding]:
    parts = {without: missing("no right")} if without else {}
    return list(terminating.SURVEY.look(Index(snapshot(API, SET, *objects, parts=parts))))


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (overdue(finalizers=("example.com/a",)), "the finalizer example.com/a must be removed by whoever set it."),
        (overdue(finalizers=("x/a", "x/b")), "the finalizers x/a, x/b must be removed by whoever set it."),
        (overdue(on="gone"), "node gone, whose kubelet must end it, does not exist any more."),
        (overdue(), "nothing says why; its kubelet has not confirmed that the containers are gone."),
    ],
    ids=["finalizer", "finalizers", "no node", "nothing"],
)
def test_a_pod_that_does_not_end_is_told_with_the_reason(made: Pod, words: str) -> None:
    """As far as it can be seen."""
    [finding] = stuck(made, node())
    assert (finding.code, finding.severity, finding.since) == ("STUCK_TERMINATING", Severity.WARNING, ago(300))
    assert finding.summary == f"1 pod cannot end, it should have been gone 5 min ago: {words}"


def test_a_pod_within_its_grace_is_not_told() -> None:
    """The deletion time is the end of the grace period; a minute more is patience."""
    assert stuck(overdue(by_s=50), overdue(by_s=-20), pod(SET)) == []


def test_a_dead_node_holds_its_pods() -> None:
    """The node's finding is the root."""
    dead = node(conditions=(condition("Ready", "Unknown"),))
    [root] = diagnose(snapshot(API, SET, overdue(), dead)).findings
    assert (root.code, [felt.code for felt in root.consequences]) == ("NODE_UNREACHABLE", ["STUCK_TERMINATING"])


def test_nodes_that_could_not_be_read_are_not_called_gone() -> None:
    """Could not look is not: is not there."""
    [finding] = stuck(overdue(on="gone"), without=Part.NODES)
    assert "does not exist" not in finding.summary


def test_what_the_kubelet_reports_is_told() -> None:
    """The event's words are the evidence."""
    made = overdue()
    event = happened(made.meta, "Pod", "FailedKillPod", "error killing pod: context deadline exceeded")
    [finding] = stuck(made, event, node())
    assert finding.summary.endswith("its kubelet reports FailedKillPod.")
    assert finding.evidence[1].lines == ("error killing pod: context deadline exceeded",)


def test_a_stateful_set_waits_for_its_old_pod() -> None:
    """So it explains what is missing; a Deployment's new pod does not wait for it."""
    db = stateful_set(ready=0)
    [finding] = diagnose(snapshot(db, overdue(db), node())).findings
    assert (finding.code, finding.severity) == ("STUCK_TERMINATING", Severity.CRITICAL)
    short = replace(API, ready=1)
    report = diagnose(snapshot(short, SET, overdue(short), node()))
    assert {f.code for f in report.findings} == {"STUCK_TERMINATING", "NOT_READY"}
