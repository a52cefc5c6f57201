"""A small cluster to be changed, a change of each kind to make on it, and what its API server saw written."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from aiohttp import web

from bot.domain.live import MARKER, VOID, Live, Reads, Target, metadata_of
from bot.domain.plans import Draft, PlanWords, Risk
from bot.domain.steps import AnyStep, ClearFailed, Evict, FailedPod
from bot.domain.steps.rollback import number_of
from bot.domain.targets import ClusterName, Namespace, ObjectRef, Scope
from sandbox.cluster.api.calls import Answer, BytesAnswer, JsonAnswer
from sandbox.cluster.api.calls import Target as Asked
from sandbox.cluster.server import ClusterServer
from sandbox.cluster.store import Json, ObjectStore
from sandbox.cluster.world import templates as make
from sandbox.cluster.world.behaviours import Crashes
from sandbox.cluster.world.clock import WorldClock
from sandbox.cluster.world.world import World
from tests.support import steps

NAMESPACE = "shop"
SCOPE = Scope(ClusterName("demo"), Namespace(NAMESPACE))
IMAGE = "registry.example.com/app"
_HISTORY = 200_000
_SETTLED_S = 120


def small_cluster(*, behind_s: float = 0.0) -> World:
    """Build a cluster with room for hundreds of small pods, whose clock is so far behind."""
    clock = WorldClock(datetime.now(UTC) - timedelta(seconds=behind_s))
    world = World(ObjectStore(clock.now, history=_HISTORY), clock)
    for number in range(3):
        node = make.node(
            f"node-{number}",
            number,
            cpu=64,
            memory="163840000Ki",
            allocatable="158720000Ki",
            random=Random(number),
            now=clock.seconds,
        )
        world.apply("nodes", node)
    for name in ("default", NAMESPACE):
        world.apply("namespaces", make.plain("v1", "Namespace", name))
        world.apply("serviceaccounts", make.plain("v1", "ServiceAccount", "default", name))
    return world


def container(tag: str) -> Json:
    """Build the one container of every workload here."""
    return make.container("app", f"{IMAGE}:{tag}", cpu="10m", memory="16Mi", memory_limit="256Mi")


def deploy(world: World, name: str, *tags: str, replicas: int = 2, **spec: Any) -> None:
    """Release the tags one after the other, and let all pods become ready."""
    for tag in tags or ("v1",):
        deployment = make.deployment(NAMESPACE, name, container(tag), replicas=replicas)
        deployment["spec"] |= spec
        world.apply("deployments", deployment)
        world.advance(_SETTLED_S)


def edit(world: World, resource: str, name: str, change: Callable[[Json], object]) -> None:
    """Change an object by hand, past everybody."""
    found = world.store.get(resource, NAMESPACE, name)
    assert found is not None
    edited = copy.deepcopy(found)
    change(edited)
    world.store.update(resource, edited)


def touch(world: World, name: str) -> None:
    """Let a controller report something: the version of the object moves, and nothing else of it."""

    def report(deployment: Json) -> None:
        number = deployment["status"].get("collisionCount", 0)
        deployment["status"]["collisionCount"] = number + 1

    edit(world, "deployments", name, report)


def release(world: World, name: str, tag: str) -> None:
    """Release another image by hand."""
    edit(
        world,
        "deployments",
        name,
        lambda of: of["spec"]["template"]["spec"]["containers"][0].update(image=f"{IMAGE}:{tag}"),
    )


def undo(world: World, name: str) -> None:
    """Do what `kubectl rollout undo` does: the template and the annotations of the revision before."""
    deployment = world.store.get("deployments", NAMESPACE, name)
    revisions = sorted(live_in(world, "Deployment", name).revisions, key=number_of)
    before = copy.deepcopy(dict(revisions[-2]))
    template = before["spec"]["template"]
    template["metadata"]["labels"].pop("pod-template-hash", None)
    assert deployment is not None
    own = {key: each for key, each in deployment["metadata"]["annotations"].items() if key.startswith("deployment.")}

    def put_back(of: Json) -> None:
        of["spec"]["template"] = template
        of["metadata"]["annotations"] = {
            **{k: v for k, v in before["metadata"]["annotations"].items() if not k.startswith("deployment.")},
            **own,
        }

    edit(world, "deployments", name, put_back)


def live_in(world: World, kind: str, name: str, reads: frozenset[Reads] = frozenset(Reads)) -> Live:
    """Return an object as the API server would tell it."""
    store = world.store
    plurals = {"HorizontalPodAutoscaler": "horizontalpodautoscalers", "Namespace": "namespaces"}
    plural = plurals.get(kind, f"{kind.lower()}s")
    of = store.get(plural, "" if kind == "Namespace" else NAMESPACE, name)
    uid = metadata_of(of).get("uid")
    revisions = tuple(
        each
        for resource in ("replicasets", "controllerrevisions")
        for each in store.list(resource, NAMESPACE)
        if any(owner.get("uid") == uid for owner in each["metadata"].get("ownerReferences") or ())
    )
    failed = tuple(pod for pod in store.list("pods", NAMESPACE) if pod["status"].get("phase") == "Failed")
    return Live(
        read_at=datetime.now(UTC),
        object=of,
        revisions=revisions if Reads.REVISIONS in reads else (),
        pods=failed if Reads.FAILED_PODS in reads else (),
    )


def draft_of(  # what differs by verb
    verb: str, kind: str, name: str, step: AnyStep, *, uid: str, watch: ObjectRef | None = None, lasts_s: int = 600
) -> Draft:
    """Return a plan of a change."""
    return Draft(
        verb=verb,
        target=Target(scope=SCOPE, kind=kind, name=name, uid=uid),
        step=step,
        risk=Risk.MEDIUM,
        words=PlanWords(title=f"{verb.capitalize()} {name}", done=f"{name}: {verb} is done"),
        watch=watch,
        inverse=f"status {name}",
        lasts_s=lasts_s,
    )


# --- a change of each kind --------------------------------------------------------------------------------------------


def _on_deployment(verb: str, plan: steps.MakeStep, *tags: str) -> Callable[[World, str], Draft]:
    def prepare(world: World, name: str) -> Draft:
        deploy(world, name, *tags)
        live = live_in(world, "Deployment", name)
        watch = ObjectRef("Deployment", NAMESPACE, name)
        return draft_of(verb, "Deployment", name, plan("Deployment", live), uid=live.uid, watch=watch)

    return prepare


def _evict(world: World, name: str) -> Draft:
    deploy(world, name)
    pod = next(each for each in world.store.list("pods", NAMESPACE) if each["metadata"]["labels"]["app"] == name)
    owner = pod["metadata"]["ownerReferences"][0]
    return draft_of(
        "evict",
        "Pod",
        pod["metadata"]["name"],
        Evict(owner=f"{owner['kind']}/{owner['name']}"),
        uid=pod["metadata"]["uid"],
        watch=ObjectRef("Deployment", NAMESPACE, name),
    )


def _clear_failed(world: World, name: str) -> Draft:
    world.behave(name, Crashes(voice="silent", after=1.0))
    world.apply("jobs", make.job(NAMESPACE, name, container("v1"), backoff_limit=1))
    world.advance(_SETTLED_S)
    failed = [
        FailedPod(pod["metadata"]["name"], pod["metadata"]["uid"])
        for pod in live_in(world, "Namespace", NAMESPACE).pods
        if pod["metadata"]["labels"].get("app") == name
    ]
    assert len(failed) == 2
    return draft_of("clear failed", "Namespace", NAMESPACE, ClearFailed(pods=tuple(failed)), uid="")


def _bounds(world: World, name: str) -> Draft:
    deploy(world, name)
    world.apply("horizontalpodautoscalers", make.autoscaler(NAMESPACE, name, name, least=2, most=4))
    world.advance(_SETTLED_S)
    live = live_in(world, "HorizontalPodAutoscaler", name)
    step = steps.set_bounds("HorizontalPodAutoscaler", live)
    watch = ObjectRef("Deployment", NAMESPACE, name)
    return draft_of("scale", "HorizontalPodAutoscaler", name, step, uid=live.uid, watch=watch)


VERBS: Mapping[str, Callable[[World, str], Draft]] = {
    "scale": _on_deployment("scale", steps.scale),
    "restart": _on_deployment("restart", steps.restart),
    "rollback": _on_deployment("rollback", steps.rollback, "v1", "v2"),
    "set-image": _on_deployment("set image", steps.set_image),
    "set-memory": _on_deployment("set memory", steps.set_memory),
    "evict": _evict,
    "clear-failed": _clear_failed,
    "bounds": _bounds,
}


# --- what the API server saw ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Effect:
    """One write that changed something: by `PATCH deployments/api`. `mark` is the request's id in it, if any."""

    what: str
    mark: str = ""
    void: bool = False


@dataclass(slots=True)
class Seen:
    """The writes that changed something, and how many were asked for in all; dry runs are none."""

    effects: list[Effect] = field(default_factory=list)
    asked: int = 0

    def of(self, *names: str) -> list[str]:
        """Return the effects on objects of these names, void marks left out."""
        return [each.what for each in self.effects if each.what.rpartition("/")[2] in names and not each.void]


class WatchedServer(ClusterServer):
    """The API server of the small cluster, which notes each write that changes something, whoever sends it."""

    def __init__(self, world: World, **more: Any) -> None:
        super().__init__(world.store, world, world, **more)
        self.seen = Seen()
        self._objects = world.store

    async def _answer(self, request: web.BaseRequest, target: Asked) -> Answer:
        before = self._objects.resource_version
        answer = await super()._answer(request, target)
        if request.method == "GET" or isinstance(answer, BytesAnswer) or "dryRun" in request.query:
            return answer
        body = await request.json() if request.can_read_body or request.body_exists else None
        if isinstance(body, dict) and (body.get("dryRun") or (body.get("deleteOptions") or {}).get("dryRun")):
            return answer
        self.seen.asked += 1
        # Whoever acts on it does so when the world's time moves next: what has changed by now is this write's.
        if isinstance(answer, JsonAnswer) and answer.status < 300 and self._objects.resource_version > before:
            self.seen.effects.append(_effect(request.method, target, body))
        return answer


def _effect(method: str, target: Asked, body: Any) -> Effect:
    annotations = _annotations(body)
    paths = {each["path"] for each in body} if isinstance(body, list) else set()
    void = paths == {"/metadata/resourceVersion", "/metadata/annotations"} and VOID in annotations
    return Effect(f"{method} {target.full_resource}/{target.name}", annotations.get(MARKER, ""), void)


def _annotations(body: Any) -> Mapping[str, str]:
    changes = body if isinstance(body, list) else ()
    return next((each["value"] for each in changes if each["path"] == "/metadata/annotations"), {})
