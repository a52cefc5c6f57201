"""The cluster that all scenarios share: three nodes, and ``rag-engine`` with eleven workloads, three weeks old.

Built without a fault; a scenario breaks something afterwards.
"""

from __future__ import annotations

import base64
from datetime import timedelta
from random import Random

from sandbox.cluster.store import Json
from sandbox.cluster.world import templates as make
from sandbox.cluster.world.behaviours import Behaviour, Crashes, Requires, Serves
from sandbox.cluster.world.world import World

NAMESPACE = "rag-engine"
REGISTRY = "registry.example.com"
API_IMAGE = f"{REGISTRY}/rag-engine"
AGE = timedelta(days=21)
_MEMORY, _ALLOCATABLE = "16384000Ki", "15872000Ki"
# Days before the present at which the API's revisions 1 to 7 were released.
API_RELEASES = (
    (21.0, "v0.6", "first release"),
    (18.2, "v0.7", "v0.7: hybrid search"),
    (14.1, "v0.8", "v0.8: rerank answers"),
    (10.3, "v0.9", "v0.9: streaming answers"),
    (8.0, "v1.0-rc1", "v1.0-rc1"),
    (5.2, "v1.0", "v1.0"),
    (3.0, "v1.1", "v1.1: cache embeddings"),
)
API_OPENING = (
    '{"level": "INFO", "logger": "rag.main", "msg": "starting rag-engine"}',
    '{"level": "INFO", "logger": "rag.pool", "msg": "connected to postgres:5432/rag_engine"}',
    '{"level": "INFO", "logger": "rag.main", "msg": "listening on 0.0.0.0:8080"}',
)
API_CRASH = (
    '{"level": "INFO", "logger": "rag.main", "msg": "starting rag-engine"}',
    "Traceback (most recent call last):",
    '  File "/app/rag/main.py", line 41, in <module>',
    "    settings = Settings.from_environment()",
    '  File "/app/rag/settings.py", line 27, in from_environment',
    '    database_url=environ["DATABASE_URL"],',
    '  File "<frozen os>", line 714, in __getitem__',
    "KeyError: 'DATABASE_URL'",
    "FATAL rag.main: DATABASE_URL is not set",
)
API_SERVES = Serves(voice="api", opening=API_OPENING, memory=310, cpu=105, start_delay=8.0, stop_seconds=2.0)
API_CRASHES = Crashes(voice="silent", closing=API_CRASH, after=1.3, memory=90, cpu=60)


def api(version: str, cause: str, *, database: bool = True, extra: tuple[Json, ...] = ()) -> Json:
    """Build the Deployment of the API at a version."""
    env = [make.env_secret("DATABASE_URL", "db", "url")] if database else []
    env += [
        make.env_value("QDRANT_URL", "http://qdrant:6333"),
        make.env_value("REDIS_URL", "redis://redis:6379/0"),
        make.env_value("LOG_LEVEL", "INFO"),
        *extra,
    ]
    container = make.container(
        "api",
        f"{API_IMAGE}:{version}",
        cpu="250m",
        memory="384Mi",
        memory_limit="768Mi",
        env=tuple(env),
        port=8080,
        readinessProbe=make.http_probe("/health", 8080, period=5, delay=5),
        livenessProbe=make.http_probe("/live", 8080, period=10, delay=20),
    )
    deployment = make.deployment(NAMESPACE, "rag-engine-api", container, replicas=3)
    deployment["metadata"]["annotations"] = {"kubernetes.io/change-cause": cause}
    deployment["spec"]["progressDeadlineSeconds"] = 300
    return deployment


def worker(version: str = "v1.1", *, memory_limit: str = "512Mi") -> Json:
    """Build the Deployment of the worker."""
    image = f"{REGISTRY}/rag-engine-worker:{version}"
    env = (make.env_secret("DATABASE_URL", "db", "url"), make.env_value("PREFETCH", "64"))
    container = make.container("worker", image, cpu="200m", memory="256Mi", memory_limit=memory_limit, env=env)
    return make.deployment(NAMESPACE, "rag-engine-worker", container)


def simple(
    name: str, *, replicas: int = 1, port: int = 8080, memory_limit: str = "512Mi", image: str = "", container: str = ""
) -> Json:
    """Build a Deployment with a readiness probe and nothing remarkable."""
    built = make.container(
        container or name.rpartition("-")[2],
        image or f"{REGISTRY}/{name}:v1.1",
        cpu="100m",
        memory="128Mi",
        memory_limit=memory_limit,
        port=port,
        readinessProbe=make.http_probe("/health", port, period=10, delay=2),
    )
    return make.deployment(NAMESPACE, name, built, replicas=replicas)


def build(world: World) -> None:
    """Create everything and play the three weeks up to an hour before the present."""
    world.clock.rewind(AGE + timedelta(minutes=10))
    _infrastructure(world)
    _system(world)
    _behaviours(world)
    _data_stores(world)
    world.advance(300)
    _workloads(world)
    for days, version, cause in API_RELEASES:
        world.advance_until(world.clock.start - timedelta(days=days))
        world.apply("deployments", api(version, cause))
    world.advance(120)
    _edge(world)
    scaler = make.autoscaler(NAMESPACE, "rag-engine-api-hpa", "rag-engine-api", least=3, most=6)
    world.apply("horizontalpodautoscalers", scaler)
    world.advance_until(world.clock.start - timedelta(hours=1))


def _infrastructure(world: World) -> None:
    random = Random(f"nodes {world.machinery.seed}")
    for number in range(3):
        name, now = f"node-{'abc'[number]}", world.clock.seconds
        node = make.node(name, number, cpu=4, memory=_MEMORY, allocatable=_ALLOCATABLE, random=random, now=now)
        world.apply("nodes", node)
    for name in ("default", "kube-system", NAMESPACE):
        world.apply("namespaces", make.plain("v1", "Namespace", name))
    storage: Json = make.plain("storage.k8s.io/v1", "StorageClass", "standard", provisioner="csi.example.com")
    storage |= {"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate", "allowVolumeExpansion": True}
    storage["metadata"]["annotations"] = {"storageclass.kubernetes.io/is-default-class": "true"}
    world.apply("storageclasses", storage)
    _secret(world, "db", {"url": "postgres://rag:made-up@postgres:5432/rag_engine", "password": "made-up"})
    _secret(world, "openai", {"api-key": "made-up-key"})
    settings = {"SEARCH_K": "10", "CACHE_TTL": "300", "USE_HNSW": "true"}
    config = {**make.plain("v1", "ConfigMap", "rag-engine-config", NAMESPACE), "data": settings}
    world.apply("configmaps", config)
    for namespace in ("default", "kube-system", NAMESPACE):
        world.apply("serviceaccounts", make.plain("v1", "ServiceAccount", "default", namespace))


def _secret(world: World, name: str, data: dict[str, str]) -> None:
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    secret = {**make.plain("v1", "Secret", name, NAMESPACE, type="Opaque"), "data": encoded}
    world.apply("secrets", secret)


def _system(world: World) -> None:
    dns = make.container(
        "coredns",
        f"{REGISTRY}/coredns:v1.12.1",
        cpu="100m",
        memory="70Mi",
        memory_limit="170Mi",
        port=53,
        readinessProbe=make.http_probe("/ready", 8181),
    )
    metrics = make.container(
        "metrics-server",
        f"{REGISTRY}/metrics-server:v0.8.0",
        cpu="100m",
        memory="200Mi",
        port=10250,
        readinessProbe=make.http_probe("/readyz", 10250, delay=20),
    )
    proxy = make.container("kube-proxy", f"{REGISTRY}/kube-proxy:v1.34.4", cpu="50m", memory="32Mi")
    world.apply("deployments", make.deployment("kube-system", "coredns", dns, replicas=2))
    world.apply("deployments", make.deployment("kube-system", "metrics-server", metrics))
    world.apply("daemonsets", make.daemon_set("kube-system", "kube-proxy", proxy))
    world.apply("services", make.service("kube-system", "kube-dns", 53, 53, app="coredns"))
    world.apply("services", make.service("kube-system", "metrics-server", 443, 10250))


def _behaviours(world: World) -> None:
    for _, version, _ in API_RELEASES:
        world.behave(f"{API_IMAGE}:{version}", needs_database(API_SERVES))
    ordinary: dict[str, Behaviour] = {
        "rag-engine-worker": Serves(voice="worker", memory=180, cpu=140, opening=("INFO rag.worker waiting for jobs",)),
        "rag-engine-ingest": Serves(voice="ingest", memory=150, cpu=40, start_delay=3),
        "rag-engine-web": Serves(voice="web", memory=90, cpu=15),
        "rag-engine-gateway": Serves(voice="web", memory=70, cpu=25),
        "rag-engine-embedder": Serves(voice="worker", memory=420, cpu=380, start_delay=12),
        "rag-engine-reranker": Serves(voice="worker", memory=380, cpu=260, start_delay=10),
        "rag-engine-scheduler": Serves(memory=60, cpu=3),
        "postgres": Serves(voice="postgres", memory=900, cpu=180, start_delay=4, stop_seconds=3),
        "redis": Serves(voice="redis", memory=120, cpu=20),
        "qdrant": Serves(voice="qdrant", memory=850, cpu=210, start_delay=5),
        "coredns": Serves(memory=22, cpu=4),
        "metrics-server": Serves(memory=45, cpu=6, start_delay=15),
    }
    for workload, behaviour in ordinary.items():
        world.behave(workload, behaviour)


def needs_database(serves: Behaviour, crash: Behaviour | None = None) -> Requires:
    """Return the behaviour of an API image: without its database it ends at once."""
    return Requires(variable="DATABASE_URL", present=serves, absent=crash or API_CRASHES)


def _data_stores(world: World) -> None:
    for name, replicas, port, memory, image in (
        ("postgres", 1, 5432, "2Gi", "postgres:16.6"),
        ("qdrant", 3, 6333, "2Gi", "qdrant:v1.13.2"),
    ):
        container = make.container(
            name,
            f"{REGISTRY}/{image}",
            cpu="250m",
            memory="1Gi",
            memory_limit=memory,
            port=port,
            readinessProbe=make.tcp_probe(port, period=10, delay=2),
            volumeMounts=[{"name": "data", "mountPath": "/data"}],
        )
        world.apply("statefulsets", make.stateful_set(NAMESPACE, name, container, replicas=replicas, storage="10Gi"))
        world.apply("services", make.service(NAMESPACE, name, port, port))
    redis = make.container(
        "redis", f"{REGISTRY}/redis:7.4", cpu="100m", memory="128Mi", memory_limit="256Mi", port=6379
    )
    world.apply("deployments", make.deployment(NAMESPACE, "redis", redis))
    world.apply("services", make.service(NAMESPACE, "redis", 6379, 6379))


def _edge(world: World) -> None:
    """Add what stands around the API: the way in, and the pods that must stay."""
    paths = [
        {"path": path, "pathType": "Prefix", "backend": {"service": {"name": service, "port": {"number": 80}}}}
        for path, service in (("/", "rag-engine-gateway"), ("/api", "rag-engine-api"))
    ]
    ingress = make.plain("networking.k8s.io/v1", "Ingress", "rag-engine-ingress", NAMESPACE)
    ingress["spec"] = {"ingressClassName": "nginx", "rules": [{"host": "rag.example.com", "http": {"paths": paths}}]}
    ingress["status"] = {"loadBalancer": {"ingress": [{"ip": "203.0.113.20"}]}}
    world.apply("ingresses", ingress)
    budget = make.plain("policy/v1", "PodDisruptionBudget", "rag-engine-api", NAMESPACE)
    budget["spec"] = {"minAvailable": 2, "selector": {"matchLabels": {"app": "rag-engine-api"}}}
    world.apply("poddisruptionbudgets", budget)


def _workloads(world: World) -> None:
    world.apply("deployments", worker())
    world.apply("deployments", simple("rag-engine-ingest", replicas=2))
    world.apply("deployments", simple("rag-engine-web", replicas=2))
    world.apply("deployments", simple("rag-engine-gateway", replicas=2))
    world.apply("deployments", simple("rag-engine-embedder", memory_limit="1Gi"))
    world.apply("deployments", simple("rag-engine-reranker", memory_limit="1Gi"))
    world.apply("deployments", simple("rag-engine-scheduler"))
    for name, port in (("rag-engine-api", 80), ("rag-engine-web", 80), ("rag-engine-gateway", 80)):
        world.apply("services", make.service(NAMESPACE, name, port, 8080))
    for name in ("rag-engine-ingest", "rag-engine-embedder", "rag-engine-reranker"):
        world.apply("services", make.service(NAMESPACE, name, 8080, 8080))
