"""Many faults at once, each of another kind."""

from __future__ import annotations

from datetime import timedelta

from sandbox.cluster.scenarios import bad_release, image_not_found, pending, probes, small_world
from sandbox.cluster.scenarios.scenario import Scenario
from sandbox.cluster.world import templates as make
from sandbox.cluster.world.behaviours import CannotStart, Crashes
from sandbox.cluster.world.world import World

_NS = small_world.NAMESPACE
_TOOLS = f"{small_world.REGISTRY}/rag-engine-tools:v1.1"
EVICTION = (
    "The node was low on resource: memory. Threshold quantity: 100Mi, available: 71448Ki. Container web was using"
    " 412Mi, request is 128Mi, has larger consumption of memory. "
)


def break_configuration(world: World) -> None:
    """Let a workload read a ConfigMap, and another mount a Secret, that do not exist."""
    exporter = make.container("exporter", _TOOLS, envFrom=[{"configMapRef": {"name": "exporter-config"}}])
    world.apply("deployments", make.deployment(_NS, "rag-engine-exporter", exporter))
    tls = make.container("tls", _TOOLS, volumeMounts=[{"name": "certificate", "mountPath": "/tls"}])
    volume = {"volumes": [{"name": "certificate", "secret": {"secretName": "rag-engine-tls"}}]}
    world.apply("deployments", make.deployment(_NS, "rag-engine-edge", tls, pod=volume))


def break_start(world: World) -> None:
    """Let an init container fail, a command be missing, and a Job give up."""
    words = ("migrating to 0042_chunks", 'FATAL: relation "chunks" does not exist')
    world.behave("rag-engine-admin/migrate", Crashes(voice="silent", exit_code=3, closing=words))
    migrate, admin = make.container("migrate", _TOOLS), make.container("admin", _TOOLS)
    world.apply("deployments", make.deployment(_NS, "rag-engine-admin", admin, pod={"initContainers": [migrate]}))
    world.behave("rag-engine-export", CannotStart(command="/app/export"))
    world.apply("deployments", make.deployment(_NS, "rag-engine-export", make.container("export", _TOOLS)))
    world.behave("rag-engine-backfill", Crashes(voice="silent", closing=("ERROR no such bucket: rag-documents-old",)))
    backfill = make.job(_NS, "rag-engine-backfill", make.container("backfill", _TOOLS), backoff_limit=1)
    world.apply("jobs", backfill)


def break_storage(world: World) -> None:
    """Claim a volume of a class that does not exist, and let a pod wait for it."""
    claim = make.plain("v1", "PersistentVolumeClaim", "archive-data", _NS)
    request = {"requests": {"storage": "50Gi"}}
    spec = {"accessModes": ["ReadWriteOnce"], "resources": request, "storageClassName": "fast"}
    world.apply("persistentvolumeclaims", {**claim, "spec": spec})
    volume = {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "archive-data"}}]}
    world.apply(
        "deployments", make.deployment(_NS, "rag-engine-archive", make.container("archive", _TOOLS), pod=volume)
    )


def evict_one(world: World, app: str) -> None:
    """Let a node end one pod of a workload for want of memory."""
    pods = [
        pod["metadata"]["name"]
        for pod in world.store.list("pods", _NS)
        if (pod["metadata"].get("labels") or {}).get("app") == app
    ]
    world.evict(_NS, pods[0], EVICTION)


def build(world: World) -> None:
    """Break one thing after the other within the last half hour."""
    small_world.build(world)
    start = world.clock.start
    world.advance_until(start - timedelta(minutes=28))
    break_storage(world)
    break_configuration(world)
    world.advance_until(start - bad_release.WORKER_SICK_FOR)
    world.behave("rag-engine-worker", bad_release.WORKER_OUT_OF_MEMORY)
    world.advance_until(start - timedelta(minutes=20))
    break_start(world)
    evict_one(world, "rag-engine-web")
    world.advance_until(start - timedelta(minutes=15))
    probes.break_liveness(world)
    pending.ask_too_much(world)
    world.advance_until(start - timedelta(minutes=10))
    image_not_found.release_missing_image(world)
    probes.break_readiness(world)
    world.advance_until(start - bad_release.RELEASED_BEFORE)
    bad_release.release_without_database(world)


SCENARIO = Scenario("everything", "a dozen faults at once, each of another kind", build)
