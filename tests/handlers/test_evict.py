from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from bot.domain.live import Live, Target
from bot.domain.objects import Owner, Pod, Probe, Workload
from bot.domain.plans import Draft, Fact, Refusal, Risk, Symptom
from bot.domain.snapshot import Part, PartStatus
from bot.domain.steps import Evict
from bot.domain.targets import ObjectRef
from bot.errors import UsageError
from bot.ports import Surroundings
from bot.store.store import PostgresStore
from handlers import evict
from handlers.evict import Params, Seen
from sandbox.cluster.world import templates as make
from sandbox.cluster.world.behaviours import Crashes
from tests.support.bounds import api, budget, ground_with
from tests.support.builders import (
    NOW,
    SCOPE,
    ago,
    container,
    crash_looping,
    deployment,
    pod,
    replica_set,
    snapshot,
    stale,
    stateful_set,
)
from tests.support.changing import NAMESPACE, deploy
from tests.support.changing import container as served
from tests.support.planned import json_template, json_workload
from tests.support.planned_cluster import Planning, planning_on
from tests.support.twins import SnapshotCluster

API = deployment(desired=3)
REPLICAS = replica_set(API, desired=3, ready=3)
ONE = pod(REPLICAS, name="api-6d5f-w7zlb")
OTHERS = (pod(REPLICAS, name="api-6d5f-aaaaa"), pod(REPLICAS, name="api-6d5f-bbbbb"))
DOWN = tuple(replace(each, conditions=()) for each in OTHERS)
NOTHING: Mapping[str, Any] = MappingProxyType({})


def live_pod(of: Pod, **changed: Any) -> Live:
    """Return a pod as the API server tells it; `changed` are parts of its metadata, `phase` and `ready`."""
    phase, ready = changed.pop("phase", of.phase), changed.pop("ready", of.is_ready)
    owner = of.meta.owner
    owners = [{"kind": owner.kind, "name": owner.name, "uid": owner.uid, "controller": True}] if owner else []
    meta = {"name": of.meta.name, "uid": of.meta.uid, "labels": {"app": "api"}, "ownerReferences": owners, **changed}
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    return Live(read_at=NOW, object={"metadata": meta, "status": {"phase": phase, "conditions": conditions}})


def seen(
    of: Pod = ONE,
    *others: Pod,
    workload: Workload | None = API,
    live: Live | None = None,
    bounds: Mapping[str, tuple[dict[str, Any], ...]] = NOTHING,
    unread: tuple[str, ...] = (),
    parts: Mapping[Part, PartStatus] = NOTHING,
) -> Seen:
    """Return what is seen of a pod among others of the same owner; two that are ready unless told otherwise."""
    others = others or OTHERS
    ground = None
    shown = snapshot(REPLICAS, of, *others, parts=parts)
    if workload is not None:
        kind = workload.kind
        lived = api() if kind == "Deployment" else json_workload(json_template(), kind=kind, name=workload.meta.name)
        if kind == "DaemonSet":
            lived["status"] |= {"desiredNumberScheduled": 3, "numberReady": 3}
        ground = ground_with(lived, workload, REPLICAS, of, *others, parts=parts)
        shown = ground.snapshot
    return Seen(
        snapshot=shown,
        pod=of,
        target=Target(scope=SCOPE, kind="Pod", name=of.meta.name, uid=of.meta.uid),
        live=live or live_pod(of),
        surroundings=Surroundings(**bounds, unread=unread),
        ground=ground,
    )


def planned(of: Seen) -> Draft:
    found = evict.plan(Params(pod="w7zlb"), of)
    assert isinstance(found, Draft), found
    return found


def refused(of: Seen) -> Refusal:
    found = evict.plan(Params(pod="w7zlb"), of)
    assert isinstance(found, Refusal), found
    return found


def owned(by: Workload | Owner, name: str, *, ready: bool = True) -> Pod:
    return pod(by, container(ready=ready), name=name)


# --- the plan ---------------------------------------------------------------------------------------------------------


def test_one_of_several_pods_is_evicted_by_whoever_asks() -> None:
    """The target is the pod; its workload is watched afterwards."""
    draft = planned(seen(bounds={"budgets": (budget("b", healthy=3, needed=2),)}))
    assert draft.step == Evict(owner="ReplicaSet/api-rs1")
    assert draft.target == Target(scope=SCOPE, kind="Pod", name="api-6d5f-w7zlb", uid=ONE.meta.uid)
    assert (draft.verb, draft.risk, draft.service, draft.inverse) == ("evict", Risk.LOW, "search", "")
    assert (draft.watch, draft.lasts_s) == (ObjectRef("Deployment", "shop", "api"), 600)
    assert draft.words.title == "Evict pod api-6d5f-w7zlb of search"
    assert draft.words.done == "api-6d5f-w7zlb was evicted"
    assert draft.words.warnings == ()
    assert draft.words.facts == (
        Fact("pod", "Running, on node-1"),
        Fact("made anew", "by ReplicaSet api-rs1"),
        Fact("others", "2 of 2 others ready"),
        Fact("budget", "b needs 2 healthy, has 3"),
        Fact("undo", "none: what the pod held in memory and on its own disk, and its logs, go with it"),
    )


SICK = pod(REPLICAS, crash_looping(), name="api-6d5f-w7zlb")
DB = stateful_set(desired=3)
AGENT = replace(DB, kind="DaemonSet")
RUN = Owner("Job", "backfill", "uid-backfill")


@pytest.mark.parametrize(
    ("of", "risk", "warning"),
    [
        (seen(SICK), Risk.LOW, "The new pod likely meets the same: crashes again and again."),
        (seen(SICK, *DOWN), Risk.MEDIUM, "No other pod of search is ready."),
        (
            seen(owned(DB, "db-2"), owned(DB, "db-1"), workload=DB),
            Risk.MEDIUM,
            "It is a StatefulSet's pod: no other takes its place, and its volumes wait, until the new one is ready.",
        ),
        (
            seen(owned(AGENT, "agent-x"), owned(AGENT, "agent-y"), workload=AGENT),
            Risk.MEDIUM,
            "It is a DaemonSet's pod: its node goes without until the new one, on the same node, is ready.",
        ),
        (
            seen(owned(RUN, "backfill-x"), workload=None),
            Risk.MEDIUM,
            "It is a run of job backfill: the job counts this as a failure, and begins its work anew.",
        ),
        (seen(unread=("disruption budgets: no right",)), Risk.MEDIUM, "Not read: disruption budgets: no right."),
        (seen(parts={Part.PODS: stale(240)}), Risk.MEDIUM, "The pods were last seen 4 min ago."),
    ],
    ids=["crashes", "alone", "stateful set", "daemon set", "job", "budgets unread", "old picture"],
)
def test_what_is_warned_of(of: Seen, risk: Risk, warning: str) -> None:
    """And whether a second person has to agree."""
    draft = planned(of)
    assert draft.risk is risk
    assert warning in draft.words.warnings


def test_where_the_new_pod_comes_to_is_said() -> None:
    """With the same volumes, or on the same node."""
    made = {
        kind: next(fact.text for fact in planned(of).words.facts if fact.label == "made anew")
        for kind, of in (
            ("db", seen(owned(DB, "db-2"), owned(DB, "db-1"), workload=DB)),
            ("agent", seen(owned(AGENT, "agent-x"), owned(AGENT, "agent-y"), workload=AGENT)),
        )
    }
    assert made == {
        "db": "by StatefulSet db, with the same name and the same volumes",
        "agent": "by DaemonSet db, on the same node",
    }


def test_a_pod_without_a_known_workload_is_followed_no_further() -> None:
    """A ReplicaSet of its own makes it anew; its other pods count as those of a workload do."""
    draft = planned(seen(workload=None))
    assert (draft.risk, draft.watch, draft.service, draft.symptoms) == (Risk.LOW, None, "", ())
    assert draft.words.title == "Evict pod api-6d5f-w7zlb of api-rs1"
    assert draft.words.facts[2] == Fact("others", "2 of 2 others ready")


def test_the_trouble_of_the_workload_is_kept_to_be_compared() -> None:
    """Whether it is gone afterwards is judged by it."""
    assert [each.code for each in planned(seen(SICK)).symptoms] == ["CRASH_LOOP"]
    assert planned(seen()).symptoms == tuple[Symptom, ...]()


def test_pods_of_another_revision_serve_as_well() -> None:
    """They are the same workload's."""
    newer = replica_set(API, 2)
    other = pod(newer, name="api-77aa-ccccc")
    ground = ground_with(api(), API, REPLICAS, newer, ONE, other, *DOWN)
    of = replace(seen(ONE, *DOWN), snapshot=ground.snapshot, ground=ground)
    assert (of.others_ready, len(of.siblings)) == (1, 3)
    assert planned(of).risk is Risk.LOW


def test_only_the_pods_own_trouble_is_what_a_new_one_may_meet() -> None:
    """Not that of another pod, nor one that a new pod may well be without."""
    unready = pod(REPLICAS, container(ready=False, readiness=Probe("GET :8080/health")), name="api-6d5f-w7zlb")
    of = seen(unready)
    assert of.ground is not None
    assert [(each.code, each.pods) for each in of.ground.findings] == [("READINESS_FAILING", ("api-6d5f-w7zlb",))]
    assert planned(of).words.warnings == ()
    sick = replace(SICK, meta=replace(SICK.meta, name="api-6d5f-sick", uid="uid-sick"))
    assert planned(seen(ONE, sick, *OTHERS)).words.warnings == ()


def test_a_pod_that_waits_has_no_node_yet() -> None:
    """Where it is, is said."""
    waiting = replace(SICK, node="")
    assert planned(seen(waiting)).words.facts[0] == Fact("pod", "CrashLoopBackOff, on no node yet")


def test_it_is_followed_as_long_as_its_workload_may_need() -> None:
    """As with a roll-out."""
    of = seen()
    assert of.ground is not None
    slow = replace(of, ground=replace(of.ground, lasted=(300.0,)))
    assert (planned(of).lasts_s, planned(slow).lasts_s) == (600, 900)


def test_pods_that_leave_or_have_ended_take_over_nothing() -> None:
    """Nor does the pod itself."""
    others = (
        replace(OTHERS[0], meta=replace(OTHERS[0].meta, deleted_at=ago(1))),
        replace(OTHERS[1], phase="Failed"),
    )
    assert seen(ONE, *others).siblings == ()


# --- refusals ---------------------------------------------------------------------------------------------------------


def test_a_bare_pod_is_not_evicted() -> None:
    """Nothing makes it anew."""
    bare = pod(None, name="debug")
    refusal = refused(seen(bare, workload=None))
    assert refusal.reason == "Nothing makes debug anew: it is a bare pod, and would be gone for good."
    assert refusal.commands[0].label == "describe pod/debug"


def test_an_owner_that_does_not_control_it_makes_nothing_anew() -> None:
    """It only cleans up after itself."""
    owners = [{"kind": "ReplicaSet", "name": "x", "uid": "u", "controller": False}]
    assert refused(seen(live=live_pod(ONE, ownerReferences=owners))).reason.startswith("Nothing makes")


@pytest.mark.parametrize(
    ("changed", "node"),
    [
        ({"annotations": {"kubernetes.io/config.mirror": "abc"}, "ownerReferences": []}, "node-1"),
        ({"ownerReferences": [{"kind": "Node", "name": "node-7", "uid": "n", "controller": True}]}, "node-7"),
    ],
    ids=["annotation", "owner"],
)
def test_a_static_pod_is_not_evicted(changed: dict[str, Any], node: str) -> None:
    """Its kubelet keeps it running whatever the API server says."""
    refusal = refused(seen(live=live_pod(ONE, **changed)))
    assert "is a static pod of its node's kubelet" in refusal.reason
    assert refusal.facts[0].text == f"move its manifest away on {node}, and back"


@pytest.mark.parametrize(
    ("changed", "deleted", "reason", "commands"),
    [
        (
            {"deletionTimestamp": "2026-11-24T22:00:00Z"},
            False,
            "api-6d5f-w7zlb is going away already.",
            ["describe pod/api-6d5f-w7zlb"],
        ),
        (
            {"deletionTimestamp": "2026-11-24T22:00:00Z"},
            True,
            "api-6d5f-w7zlb is going away already (deleted 3 min ago).",
            ["describe pod/api-6d5f-w7zlb"],
        ),
        ({"phase": "Failed"}, False, "api-6d5f-w7zlb has failed and does not run any more.", ["clear failed"]),
        ({"phase": "Succeeded"}, False, "api-6d5f-w7zlb has done its work and does not run any more.", []),
    ],
    ids=["going", "seen going", "failed", "done"],
)
def test_what_ends_or_has_ended_is_not_evicted(
    changed: dict[str, Any], *, deleted: bool, reason: str, commands: list[str]
) -> None:
    """There is nothing to wait for."""
    of = replace(ONE, meta=replace(ONE.meta, deleted_at=ago(180))) if deleted else ONE
    refusal = refused(seen(of, live=live_pod(of, **changed)))
    assert (refusal.reason, [each.label for each in refusal.commands]) == (reason, commands)


@pytest.mark.parametrize(
    ("others", "facts", "commands"),
    [
        (DOWN, (Fact("others", "none of 2 other pods is ready"),), ["restart search", "status search"]),
        ((replace(OTHERS[0], phase="Failed"),), (), ["restart search"]),
    ],
    ids=["others not ready", "no others"],
)
def test_the_only_ready_pod_stays(others: tuple[Pod, ...], facts: tuple[Fact, ...], commands: list[str]) -> None:
    """A restart makes a new one first."""
    refusal = refused(seen(ONE, *others))
    assert refusal.reason == "api-6d5f-w7zlb is the only ready pod of search: without it nobody is served."
    assert (refusal.facts, [each.label for each in refusal.commands]) == (facts, commands)


def test_the_only_ready_pod_of_an_unknown_workload_stays_too() -> None:
    """There is nothing to restart then."""
    refusal = refused(seen(ONE, *DOWN, workload=None))
    assert (refusal.reason.partition(":")[0], refusal.commands) == (
        "api-6d5f-w7zlb is the only ready pod of api-rs1",
        (),
    )


def test_a_pod_that_the_api_server_calls_ready_is_ready() -> None:
    """Whatever the picture still shows, and the other way round."""
    assert refused(seen(SICK, *DOWN, live=live_pod(SICK, ready=True))).reason.endswith("nobody is served.")
    assert planned(seen(ONE, *DOWN, live=live_pod(ONE, ready=False))).risk is Risk.MEDIUM


TIGHT = budget("b", healthy=2, needed=2)


def test_a_budget_that_is_used_up_is_named() -> None:
    """With how many it needs; the server would say no more."""
    refusal = refused(seen(bounds={"budgets": (TIGHT,)}))
    assert refusal.reason == "The disruption budget b needs 2 healthy pods and has 2: none may be evicted now."
    assert refusal.commands == (Fact("status search", "shows its pods, and what is wrong with them"),)
    assert refused(seen(workload=None, bounds={"budgets": (TIGHT,)})).commands == ()


def test_a_budget_spares_nobody_who_does_not_run_yet() -> None:
    """The API server does not ask it then, nor of a pod that is not ready while enough are."""
    bounds = {"budgets": (TIGHT,)}
    pending = planned(seen(bounds=bounds, live=live_pod(ONE, phase="Pending", ready=False)))
    assert not any(fact.label == "budget" for fact in pending.words.facts)
    assert planned(seen(SICK, bounds=bounds)).risk is Risk.LOW


def test_a_budget_that_is_being_worked_out_is_waited_for() -> None:
    """The server says so for some seconds."""
    fresh = budget("b", healthy=3, needed=2) | {"metadata": {"name": "b", "generation": 2}}
    refusal = refused(seen(bounds={"budgets": (fresh,)}))
    assert refusal.reason.startswith("The disruption budget b was just changed")


def test_two_budgets_on_one_pod_stop_every_eviction() -> None:
    """Even while both have room."""
    both = (budget("a", healthy=3, needed=1), budget("b", healthy=3, needed=1))
    assert refused(seen(bounds={"budgets": both})).reason == (
        "Two disruption budgets are about api-6d5f-w7zlb (a and b): then the API server evicts none."
    )


# --- over HTTP --------------------------------------------------------------------------------------------------------


@pytest.fixture
async def planning(store: PostgresStore, tmp_path: Path) -> AsyncIterator[Planning]:
    async with planning_on(store, tmp_path) as made:
        yield made


def names(planning: Planning, app: str) -> list[str]:
    pods = planning.world.store.list("pods", NAMESPACE)
    return sorted(each["metadata"]["name"] for each in pods if each["metadata"]["labels"].get("app") == app)


async def test_a_pod_is_evicted_in_the_cluster_by_the_end_of_its_name(planning: Planning) -> None:
    """The other one serves meanwhile, and a new one is made."""
    deploy(planning.world, "api")
    before = names(planning, "api")
    draft = await planning.drafted(f"evict {before[0].rpartition('-')[2]}")
    assert (draft.target.name, draft.risk, draft.words.warnings) == (before[0], Risk.LOW, ())
    await planning.carry_out(draft)
    after = names(planning, "api")
    assert (len(after), before[0] in after) == (2, False)


async def test_the_budgets_of_the_cluster_are_asked(planning: Planning) -> None:
    """As its controller has worked them out."""
    deploy(planning.world, "api")
    strict = make.plain("policy/v1", "PodDisruptionBudget", "api", NAMESPACE)
    strict["spec"] = {"minAvailable": 2, "selector": {"matchLabels": {"app": "api"}}}
    planning.world.apply("poddisruptionbudgets", strict)
    planning.world.advance(10)
    said = await planning.refused(f"evict {names(planning, 'api')[0]}")
    assert said == "The disruption budget api needs 2 healthy pods and has 2: none may be evicted now."


async def test_a_pod_that_is_gone_is_said_to_be(planning: Planning) -> None:
    """The picture may be older than the API server."""
    deploy(planning.world, "api")
    gone = names(planning, "api")[0]
    assert planning.sources.cluster is not None
    shown = await planning.sources.cluster.snapshot(planning.sources.scope, frozenset(Part))
    await planning.carry_out(await planning.drafted(f"evict {gone}"))
    planning.sources = replace(planning.sources, cluster=SnapshotCluster(shown))
    with pytest.raises(UsageError, match=f"Pod {gone} is gone already."):
        await planning.plan(f"evict {gone}")


async def test_a_job_counts_an_eviction_in_the_cluster(planning: Planning) -> None:
    """It has no workload that could be followed."""
    planning.world.behave("backfill", Crashes(voice="silent", after=10_000.0))
    planning.world.apply("jobs", make.job(NAMESPACE, "backfill", served("v1")))
    planning.world.advance(30)
    draft = await planning.drafted(f"evict {names(planning, 'backfill')[0]}")
    assert (draft.risk, draft.watch) == (Risk.MEDIUM, None)
    assert draft.step == Evict(owner="Job/backfill")
