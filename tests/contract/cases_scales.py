"""The scale of a workload, and deleting."""

from __future__ import annotations

from typing import Any

from sandbox.cluster.store import Json
from tests.contract.case import APPS, NS, Case
from tests.contract.writing import (
    DEPLOYMENTS,
    JSON_PATCH,
    MERGE,
    STRATEGIC,
    Scene,
    Step,
    at_rest,
    delete,
    get,
    patch,
    post,
    put,
    small_deployment,
    told,
)

_PATH = f"{DEPLOYMENTS}/d"
_SCALE = f"{_PATH}/scale"
_NOBODY = f"{DEPLOYMENTS}/nobody/scale"


def _scale(replicas: int | None, **metadata: Any) -> Json:
    spec = {} if replicas is None else {"spec": {"replicas": replicas}}
    return {"metadata": {"name": "d", **metadata}, **spec}


_SCALES = (
    at_rest(
        "scale-read-and-dry",
        get(_SCALE),
        patch(_SCALE, MERGE, {"spec": {"replicas": 2}}, dryRun="All"),
        patch(_SCALE, MERGE, {"spec": {"replicas": None}}, dryRun="All"),
        patch(_SCALE, MERGE, {"spec": {"replica": 2}}, dryRun="All"),
        patch(_SCALE, STRATEGIC, {"spec": {"replicas": 2}}, dryRun="All"),
        patch(_SCALE, JSON_PATCH, [{"op": "add", "path": "/spec/replicas", "value": 2}], dryRun="All"),
        patch(_SCALE, MERGE, {}),
        put(_SCALE, _scale(2), dryRun="All"),
        put(_SCALE, _scale(None), dryRun="All"),
        get(_SCALE),
    ),
    at_rest(
        "scale-refused",
        patch(_SCALE, MERGE, {"spec": {"replicas": -1}}),
        patch(_SCALE, MERGE, {"spec": {"replicas": "x"}}),
        patch(_SCALE, MERGE, {"spec": {"replica": 2}}, fieldValidation="Strict"),
        patch(_SCALE, MERGE, {"metadata": {"resourceVersion": "1"}, "spec": {"replicas": 2}}),
        patch(_SCALE, MERGE, {"metadata": {"uid": "nope"}, "spec": {"replicas": 2}}),
        patch(_SCALE, MERGE, {"metadata": {"name": "nope"}, "spec": {"replicas": 2}}),
        put(_SCALE, _scale(2, resourceVersion="5")),
        put(_SCALE, _scale(2, uid="x")),
        put(_SCALE, _scale(-2)),
        put(_SCALE, {"spec": {"replicas": 2}}),
        put(_NOBODY, {"metadata": {"name": "nobody"}, "spec": {"replicas": 2}}),
        patch(_NOBODY, MERGE, {"spec": {"replicas": 2}}),
        get(_NOBODY),
        delete(_SCALE),
        Step("POST", _SCALE, {}),
        get(_SCALE),
    ),
)


async def _scaled_for_real(scene: Scene) -> list[Json]:
    """Scale a paused Deployment of nothing, so that no pod comes of it."""
    await scene.raw(post(DEPLOYMENTS, small_deployment("d", paused=True)))
    await scene.settled(_PATH)
    read = await scene.get(_SCALE)
    version = read["metadata"]["resourceVersion"]
    answers = [await scene.send(put(_SCALE, _scale(2, resourceVersion=version), fieldManager="somebody"))]
    answers.append(await scene.send(put(_SCALE, _scale(3, resourceVersion=version))))
    await scene.settled(_PATH)
    answers.append(await scene.send(patch(_SCALE, MERGE, {"spec": {"replicas": 3}}, fieldManager="another")))
    await scene.settled(_PATH)
    answers.append(await scene.send(get(_PATH)))
    await scene.raw(delete(_PATH))
    await scene.gone(_PATH)
    return answers


async def _stateful_scale(scene: Scene) -> list[Json]:
    path = f"{APPS}/statefulsets/s"
    await scene.raw(post(f"{APPS}/statefulsets", {"metadata": {"name": "s"}, "spec": small_deployment("s")["spec"]}))
    await scene.until(path, lambda found: found.get("status", {}).get("observedGeneration") == 1)
    answers = [
        await scene.send(step)
        for step in (
            get(f"{path}/scale"),
            patch(f"{path}/scale", MERGE, {"spec": {"replicas": 2}}, dryRun="All"),
            patch(f"{path}/scale", MERGE, {"spec": {"replicas": -1}}),
        )
    ]
    await scene.raw(delete(path))
    await scene.gone(path)
    return answers


_DELETES = (
    at_rest(
        "delete-refused",
        delete(_PATH, {"preconditions": {"uid": "nope"}}),
        delete(_PATH, {"preconditions": {"resourceVersion": "1"}}),
        delete(_PATH, {"preconditions": {"uid": "nope", "resourceVersion": "1"}}),
        delete(_PATH, {"propagationPolicy": "Foo"}),
        delete(_PATH, {"dryRun": ["Foo"]}),
        delete(_PATH, {"orphanDependents": True, "propagationPolicy": "Foreground"}),
        delete(_PATH, {"kind": "Foo"}),
        delete(_PATH, None, propagationPolicy="Foo"),
        delete(f"{DEPLOYMENTS}/nobody"),
        delete(f"{DEPLOYMENTS}/nobody", {"preconditions": {"uid": "x"}}),
        get(_PATH),
    ),
    at_rest(
        "delete-dry",
        delete(_PATH, {"dryRun": ["All"]}),
        delete(_PATH, None, dryRun="All"),
        delete(_PATH, {"kind": "DeleteOptions", "apiVersion": "v1", "dryRun": ["All"]}),
        delete(_PATH, {"dryRun": ["All"], "propagationPolicy": "Background"}),
        get(_PATH),
    ),
    at_rest("delete-with-a-body-ignores-the-query", delete(_PATH, {}, dryRun="All"), delete(_PATH)),
    at_rest("delete", delete(_PATH, {"propagationPolicy": "Background"}), get(_PATH)),
)


def _kept(name: str) -> Json:
    """Return a ConfigMap that somebody must let go."""
    return {"metadata": {"name": name, "finalizers": ["example.com/hold", "example.com/other"]}, "data": {"a": "1"}}


async def _finalizers(scene: Scene) -> list[Json]:
    path = f"{NS}/configmaps/kept"
    steps = (
        post(f"{NS}/configmaps", _kept("kept")),
        delete(path, {"dryRun": ["All"]}),
        delete(path),
        delete(path),
        get(path),
        post(f"{NS}/configmaps", _kept("kept")),
        patch(path, MERGE, {"metadata": {"finalizers": ["example.com/hold", "example.com/new"]}}),
        patch(path, MERGE, {"metadata": {"finalizers": ["example.com/hold"]}, "data": {"a": "2"}}),
        patch(path, MERGE, {"metadata": {"finalizers": None}}),
        get(path),
    )
    return [await scene.send(step) for step in steps]


async def _kinds(scene: Scene) -> list[Json]:
    """Delete one of each kind: some answer with the object, most with a Status."""
    answers = []
    for path, body in (
        (f"{NS}/configmaps", {"metadata": {"name": "x"}}),
        (f"{NS}/secrets", {"metadata": {"name": "x"}}),
        (f"{NS}/serviceaccounts", {"metadata": {"name": "x"}}),
        (f"{NS}/limitranges", {"metadata": {"name": "x"}, "spec": {"limits": []}}),
    ):
        await scene.raw(post(path, body))
        answers.append(await scene.send(delete(f"{path}/x")))
        answers.append(await scene.send(get(f"{path}/x")))
    return answers


async def _collection(scene: Scene) -> list[Json]:
    """Delete what a selector picks."""
    path = f"{NS}/configmaps"
    for number in range(3):
        await scene.raw(post(path, {"metadata": {"name": f"c{number}", "labels": {"set": str(number > 0)}}}))
    deleted = await scene.raw(delete(path, None, labelSelector="set=True"))
    deleted["body"]["metadata"].pop("resourceVersion")
    answers = [scene.tidied(deleted)]
    answers += [await scene.send(get(f"{path}/c{number}")) for number in range(3)]
    await scene.raw(delete(f"{path}/c0"))
    return answers


async def _foreground(scene: Scene) -> list[Json]:
    """Delete a Deployment after its ReplicaSet: it stays until that is gone."""
    await scene.raw(post(DEPLOYMENTS, small_deployment("d", scene.side.image)))
    await scene.settled(_PATH)
    answers = [await scene.send(delete(_PATH, {"propagationPolicy": "Foreground"}))]
    await scene.gone(_PATH)
    left = await scene.get(f"{APPS}/replicasets", labelSelector="app=d")
    return [*answers, {"left": len(left["items"])}]


async def _orphaned(scene: Scene) -> Json:
    """Delete a Deployment and leave its ReplicaSet, which nobody owns then."""
    await scene.raw(post(DEPLOYMENTS, small_deployment("d", scene.side.image)))
    await scene.settled(_PATH)
    await scene.raw(delete(_PATH, {"propagationPolicy": "Orphan"}))
    await scene.gone(_PATH)
    found = await scene.get(f"{APPS}/replicasets", labelSelector="app=d")
    seen = [{"owned": "ownerReferences" in item["metadata"]} for item in found["items"]]
    for item in found["items"]:
        await scene.raw(delete(f"{APPS}/replicasets/{item['metadata']['name']}"))
    return {"left": seen}


async def _background(scene: Scene) -> Json:
    """Delete a Deployment: its ReplicaSet goes after it."""
    await scene.raw(post(DEPLOYMENTS, small_deployment("d", scene.side.image)))
    await scene.settled(_PATH)
    await scene.raw(delete(_PATH))
    sets = f"{APPS}/replicasets"
    left = await scene.until(sets, lambda body: not body["items"], labelSelector="app=d")
    return {"left": len(left["items"])}


SCALE_CASES: tuple[Case, ...] = (
    *_SCALES,
    told("scale-for-real", _scaled_for_real),
    told("scale-of-a-stateful-set", _stateful_scale),
    *_DELETES,
    told("delete-with-finalizers", _finalizers),
    told("delete-kinds", _kinds),
    told("delete-a-collection", _collection),
    told("delete-in-the-foreground", _foreground),
    told("delete-and-orphan", _orphaned),
    told("delete-in-the-background", _background),
)
