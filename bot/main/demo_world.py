"""What stands around the bot in the demo: a workspace, a cluster, services to ask, and a `ragops.toml` for all of it.

With `bot.main.demo` and `bot.main.gesturing` the only module of the bot that knows the sandbox.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.cli.arguments import Demo
from bot.configuration import Configuration, load_configuration
from bot.domain.targets import ObjectRef
from bot.errors import UsageError
from sandbox.cluster.scenarios import UnknownScenario, load
from sandbox.cluster.server import ClusterServer
from sandbox.cluster.world.world import World as ClusterWorld
from sandbox.slack.server import SlackServer
from sandbox.slack.world import demo_workspace
from sandbox.targets import Targets, open_targets

NAMESPACE = "rag-engine"
_SERVICE = "kubernetes.io/service-name"
_WORKLOADS = {
    "worker": "deployment/rag-engine-worker",
    "ingest": "deployment/rag-engine-ingest",
    "embedder": "deployment/rag-engine-embedder",
    "gateway": "deployment/rag-engine-gateway",
    "reranker": "deployment/rag-engine-reranker",
    "scheduler": "deployment/rag-engine-scheduler",
    "web": "deployment/rag-engine-web",
    "postgres": "statefulset/postgres",
    "redis": "deployment/redis",
    "qdrant": "statefulset/qdrant",
}


@dataclass(frozen=True, slots=True)
class World:
    """The servers that stand around the bot. Before a real cluster there are no services to ask.

    `workloads` are those of the simulated cluster, each with the number of its pods.
    """

    slack: SlackServer
    kubeconfig: Path
    folder: Path
    targets: Targets | None = None
    workloads: tuple[tuple[ObjectRef, int], ...] = ()


@asynccontextmanager
async def open_world(command: Demo) -> AsyncIterator[World]:
    """Run the workspace, and the simulated cluster with its services unless a real one is given."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ragops-demo-")))
        slack = await stack.enter_async_context(SlackServer(demo_workspace()))
        if command.kubeconfig:
            yield World(slack, Path(command.kubeconfig), folder)
            return
        try:
            world = load(command.scenario)
        except UnknownScenario as error:
            raise UsageError(
                f"There is no scenario {command.scenario!r}; there are: {', '.join(error.known)}."
            ) from error
        server = await stack.enter_async_context(ClusterServer(world.store, world, world))
        targets = await stack.enter_async_context(open_targets(lambda name: ready_endpoints(world, name)))
        kubeconfig = folder / "kubeconfig"
        server.write_kubeconfig(kubeconfig)
        async with asyncio.TaskGroup() as group:
            running = group.create_task(world.run())
            try:
                yield World(slack, kubeconfig, folder, targets, workloads_of(world))
            finally:
                running.cancel()


def workloads_of(world: ClusterWorld) -> tuple[tuple[ObjectRef, int], ...]:
    """Return the workloads of the demo's namespace."""
    return tuple(
        (ObjectRef(kind, NAMESPACE, each["metadata"]["name"]), each["spec"]["replicas"])
        for kind, resource in (("Deployment", "deployments"), ("StatefulSet", "statefulsets"))
        for each in world.store.list(resource, NAMESPACE)
    )


def ready_endpoints(world: ClusterWorld, service: str) -> int:
    """Return how many ready endpoints a Service of the demo's namespace has in the simulated cluster."""
    slices = world.store.list("endpointslices", NAMESPACE)
    return sum(
        bool(endpoint.get("conditions", {}).get("ready"))
        for each in slices
        if each["metadata"].get("labels", {}).get(_SERVICE) == service
        for endpoint in each.get("endpoints") or ()
    )


def configuration_of(command: Demo, world: World) -> Configuration:
    """Configure the bot as an operator would: in `ragops.toml`'s own words."""
    workspace = world.slack.workspace
    groups = {name: workspace.groups[name].id for name in ("rag-oncall", "rag-leads")}
    channels = {name: workspace.channels[name].id for name in ("incidents", "general")}
    namespace = command.namespace or NAMESPACE
    lines = [
        "[clusters.demo]",
        f"kubeconfig = {json.dumps(str(world.kubeconfig))}",
        f"context = {json.dumps(command.context)}" if command.context else "",
        f"namespaces = {json.dumps(sorted({namespace, 'kube-system'}, key=lambda name: name != namespace))}",
        "[roles.viewer]",
        "everyone = true",
        "[roles.operator]",
        f"groups = [{json.dumps(groups['rag-oncall'])}]",
        "[roles.approver]",
        f"groups = [{json.dumps(groups['rag-leads'])}]",
        "[alerts]",
        f"warning = {json.dumps(channels['incidents'])}",
        "[digests.morning]",
        'cron = "0 9 * * 1-5"',
        f"channels = [{json.dumps(channels['general'])}]",
        f"namespaces = [{json.dumps(namespace)}]",
        *(_services(world.targets) if world.targets is not None else ()),
    ]
    return load_configuration("\n".join(lines), "the demo's ragops.toml")


def _services(targets: Targets) -> list[str]:
    """Return the service catalogue of the simulated cluster, and what its services depend on."""
    kinds = {"postgres": "postgresql", "redis": "redis", "qdrant": "qdrant"}
    addresses = {"postgres": targets.postgresql, "redis": targets.redis, "qdrant": targets.qdrant}
    lines = [
        "[services.api]",
        'workload = "deployment/rag-engine-api"',
        f"health_url = {json.dumps(targets.api)}",
        f"depends_on = {json.dumps(sorted(kinds))}",
    ]
    for alias, workload in _WORKLOADS.items():
        lines += [f"[services.{alias}]", f"workload = {json.dumps(workload)}"]
    for name, kind in kinds.items():
        lines += [
            f"[dependencies.{name}]",
            f"kind = {json.dumps(kind)}",
            f"address = {json.dumps(addresses[name])}",
            f"service = {json.dumps(name)}",
        ]
    return lines
