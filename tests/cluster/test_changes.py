"""Changes on a real cluster, as people make them: ann asks, bob approves on the card, the bot carries it out.

What is looked at is the API server afterwards, and what the card says of it.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.live import MARKER, RESTARTED
from tests.cluster.catalogue import thing
from tests.cluster.changing import (
    CRASHES,
    Ground,
    RealStage,
    annotations,
    approved,
    container,
    judged,
    small,
    template,
)
from tests.e2e.changing import number_of
from tests.support.hands import IMAGE
from tests.support.waiting import until

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]

APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
# A tag of the same repository that no node has.
ABSENT = f"{IMAGE.rpartition(':')[0]}:not-loaded"


# --- a bad release ----------------------------------------------------------------------------------------------------


async def test_a_bad_release_is_rolled_back_and_the_crash_is_gone(stage: RealStage, work: Ground) -> None:
    """The template of before, whole; the mark and the cause; the same ReplicaSet. And the verdict: it helped."""
    made = small("shop")
    made["metadata"]["annotations"] = {APPLIED: "{}"}
    await work.make(made)
    await work.ready("shop")
    good = await work.get("Deployment", "shop")
    [first] = await work.list("ReplicaSet", "shop")
    await work.release("Deployment", "shop", CRASHES)
    await work.crashing("shop")

    card = await stage.ask('rollback shop --reason "500s since the release"')
    shown = await card.shown()
    assert shown.text.startswith("Roll back shop to revision 1?"), shown.text
    assert "kubectl apply" in shown.text
    said = await approved(card)

    assert "Done in" in said
    assert "shop is at revision 1 again" in said
    after = await work.get("Deployment", "shop")
    assert template(after) == template(good)
    assert annotations(after)[MARKER].startswith(number_of(shown))
    assert annotations(after)[APPLIED] == "{}"
    assert stage.slack.workspace.person("bob").id in annotations(after)["kubernetes.io/change-cause"]
    [pod] = await work.ready("shop")
    assert pod["metadata"]["ownerReferences"][0]["uid"] == first["metadata"]["uid"]
    assert "the problem is gone" in await judged(card)


async def test_an_ordered_set_stays_stuck_after_a_rollback_until_its_bad_pod_goes(
    stage: RealStage, work: Ground
) -> None:
    """The card says so before; the eviction that it names lets the rollback, which goes on meanwhile, end."""
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
    assert "the problem is gone" in await judged(rollback)


async def test_a_daemon_set_is_rolled_back_and_restarted(stage: RealStage, work: Ground) -> None:
    """Its revision gets the next number; a restart of what works is another one."""
    await work.make(small("agent", kind="DaemonSet"))
    await until(lambda: work.get("DaemonSet", "agent"), lambda now: now["status"].get("numberReady"), within_s=60)
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


async def test_a_change_that_does_harm_fails_and_is_undone_by_the_button(stage: RealStage, work: Ground) -> None:
    """The pod of before goes on serving; nothing is taken back by itself."""
    made = small("stock", imagePullPolicy="Never")
    made["spec"]["progressDeadlineSeconds"] = 5
    await work.make(made)
    [serving] = await work.ready("stock")

    card = await stage.ask(f"set image stock {ABSENT}")
    said = await approved(card)
    assert "Failed, but the change is applied" in said
    assert "new pods were not ready within the time" in said
    assert container(await work.get("Deployment", "stock"))["image"] == ABSENT

    undo = await stage.pressed(card, "Undo")
    assert f"undoes request {number_of(await card.shown())}" in (await undo.shown()).text
    assert "Done in" in await approved(undo)
    assert container(await work.get("Deployment", "stock"))["image"] == IMAGE
    [pod] = await work.ready("stock")
    assert pod["metadata"]["uid"] == serving["metadata"]["uid"]


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
    assert "the problem is gone" in await judged(card)


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
