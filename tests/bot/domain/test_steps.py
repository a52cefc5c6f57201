"""Each step: how the target stands to it, what it writes, and by which traces it is known."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import Any

import pytest

from bot.domain.live import MARKER, RESTARTED, VOID, Json, Live, annotations_of, template_digest, template_of
from bot.domain.objects import CHANGE_CAUSE, REVISION
from bot.domain.plans import Plan
from bot.domain.steps import (
    AnyStep,
    ClearFailed,
    Deletion,
    Evict,
    Eviction,
    FailedPod,
    Patch,
    Restart,
    Rollback,
    Scale,
    SetBounds,
    SetImage,
    SetResources,
    Stamp,
    Standing,
    void_patch,
)
from bot.domain.steps.containers import with_container, with_image, with_resource
from sandbox.cluster.api.writes.documents import json_patched
from tests.support.changes import (
    BOB,
    ID,
    after,
    controller_revision,
    draft,
    live,
    plan,
    replica_set,
    rollback_step,
    template,
    workload,
)

AT = "2026-11-24T14:12:05Z"


@dataclass(frozen=True)
class Case:
    """A step, its target before, and one that neither is nor will be."""

    step: AnyStep
    before: Live
    other: Live
    difference: str


def changed(container: Json) -> str:
    return template_digest(with_container(template(), "main", container))


def bounds(minimum: int, maximum: int) -> Live:
    spec = {"minReplicas": minimum, "maxReplicas": maximum}
    meta = {"name": "api", "uid": "h-uid", "resourceVersion": "10"}
    return live({"kind": "HorizontalPodAutoscaler", "metadata": meta, "spec": spec})


MAIN = template()["spec"]["containers"][0]
V2, V1 = replica_set(template(), 8), replica_set(template("app:v1"), 7)
V3 = live(workload(of=template("app:v3")), V2, V1)
CASES = {
    "scale": Case(
        Scale(kind="Deployment", was=3, replicas=5),
        live(workload(), V2),
        live(workload(replicas=4)),
        "4 pods are asked for now, not 3",
    ),
    "restart": Case(
        Restart(kind="Deployment", template=template_digest(template())),
        live(workload(), V2),
        V3,
        "its pod template was changed",
    ),
    "rollback": Case(rollback_step(), live(workload(), V2, V1), V3, "its pod template was changed"),
    "image": Case(
        SetImage(
            kind="Deployment",
            template=template_digest(template()),
            to_template=changed(with_image(MAIN, "app:v9")),
            container="main",
            was="app:v2",
            image="app:v9",
        ),
        live(workload(), V2),
        V3,
        "its pod template was changed (planned for image app:v2 of main)",
    ),
    "memory": Case(
        SetResources(
            kind="Deployment",
            template=template_digest(template()),
            to_template=changed(with_resource(MAIN, "memory", limit="1Gi", request="512Mi")),
            container="main",
            resource="memory",
            limit_was="",
            limit="1Gi",
            request_was="",
            request="512Mi",
        ),
        live(workload(), V2),
        V3,
        "its pod template was changed (planned for memory settings of main)",
    ),
    "bounds": Case(
        SetBounds(minimum_was=2, maximum_was=5, minimum=4, maximum=8),
        bounds(2, 5),
        bounds(2, 6),
        "its bounds are 2 to 6 now",
    ),
}
each_patch = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def planned(step: AnyStep) -> Plan:
    return plan(draft(step))


def stamp(step: AnyStep) -> Stamp:
    return planned(step).stamp(ID, (BOB,))


@each_patch
def test_a_target_stands_as_planned_for_as_it_will_be_or_otherwise(case: Case) -> None:
    """What a step writes makes FROM into TO; anything else is told in words."""
    assert case.step.compare(case.before, stamp(case.step)).standing is Standing.FROM
    done = after(case.before, case.step, planned(case.step))
    assert case.step.compare(done, stamp(case.step)).standing is Standing.TO
    otherwise = case.step.compare(case.other, stamp(case.step))
    assert (otherwise.standing, otherwise.difference) == (Standing.OTHER, case.difference)


@each_patch
def test_a_write_carries_the_precondition_first_and_the_mark_last(case: Case) -> None:
    """A stale version is refused before anything else, and nothing can overwrite the mark in the same patch."""
    (write,) = case.step.writes(case.before, stamp(case.step))
    assert isinstance(write, Patch)
    assert (write.kind, write.name) == ((case.before.object or {})["kind"], "api")
    assert write.operations[0] == {"op": "replace", "path": "/metadata/resourceVersion", "value": "10"}
    assert write.operations[-1]["path"] == "/metadata/annotations"
    marks = {MARKER: ID, CHANGE_CAUSE: f"ragops: rollback asked by U0000ANN0, approved by {BOB} (request {ID})"}
    assert marks.items() <= write.operations[-1]["value"].items()


@each_patch
def test_a_write_changes_what_it_is_about_and_nothing_else(case: Case) -> None:
    """Status, selectors and other settings stay as they were read."""
    before = replace(case.before, object={**(case.before.object or {}), "status": {"replicas": 3}})
    done = after(before, case.step, planned(case.step))
    was, now = copy.deepcopy(before.object), copy.deepcopy(done.object)
    assert was is not None
    assert now is not None
    about = {"minReplicas", "maxReplicas"} if isinstance(case.step, SetBounds) else {"replicas", "template"}
    for each in (was, now):
        each["metadata"].pop("annotations", None)  # type: ignore[attr-defined]  # a copy of our own
        for name in about:
            each["spec"].pop(name, None)
    assert was == now


@each_patch
def test_a_repeat_differs_in_nothing_but_the_version(case: Case) -> None:
    """Another worker sends the same patch on a later version of the object."""
    later = replace(case.before, object=copy.deepcopy(case.before.object))
    later.object["metadata"]["resourceVersion"] = "11"  # type: ignore[index]  # it is there
    (first,) = case.step.writes(case.before, stamp(case.step))
    (again,) = case.step.writes(later, stamp(case.step))
    assert isinstance(first, Patch)
    assert isinstance(again, Patch)
    assert again.operations[0]["value"] == "11"
    assert again.operations[1:] == first.operations[1:]
    assert (again.kind, again.name) == (first.kind, first.name)


@each_patch
def test_an_object_keeps_its_other_annotations(case: Case) -> None:
    """All but a rollback of a Deployment, which takes the revision's; the previous mark is replaced."""
    before = replace(case.before, object=copy.deepcopy(case.before.object))
    before.object["metadata"]["annotations"] = {"team": "search", MARKER: "an older one"}  # type: ignore[index]  # there
    done = annotations_of(after(before, case.step, planned(case.step)).object)
    assert done[MARKER] == ID
    assert ("team" in done) is not isinstance(case.step, Rollback)


@pytest.mark.parametrize("name", ["scale", "restart", "rollback", "image", "memory"])
def test_a_revision_that_carries_the_mark_is_a_trace(name: str) -> None:
    """The controller copies the workload's annotations to the revision in use."""
    case = CASES[name]
    plain = case.step.trace(case.before, stamp(case.step), generation=4)
    older = replace(case.before, revisions=(*case.before.revisions, replica_set(template(), 9, **{MARKER: "older"})))
    marked = replace(case.before, revisions=(*case.before.revisions, replica_set(template(), 9, **{MARKER: ID})))
    assert plain == case.step.trace(older, stamp(case.step), generation=4) == ""
    assert case.step.trace(marked, stamp(case.step), generation=4) == "revision api-9 carries this request's mark"


# --- scale ------------------------------------------------------------------------------------------------------------


def test_a_workload_that_says_no_number_has_one_pod() -> None:
    """As the API server defaults it."""
    bare = workload()
    del bare["spec"]["replicas"]
    assert (
        Scale(kind="Deployment", was=1, replicas=2).compare(live(bare), stamp(CASES["scale"].step)).standing
        is Standing.FROM
    )


def test_a_generation_that_moved_is_a_trace_of_scaling() -> None:
    """We do not scale what an autoscaler owns, so somebody changed the spec."""
    step = CASES["scale"].step
    assert step.trace(live(workload(generation=5)), stamp(step), generation=4)
    assert not step.trace(live(workload(generation=4)), stamp(step), generation=4)


# --- restart ----------------------------------------------------------------------------------------------------------


def test_a_restart_sets_the_time_of_its_plan() -> None:
    """Not the time of the write: a repeat restarts nothing a second time."""
    case = CASES["restart"]
    done = after(case.before, case.step, planned(case.step))
    assert annotations_of(template_of(done.object)) == {RESTARTED: AT}
    again = after(replace(done, revisions=()), case.step, planned(case.step))
    assert template_of(again.object) == template_of(done.object)


def test_a_restart_keeps_the_templates_other_annotations() -> None:
    """An earlier restart's time is replaced."""
    annotated = template()
    annotated["metadata"]["annotations"] = {"config": "abc", RESTARTED: "2026-11-01T00:00:00Z"}
    step = Restart(kind="Deployment", template=template_digest(annotated))
    before = live(workload(of=annotated))
    assert step.compare(before, stamp(step)).standing is Standing.FROM
    done = template_of(after(before, step, planned(step)).object)
    assert annotations_of(done) == {"config": "abc", RESTARTED: AT}


def test_a_template_without_metadata_can_be_restarted() -> None:
    """Then it gets some."""
    bare: dict[str, Any] = {"spec": template()["spec"]}
    step = Restart(kind="DaemonSet", template=template_digest(bare))
    done = after(live(workload("DaemonSet", of=bare)), step, planned(step))
    assert template_of(done.object)["metadata"] == {"annotations": {RESTARTED: AT}}


def test_a_revision_with_this_restarts_time_is_a_trace() -> None:
    """Whoever reversed the restart left it behind."""
    step = CASES["restart"].step
    restarted = template()
    restarted["metadata"]["annotations"] = {RESTARTED: AT}
    for revision in (replica_set(restarted, 9), controller_revision(restarted, 9)):
        assert (
            step.trace(live(workload(), revision), stamp(step), generation=4)
            == "revision api-9 was made by this restart"
        )


@pytest.mark.parametrize("name", ["restart", "rollback", "image", "memory"])
def test_what_was_paused_since_is_not_as_planned(name: str) -> None:
    """The API server would take it, but no pod would move."""
    case = CASES[name]
    paused = replace(case.before, object=workload(paused=True))
    assert case.step.compare(paused, stamp(case.step)).difference == "it is paused now"
    done = after(case.before, case.step, planned(case.step))
    resting = replace(done, object={**(done.object or {}), "spec": {**(done.object or {})["spec"], "paused": True}})
    assert case.step.compare(resting, stamp(case.step)).standing is Standing.TO


# --- rollback ---------------------------------------------------------------------------------------------------------


def test_a_rollback_writes_the_template_of_its_revision_whole() -> None:
    """Without the controller's label; the number of pods and the strategy stay."""
    case = CASES["rollback"]
    done = after(case.before, case.step, planned(case.step)).object
    assert done is not None
    assert template_of(done) == {
        "metadata": {"labels": {"app": "api"}},
        "spec": {"containers": [{"name": "main", "image": "app:v1", "resources": {}}]},
    }
    assert done["spec"]["replicas"] == 3


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
def test_a_rollback_to_a_controller_revision_is_whole_and_keeps_the_annotations(kind: str) -> None:
    """Directive and nulls of the stored data are left out."""
    source = controller_revision(template("app:v1"), 7)
    step = replace(rollback_step(source=source), kind=kind, revision_uid="cr-7")
    before = live(workload(kind, annotations={"team": "search"}), source)
    assert step.compare(before, stamp(step)).standing is Standing.FROM
    done = after(before, step, planned(step))
    assert template_of(done.object)["spec"]["containers"][0]["image"] == "app:v1"
    assert "$patch" not in template_of(done.object)
    assert annotations_of(done.object) == {
        "team": "search",
        MARKER: ID,
        CHANGE_CAUSE: f"ragops: rollback asked by U0000ANN0, approved by {BOB} (request {ID})",
    }
    assert step.compare(done, stamp(step)).standing is Standing.TO


def test_a_rollback_sets_the_annotations_that_kubectl_would_and_ours_over_them() -> None:
    """Six keys stay the Deployment's, all others come from the revision, whose old mark does not come back."""
    applied = "kubectl.kubernetes.io/last-applied-configuration"
    desired, most = "deployment.kubernetes.io/desired-replicas", "deployment.kubernetes.io/max-replicas"
    history = "deployment.kubernetes.io/revision-history"
    own = {applied: "own", REVISION: "8", "team": "search", MARKER: "older", CHANGE_CAUSE: "release v2"}
    theirs = {
        applied: "theirs", desired: "3", most: "4", history: "2,5",
        "note": "good", MARKER: "oldest", VOID: "oldest", CHANGE_CAUSE: "release v1",
    }  # fmt: skip
    source = replica_set(template("app:v1"), 7, **theirs)
    step = rollback_step()
    done = annotations_of(after(live(workload(annotations=own), source), step, planned(step)).object)
    assert done == {
        applied: "own",
        REVISION: "8",
        "note": "good",
        VOID: "oldest",
        MARKER: ID,
        CHANGE_CAUSE: f"ragops: rollback asked by U0000ANN0, approved by {BOB} (request {ID})",
    }


@pytest.mark.parametrize(
    ("revisions", "difference"),
    [
        ((V2,), "revision 7 is gone"),
        ((V2, replica_set(template("app:v0"), 7)), "revision 7 has other content now"),
        ((replica_set(template("app:v1"), 9),), "revision 7 is gone"),
    ],
    ids=["gone", "same number, other content", "same content, another object"],
)
def test_a_rollback_is_bound_to_its_revision(revisions: tuple[Json, ...], difference: str) -> None:
    """By uid and content."""
    compared = rollback_step().compare(live(workload(), *revisions), stamp(rollback_step()))
    assert (compared.standing, compared.difference) == (Standing.OTHER, difference)


def test_a_rollback_does_not_mind_another_number() -> None:
    """It is for people; but after the attempt it shows that the revision was used again."""
    renumbered = copy.deepcopy(V1)
    renumbered["metadata"]["annotations"][REVISION] = "9"
    before = live(workload(), V2, renumbered)
    step = rollback_step()
    assert step.compare(before, stamp(step)).standing is Standing.FROM
    assert step.trace(before, stamp(step), generation=4) == "revision 7 is numbered 9 now: it was used again"
    assert step.trace(live(workload(), V2), stamp(step), generation=4) == ""


def test_a_rollback_without_its_revision_writes_nothing() -> None:
    """The comparison would have told."""
    with pytest.raises(ValueError, match="revision is gone"):
        rollback_step().writes(live(workload()), stamp(rollback_step()))


@pytest.mark.parametrize(("text", "trace"), [("seven", True), ("", True), ("7", False)])
def test_a_number_that_is_none_counts_as_0(text: str, *, trace: bool) -> None:
    """Anybody may write annotations."""
    odd = copy.deepcopy(V1)
    odd["metadata"]["annotations"][REVISION] = text
    assert bool(rollback_step().trace(live(workload(), odd), stamp(rollback_step()), generation=4)) is trace


# --- containers -------------------------------------------------------------------------------------------------------


def several() -> dict[str, Any]:
    """Return a template with an init container, and resources of two kinds."""
    limits = {"memory": "512Mi", "cpu": "1"}
    made = template(initContainers=[{"name": "migrate", "image": "app:v2", "resources": {}}])
    made["spec"]["containers"].append({"name": "proxy", "image": "proxy:v1", "resources": {"limits": limits}})
    return made


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("main", "/spec/template/spec/containers/0/image"),
        ("proxy", "/spec/template/spec/containers/1/image"),
        ("migrate", "/spec/template/spec/initContainers/0/image"),
    ],
)
def test_an_image_is_set_at_the_containers_own_place(name: str, path: str) -> None:
    """By name, whatever its kind; no other container changes."""
    container = next(
        c for kind in ("containers", "initContainers") for c in several()["spec"][kind] if c["name"] == name
    )
    step = SetImage(
        kind="Deployment",
        template=template_digest(several()),
        to_template=template_digest(with_container(several(), name, with_image(container, "new:v1"))),
        container=name,
        was=container["image"],
        image="new:v1",
    )
    before = live(workload(of=several()))
    (write,) = step.writes(before, stamp(step))
    assert isinstance(write, Patch)
    assert write.operations[1] == {"op": "replace", "path": path, "value": "new:v1"}
    assert step.compare(after(before, step, planned(step)), stamp(step)).standing is Standing.TO


@pytest.mark.parametrize(
    ("resource", "limit", "request_", "wanted"),
    [
        ("memory", "1Gi", "256Mi", {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"memory": "256Mi"}}),
        ("cpu", "", "", {"limits": {"memory": "512Mi"}}),
        ("cpu", "2", "", {"limits": {"memory": "512Mi", "cpu": "2"}}),
    ],
    ids=["set", "removed", "one side"],
)
def test_one_resource_is_set_and_the_others_are_kept(
    resource: str, limit: str, request_: str, wanted: dict[str, Any]
) -> None:
    """An empty quantity is none at all."""
    proxy = several()["spec"]["containers"][1]
    changed_proxy = with_resource(proxy, resource, limit=limit, request=request_)
    assert changed_proxy["resources"] == wanted
    assert proxy["resources"] == {"limits": {"memory": "512Mi", "cpu": "1"}}
    step = SetResources(
        kind="StatefulSet",
        template=template_digest(several()),
        to_template=template_digest(with_container(several(), "proxy", changed_proxy)),
        container="proxy",
        resource=resource,
        limit_was="",
        limit=limit,
        request_was="",
        request=request_,
    )
    done = after(live(workload("StatefulSet", of=several())), step, planned(step))
    assert template_of(done.object)["spec"]["containers"][1]["resources"] == wanted
    assert step.compare(done, stamp(step)).standing is Standing.TO


def test_a_container_that_went_away_is_told() -> None:
    """And nothing could be written to it."""
    step = CASES["image"].step
    gone = live(workload(of={**template(), "spec": {"containers": [{"name": "other", "image": "app:v2"}]}}))
    assert step.compare(gone, stamp(step)).difference == "container main is gone"
    with pytest.raises(ValueError, match="there is no container main"):
        step.writes(gone, stamp(step))


# --- pods -------------------------------------------------------------------------------------------------------------


def pod(uid: str = "p-uid", name: str = "api-1", **meta: Any) -> dict[str, Any]:
    return {"kind": "Pod", "metadata": {"name": name, "uid": uid, "resourceVersion": f"rv-{uid}", **meta}}


def test_an_eviction_is_of_one_pod_in_one_version() -> None:
    """It is done when the pod is gone or on its way out."""
    step = Evict(owner="ReplicaSet/api-8")
    assert step.compare(live(pod()), stamp(step)).standing is Standing.FROM
    assert step.writes(live(pod()), stamp(step)) == (Eviction("api-1", "p-uid", "rv-p-uid"),)
    ending = live(pod(deletionTimestamp="2026-11-24T14:12:05Z"))
    assert {step.compare(each, stamp(step)).standing for each in (live(None), ending)} == {Standing.TO}
    assert step.trace(live(pod()), stamp(step), generation=0) == ""


def test_exactly_the_failed_pods_of_the_plan_are_deleted() -> None:
    """What failed since stays; what is gone does not matter; one of the same name is another pod."""
    step = ClearFailed(pods=(FailedPod("a", "u-a"), FailedPod("b", "u-b")))
    seen = live(None, pods=(pod("u-a", "a"), pod("u-new", "b"), pod("u-c", "c")))
    assert step.compare(seen, stamp(step)).standing is Standing.FROM
    assert step.writes(seen, stamp(step)) == (Deletion("a", "u-a", "rv-u-a"),)
    left = live(None, pods=(pod("u-new", "b"),))
    assert step.compare(left, stamp(step)).standing is Standing.TO
    assert step.writes(left, stamp(step)) == ()
    assert step.trace(left, stamp(step), generation=0) == ""


# --- the void mark ----------------------------------------------------------------------------------------------------


def test_a_void_mark_changes_the_version_and_nothing_else() -> None:
    """A write that was made for the version before can no longer pass."""
    before = live(workload(annotations={MARKER: "older", "team": "search"}))
    write = void_patch("Deployment", before, ID)
    assert write.operations[0] == {"op": "replace", "path": "/metadata/resourceVersion", "value": "10"}
    done = json_patched(before.object, list(write.operations))
    assert annotations_of(done) == {MARKER: "older", "team": "search", VOID: ID}
    assert done["spec"] == (before.object or {})["spec"]
