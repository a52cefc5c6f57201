"""Rollouts of Deployments: revisions, undo, pause, deadlines, surges; and what becomes of single pods."""

from __future__ import annotations

from sandbox.cluster.store import Json
from tests.contract.case import NS, Case
from tests.contract.pictures import (
    all_ready,
    break_template,
    changed,
    deploy,
    is_ready,
    picture,
    pods_of,
    release,
    removed,
    rollback,
    set_of_revision,
    until_pods,
)
from tests.contract.writing import DEPLOYMENTS, JSON_PATCH, MERGE, Scene, delete, patch, told

_PATH = f"{DEPLOYMENTS}/r"


async def _undo(scene: Scene, revision: int) -> None:
    deployment, target = await scene.get(_PATH), await set_of_revision(scene, "r", revision)
    operations = rollback(deployment, target)
    operations[0]["value"]["spec"]["containers"][0]["image"] = scene.side.image  # it was masked
    await changed(scene, _PATH, operations, JSON_PATCH)
    await scene.settled(_PATH)


async def _undone(scene: Scene) -> list[Json]:
    """Release twice, undo, undo that: numbers rise, the old ones are remembered."""
    await deploy(scene, "r", 1, cause="first")
    pictures = [await picture(scene, "r")]
    await release(scene, "r", "2")
    pictures.append(await picture(scene, "r"))
    await release(scene, "r", "3", cause="third")
    await _undo(scene, 2)
    pictures.append(await picture(scene, "r"))
    await _undo(scene, 3)
    pictures.append(await picture(scene, "r"))
    await _undo(scene, 4)
    pictures.append(await picture(scene, "r"))
    await removed(scene, _PATH)
    return pictures


async def _by_hand(scene: Scene) -> list[Json]:
    """Set an old template again by hand: its ReplicaSet is used again under a new number."""
    await deploy(scene, "r", 1)
    await release(scene, "r", "2", cause="second")
    await release(scene, "r", "3")
    await release(scene, "r", "2", cause="again")
    pictures = [await picture(scene, "r")]
    await removed(scene, _PATH)
    return pictures


async def _restarted(scene: Scene) -> list[Json]:
    """Restart, at the same moment again, and later."""
    pictures = []
    await deploy(scene, "r", 1)
    for moment in ("2026-11-24T22:00:00Z", "2026-11-24T22:00:00Z", "2026-11-24T22:01:00Z"):
        stamp = {"kubectl.kubernetes.io/restartedAt": moment}
        await changed(scene, _PATH, {"spec": {"template": {"metadata": {"annotations": stamp}}}})
        await scene.settled(_PATH)
        pictures.append(await picture(scene, "r"))
    await removed(scene, _PATH)
    return pictures


async def _annotated(scene: Scene) -> list[Json]:
    """Annotate a Deployment: its ReplicaSet gets the annotation too, and keeps it when it is taken away."""
    pictures = []
    await deploy(scene, "r", 0)
    for value in ("1", None):
        await changed(scene, _PATH, {"metadata": {"annotations": {"example.com/owner": value}}})
        await scene.settled(_PATH)
        pictures.append(await picture(scene, "r"))
    await removed(scene, _PATH)
    return pictures


async def _paused(scene: Scene) -> list[Json]:
    """Change a paused Deployment: nothing happens until it is resumed."""
    await deploy(scene, "r", 1)
    await changed(scene, _PATH, {"spec": {"paused": True}})
    await scene.settled(_PATH)
    pictures = [await picture(scene, "r")]
    await release(scene, "r", "2")
    pictures.append(await picture(scene, "r"))
    await changed(scene, f"{_PATH}/scale", {"spec": {"replicas": 2}}, MERGE)
    await until_pods(scene, "r", all_ready(2))
    await scene.until(_PATH, lambda found: found["status"].get("availableReplicas") == 2)
    pictures.append(await picture(scene, "r"))
    await changed(scene, _PATH, {"spec": {"paused": None}})
    await scene.settled(_PATH)
    pictures.append(await picture(scene, "r"))
    await removed(scene, _PATH)
    return pictures


def _is_overdue(found: Json) -> bool:
    return any(entry["reason"] == "ProgressDeadlineExceeded" for entry in found["status"].get("conditions") or ())


async def _overdue(scene: Scene) -> list[Json]:
    """Release what no node takes: the deadline passes, the old pods stay; an undo heals it."""
    await deploy(scene, "r", 2, progressDeadlineSeconds=4)
    await break_template(scene, _PATH)
    await scene.until(_PATH, _is_overdue)
    pictures = [await picture(scene, "r")]
    await _undo(scene, 1)
    pictures.append(await picture(scene, "r"))
    await removed(scene, _PATH)
    return pictures


async def _forgotten(scene: Scene) -> list[Json]:
    """Keep one old ReplicaSet."""
    await deploy(scene, "r", 0, revisionHistoryLimit=1)
    for version in ("2", "3", "4"):
        await release(scene, "r", version)
    await scene.until(
        f"{DEPLOYMENTS.replace('deployments', 'replicasets')}",
        lambda body: len(body["items"]) == 2,
        labelSelector="app=r",
    )
    pictures = [await picture(scene, "r")]
    await removed(scene, _PATH)
    return pictures


async def _stuck(scene: Scene, strategy: Json) -> list[Json]:
    """Release what does not start, and scale in the middle of it: both ReplicaSets get their share."""
    await deploy(scene, "r", 3, strategy={"rollingUpdate": strategy})
    await break_template(scene, _PATH)

    def rests(pods: list[Json]) -> bool:
        broken = sum(not is_ready(pod) for pod in pods)
        return broken == (1 if strategy["maxSurge"] == 1 else 2)

    await until_pods(scene, "r", rests)
    await scene.until(_PATH, lambda found: found["status"].get("observedGeneration") == 2)
    pictures = [await picture(scene, "r")]
    await changed(scene, f"{_PATH}/scale", {"spec": {"replicas": 5}}, MERGE)
    await scene.until(_PATH, _has_share)
    pictures.append(await picture(scene, "r"))
    await removed(scene, _PATH)
    return pictures


def _has_share(found: Json) -> bool:
    status = found["status"]
    seen = status.get("observedGeneration") == found["metadata"]["generation"]
    return bool(seen and status.get("replicas", 0) > 5 and status["replicas"] - status["availableReplicas"] < 3)


async def _surging(scene: Scene) -> list[Json]:
    return await _stuck(scene, {"maxSurge": 1, "maxUnavailable": 0})


async def _recreated(scene: Scene) -> list[Json]:
    """Stop all before starting any."""
    await deploy(scene, "r", 2, strategy={"type": "Recreate"})
    await release(scene, "r", "2")
    pictures = [await picture(scene, "r")]
    await removed(scene, _PATH)
    return pictures


async def _replaced_pod(scene: Scene) -> list[Json]:
    """Delete a pod: another takes its place, and nothing else changes."""
    await deploy(scene, "r", 2)
    first = (await pods_of(scene, "r"))[0]["metadata"]
    answers = [await scene.raw(delete(f"{NS}/pods/{first['name']}", {"preconditions": {"uid": first["uid"]}}))]
    marks = {"deletionGracePeriodSeconds", "generation"}
    seen = [{name: answer["body"]["metadata"].get(name) for name in marks} for answer in answers]
    await until_pods(scene, "r", lambda pods: all_ready(2)(pods) and first["name"] not in _names(pods))
    await scene.settled(_PATH)
    pictures = [*seen, await picture(scene, "r")]
    await removed(scene, _PATH)
    return pictures


def _names(pods: list[Json]) -> set[str]:
    return {str(pod["metadata"]["name"]) for pod in pods}


async def _set_apart(scene: Scene) -> list[Json]:
    """Take a pod's label away: it stays without an owner, another takes its place; give it back: one too many goes."""
    await deploy(scene, "r", 1)
    name = (await pods_of(scene, "r"))[0]["metadata"]["name"]
    path = f"{NS}/pods/{name}"
    await scene.raw(patch(path, MERGE, {"metadata": {"labels": {"app": "apart"}}}))
    apart = await scene.until(path, lambda pod: "ownerReferences" not in pod["metadata"])
    await until_pods(scene, "r", all_ready(1))
    await scene.settled(_PATH)
    pictures: list[Json] = [{"phase": apart["status"]["phase"]}, await picture(scene, "r")]
    await scene.raw(patch(path, MERGE, {"metadata": {"labels": {"app": "r"}}}))
    await until_pods(scene, "r", lambda pods: len(pods) == 1)
    await scene.settled(_PATH)
    pictures.append(await picture(scene, "r"))
    await removed(scene, _PATH)
    return pictures


async def _scaled(scene: Scene) -> list[Json]:
    """Scale up, down and to nothing."""
    await deploy(scene, "r", 1)
    pictures = []
    for replicas in (3, 1, 0):
        await changed(scene, f"{_PATH}/scale", {"spec": {"replicas": replicas}}, MERGE)
        await until_pods(scene, "r", all_ready(replicas))
        await scene.settled(_PATH)
        pictures.append(await picture(scene, "r"))
    await removed(scene, _PATH)
    return pictures


ROLLOUT_CASES: tuple[Case, ...] = (
    told("rollout-undone", _undone),
    told("rollout-by-hand", _by_hand),
    told("rollout-restarted", _restarted),
    told("rollout-annotated", _annotated),
    told("rollout-paused", _paused),
    told("rollout-overdue", _overdue),
    told("rollout-forgotten", _forgotten),
    told("rollout-scaled-while-stuck", _surging),
    told("rollout-recreated", _recreated),
    told("rollout-replaced-pod", _replaced_pod),
    told("rollout-pod-set-apart", _set_apart),
    told("rollout-scaled", _scaled),
)
