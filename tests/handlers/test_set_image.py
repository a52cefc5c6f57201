"""Another image for a container: which one is meant, what is refused, what is warned of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from bot.domain.catalogue import Catalogue, CatalogueEntry
from bot.domain.live import Json, template_digest, template_of
from bot.domain.objects import Event, Pod
from bot.domain.plans import Draft, Refusal, Risk
from bot.domain.steps import SetImage
from bot.errors import UsageError
from bot.planning.containers import container_for
from bot.planning.ground import Ground
from bot.planning.images import image_for
from bot.ports import Store
from handlers import set_image
from tests.support.builders import container, crash_looping, ended, event, node, pod, waiting
from tests.support.changing import IMAGE, deploy, live_in
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
from tests.support.planned_cluster import planning_on

REGISTRY = "r.example.com/rag-engine"
DIGEST = "sha256:" + "ab" * 32
NOW = released(f"{REGISTRY}:v1.2")


def planned(seen: Ground, image: str, name: str = "") -> Draft | Refusal:
    """Plan as the verb does once the ground is read."""
    chosen = container_for(seen, name)
    params = set_image.Params("api", image, name)
    return set_image.plan(params, set_image.Seen(seen, chosen, image_for(image, chosen)))


def draft(seen: Ground, image: str, name: str = "") -> Draft:
    found = planned(seen, image, name)
    assert isinstance(found, Draft), found
    return found


def refusal(seen: Ground, image: str) -> Refusal:
    found = planned(seen, image)
    assert isinstance(found, Refusal), found
    return found


def on(*objects: object, template: Json = NOW, revisions: Sequence[Json] = (), **more: Any) -> Ground:
    return ground(json_workload(template), *objects, revisions=revisions, **more)


def facts(plan: Draft | Refusal) -> dict[str, str]:
    return {fact.label: fact.text for fact in (plan.words.facts if isinstance(plan, Draft) else plan.facts)}


# --- the plan ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", [":v1.3", "v1.3"])
def test_another_tag_keeps_the_repository_and_says_so(said: str) -> None:
    """The digest of what will be is that of the template with just this image."""
    found = draft(on(), said)
    assert found.step == SetImage(
        kind="Deployment",
        template=template_digest(NOW),
        to_template=template_digest(released(f"{REGISTRY}:v1.3")),
        container="api",
        was=f"{REGISTRY}:v1.2",
        image=f"{REGISTRY}:v1.3",
    )
    assert facts(found)["read as"] == f"{said} is taken as a tag of {REGISTRY}"
    assert found.words.title == "Set the image of api to rag-engine:v1.3"
    assert found.verb == "set image"
    assert found.risk is Risk.MEDIUM
    assert found.words.warnings == ()
    assert found.inverse == f"set image api {REGISTRY}:v1.2 --container api"


def test_a_whole_name_needs_no_word_on_how_it_was_read() -> None:
    assert "read as" not in facts(draft(on(), f"{REGISTRY}:v1.3"))


def test_a_digest_alone_keeps_the_repository() -> None:
    found = draft(on(), DIGEST)
    assert isinstance(found.step, SetImage)
    assert found.step.image == f"{REGISTRY}@{DIGEST}"
    assert facts(found)["read as"] == f"{DIGEST} is taken as a digest of {REGISTRY}"


def test_what_is_no_image_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="is no tag"):
        planned(on(), "a b")


def test_an_image_without_a_valid_name_can_be_replaced() -> None:
    """It was never pulled, and this is the remedy."""
    found = draft(on(template=released("Rag Engine:v1")), "r.example.com/rag-engine:v1")
    assert found.risk is Risk.MEDIUM
    assert found.inverse == ""
    with pytest.raises(UsageError, match="is no repository"):
        planned(on(template=released("Rag Engine")), ":v2")


def test_the_same_image_is_nothing_to_do() -> None:
    assert refusal(on(), ":v1.2").reason == f"There is nothing to do: api has the image {REGISTRY}:v1.2 already."


def test_a_paused_deployment_is_refused() -> None:
    found = planned(ground(json_workload(NOW, paused=True)), ":v1.3")
    assert isinstance(found, Refusal)
    assert "is paused" in found.reason


# --- what is warned of ------------------------------------------------------------------------------------------------


def warned(seen: Ground, image: str, words: str) -> bool:
    return any(words in each for each in draft(seen, image).words.warnings)


@pytest.mark.parametrize(
    ("image", "risk"),
    [
        ("other.example.com/rag-engine:v1.3", Risk.HIGH),
        ("r.example.com/other:v1.3", Risk.HIGH),
        (f"{REGISTRY}:v1.3", Risk.MEDIUM),
    ],
)
def test_another_repository_is_a_high_risk(image: str, risk: Risk) -> None:
    """Whoever pushes there is not who pushed here."""
    assert draft(on(), image).risk is risk
    assert warned(on(), image, "This is another repository:") is (risk is Risk.HIGH)


def test_a_registry_that_is_left_out_is_the_same_one() -> None:
    assert draft(on(template=released("nginx:1.26")), "docker.io/library/nginx:1.27").risk is Risk.MEDIUM


@pytest.mark.parametrize(("image", "moves"), [(":latest", True), (f"{REGISTRY}", True), (":v2", False)])
def test_an_image_without_a_version_is_warned_of(image: str, *, moves: bool) -> None:
    assert warned(on(), image, "names no version") is moves


@pytest.mark.parametrize(("image", "lost"), [(":v2", True), (f"@{DIGEST.replace('ab', 'cd')}", False)])
def test_a_pin_that_is_lost_is_warned_of(image: str, *, lost: bool) -> None:
    pinned = on(template=released(f"{REGISTRY}:v1.2@{DIGEST}"))
    assert warned(pinned, image, "is pinned by its digest") is lost
    assert not warned(on(), image, "is pinned by its digest")


def test_other_containers_with_the_same_image_are_named() -> None:
    """A migration that runs before usually belongs to the same release."""
    both = json_template(
        json_container(f"{REGISTRY}:v1.2"), initContainers=[json_container(f"{REGISTRY}:v1.2", name="migrate")]
    )
    found = draft(on(template=both), ":v1.3")
    assert "migrate has the present image, too, and will keep it." in found.words.warnings
    assert found.words.title == "Set the image of api (container api) to rag-engine:v1.3"
    other = json_template(json_container(f"{REGISTRY}:v1.2"), initContainers=[json_container("m:1", name="mesh")])
    assert draft(on(template=other), ":v1.3").words.warnings == ()


def test_a_roll_out_that_is_under_way_is_told() -> None:
    """It is not finished any more then."""
    live = json_workload(NOW, status={"updatedReplicas": 1})
    assert facts(draft(ground(live), ":v1.3"))["roll-out"].startswith("one is under way (1 of 3 are new)")
    assert "roll-out" not in facts(draft(on(), ":v1.3"))


def test_room_is_judged_by_the_new_template() -> None:
    assert warned(on(node(memory=1), load={}, template=released("a:1", resources={"requests": {"memory": "1Gi"}})),
                  ":2", "may find no node")  # fmt: skip


# --- what it was before -----------------------------------------------------------------------------------------------

OLD = (json_revision(NOW, 8, made_s=60), json_revision(released(f"{REGISTRY}:v1.1"), 7, made_s=600))


def test_a_version_that_ran_before_is_told_with_how_it_went() -> None:
    """Its ReplicaSet is used again."""
    found = draft(on(revisions=OLD, worked=[worked_set(7)]), ":v1.1")
    assert facts(found)["revision"] == (
        "this is what revision 7 ran, which was seen to work for 3 days, last 6 min ago"
    )
    assert found.risk is Risk.MEDIUM
    assert not any("likely to do harm" in each for each in found.words.warnings)
    assert facts(draft(on(revisions=OLD), ":v1.1"))["revision"] == "this is what revision 7 ran"
    assert "revision" not in facts(draft(on(revisions=OLD), ":v1.3"))


def test_a_version_that_is_known_to_be_bad_is_a_high_risk() -> None:
    """As going back to its revision would be."""
    crashing = pods_of_set(7, containers=(crash_looping(ended(1)),))
    found = draft(on(*crashing, revisions=OLD), ":v1.1")
    assert found.risk is Risk.HIGH
    assert facts(found)["revision"] == "this is what revision 7 ran, which fails now (crashes again and again)"
    assert any(each.startswith("Revision 7 ran exactly this and fails now") for each in found.words.warnings)


# --- what the registry said -------------------------------------------------------------------------------------------


def pulling(image: str) -> Pod:
    """A pod of another workload that cannot pull an image."""
    failing = container(waiting("ImagePullBackOff", f'Back-off pulling image "{image}": not found'), image=image)
    return pod(None, failing, name="other-1", age_s=300)


def pull(reason: str, image: str, *, ago_s: float) -> Event:
    words = {
        "BackOff": f'Back-off pulling image "{image}"',
        "Failed": f'Failed to pull image "{image}": not found',
        "Pulled": f'Successfully pulled image "{image}" in 2 s',
    }
    return event(pod(None, name="gone-1"), reason, words.get(reason, ""), ago_s=ago_s)


def test_an_image_that_cannot_be_pulled_now_is_refused() -> None:
    """Whoever tries; the tag of another image is another image."""
    found = refusal(on(pulling(f"{REGISTRY}:v1.3")), ":v1.3")
    assert found.reason == f"The image {REGISTRY}:v1.3 cannot be pulled: pods with it would not start."
    assert "cannot be pulled" in facts(found)["the last try"]
    assert isinstance(planned(on(pulling(f"{REGISTRY}:v1.3")), ":v1.30"), Draft)


@pytest.mark.parametrize(
    ("events", "refused", "warns"),
    [
        ([("Failed", 120)], True, False),
        ([("Failed", 600)], True, False),
        ([("Failed", 1800)], False, True),
        ([("Failed", 120), ("Pulled", 60)], False, False),
        ([("Pulled", 300), ("Failed", 120)], True, False),
        ([("Failed", 120), ("BackOff", 60)], True, False),
        ([("Killing", 60)], False, False),
        ([], False, False),
    ],
)
def test_the_last_pull_counts(events: list[tuple[str, float]], *, refused: bool, warns: bool) -> None:
    """A fresh failure refuses, an older one is told, a success after it settles it."""
    seen = on(*(pull(reason, f"{REGISTRY}:v1.3", ago_s=ago_s) for reason, ago_s in events))
    found = planned(seen, ":v1.3")
    assert isinstance(found, Refusal) is refused
    if isinstance(found, Draft):
        assert any("The last pull of it failed 30 min ago, by gone-1" in each for each in found.words.warnings) is warns


def test_the_pull_of_another_image_says_nothing() -> None:
    assert isinstance(planned(on(pull("Failed", f"{REGISTRY}:v1.30", ago_s=60)), ":v1.3"), Draft)


def test_a_pull_without_a_time_says_nothing() -> None:
    timeless = replace(pull("Failed", f"{REGISTRY}:v1.3", ago_s=60), at=None)
    assert isinstance(planned(on(timeless), ":v1.3"), Draft)


def test_an_image_that_runs_beside_one_that_fails_can_be_pulled() -> None:
    """The finding is about the other container of that pod."""
    failing = container(waiting("ImagePullBackOff", "not found"), name="mesh", image="m:1")
    both = pod(None, container(name="api", image=f"{REGISTRY}:v1.3"), failing, name="other-1", age_s=300)
    assert isinstance(planned(on(both), ":v1.3"), Draft)


# --- the container ----------------------------------------------------------------------------------------------------

TWO = json_template(
    json_container("a:1"), json_container("m:1", name="mesh"), initContainers=[json_container("i:1", name="init")]
)


def chosen(seen: Ground, name: str = "") -> str:
    return str(container_for(seen, name)["name"])


@pytest.mark.parametrize("name", ["api", "mesh", "init"])
def test_a_container_is_found_by_its_name(name: str) -> None:
    """Init containers, too."""
    assert chosen(on(template=TWO), name) == name


def test_the_only_regular_container_needs_no_name() -> None:
    """Init containers are not counted."""
    assert chosen(on(template=json_template(initContainers=[json_container("i:1", name="init")]))) == "api"


def test_of_several_one_must_be_named() -> None:
    with pytest.raises(UsageError, match="api has 2 containers, api and mesh: name one") as raised:
        chosen(on(template=TWO, said="set image api :v2"))
    assert raised.value.suggestions == ("set image api :v2 --container api", "set image api :v2 --container mesh")


def test_the_default_container_counts() -> None:
    """As kubectl takes it; one that does not exist counts for nothing."""
    marked = {**TWO, "metadata": {"annotations": {"kubectl.kubernetes.io/default-container": "mesh"}}}
    assert chosen(on(template=marked)) == "mesh"
    gone = {**TWO, "metadata": {"annotations": {"kubectl.kubernetes.io/default-container": "gone"}}}
    with pytest.raises(UsageError):
        chosen(on(template=gone))


def test_the_catalogues_container_counts() -> None:
    catalogue = Catalogue(MappingProxyType({"search": CatalogueEntry("search", "Deployment", "api", container="mesh")}))
    assert chosen(on(template=TWO, catalogue=catalogue)) == "mesh"


@pytest.mark.parametrize(
    ("said", "offered"),
    [
        ("set image api :v2 -c mesch", "set image api :v2 -c mesh"),
        ("set image mesch :v2 -c mesch", "set image mesch :v2 -c mesh"),
        ("set image api :v2 --container=mesch", "set image api :v2 --container=mesch --container mesh"),
    ],
)
def test_an_unknown_container_is_refused_with_those_there_are(said: str, offered: str) -> None:
    """The nearest is offered as a command."""
    with pytest.raises(UsageError, match=r'api has no container "mesch"\. It has: api, mesh, init\.') as raised:
        chosen(on(template=TWO, said=said), "mesch")
    assert raised.value.suggestions == (offered,)


def test_without_a_near_name_all_are_offered() -> None:
    with pytest.raises(UsageError) as raised:
        chosen(on(template=TWO, said="set image api :v2 -c xyzzy"), "xyzzy")
    assert [each.rpartition(" ")[2] for each in raised.value.suggestions] == ["api", "mesh", "init"]


# --- on the simulated cluster -----------------------------------------------------------------------------------------


async def test_the_image_is_set_and_set_back(store: Store, tmp_path: Path) -> None:
    """What the API server then has is exactly what was planned; the way back leads to the same template."""
    async with planning_on(store, tmp_path) as planning:
        deploy(planning.world, "api", "v1")
        found = await planning.drafted("set image api :v2")
        assert isinstance(found.step, SetImage)
        await planning.carry_out(found)
        now = live_in(planning.world, "Deployment", "api").object
        assert template_digest(template_of(now)) == found.step.to_template
        assert now is not None
        assert now["status"]["updatedReplicas"] == 2

        back = await planning.drafted(found.inverse)
        assert isinstance(back.step, SetImage)
        assert (back.step.image, back.step.to_template) == (f"{IMAGE}:v1", found.step.template)
        assert facts(back)["revision"].startswith("this is what revision 1 ran")
