"""StatefulSets and DaemonSets: order, partitions, revisions, and the pod that stays broken after an undo."""

from __future__ import annotations

from sandbox.cluster.store import Json
from tests.contract.case import APPS, NS, Case
from tests.contract.pictures import (
    DAEMONS,
    SETS,
    all_ready,
    break_template,
    changed,
    is_ready,
    pods_of,
    removed,
    until_pods,
    workload_picture,
)
from tests.contract.writing import MERGE, Scene, delete, post, small_deployment, told

_SET = f"{SETS}/o"
_DAEMON = f"{DAEMONS}/n"


async def _ordered(scene: Scene, replicas: int, **spec: object) -> None:
    made = {"metadata": {"name": "o"}, "spec": {**small_deployment("o", scene.side.image, replicas)["spec"], **spec}}
    answer = await scene.raw(post(SETS, made))
    assert answer["status"] == 201, answer
    await until_pods(scene, "o", all_ready(replicas))
    await _seen(scene, replicas)


async def _seen(scene: Scene, ready: int) -> None:
    """Wait until the set's status tells its spec and so many ready pods."""

    def fits(found: Json) -> bool:
        status = found["status"]
        seen = status.get("observedGeneration") == found["metadata"]["generation"]
        return bool(seen and status.get("readyReplicas", 0) == ready)

    await scene.until(_SET, fits)


async def _release(scene: Scene, version: str) -> None:
    container = {"name": "main", "env": [{"name": "VERSION", "value": version}]}
    await changed(scene, _SET, {"spec": {"template": {"spec": {"containers": [container]}}}})


def _all_of_one_revision(pods: list[Json]) -> bool:
    return len({pod["metadata"]["labels"]["controller-revision-hash"] for pod in pods}) == 1


async def _updated(scene: Scene) -> list[Json]:
    """Update all pods, then undo: revisions are renumbered."""
    await _ordered(scene, 2)
    pictures = [await workload_picture(scene, _SET, "o")]
    first = (await scene.get(_SET))["spec"]["template"]
    await _release(scene, "2")
    await scene.until(_SET, _is_done)
    pictures.append(await workload_picture(scene, _SET, "o"))
    first["spec"]["containers"][0]["image"] = scene.side.image
    await changed(scene, _SET, {"spec": {"template": {"$patch": "replace", **first}}})
    await scene.until(_SET, _is_done)
    pictures.append(await workload_picture(scene, _SET, "o"))
    await removed(scene, _SET)
    return pictures


def _is_done(found: Json) -> bool:
    status, wanted = found["status"], found["spec"]["replicas"]
    seen = status.get("observedGeneration") == found["metadata"]["generation"]
    numbers = {
        status.get(name, 0) for name in ("updatedReplicas", "readyReplicas", "currentReplicas", "availableReplicas")
    }
    return bool(seen and numbers == {wanted})


async def _partitioned(scene: Scene) -> list[Json]:
    """Update the pods from an ordinal on; one below it that is deleted comes back as it was."""
    await _ordered(scene, 3, updateStrategy={"rollingUpdate": {"partition": 2}})
    await _release(scene, "2")
    await until_pods(scene, "o", lambda pods: all_ready(3)(pods) and not _all_of_one_revision(pods))
    await scene.until(_SET, lambda found: found["status"].get("updatedReplicas") == 1)
    await _seen(scene, 3)
    pictures = [await workload_picture(scene, _SET, "o")]
    old = (await scene.get(f"{NS}/pods/o-0"))["metadata"]["uid"]
    await scene.raw(delete(f"{NS}/pods/o-0"))
    await until_pods(
        scene, "o", lambda pods: all_ready(3)(pods) and old not in {pod["metadata"]["uid"] for pod in pods}
    )
    await _seen(scene, 3)
    pictures.append(await workload_picture(scene, _SET, "o"))
    await changed(scene, _SET, {"spec": {"updateStrategy": {"rollingUpdate": {"partition": 0}}}}, MERGE)
    await scene.until(_SET, _is_done)
    pictures.append(await workload_picture(scene, _SET, "o"))
    await removed(scene, _SET)
    return pictures


async def _on_delete(scene: Scene) -> list[Json]:
    """Update nothing but what somebody deletes."""
    await _ordered(scene, 2, updateStrategy={"type": "OnDelete"})
    await _release(scene, "2")
    await _seen(scene, 2)
    pictures = [await workload_picture(scene, _SET, "o")]
    await scene.raw(delete(f"{NS}/pods/o-1"))
    await until_pods(scene, "o", lambda pods: all_ready(2)(pods) and not _all_of_one_revision(pods))
    await scene.until(_SET, lambda found: found["status"].get("updatedReplicas") == 1)
    await _seen(scene, 2)
    pictures.append(await workload_picture(scene, _SET, "o"))
    await removed(scene, _SET)
    return pictures


async def _stuck(scene: Scene) -> list[Json]:
    """Release what no node takes, undo it: the broken pod stays until somebody deletes it."""
    await _ordered(scene, 2)
    await break_template(scene, _SET)
    await until_pods(scene, "o", lambda pods: len(pods) == 2 and not all(map(is_ready, pods)))
    await scene.until(_SET, lambda found: found["status"].get("updatedReplicas") == 1)
    await _seen(scene, 1)
    pictures = [await workload_picture(scene, _SET, "o")]
    await changed(scene, _SET, {"spec": {"template": {"spec": {"nodeSelector": None}}}})
    await scene.until(_SET, lambda found: found["status"]["currentRevision"] == found["status"]["updateRevision"])
    await _seen(scene, 1)
    for _ in range(4):
        await scene.side.hands.wait()
    pictures.append(await workload_picture(scene, _SET, "o"))
    await scene.raw(delete(f"{NS}/pods/o-1"))
    await scene.until(_SET, _is_done)
    pictures.append(await workload_picture(scene, _SET, "o"))
    await removed(scene, _SET)
    return pictures


async def _scaled(scene: Scene) -> list[Json]:
    """Scale up and down: the highest ordinals come last and go first."""
    await _ordered(scene, 1)
    pictures = []
    for replicas in (3, 1):
        await changed(scene, f"{_SET}/scale", {"spec": {"replicas": replicas}}, MERGE)
        await until_pods(scene, "o", all_ready(replicas))
        await scene.until(_SET, _is_done)
        pictures.append(await workload_picture(scene, _SET, "o"))
    await removed(scene, _SET)
    return pictures


async def _daemon(scene: Scene, **spec: object) -> None:
    made = {"metadata": {"name": "n"}, "spec": {**small_deployment("n", scene.side.image)["spec"], **spec}}
    del made["spec"]["replicas"]
    answer = await scene.raw(post(DAEMONS, made))
    assert answer["status"] == 201, answer
    await scene.until(_DAEMON, _is_everywhere)


def _is_everywhere(found: Json) -> bool:
    status = found["status"]
    seen = status.get("observedGeneration") == found["metadata"]["generation"]
    wanted = status.get("desiredNumberScheduled", 0)
    ready = status.get("numberAvailable", 0) == status.get("numberReady", 0) == wanted > 0
    rolls = found["spec"]["updateStrategy"]["type"] == "RollingUpdate"
    return bool(seen and ready and (not rolls or status.get("updatedNumberScheduled", 0) == wanted))


async def _restart(scene: Scene) -> Json:
    stamp = {"kubectl.kubernetes.io/restartedAt": "2026-11-24T22:00:00Z"}
    await changed(scene, _DAEMON, {"spec": {"template": {"metadata": {"annotations": stamp}}}})
    await scene.until(_DAEMON, _is_everywhere)
    return await workload_picture(scene, _DAEMON, "n")


async def _daemon_restarted(scene: Scene) -> list[Json]:
    await _daemon(scene)
    pictures = [await workload_picture(scene, _DAEMON, "n"), await _restart(scene)]
    await removed(scene, _DAEMON)
    return pictures


async def _daemon_on_delete(scene: Scene) -> list[Json]:
    await _daemon(scene, updateStrategy={"type": "OnDelete"})
    pictures = [await _restart(scene)]
    name = (await pods_of(scene, "n"))[0]["metadata"]["name"]
    await scene.raw(delete(f"{NS}/pods/{name}"))
    await scene.until(
        _DAEMON, lambda found: found["status"].get("updatedNumberScheduled") == 1 and _is_everywhere(found)
    )
    pictures.append(await workload_picture(scene, _DAEMON, "n"))
    await removed(scene, _DAEMON)
    left = await scene.get(f"{APPS}/controllerrevisions", labelSelector="app=n")
    return [*pictures, {"left": len(left["items"])}]


SET_CASES: tuple[Case, ...] = (
    told("stateful-set-updated", _updated),
    told("stateful-set-partitioned", _partitioned),
    told("stateful-set-on-delete", _on_delete),
    told("stateful-set-stuck", _stuck),
    told("stateful-set-scaled", _scaled),
    told("daemon-set-restarted", _daemon_restarted),
    told("daemon-set-on-delete", _daemon_on_delete),
)
