"""Workloads on a real API server, made to be changed: with all that a server keeps in more than one way."""

from __future__ import annotations

import asyncio
from typing import Any

from bot.cluster import ClusterWrites
from bot.domain.live import Live, Reads, revision_template, template_digest, template_of
from bot.domain.steps.rollback import number_of
from bot.domain.targets import Scope
from bot.errors import WriteConflict
from tests.support.hands import IMAGE, Hands
from tests.support.steps import STAMP, MakeStep, restart, rollback, scale, set_image, set_memory
from tests.support.waiting import until

REVISIONS = frozenset({Reads.REVISIONS})
PATHS = {"Deployment": "deployments", "StatefulSet": "statefulsets", "DaemonSet": "daemonsets"}
CHANGES: list[tuple[str, MakeStep]] = [
    *((kind, plan) for kind in PATHS for plan in (restart, rollback, set_image, set_memory)),
    ("Deployment", scale),
    ("StatefulSet", scale),
]
SPEC: dict[str, Any] = {
    "Deployment": {"replicas": 1},
    "StatefulSet": {"replicas": 1, "serviceName": "app"},
    "DaemonSet": {},
}
# Nothing that a server keeps in more than one way is left out: what is empty, null, defaulted or a quantity.
POD: dict[str, Any] = {
    "terminationGracePeriodSeconds": 1,
    "securityContext": {},
    "nodeSelector": {},
    "tolerations": [],
    "volumes": [
        {"name": "scratch", "emptyDir": {}},
        {"name": "big", "emptyDir": {"sizeLimit": "1024Mi"}},
        {"name": "settings", "configMap": {"name": "settings", "optional": True}},
    ],
    "initContainers": [{"name": "first", "image": IMAGE, "command": ["/bin/true"], "resources": {}}],
    "containers": [
        {
            "name": "main",
            "image": IMAGE,
            "imagePullPolicy": "IfNotPresent",
            "command": ["/bin/sh", "-c", "trap exit TERM; sleep 3600 & wait"],
            "args": [],
            "env": [
                {"name": "PASSWORD", "value": "swordfish"},
                {"name": "EMPTY", "value": ""},
                {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
                {"name": "SET", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "x", "optional": True}}},
            ],
            "ports": [{"containerPort": 8080}],
            "resources": {},
            "securityContext": {"capabilities": {}},
            "readinessProbe": {"exec": {"command": ["/bin/true"]}, "periodSeconds": 1},
            "lifecycle": {"preStop": {"exec": {"command": ["/bin/true"]}}},
            "volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}, {"name": "big", "mountPath": "/big"}],
        }
    ],
}


async def make(hands: Hands, scope: Scope, kind: str, **spec: Any) -> None:
    """Make a workload called `app`, and release it once more: two revisions."""
    path = f"/apis/apps/v1/namespaces/{scope.namespace}/{PATHS[kind]}"
    template = {"metadata": {"labels": {"app": "app"}, "creationTimestamp": None, "annotations": {}}, "spec": POD}
    body = {
        "metadata": {"name": "app"},
        "spec": {"selector": {"matchLabels": {"app": "app"}}, "template": template, **SPEC[kind], **spec},
    }
    await hands.send("POST", path, body)

    async def revisions() -> list[dict[str, Any]]:
        what = "replicasets" if kind == "Deployment" else "controllerrevisions"
        found = (await hands.send("GET", f"/apis/apps/v1/namespaces/{scope.namespace}/{what}"))["items"]
        owners = [(each, each["metadata"]["ownerReferences"][0]) for each in found]
        return [each for each, owner in owners if (owner["kind"], owner["name"]) == (kind, "app")]

    await until(revisions, lambda found: len(found) == 1)
    env = [{"name": "RELEASE", "value": "2"}]
    change = {"spec": {"template": {"spec": {"containers": [{"name": "main", "env": env}]}}}}
    await hands.send("PATCH", f"{path}/app", change)
    await until(revisions, lambda found: len(found) == 2)


async def live(writes: ClusterWrites, scope: Scope, kind: str) -> Live:
    return await writes.live(scope, kind, "app", reads=REVISIONS)


async def settled(writes: ClusterWrites, scope: Scope, kind: str) -> Live:
    """Wait until the newest revision is that of the template, as every digest of a plan supposes."""

    def is_settled(seen: Live) -> bool:
        revisions = sorted(seen.revisions, key=number_of)
        *others, newest = (template_digest(revision_template(each)) for each in revisions)
        now = template_digest(template_of(seen.object))
        return newest == now and now not in others

    return await until(lambda: live(writes, scope, kind), is_settled, within_s=60)


async def at_rest(writes: ClusterWrites, scope: Scope) -> Live:
    """Wait until no controller has anything left to write to the Deployment, which has no pods."""
    before = await settled(writes, scope, "Deployment")
    while True:
        await asyncio.sleep(0.5)
        now = await live(writes, scope, "Deployment")
        if now.resource_version == before.resource_version:
            return now
        before = now


async def change(writes: ClusterWrites, scope: Scope, kind: str, plan: MakeStep, *, dry_run: bool = False) -> int:
    """Make it, and start over where a controller wrote the status in between; return the generation."""
    for _ in range(20):
        seen = await live(writes, scope, kind)
        (write,) = plan(kind, seen).writes(seen, STAMP)
        try:
            return (await writes.write(scope, write, dry_run=dry_run, timeout_s=10)).generation
        except WriteConflict:
            continue
    raise AssertionError("it never stood still")


async def running_pods(hands: Hands, scope: Scope, count: int) -> list[dict[str, Any]]:
    """Wait for so many pods that are ready."""

    def ready(pod: dict[str, Any]) -> bool:
        conditions = pod["status"].get("conditions") or ()
        return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)

    found = await until(
        lambda: hands.send("GET", f"/api/v1/namespaces/{scope.namespace}/pods"),
        lambda listed: len([pod for pod in listed["items"] if ready(pod)]) == count == len(listed["items"]),
        within_s=60,
    )
    return list(found["items"])
