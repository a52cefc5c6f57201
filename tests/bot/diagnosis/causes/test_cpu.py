from __future__ import annotations

from dataclasses import replace

import pytest

from bot.diagnosis import diagnose
from bot.domain.findings import Finding, Severity
from bot.domain.objects import Container, NodeUsage
from bot.domain.snapshot import Part
from tests.support.builders import container, deployment, missing, node, pod, replica_set, snapshot, usage

WORKLOAD = deployment(desired=3)
REPLICAS = replica_set(WORKLOAD, ready=3)
ASKING = container(cpu_m=100)
LIMITED = replace(ASKING, cpu_limit_m=200)


def found(subject: Container, *used_m: int, read: bool = True, busy: int = 7500) -> tuple[Finding, ...]:
    pods = [pod(REPLICAS, subject, name=f"api-{number}") for number, _ in enumerate(used_m)]
    samples = [usage(each, cpu_m=used) for each, used in zip(pods, used_m, strict=True)]
    parts = {} if read else {Part.POD_METRICS: missing("no metrics")}
    where = node(cpu_m=8000)
    load = NodeUsage(meta=where.meta, cpu_m=busy)
    return diagnose(snapshot(WORKLOAD, REPLICAS, *pods, *samples, where, load, parts=parts)).findings


@pytest.mark.parametrize(
    ("subject", "used_m", "code", "words"),
    [
        (LIMITED, (199,), "CPU_AT_LIMIT", "Its pod uses almost all of the CPU limit of container api: 199m CPU of"),
        (LIMITED, (190, 200, 181), "CPU_AT_LIMIT", "3 of 3 pods use almost all of the CPU limit"),
        (LIMITED, (190, 200, 100), "CPU_AT_LIMIT", "2 of 3 pods use"),
        (
            ASKING,
            (300, 250, 220),
            "CPU_ABOVE_REQUEST",
            "asked 100m CPU. Node node-1 is busy (94 % of its CPU) and need not give it.",
        ),
        (LIMITED, (200, 20, 22), "CPU_SKEWED", "Pod api-0 uses 200m CPU in container api, the other 2 pods about 21m"),
        (ASKING, (20, 400, 30), "CPU_SKEWED", "More pods would not help."),
    ],
    ids=["at the limit", "all at the limit", "some at the limit", "above the request", "one limited", "one hot"],
)
def test_want_of_cpu_is_a_warning(subject: Container, used_m: tuple[int, ...], code: str, words: str) -> None:
    """What everybody lacks is mended in another way than what one pod takes."""
    [finding] = found(subject, *used_m)
    assert (finding.code, finding.severity) == (code, Severity.WARNING)
    assert words in finding.summary


@pytest.mark.parametrize(
    ("subject", "used_m", "command"),
    [
        (LIMITED, (199,), "set cpu api 400m"),
        (replace(ASKING, cpu_limit_m=1500), (1500,), "set cpu api 3"),
        (ASKING, (310, 250, 220), "set cpu api none --request 350m"),
        (ASKING, (1000, 950, 990), "set cpu api none --request 1"),
    ],
    ids=["twice the limit", "whole CPUs", "what is used", "a whole CPU"],
)
def test_more_cpu_is_a_command(subject: Container, used_m: tuple[int, ...], command: str) -> None:
    """With a button; the plan then says whether nodes and quotas bear it."""
    [finding] = found(subject, *used_m)
    assert [(step.text, step.label) for step in finding.next] == [("top pods", "Top pods"), (command, "Set CPU…")]


@pytest.mark.parametrize(
    ("subject", "used_m"),
    [
        (LIMITED, (170, 160, 150)),
        (ASKING, (190, 190, 190)),
        (ASKING, (250, 250, 120)),
        (container(), (900, 900, 900)),
        (replace(LIMITED, cpu_limit_m=20), (20, 20, 20)),
    ],
    ids=["below the limit", "below twice the request", "not all of them", "nothing asked", "too little to matter"],
)
def test_busy_is_not_short_of_cpu(subject: Container, used_m: tuple[int, ...]) -> None:
    """Programs are there to use CPU."""
    assert found(subject, *used_m) == ()


@pytest.mark.parametrize("used_m", [(300, 250, 220), (20, 400, 30)], ids=["all of them", "one of them"])
def test_a_node_with_cpu_to_spare_may_give_it(used_m: tuple[int, ...]) -> None:
    """Using more than was asked for harms nobody then."""
    assert found(ASKING, *used_m, busy=6300) == ()


def test_without_metrics_nothing_is_said() -> None:
    """Could not look is told under what was not checked."""
    assert found(LIMITED, 200, 200, 200, read=False) == ()
