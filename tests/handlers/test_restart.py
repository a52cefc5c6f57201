from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.domain.findings import Finding, Severity
from bot.domain.live import template_digest, template_of
from bot.domain.plans import Draft, Fact, Refusal, Risk, Symptom
from bot.domain.snapshot import Part
from bot.domain.steps import Restart
from bot.domain.targets import ObjectRef
from bot.planning.ground import Ground
from bot.store.store import PostgresStore
from handlers import restart
from handlers.restart import Params
from sandbox.cluster.world.behaviours import Crashes
from tests.support.bounds import api, asking, budget, ground_with, quota
from tests.support.builders import (
    MI,
    container,
    crash_looping,
    deployment,
    oom_killed,
    pod,
    replica_set,
    stale,
    waiting,
)
from tests.support.changing import deploy
from tests.support.planned import json_template
from tests.support.planned_cluster import Planning, planning_on

SEARCH = Params(workload="search")


def planned(ground: Ground) -> Draft:
    found = restart.plan(SEARCH, ground)
    assert isinstance(found, Draft), found
    return found


def refused(ground: Ground) -> Refusal:
    found = restart.plan(SEARCH, ground)
    assert isinstance(found, Refusal), found
    return found


# --- the plan ---------------------------------------------------------------------------------------------------------


def test_a_healthy_service_is_restarted_by_whoever_asks() -> None:
    """The step is bound to the template of now; nothing undoes it, and it says so."""
    ground = ground_with(api(), lasted=(40.0,))
    draft = planned(ground)
    assert draft.step == Restart(kind="Deployment", template=template_digest(template_of(ground.live.object)))
    assert (draft.verb, draft.risk, draft.service, draft.inverse) == ("restart", Risk.LOW, "search", "")
    assert (draft.target.ref, draft.watch) == (ground.ref, ObjectRef("Deployment", "shop", "api"))
    assert (draft.words.title, draft.words.done) == ("Restart search", "search was restarted")
    assert (draft.words.warnings, draft.words.reverts, draft.symptoms, draft.lasts_s) == ((), (), (), 600)
    assert draft.words.facts == (
        Fact("pods", "3 move, at least 3 stay ready, up to 1 more meanwhile, about 40 s (as the last time)"),
        Fact("room", "the nodes take 80 more pods"),
        Fact("undo", "none: what the pods held in memory, and their logs of before, go with them"),
    )


BUSY = {"budgets": (budget("b", healthy=3, needed=3),)}
FULL = {"quotas": (quota("q", {"pods": "3"}, {"pods": "3"}),)}
ONE_AWAY = {"strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}}


@pytest.mark.parametrize(
    ("ground", "risk"),
    [
        (ground_with(api(2)), Risk.LOW),
        (ground_with(api(2, kind="StatefulSet")), Risk.LOW),
        (ground_with(api(1)), Risk.MEDIUM),
        (ground_with(api(3, ready=1)), Risk.MEDIUM),
        (ground_with(api(strategy={"type": "Recreate"})), Risk.MEDIUM),
        (ground_with(api(template=json_template(asking("9")))), Risk.MEDIUM),
        (ground_with(api(), load=None), Risk.MEDIUM),
        (ground_with(api(), bounds=FULL), Risk.MEDIUM),
        (ground_with(api(**ONE_AWAY), bounds=BUSY), Risk.MEDIUM),
        (ground_with(api(kind="StatefulSet", updateStrategy={"type": "OnDelete"})), Risk.MEDIUM),
        (ground_with(api(), unread=("disruption budgets: no right",)), Risk.MEDIUM),
    ],
    ids=[
        "two pods",
        "one after the other",
        "one pod",
        "one ready",
        "recreate",
        "no room for the surge",
        "room unknown",
        "quota used up",
        "below its budget",
        "on delete",
        "budgets unread",
    ],
)
def test_a_second_person_agrees_unless_two_stay_and_all_is_clear(ground: Ground, risk: Risk) -> None:
    """Everything that is warned of is for two pairs of eyes."""
    draft = planned(ground)
    assert draft.risk is risk
    assert draft.risk is Risk.MEDIUM or not draft.words.warnings


def test_an_old_picture_is_for_two_pairs_of_eyes() -> None:
    """It may have changed since."""
    draft = planned(ground_with(api(), parts={Part.PODS: stale(300)}))
    assert (draft.risk, draft.words.warnings) == (Risk.MEDIUM, ("The pods were last seen 5 min ago.",))


def test_room_is_told_where_pods_are_made_first() -> None:
    """A StatefulSet needs none."""
    assert {fact.label for fact in planned(ground_with(api(kind="StatefulSet"))).words.facts} == {"pods", "undo"}


def test_troubles_that_a_restart_may_cure_or_that_are_of_others_are_not_warned_of() -> None:
    """Such as want of CPU, or an autoscaler's."""
    ground = ground_with(api())
    scaler = ObjectRef("HorizontalPodAutoscaler", "shop", "api")
    findings = tuple(
        Finding(code=code, severity=Severity.WARNING, target=target, title=code, summary="")
        for code, target in (("CPU_AT_LIMIT", ground.ref), ("CRASH_LOOP", scaler))
    )
    assert planned(replace(ground, findings=findings)).words.warnings == ()


def test_only_an_operator_undoes_a_restart() -> None:
    """Git and Helm say nothing of its mark."""
    live = api()
    live["metadata"] |= {
        "annotations": {"argocd.argoproj.io/tracking-id": "shop:x"},
        "ownerReferences": [{"kind": "App", "name": "shop", "controller": True}],
    }
    [owner] = planned(ground_with(live)).words.reverts
    assert owner.startswith("App shop, which made this object")


def test_memory_that_runs_out_is_no_reason_to_refuse() -> None:
    """A restart frees it for a while, and the card says so; the symptom is kept to be compared afterwards."""
    workload = deployment(desired=3, ready=2)
    replicas = replica_set(workload, ready=2)
    killed = container(waiting("CrashLoopBackOff"), last=oom_killed(), restarts=8, memory_limit=64 * MI)
    draft = planned(ground_with(api(3, ready=2), workload, replicas, pod(replicas, killed)))
    assert draft.words.warnings[0] == "A restart frees memory only for a while: out of memory."
    assert (draft.risk, draft.symptoms) == (Risk.MEDIUM, (Symptom("OOM_KILLED", "out of memory"),))


def test_a_trouble_that_is_no_more_than_a_warning_is_said() -> None:
    """An older revision's pods crash: the new ones may go well."""
    workload = deployment(desired=3, ready=2, revision=None)
    replicas = replica_set(workload, 1, ready=2)
    draft = planned(ground_with(api(3, ready=2), workload, replicas, pod(replicas, crash_looping())))
    assert draft.words.warnings[0] == "A restart hardly cures this: crashes again and again."


# --- refusals ---------------------------------------------------------------------------------------------------------


def test_a_paused_deployment_is_not_restarted() -> None:
    """No pod would be replaced."""
    assert refused(ground_with(api(paused=True))).reason.startswith("search is paused: ")


@pytest.mark.parametrize(
    ("live", "reason", "command"),
    [
        (api(0), "There is nothing to restart: search is scaled to 0.", "scale search 1"),
        (
            api(3, kind="DaemonSet", status={"desiredNumberScheduled": 0, "numberReady": 0}),
            "There is nothing to restart: no node is to have a pod of api.",
            "describe api",
        ),
    ],
    ids=["scaled to 0", "no node"],
)
def test_without_pods_there_is_nothing_to_restart(live: dict[str, Any], reason: str, command: str) -> None:
    """What would be needed instead is offered."""
    refusal = refused(ground_with(live))
    assert (refusal.reason, refusal.commands[0].label) == (reason, command)


def test_a_crash_loop_is_not_cured_by_a_restart() -> None:
    """The cause is told, and the finding's own next steps."""
    workload = deployment(desired=3, ready=3, revision=8)
    old, new = replica_set(workload, 7, desired=3, ready=3), replica_set(workload, 8)
    bad = pod(new, crash_looping(), name="api-1")
    # It is still being rolled out, too; what is wrong with it says more.
    refusal = refused(ground_with(api(status={"updatedReplicas": 1, "replicas": 4}), workload, old, new, bad))
    assert refusal.reason == "Restarting search does not help: every new pod would meet the same trouble."
    assert refusal.facts[0] == Fact("trouble", "api: new release crashes, the old one still serves")
    assert [command.label for command in refusal.commands] == ["rollback api", "compare api 7 8", "logs api"]


def test_a_roll_out_is_not_begun_anew_while_it_goes_on() -> None:
    """It may be about to end well."""
    refusal = refused(ground_with(api(status={"updatedReplicas": 1, "replicas": 4})))
    assert refusal.reason == "A roll-out of search is under way: a restart now would begin it anew."
    assert refusal.facts == (Fact("pods", "1 of 3 are new"),)
    assert refusal.commands[0].label == "status search"


# --- over HTTP --------------------------------------------------------------------------------------------------------


@pytest.fixture
async def planning(store: PostgresStore, tmp_path: Path) -> AsyncIterator[Planning]:
    async with planning_on(store, tmp_path) as made:
        yield made


async def test_a_restart_is_planned_and_made_in_the_cluster(planning: Planning) -> None:
    """Twice: the second is a request of its own, on the template that the first left."""
    deploy(planning.world, "api")
    first = await planning.drafted("restart api")
    assert (first.risk, first.words.warnings) == (Risk.LOW, ())
    await planning.carry_out(first)
    planning.world.advance(5)
    second = await planning.drafted("restart api")
    assert first.step != second.step
    await planning.carry_out(second)


async def test_a_release_that_crashes_in_the_cluster_is_not_restarted(planning: Planning) -> None:
    """The diagnosis knows why."""
    deploy(planning.world, "api")
    planning.world.behave("api", Crashes(voice="silent", after=1.0))
    deploy(planning.world, "api", "v2")
    assert (await planning.refused("restart api")).startswith("Restarting api does not help")
