"""Changes on a real cluster with something in their way: autoscalers, budgets, quotas, other people, another bot."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.domain.live import MARKER
from tests.cluster.catalogue import autoscaler, thing
from tests.cluster.changing import Ground, RealStage, annotations, approved, container, small
from tests.e2e.changing import audited, number_of, told
from tests.support.waiting import until

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]


async def test_the_bounds_of_an_autoscaler_are_moved_and_it_acts_on_them(stage: RealStage, work: Ground) -> None:
    """The Deployment itself is not written to."""
    await work.make(small("elastic", resources={"requests": {"cpu": "5m"}}))
    await work.make(autoscaler("elastic", "elastic", most=2))
    await work.ready("elastic")

    card = await stage.ask("scale elastic 2")
    assert "autoscaler elastic" in (await card.shown()).text
    assert "Done in" in await approved(card)

    scaler = await work.get("HorizontalPodAutoscaler", "elastic")
    assert (scaler["spec"]["minReplicas"], scaler["spec"]["maxReplicas"]) == (2, 2)
    assert annotations(scaler)[MARKER].startswith(number_of(await card.shown()))
    now = await work.get("Deployment", "elastic")
    assert now["spec"]["replicas"] == 2
    assert MARKER not in annotations(now)


async def test_a_paused_deployment_is_refused_before_anybody_is_asked(stage: RealStage) -> None:
    """With what to do instead, in the same namespace."""
    ground = stage.ground("failed")
    made = small("resting")
    made["spec"] |= {"paused": True, "replicas": 0}
    await ground.make(made)
    await until(lambda: ground.get("Deployment", "resting"), lambda now: "observedGeneration" in now["status"])

    answer = await told(stage, stage.words("restart resting", "failed"))

    assert "resting is paused" in answer.text
    assert f"kubectl -n {ground.namespace} rollout resume deployment/resting" in answer.text
    assert f"Instead: status resting -n {ground.namespace}" in answer.text
    shown = await stage.press("status resting", user="ann")
    assert f"{ground.namespace} on real" in shown.text


async def test_what_the_guard_refuses_is_not_asked_for(stage: RealStage, work: Ground) -> None:
    """An image from where none may come: the server's dry run says so, and nobody is asked."""
    made = small("walled")
    made["spec"]["replicas"] = 0
    await work.make(made)
    await until(lambda: work.get("Deployment", "walled"), lambda now: "observedGeneration" in now["status"])

    answer = await told(stage, stage.words("set image walled elsewhere.example.com/miner:1", "work"))

    assert 'The API server refuses this: deployments.apps "walled" is forbidden' in answer.text
    assert "an image is of no repository that this policy lists" in answer.text
    assert MARKER not in annotations(await work.get("Deployment", "walled"))


async def test_what_moved_between_the_request_and_the_click_is_not_changed(stage: RealStage, work: Ground) -> None:
    """Gone; edited; deleted and created anew under the same name. The card says which."""
    for name in ("vanishing", "edited", "twice"):
        made = small(name)
        made["spec"]["replicas"] = 0
        await work.make(made)
        await until(lambda name=name: work.get("Deployment", name), lambda now: "observedGeneration" in now["status"])
    vanishing = await stage.ask("scale vanishing 1")
    edited = await stage.ask("set memory edited 64Mi")
    twice = await stage.ask("scale twice 1")

    await work.delete("Deployment", "vanishing")
    await work.release("Deployment", "edited", "echo other; sleep 1000")
    await work.delete("Deployment", "twice")
    made = small("twice")
    made["spec"]["replicas"] = 0
    await until(lambda: work.list("Deployment", "twice"), lambda found: not found)
    await work.make(made)

    assert "vanishing is gone" in await approved(vanishing)
    assert "pod template was changed" in await approved(edited)
    assert "was deleted and made anew" in await approved(twice)
    assert "Ask again" in (await edited.shown()).buttons
    for name in ("edited", "twice"):
        now = await work.get("Deployment", name)
        assert MARKER not in annotations(now)
        assert (now["spec"]["replicas"], container(now)["resources"]) == (0, {})


async def test_a_budget_protects_a_pod_before_and_after_it_was_asked_for(stage: RealStage, work: Ground) -> None:
    """Made between the request and the click, the API server refuses; then there is not even a card."""
    made = small("guarded")
    made["spec"]["replicas"] = 2
    await work.make(made)
    first, _ = await work.ready("guarded", 2)
    name = first["metadata"]["name"]
    card = await stage.ask(f"evict {name}")
    spec = {"minAvailable": 2, "selector": {"matchLabels": {"app": "guarded"}}}
    await work.make(thing("PodDisruptionBudget", "guarded", spec=spec))
    await until(
        lambda: work.get("PodDisruptionBudget", "guarded"),
        lambda budget: (budget.get("status") or {}).get("currentHealthy") == 2,
    )

    said = await approved(card)

    assert "Failed, nothing was changed" in said
    assert "disruption budget guarded needs 2 healthy pods and has 2" in said
    answer = await told(stage, stage.words(f"evict {name}", "work"))
    assert "disruption budget guarded needs 2 healthy pods and has 2" in answer.text
    uids = {pod["metadata"]["uid"] for pod in await work.ready("guarded", 2)}
    assert first["metadata"]["uid"] in uids


async def test_a_quota_stops_new_pods_and_is_seen_before_the_next_request(stage: RealStage) -> None:
    """Made between the request and the click: applied, and its pods refused; undone; then refused when asked for."""
    ground = stage.ground("quota")
    await ground.make(small("web"))
    await ground.ready("web")
    card = await stage.ask("scale web 2", "quota")
    await ground.make(thing("ResourceQuota", "tight", spec={"hard": {"pods": "1"}}))
    await until(
        lambda: ground.get("ResourceQuota", "tight"),
        lambda quota: ((quota.get("status") or {}).get("used") or {}).get("pods") == "1",
    )

    said = await approved(card)

    assert "Failed, but the change is applied" in said
    assert "exceeded quota: tight" in said
    undo = await stage.ask(f"undo {number_of(await card.shown())}", "quota")
    assert "Done in" in await approved(undo)
    assert (await ground.get("Deployment", "web"))["spec"]["replicas"] == 1
    answer = await told(stage, stage.words("scale web 2", "quota"))
    assert "Quota tight leaves no room for another pod of web." in answer.text


async def test_what_two_bots_could_carry_out_is_carried_out_once(
    stage: RealStage, work: Ground, tmp_path: Path
) -> None:
    """Three requests, each approved by two people at once, each click arriving twice."""
    names = ("north", "south", "east")
    for name in names:
        await work.make(small(name))
    for name in names:
        await work.ready(name)
    async with stage.twin(tmp_path / "twin"):
        cards = [await stage.ask(f"restart {name}") for name in names]
        clicks = [
            (await stage.control.aim("Approve", user=user, channel="ops", message=card.ts)).payload
            for card in cards
            for user in ("bob", "lea")
        ]
        await asyncio.gather(*(stage.control.forge(click) for click in (*clicks, *clicks)))
        said = [(await card.ended(90)).text for card in cards]

    assert ["was restarted" in each for each in said] == [True] * len(names)
    for name, card in zip(names, cards, strict=True):
        number = number_of(await card.shown())
        now = await work.get("Deployment", name)
        assert now["metadata"]["generation"] == 2
        assert len(await work.list("ReplicaSet", name)) == 2
        rows = await audited(stage.store_url, "vote", "claimed", "patched", "result")
        mine = [what for _, what, _, detail in rows if f"/{name} " in detail["target"]]
        assert mine == ["vote", "claimed", "patched", "result"], number
