from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from bot.domain.catalogue import Catalogue, CatalogueEntry
from bot.domain.change_policy import ChangePolicy
from bot.domain.live import Live, Target
from bot.domain.plans import Difference, Draft, Fact, Refusal, Risk
from bot.domain.steps import Scale, SetBounds
from bot.domain.targets import ObjectRef
from bot.errors import UsageError
from bot.store.store import PostgresStore
from handlers import scale
from handlers.scale import Params, Seen
from sandbox.cluster.world import templates as make
from tests.support.bounds import api, ground_with, quota
from tests.support.builders import NOW, SCOPE, crash_looping, deployment, pod, replica_set
from tests.support.changing import NAMESPACE, deploy
from tests.support.planned import EMPTY
from tests.support.planned_cluster import Planning, planning_on

DELETED = {
    "kind": "StatefulSet",
    "volumeClaimTemplates": [{"metadata": {"name": "data"}}],
    "persistentVolumeClaimRetentionPolicy": {"whenScaled": "Delete"},
}


def hpa(low: int | None = 2, high: int = 4, *, name: str = "api-hpa", **meta: Any) -> Live:
    """Return an autoscaler as the API server tells it."""
    spec: dict[str, Any] = {"maxReplicas": high, **({} if low is None else {"minReplicas": low})}
    return Live(read_at=NOW, object={"metadata": {"name": name, "uid": f"uid-{name}", **meta}, "spec": spec})


def params(replicas: int | None = None, *, low: int | None = None, high: int | None = None) -> Params:
    return Params(workload="search", replicas=replicas, minimum=low, maximum=high)


def plan(asked: Params, live: dict[str, Any] | None = None, *scalers: Live, **more: Any) -> Draft | Refusal:
    objects = more.pop("objects", ())
    return scale.plan(asked, Seen(ground_with(live or api(), *objects, **more), scalers))


def planned(asked: Params, live: dict[str, Any] | None = None, *scalers: Live, **more: Any) -> Draft:
    found = plan(asked, live, *scalers, **more)
    assert isinstance(found, Draft), found
    return found


def refused(asked: Params, live: dict[str, Any] | None = None, *scalers: Live, **more: Any) -> Refusal:
    found = plan(asked, live, *scalers, **more)
    assert isinstance(found, Refusal), found
    return found


# --- the number -------------------------------------------------------------------------------------------------------


def test_more_pods_with_room_are_a_matter_of_whoever_asks() -> None:
    """From and to are absolute, and the way back is the same command."""
    draft = planned(params(6))
    assert draft.step == Scale(kind="Deployment", was=3, replicas=6)
    assert (draft.verb, draft.risk, draft.service, draft.inverse) == ("scale", Risk.LOW, "search", "scale search 3")
    assert (draft.target.ref, draft.watch) == (ObjectRef("Deployment", "shop", "api"),) * 2
    assert (draft.words.title, draft.words.done) == ("Scale search from 3 to 6 pods", "search has 6 pods")
    assert draft.words.differences == (Difference("pods", "3", "6"),)
    assert draft.words.facts == (Fact("room", "the nodes take 80 more pods"),)
    assert (draft.words.warnings, draft.words.reverts) == ((), ())


@pytest.mark.parametrize(
    ("to", "live", "more", "risk"),
    [
        (20, api(), {}, Risk.LOW),
        (21, api(), {}, Risk.MEDIUM),
        (5, api(), {"policy": ChangePolicy(scale_cap=4)}, Risk.MEDIUM),
        (6, api(), {"load": None}, Risk.MEDIUM),
        (6, api(), {"unread": ("resource quotas: no right",)}, Risk.MEDIUM),
        (2, api(), {}, Risk.LOW),
        (1, api(), {}, Risk.MEDIUM),
        (4, api(10), {}, Risk.MEDIUM),
        (5, api(10), {}, Risk.LOW),
        (2, api(3, **DELETED), {}, Risk.HIGH),
        (1, api(0), {}, Risk.LOW),
    ],
    ids=[
        "up to the cap",
        "over the cap",
        "over a lower cap",
        "room unknown",
        "quotas unread",
        "one fewer",
        "one left",
        "fewer than half",
        "half",
        "data is lost",
        "from nothing",
    ],
)
def test_who_has_to_agree(to: int, live: dict[str, Any], more: dict[str, Any], risk: Risk) -> None:
    """By how many there will be, how many go, and whether there is room."""
    assert planned(params(to), live, **more).risk is risk


def test_the_way_back_to_nothing_is_none() -> None:
    """Nothing is scaled to 0 from here."""
    assert planned(params(2), api(0)).inverse == ""


def test_who_writes_the_number_too_is_named() -> None:
    """It may be set back."""
    live = api(annotations={"argocd.argoproj.io/tracking-id": "shop:x"})
    [reverts] = planned(params(6), live).words.reverts
    assert reverts.startswith("Argo CD (application shop)")


@pytest.mark.parametrize(
    ("asked", "live", "reason", "command"),
    [
        (
            params(2),
            api(kind="DaemonSet"),
            "api is a DaemonSet: it has one pod on each node that fits, and no number to set.",
            "describe daemonset/api",
        ),
        (
            params(0),
            api(),
            "search is not scaled to 0 from here: that takes it out of service, which no approval allows.",
            "scale search 1",
        ),
        (params(3), api(), "There is nothing to do: search is set to 3 pods already.", "status search"),
        (
            params(low=2),
            api(),
            "No autoscaler is for search, so there are no bounds to set.",
            "scale search 2",
        ),
        (params(high=2), api(), "No autoscaler is for search, so there are no bounds to set.", "scale search 3"),
    ],
    ids=["daemon set", "to zero", "as it is", "bounds of nothing", "a maximum of nothing"],
)
def test_what_is_not_done(asked: Params, live: dict[str, Any], reason: str, command: str) -> None:
    """With what to do instead."""
    refusal = refused(asked, live)
    assert (refusal.reason, refusal.commands[0].label) == (reason, command)


def test_switching_off_is_told_by_hand() -> None:
    """For whoever really means it; an autoscaler changes nothing about it."""
    refusal = refused(params(0), api(), hpa())
    assert refusal.facts[0].text.startswith("kubectl -n shop scale deployment/api --replicas=0")


def test_more_of_a_crash_loop_is_refused() -> None:
    """Whether the number is set or an autoscaler's minimum."""
    workload = deployment(desired=3, ready=0)
    replicas = replica_set(workload)
    objects = (workload, replicas, pod(replicas, crash_looping(), name="api-1"))
    for scalers in ((), (hpa(),)):
        refusal = refused(params(6), api(3, ready=0), *scalers, objects=objects)
        assert refusal.reason == "More pods of search do not help: they would meet the same trouble."
    assert isinstance(plan(params(2), api(3, ready=0), objects=objects), Draft)


# --- the bounds of an autoscaler --------------------------------------------------------------------------------------


def test_an_autoscalers_bounds_are_moved_instead_of_the_number() -> None:
    """It would set another number back; the target is the autoscaler, the workload is watched."""
    draft = planned(params(6), api(), hpa(2, 4))
    assert draft.step == SetBounds(minimum_was=2, maximum_was=4, minimum=6, maximum=6)
    assert draft.target == Target(scope=SCOPE, kind="HorizontalPodAutoscaler", name="api-hpa", uid="uid-api-hpa")
    assert (draft.verb, draft.watch) == ("scale", ObjectRef("Deployment", "shop", "api"))
    assert (draft.risk, draft.service) == (Risk.MEDIUM, "search")
    assert draft.inverse == "scale search --min 2 --max 4"
    assert draft.words.title == "Let the autoscaler api-hpa keep 6 pods of search"
    assert draft.words.differences == (Difference("minimum", "2", "6"), Difference("maximum", "4", "6"))
    assert draft.words.facts[0] == Fact(
        "pods",
        "the autoscaler api-hpa sets their number and would undo another one; it goes from 3 to 6 at once",
    )
    assert draft.words.facts[1] == Fact("room", "the nodes take 80 more pods")


@pytest.mark.parametrize(
    ("asked", "was", "bounds", "labels"),
    [
        (params(3), (2, 4), (3, 4), ["minimum"]),
        (params(5), (2, 4), (5, 5), ["minimum", "maximum"]),
        (params(1), (2, 4), (1, 4), ["minimum"]),
        (params(low=3), (2, 4), (3, 4), ["minimum"]),
        (params(low=8), (2, 4), (8, 8), ["minimum", "maximum"]),
        (params(high=8), (2, 4), (2, 8), ["maximum"]),
        (params(low=1, high=3), (2, 4), (1, 3), ["minimum", "maximum"]),
        (params(high=8), (None, 4), (1, 8), ["maximum"]),
    ],
)
def test_bounds_are_moved_no_further_than_asked(
    asked: Params, was: tuple[int | None, int], bounds: tuple[int, int], labels: list[str]
) -> None:
    """A number is the minimum, and the maximum only where that is lower."""
    draft = planned(asked, api(), hpa(*was))
    assert isinstance(draft.step, SetBounds)
    assert (draft.step.minimum, draft.step.maximum) == bounds
    assert [each.label for each in draft.words.differences] == labels
    assert draft.risk is Risk.MEDIUM


def test_what_follows_from_new_bounds_is_told() -> None:
    """At once where the number lies outside of them; with the load else."""
    same = planned(params(2), api(), hpa(1, 4)).words.facts[0].text
    assert same.endswith("they are 3 now and move between 2 and 4 with the load, down within 5 min")
    fewer = planned(params(high=2), api(), hpa(1, 4)).words.facts[0].text
    assert fewer.endswith("it goes from 3 to 2 at once")


def test_a_low_minimum_and_a_maximum_that_the_database_does_not_bear_are_warned_of() -> None:
    """The autoscaler may go there later."""
    entry = CatalogueEntry("search", "Deployment", "api", connections_per_pod=20, connections_limit=100)
    catalogue = Catalogue(MappingProxyType({"search": entry}))
    high = planned(params(high=8), api(), hpa(), catalogue=catalogue).words.warnings
    assert high == ("At its maximum its pods may open 160 connections; its database bears 100.",)
    assert planned(params(high=5), api(), hpa(), catalogue=catalogue).words.warnings == ()
    assert planned(params(high=8), api(), hpa(), catalogue=EMPTY).words.warnings == ()
    low = planned(params(1), api(), hpa()).words.warnings
    assert low == ("It may go down to one pod: whenever that ends, nobody is served until another is ready.",)
    assert planned(params(high=6), api(), hpa(1)).words.warnings == ()


def test_a_minimum_that_meets_the_maximum_is_warned_of() -> None:
    """The autoscaler would do nothing any more."""
    words = "Its minimum is its maximum then: the number of pods does not follow the load any more."
    assert planned(params(6), api(), hpa(2, 4)).words.warnings == (words,)
    assert planned(params(6), api(), hpa(4, 4)).words.warnings == ()


@pytest.mark.parametrize(
    ("asked", "scalers", "reason"),
    [
        (
            params(2),
            (hpa(2, 4),),
            "There is nothing to do: the autoscaler api-hpa keeps 2 to 4 pods of search already.",
        ),
        (params(low=5, high=3), (hpa(),), "An autoscaler's maximum (3) cannot be below its minimum (5)."),
        (params(high=1), (hpa(),), "An autoscaler's maximum (1) cannot be below its minimum (2)."),
        (
            params(5),
            (hpa(), hpa(name="other")),
            "2 autoscalers are for search (api-hpa and other): they undo each other's work.",
        ),
        (
            params(5),
            (hpa(ownerReferences=[{"kind": "ScaledObject", "name": "api", "controller": True}]),),
            "The autoscaler api-hpa of search is not set by hand: whatever is changed in it is set back.",
        ),
    ],
    ids=["as it is", "crossed", "below the minimum", "two", "made by an operator"],
)
def test_bounds_that_are_not_set(asked: Params, scalers: tuple[Live, ...], reason: str) -> None:
    """Each with its reason."""
    assert refused(asked, api(), *scalers).reason == reason


def test_a_quota_bounds_a_minimum_as_well() -> None:
    """The pods could not be made."""
    bounds = {"quotas": (quota("team", {"pods": "4"}, {"pods": "3"}),)}
    assert refused(params(6), api(), hpa(), bounds=bounds).reason.startswith("Quota team leaves room for 1 more pod")
    assert isinstance(plan(params(high=9), api(), hpa(), bounds=bounds), Draft)


def test_what_was_scaled_to_zero_is_set_to_a_number_and_its_autoscaler_begins_again() -> None:
    """With 0 pods it rests, and moving its bounds would do nothing."""
    draft = planned(params(2), api(0), hpa(2, 4))
    assert draft.step == Scale(kind="Deployment", was=0, replicas=2)
    assert draft.words.warnings == ("The autoscaler api-hpa rests while there are none; then it keeps 2 to 4 pods.",)
    assert draft.risk is Risk.MEDIUM
    assert isinstance(planned(params(high=9), api(0), hpa(2, 4)).step, SetBounds)


def test_a_minimum_of_zero_is_no_way_back() -> None:
    """It could not be asked for."""
    assert planned(params(5), api(), hpa(0, 4)).inverse == ""


# --- over HTTP --------------------------------------------------------------------------------------------------------


@pytest.fixture
async def planning(store: PostgresStore, tmp_path: Path) -> AsyncIterator[Planning]:
    async with planning_on(store, tmp_path) as made:
        yield made


async def test_a_deployment_is_scaled_in_the_cluster_and_back(planning: Planning) -> None:
    """By the commands that the plans themselves give."""
    deploy(planning.world, "api")
    up = await planning.drafted("scale api 4")
    assert (up.risk, up.inverse) == (Risk.LOW, "scale api 2")
    await planning.carry_out(up)
    down = await planning.drafted(up.inverse)
    assert down.step == Scale(kind="Deployment", was=4, replicas=2)
    await planning.carry_out(down)


@pytest.mark.parametrize("command", ["scale api --min 3 --max 6", "scale hpa/front --min 3 --max 6"])
async def test_an_autoscalers_bounds_are_set_in_the_cluster_and_back(planning: Planning, command: str) -> None:
    """Named by its workload or by itself."""
    deploy(planning.world, "api")
    planning.world.apply("horizontalpodautoscalers", make.autoscaler(NAMESPACE, "front", "api", least=2, most=4))
    planning.world.advance(60)
    up = await planning.drafted(command)
    assert up.step == SetBounds(minimum_was=2, maximum_was=4, minimum=3, maximum=6)
    await planning.carry_out(up)
    back = await planning.drafted(up.inverse)
    assert back.step == SetBounds(minimum_was=3, maximum_was=6, minimum=2, maximum=4)


async def test_an_autoscaler_of_another_kind_of_object_does_not_count(planning: Planning) -> None:
    """The group of the API belongs to the name."""
    deploy(planning.world, "api")
    other = make.autoscaler(NAMESPACE, "front", "api", least=2, most=4)
    other["spec"]["scaleTargetRef"]["apiVersion"] = "example.com/v1"
    planning.world.apply("horizontalpodautoscalers", other)
    planning.world.advance(10)
    assert isinstance((await planning.drafted("scale api 3")).step, Scale)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("scale api", "scale needs the number of pods, or --min and --max for an autoscaler."),
        ("scale api 3 --min 2", "either the number of pods, or --min and --max"),
        ("scale api -3", "The number of pods must be at least 0."),
        ("scale hpa/nothing 3", 'no "hpa/nothing"'),
        ("scale nothing 3", 'no workload "nothing"'),
    ],
)
async def test_words_that_make_no_sense_are_told(planning: Planning, command: str, words: str) -> None:
    """Before anything is planned."""
    deploy(planning.world, "api")
    with pytest.raises(UsageError, match=words):
        await planning.plan(command)
