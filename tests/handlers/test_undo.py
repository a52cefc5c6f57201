"""Undoing a request: a new one, planned on what is there now, back to what the first one found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.domain.live import Json, Live, Target, template_digest, template_of
from bot.domain.operations import Effect, Operation, Resolution, State
from bot.domain.people import Actor, RoleBinding, RoleName
from bot.domain.plans import Draft, PlanWords, Refusal, Risk, Symptom
from bot.domain.policy import Policy
from bot.domain.requests import Request, Surface
from bot.domain.steps import (
    AnyStep,
    ClearFailed,
    Evict,
    FailedPod,
    Restart,
    Rollback,
    Scale,
    SetBounds,
    SetImage,
    SetResources,
)
from bot.domain.targets import Namespace, ObjectRef, Scope
from bot.errors import UsageError
from bot.planning.ground import Ground
from bot.planning.undoing import Undoing, beyond
from bot.ports import Sources, Store
from bot.rights import DirectoryRights
from handlers import undo
from sandbox.cluster.world import templates as make
from sandbox.cluster.world.behaviours import Crashes
from tests.support.builders import NOW, SCOPE, ago, crash_looping, ended
from tests.support.changing import IMAGE, NAMESPACE, deploy, live_in, release
from tests.support.planned import (
    ground,
    json_container,
    json_revision,
    json_template,
    json_workload,
    pods_of_set,
    released,
    worked_set,
)
from tests.support.planned_cluster import Planning, planning_on, request_of
from tests.support.twins import TableDirectory, member

V1, V2 = released("rag-engine:v1"), released("rag-engine:v2")
REVISIONS = (json_revision(V2, 8, made_s=60), json_revision(V1, 7))
SET_IMAGE = SetImage(
    kind="Deployment",
    template=template_digest(V1),
    to_template=template_digest(V2),
    container="api",
    was="rag-engine:v1",
    image="rag-engine:v2",
)
ROLLBACK = Rollback(
    kind="Deployment",
    template=template_digest(V1),
    revision=6,
    revision_name="api-rs8",
    revision_uid="uid-api-rs8",
    to_template=template_digest(V2),
)


def ended_request(step: AnyStep = SET_IMAGE, *, symptoms: tuple[Symptom, ...] = (), **changed: Any) -> Operation:
    """A request of two hours ago that was carried out."""
    draft = Draft(
        verb="verb",
        target=Target(scope=SCOPE, kind="Deployment", name="api", uid="uid-api"),
        step=step,
        risk=Risk.MEDIUM,
        words=PlanWords(title="Do it to api", done="it is done"),
        symptoms=symptoms,
    )
    made = replace(request_of(draft, ago(7200)), id="7f3a9c1e-5d52", ended_at=ago(7200))
    return replace(made, **{"state": State.SUCCEEDED, "effect": Effect.APPLIED, **changed})


def undone(
    operation: Operation, seen: Ground, *, autoscalers: Sequence[Live] = (), live: Live | None = None
) -> Draft | Refusal:
    undoing = Undoing(operation=operation, ground=seen, live=live or seen.live, autoscalers=tuple(autoscalers))
    return undo.plan(undo.Params("7f3a9c1e"), undoing)


def drafted(operation: Operation, seen: Ground, **more: Any) -> Draft:
    found = undone(operation, seen, **more)
    assert isinstance(found, Draft), found
    return found


def refused(operation: Operation, seen: Ground, **more: Any) -> str:
    found = undone(operation, seen, **more)
    assert isinstance(found, Refusal), found
    return found.reason


def on(template: Json = V2, *objects: object, revisions: Sequence[Json] = REVISIONS, **more: Any) -> Ground:
    return ground(json_workload(template), *objects, revisions=revisions, **more)


# --- what cannot be undone --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"state": State.PENDING, "effect": None}, "has not ended yet"),
        ({"state": State.EXECUTING}, "has not ended yet"),
        ({"state": State.DENIED, "effect": None}, "There is nothing to undo: request 7f3a9c1e changed nothing."),
        ({"state": State.FAILED, "effect": Effect.NONE}, "changed nothing"),
        ({"state": State.UNKNOWN, "effect": Effect.UNKNOWN}, "ended in doubt"),
        ({"state": State.UNKNOWN, "effect": Effect.UNKNOWN, "resolution": Resolution.NOT_HAPPENED}, "changed nothing"),
        ({"state": State.UNKNOWN, "effect": Effect.UNKNOWN, "resolution": Resolution.UNDONE}, "undone by hand already"),
        ({"state": State.UNKNOWN, "effect": Effect.UNKNOWN, "resolution": Resolution.HAPPENED}, ""),
        ({"state": State.FAILED}, ""),
        ({}, ""),
    ],
)
def test_only_what_was_applied_can_be_undone(changed: dict[str, Any], why: str) -> None:
    """Also when its roll-out failed afterwards."""
    found = beyond(ended_request(**changed))
    assert (why in found.reason) if found is not None else not why
    assert isinstance(undone(ended_request(**changed), on()), Refusal) is bool(why)


@pytest.mark.parametrize(
    ("step", "why"),
    [
        (Restart(kind="Deployment", template="x"), "the pods of before are gone"),
        (Evict(owner="ReplicaSet/api-1"), "the pods of before are gone"),
        (ClearFailed(pods=(FailedPod("a", "u"),)), "pods that were deleted do not come back"),
    ],
)
def test_what_has_no_inverse_is_refused(step: AnyStep, why: str) -> None:
    assert why in refused(ended_request(step), on())


def test_an_object_that_was_made_anew_is_refused() -> None:
    """Its name is the same, and nothing else."""
    live = json_workload(V2)
    live["metadata"]["uid"] = "another"
    assert "deployment/api was made anew since" in refused(ended_request(), ground(live, revisions=REVISIONS))


def test_what_is_as_before_already_is_refused() -> None:
    assert refused(ended_request(), on(V1)) == "There is nothing to undo: api is as it was before already."


def test_what_was_changed_since_is_refused() -> None:
    """To undo the first change would undo the second one, too."""
    reason = refused(ended_request(), on(released("rag-engine:v3")))
    assert reason.startswith("api was changed since: its pod template was changed")


def test_a_paused_deployment_is_refused() -> None:
    seen = ground(json_workload(V2, paused=True), revisions=REVISIONS)
    assert "is paused" in refused(ended_request(ROLLBACK), seen)
    assert "is paused" in refused(ended_request(SET_IMAGE), seen)


# --- what brings it back ----------------------------------------------------------------------------------------------


def test_an_image_is_set_back() -> None:
    """By the planner of `set image`, with its warnings; the title says which request is undone."""
    found = drafted(ended_request(), on())
    assert isinstance(found.step, SetImage)
    assert (found.step.image, found.step.to_template) == ("rag-engine:v1", SET_IMAGE.template)
    assert found.verb == "set image"
    assert found.words.title == "Set the image of api to rag-engine:v1 (undoes request 7f3a9c1e)"
    assert [(each.label, each.text) for each in found.words.facts][:2] == [
        ("undoes", "Do it to api, 2 h ago"),
        ("revision", "this is what revision 7 ran"),
    ]
    assert found.risk is Risk.MEDIUM


def test_an_image_without_a_valid_name_does_not_come_back() -> None:
    step = replace(SET_IMAGE, was="Rag Engine:v1")
    assert "cannot be set again" in refused(ended_request(step), on())


def test_a_rollback_goes_forward_again() -> None:
    """To the revision of the template that was left, by its digest: its number may be another by now."""
    found = drafted(ended_request(ROLLBACK), on())
    assert isinstance(found.step, Rollback)
    assert (found.step.revision, found.step.to_template) == (7, ROLLBACK.template)
    assert found.verb == "rollback"
    assert found.risk is Risk.MEDIUM


def test_a_version_that_is_not_kept_any_more_cannot_come_back() -> None:
    assert "not kept any more" in refused(ended_request(ROLLBACK), on(revisions=REVISIONS[:1]))


def test_what_is_known_to_be_bad_comes_back_as_a_high_risk() -> None:
    """The one from which it was rolled back, usually."""
    crashing = pods_of_set(7, containers=(crash_looping(ended(1)),))
    for step in (ROLLBACK, SET_IMAGE):
        found = drafted(ended_request(step), on(V2, *crashing, worked=[worked_set(8)]))
        assert found.risk is Risk.HIGH
        assert any("likely to do harm" in each for each in found.words.warnings)


def test_what_was_wrong_before_is_warned_of() -> None:
    """It may be wrong again."""
    found = drafted(ended_request(symptoms=(Symptom("CRASH_LOOP", "crashes"), Symptom("X", "slow"))), on())
    assert found.words.warnings[0] == "Before that request this was wrong, and may come back: crashes and slow."
    assert not any("may come back" in each for each in drafted(ended_request(), on()).words.warnings)


def resources(limit: str, request: str) -> dict[str, Any]:
    return json_template(json_container(resources={"limits": {"memory": limit}, "requests": {"memory": request}}))


def test_resources_come_back_exactly_as_they_were() -> None:
    """Also where no command could write them."""
    before, after = resources("536870912", "1e8"), resources("1Gi", "1Gi")
    step = SetResources(
        kind="Deployment",
        template=template_digest(before),
        to_template=template_digest(after),
        container="api",
        resource="memory",
        limit_was="536870912",
        limit="1Gi",
        request_was="1e8",
        request="1Gi",
    )
    found = drafted(ended_request(step), on(after))
    assert isinstance(found.step, SetResources)
    assert found.step.to_template == step.template
    assert found.verb == "set memory"


def scaled(replicas: int) -> Ground:
    return ground(json_workload(V2, replicas=replicas), revisions=REVISIONS)


def test_a_number_of_pods_comes_back() -> None:
    step = Scale(kind="Deployment", was=3, replicas=5)
    found = drafted(ended_request(step), scaled(5))
    assert found.step == Scale(kind="Deployment", was=5, replicas=3)
    assert refused(ended_request(step), scaled(4)).startswith("api was changed since: 4 pods are asked for now")
    assert refused(ended_request(step), scaled(3)).endswith("is as it was before already.")


def hpa(minimum: int, maximum: int) -> Live:
    of = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"}
    spec = {"minReplicas": minimum, "maxReplicas": maximum, "scaleTargetRef": of}
    return Live(read_at=NOW, object={"metadata": {"name": "api-hpa", "uid": "uid-api"}, "spec": spec})


def test_a_number_that_an_autoscaler_sets_by_now_does_not_come_back() -> None:
    """It would be undone at once."""
    step = Scale(kind="Deployment", was=3, replicas=5)
    assert "An autoscaler sets the number" in refused(ended_request(step), scaled(5), autoscalers=[hpa(5, 9)])


def test_bounds_come_back() -> None:
    step = SetBounds(minimum_was=2, maximum_was=6, minimum=4, maximum=9)
    found = drafted(ended_request(step), scaled(5), autoscalers=[hpa(4, 9)], live=hpa(4, 9))
    assert found.step == SetBounds(minimum_was=4, maximum_was=9, minimum=2, maximum=6)
    assert refused(ended_request(step), scaled(5), autoscalers=[hpa(4, 8)], live=hpa(4, 8)).startswith(
        "api was changed since: its bounds are 4 to 8 now"
    )


# --- on the simulated cluster, with the requests in a database --------------------------------------------------------


async def test_an_unknown_request_is_said_to_be_one(store: Store, tmp_path: Path) -> None:
    async with planning_on(store, tmp_path) as planning:
        with pytest.raises(UsageError, match='There is no request "7f3a9c1e"'):
            await planning.plan("undo 7f3a9c1e")


async def test_without_a_database_there_is_no_request() -> None:
    request = Request(key="k", actor=Actor("U-ann", "T1"), surface=Surface.TERMINAL, text="undo 7f3a9c1e")
    with pytest.raises(UsageError, match="knows of no request"):
        await undo.observe(undo.Params("7f3a9c1e"), Sources(scope=SCOPE, request=request, now=NOW))


@pytest.mark.parametrize("namespaces", [frozenset({"shop", "other"}), frozenset({"other"})])
async def test_a_request_about_another_place_is_undone_there(
    store: Store, tmp_path: Path, namespaces: frozenset[Namespace]
) -> None:
    """By a command that names the place; who may not look there does not learn that there is such a request."""
    viewer = RoleBinding(RoleName.VIEWER, everyone=True, namespaces=namespaces)
    rights = DirectoryRights(TableDirectory(member("U-ann")), Policy(bindings=(viewer,)))
    async with planning_on(store, tmp_path) as planning:
        deploy(planning.world, "api", "v1")
        operation = await planning.carry_out(await planning.drafted("set image api :v2"))
        elsewhere = Scope(planning.sources.scope.cluster, Namespace("other"))
        planning.sources = replace(planning.sources, scope=elsewhere, rights=rights)
        with pytest.raises(UsageError) as raised:
            await planning.plan(f"undo {operation.id}")
        refused = (raised.value.message, raised.value.suggestions)
    if "shop" in namespaces:
        there = (f"undo {operation.id} -n shop --cluster demo",)
        assert refused == ("This request is about another place than other on demo.", there)
    else:
        assert refused == (f'There is no request "{operation.id}".', ("requests",))


async def test_what_never_began_is_refused_without_a_look_at_the_cluster(store: Store, tmp_path: Path) -> None:
    async with planning_on(store, tmp_path) as planning:
        deploy(planning.world, "api", "v1")
        operation = request_of(await planning.drafted("set image api :v2"), planning.world.clock.now())
        await planning.keep(operation)
        planning.sources = replace(planning.sources, cluster=None, live=None)
        assert "has not ended yet" in await planning.refused(f"undo {operation.id}")


def image(planning: Planning) -> str:
    now = live_in(planning.world, "Deployment", "api").object
    assert now is not None
    return str(now["spec"]["template"]["spec"]["containers"][0]["image"])


@pytest.mark.parametrize(
    "command",
    ["set image api :v9", "set memory api 512Mi", "set cpu api 100m", "rollback api", "scale api 3"],
)
async def test_each_change_is_undone_and_done_again(command: str, store: Store, tmp_path: Path) -> None:
    """The object is as before, and the undoing can be undone in turn."""
    async with planning_on(store, tmp_path) as planning:
        deploy(planning.world, "api", "v1", "v2")
        before = live_in(planning.world, "Deployment", "api").object
        assert before is not None
        first = await planning.carry_out(await planning.drafted(command))
        changed = live_in(planning.world, "Deployment", "api").object
        assert changed is not None

        second = await planning.carry_out(await planning.drafted(f"undo {first.id[:8]}"))
        again = live_in(planning.world, "Deployment", "api").object
        assert again is not None
        assert _wanted(again) == _wanted(before) != _wanted(changed)
        assert await planning.refused(f"undo {first.id}") == (
            "There is nothing to undo: api is as it was before already."
        )

        await planning.carry_out(await planning.drafted(f"undo {second.id}"))
        assert _wanted(live_in(planning.world, "Deployment", "api").object or {}) == _wanted(changed)


def _wanted(of: Json) -> tuple[str, int]:
    return template_digest(template_of(of)), int(of["spec"]["replicas"])


async def test_bounds_of_an_autoscaler_are_undone(store: Store, tmp_path: Path) -> None:
    """The request's target is the autoscaler, what is followed its workload."""
    async with planning_on(store, tmp_path) as planning:
        deploy(planning.world, "api", "v1")
        planning.world.apply("horizontalpodautoscalers", make.autoscaler(NAMESPACE, "api", "api", least=2, most=4))
        planning.world.advance(60)
        first = await planning.carry_out(await planning.drafted("scale api --min 3 --max 6"))
        found = await planning.drafted(f"undo {first.id}")
        assert found.step == SetBounds(minimum_was=3, maximum_was=6, minimum=2, maximum=4)
        assert found.watch == ObjectRef("Deployment", NAMESPACE, "api")


async def test_a_release_after_it_is_not_undone_with_it(store: Store, tmp_path: Path) -> None:
    """By hand, past everybody."""
    async with planning_on(store, tmp_path) as planning:
        deploy(planning.world, "api", "v1")
        first = await planning.carry_out(await planning.drafted("set image api :v2"))
        release(planning.world, "api", "v3")
        assert (await planning.refused(f"undo {first.id}")).startswith("api was changed since")


async def test_to_undo_a_rollback_from_a_bad_release_is_a_high_risk(store: Store, tmp_path: Path) -> None:
    """It goes back to the crash, which is said twice."""
    async with planning_on(store, tmp_path) as planning:
        deploy(planning.world, "api", "v1")
        (only,) = live_in(planning.world, "Deployment", "api").revisions
        await planning.note("api", only["metadata"]["uid"], 1)
        planning.world.behave(f"{IMAGE}:v2", Crashes(voice="silent", after=1.0))
        release(planning.world, "api", "v2")
        planning.world.advance(60)
        first = await planning.carry_out(await planning.drafted("rollback api"))
        found = await planning.drafted(f"undo {first.id}")
        assert found.risk is Risk.HIGH
        assert found.words.warnings[0].startswith("Before that request this was wrong")
        assert found.words.warnings[1].startswith("Revision 2 was never seen to work, while revision 3 was")


async def test_a_workload_that_is_gone_has_nothing_to_undo(store: Store, tmp_path: Path) -> None:
    async with planning_on(store, tmp_path) as planning:
        deploy(planning.world, "api", "v1")
        first = await planning.carry_out(await planning.drafted("set image api :v2"))
        planning.world.store.delete("deployments", NAMESPACE, "api")
        with pytest.raises(UsageError, match='no workload "deployment/api"'):
            await planning.plan(f"undo {first.id}")
