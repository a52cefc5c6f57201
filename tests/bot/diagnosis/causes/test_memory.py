from __future__ import annotations

from dataclasses import replace

import pytest

from bot.diagnosis import diagnose, wanted
from bot.domain.findings import Finding, StepKind
from bot.domain.objects import Container
from bot.domain.snapshot import LogKey
from tests.support.builders import (
    GI,
    MI,
    condition,
    container,
    deployment,
    ended,
    log_of,
    node,
    oom_killed,
    pod,
    replica_set,
    running,
    snapshot,
    waiting,
)


def found(*containers: Container, ready: int = 0, **logs: str) -> tuple[Finding, ...]:
    workload = deployment("worker", ready=ready)
    replicas = replica_set(workload)
    texts = {LogKey("worker-1", "api", previous=key == "previous"): log_of(text) for key, text in logs.items()}
    return diagnose(snapshot(workload, replicas, pod(replicas, *containers, name="worker-1"), logs=texts)).findings


@pytest.mark.parametrize(
    "killed",
    [
        container(oom_killed(), memory_limit=64 * MI),
        container(waiting("CrashLoopBackOff"), last=oom_killed(), restarts=8, memory_limit=64 * MI),
        container(running(for_s=20), last=oom_killed(ago_s=21), restarts=1, memory_limit=64 * MI),
        container(running(for_s=3000), last=oom_killed(ago_s=3001), restarts=1, memory_limit=64 * MI),
    ],
    ids=["just now", "in back-off", "running again", "running again for 50 minutes"],
)
def test_a_kill_for_memory_is_found(killed: Container) -> None:
    """And it is believed before the crash that it looks like."""
    [finding] = found(killed)
    assert (finding.code, finding.title) == ("OOM_KILLED", "out of memory")


@pytest.mark.parametrize(
    "other",
    [
        container(running(), last=oom_killed(ago_s=3601), restarts=1),
        container(running(for_s=20), last=ended(137, "Error", ago_s=21), restarts=1),
    ],
    ids=["more than an hour ago", "exit code 137 alone"],
)
def test_what_is_no_kill_for_memory_is_not_called_one(other: Container) -> None:
    """137 only says SIGKILL; whoever sent it is not known."""
    assert found(other, ready=1) == ()


def test_exit_137_in_a_loop_is_a_crash() -> None:
    """Without the kubelet's word it is not said to be memory."""
    [finding] = found(container(waiting("CrashLoopBackOff"), last=ended(137), restarts=4))
    assert finding.code == "CRASH_LOOP"
    assert "exit code 137 (SIGKILL, killed from outside)" in finding.summary


def test_a_job_that_got_through_is_not_accused() -> None:
    """A pod that succeeded after a kill has done its work."""
    done = pod(None, container(ended(0, "Completed"), last=oom_killed(), restarts=1), phase="Succeeded")
    assert diagnose(snapshot(deployment(), done)).findings == ()


def test_a_job_that_was_killed_is_found() -> None:
    """A pod that failed for memory tells why the job did."""
    [finding] = diagnose(snapshot(pod(None, container(oom_killed()), phase="Failed"))).findings
    assert finding.code == "OOM_NODE"


@pytest.mark.parametrize(
    ("limit", "words"),
    [(512 * MI, "its limit of 512 Mi"), (3 * GI // 2, "its limit of 1.5 Gi"), (None, "the memory of its node")],
    ids=["Mi", "Gi", "no limit"],
)
def test_the_limit_is_named(limit: int | None, words: str) -> None:
    """The number to change is in the first sentence."""
    [finding] = found(container(waiting("CrashLoopBackOff"), last=oom_killed(), restarts=8, memory_limit=limit))
    assert words in finding.summary
    assert ", 40 s after its start; 8 restarts so far, the last kill 30 s ago." in finding.summary


def test_the_log_before_the_kill_is_the_previous_one_once_it_runs_again() -> None:
    """The log shown is that of the run that was killed."""
    [finding] = found(container(running(for_s=9), last=oom_killed(ago_s=10), restarts=1), previous="cache grew")
    assert finding.evidence[-1].lines == ("cache grew",)


@pytest.mark.parametrize(
    ("limit", "others", "command"),
    [
        (512 * MI, (), "set memory worker 1Gi"),
        (96 * MI, (), "set memory worker 192Mi"),
        (500_000_000, (), "set memory worker 954Mi"),
        (512 * MI, (container(name="proxy"),), "set memory worker 1Gi --container api"),
    ],
    ids=["Gi", "Mi", "rounded up", "one of two containers"],
)
def test_twice_the_limit_is_offered(limit: int, others: tuple[Container, ...], command: str) -> None:
    """As a command of ours, with a button."""
    [finding] = found(container(oom_killed(), memory_limit=limit), *others)
    step = finding.next[0]
    assert (step.kind, step.text, step.label) == (StepKind.COMMAND, command, "Set memory…")


def test_without_a_limit_the_amount_is_the_readers_to_choose() -> None:
    """Nothing tells how much is right."""
    [finding] = found(container(oom_killed()))
    assert finding.next[0].text == "kubectl -n shop set resources deployment/worker -c api --limits=memory=…"


def test_what_no_workload_makes_is_mended_where_it_is_made() -> None:
    """A job's template cannot be changed."""
    [finding] = diagnose(
        snapshot(pod(None, container(oom_killed(), memory_limit=MI), phase="Failed", name="x"))
    ).findings
    assert finding.next[0].text == "raise limits=memory of container api where pod x is made"


@pytest.mark.parametrize(("ran_s", "offered"), [(40, False), (3 * 3600, True)], ids=["soon", "late"])
def test_a_restart_is_offered_where_memory_has_grown(ran_s: float, *, offered: bool) -> None:
    """A start that does not fit is not cured by another start."""
    [finding] = found(container(oom_killed(ran_s=ran_s), memory_limit=64 * MI))
    assert ("restart worker" in [step.text for step in finding.next]) is offered


@pytest.mark.parametrize(
    ("ran_s", "words"),
    [
        (40, "It needs more than the limit soon after each start."),
        (3 * 3600, "memory which grows (a leak, a cache) is likelier than a limit too low."),
    ],
    ids=["soon", "late"],
)
def test_how_long_it_lived_hints_at_the_reason(ran_s: float, words: str) -> None:
    """A start that does not fit is mended in another way than a leak."""
    [finding] = found(container(oom_killed(ran_s=ran_s), memory_limit=64 * MI))
    assert words in finding.summary


def test_in_between_nothing_is_guessed() -> None:
    """A few minutes hint at nothing."""
    [finding] = found(container(oom_killed(ran_s=600), memory_limit=64 * MI))
    assert finding.summary.endswith("the last kill 30 s ago.")


def test_a_kill_without_a_limit_is_the_nodes() -> None:
    """The node lacked memory, and if it says so the kill is told there."""
    pressed = replace(node(), conditions=(condition("MemoryPressure", "True"),))
    [finding] = [
        each
        for each in diagnose(snapshot(pod(None, container(oom_killed(), restarts=1)), pressed)).findings
        if each.code == "OOM_NODE" or each.consequences
    ]
    told = [finding.code, *(felt.code for felt in finding.consequences)]
    assert "OOM_NODE" in told


def test_how_full_the_nodes_are_is_asked_for_when_the_node_ran_out() -> None:
    """It tells who used the memory."""
    assert wanted(snapshot(pod(None, container(oom_killed(), restarts=1)))).node_load
    assert not wanted(snapshot(pod(None, container(oom_killed(), memory_limit=MI)))).node_load
