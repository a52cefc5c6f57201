"""Thirty things that are wrong, each in its own way, beside a crowd of healthy pods."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.cluster.scenarios import small_world
from sandbox.cluster.store import Json
from sandbox.cluster.world import templates as make
from sandbox.cluster.world.behaviours import (
    TIMEOUT,
    Answer,
    Behaviour,
    CannotStart,
    Crashes,
    FailsProbe,
    OutOfMemory,
    PullFails,
)
from sandbox.cluster.world.world import World

_NS = small_world.NAMESPACE
_REPLICAS = 2
_SICK_FOR = 1500.0  # seconds

# Containers that start and then fail, by the name of their workload.
_BEHAVIOURS: Mapping[str, Behaviour] = {
    "no-database": Crashes(voice="silent", closing=("ERROR could not connect to postgres:5432: connection refused",)),
    "no-variable": Crashes(voice="silent", closing=("KeyError: 'OPENAI_API_KEY'",)),
    "no-module": Crashes(voice="silent", closing=("ModuleNotFoundError: No module named 'rag'",)),
    "no-permission": Crashes(voice="silent", closing=("PermissionError: [Errno 13] Permission denied: '/data'",)),
    "no-space": Crashes(voice="silent", closing=("OSError: [Errno 28] No space left on device",)),
    "port-in-use": Crashes(voice="silent", closing=("OSError: [Errno 98] Address already in use",)),
    "no-name": Crashes(voice="silent", closing=("socket.gaierror: [Errno -2] Name or service not known: qdrant",)),
    "wrong-option": Crashes(voice="silent", exit_code=2, closing=("error: unrecognized arguments: --prefetch",)),
    "not-executable": Crashes(voice="silent", exit_code=126, closing=("/app/run.sh: Permission denied",)),
    "segmentation": Crashes(voice="silent", exit_code=139, closing=("Segmentation fault",)),
    "quiet": Crashes(voice="silent", exit_code=3, after=0.2),
    "done-too-soon": Crashes(voice="silent", exit_code=0),
    "memory": OutOfMemory(start=200, slope=8, ceiling=1400),
    "no-command": CannotStart(command="/app/export"),
    "no-image": PullFails(failure="not_found"),
    "no-pull-secret": PullFails(failure="unauthorized"),
    "too-many-pulls": PullFails(failure="rate_limit"),
    "no-registry": PullFails(failure="dns"),
    "unready": FailsProbe(probe="readiness", result=Answer(status=503)),
    "dead": FailsProbe(probe="liveness", result=TIMEOUT, healthy_for=30),
}


def break_thirty(world: World) -> None:
    """Break everything now and let some time pass; what was running before is not touched."""
    for name, behaviour in _BEHAVIOURS.items():
        world.behave(name, behaviour)
        _run(world, name, _container(name))
    _break_settings(world)
    _break_placement(world)
    _break_network(world)
    _break_work(world)
    world.advance(_SICK_FOR)


def _container(name: str, **more: Json | list[Json]) -> Json:
    image = f"{small_world.REGISTRY}/{name}:v1"
    built: Json = make.container(name, image, port=8080, memory_limit="512Mi")
    probes = {"readinessProbe": make.http_probe("/ready", 8080), "livenessProbe": make.http_probe("/live", 8080)}
    return {**built, **probes, **more}


def _run(world: World, name: str, container: Json, **pod: Json | list[Json]) -> None:
    world.apply("deployments", make.deployment(_NS, name, container, replicas=_REPLICAS, pod=pod))
    world.apply("services", make.service(_NS, name, 80, 8080))


def _break_settings(world: World) -> None:
    """Refer to a ConfigMap and to a Secret that do not exist."""
    _run(world, "no-settings", _container("no-settings", envFrom=[{"configMapRef": {"name": "absent"}}]))
    mounted = _container("no-certificate", volumeMounts=[{"name": "certificate", "mountPath": "/tls"}])
    _run(world, "no-certificate", mounted, volumes=[{"name": "certificate", "secret": {"secretName": "absent-tls"}}])


def _break_placement(world: World) -> None:
    """Ask for more than there is, for a node that there is not, and for a volume that nobody makes."""
    for name, what, amount in (("too-much-memory", "memory", "900Gi"), ("too-much-cpu", "cpu", "200")):
        container = _container(name)
        container["resources"] = {"requests": {what: amount}}
        _run(world, name, container)
    _run(world, "no-node", _container("no-node"), nodeSelector={"accelerator": "none"})
    claim = make.plain("v1", "PersistentVolumeClaim", "archive-data", _NS)
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "50Gi"}},
        "storageClassName": "absent",
    }
    world.apply("persistentvolumeclaims", {**claim, "spec": spec})
    mounted = _container("no-volume", volumeMounts=[{"name": "data", "mountPath": "/data"}])
    _run(
        world, "no-volume", mounted, volumes=[{"name": "data", "persistentVolumeClaim": {"claimName": "archive-data"}}]
    )


def _break_network(world: World) -> None:
    """Lead services and an ingress nowhere."""
    world.apply("services", make.service(_NS, "selects-nothing", 80, 8080, app="absent"))
    path = {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "absent", "port": {"number": 80}}}}
    ingress = make.plain("networking.k8s.io/v1", "Ingress", "leads-nowhere", _NS)
    ingress["spec"] = {"ingressClassName": "nginx", "rules": [{"host": "rag.example.com", "http": {"paths": [path]}}]}
    ingress["status"] = {"loadBalancer": {"ingress": [{"ip": "203.0.113.20"}]}}
    world.apply("ingresses", ingress)


def _break_work(world: World) -> None:
    """Let a job give up, an init container fail, and an autoscaler scale what does not exist."""
    failing = Crashes(voice="silent", closing=("ERROR no such bucket: documents-old",))
    world.behave("gives-up", failing)
    world.apply("jobs", make.job(_NS, "gives-up", _container("gives-up"), backoff_limit=1))
    world.behave("no-migration/migrate", Crashes(voice="silent", exit_code=3, closing=("FATAL: no relation chunks",)))
    migrate = make.container("migrate", f"{small_world.REGISTRY}/no-migration:v1")
    _run(world, "no-migration", _container("no-migration"), initContainers=[migrate])
    world.apply("horizontalpodautoscalers", make.autoscaler(_NS, "scales-nothing", "absent", least=1, most=3))
