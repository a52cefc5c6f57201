"""Changes on a real cluster, as people make them: ann asks, bob approves on the card, the bot carries it out.

What is looked at is the API server afterwards, and what the card says of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.domain.live import MARKER, RESTARTED
from tests.cluster.catalogue import ALIVE, autoscaler, thing
from tests.cluster.changing import CRASHES, Ground, RealStage, approved, real_stage, small
from tests.cluster.conftest import KUBECONFIG
from tests.e2e.changing import audited, number_of, told
from tests.support.hands import IMAGE
from tests.support.waiting import until

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]

PLACES = ("work", "quota", "failed")
# A tag of the same repository that no node has.
ABSENT = f"{IMAGE.rpartition(':')[0]}:not-loaded"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RealStage]:
    """One bot for all."""
    if not KUBECONFIG:
        pytest.skip("no cluster: set RAGOPS_TEST_KUBECONFIG to a kubeconfig to run this")
    async with real_stage(tmp_path_factory.mktemp("changes"), KUBECONFIG, PLACES) as running:
        yield running


@pytest.fixture
def work(stage: RealStage) -> Ground:
    return stage.ground("work")


def annotations(of: dict[str, Any]) -> dict[str, str]:
    return dict(of["metadata"].get("annotations") or {})


def template(of: dict[str, Any]) -> dict[str, Any]:
    return dict(of["spec"]["template"])


def container(of: dict[str, Any]) -> dict[str, Any]:
    return dict(template(of)["spec"]["containers"][0])


# --- a bad release ----------------------------------------------------------------------------------------------------


async def test_a_bad_release_is_rolled_back_and_the_crash_is_gone(stage: RealStage, work: Ground) -> None:
    """The template of before, whole; the mark and the cause; the same ReplicaSet; and the verdict says that it helped."""
    await work.make(small("shop"))
    await work.ready("shop")
    good = await work.get("Deployment", "shop")
    [first] = await work.list("ReplicaSet", "shop")
    await work.release("Deployment", "shop", CRASHES)
    await work.crashing("shop")

    card = await stage.ask('rollback shop --reason "500s since the release"')
    shown = await card.shown()
    assert shown.text.startswith("Roll back shop to revision 1?"), shown.text
    said = await approved(card)

    assert "Done in" in said
    assert "shop is at revision 1 again" in said
    after = await work.get("Deployment", "shop")
    assert template(after) == template(good)
    assert annotations(after)[MARKER].startswith(number_of(shown))
    assert stage.slack.workspace.person("bob").id in annotations(after)["kubernetes.io/change-cause"]
    [pod] = await work.ready("shop")
    assert pod["metadata"]["ownerReferences"][0]["uid"] == first["metadata"]["uid"]
    assert "the problem is gone" in (await card.says("the problem is gone", "still there", "is wrong now")).text


async def test_an_ordered_set_stays_stuck_after_a_rollback_until_its_bad_pod_goes(
    stage: RealStage, work: Ground
) -> None:
    """The card says so before; the eviction that it names lets the rollback, which goes on meanwhile, come to its end."""
    probe = {"exec": {"command": ["true"]}, "initialDelaySeconds": 2, "periodSeconds": 1}
    await work.make(small("ledger", kind="StatefulSet", readinessProbe=probe))
    await work.ready("ledger")
    good = template(await work.get("StatefulSet", "ledger"))
    await work.release("StatefulSet", "ledger", CRASHES)
    await work.crashing("ledger")

    rollback = await stage.ask("rollback ledger")
    assert "ledger-0 is not ready" in (await rollback.shown()).text
    await rollback.press("Approve", user="bob")
    await rollback.says("Running")
    await until(lambda: work.get("StatefulSet", "ledger"), lambda now: template(now) == good)
    await asyncio.sleep(3)
    [bad] = await work.list("Pod", "ledger")
    assert (await rollback.shown()).text.startswith("Running")

    evict = await stage.ask("evict ledger-0")
    assert "Done in" in await approved(evict)

    [pod] = await work.ready("ledger")
    assert pod["metadata"]["uid"] != bad["metadata"]["uid"]
    assert pod["spec"]["containers"][0]["command"] == good["spec"]["containers"][0]["command"]
    assert "Done in" in (await rollback.ended()).text
    assert "the problem is gone" in (await rollback.says("the problem is gone", "still there", "is wrong now")).text


async def test_a_daemon_set_is_rolled_back_and_restarted(stage: RealStage, work: Ground) -> None:
    """Its revision gets the next number; a restart of what works is another one."""
    await work.make(small("agent", kind="DaemonSet"))
    await until(lambda: work.get("DaemonSet", "agent"), lambda now: now["status"].get("numberReady", 0) >= 1, within_s=60)
    good = template(await work.get("DaemonSet", "agent"))
    await work.release("DaemonSet", "agent", CRASHES)
    await work.crashing("agent")

    said = await approved(await stage.ask("rollback agent"))
    assert "agent is at revision 1 again" in said
    assert template(await work.get("DaemonSet", "agent")) == good
    numbers = sorted(each["revision"] for each in await work.list("ControllerRevision", "agent"))
    assert numbers == [2, 3]

    card = await stage.ask("restart agent")
    assert "agent was restarted" in await approved(card)
    now = await work.get("DaemonSet", "agent")
    assert RESTARTED in template(now)["metadata"]["annotations"]
    assert annotations(now)[MARKER].startswith(number_of(await card.shown()))


# --- each change ------------------------------------------------------------------------------------------------------


async def test_a_restart_replaces_the_pods_by_the_same_ones(stage: RealStage, work: Ground) -> None:
    """The time of the request is the mark in the template; nothing else of it changes."""
    await work.make(small("front"))
    [before] = await work.ready("front")
    was = template(await work.get("Deployment", "front"))

    assert "front was restarted" in await approved(await stage.ask("restart front"))

    [after] = await work.ready("front")
    assert after["metadata"]["uid"] != before["metadata"]["uid"]
    now = template(await work.get("Deployment", "front"))
    at = datetime.fromisoformat(now["metadata"]["annotations"].pop(RESTARTED))
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=2)
    now["metadata"].pop("annotations")
    assert now == was


async def test_an_eviction_lets_one_pod_end(stage: RealStage, work: Ground) -> None:
    """The other one stays, and another takes the place."""
    made = small("cart")
    made["spec"]["replicas"] = 2
    await work.make(made)
    first, second = await work.ready("cart", 2)

    said = await approved(await stage.ask(f"evict {first['metadata']['name']}"))

    assert f"{first['metadata']['name']} was evicted" in said
    uids = {pod["metadata"]["uid"] for pod in await work.ready("cart", 2)}
    assert second["metadata"]["uid"] in uids
    assert first["metadata"]["uid"] not in uids


async def test_a_number_of_pods_is_set(stage: RealStage, work: Ground) -> None:
    """And marked in the same write."""
    await work.make(small("search"))
    await work.ready("search")

    card = await stage.ask("scale search 2")
    assert "search has 2 pods" in await approved(card)

    now = await work.get("Deployment", "search")
    assert now["spec"]["replicas"] == now["status"]["readyReplicas"] == 2
    assert annotations(now)[MARKER].startswith(number_of(await card.shown()))


async def test_an_image_that_is_not_there_is_set_to_one_that_is(stage: RealStage, work: Ground) -> None:
    """The trouble it had is gone."""
    await work.make(small("mail", image=ABSENT, imagePullPolicy="Never"))
    await until(
        lambda: work.list("Pod", "mail"),
        lambda pods: "ErrImageNeverPull" in str(pods),
        within_s=60,
    )

    card = await stage.ask(f"set image mail {IMAGE}")
    assert "Done in" in await approved(card)

    assert container(await work.get("Deployment", "mail"))["image"] == IMAGE
    await work.ready("mail")
    assert "the problem is gone" in (await card.says("the problem is gone", "still there", "is wrong now")).text


@pytest.mark.parametrize(("resource", "limit", "other"), [("memory", "64Mi", "96Mi"), ("cpu", "100m", "150m")])
async def test_a_limit_is_set_and_what_was_is_brought_back(
    stage: RealStage, work: Ground, resource: str, limit: str, other: str
) -> None:
    """To undo is a new request, approved like any other; the ReplicaSet of before is used again."""
    name = f"{resource}-bound"
    requests = {"cpu": "5m", "memory": "8Mi"}
    await work.make(small(name, resources={"requests": requests, "limits": {resource: limit}}))
    [before] = await work.ready(name)

    card = await stage.ask(f"set {resource} {name} {other}")
    assert "Done in" in await approved(card)
    now = container(await work.get("Deployment", name))
    assert now["resources"] == {"requests": requests, "limits": {resource: other}}

    undo = await stage.ask(f"undo {number_of(await card.shown())}")
    assert "Done in" in await approved(undo)
    assert container(await work.get("Deployment", name))["resources"]["limits"] == {resource: limit}
    [after] = await work.ready(name)
    assert after["metadata"]["ownerReferences"][0]["uid"] == before["metadata"]["ownerReferences"][0]["uid"]


async def test_what_is_left_of_failed_pods_is_cleared(stage: RealStage) -> None:
    """Those that ended long since; what failed just now stays, and what has not."""
    ground = stage.ground("failed")
    for name in ("old-1", "old-2", "fresh", "waits"):
        pod = thing("Pod", name, spec={"schedulerName": "nobody", "containers": [{"name": "main", "image": IMAGE}]})
        await ground.make(pod)
    for name, minutes in (("old-1", 30), ("old-2", 11), ("fresh", 1)):
        ended = (datetime.now(UTC) - timedelta(minutes=minutes)).isoformat(timespec="seconds").replace("+00:00", "Z")
        state = {"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": ended}}
        status = {"name": "main", "image": IMAGE, "imageID": "", "ready": False, "restartCount": 0, "state": state}
        where = f"{ground.path('Pod', name)}/status"
        await stage.hands.send("PATCH", where, {"status": {"phase": "Failed", "containerStatuses": [status]}})

    card = await stage.ask("clear failed", "failed")
    assert "fresh" in (await card.shown()).text
    assert "2 failed pods" in await approved(card)

    left = (await stage.hands.send("GET", ground.path("Pod")))["items"]
    assert sorted(pod["metadata"]["name"] for pod in left) == ["fresh", "waits"]


# --- what stands in the way -------------------------------------------------------------------------------------------


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


# --- two bots ---------------------------------------------------------------------------------------------------------


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
