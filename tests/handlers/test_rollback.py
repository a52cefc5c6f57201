"""Rolling back: to which revision, on what that rests, what is refused, and what is said of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from bot.domain.live import Json, template_digest
from bot.domain.objects import Container, Pod
from bot.domain.plans import Draft, Refusal, Risk
from bot.domain.steps import Rollback
from bot.planning.ground import Ground
from bot.ports import Store
from handlers import rollback
from sandbox.cluster.world import templates as make
from sandbox.cluster.world.behaviours import Crashes
from tests.support.builders import DAY_S, autoscaler, container, crash_looping, ended, node, running, waiting
from tests.support.changing import IMAGE, NAMESPACE, deploy, live_in, release
from tests.support.changing import container as small_container
from tests.support.changing import undo as undone_by_hand
from tests.support.planned import (
    ground,
    json_controller_revision,
    json_revision,
    json_workload,
    pods_of_set,
    released,
    seen_workload,
    worked,
    worked_set,
)
from tests.support.planned_cluster import planning_on

V1, V2, V3 = (released(f"rag-engine:v{number}") for number in (1, 2, 3))
RESTARTED = {"kubectl.kubernetes.io/restartedAt": "2026-11-24T20:00:00Z"}
V2_RESTARTED, V3_RESTARTED = ({**each, "metadata": {**each["metadata"], "annotations": RESTARTED}} for each in (V2, V3))
# Revision 8 is v3 and wanted now; 7 was v2, 6 was v1.
REVISIONS = (
    json_revision(V3, 8, made_s=360),
    json_revision(V2, 7, made_s=DAY_S),
    json_revision(V1, 6, made_s=9 * DAY_S),
)
# The record began before revision 7 was made.
RECORDED = 5 * DAY_S


def crashing(number: int, *, count: int = 1, age_s: float = 360) -> list[Pod]:
    """Pods of a revision that crash at their start."""
    return pods_of_set(number, count=count, age_s=age_s, containers=(crash_looping(ended(1)),))


def on(*objects: object, template: Json = V3, revisions: Sequence[Json] = REVISIONS, **more: Any) -> Ground:
    return ground(json_workload(template), *objects, revisions=revisions, **more)


def planned(seen: Ground, to: int | None = None) -> Draft:
    found = rollback.plan(rollback.Params("api", to), seen)
    assert isinstance(found, Draft), found
    return found


def refused(seen: Ground, to: int | None = None) -> Refusal:
    found = rollback.plan(rollback.Params("api", to), seen)
    assert isinstance(found, Refusal), found
    return found


def target(draft: Draft) -> int:
    assert isinstance(draft.step, Rollback)
    return draft.step.revision


def facts(plan: Draft | Refusal) -> dict[str, str]:
    return {fact.label: fact.text for fact in (plan.words.facts if isinstance(plan, Draft) else plan.facts)}


# --- the choice -------------------------------------------------------------------------------------------------------


def test_the_last_that_was_seen_to_work_is_chosen() -> None:
    """Said with how long, and how long ago."""
    draft = planned(on(worked=[worked_set(7, first_s=RECORDED, minutes=4320), worked_set(6, last_s=2 * DAY_S)]))
    assert target(draft) == 7
    assert facts(draft)["works?"] == "revision 7 was seen to work for 3 days, last 6 min ago"
    assert draft.risk is Risk.MEDIUM
    assert draft.words.warnings == ()
    assert not [label for label in facts(draft) if label.startswith("not revision")]


def test_the_last_that_worked_counts_not_the_highest_number() -> None:
    """When it was seen last decides."""
    draft = planned(on(worked=[worked_set(6, last_s=600), worked_set(7, last_s=DAY_S)]))
    assert target(draft) == 6
    assert facts(draft)["not revision 7"] == "revision 6 was seen to work later"


@pytest.mark.parametrize(
    ("minutes", "others", "says"),
    [
        (3, 4320, "Revision 7 was seen to work for 3 min only; revision 6 was for 3 days."),
        (3, 10, "Revision 7 was seen to work for 3 min only; revision 6 was for 10 min."),
        (3, 9, "Revision 7 was seen to work for 3 min only."),
        (10, 4320, ""),
    ],
)
def test_a_short_time_is_weak_evidence(minutes: int, others: int, says: str) -> None:
    """It may have broken afterwards."""
    record = [worked_set(7, minutes=minutes), worked_set(6, last_s=DAY_S, minutes=others)]
    assert [each for each in planned(on(worked=record)).words.warnings if "was seen" in each] == (
        [says] if says else []
    )


def test_a_short_time_alone_is_told_as_well() -> None:
    record = [worked_set(7, first_s=RECORDED, minutes=1)]
    assert "Revision 7 was seen to work for 60 s only." in planned(on(worked=record)).words.warnings


def test_what_runs_now_is_never_the_target() -> None:
    """However well it worked."""
    assert target(planned(on(worked=[worked_set(8, last_s=0), worked_set(7)]))) == 7


def test_a_revision_that_never_worked_is_passed_over() -> None:
    """It was made while the record was kept, and is not in there."""
    draft = planned(on(worked=[worked_set(6, first_s=RECORDED)]))
    assert target(draft) == 6
    assert facts(draft)["not revision 7"] == "it was never seen to work"


def test_a_revision_from_before_the_record_is_not_held_against() -> None:
    """Of it nothing is known; what is known to work is still chosen before it."""
    draft = planned(on(worked=[worked_set(6, first_s=3600)]))
    assert target(draft) == 6
    assert facts(draft)["not revision 7"] == "it was not seen to work for a minute without a problem"


def test_a_revision_that_fails_now_is_passed_over() -> None:
    """Even if it worked before."""
    draft = planned(on(*crashing(7), worked=[worked_set(7, last_s=60), worked_set(6, last_s=DAY_S)]))
    assert target(draft) == 6
    assert facts(draft)["not revision 7"].startswith("it fails now (")


def between_crashes() -> Container:
    """A container that runs, and has crashed often."""
    return container(running(for_s=20), last=ended(1, ago_s=30), restarts=4)


def not_pulled() -> Container:
    return container(waiting("ImagePullBackOff", "not found"))


@pytest.mark.parametrize(
    ("fails", "containers"), [(True, between_crashes()), (True, not_pulled()), (False, container())]
)
def test_what_ails_its_pods_is_why_a_revision_fails(containers: Container, *, fails: bool) -> None:
    """Whether they are not ready, or ready between two crashes."""
    pods = pods_of_set(7, age_s=300, containers=(containers,))
    draft = planned(on(*pods, worked=[worked_set(7, last_s=60), worked_set(6, last_s=DAY_S)]))
    assert target(draft) == (6 if fails else 7)


def test_the_reason_is_that_of_its_own_pods() -> None:
    """Not that of the release which fails beside it."""
    pods = pods_of_set(7, age_s=300, containers=(not_pulled(),))
    draft = planned(on(*crashing(8), *pods, worked=[worked_set(6)]))
    assert facts(draft)["not revision 7"] == "it fails now (image cannot be pulled (not found))"


def test_pods_that_only_start_do_not_make_a_revision_fail() -> None:
    """Nobody knows yet."""
    starting = pods_of_set(7, age_s=10, containers=(container(running(for_s=5), ready=False),))
    live = json_workload(V3, status={"readyReplicas": 2})
    seen = ground(live, *starting, revisions=REVISIONS, worked=[worked_set(7), worked_set(6, last_s=DAY_S)])
    assert [each.code for each in seen.findings] == ["STARTING"]
    assert target(planned(seen)) == 7


@pytest.mark.parametrize("made", [{"deleted": True}, {"phase": "Failed"}])
def test_pods_that_are_over_do_not_count(made: dict[str, Any]) -> None:
    """Those that go away, and those that have ended."""
    over = pods_of_set(7, age_s=360, containers=(crash_looping(ended(1)),), **made)
    assert target(planned(on(*over, worked=[worked_set(7), worked_set(6, last_s=DAY_S)]))) == 7


def test_pods_that_go_away_are_no_evidence() -> None:
    """Ready or not."""
    seen = on(*pods_of_set(7, count=2, deleted=True), *pods_of_set(6))
    assert facts(planned(seen))["works?"].startswith("revision 6 has 1 of 1 pod ready now")


def test_one_ill_pod_of_many_does_not_make_a_revision_fail() -> None:
    """A node may be at fault; most of its pods serve."""
    draft = planned(on(*pods_of_set(7, count=3), *crashing(7), worked=[worked_set(7, last_s=0), worked_set(6)]))
    assert target(draft) == 7


def test_a_restart_of_the_chosen_one_is_passed_over() -> None:
    """The one before is the same version with another time in it."""
    revisions = (json_revision(V3, 9), json_revision(V2_RESTARTED, 8), json_revision(V2, 7))
    draft = planned(on(revisions=revisions, worked=[worked_set(7)]))
    assert target(draft) == 7
    assert facts(draft)["not revision 8"] == "it was only a restart of revision 7"


def test_a_restart_of_what_runs_now_is_passed_over() -> None:
    """Going back to it would change nothing but that time."""
    revisions = (json_revision(V3_RESTARTED, 8), json_revision(V3, 7), json_revision(V2, 6))
    draft = planned(on(template=V3_RESTARTED, revisions=revisions, worked=[worked_set(7, last_s=0), worked_set(6)]))
    assert target(draft) == 6
    assert facts(draft)["not revision 7"] == "it differs from what runs now by a restart alone"


def test_a_restart_of_a_version_that_worked_is_not_unproven() -> None:
    """What is equal but for the mark of a restart is as good."""
    revisions = (json_revision(V3, 8, made_s=60), json_revision(V2_RESTARTED, 7, made_s=120), json_revision(V2, 6))
    draft = planned(on(revisions=revisions, worked=[worked_set(6, first_s=RECORDED)]), 7)
    assert draft.risk is Risk.MEDIUM


def test_without_a_record_the_one_that_is_ready_now_is_chosen() -> None:
    """And it is said that the record knows nothing."""
    draft = planned(on(*crashing(8), *pods_of_set(6, count=3)))
    assert target(draft) == 6
    assert facts(draft)["works?"] == (
        "revision 6 has 3 of 3 pods ready now; no earlier revision was seen at work by ragops yet"
    )
    assert facts(draft)["not revision 7"] == "nothing is known of how it ran"
    assert draft.words.warnings == ()


def test_without_any_evidence_the_one_before_is_chosen_with_a_warning() -> None:
    """Its number alone speaks for it."""
    draft = planned(on(*crashing(8)))
    assert target(draft) == 7
    assert facts(draft)["works?"].startswith("not known: no earlier revision was seen at work by ragops yet;")
    assert "Whether revision 7 works is not known: its number alone speaks for it." in draft.words.warnings


def test_a_record_that_cannot_be_read_is_said() -> None:
    """Not taken for one that knows nothing."""
    draft = planned(on(*pods_of_set(7), record_problem="the database did not answer"))
    assert facts(draft)["works?"] == (
        "revision 7 has 1 of 1 pod ready now; what worked before could not be read (the database did not answer)"
    )


def test_what_has_no_number_is_no_revision() -> None:
    """Its controller has not seen it yet."""
    young = json_revision(V2, 7)
    young["metadata"]["annotations"].clear()
    assert target(planned(on(revisions=(REVISIONS[0], young, REVISIONS[2])))) == 6


# --- a revision that is named -----------------------------------------------------------------------------------------


def test_a_named_revision_is_taken() -> None:
    """Whatever the record would have chosen."""
    draft = planned(on(worked=[worked_set(7, first_s=RECORDED), worked_set(6)]), 6)
    assert target(draft) == 6
    assert draft.risk is Risk.MEDIUM
    assert facts(draft)["works?"] == "revision 6 was seen to work for 3 days, last 6 min ago"


def test_of_a_named_revision_it_is_said_when_nothing_is_known() -> None:
    assert facts(planned(on(), 6))["works?"] == "not known: no earlier revision was seen at work by ragops yet"


@pytest.mark.parametrize(
    ("pods", "record", "says"),
    [
        (crashing(7), [worked_set(7), worked_set(6)], "Revision 7 fails now (crashes again and again)"),
        ([], [worked_set(6, first_s=RECORDED)], "Revision 7 was never seen to work, while revision 6 was:"),
        (
            [],
            [worked_set(6, first_s=RECORDED), worked_set(8)],
            "Revision 7 was never seen to work, while revisions 8 and 6 were:",
        ),
    ],
)
def test_a_named_revision_that_is_bad_is_a_high_risk(pods: list[Pod], record: list[Any], says: str) -> None:
    """With the reason first among the warnings."""
    draft = planned(on(*pods, worked=record), 7)
    assert draft.risk is Risk.HIGH
    assert draft.words.warnings[0].startswith(says)
    assert draft.words.warnings[0].removeprefix(says).lstrip(":") == " going there is likely to do harm."
    assert facts(draft)["works?"].startswith(("revision 7 fails now (", "revision 7 was never seen to work"))


def test_what_worked_may_be_kept_no_more() -> None:
    """Then there is nothing to name beside the one that never did."""
    draft = planned(on(worked=[worked("uid-gone", first_s=RECORDED)]), 7)
    assert draft.words.warnings[0] == "Revision 7 was never seen to work: going there is likely to do harm."


def test_a_revision_that_is_ready_now_is_not_unproven() -> None:
    """It has just not been without a problem for a minute."""
    assert planned(on(*pods_of_set(7), worked=[worked_set(6, first_s=RECORDED)]), 7).risk is Risk.MEDIUM


def test_a_named_restart_is_said_to_be_one() -> None:
    revisions = (json_revision(V3, 8), json_revision(V3_RESTARTED, 7))
    draft = planned(on(revisions=revisions), 7)
    assert (
        "Revision 7 differs from what runs now by a restart alone: its pods are only replaced." in draft.words.warnings
    )


def test_an_unknown_revision_is_refused_with_those_there_are() -> None:
    refusal = refused(on(), 5)
    assert refusal.reason == "api has no revision 5."
    assert facts(refusal) == {"revisions": "8 (now), 7, 6"}
    assert refusal.commands[0].label == "history api"


def test_a_revision_that_was_used_again_is_found_by_its_old_number() -> None:
    """It is offered by its new one, and not taken silently."""
    revisions = (json_revision(V3, 9), json_revision(V1, 8, former="3,5"), json_revision(V2, 7))
    refusal = refused(on(revisions=revisions), 5)
    assert refusal.reason == "Revision 5 of api was used again: its number is 8 now."
    assert refusal.commands[0].label == "rollback api --to 8"


def test_an_old_number_of_what_runs_now_offers_nothing() -> None:
    revisions = (json_revision(V3, 9, former="5"), json_revision(V2, 7))
    refusal = refused(on(revisions=revisions), 5)
    assert refusal.reason == "Revision 5 of api was used again: its number is 9 now, and it is what runs."
    assert refusal.commands == ()


def test_a_number_that_two_revisions_have_is_refused() -> None:
    """The controller is just renumbering them."""
    twin = json_revision(V1, 7)
    twin["metadata"] |= {"name": "api-twin", "uid": "uid-twin"}
    refusal = refused(on(revisions=(REVISIONS[0], REVISIONS[1], twin)), 7)
    assert refusal.reason.startswith("Two revisions are numbered 7 at this moment (api-rs7 and api-twin)")


# --- refusals ---------------------------------------------------------------------------------------------------------


def test_what_runs_already_is_nothing_to_do() -> None:
    assert refused(on(), 8).reason == "There is nothing to do: api is at revision 8 already."


def test_a_paused_deployment_is_refused() -> None:
    """The API would take it, and nothing would move."""
    seen = ground(json_workload(V3, paused=True), revisions=REVISIONS)
    assert "is paused" in refused(seen).reason
    assert "is paused" in refused(seen, 7).reason


def test_no_history_is_refused() -> None:
    assert refused(on(revisions=())).reason == "There is no revision of api to go back to."
    assert refused(on(revisions=()), 7).reason == "There is no revision of api to go back to."
    assert refused(on(revisions=REVISIONS[:1])).reason == "There is no revision of api to go back to."


def test_a_history_that_is_not_kept_is_said() -> None:
    seen = ground(json_workload(V3, revisionHistoryLimit=0))
    assert facts(refused(seen)) == {"history": "its revisionHistoryLimit is 0: no revision is kept"}


def test_only_restarts_are_refused_with_the_restart() -> None:
    """That is all that going back would be."""
    refusal = refused(on(revisions=(json_revision(V3, 8), json_revision(V3_RESTARTED, 7))))
    assert refusal.reason.endswith("its revisions differ by restarts alone.")
    assert refusal.commands[0].label == "restart api"


def test_when_all_others_are_bad_there_is_none_to_go_back_to() -> None:
    """Each is named with why, and how to go there all the same."""
    seen = on(*crashing(7), *crashing(6), worked=[worked_set(8, last_s=0)])
    refusal = refused(seen)
    assert refusal.reason.startswith("No other revision of api is known to be better")
    assert set(facts(refusal)) == {"revision 7", "revision 6"}
    assert refusal.commands[0].label == "rollback api --to 7"
    assert planned(seen, 7).risk is Risk.HIGH


# --- what is said -----------------------------------------------------------------------------------------------------


def test_the_plan_is_bound_to_templates_and_to_the_revision_object() -> None:
    """The number is for people."""
    draft = planned(on())
    assert draft.step == Rollback(
        kind="Deployment",
        template=template_digest(V3),
        revision=7,
        revision_name="api-rs7",
        revision_uid="uid-api-rs7",
        to_template=template_digest(V2),
    )
    assert draft.verb == "rollback"
    assert draft.words.title == "Roll back api to revision 7"
    assert draft.inverse == "rollback api --to 8"
    assert [(each.label, each.before, each.after) for each in draft.words.differences] == [
        ("image", "rag-engine:v3", "rag-engine:v2")
    ]


def test_ages_and_numbers_are_told() -> None:
    """The number of the target changes, that of the revision that is left does not."""
    said = facts(planned(on()))
    assert said["age"] == "revision 8 was first made 6 min ago, revision 7 was first made 24 h ago"
    assert said["numbers"] == "revision 7 will have the number 9 then; revision 8 keeps its number"
    assert said["pods"].startswith("3 move")


def test_without_its_age_a_revision_is_not_held_to_be_bad() -> None:
    """And nothing is said of the age."""
    ageless = json_revision(V2, 7)
    del ageless["metadata"]["creationTimestamp"]
    draft = planned(on(revisions=(REVISIONS[0], ageless), worked=[worked_set(8, first_s=RECORDED)]), 7)
    assert draft.risk is Risk.MEDIUM
    assert facts(draft)["age"] == "revision 8 was first made 6 min ago"


def test_a_template_without_a_revision_yet_has_no_inverse() -> None:
    """Its controller has not made one, so there is nothing to name."""
    draft = planned(on(template=released("rag-engine:v4")))
    assert draft.inverse == ""
    assert "numbers" not in facts(draft)
    assert target(draft) == 8


def test_the_only_revision_is_taken_when_another_template_is_wanted() -> None:
    """There is no one before it to speak of."""
    draft = planned(on(template=released("rag-engine:v4"), revisions=REVISIONS[:1]))
    assert target(draft) == 8
    assert not [label for label in facts(draft) if label.startswith("not revision")]


def test_that_nothing_is_wrong_is_said() -> None:
    """Whoever approves should know."""
    assert facts(planned(on(*pods_of_set(8, count=3))))["now"] == "nothing is known to be wrong with api"
    assert "now" not in facts(planned(on(*crashing(8))))


def test_what_is_wrong_is_kept_to_be_compared() -> None:
    assert [each.code for each in planned(on(*crashing(8))).symptoms] == ["CRASH_LOOP"]


def test_what_is_not_undone_is_told() -> None:
    """Config maps and secrets by name, and what an autoscaler decides."""
    reads = released("rag-engine:v2", envFrom=[{"secretRef": {"name": "db"}}])
    revisions = (REVISIONS[0], json_revision(reads, 7))
    live = json_workload(V3)
    seen = ground(live, workload := seen_workload(live), autoscaler(workload), revisions=revisions)
    assert planned(seen).words.not_undone == (
        "what config maps and secrets contain (secret db)",
        "database migrations",
        "the number of pods",
        "the bounds of the autoscaler api-hpa",
    )


def test_who_reverts_it_is_told() -> None:
    live = json_workload(V3, annotations={"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/api"})
    assert planned(ground(live, revisions=REVISIONS)).words.reverts[0].startswith("Argo CD (application shop)")


def test_new_pods_that_may_find_no_node_are_warned_of() -> None:
    """By what the target asks for, not by what runs now."""
    big = released("rag-engine:v2", resources={"requests": {"memory": "64Gi"}})
    seen = on(node(), load={}, revisions=(REVISIONS[0], json_revision(big, 7)))
    assert any("may find no node" in each for each in planned(seen).words.warnings)
    assert not any("may find no node" in each for each in planned(on(node(), load={})).words.warnings)


# --- StatefulSets and DaemonSets --------------------------------------------------------------------------------------


def labelled(pods: list[Pod], mark: str, *names: str) -> list[Pod]:
    """Pods of a StatefulSet or DaemonSet, with the revision that each is of."""
    return [
        replace(each, meta=replace(each.meta, name=name, uid=f"uid-{name}",
                                   labels=MappingProxyType({"controller-revision-hash": mark})))
        for each, name in zip(pods, names, strict=True)
    ]  # fmt: skip


SETS = (json_controller_revision(V2, 2, made_s=60), json_controller_revision(V1, 1))


def on_set(kind: str, *objects: object, worked: Sequence[Any] = (), **spec: Any) -> Ground:
    live = json_workload(V2, kind=kind, **spec)
    workload = replace(seen_workload(live), update_revision="api-hash2")
    return ground(live, workload, *objects, revisions=SETS, worked=worked)


def of_set(workload_pods: list[Pod], kind: str) -> list[Pod]:
    return [
        replace(each, meta=replace(each.meta, owner=replace(each.meta.owner, kind=kind, name="api", uid="uid-api")))
        for each in workload_pods
        if each.meta.owner is not None
    ]


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
def test_a_set_goes_back_by_its_controller_revisions(kind: str) -> None:
    """The record knows them by name."""
    draft = planned(on_set(kind, worked=[worked("api-hash1")]))
    assert isinstance(draft.step, Rollback)
    assert (draft.step.revision, draft.step.revision_name) == (1, "api-hash1")
    assert draft.step.to_template == template_digest(V1)
    assert facts(draft)["works?"].startswith("revision 1 was seen to work")
    assert refused(on_set(kind), 7).commands == ()


@pytest.mark.parametrize(("kind", "mark"), [("StatefulSet", "api-hash1"), ("DaemonSet", "hash1")])
def test_the_pods_of_a_set_are_told_apart_by_their_label(kind: str, mark: str) -> None:
    """A StatefulSet's carry the revision's name, a DaemonSet's its hash."""
    bad = labelled(of_set(crashing(1), kind), mark, "api-0")
    assert refused(on_set(kind, *bad)).reason.startswith("No other revision of api")
    good = labelled(of_set(pods_of_set(1), kind), mark, "api-0")
    assert facts(planned(on_set(kind, *good)))["works?"].startswith("revision 1 has 1 of 1 pod ready now")


def test_a_daemon_set_keeps_no_number_of_pods() -> None:
    assert "the number of pods" not in planned(on_set("DaemonSet")).words.not_undone


STUCK = "api-2 is not ready, and the set waits for it before it replaces it"


@pytest.mark.parametrize(
    ("spec", "mark", "warned"),
    [
        ({}, "api-hash2", True),
        ({"podManagementPolicy": "Parallel"}, "api-hash2", False),
        ({"updateStrategy": {"type": "OnDelete"}}, "api-hash2", False),
        ({"updateStrategy": {"rollingUpdate": {"partition": 3}}}, "api-hash2", False),
        ({"updateStrategy": {"rollingUpdate": {"partition": 2}}}, "api-hash2", True),
        ({}, "api-hash1", False),  # it is of the target already
    ],
)
def test_the_pod_that_an_ordered_set_waits_for_is_named(spec: dict[str, Any], mark: str, warned: bool) -> None:
    """With the command that lets it go on."""
    pod = labelled(of_set(crashing(2), "StatefulSet"), mark, "api-2")
    draft = planned(on_set("StatefulSet", *pod, **spec), 1)
    told = [each for each in draft.words.warnings if each.startswith(STUCK)]
    assert bool(told) is warned
    assert all("Send evict api-2 once the rollback has begun." in each for each in told)


def test_a_pod_that_is_ready_holds_nothing_up() -> None:
    pod = labelled(of_set(pods_of_set(2), "StatefulSet"), "api-hash2", "api-2")
    assert not any("evict" in each for each in planned(on_set("StatefulSet", *pod), 1).words.warnings)


@pytest.mark.parametrize(
    ("containers", "says"),
    [
        (between_crashes(), "api-2 does not stay ready, and the set waits"),
        (container(running(for_s=5), ready=False), "api-2 is not ready, and the set waits"),
    ],
)
def test_a_pod_between_two_crashes_holds_it_up_as_well(containers: Container, says: str) -> None:
    """Ready for a moment, or not ready for whatever reason."""
    pod = labelled(of_set(pods_of_set(2, age_s=300, containers=(containers,)), "StatefulSet"), "api-hash2", "api-2")
    warnings = planned(on_set("StatefulSet", *pod), 1).words.warnings
    assert [each for each in warnings if each.startswith(says)]


# --- on the simulated cluster -----------------------------------------------------------------------------------------


async def test_it_leads_back_over_a_bad_release(store: Store, tmp_path: Path) -> None:
    """From the record in the database to pods that run the old version again, and to the way back from there."""
    async with planning_on(store, tmp_path) as planning:
        deploy(planning.world, "api", "v1", "v2", replicas=3)
        first = next(each for each in live_in(planning.world, "Deployment", "api").revisions
                     if "v1" in str(each["spec"]["template"]))  # fmt: skip
        await planning.note("api", first["metadata"]["uid"], 1, minutes=3)
        planning.world.behave(f"{IMAGE}:v3", Crashes(voice="silent", after=1.0))
        release(planning.world, "api", "v3")
        planning.world.advance(60)

        draft = await planning.drafted("rollback api")
        assert target(draft) == 1
        assert facts(draft)["not revision 2"] == "it was not seen to work for a minute without a problem"
        assert draft.symptoms
        await planning.carry_out(draft)

        now = live_in(planning.world, "Deployment", "api").object
        assert now is not None
        assert now["spec"]["template"]["spec"]["containers"][0]["image"] == f"{IMAGE}:v1"
        assert now["status"]["readyReplicas"] == 3
        back = await planning.drafted(draft.inverse)
        assert target(back) == 3
        assert await planning.refused("rollback api --to 1") == (
            "Revision 1 of api was used again: its number is 4 now, and it is what runs."
        )


async def test_a_rollback_by_hand_does_not_confuse_it(store: Store, tmp_path: Path) -> None:
    """What was used again has another number; what runs is found by its content."""
    async with planning_on(store, tmp_path) as planning:
        deploy(planning.world, "api", "v1", "v2")
        undone_by_hand(planning.world, "api")
        planning.world.advance(60)
        draft = await planning.drafted("rollback api")
        assert target(draft) == 2
        assert draft.inverse == "rollback api --to 3"


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
async def test_sets_are_rolled_back_too(kind: str, store: Store, tmp_path: Path) -> None:
    """By the template that their controller kept, which is then what the API server has."""
    async with planning_on(store, tmp_path) as planning:
        for tag in ("v1", "v2"):
            if kind == "StatefulSet":
                planning.world.apply(
                    "statefulsets", make.stateful_set(NAMESPACE, "db", small_container(tag), replicas=2)
                )
            else:
                planning.world.apply("daemonsets", make.daemon_set(NAMESPACE, "db", small_container(tag)))
            planning.world.advance(120)
        draft = await planning.drafted("rollback db")
        await planning.carry_out(draft)
        now = live_in(planning.world, kind, "db").object
        assert now is not None
        assert now["spec"]["template"]["spec"]["containers"][0]["image"] == f"{IMAGE}:v1"
