"""What a workload looks like at a moment: itself, its revisions, its pods; and small steps that many stories take."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from sandbox.cluster.store import Json
from tests.contract.case import APPS, NS
from tests.contract.writing import DEPLOYMENTS, STRATEGIC, Scene, delete, patch, post, small_deployment

REVISION = "deployment.kubernetes.io/revision"
CAUSE = "kubernetes.io/change-cause"
SETS = f"{APPS}/statefulsets"
DAEMONS = f"{APPS}/daemonsets"


async def deploy(scene: Scene, name: str, replicas: int, *, cause: str = "", **spec: Any) -> None:
    """Create a Deployment and wait until it is rolled out."""
    made = small_deployment(name, scene.side.image, replicas, **spec)
    if cause:
        made["metadata"]["annotations"] = {CAUSE: cause}
    created = await scene.raw(post(DEPLOYMENTS, made))
    assert created["status"] == 201, created
    await scene.settled(f"{DEPLOYMENTS}/{name}")


async def release(scene: Scene, name: str, version: str, *, cause: str = "", settles: bool = True) -> None:
    """Change the template of a Deployment, as a release does."""
    container = {"name": "main", "env": [{"name": "VERSION", "value": version}]}
    body: Json = {"spec": {"template": {"spec": {"containers": [container]}}}}
    if cause:
        body["metadata"] = {"annotations": {CAUSE: cause}}
    await changed(scene, f"{DEPLOYMENTS}/{name}", body)
    if settles:
        await scene.settled(f"{DEPLOYMENTS}/{name}")


async def break_template(scene: Scene, path: str) -> None:
    """Release what no node takes."""
    await changed(scene, path, {"spec": {"template": {"spec": {"nodeSelector": {"nowhere": "yes"}}}}})


async def changed(scene: Scene, path: str, body: Json, media: str = STRATEGIC) -> Json:
    """Patch an object, which must be allowed."""
    answer = await scene.raw(patch(path, media, body))
    assert answer["status"] == 200, answer
    found: Json = answer["body"]
    return found


async def removed(scene: Scene, path: str) -> None:
    """Delete an object and wait until it and its pods are gone."""
    await scene.raw(delete(path, {"propagationPolicy": "Foreground"}))
    await scene.gone(path)


async def pods_of(scene: Scene, app: str) -> list[Json]:
    """Return the pods of an app that are not about to go, by name."""
    found = await scene.get(f"{NS}/pods", labelSelector=f"app={app}")
    return [pod for pod in found["items"] if "deletionTimestamp" not in pod["metadata"]]


async def until_pods(scene: Scene, app: str, fits: Callable[[list[Json]], object]) -> list[Json]:
    """Let time pass until the pods of an app fit; those about to go count as gone."""

    def wanted(body: Json) -> bool:
        if any("deletionTimestamp" in pod["metadata"] for pod in body["items"]):
            return False
        return bool(fits(body["items"]))

    body = await scene.until(f"{NS}/pods", wanted, labelSelector=f"app={app}")
    items: list[Json] = body["items"]
    return items


def is_ready(pod: Json) -> bool:
    """Tell whether a pod is ready."""
    conditions = pod["status"].get("conditions") or ()
    return any(entry["type"] == "Ready" and entry["status"] == "True" for entry in conditions)


def all_ready(number: int) -> Callable[[list[Json]], bool]:
    """Return a question for so many pods, all of them ready."""
    return lambda pods: len(pods) == number and all(map(is_ready, pods))


async def picture(scene: Scene, name: str) -> Json:
    """Return what a Deployment, its ReplicaSets by revision and its pods look like."""
    deployment = await scene.get(f"{DEPLOYMENTS}/{name}")
    sets = (await scene.get(f"{APPS}/replicasets", labelSelector=f"app={name}"))["items"]
    seen = {
        "generation": deployment["metadata"]["generation"],
        "annotations": deployment["metadata"].get("annotations"),
        "replicas": deployment["spec"]["replicas"],
        "template": deployment["spec"]["template"],
        "status": _status(deployment["status"]),
        "sets": [_set(item) for item in sorted(sets, key=_revision)],
        "pods": sorted(_pod(pod) for pod in await pods_of(scene, name)),
    }
    found: Json = scene.tidied(seen)
    found["pods"] = sorted(found["pods"])
    return found


async def workload_picture(scene: Scene, path: str, app: str) -> Json:
    """Return what a StatefulSet or DaemonSet, its revisions and its pods look like."""
    workload = await scene.get(path)
    known = (await scene.get(f"{APPS}/controllerrevisions", labelSelector=f"app={app}"))["items"]
    ordered = sorted(known, key=lambda entry: int(entry["revision"]))
    words = {entry["metadata"]["name"]: f"revision-{entry['revision']}" for entry in ordered}
    for entry in ordered:
        labels = entry["metadata"]["labels"]
        found = labels.get("controller-revision-hash") or labels.get("controller.kubernetes.io/hash")
        words[found] = words[entry["metadata"]["name"]]
    status = {
        name: words.get(value, value) if isinstance(value, str) else value for name, value in workload["status"].items()
    }
    pods = [
        [
            pod["metadata"]["name"] if path.startswith(SETS) else "",
            words.get(pod["metadata"]["labels"]["controller-revision-hash"], "?"),
            is_ready(pod),
        ]
        for pod in await pods_of(scene, app)
    ]
    seen = {
        "generation": workload["metadata"]["generation"],
        "status": status,
        "revisions": [[entry["revision"], entry["data"], sorted(entry["metadata"]["labels"])] for entry in ordered],
        "pods": sorted(pods),
    }
    tidied: Json = scene.tidied(seen)
    return tidied


def rollback(deployment: Json, replica_set: Json) -> list[Json]:
    """Return the JSON patch that ``kubectl rollout undo`` sends."""
    template = copy.deepcopy(replica_set["spec"]["template"])
    template["metadata"]["labels"].pop("pod-template-hash", None)
    ours = deployment["metadata"].get("annotations") or {}
    theirs = replica_set["metadata"].get("annotations") or {}
    kept = {key: value for key, value in ours.items() if key.startswith(("deployment.kubernetes.io/", "kubectl."))}
    annotations = kept | {
        key: value for key, value in theirs.items() if not key.startswith("deployment.kubernetes.io/")
    }
    return [
        {"op": "replace", "path": "/spec/template", "value": template},
        {"op": "replace", "path": "/metadata/annotations", "value": annotations},
    ]


async def set_of_revision(scene: Scene, name: str, revision: int) -> Json:
    """Return the ReplicaSet that has a revision now, with names as they are."""
    sets = await scene.get(f"{APPS}/replicasets", labelSelector=f"app={name}")
    return next(item for item in sets["items"] if _revision(item) == revision)


def _revision(replica_set: Json) -> int:
    return int((replica_set["metadata"].get("annotations") or {}).get(REVISION, "0"))


def _status(status: Json) -> Json:
    conditions = [
        {name: entry[name] for name in ("type", "status", "reason", "message")}
        for entry in status.get("conditions") or ()
    ]
    return {**status, "conditions": conditions}


def _set(replica_set: Json) -> Json:
    return {
        "annotations": replica_set["metadata"].get("annotations"),
        "replicas": replica_set["spec"]["replicas"],
        "template": replica_set["spec"]["template"],
        "status": _status(replica_set["status"]),
    }


def _pod(pod: Json) -> list[str]:
    labels = pod["metadata"]["labels"]
    return [labels.get("pod-template-hash", ""), "ready" if is_ready(pod) else "not ready"]
