"""Writes to both sides: steps sent one after the other, and their answers with words for what is never equal."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.cluster.store import Json
from tests.contract.case import APPS, Case
from tests.contract.rules import EXACT
from tests.contract.sides import ADMIN, Side

JSON_PATCH = "application/json-patch+json"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
DEPLOYMENTS = f"{APPS}/deployments"
_CONTROLLERS = {"kube-controller-manager", "kubelet", "kube-scheduler"}
_HASHES = re.compile(r'(?:"pod-template-hash": "|[Rr]eplica ?[Ss]et (?:\\")?[a-z0-9-]+-)([a-z0-9]{5,10})\b')
_UID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
_VERSION = re.compile(r'"resourceVersion": "(\d{2,})"')
_RECORD = re.compile(r"in record \(\d+\)")
_EXPECTED = re.compile(r"(resource version to be \d+, was) \d+")
_QUOTED = re.compile(r'Invalid value: "\{.*\}": ')


@dataclass(frozen=True, slots=True)
class Step:
    """One request."""

    method: str
    path: str
    body: Any = None
    media: str = ""
    query: Json = field(default_factory=dict)
    user: str = ADMIN


def post(path: str, body: Any, **query: str) -> Step:
    return Step("POST", path, body, query=query)


def put(path: str, body: Any, **query: str) -> Step:
    return Step("PUT", path, body, query=query)


def patch(path: str, media: str, body: Any, **query: str) -> Step:
    return Step("PATCH", path, body, media, query)


def delete(path: str, body: Any = None, **query: str) -> Step:
    return Step("DELETE", path, body, query=query)


def get(path: str, **query: str) -> Step:
    return Step("GET", path, query=query)


class Scene:
    """One case's writes to one side."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self._versions: dict[str, str] = {}
        self._hashes: dict[str, str] = {}

    async def send(self, step: Step) -> Json:
        """Send a request and return its answer, tidied."""
        answer = await self.raw(step)
        return self.tidied(answer)

    async def raw(self, step: Step) -> Json:
        """Send a request and return its answer as it is."""
        answer = await self.side.ask(
            step.path, step.query, method=step.method, body=step.body, media=step.media, user=step.user
        )
        seen = answer.as_json()
        return {**seen, "warnings": sorted(answer.warnings)} if answer.warnings else seen

    async def get(self, path: str, **query: str) -> Json:
        """Return a body as it is."""
        body: Json = (await self.side.ask(path, query)).body
        return body

    async def until(self, path: str, fits: Callable[[Any], object], *, within_s: float = 60, **query: str) -> Json:
        """Let time pass until an object fits."""
        if self.side.name == "simulated":
            within_s = min(within_s, 10.0)  # of a time that passes much faster
        return await self.side.until(path, fits, query, within_s=within_s)

    async def settled(self, path: str) -> Json:
        """Let time pass until a Deployment's rollout is done and seen."""
        return await self.until(path, is_settled)

    async def gone(self, path: str) -> None:
        """Let time pass until an object is no more."""
        await self.until(path, lambda body: body.get("code") == 404)

    def tidied(self, value: Any) -> Any:
        """Put words in place of what differs between two clusters; equal things get equal words within a case."""
        return json.loads(self._worded(json.dumps(_cut(value))))

    def _worded(self, text: str) -> str:
        for found in _HASHES.findall(text):
            self._hashes.setdefault(found, f"HASH{len(self._hashes) + 1}")
        for found, word in self._hashes.items():
            text = re.sub(rf"\b{found}\b", word, text)
        text = re.sub(r"(HASH\d+)-[a-z0-9]{5}\b", r"\1-POD", text)
        text = _EXPECTED.sub(r"\1 VERSION", text)
        text = _RECORD.sub("in record (VERSION)", _TIME.sub("TIME", _UID.sub("UID", text)))
        return _VERSION.sub(lambda found: f'"resourceVersion": "{self._version(found[1])}"', text)

    def _version(self, number: str) -> str:
        return self._versions.setdefault(number, f"V{len(self._versions) + 1}")


def is_settled(deployment: Json) -> bool:
    """Tell whether a Deployment's controller has nothing left to do."""
    status = deployment.get("status") or {}
    reasons = {entry["type"]: entry["reason"] for entry in status.get("conditions") or ()}
    seen = status.get("observedGeneration") == deployment.get("metadata", {}).get("generation")
    wanted = deployment.get("spec", {}).get("replicas")
    numbers = ("availableReplicas", "replicas", "updatedReplicas")
    whole = all(status.get(name, 0) == wanted for name in numbers)
    done = reasons.get("Progressing") in {"NewReplicaSetAvailable", "DeploymentPaused"}
    return bool(seen and done and (whole or "paused" in deployment["spec"]))


def _cut(value: Any) -> Any:
    """Leave out who of the controllers wrote what, and sort what has no order."""
    if isinstance(value, list):
        return [_cut(entry) for entry in value]
    if isinstance(value, str):
        return _QUOTED.sub("Invalid value: OBJECT: ", value)
    if not isinstance(value, dict):
        return value
    cut = {key: _cut(entry) for key, entry in value.items()}
    cut.pop("collisionCount", None)  # whether names of the case before were still taken
    if "managedFields" in cut:
        kept = [entry for entry in cut.pop("managedFields") if entry["manager"] not in _CONTROLLERS]
        if kept:
            cut["managedFields"] = sorted(kept, key=json.dumps)
    if isinstance(cut.get("conditions"), list):
        cut["conditions"] = sorted(cut["conditions"], key=lambda entry: str(entry["type"]))
    return cut


def told(name: str, tell: Callable[[Scene], Awaitable[Any]]) -> Case:
    """Return a case that is a small story."""

    async def ask(side: Side) -> Any:
        try:
            return await tell(Scene(side))
        except BaseException:
            await _clear(side)  # the next story begins with nothing, too
            raise

    return Case(name, ask, EXACT)


async def _clear(side: Side) -> None:
    for resource in ("deployments", "statefulsets", "daemonsets"):
        await side.ask(f"{APPS}/{resource}", method="DELETE", body={"propagationPolicy": "Background"})


def refused(name: str, *steps: Step) -> Case:
    """Return a case of requests that change nothing."""

    async def tell(scene: Scene) -> list[Json]:
        return [await scene.send(step) for step in steps]

    return told(name, tell)


def at_rest(name: str, *steps: Step, deployment: Json | None = None) -> Case:
    """Return a case of requests about a Deployment ``d`` of no pods that is at rest when it is asked."""

    async def tell(scene: Scene) -> list[Json]:
        made = deployment or small_deployment("d", scene.side.image)
        created = await scene.raw(post(DEPLOYMENTS, made))
        assert created["status"] == 201, created
        path = f"{DEPLOYMENTS}/d"
        await scene.settled(path)
        answers = [await scene.send(step) for step in steps]
        await scene.raw(delete(path))
        await scene.gone(path)
        return answers

    return told(name, tell)


def small_deployment(name: str, image: str = "example.com/app:1", replicas: int = 0, **spec: Any) -> Json:
    """Return a Deployment; without replicas it settles at once and rests."""
    container = {
        "name": "main",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["/bin/sh", "-c", "exec sleep 100000"],
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}},
    }
    pod = {"containers": [container], "terminationGracePeriodSeconds": 1}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": pod},
            **spec,
        },
    }
